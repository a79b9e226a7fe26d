"""The pcapng format, written: a section, its interfaces, packets with comments (draft-ietf-opsawg-pcapng 4)."""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from wiresniff.capture.pcapng import (
    ENHANCED_PACKET,
    FRAME_BYTES,
    IF_NAME,
    IF_TSRESOL,
    INTERFACE_DESCRIPTION,
    MAJOR_VERSION,
    SECTION_HEADER,
)
from wiresniff.capture.records import Interface
from wiresniff.model import limits

BYTE_ORDER = 0x1A2B3C4D
"""The byte-order magic; everything here is little-endian."""
UNKNOWN_LENGTH = -1
"""Of a section: it goes on to the end of the file."""
COMMENT, SECTION_APPLICATION = 1, 4
"""Options: a comment on any block, and which program wrote a section."""
NANOSECONDS = 9
"""Of if_tsresol: units of 10^-9 seconds."""
WORD = 4


class CommentedPacket(NamedTuple):
    """A packet to be written."""

    interface: int
    """Row of the interfaces."""
    time_ns: int
    octets: bytes
    comment: str


def pcapng_bytes(interfaces: Iterable[Interface], packets: Iterable[CommentedPacket], application: str) -> bytes:
    """Return a whole file of one section."""
    blocks = [section_header(application), *map(interface_description, interfaces), *map(enhanced_packet, packets)]
    return b"".join(blocks)


def section_header(application: str) -> bytes:
    """Return a section header block (4.1)."""
    body = struct.pack("<IHHq", BYTE_ORDER, MAJOR_VERSION, 0, UNKNOWN_LENGTH)
    return _block(SECTION_HEADER, body + _options({SECTION_APPLICATION: application.encode()}))


def interface_description(interface: Interface) -> bytes:
    """Return an interface description block (4.2)."""
    body = struct.pack("<HHI", interface.link_type, 0, interface.snap_length)
    options = {IF_TSRESOL: bytes([NANOSECONDS])}
    if interface.name:
        options = {IF_NAME: interface.name.encode("utf-8", "replace"), **options}
    return _block(INTERFACE_DESCRIPTION, body + _options(options))


def enhanced_packet(packet: CommentedPacket) -> bytes:
    """Return an enhanced packet block (4.3)."""
    comment = packet.comment.encode("utf-8", "backslashreplace")
    if len(comment) > limits.COMMENT_BYTES:
        comment = comment[: limits.COMMENT_BYTES].decode("utf-8", "ignore").encode() + "…".encode()
    length = len(packet.octets)
    time_ns = max(packet.time_ns, 0)
    body = struct.pack("<IIIII", packet.interface, time_ns >> 32, time_ns & 0xFFFF_FFFF, length, length)
    return _block(ENHANCED_PACKET, body + _padded(packet.octets) + _options({COMMENT: comment}))


def _block(kind: int, body: bytes) -> bytes:
    length = FRAME_BYTES + len(body)
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def _options(options: dict[int, bytes]) -> bytes:
    """Return a list of options (3.5), with its end."""
    pieces = [struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options.items()]
    return b"".join(pieces) + bytes(WORD)


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % WORD)
