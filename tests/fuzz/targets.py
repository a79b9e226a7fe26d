"""The targets themselves: one function per parser that takes any bytes and raises only for a bug of ours."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from wiresniff.capture.pcap import Pcap, is_pcap
from wiresniff.capture.pcapng import Pcapng, is_pcapng
from wiresniff.decode.decoder import Decoder
from wiresniff.decode.link import LINKS
from wiresniff.model.delivery import Columns, Connection, Data, Delivery, End, EndCause, Endpoint, Gap, GapCause, Item
from wiresniff.model.exchanges import Exchange, Traffic
from wiresniff.model.packets import PacketBlock
from wiresniff.protocols import Dissector, Event
from wiresniff.tracecontext import are_plain, is_traceparent_shaped

if TYPE_CHECKING:
    from wiresniff.capture.records import RecordFormat

CAUSES = tuple(EndCause)
LINK_TYPES = tuple(LINKS)


class Script:
    """Reads numbers and bytes off the input; past the end everything is 0 and empty."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.at = 0

    def number(self, width: int = 1) -> int:
        """Return the next number."""
        return int.from_bytes(self.take(width), "big")

    def take(self, length: int) -> bytes:
        """Return the next bytes."""
        taken = self.octets[self.at : self.at + length]
        self.at += length
        return taken

    def is_over(self) -> bool:
        """Nothing is left."""
        return self.at >= len(self.octets)


# the dissector


class Speaker:
    """One direction of a connection."""

    def __init__(self) -> None:
        self.position = 0
        self.ended = False


def deliveries(octets: bytes) -> Iterator[tuple[int, Item]]:
    """Read a script of what two sides say: each step is one byte of what it is, and its length.

    bit 0 of a step is its direction; the others say what it is: mostly bytes in one segment or several, at times a gap
    or an end.
    """
    script = Script(octets)
    sides = (Speaker(), Speaker())
    time_ns = 10**18
    packet = 0
    while not script.is_over():
        step = script.number()
        flow, kind = step & 1, step >> 1
        side, peer = sides[flow], sides[1 - flow]
        time_ns += 1000 if kind < 100 else 10**10
        if side.ended:
            script.take(1)
            continue
        if kind == 127:
            side.ended = True
            yield flow, End(side.position, CAUSES[script.number() % len(CAUSES)], time_ns)
        elif kind > 120:
            stop = side.position + 1 + script.number(2)
            cause = GapCause.LOST if kind & 1 else GapCause.CUT
            yield flow, Gap(side.position, stop, cause, time_ns)
            side.position = stop
        else:
            payload = script.take(1 + (script.number() if kind < 90 else script.number(2)))
            if not payload:
                continue
            packet += 1
            size = 1 + kind % 64 if kind & 32 else len(payload)
            cuts = list(range(side.position, side.position + len(payload), size))
            rows = len(cuts)
            starts = [cut - side.position for cut in cuts]
            columns = Columns(
                starts=starts,
                stops=[*starts[1:], len(payload)],
                cuts=cuts,
                times=[time_ns] * rows,
                packets=[packet] * rows,
                acknowledged=[peer.position] * rows,
            )
            stop = side.position + len(payload)
            yield flow, Data(side.position, stop, payload, columns, 0, rows, 0)
            side.position = stop
    for flow, side in enumerate(sides):
        if not side.ended:
            yield flow, End(side.position, EndCause.CAPTURE, time_ns)


def dissect(octets: bytes, together: int) -> tuple[list[Exchange], int, int]:
    """Feed a script, so many items at a time; return the exchanges, the bytes delivered and those accounted for."""
    dissector = Dissector(frozenset([b"traceparent"]), partial(are_plain, level=2), is_traceparent_shaped)
    connection = Connection(1, (Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 80)), 0)
    late = len(octets) % 4 == 1
    connection.joined_late = [late, late]
    items = list(deliveries(octets))
    events: list[Event] = []
    for start in range(0, len(items), together):
        some = items[start : start + together]
        events += dissector.feed(Delivery(connection, some))
        times = [item.time_ns if not isinstance(item, Data) else item.columns.times[-1] for _, item in some]
        events += dissector.flush(max(times))
    delivered = sum(item.stop - item.position for _, item in items if isinstance(item, Data))
    accounted = sum(event.parsed_bytes + event.opaque_bytes for event in events if isinstance(event, Traffic))
    return [event for event in events if isinstance(event, Exchange)], delivered, accounted


def certain(exchanges: list[Exchange]) -> list[tuple[object, ...]]:
    """Return the requests that were seen for certain, in order."""
    return sorted(
        (exchange.packet, exchange.sequence, exchange.method, exchange.target, str(exchange.fields))
        for exchange in exchanges
        if exchange.unseen is None
    )


def fuzz_dissector(octets: bytes) -> None:
    """Nothing raises; every byte is accounted for; items one by one or together tell the same."""
    exchanges, delivered, accounted = dissect(octets, 1)
    assert accounted == delivered
    again, _, accounted_again = dissect(octets, 1000)
    assert accounted_again == delivered
    assert certain(again) == certain(exchanges)


# records of captures


def fuzz_records(octets: bytes) -> None:
    """Nothing raises; rows lie within the buffer; reading comes to an end."""
    records_format: RecordFormat
    if is_pcap(octets):
        records_format = Pcap()
    elif is_pcapng(octets):
        records_format = Pcapng()
    else:
        return
    step = 1 + octets[-1] * 16
    buffer = b""
    for start in range(0, len(octets), step):
        buffer += octets[start : start + step]
        records = records_format.read(buffer)
        check_rows(records.offset, records.captured_length, len(buffer))
        assert 0 <= records.used <= len(buffer)
        if records.damage is not None:
            assert "\n" not in records.damage
            return
        assert records.used + records.needed > len(buffer)
        buffer = buffer[records.used :]


def check_rows(offset: "np.typing.NDArray[np.int64]", length: "np.typing.NDArray[np.int64]", size: int) -> None:
    """Assert that every packet lies within the buffer."""
    assert (offset >= 0).all()
    assert (length >= 0).all()
    assert (offset + length <= size).all()


# the decoder


def fuzz_decoder(octets: bytes) -> None:
    """Nothing raises; segments keep their invariants; each packet is counted."""
    script = Script(octets)
    link_types = tuple(LINK_TYPES[script.number() % len(LINK_TYPES)] for _ in range(1 + script.number() % 3))
    packets = []
    while not script.is_over():
        interface, beyond = script.number() % len(link_types), script.number()
        packets.append((interface, beyond if beyond < 64 else 0, script.take(script.number())))
    decoder = Decoder(hash_key=1)
    size = 1 + len(octets) % 7
    for start in range(0, len(packets), size):
        block = block_of(packets[start : start + size], link_types, start)
        decoder.feed(block).check()
    decoder.flush(0)
    assert decoder.counters()["packets"] == len(packets)


def block_of(packets: list[tuple[int, int, bytes]], link_types: tuple[int, ...], first: int) -> PacketBlock:
    """Return packets as a block: interface, bytes on the wire beyond those captured, captured bytes."""

    def column(values: list[int]) -> "np.typing.NDArray[np.int64]":
        return np.array(values, dtype=np.int64)

    lengths = [len(data) for _, _, data in packets]
    block = PacketBlock(
        buffer=b"".join(data for _, _, data in packets),
        offset=column([sum(lengths[:row]) for row in range(len(packets))]),
        captured_length=column(lengths),
        wire_length=column([len(data) + beyond for _, beyond, data in packets]),
        timestamp_ns=column([10**18 + (first + row) * 10**9 for row in range(len(packets))]),
        number=column([first + row + 1 for row in range(len(packets))]),
        interface=column([interface for interface, _, _ in packets]),
        link_types=link_types,
    )
    block.check()
    return block
