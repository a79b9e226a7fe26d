"""pcapng captures: sections, interfaces, all packet blocks, cut and damaged anywhere, against the plain loop."""

import struct
from itertools import pairwise

import pytest
from capture_feeding import fed
from capture_files import Taken, block, enhanced, interface, obsolete, option, section, simple
from hypothesis import given
from hypothesis import strategies as st
from oracles.capture import read_pcapng
from strategies.capture_files import damaged, pcapng_files

from wiresniff.capture.pcapng import Pcapng
from wiresniff.capture.records import Interface
from wiresniff.model.limits import INTERFACES

NIGHT = 1_700_000_000_123_456_000


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_enhanced_packet_in_either_byte_order(order: str) -> None:
    """Time, bytes and lengths are the same."""
    packet = Taken(NIGHT, b"abcdef", 1500)
    packets, damage = fed(Pcapng(), section(order) + interface(order=order) + enhanced(packet, order=order))
    assert packets == [(1, NIGHT, b"abcdef", 1500, 0)]
    assert damage is None


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_obsolete_packet_has_a_drop_count_beside_its_interface(order: str) -> None:
    """Two 16-bit fields lie where the enhanced packet block has one of 32 bits."""
    pieces = section(order), interface(order=order), interface(order=order)
    last = obsolete(Taken(NIGHT, b"abc", interface=1), drops=9, order=order)
    assert fed(Pcapng(), b"".join(pieces) + last)[0] == [(1, NIGHT, b"abc", 3, 1)]


def test_a_simple_packet_is_cut_by_its_interface_and_has_the_time_of_the_one_before() -> None:
    """Its captured length follows from the snap length; the format gives it no time."""
    data = section() + interface(snap_length=4) + simple(b"0123", 10) + enhanced(Taken(NIGHT, b"abcd"))
    packets, _ = fed(Pcapng(), data + simple(b"wxyz", 9))
    assert packets == [(1, 0, b"0123", 10, 0), (2, NIGHT, b"abcd", 4, 0), (3, NIGHT, b"wxyz", 9, 0)]


def test_interfaces_are_numbered_over_all_sections() -> None:
    """The first interface of the second section follows the last of the first; clocks and names are their own."""
    pcapng = Pcapng()
    first = section() + interface(1, name=b"eth0") + interface(113, resolution=9)
    second = section(">") + interface(1, name=b"eth0", resolution=3, order=">")
    packets, _ = fed(
        pcapng,
        first + enhanced(Taken(0, b"a", interface=1), units=NIGHT) + second
        + enhanced(Taken(0, b"b"), units=NIGHT // 1_000_000, order=">"),
    )  # fmt: skip
    assert [(packet.interface, packet.time_ns) for packet in packets] == [(1, NIGHT), (2, NIGHT // 10**6 * 10**6)]
    assert pcapng.interfaces == [Interface(1, "eth0"), Interface(113), Interface(1, "eth0")]


def test_an_offset_is_added_to_every_time() -> None:
    """if_tsoffset counts whole seconds."""
    data = section() + interface(offset_seconds=1_600_000_000) + enhanced(Taken(0, b"a"), units=5)
    assert fed(Pcapng(), data)[0][0].time_ns == 1_600_000_000_000_005_000


def test_other_blocks_are_stepped_over() -> None:
    """Name resolution and statistics hold no packets, neither do types that nobody knows."""
    data = (
        section() + interface() + block(4, b"names") + block(0x7777, b"") + enhanced(Taken(NIGHT, b"a")) + block(5, b"")
    )
    assert [packet.data for packet in fed(Pcapng(), data)[0]] == [b"a"]


def test_blocks_that_wireshark_numbers_take_a_number() -> None:
    """A custom block is shown like a packet, so the packet after it is number 2."""
    data = section() + interface() + block(0xBAD, b"mine") + enhanced(Taken(NIGHT, b"a"))
    assert fed(Pcapng(), data)[0][0].number == 2


def spoiled(data: bytes, at: int, value: int) -> bytes:
    """Return the bytes with a word changed."""
    changed = bytearray(data)
    struct.pack_into("<I", changed, at, value)
    return bytes(changed)


PACKET = enhanced(Taken(NIGHT, b"abcd"))


@pytest.mark.parametrize(
    ("block_bytes", "words"),
    [
        (spoiled(PACKET, 4, 0xFFFFFFF0), "claims 4,294,967,280 bytes"),
        (spoiled(PACKET, 4, 37), "not a multiple of 4"),
        (spoiled(PACKET, 4, 8), "8 bytes where 32 are the least"),
        (spoiled(PACKET, 8, 1), "interface that is not described"),
        (spoiled(PACKET, 20, 5), "longer than its block"),
        (spoiled(PACKET, len(PACKET) - 4, 40), "two lengths differ"),
        (spoiled(block(4, b""), 8, 16), "two lengths differ"),
        (spoiled(section(), 8, 7), "without byte order"),
        (section(major=2), "version 2"),
        (enhanced(Taken(NIGHT, bytes(300_000))), "more than 262,144 bytes"),
        (block(1, bytes(8) + option(14, b"abc")), "clock is not described in full"),
        (interface() * INTERFACES, "more than 4,096 interfaces"),
    ],
)
def test_a_block_that_cannot_be_true_ends_the_file(block_bytes: bytes, words: str) -> None:
    """The packet before it is read; nothing behind it is; what is wrong is said."""
    packets, damage = fed(Pcapng(), section() + interface() + PACKET + block_bytes + PACKET)
    assert [packet.data for packet in packets] == [b"abcd"]
    assert damage is not None
    assert words in damage


@given(pcapng_files | damaged(pcapng_files), st.data())
def test_any_pieces_give_what_the_plain_loop_gives(data: bytes, draws: st.DataObject) -> None:
    """Whole, damaged, and fed in pieces of any size: the same packets, and trouble is told."""
    cuts = draws.draw(st.lists(st.integers(0, len(data)), max_size=6))
    pieces = [data[start:stop] for start, stop in pairwise(sorted({0, len(data), *cuts}))]
    packets, damage = fed(Pcapng(), *pieces)
    expected, ending = read_pcapng(data)
    assert packets == expected
    assert (damage is not None) == (ending == "damaged")
