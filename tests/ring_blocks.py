"""Blocks of a packet ring as the kernel writes them (Linux, if_packet.h, TPACKET_V3)."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

BLOCK_BYTES = 1 << 16
ETHERNET, LOOPBACK, NO_HEADER = 1, 772, 65534
"""Hardware types."""
NETWORK_AT = 96
"""Where the kernel puts network headers: 16 bytes are left for what stands before them."""


@dataclass
class Seen:
    """One packet, and what the kernel knows of it."""

    data: bytes
    time_ns: int = 1_700_000_000_123_456_789
    wire_length: int | None = None
    interface: int = 2
    hardware_type: int = ETHERNET
    ethertype: int = 0x0800
    packet_type: int = 0
    address: bytes = bytes.fromhex("020000000001")
    vlan: tuple[int, int] | None = None
    """Ethertype and control field of a tag that was taken off."""

    def described(self, next_at: int) -> bytes:
        """Return its descriptor, and the bytes up to where its network header is."""
        link_bytes = 14 if self.hardware_type in {ETHERNET, LOOPBACK} else 0
        seconds, nanoseconds = divmod(self.time_ns, 10**9)
        wire = len(self.data) if self.wire_length is None else self.wire_length
        status = 1 if self.vlan is None else 0x51
        header = struct.pack(
            "=6I2HIIHH8x", next_at, seconds, nanoseconds, len(self.data), wire, status, NETWORK_AT - link_bytes,
            NETWORK_AT, 0, *((self.vlan[1], self.vlan[0]) if self.vlan else (0, 0)), 0,
        )  # fmt: skip
        place = struct.pack("=H", 17) + struct.pack(">H", self.ethertype)
        place += struct.pack("=iHBB8s", self.interface, self.hardware_type, self.packet_type, 6, self.address)
        return (header + place).ljust(NETWORK_AT - link_bytes, b"\xee")


def block(packets: Sequence[Seen], *, is_ours: bool = True) -> bytes:
    """Return a block that holds packets."""
    pieces = []
    for number, packet in enumerate(packets, 1):
        length = len(packet.described(0)) + len(packet.data)
        padded = length + -length % 16
        next_at = padded if number < len(packets) else 0
        pieces.append((packet.described(next_at) + packet.data).ljust(padded, b"\xee"))
    body = b"".join(pieces)
    head = struct.pack("=6IQ16x", 2, 48, int(is_ours), len(packets), 48, 48 + len(body), 1)
    return (head + body).ljust(BLOCK_BYTES, b"\xdd")
