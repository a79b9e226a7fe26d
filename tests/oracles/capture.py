"""Plain loops that read capture files record by record, to be read beside the format descriptions."""

import struct

from capture_files import Seen

MAX_PACKET_BYTES = 256 * 1024
MAX_BLOCK_BYTES = 16 << 20
LATEST_NS = 1 << 62

PCAP = {
    bytes.fromhex("d4c3b2a1"): ("<", 1000, 16),
    bytes.fromhex("a1b2c3d4"): (">", 1000, 16),
    bytes.fromhex("4d3cb2a1"): ("<", 1, 16),
    bytes.fromhex("a1b23c4d"): (">", 1, 16),
    bytes.fromhex("34cdb2a1"): ("<", 1000, 24),
    bytes.fromhex("a1b2cd34"): (">", 1000, 24),
}


def read_pcap(data: bytes) -> tuple[list[Seen], str]:
    """Return the packets of a classic capture, and how it ends: `whole`, `cut` or `damaged`."""
    order, tick_ns, header_bytes = PCAP[data[:4]]
    seen: list[Seen] = []
    at = 24
    while at < len(data):
        if len(data) - at < header_bytes:
            return seen, "cut"
        seconds, fraction, captured, wire = struct.unpack_from(f"{order}4I", data, at)
        if captured > MAX_PACKET_BYTES or fraction >= 1_000_000_000 or seconds == fraction == captured == wire == 0:
            return seen, "damaged"
        packet = data[at + header_bytes : at + header_bytes + captured]
        if len(packet) < captured:
            return seen, "cut"
        time_ns = seconds * 1_000_000_000 + fraction * tick_ns
        seen.append(Seen(len(seen) + 1, time_ns, packet, max(wire, captured), 0))
        at += header_bytes + captured
    return seen, "whole"


def time_of(units: int, resolution: int, offset_seconds: int) -> int:
    """Return nanoseconds since 1970 of a pcapng timestamp."""
    per_second = 2 ** (resolution - 0x80) if resolution >= 0x80 else 10**resolution
    return min(max(units * 1_000_000_000 // per_second + offset_seconds * 1_000_000_000, 0), LATEST_NS)


def read_pcapng(data: bytes) -> tuple[list[Seen], str]:  # noqa: PLR0912 (one loop, read beside the format)
    """Return the packets of a pcapng capture, and how it ends: `whole`, `cut` or `damaged`.

    Interfaces: (resolution, offset, snap length) of those of the section; `first` is the number of its first one.
    """
    order, interfaces, first, described = "<", [], 0, 0
    seen: list[Seen] = []
    number = last_time = at = 0
    while at < len(data):
        if len(data) - at < 12:
            return seen, "cut"
        kind = struct.unpack_from(f"{order}I", data, at)[0]
        if kind == 0x0A0D0D0A:
            if data[at + 8 : at + 12] not in (b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d"):
                return seen, "damaged"
            order = "<" if data[at + 8] == 0x4D else ">"
        length = struct.unpack_from(f"{order}I", data, at + 4)[0]
        least = {0x0A0D0D0A: 28, 1: 20, 2: 32, 3: 16, 6: 32}.get(kind, 12)
        if length < least or length % 4 or length > MAX_BLOCK_BYTES:
            return seen, "damaged"
        present = data[at : at + length]
        if len(present) < length:
            return seen, "cut"
        if struct.unpack(f"{order}I", present[-4:])[0] != length:
            return seen, "damaged"
        body = present[8:-4]
        if kind == 0x0A0D0D0A:
            if struct.unpack_from(f"{order}H", body, 4)[0] != 1:
                return seen, "damaged"
            interfaces, first = [], described
        elif kind == 1:
            clock = clock_of(body[8:], order)
            if clock is None or described == 4096:
                return seen, "damaged"
            interfaces.append((*clock, struct.unpack_from(f"{order}I", body, 4)[0]))
            described += 1
        elif kind in (2, 3, 6):
            if kind == 3:
                row, data_at, wire = 0, 4, struct.unpack_from(f"{order}I", body)[0]
                captured = min(wire, (interfaces[0][2] if interfaces else 0) or MAX_PACKET_BYTES, length - 16)
            else:
                row = struct.unpack_from(f"{order}{'I' if kind == 6 else 'H'}", body)[0]
                high, low, captured, wire = struct.unpack_from(f"{order}4I", body, 4)
                data_at = 20
            if row >= len(interfaces) or captured > len(body) - data_at or captured > MAX_PACKET_BYTES:
                return seen, "damaged"
            packet = body[data_at : data_at + captured]
            if kind != 3:
                last_time = time_of(high << 32 | low, *interfaces[row][:2])
            number += 1
            seen.append(Seen(number, last_time, packet, max(wire, captured), first + row))
        elif kind in (0x9, 0xBAD, 0x40000BAD, 0x204, 0x208, 0x216, 0x217, 0x221, 0x222):
            number += 1
        at += length
    return seen, "whole"


def clock_of(options: bytes, order: str) -> tuple[int, int] | None:
    """Return resolution and offset of an interface, None where they are not described in full."""
    resolution, offset, at = None, None, 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from(f"{order}HH", options, at)
        value = options[at + 4 : at + 4 + length]
        if code == 0 or len(value) < length:
            break
        if code == 9 and resolution is None:
            resolution = value
        if code == 14 and offset is None:
            offset = value
        at += 4 + length + -length % 4
    resolution = b"\6" if resolution is None else resolution
    offset = bytes(8) if offset is None else offset
    if not resolution or len(offset) != 8:
        return None
    return resolution[0], struct.unpack(f"{order}q", offset)[0]


def record_positions(data: bytes, start: int, order: str, header_bytes: int) -> list[int]:
    """Return where the records of a classic capture begin, every length believed, until one leads out of the data."""
    positions = []
    while start + 12 <= len(data):
        positions.append(start)
        start += header_bytes + int.from_bytes(data[start + 8 : start + 12], "little" if order == "<" else "big")
    return positions
