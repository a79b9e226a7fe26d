"""The ring of a packet socket (TPACKET_V3): memory that the kernel fills with packets, block by block.

Source: Linux, include/uapi/linux/if_packet.h and Documentation/networking/packet_mmap.rst. A block is the kernel's or
ours, and says so in its descriptor; what is in ours may be written to. Each packet header says where the next one is:
the walk over them is the only loop, everything else is gathered. Numbers in it are in this machine's byte order.

Ring blocks are copied into one `bytes` and handed back at once, rather than used in place. Measured: copying costs
0.07 to 0.16 ms per MiB, 6 ns for a packet of 250 bytes and some 200 ns for an offloaded one of 20 KiB, where taking it
from the ring costs 125 ns and auditing it 1 to 2 µs. In return the kernel has its memory back before the packets are
audited, so that the ring lasts while a report is written; blocks that are waiting are read as one, and larger blocks
cost less a packet; and everything after has the methods of `bytes`.

What is unusual is put right in the ring, before the copy: a VLAN tag that the kernel (or the network card) has taken
off is put back into the Ethernet header, and a packet of a device without Ethernet headers (tun, WireGuard, PPP, IP
tunnels) gets a Linux cooked header (LINKTYPE_LINUX_SLL) in place of whatever stands before its network header. Between
the descriptor of a packet and its network header there is room for either.
"""

from dataclasses import dataclass
from itertools import repeat
from mmap import mmap
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wiresniff.capture.records import Column, rows_before
from wiresniff.columns.gather import gather, is_among, native, scatter
from wiresniff.columns.layout import layout
from wiresniff.model.limits import MAX_PACKET_BYTES, RING_READ_BYTES

BLOCK_DESCRIPTOR = layout(
    ("version", "=u4"), ("private_at", "=u4"), ("status", "=u4"), ("packets", "=u4"), ("first_at", "=u4"),
    ("length", "=u4"), ("number", "=u8"), ("first_time", "V8"), ("last_time", "V8"),
)  # fmt: skip
"""struct tpacket_block_desc with tpacket_hdr_v1."""
PACKET_DESCRIPTOR = layout(
    # struct tpacket3_hdr
    ("next_at", "=u4"), ("seconds", "=u4"), ("nanoseconds", "=u4"), ("captured_length", "=u4"),
    ("wire_length", "=u4"), ("status", "=u4"), ("link_at", "=u2"), ("network_at", "=u2"), ("hash", "=u4"),
    ("vlan_control", "=u4"), ("vlan_ethertype", "=u2"), ("padding", "V10"),
    # struct sockaddr_ll
    ("family", "=u2"), ("ethertype", ">u2"), ("interface", "=i4"), ("hardware_type", "=u2"), ("packet_type", "u1"),
    ("address_length", "u1"), ("address", "V8"),
)  # fmt: skip
"""Before every packet: its header, and where it was seen."""
ETHERNET_ADDRESSES = layout(("destination", "V6"), ("source", "V6"))
VLAN_TAG = layout(("ethertype", ">u2"), ("control", ">u2"))
COOKED = layout(
    ("packet_type", ">u2"), ("hardware_type", ">u2"), ("address_length", ">u2"), ("address", "V8"), ("ethertype", ">u2")
)  # fmt: skip
"""https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html"""

STATUS_AT, PACKETS_AT, FIRST_AT, LENGTH_AT = 8, 12, 16, 20
"""Of fields within the descriptor of a block."""
WORD = 4
KERNEL, USER = 0, 1
"""TP_STATUS_KERNEL, TP_STATUS_USER: whose a block is."""
VLAN_VALID, VLAN_ETHERTYPE_VALID = 0x10, 0x40
ETHERTYPE_VLAN, VLAN_NUMBER = 0x8100, 0xFFF
LINK_ETHERNET, LINK_COOKED = 1, 113
WITH_ETHERNET_HEADERS = (1, 772)
"""ARPHRD_ETHER, ARPHRD_LOOPBACK: hardware types whose packets begin with an Ethernet header."""
NANOSECONDS = 1_000_000_000


@dataclass(slots=True)
class RingPackets:
    """Packets taken from a ring, (k,) each."""

    buffer: bytes
    offset: Column
    captured_length: Column
    wire_length: Column
    timestamp_ns: Column
    interface: Column
    """Index of the interface (`ip link` shows it)."""
    vlan: Column
    """Number of the VLAN whose tag the kernel had taken off, 0 without."""
    is_cooked: NDArray[np.bool_]
    """Of link type LINK_COOKED; the others are Ethernet."""
    damaged: int
    """Packets left out because what the ring says of them can't be true."""

    def __len__(self) -> int:
        return len(self.offset)


class Ring:
    """A ring in memory, read block by block from its first one on.

    memory       shared with the kernel, and written to; a whole number of blocks
    block_bytes  of each, a multiple of 8
    """

    def __init__(self, memory: mmap | bytearray, block_bytes: int) -> None:
        self._view = memoryview(memory)
        self._words = self._view.cast("B").cast("I")
        self._raw = np.frombuffer(memory, dtype=np.uint8)
        self._block_bytes = block_bytes
        self._status = np.frombuffer(memory, dtype=np.uint32)[STATUS_AT // WORD :: block_bytes // WORD]
        """(blocks,) u4: whose each block is."""
        self._at = 0
        """The block that the kernel hands over next."""

    def close(self) -> None:
        """Let go of the memory."""
        self._raw, self._status = np.empty(0, dtype=np.uint8), np.empty(0, dtype=np.uint32)
        self._words.release()
        self._view.release()

    @property
    def blocks(self) -> int:
        """Return how many blocks the ring has."""
        return len(self._status)

    @property
    def bytes(self) -> int:
        """Return its size."""
        return self.blocks * self._block_bytes

    def waiting(self) -> int:
        """Count the blocks that the kernel has handed over."""
        for count in range(self.blocks):
            at = (self._at + count) % self.blocks
            if not self._words[(at * self._block_bytes + STATUS_AT) // WORD] & USER:
                return count
        return self.blocks

    def take(self) -> RingPackets | None:
        """Copy what is waiting, up to `limits.RING_READ_BYTES`, and give the blocks back; None when nothing is."""
        taken: list[int] = []
        spans: list[tuple[int, int]] = []
        room = RING_READ_BYTES
        while room > 0 and len(taken) < self.blocks and self._status[self._at] & USER:
            first = self._at * self._block_bytes
            length = min(self._words[(first + LENGTH_AT) // WORD], self._block_bytes)
            taken.append(self._at)
            spans.append((first, first + length))
            room -= length
            self._at = (self._at + 1) % self.blocks
        if not taken:
            return None
        packets = self._copied(spans)
        self._status[taken] = KERNEL  # only now: the kernel writes to it from here on
        return packets

    def _copied(self, spans: list[tuple[int, int]]) -> RingPackets:
        """Copy the packets of some blocks; `spans` are the first byte of each and the one behind the last in use."""
        walked = [packet_positions(self._words, first, stop) for first, stop in spans]
        counts = [len(each.at) for each in walked]
        damaged = sum(each.missing for each in walked)
        firsts, stops = np.array(spans, dtype=np.int64).T
        copied_at = np.cumsum(stops - firsts) - (stops - firsts)
        at = np.concatenate([each.at for each in walked])
        end = np.concatenate([each.end for each in walked])
        moved = np.repeat(copied_at - firsts, counts)
        descriptor = gather(self._raw, at, PACKET_DESCRIPTOR)
        is_sound = are_sound(at, end, descriptor)
        if not is_sound.all():
            damaged += int((~is_sound).sum())
            at, moved, descriptor = at[is_sound], moved[is_sound], descriptor[is_sound]
        packets = _packets(self._raw, at, descriptor, damaged)
        packets.offset += moved
        packets.buffer = b"".join([self._view[first:stop] for first, stop in spans])
        return packets


def joined(taken: list[RingPackets]) -> RingPackets:
    """Join packets that were taken from one ring one after the other; at least one of them is given."""
    if len(taken) == 1:
        return taken[0]
    moved = np.cumsum([0, *(len(each.buffer) for each in taken[:-1])]).tolist()
    return RingPackets(
        b"".join([each.buffer for each in taken]),
        np.concatenate([each.offset + at for each, at in zip(taken, moved, strict=True)]),
        np.concatenate([each.captured_length for each in taken]),
        np.concatenate([each.wire_length for each in taken]),
        np.concatenate([each.timestamp_ns for each in taken]),
        np.concatenate([each.interface for each in taken]),
        np.concatenate([each.vlan for each in taken]),
        np.concatenate([each.is_cooked for each in taken]),
        sum(each.damaged for each in taken),
    )


class Walked(NamedTuple):
    """The packets of one block: (k,) each."""

    at: Column
    """Where descriptors begin; each lies wholly in the block."""
    end: Column
    """Where the next one begins, or the block ends."""
    missing: int
    """Packets that the block promises beyond these."""


def packet_positions(words: "memoryview[int]", first: int, stop: int) -> Walked:
    """Walk from packet to packet of the block that takes the bytes from `first` to `stop`.

    words  the ring as words of 32 bits: everything in it is aligned to them

    The hot loop of the ring, so it believes what it reads, and where that led is looked at after. Measured: half the
    time of reading with `struct`. Oracle: tests/oracles/ring.py
    """
    at = first // WORD
    packets = words[at + PACKETS_AT // WORD]
    at += words[at + FIRST_AT // WORD] // WORD
    positions: list[int] = []
    append = positions.append
    try:
        for _ in repeat(None, min(packets, (stop - first) // PACKET_DESCRIPTOR.itemsize)):
            append(at)
            at += words[at] >> 2
    except IndexError:
        pass  # out of the ring
    found = np.array(positions, dtype=np.int64) * WORD
    is_within = found + PACKET_DESCRIPTOR.itemsize <= stop
    is_within[1:] &= np.diff(found) >= PACKET_DESCRIPTOR.itemsize
    whole = rows_before(~is_within)
    found = found[:whole]
    return Walked(found, np.append(found[1:], stop)[:whole], packets - whole)


def are_sound(at: Column, end: Column, descriptor: NDArray[np.void]) -> NDArray[np.bool_]:
    """Say which packets lie wholly behind their descriptor and before the next one.

    at, end     (k,) i8
    descriptor  (k,) PACKET_DESCRIPTOR
    ->          (k,) bool; oracle: tests/oracles/ring.py
    """
    link_at, captured = native(descriptor["link_at"]), native(descriptor["captured_length"])
    is_sound: NDArray[np.bool_] = link_at >= PACKET_DESCRIPTOR.itemsize
    is_sound &= (captured <= MAX_PACKET_BYTES) & (at + link_at + captured <= end)
    is_sound &= descriptor["nanoseconds"] < NANOSECONDS
    return is_sound


def _packets(ring: NDArray[np.uint8], at: Column, descriptor: NDArray[np.void], damaged: int) -> RingPackets:
    """Read sound descriptors, and put right in the ring what is unusual. Positions are those of the ring."""
    captured = native(descriptor["captured_length"])
    packets = RingPackets(
        buffer=b"",
        offset=at + descriptor["link_at"],
        captured_length=captured,
        wire_length=np.maximum(native(descriptor["wire_length"]), captured),
        timestamp_ns=native(descriptor["seconds"]) * NANOSECONDS + descriptor["nanoseconds"],
        interface=native(descriptor["interface"]),
        vlan=np.zeros(len(at), dtype=np.int64),
        is_cooked=~is_among(native(descriptor["hardware_type"]), WITH_ETHERNET_HEADERS),
        damaged=damaged,
    )
    if packets.is_cooked.any():
        _cook(ring, packets, at, descriptor)
    is_tagged = ((descriptor["status"] & VLAN_VALID) != 0) & ~packets.is_cooked
    if is_tagged.any():
        packets.vlan[is_tagged] = descriptor["vlan_control"][is_tagged] & VLAN_NUMBER
        _put_tags_back(ring, packets, np.flatnonzero(is_tagged), descriptor[is_tagged])
    return packets


def _put_tags_back(ring: NDArray[np.uint8], packets: RingPackets, rows: Column, descriptor: NDArray[np.void]) -> None:
    """Move the addresses of Ethernet headers forward by the length of a tag, and write the tag behind them.

    rows        (k,) i8, rows of packets
    descriptor  (k,) PACKET_DESCRIPTOR, of these rows
    """
    is_whole = packets.captured_length[rows] >= ETHERNET_ADDRESSES.itemsize
    # The kernel leaves 14 bytes between a descriptor and the Ethernet header.
    is_whole &= descriptor["link_at"] >= PACKET_DESCRIPTOR.itemsize + VLAN_TAG.itemsize
    rows, descriptor = rows[is_whole], descriptor[is_whole]
    at = packets.offset[rows]
    addresses = gather(ring, at, ETHERNET_ADDRESSES)
    is_known = (descriptor["status"] & VLAN_ETHERTYPE_VALID) != 0
    tag = np.empty(len(rows), dtype=VLAN_TAG)
    tag["ethertype"] = np.where(is_known, descriptor["vlan_ethertype"], ETHERTYPE_VLAN)
    tag["control"] = descriptor["vlan_control"]
    scatter(ring, at - VLAN_TAG.itemsize, addresses)
    scatter(ring, at - VLAN_TAG.itemsize + ETHERNET_ADDRESSES.itemsize, tag)
    packets.offset[rows] -= VLAN_TAG.itemsize
    packets.captured_length[rows] += VLAN_TAG.itemsize
    packets.wire_length[rows] += VLAN_TAG.itemsize


def _cook(ring: NDArray[np.uint8], packets: RingPackets, at: Column, descriptor: NDArray[np.void]) -> None:
    """Write cooked headers before the network headers of packets that have no Ethernet header.

    at          (k,) i8, where descriptors begin
    descriptor  (k,) PACKET_DESCRIPTOR
    """
    before_network = native(descriptor["network_at"]) - native(descriptor["link_at"])
    is_possible = (before_network >= 0) & (before_network <= packets.captured_length)
    is_possible &= native(descriptor["network_at"]) >= PACKET_DESCRIPTOR.itemsize + COOKED.itemsize
    # What can't be cooked is nothing that can be read: its packet is as good as empty.
    packets.captured_length[packets.is_cooked & ~is_possible] = 0
    rows = np.flatnonzero(packets.is_cooked & is_possible)
    known = descriptor[rows]
    header = np.zeros(len(rows), dtype=COOKED)
    for name in ("packet_type", "hardware_type", "address_length", "address", "ethertype"):
        header[name] = known[name]
    cooked_at = at[rows] + known["network_at"] - COOKED.itemsize
    scatter(ring, cooked_at, header)
    grown = COOKED.itemsize - before_network[rows]
    packets.offset[rows] = cooked_at
    packets.captured_length[rows] += grown
    packets.wire_length[rows] += grown
