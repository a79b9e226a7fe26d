"""Classic captures: every layout, cut and damaged anywhere, against the plain loop."""

import struct
from itertools import pairwise

import pytest
from capture_feeding import fed
from capture_files import Taken, pcap_file
from hypothesis import given
from hypothesis import strategies as st
from oracles.capture import read_pcap
from strategies.capture_files import damaged, pcap_files

from wiresniff.capture.pcap import Pcap

NIGHT = 1_700_000_000_123_456_000


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tick_ns", [1, 1000])
def test_both_byte_orders_and_resolutions_tell_the_same_packet(order: str, tick_ns: int) -> None:
    """A packet has the same time, bytes and lengths however the file is written."""
    data = pcap_file([Taken(NIGHT, b"abcdef", 1500)], order=order, tick_ns=tick_ns)
    (packet,), damage = fed(Pcap(), data)
    assert packet == (1, NIGHT, b"abcdef", 1500, 0)
    assert damage is None


def test_nanoseconds_are_kept() -> None:
    """A nanosecond capture loses nothing."""
    (packet,), _ = fed(Pcap(), pcap_file([Taken(NIGHT + 789, b"a")], tick_ns=1))
    assert packet.time_ns == NIGHT + 789


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_patched_libpcap_writes_eight_bytes_more(order: str) -> None:
    """Kuznetzov's variant is told by its magic number."""
    packets, _ = fed(Pcap(), pcap_file([Taken(NIGHT, b"one"), Taken(NIGHT, b"two")], order=order, patched=True))
    assert [packet.data for packet in packets] == [b"one", b"two"]


def test_the_length_of_the_check_sequence_is_no_part_of_the_link_type() -> None:
    """Bits above the link type are masked."""
    pcap = Pcap()
    fed(pcap, pcap_file([], link_type=0x2400_0071))
    assert [interface.link_type for interface in pcap.interfaces] == [0x71]


def test_a_wire_length_below_the_captured_one_is_not_believed() -> None:
    """What was captured was on the wire."""
    data = bytearray(pcap_file([Taken(NIGHT, b"abcdef")]))
    struct.pack_into("<I", data, 24 + 12, 2)
    (packet,), _ = fed(Pcap(), bytes(data))
    assert packet.wire_length == 6


@pytest.mark.parametrize(
    ("at", "value", "words"),
    [(8, 300_000, "300,000 bytes"), (4, 1_000_000_000, "behind the second"), (8, 0xFFFFFFFF, "4,294,967,295 bytes")],
)
def test_a_record_header_that_cannot_be_true_ends_the_file(at: int, value: int, words: str) -> None:
    """The packet before it is read; nothing behind it is."""
    data = bytearray(pcap_file([Taken(NIGHT, b"abcd"), Taken(NIGHT, b"efgh"), Taken(NIGHT, b"ijkl")]))
    struct.pack_into("<I", data, 24 + 20 + at, value)
    packets, damage = fed(Pcap(), bytes(data))
    assert [packet.data for packet in packets] == [b"abcd"]
    assert damage is not None
    assert words in damage


def test_zeros_are_no_packets() -> None:
    """A file whose end was never written to disk ends there, and is not a million packets of 1970."""
    packets, damage = fed(Pcap(), pcap_file([Taken(NIGHT, b"abcd")]) + bytes(4096))
    assert len(packets) == 1
    assert damage == "zeros where a packet should begin"


def test_an_unknown_version_is_named() -> None:
    """Another major version may be laid out in another way."""
    data = bytearray(pcap_file([Taken(NIGHT, b"abcd")]))
    data[4] = 3
    assert fed(Pcap(), bytes(data)) == ([], "pcap of version 3, which is not known")


@given(pcap_files() | damaged(pcap_files()), st.data())
def test_any_pieces_give_what_the_plain_loop_gives(data: bytes, draws: st.DataObject) -> None:
    """Whole, damaged, and fed in pieces of any size: the same packets, and trouble is told."""
    cuts = draws.draw(st.lists(st.integers(0, len(data)), max_size=6))
    pieces = [data[start:stop] for start, stop in pairwise(sorted({0, len(data), *cuts}))]
    packets, damage = fed(Pcap(), *pieces)
    expected, ending = read_pcap(data)
    assert packets == expected
    assert (damage is not None) == (ending == "damaged")
