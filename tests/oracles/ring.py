"""Plain-loop twin of wiresniff.capture.ring: what packets a block of a ring holds (Linux, if_packet.h)."""

import struct
from typing import NamedTuple

WITH_ETHERNET_HEADERS = (1, 772)
LONGEST = 256 * 1024


class RingPacket(NamedTuple):
    """One packet as it is to be read."""

    data: bytes
    wire_length: int
    time_ns: int
    interface: int
    is_cooked: bool


def packets(block: bytes) -> list[RingPacket]:
    """Read the packets of one block, up to the first whose place can't be true."""
    count, at, length = struct.unpack_from("=3I", block, 12)
    stop = min(length, len(block))
    at = at // 4 * 4
    found: list[RingPacket] = []
    while count and at + 68 <= stop:
        next_at = struct.unpack_from("=I", block, at)[0] // 4 * 4
        has_next = count > 1 and next_at >= 68 and at + next_at + 68 <= stop
        packet = read(block, at, at + next_at if has_next else stop)
        if packet is not None:
            found.append(packet)
        if not has_next:
            break
        count -= 1
        at += next_at
    return found


def read(block: bytes, at: int, stop: int) -> RingPacket | None:
    """Read one packet; None where it does not lie in its block."""
    seconds, nanoseconds, captured, wire, status, link_at, network_at = struct.unpack_from("=5IHH", block, at + 4)
    control, ethertype = struct.unpack_from("=IH", block, at + 32)
    (protocol,) = struct.unpack_from(">H", block, at + 50)
    interface, hardware = struct.unpack_from("=iH", block, at + 52)
    packet_type, address_length = struct.unpack_from("=BB", block, at + 58)
    address = block[at + 60 : at + 68]
    if link_at < 68 or captured > LONGEST or at + link_at + captured > stop or nanoseconds >= 10**9:
        return None
    data = block[at + link_at : at + link_at + captured]
    wire = max(wire, captured)
    is_cooked = hardware not in WITH_ETHERNET_HEADERS
    if is_cooked:
        before = network_at - link_at
        if before < 0 or before > captured or network_at < 68 + 16:
            data = b""
        else:
            header = struct.pack(">HHH8sH", packet_type, hardware, address_length, address, protocol)
            data, wire = header + data[before:], wire - before + len(header)
    elif status & 0x10 and captured >= 12 and link_at >= 68 + 4:
        tag = struct.pack(">HH", ethertype if status & 0x40 else 0x8100, control & 0xFFFF)
        data, wire = data[:12] + tag + data[12:], wire + len(tag)
    return RingPacket(data, wire, seconds * 10**9 + nanoseconds, interface, is_cooked)
