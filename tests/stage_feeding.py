"""Feeds packets to the stages behind the capture, the way the pipeline does, and tells what came of it.

What a flow delivered reads as a list: bytes that are there, and words for what is not::

    ["lost 0-4", b"what follows", "cut 16-20", "end: fin"]
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, repeat
from typing import NamedTuple, TypeAlias

from builders import ETHERNET, Conversation, Packet, packet_block

from wiresniff.decode.decoder import Decoder
from wiresniff.model.delivery import Connection, Data, Delivery, End, EndCause, Endpoint, Gap, Item
from wiresniff.model.exchanges import Alike, Exchange, Traffic
from wiresniff.model.packets import PacketBlock
from wiresniff.model.segments import SegmentBlock
from wiresniff.protocols import Dissector, Event
from wiresniff.reassembly import Reassembler
from wiresniff.tracecontext import are_plain, is_traceparent_shaped

Said: TypeAlias = list[bytes | str]
Sizes: TypeAlias = int | Sequence[int] | None
"""Packets per block: so many each, these in turn over and over, or (None) all in one."""

TOLD_BY_A_PACKET = (EndCause.FIN, EndCause.RESET, EndCause.REPLACED)
"""Ends that have a time of their own."""
HASH_KEY = 7
KEPT_FIELDS = frozenset([b"traceparent"])
ARE_PLAIN = partial(are_plain, level=2)


class Row(NamedTuple):
    """One segment of what a flow delivered, or a gap, or the end."""

    position: int
    what: bytes | str
    time_ns: int
    packet: int
    acknowledged: int


class Heard:
    """What was delivered of one connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.rows: tuple[list[Row], list[Row]] = ([], [])

    def flow_of(self, end: tuple[str, int]) -> int:
        """Return the flow that an endpoint sends."""
        return self.connection.endpoints.index(Endpoint(*end))

    def said(self, end: tuple[str, int]) -> Said:
        """Return what an endpoint said, runs and losses that follow on as one."""
        said: Said = []
        for row in self.rows[self.flow_of(end)]:
            last = said[-1] if said else None
            if isinstance(row.what, bytes) and isinstance(last, bytes):
                said[-1] = last + row.what
            elif isinstance(row.what, str) and isinstance(last, str) and row.what.startswith("lost"):
                said[-1] = f"{last.rpartition('-')[0]}-{row.what.rpartition('-')[2]}"  # known to be lost bit by bit
            else:
                said.append(row.what)
        return said

    def take(self, flow: int, item: Item) -> None:
        """Write an item down, and check that it follows on from what was delivered before."""
        rows = self.rows[flow]
        assert not rows or not str(rows[-1].what).startswith("end"), "nothing comes behind an end"
        reached = self.reached(flow)
        assert item.position == reached
        if isinstance(item, Data):
            rows += rows_of(item)
        elif isinstance(item, Gap):
            assert item.stop > item.position
            word = {"lost": "lost", "truncated": "cut"}[item.cause]
            rows.append(Row(item.position, f"{word} {item.position}-{item.stop}", item.time_ns, 0, 0))
        else:
            assert isinstance(item, End)
            time_ns = item.time_ns if item.cause in TOLD_BY_A_PACKET else 0
            rows.append(Row(item.position, f"end: {item.cause}", time_ns, 0, 0))

    def reached(self, flow: int) -> int:
        """Return the position behind everything that was delivered of a flow."""
        if not self.rows[flow]:
            return 0
        last = self.rows[flow][-1]
        if isinstance(last.what, bytes):
            return last.position + len(last.what)
        return int(last.what.rpartition("-")[2]) if "-" in last.what else last.position


def rows_of(run: Data) -> list[Row]:
    """Return the segments of a run, and check that they are one stretch, however it is read."""
    columns, rows = run.columns, []
    assert run.first < run.last
    assert columns.cuts[run.first] == run.position
    for row in range(run.first, run.last):
        octets = run.buffer[columns.starts[row] : columns.stops[row]]
        stop = columns.cuts[row + 1] if row + 1 < run.last else run.stop
        assert len(octets) == stop - columns.cuts[row] > 0
        rows.append(Row(columns.cuts[row], octets, columns.times[row], columns.packets[row], columns.acknowledged[row]))
    return rows


def cut_into(
    packets: Sequence[Packet], sizes: Sizes, link_types: tuple[int, ...] = (ETHERNET,)
) -> Iterator[PacketBlock]:
    """Give packets as blocks."""
    at = 0
    for size in steps(len(packets), sizes):
        yield packet_block(packets[at : at + size], link_types, first_number=at + 1)
        at += size


def steps(total: int, sizes: Sizes) -> Iterator[int]:
    """Give block sizes until `total` is reached."""
    in_turn: Iterable[int] = repeat(sizes) if isinstance(sizes, int) else chain.from_iterable(repeat(sizes or [total]))
    left = total
    for size in in_turn:
        if left <= 0:
            return
        yield min(size, left)
        left -= size


def segment_blocks(packets: Sequence[Packet], sizes: Sizes = None) -> list[SegmentBlock]:
    """Decode packets block by block."""
    decoder = Decoder(HASH_KEY)
    blocks = [decoder.feed(block) for block in cut_into(packets, sizes)]
    for block in blocks:
        block.check()
    return blocks


class Reassembly:
    """A reassembler, and what it delivered of each connection, in the order in which they began."""

    def __init__(self) -> None:
        self.reassembler = Reassembler()
        self.heard: dict[int, Heard] = {}
        self.now_ns = 0

    def feed(self, block: SegmentBlock) -> "Reassembly":
        """Feed a block, and let the time pass that it brings."""
        for deliveries in self.reassembler.feed(block):
            self.take(deliveries)
        if len(block):
            self.now_ns = max(self.now_ns, int(block.timestamp_ns.max()))
            self.take(self.reassembler.flush(self.now_ns))
        return self

    def wait(self, seconds: float) -> "Reassembly":
        """Let time pass without a packet."""
        self.now_ns += round(seconds * 1e9)
        self.take(self.reassembler.flush(self.now_ns))
        return self

    def close(self) -> "Reassembly":
        """End the capture."""
        self.take(self.reassembler.close())
        return self

    def take(self, deliveries: Iterable[Delivery]) -> None:
        """Write deliveries down at once: they are views into their block."""
        for connection, items in deliveries:
            heard = self.heard.setdefault(connection.number, Heard(connection))
            for flow, item in items:
                heard.take(flow, item)

    def counts(self) -> Counter[str]:
        """Return what was counted, anomalies too."""
        return self.reassembler.counters() + self.reassembler.anomalies()

    def all_rows(self) -> list[tuple[tuple[Endpoint, Endpoint], tuple[list[Row], list[Row]]]]:
        """Return everything that was delivered, connection by connection."""
        return sorted((heard.connection.endpoints, heard.rows) for heard in self.heard.values())


def reassembled(packets: Sequence[Packet], sizes: Sizes = None) -> Reassembly:
    """Put a whole capture in order."""
    reassembly = Reassembly()
    for block in segment_blocks(packets, sizes):
        reassembly.feed(block)
    return reassembly.close()


def heard_of(talk: Conversation, packets: Sequence[Packet] | None = None) -> tuple[Said, Said]:
    """Return what client and server said in the first connection of a capture, the same for blocks of any size."""
    capture = talk.packets if packets is None else packets
    whole = reassembled(capture)
    for size in (1, 2):
        assert reassembled(capture, size).all_rows() == whole.all_rows()
    return whole.heard[1].said(talk.client), whole.heard[1].said(talk.server)


class Dissection:
    """The stages up to the exchanges, and what came out of them."""

    def __init__(self) -> None:
        self.decoder = Decoder(HASH_KEY)
        self.reassembler = Reassembler()
        self.dissector = Dissector(KEPT_FIELDS, ARE_PLAIN, is_traceparent_shaped)
        self.exchanges: list[Exchange] = []
        self.alike = 0
        """Exchanges that were told as alike."""
        self.traffic: list[Traffic] = []
        self.now_ns = 0

    def feed(self, block: PacketBlock) -> "Dissection":
        """Feed a block, and let the time pass that it brings."""
        for deliveries in self.reassembler.feed(self.decoder.feed(block)):
            self.dissector.look_ahead(deliveries)
            self.take(deliveries)
            self.sort_out(self.dissector.alike())
        return self.wait_until(max(self.now_ns, block.now_ns))

    def wait_until(self, now_ns: int) -> "Dissection":
        """Let time pass without a packet."""
        self.now_ns = now_ns
        self.take(self.reassembler.flush(now_ns))
        self.sort_out(self.dissector.flush(now_ns))
        return self

    def close(self) -> "Dissection":
        """End the capture."""
        self.take(self.reassembler.close())
        return self

    def take(self, deliveries: Iterable[Delivery]) -> None:
        """Dissect deliveries at once: they are views into their block."""
        for delivery in deliveries:
            self.sort_out(self.dissector.feed(delivery))

    def sort_out(self, events: Iterable[Event]) -> None:
        """Keep exchanges and accounts of traffic apart."""
        for event in events:
            if isinstance(event, Exchange):
                self.exchanges.append(event)
            elif isinstance(event, Alike):
                self.exchanges += event.exchanges()
                self.alike += event.requests
            elif isinstance(event, Traffic):
                self.traffic.append(event)

    def in_order(self) -> list[Exchange]:
        """Return the exchanges in the order of their heads."""
        return sorted(self.exchanges, key=lambda exchange: (exchange.packet, exchange.time_ns, exchange.sequence))

    def told(self) -> list[str]:
        """Return the exchanges in words, in the order of their heads."""
        return [told(exchange) for exchange in self.in_order()]

    def anomalies(self) -> Counter[str]:
        """Return what was odd in the messages."""
        return +self.dissector.anomalies()

    def opaque(self) -> dict[str, int]:
        """Return the bytes that could not be read, by reason."""
        opaque: Counter[str] = Counter()
        for account in self.traffic:
            if account.reason is not None:
                opaque[account.reason] += account.opaque_bytes
        return dict(opaque)

    def parsed_bytes(self) -> int:
        """Return the bytes that were read, or skipped knowingly."""
        return sum(account.parsed_bytes for account in self.traffic)


def told(exchange: Exchange) -> str:
    """Say an exchange in words: `GET /a -> 200`, `GET /b [gap] -> 200 ...` (its end unseen), `POST /c -> nothing`."""
    line = f"{text(exchange.method)} {text(exchange.target)}"
    unseen = f" [{exchange.unseen}]" if exchange.unseen is not None else ""
    if exchange.status is not None:
        answer = f"{exchange.status}" if exchange.complete else f"{exchange.status} ..."
    else:
        answer = "nothing" if exchange.unanswered else "?"
    return f"{line}{unseen} -> {answer}"


def text(octets: bytes | None) -> str:
    """Return bytes as characters."""
    return "?" if octets is None else octets.decode("latin-1")


def dissected(packets: Sequence[Packet], sizes: Sizes = None, link_types: tuple[int, ...] = (ETHERNET,)) -> Dissection:
    """Read a whole capture."""
    dissection = Dissection()
    for block in cut_into(packets, sizes, link_types):
        dissection.feed(block)
    return dissection.close()


FACTS = (
    "packet", "time_ns", "client", "server", "protocol", "version", "capture", "sequence", "method",
    "target", "fields", "unseen", "authority", "user_agent", "preflight", "status", "response_time_ns", "end_time_ns",
    "complete", "unanswered", "grpc_status", "inferred", "stream",
)  # fmt: skip


def facts(exchange: Exchange) -> dict[str, object]:
    """Return everything that is known of an exchange, to compare."""
    return {name: getattr(exchange, name) for name in FACTS}


def heard_messages(packets: Sequence[Packet] | Conversation, link_types: tuple[int, ...] = (ETHERNET,)) -> Dissection:
    """Read a whole capture, and check that blocks of any size tell the same."""
    capture = packets.packets if isinstance(packets, Conversation) else packets
    whole = dissected(capture, None, link_types)
    for size in (1, 2):
        again = dissected(capture, size, link_types)
        assert again.told() == whole.told()
        assert [facts(exchange) for exchange in again.in_order()] == [facts(exchange) for exchange in whole.in_order()]
        assert again.anomalies() == whole.anomalies()
        assert (again.opaque(), again.parsed_bytes()) == (whole.opaque(), whole.parsed_bytes())
    return whole


def exchanges_in(packets: Sequence[Packet] | Conversation) -> list[str]:
    """Return the exchanges of a capture in words, the same for blocks of any size."""
    return heard_messages(packets).told()
