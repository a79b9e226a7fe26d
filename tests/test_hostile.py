"""Nothing on the wire raises, whatever it is; memory and time are bounded; every byte is accounted for."""

import gzip
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import ACK, FIN, RST, SYN, Conversation, Packet, head, packet_block, request, response
from capture_auditing import CAPTURES, PCAPS, Audited, fed
from hypothesis import given, settings
from hypothesis import strategies as st
from stage_feeding import Dissection, cut_into, dissected
from strategies.conversations import Told
from strategies.damage import CHANGES, Change, changed, damaged

from wiresniff.capture import CaptureFile
from wiresniff.model.errors import CaptureError

SECONDS = 20
"""A capture of some hundred packets takes some milliseconds; a machine may be busy."""
PIECES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from(
        (
            b"GET / HTTP/1.1\r\n",
            b"GET /",
            b" HTTP/1.1",
            b"POST * HTTP/1.0\r\n",
            b"CONNECT a:1 HTTP/1.1\r\n",
            b"HEAD / HTTP/1.1\r\n",
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 100 \r\n",
            b"HTTP/1.1 101 x\r\n",
            b"HTTP/1.1 304\r\n",
            b"HTTP/1.0 999\n",
            b"Content-Length: 5\r\n",
            b"Content-Length: 0\r\n",
            b"content-length:\t5,5\n",
            b"Content-Length: 99999999999999999\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Transfer-Encoding: x\r\n",
            b"Upgrade: h2c\r\n",
            b"Host: a\r\n",
            b"traceparent: 00-\r\n",
            b"\r\n",
            b"\n",
            b"\r",
            b"\r\n\r\n",
            b"\n\n",
            b" folded\r\n",
            b":\r\n",
            b"5\r\nhello\r\n",
            b"0\r\n\r\n",
            b"fffffffffffffff\r\n",
            b"5;x\r\n",
            b"-1\r\n",
            b"hello",
            b"\x16\x03\x01\x00\x05\x01",
            b"\x17\x03\x03\x00\x01",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        )
    ),
)


def packets_of(path: Path, first: int, last: int) -> tuple[tuple[int, ...], list[Packet]]:
    """Return some packets of a capture, and the link types of its interfaces."""
    capture = CaptureFile(str(path), 0)
    packets: list[Packet] = []
    for block in capture:
        columns = (block.offset, block.captured_length, block.timestamp_ns, block.interface)
        for at, length, time_ns, interface in zip(*(column.tolist() for column in columns), strict=True):
            packets.append(Packet(block.buffer[at : at + length], time_ns, None, interface))
    return tuple(interface.link_type for interface in capture.interfaces), packets[first:last]


EXCERPTS = {path.name: packets_of(path, 40, 160) for path in CAPTURES}
"""So many packets of each: whole connections and halves of some."""
SMALLEST = min(CAPTURES, key=lambda path: path.stat().st_size)
HEAD_BYTES = 20_000
"""Of a file: enough for its header, its interfaces and some connections."""


def audit(link_types: tuple[int, ...], packets: list[Packet], size: int) -> Audited:
    """Audit packets; whatever they are, each is counted, and none makes more than an exchange a few of its bytes."""
    begin = time.perf_counter()
    result = fed(
        packet_block(packets[at : at + size], link_types, first_number=at + 1) for at in range(0, len(packets), size)
    )
    assert time.perf_counter() - begin < SECONDS
    assert result.audit.accounting.counts["packets"] == len(packets)
    assert result.audit.accounting.counts["internal_errors"] == 0
    assert len(result.records) * 10 <= sum(len(packet.data) for packet in packets)
    return result


@settings(max_examples=60)
@given(st.sampled_from(sorted(EXCERPTS)), st.data(), st.sampled_from((1, 10, 1000)))
def test_damaged_packets_raise_nothing(name: str, data: st.DataObject, size: int) -> None:
    """Flipped bits, missing and additional bytes, cut, lost and doubled packets, wild times."""
    link_types, packets = EXCERPTS[name]
    audit(link_types, data.draw(damaged(packets)), size)


@settings(max_examples=40)
@given(st.sampled_from(CAPTURES), st.lists(CHANGES, min_size=1, max_size=6))
def test_damaged_files_raise_nothing_but_a_sentence(path: Path, changes: list[Change]) -> None:
    """A file is read as far as it can be believed, or refused with one sentence."""
    content = path.read_bytes()
    data = (gzip.decompress(content) if path.suffix == ".gz" else content)[:HEAD_BYTES]
    for change in changes:
        data = changed(data, change)
    audit_file(data)


@settings(max_examples=20)
@given(st.lists(CHANGES, min_size=1, max_size=3))
def test_damaged_compression_raises_nothing_but_a_sentence(changes: list[Change]) -> None:
    """As far as the stream can be decompressed."""
    data = gzip.compress((PCAPS / "tour.pcap").read_bytes()[:HEAD_BYTES], mtime=0)
    for change in changes:
        data = changed(data, change)
    audit_file(data)


def audit_file(data: bytes) -> None:
    """Audit a file of these bytes."""
    begin = time.perf_counter()
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(data)
        file.flush()
        capture = CaptureFile(file.name, 0)
        try:
            fed(iter(capture), capture)
        except CaptureError as error:
            assert "\n" not in str(error)  # noqa: PT017  # that there is no error is as good
    assert time.perf_counter() - begin < SECONDS


@st.composite
def nonsense(draw: st.DrawFn) -> list[Packet]:
    """Make a connection in which both sides talk nonsense, in any order, with any flags."""
    talk = Conversation(server=("10.0.0.2", draw(st.sampled_from((80, 50_000)))))
    if draw(st.booleans()):
        talk.open()
    for _ in range(draw(st.integers(1, 8))):
        octets = b"".join(draw(st.lists(PIECES, max_size=8)))
        from_client = draw(st.booleans())
        sends = talk.client_sends if from_client else talk.server_sends
        sends(octets, draw(st.sampled_from((1460, 9, 3))), lost=draw(st.integers(0, 7)) == 0)
        if draw(st.integers(0, 5)) == 0:
            flags = draw(st.sampled_from((ACK, SYN, SYN | ACK, FIN | ACK, RST, RST | ACK, FIN, 0, 0xFF)))
            position = draw(st.sampled_from((None, None, 0, 5, -1, 1 << 30)))
            acknowledges = draw(st.sampled_from((None, None, 0, 7, 1 << 20)))
            octets = draw(st.sampled_from((b"", b"?", b"HTTP/1.1 200 OK\r\n\r\n")))
            talk.segment(octets, from_client=from_client, flags=flags, position=position, acknowledges=acknowledges)
        if draw(st.integers(0, 3)) == 0:
            talk.clock.wait(draw(st.sampled_from((0.06, 31, 4000))))
    return Told(talk, talk.packets)


@given(nonsense())
def test_any_bytes_in_both_directions_raise_nothing(packets: list[Packet]) -> None:
    """And every byte that was delivered is read or counted as unread, once."""
    delivered = 0
    for size in (None, 1, 3):
        dissection = Dissection()
        for block in cut_into(packets, size):
            dissection.feed(block)
        dissection.close()
        accounted = dissection.parsed_bytes() + sum(dissection.opaque().values())
        delivered = delivered or accounted
        assert accounted == delivered


def requests_in(dissection: Dissection) -> list[tuple[object, ...]]:
    """Return the requests that were seen for certain."""
    return [
        (exchange.packet, exchange.sequence, exchange.time_ns, exchange.method, exchange.target, exchange.fields)
        for exchange in dissection.in_order()
        if exchange.unseen is None
    ]


@given(nonsense())
def test_any_bytes_are_told_alike_for_blocks_of_any_size(packets: list[Packet]) -> None:
    """Which requests there were, and what they said."""
    whole = requests_in(dissected(packets))
    for size in (1, 3):
        assert requests_in(dissected(packets, size)) == whole


CHUNKED = [("Transfer-Encoding", "chunked")]
FLOODS: dict[str, tuple[Callable[[int], bytes], Callable[[int], bytes], int]] = {
    "empty lines": (lambda n: b"\r\n" * n, lambda _: b"", 1460),
    "tiny chunks": (lambda n: head("POST / HTTP/1.1", CHUNKED) + b"1\r\nx\r\n" * n, lambda _: b"", 1460),
    "short lines": (lambda n: b"GET / HTTP/1.1\r\n" + b"a:\r\n" * n, lambda _: b"", 1460),
    "folded lines": (lambda n: b"GET / HTTP/1.1\r\na:\r\n" + b" b\r\n" * n + b"\r\n", lambda _: b"", 60_000),
    "lengths": (lambda n: b"GET / HTTP/1.1\r\n" + b"Content-Length: 1\r\n" * (n // 4) + b"\r\n", lambda _: b"", 60_000),
    "codings": (
        lambda n: b"GET / HTTP/1.1\r\n" + b"Transfer-Encoding: a\r\n" * (n // 4) + b"\r\n",
        lambda _: b"",
        60_000,
    ),
    "requests": (lambda n: b"A / HTTP/1.1\r\n\r\n" * (n // 4), lambda _: b"", 60_000),
    "answers": (lambda n: request("GET", "/") + b"\r\n" * (n // 9), lambda n: b"HTTP/1.1 200\r\n\r\n" * (n // 9), 1460),
    "interim": (lambda _: request("GET", "/"), lambda n: b"HTTP/1.1 100\r\n\r\n" * (n // 4) + response(200), 1460),
    "upgrades": (lambda n: request("GET", "/", fields=[("Upgrade", "a")]) * (n // 9), lambda _: b"", 1460),
    "single bytes": (lambda n: b"GET /" + b"a" * (n // 3), lambda n: b"HTTP/1.1 200 " + b"a" * (n // 3), 1),
}
"""What client and server say, by size, and in what segments."""


def flood(name: str, size: int) -> list[Packet]:
    """Return the packets of a flood."""
    client, server, mss = FLOODS[name]
    talk = Conversation()
    talk.clock.step_ns = 100
    talk.open()
    talk.client_sends(client(size), mss)
    talk.server_sends(server(size), mss)
    return talk.packets


def seconds_for(packets: list[Packet]) -> float:
    """Return how long reading takes, the best of two times."""
    (block,) = cut_into(packets, None)
    best = float("inf")
    for _ in range(2):
        begin = time.perf_counter()
        Dissection().feed(block).close()
        best = min(best, time.perf_counter() - begin)
    return best


@pytest.mark.parametrize("name", FLOODS)
def test_floods_take_linear_time(name: str) -> None:
    """Eight times as much takes about eight times as long, not sixty times."""
    short, long = seconds_for(flood(name, 2_000)), seconds_for(flood(name, 16_000))
    assert long < max(25 * short, 0.1)
    assert long < SECONDS


def test_disorder_without_end_takes_linear_time() -> None:
    """Every second byte, backwards, then everything in overlapping pieces."""

    def disorderly(count: int) -> list[Packet]:
        talk = Conversation()
        talk.clock.step_ns = 10
        talk.open()
        for position in range(2 * count, 0, -2):
            talk.segment(b"x", from_client=True, position=position)
        for position in range(0, 2 * count, 3):
            talk.segment(b"yyyyyyy", from_client=True, position=position)
        return talk.packets

    short, long = seconds_for(disorderly(500)), seconds_for(disorderly(4000))
    assert long < max(25 * short, 0.1)


def test_a_scan_keeps_nothing() -> None:
    """A thousand connections of one packet each, and a thousand of nonsense."""
    packets = []
    for number in range(1000):
        talk = Conversation(client=("10.0.0.1", 1024 + number))
        talk.segment(from_client=True, flags=SYN, position=-1)
        packets += talk.packets
        talk = Conversation(client=("10.0.0.3", 1024 + number))
        talk.segment(bytes(number % 50), from_client=True, flags=number % 64)
        packets += talk.packets
    dissection = dissected(packets, 100)
    assert dissection.exchanges == []
    assert not dissection.dissector._dialogues
    assert not dissection.reassembler._table.tracked
