"""The ring of packet sockets as the kernel leaves it in memory, and as it never should."""

import struct
import sys

import pytest
from builders import UDP, ip_packet, link_frame, udp_datagram
from hypothesis import given
from hypothesis import strategies as st
from oracles import ring as oracle
from ring_blocks import BLOCK_BYTES, LOOPBACK, NO_HEADER, Seen, block

from wiresniff.capture.ring import LINK_COOKED, LINK_ETHERNET, Ring, RingPackets, joined
from wiresniff.decode.decoder import Decoder
from wiresniff.model.limits import RING_READ_BYTES
from wiresniff.model.packets import PacketBlock

NETWORK = ip_packet("10.0.0.1", "10.0.0.2", UDP, udp_datagram(("10.0.0.1", 1000), ("10.0.0.2", 9), b"payload"))
FRAME = link_frame(NETWORK)


TAGGED = (
    "02000000300000002100000002000000300000004001000001000000000000005241036bb76a3b2d5241036b4b4a362e88000000524103"
    "6ba62f362e350000003500000051000000520060000000000007000000a888000000000000000000001100810002000000010003060200"
    "00000001000000000000000000000000000000000200000000020200000000018100000808004500002300004000401126c80a0000010a"
    "00000203e80009000f00007061796c6f616400000000005241036b4b4a362e310000003100000051000000520060000000000009000000"
    "00810000000000000000000011000800020000000100030602000000000100000000000000000000000000000000020000000002020000"
    "00000108004500002300004000401126c80a0000010a00000203e80009000f00007061796c6f61640000000000"
)
ANY = (
    "02000000300000002100000002000000300000004001000001000000000000005341036b9905b8135341036b9255751488000000534103"
    "6bb68274142300000023000000010000006000600000000000000000000000000000000000000000001100080004000000feff00000000"
    "000000000000000000000000000000000000000000000000000000000000000000004500002300004000401126c80a0000010a00000203"
    "e80009000f00007061796c6f61640000000000000000005341036b92557514340000003400000009000000520060000000000000000000"
    "00000000000000000000000011000800010000000403000600000000000000000000000000000000000000000000000000000000000000"
    "0000000800450000269e71400040119e537f0000017f000001ed3200090012fe25646174616772616d20300000"
)
"""Blocks that a kernel wrote, as far as they were in use: two frames with tags sent over veth (`tests/namespaces.py`),
and a packet on tun and one on loopback seen on `any`."""


def read(packets: RingPackets | None) -> list[oracle.RingPacket]:
    """Return packets one by one."""
    assert packets is not None
    columns = (packets.offset, packets.captured_length, packets.wire_length, packets.timestamp_ns, packets.interface)
    return [
        oracle.RingPacket(packets.buffer[at : at + captured], wire, time_ns, interface, cooked)
        for at, captured, wire, time_ns, interface, cooked in zip(
            *(column.tolist() for column in columns), packets.is_cooked.tolist(), strict=True
        )
    ]


def taken(*blocks: bytes) -> list[oracle.RingPacket]:
    """Return the packets of a ring."""
    return read(Ring(bytearray(b"".join(blocks)), BLOCK_BYTES).take())


def as_packet_block(packets: RingPackets) -> PacketBlock:
    """Return what a live source makes of packets."""
    nothing = packets.offset * 0
    block = PacketBlock(
        packets.buffer, packets.offset, packets.captured_length, packets.wire_length, packets.timestamp_ns, nothing,
        packets.is_cooked.astype(nothing.dtype), (LINK_ETHERNET, LINK_COOKED),
    )  # fmt: skip
    block.check()
    return block


def test_packets_are_read_with_what_is_known_of_them() -> None:
    """Bytes, length on the wire, time to the nanosecond, interface."""
    seen = [Seen(FRAME), Seen(FRAME[:60], 1_700_000_001_000_000_007, wire_length=9000, interface=5)]
    assert taken(block(seen)) == [
        (FRAME, len(FRAME), 1_700_000_000_123_456_789, 2, False),
        (FRAME[:60], 9000, 1_700_000_001_000_000_007, 5, False),
    ]


def test_blocks_that_wait_are_read_as_one_and_given_back() -> None:
    """In the order in which they were filled, beyond the end of the ring; then there is nothing."""
    frames = [link_frame(NETWORK + bytes([number])) for number in range(4)]
    memory = bytearray(b"".join(block([Seen(frame)], is_ours=number != 1) for number, frame in enumerate(frames)))
    ring = Ring(memory, BLOCK_BYTES)
    assert ring.waiting() == 1
    assert [packet.data for packet in read(ring.take())] == [frames[0]]
    assert ring.take() is None
    for number in (0, 1):
        memory[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES] = block([Seen(frames[number])])
    assert ring.waiting() == 4
    assert [packet.data for packet in read(ring.take())] == [*frames[1:], frames[0]]
    assert ring.waiting() == 0
    assert [memory[number * BLOCK_BYTES + 8] for number in range(4)] == [0, 0, 0, 0]


def test_what_was_taken_bit_by_bit_is_joined() -> None:
    """The same packets, whatever is known of them included, as if they had been taken at once."""
    seen = [Seen(FRAME), Seen(FRAME[:60], 1_700_000_001_000_000_007, wire_length=9000, interface=5), Seen(FRAME * 2)]
    bit_by_bit = []
    for packet in seen:
        packets = Ring(bytearray(block([packet])), BLOCK_BYTES).take()
        assert packets is not None
        bit_by_bit.append(packets)
    assert read(joined(bit_by_bit)) == read(Ring(bytearray(block(seen)), BLOCK_BYTES).take())


def test_what_was_taken_is_a_copy() -> None:
    """The kernel writes on over the block; the packets stay."""
    memory = bytearray(block([Seen(FRAME)]))
    packets = Ring(memory, BLOCK_BYTES).take()
    memory[:] = b"\xff" * len(memory)
    assert [packet.data for packet in read(packets)] == [FRAME]


def test_more_than_is_read_at_a_time_is_left_for_the_next_time() -> None:
    """So that a long queue becomes several blocks."""
    big = block([Seen(FRAME + bytes(60_000))])
    packets = RING_READ_BYTES // 40_000  # of 60,000 bytes each: half as much again as is read at a time
    ring = Ring(bytearray(big * packets), BLOCK_BYTES)
    first, second = ring.take(), ring.take()
    assert first is not None
    assert second is not None
    assert len(first) + len(second) == packets
    assert len(first) > len(second) > 0


@pytest.mark.parametrize(
    ("vlan", "tag"),
    [((0x8100, 7), "8100 0007"), ((0x88A8, 0xE00A), "88a8 e00a"), ((0x8100, 0), "8100 0000")],
)
def test_a_tag_that_the_kernel_took_off_is_put_back(vlan: tuple[int, int], tag: str) -> None:
    """Behind the addresses, priority included; other packets stay as they are."""
    tagged = FRAME[:12] + bytes.fromhex(tag) + FRAME[12:]
    found = taken(block([Seen(FRAME), Seen(FRAME, vlan=vlan), Seen(FRAME)]))
    assert [packet.data for packet in found] == [FRAME, tagged, FRAME]
    assert [packet.wire_length for packet in found] == [len(FRAME), len(tagged), len(FRAME)]


def test_a_packet_without_ethernet_header_gets_a_cooked_one() -> None:
    """As `tcpdump -i any` writes them: the decoder reads those."""
    (packet,) = taken(block([Seen(NETWORK, hardware_type=NO_HEADER, packet_type=4)]))
    assert packet.data == bytes.fromhex("0004 fffe 0006 0200000000010000 0800") + NETWORK
    assert packet.is_cooked
    packets = Ring(bytearray(block([Seen(NETWORK, hardware_type=NO_HEADER), Seen(FRAME, hardware_type=LOOPBACK)])),
                   BLOCK_BYTES).take()  # fmt: skip
    assert packets is not None
    decoder = Decoder()
    decoder.feed(as_packet_block(packets))
    assert decoder.not_tcp() == {"udp": 2}


def test_an_empty_block_is_no_packet() -> None:
    """The kernel hands over none, but it could."""
    assert taken(block([])) == []


@pytest.mark.skipif(sys.byteorder != "little", reason="was recorded on a machine of the other byte order")
@pytest.mark.parametrize(("recorded", "expected"), [
    (TAGGED, ["02000000000202000000000188a80007810000080800", "02000000000202000000000181000009080045"]),
    (ANY, ["0000fffe0000000000000000000008004500", "0000000000000000000000000800450000269e71"]),
], ids=["tags", "any"])  # fmt: skip
def test_recorded_blocks(recorded: str, expected: list[str]) -> None:
    """What Linux 6.18 wrote: frames tagged twice and once on veth; `any` with a packet of tun and one of loopback."""
    found = sorted(packet.data.hex() for packet in taken(bytes.fromhex(recorded).ljust(BLOCK_BYTES, b"\0")))
    for data, beginning in zip(found, sorted(expected), strict=True):
        assert data.startswith(beginning)


seen_packets = st.lists(
    st.builds(
        Seen,
        data=st.binary(max_size=40),
        wire_length=st.none() | st.integers(0, 70_000),
        interface=st.integers(0, 5),
        hardware_type=st.sampled_from([1, 772, NO_HEADER, 512]),
        vlan=st.none() | st.tuples(st.sampled_from([0x8100, 0x88A8]), st.integers(0, 0xFFFF)),
    ),
    min_size=1,
    max_size=6,
)
words = st.one_of(
    st.integers(0, 200), st.sampled_from([BLOCK_BYTES, BLOCK_BYTES - 68, 2**31, 2**32 - 1, 2**32 - 16]),
    st.integers(0, 2**32 - 1),
)  # fmt: skip


@given(seen_packets, st.lists(st.tuples(st.integers(0, 400), words), max_size=6))
def test_whatever_stands_in_a_block(packets: list[Seen], damage: list[tuple[int, int]]) -> None:
    """Lengths and positions that lead anywhere: what lies wholly in the block is read as the plain loop reads it."""
    damaged = bytearray(block(packets))
    for at, word in damage:
        if at * 4 != 8:  # it stays ours
            struct.pack_into("=I", damaged, at * 4, word)
    before = block([Seen(FRAME)])
    expected = oracle.packets(bytes(damaged))
    packets_taken = Ring(bytearray(before + damaged), BLOCK_BYTES).take()
    assert packets_taken is not None
    as_packet_block(packets_taken)
    assert read(packets_taken)[0].data == FRAME
    assert read(packets_taken)[1:] == expected


@given(st.binary(min_size=64, max_size=600))
def test_garbage_is_no_packet_and_no_error(garbage: bytes) -> None:
    """Any bytes at all, in blocks that say they are ours."""
    memory = bytearray(garbage.ljust(BLOCK_BYTES, b"\0"))
    memory[8:12] = struct.pack("=I", 1)
    packets = Ring(memory, BLOCK_BYTES).take()
    assert packets is not None
    as_packet_block(packets)
    assert packets.damaged >= 0
