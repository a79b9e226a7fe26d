"""Builders of capture files, byte by byte: every variant that is read, and what is written nowhere on purpose."""

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from wiresniff.capture import CaptureFile
from wiresniff.model.packets import PacketBlock

PCAP_MAGICS = {("<", 1000): "d4c3b2a1", (">", 1000): "a1b2c3d4", ("<", 1): "4d3cb2a1", (">", 1): "a1b23c4d"}
PATCHED_MAGICS = {"<": "34cdb2a1", ">": "a1b2cd34"}
MICROSECONDS = 6
SECOND = 1_000_000_000


class Taken(NamedTuple):
    """A packet as a capture took it."""

    time_ns: int
    data: bytes
    wire_length: int = 0
    """Taken for the captured length where it is less."""
    interface: int = 0


def pcap_file(
    packets: Iterable[Taken], *, order: str = "<", tick_ns: int = 1000, link_type: int = 1, patched: bool = False
) -> bytes:
    """Write a classic capture; `patched` is the variant with 24 bytes before each packet."""
    magic = bytes.fromhex(PATCHED_MAGICS[order] if patched else PCAP_MAGICS[order, tick_ns])
    pieces = [magic, struct.pack(f"{order}HHiIII", 2, 4, 0, 0, 65535, link_type)]
    for packet in packets:
        seconds, nanoseconds = divmod(packet.time_ns, SECOND)
        lengths = len(packet.data), packet.wire_length or len(packet.data)
        pieces.append(struct.pack(f"{order}IIII", seconds, nanoseconds // tick_ns, *lengths))
        pieces.append(b"\1\0\0\0\x08\0\4\0" * patched + packet.data)
    return b"".join(pieces)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """Write a pcapng block around a body."""
    body += bytes(-len(body) % 4)
    length = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + length + body + length


def option(code: int, value: bytes, order: str = "<") -> bytes:
    """Write an option of a pcapng block."""
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<", *, major: int = 1) -> bytes:
    """Write a section header."""
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, major, 0, -1), order)


def interface(
    link_type: int = 1,
    *,
    name: bytes = b"",
    resolution: int | None = None,
    offset_seconds: int | None = None,
    snap_length: int = 0,
    order: str = "<",
) -> bytes:
    """Write an interface description."""
    options = option(2, name, order) if name else b""
    if resolution is not None:
        options += option(9, bytes([resolution]), order)
    if offset_seconds is not None:
        options += option(14, struct.pack(f"{order}q", offset_seconds), order)
    end = option(0, b"", order) if options else b""
    return block(1, struct.pack(f"{order}HHI", link_type, 0, snap_length) + options + end, order)


def enhanced(packet: Taken, *, units: int | None = None, options: bytes = b"", order: str = "<") -> bytes:
    """Write an enhanced packet block, its time in microseconds or, if given, in `units`."""
    units = packet.time_ns // 1000 if units is None else units
    head = packet.interface, units >> 32, units & 0xFFFFFFFF, len(packet.data), packet.wire_length or len(packet.data)
    data = packet.data + bytes(-len(packet.data) % 4)
    return block(6, struct.pack(f"{order}5I", *head) + data + options, order)


def obsolete(packet: Taken, *, drops: int = 7, order: str = "<") -> bytes:
    """Write an obsolete packet block, its time in microseconds."""
    units = packet.time_ns // 1000
    lengths = len(packet.data), packet.wire_length or len(packet.data)
    head = struct.pack(f"{order}HH4I", packet.interface, drops, units >> 32, units & 0xFFFFFFFF, *lengths)
    return block(2, head + packet.data, order)


def simple(data: bytes, wire_length: int = 0, *, order: str = "<") -> bytes:
    """Write a simple packet block."""
    return block(3, struct.pack(f"{order}I", wire_length or len(data)) + data, order)


class Seen(NamedTuple):
    """A packet as it was read."""

    number: int
    time_ns: int
    data: bytes
    wire_length: int
    interface: int


def packets_of(blocks: Iterable[PacketBlock]) -> list[Seen]:
    """Return the rows of blocks one by one, each block checked."""
    seen = []
    for packet_block in blocks:
        packet_block.check()
        columns = (
            packet_block.number, packet_block.timestamp_ns, packet_block.offset, packet_block.captured_length,
            packet_block.wire_length, packet_block.interface,
        )  # fmt: skip
        for number, time_ns, at, captured, wire, row in zip(*(column.tolist() for column in columns), strict=True):
            seen.append(Seen(number, time_ns, packet_block.buffer[at : at + captured], wire, row))
    return seen


def written(folder: Path, data: bytes, name: str = "capture") -> str:
    """Write a file; return its name."""
    path = folder / name
    path.write_bytes(data)
    return str(path)


def read(folder: Path, data: bytes, **options: int) -> tuple[CaptureFile, list[Seen]]:
    """Write a file and read it whole."""
    capture = CaptureFile(written(folder, data), 0, **options)
    return capture, packets_of(capture)
