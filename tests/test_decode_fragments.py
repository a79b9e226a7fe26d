"""IP fragments put together: any order, overlaps, loss, bounds."""

from collections.abc import Sequence
from itertools import permutations

import pytest
from builders import Packet, packet_block, tcp_segment
from hypothesis import given
from hypothesis import strategies as st

from wiresniff.decode.decoder import Decoder
from wiresniff.decode.fragments import Fragment, FragmentKey, FragmentTable, Whole
from wiresniff.model import limits

SECOND = 1_000_000_000
A, B = ("10.0.0.1", 40_000), ("10.0.0.2", 80)
PAYLOAD = bytes(range(60))
SEGMENT = tcp_segment(A, B, sequence=1, payload=PAYLOAD)
ADDRESSES = bytes([10, 0, 0, 1, 10, 0, 0, 2])


def key(number: int = 1) -> FragmentKey:
    """Return the key of a datagram."""
    return FragmentKey(b"a", b"b", 6, number, 0, 0)


def feed(table: FragmentTable, start: int, payload: bytes, *, last: bool = False, number: int = 1, now: int = 0,
         wire: int | None = None) -> Whole | None:  # fmt: skip
    """Add a fragment that begins at `start`."""
    fragment = Fragment(start, start + (len(payload) if wire is None else wire), payload)
    return table.add(key(number), fragment, 6, now, is_last=last)


def frame(start: int, stop: int, *, identification: int = 9) -> bytes:
    """Return an Ethernet frame with bytes start to stop of SEGMENT in an IPv4 fragment."""
    more = stop < len(SEGMENT)
    fields = [0x4500, 20 + stop - start, identification, more << 13 | start // 8, 64 << 8 | 6, 0]
    header = b"".join(field.to_bytes(2) for field in fields) + ADDRESSES
    return bytes(12) + b"\x08\x00" + header + SEGMENT[start:stop]


def segments_of(frames: Sequence[bytes], *, cut: int | None = None) -> tuple[list[tuple[int, bytes, int]], Decoder]:
    """Decode frames one second apart: packet number, payload and cut length of each segment."""
    packets = [Packet(data, number * SECOND) for number, data in enumerate(frames)]
    if cut is not None:
        packets[0].captured = cut
    decoder = Decoder(1)
    block = decoder.feed(packet_block(packets))
    block.check()
    payloads = [
        block.buffer[at : at + size]
        for at, size in zip(block.payload_at.tolist(), block.payload_length.tolist(), strict=True)
    ]
    return list(zip(block.number.tolist(), payloads, block.cut_length.tolist(), strict=True)), decoder


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_fragments_come_in_any_order(order: tuple[int, ...]) -> None:
    """The segment has the number of the packet that completes it, and the whole payload."""
    frames = [frame(0, 32), frame(32, 56), frame(56, 80)]
    rows, decoder = segments_of([frames[at] for at in order])
    assert rows == [(3, PAYLOAD, 0)]
    assert decoder.counters()["fragments"] == 3
    assert decoder.anomalies() == {}


def test_the_buffer_grows_by_reassembled_datagrams_only() -> None:
    """A block with one fragmented datagram has its own bytes first, then those of the datagram."""
    packets = [Packet(frame(0, 32), 1), Packet(frame(32, 80), 2)]
    block = packet_block(packets)
    assert Decoder(1).feed(block).buffer == block.buffer + SEGMENT


def test_a_lost_fragment_gives_no_segment() -> None:
    """Every fragment of a datagram that is never completed counts, at the end of the input at the latest."""
    rows, decoder = segments_of([frame(0, 32), frame(56, 80)])
    assert rows == []
    assert decoder.anomalies() == {}
    decoder.flush(0)
    assert decoder.anomalies() == {"fragment-dropped": 2}


def test_a_cut_in_the_last_fragment_is_a_cut_of_the_payload() -> None:
    """What the snap length took off is known, not made up."""
    last = frame(32, 80)
    rows, _ = segments_of([last, frame(0, 32)], cut=len(last) - 5)
    assert rows == [(2, PAYLOAD[:-5], 5)]


def test_a_cut_in_the_middle_cuts_all_behind_it() -> None:
    """Bytes behind a hole have no place in one stretch of payload."""
    first = frame(0, 32)
    rows, _ = segments_of([first, frame(32, 80)], cut=len(first) - 4)
    assert rows == [(2, PAYLOAD[:8], 52)]


def test_the_first_copy_of_an_overlap_wins() -> None:
    """Bytes that differ are an anomaly, equal ones are not."""
    table = FragmentTable()
    assert feed(table, 0, b"aaaaaaaa" * 2) is None
    assert feed(table, 8, b"aaaaaaaa") is None
    assert table.anomalies == {}
    assert feed(table, 8, b"bbbbbbbbcc", last=True) == Whole(b"a" * 16 + b"cc", 18, 6)
    assert table.anomalies == {"fragment-overlap": 1}


@given(st.permutations([(0, 16), (8, 32), (16, 24), (24, 48), (40, 50), (0, 8)]))
def test_overlapping_copies_of_one_datagram_always_make_it(ranges: list[tuple[int, int]]) -> None:
    """Whatever the order, equal copies give the datagram as soon as it is covered, without an anomaly."""
    content = bytes(range(50))
    table = FragmentTable()
    covered: set[int] = set()
    for start, stop in ranges:
        whole = feed(table, start, content[start:stop], last=stop == 50)
        covered |= set(range(start, stop))
        assert (whole is not None) == (len(covered) == 50)
        if whole is not None:
            assert whole.payload == content
            break
    assert table.anomalies == {}
    assert table.cost == 0


def test_the_first_first_fragment_names_the_protocol() -> None:
    """What later fragments say of it is ignored (RFC 8200 4.5), a second copy of the first one too."""
    table = FragmentTable()
    for protocol, start in ((17, 8), (60, 0), (6, 0)):
        table.add(key(), Fragment(start, start + 8, b"x" * 8), protocol, 0, is_last=False)
    assert table.add(key(), Fragment(16, 17, b"x"), 6, 0, is_last=True) == Whole(b"x" * 17, 17, 60)


def test_a_datagram_has_one_end() -> None:
    """A fragment behind the end, or a second end elsewhere, is dropped."""
    table = FragmentTable()
    feed(table, 16, b"x" * 8, last=True)
    assert feed(table, 24, b"y" * 8) is None
    assert feed(table, 8, b"y" * 8, last=True) is None
    assert feed(table, 0, b"z" * 16) == Whole(b"z" * 16 + b"x" * 8, 24, 6)
    assert table.anomalies == {"fragment-dropped": 2}
    feed(table, 16, b"x" * 8)
    feed(table, 0, b"x" * 8, last=True)
    assert table.anomalies == {"fragment-dropped": 3}


@pytest.mark.parametrize(("start", "size", "last"), [(0, 0, False), (0, 7, False), (65_528, 8, True)])
def test_impossible_fragments_are_dropped(start: int, size: int, last: bool) -> None:
    """Empty ones, odd ones in the middle, and those that reach beyond 64 KiB (the ping of death)."""
    table = FragmentTable()
    assert feed(table, start, bytes(size), last=last) is None
    assert table.anomalies == {"fragment-dropped": 1}
    assert len(table) == 0


def test_waiting_is_bounded_in_time() -> None:
    """A fragment that comes after the limit meets nobody."""
    table = FragmentTable()
    feed(table, 0, b"x" * 8, now=SECOND)
    late = (limits.FRAGMENT_SECONDS + 1) * SECOND
    assert feed(table, 8, b"x", last=True, now=late) == Whole(b"x" * 9, 9, 6)
    feed(table, 0, b"x" * 8, now=late)
    assert feed(table, 8, b"x", last=True, now=2 * late) is None
    assert table.anomalies == {"fragment-dropped": 1}


def test_packets_of_any_kind_pass_time() -> None:
    """A datagram is given up once the capture is past its time, without another fragment."""
    decoder = Decoder(1)
    decoder.feed(packet_block([Packet(frame(0, 32), SECOND)]))
    assert decoder.anomalies() == {}
    decoder.feed(packet_block([Packet(bytes(60), SECOND * (limits.FRAGMENT_SECONDS + 2))]))
    assert decoder.anomalies() == {"fragment-dropped": 1}


def test_waiting_is_bounded_in_bytes() -> None:
    """The oldest datagrams go first; what is charged never stays above the limit, tiny fragments included."""
    table = FragmentTable()
    count = limits.FRAGMENT_TABLE_BYTES // (limits.FRAGMENT_COST_BYTES + 8)
    for number in range(count + 10):
        feed(table, 0, b"x" * 8, number=number)
        assert table.cost <= limits.FRAGMENT_TABLE_BYTES
    assert len(table) == count
    assert table.anomalies == {"fragment-dropped": 10}
    assert feed(table, 8, b"y", last=True, number=count + 9) == Whole(b"x" * 8 + b"y", 9, 6)
    assert feed(table, 8, b"y", last=True, number=0) is None


def test_a_datagram_of_the_smallest_fragments_is_put_together_in_linear_time() -> None:
    """8,191 fragments of 8 bytes, from the end to the start."""
    table = FragmentTable()
    for start in range(65_520, 0, -8):
        assert feed(table, start, b"x" * 8, last=start == 65_520) is None
    assert feed(table, 0, b"x" * 8) == Whole(b"x" * 65_528, 65_528, 6)


def test_fragments_of_udp_are_not_kept() -> None:
    """What can't hold TCP is counted at once and takes no room."""
    data = bytearray(frame(0, 32))
    data[14 + 9] = 17
    rows, decoder = segments_of([bytes(data)])
    assert rows == []
    assert decoder.not_tcp() == {"udp": 1}
    decoder.flush(0)
    assert decoder.anomalies() == {}
