"""The pcapng format (draft-ietf-opsawg-pcapng): sections of blocks, each with its length before and behind it.

Theory of operation. A section header says the byte order of what follows; interface descriptions say link types and
clocks. Those two change how later blocks are read, so they end a *span*. Within a span a loop walks from block to block
and notes where packets are; their fields are then gathered as columns and checked row by row. The first row that can't
be true ends the file with a warning. Blocks of other types are stepped over.

Interfaces are numbered over all sections of a file: those of the second section follow those of the first.
"""

import struct
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wiresniff.capture.clock import Clock
from wiresniff.capture.records import Column, Interface, Records, rows_before
from wiresniff.columns.gather import gather, native
from wiresniff.model.limits import INTERFACES, MAX_BLOCK_BYTES, MAX_PACKET_BYTES

SECTION_HEADER = 0x0A0D0D0A
INTERFACE_DESCRIPTION = 1
OBSOLETE_PACKET = 2
SIMPLE_PACKET = 3
ENHANCED_PACKET = 6
PACKETS = (OBSOLETE_PACKET, SIMPLE_PACKET, ENHANCED_PACKET)
NUMBERED = (0x9, 0xBAD, 0x40000BAD, 0x204, 0x208, 0x216, 0x217, 0x221, 0x222)
"""Journal entries, custom blocks, system calls: hold no packet, but Wireshark shows and numbers them like one."""
SPAN_ENDS = (SECTION_HEADER, INTERFACE_DESCRIPTION)

BYTE_ORDERS = {bytes.fromhex("4d3c2b1a"): "<", bytes.fromhex("1a2b3c4d"): ">"}
"""The byte-order magic, the first field of a section's body."""
SECTION_MAGIC = SECTION_HEADER.to_bytes(4)
TELLING_BYTES = 12
"""Of a file: section header, its length, byte order."""
FRAME_BYTES = 12
"""Type and length before a block's body, the length again behind it."""
SECTION_BYTES = 28
DESCRIPTION_BYTES = 20
PACKET_FIELDS_BYTES = 28
"""From the beginning of an enhanced or obsolete packet block to its packet."""
SIMPLE_FIELDS_BYTES = 12
"""The same of a simple packet block."""
MAJOR_VERSION = 1
IF_NAME, IF_TSRESOL, IF_TSOFFSET = 2, 9, 14
"""Options of an interface description."""
NO_OFFSET = bytes(8)
NOTHING = np.empty(0, dtype=np.int64)


class DamagedBlockError(Exception):
    """A block that can't be true; what is wrong with it."""


@dataclass(slots=True)
class Section:
    """What blocks of one section depend on."""

    order: str
    first_interface: int
    """Number in the file of the section's interface 0."""
    clocks: dict[Clock, int] = field(default_factory=dict)
    """Distinct ones, and their rows."""
    clock_rows: list[int] = field(default_factory=list)
    """Per interface."""
    snap_lengths: list[int] = field(default_factory=list)

    @property
    def packet_header(self) -> "np.dtype[np.void]":
        """Enhanced packet block (4.3); the obsolete one (A.1) differs in `interface`, the simple one in all of it."""
        word = f"{self.order}u4"
        names = ("type", "length", "interface", "time_high", "time_low", "captured_length", "wire_length")
        return np.dtype([(name, word) for name in names])

    @property
    def short_header(self) -> "np.dtype[np.void]":
        """What every packet block begins with; the third word is the simple packet block's original length (4.4)."""
        word = f"{self.order}u4"
        return np.dtype([("type", word), ("length", word), ("third", word)])

    @property
    def word(self) -> "np.dtype[np.void]":
        """The length behind a block."""
        return np.dtype([("length", f"{self.order}u4")])


@dataclass(slots=True)
class Rows:
    """Packets of a span, (k,) each."""

    offset: Column
    captured_length: Column
    wire_length: Column
    timestamp_ns: Column
    interface: Column
    number: Column


def is_pcapng(head: bytes) -> bool:
    """Say whether a file that begins so is a pcapng capture."""
    return head[:4] == SECTION_MAGIC and head[8:12] in BYTE_ORDERS


class Pcapng:
    """Reads one pcapng file."""

    word = "pcapng"

    def __init__(self) -> None:
        self.interfaces: list[Interface] = []
        self._section = Section("<", 0)
        self._last_time_ns = 0
        self._numbered = 0
        """Packets and other blocks that have a number, so far."""

    def read(self, buffer: bytes) -> Records:
        """Read the whole packet blocks that `buffer` begins with; the first buffer begins with a section header."""
        spans: list[Rows] = []
        at, needed, damage = 0, FRAME_BYTES, None
        while True:
            packets_at, others_at, at = block_positions(buffer, at, self._section.order)
            if packets_at:
                rows, at, damage = self._packets(buffer, _column(packets_at), at)
                rows.number += self._numbered + np.searchsorted(_column(others_at), rows.offset)
                spans.append(rows)
                self._numbered += len(rows.offset)
            self._numbered += len(others_at)
            if damage is not None:
                break
            try:
                after = self._other_block(buffer, at)
            except DamagedBlockError as error:
                damage = str(error)
                break
            if after > len(buffer):
                needed = after - at
                break
            at = after
        return _records(spans, at, needed, damage)

    def _other_block(self, buffer: bytes, at: int) -> int:
        """Read the block that ended the walk; return where it ends, beyond the buffer when it is not wholly there."""
        if len(buffer) - at < FRAME_BYTES:
            return at + FRAME_BYTES
        order = self._section.order
        (kind,) = struct.unpack_from(f"{order}I", buffer, at)
        if kind == SECTION_HEADER:
            try:
                order = BYTE_ORDERS[buffer[at + 8 : at + 12]]
            except KeyError:
                raise DamagedBlockError("a section header without byte order") from None
        (length,) = struct.unpack_from(f"{order}I", buffer, at + 4)
        least = {SECTION_HEADER: SECTION_BYTES, INTERFACE_DESCRIPTION: DESCRIPTION_BYTES}.get(kind, FRAME_BYTES)
        if fault := _length_fault(length, least):
            raise DamagedBlockError(fault)
        if at + length > len(buffer):
            return int(at + length)
        (trailing,) = struct.unpack_from(f"{order}I", buffer, at + length - 4)
        if trailing != length:
            raise DamagedBlockError("a block whose two lengths differ")
        body = buffer[at + 8 : at + length - 4]
        if kind == SECTION_HEADER:
            self._begin_section(body, order)
        elif kind == INTERFACE_DESCRIPTION:
            self._describe_interface(body)
        return int(at + length)

    def _begin_section(self, body: bytes, order: str) -> None:
        (major,) = struct.unpack_from(f"{order}H", body, 4)
        if major != MAJOR_VERSION:
            raise DamagedBlockError(f"a section of pcapng version {major}, which is not known")
        self._section = Section(order, len(self.interfaces))

    def _describe_interface(self, body: bytes) -> None:
        if len(self.interfaces) == INTERFACES:
            raise DamagedBlockError(f"more than {INTERFACES:,} interfaces")
        order = self._section.order
        link_type, _, snap_length = struct.unpack_from(f"{order}HHI", body)
        options = _options(body[8:], order)
        resolution = options.get(IF_TSRESOL, b"\x06")[:1]
        offset = options.get(IF_TSOFFSET, NO_OFFSET)
        if not resolution or len(offset) != len(NO_OFFSET):
            raise DamagedBlockError("an interface whose clock is not described in full")
        clocks = self._section.clocks
        clock = Clock(resolution[0], struct.unpack(f"{order}q", offset)[0])
        self._section.clock_rows.append(clocks.setdefault(clock, len(clocks)))
        self._section.snap_lengths.append(snap_length)
        name = options.get(IF_NAME, b"").partition(b"\0")[0].decode("utf-8", "replace")
        self.interfaces.append(Interface(link_type, name, snap_length))

    def _packets(self, buffer: bytes, at: Column, stop: int) -> tuple[Rows, int, str | None]:
        """Gather the packets that begin `at`, up to the first that is not whole or can't be true.

        -> the rows; where reading goes on: `stop`, or the packet block that was not read; what is wrong with that
        """
        section, raw = self._section, np.frombuffer(buffer, dtype=np.uint8)
        short = gather(raw, at, section.short_header)
        kind, length = native(short["type"]), native(short["length"])
        is_simple = kind == SIMPLE_PACKET
        fields_bytes = np.where(is_simple, SIMPLE_FIELDS_BYTES, PACKET_FIELDS_BYTES)
        is_sound = (length >= fields_bytes + 4) & (length & 3 == 0) & (length <= MAX_BLOCK_BYTES)
        is_whole = at + length <= len(raw)
        rows = rows_before(~(is_sound & is_whole))
        damage = None
        if rows < len(at):
            stop = int(at[rows])
            damage = None if is_sound[rows] else _length_fault(int(length[rows]), int(fields_bytes[rows]) + 4)

        at, kind, length, is_simple = at[:rows], kind[:rows], length[:rows], is_simple[:rows]
        trailing = native(gather(raw, at + length - 4, section.word)["length"])
        interface, units, captured, wire = self._fields(raw, at, kind)
        room = length - fields_bytes[:rows] - 4
        if is_simple.any():
            interface[is_simple], units[is_simple] = 0, 0
            wire[is_simple] = native(short["third"][:rows][is_simple])
            snap_length = section.snap_lengths[0] if section.snap_lengths else 0
            longest = np.minimum(room[is_simple], snap_length or MAX_PACKET_BYTES)
            captured[is_simple] = np.minimum(wire[is_simple], longest)
        faults = {
            "a block whose two lengths differ": trailing != length,
            "a packet of an interface that is not described": interface >= len(section.clock_rows),
            "a packet longer than its block": captured > room,
            f"a packet of more than {MAX_PACKET_BYTES:,} bytes": captured > MAX_PACKET_BYTES,
        }
        good = min(rows_before(is_bad) for is_bad in faults.values())
        if good < rows:
            stop = int(at[good])
            damage = next(fault for fault, is_bad in faults.items() if is_bad[good])
        columns = Rows(
            offset=at[:good] + fields_bytes[:good],
            captured_length=captured[:good],
            wire_length=np.maximum(wire[:good], captured[:good]),
            timestamp_ns=self._times(units[:good], interface[:good], is_simple[:good]),
            interface=interface[:good] + section.first_interface,
            number=np.arange(1, good + 1),
        )
        return columns, stop, damage

    def _fields(
        self, raw: NDArray[np.uint8], at: Column, kind: Column
    ) -> tuple[Column, NDArray[np.uint64], Column, Column]:
        """Gather interface, time, captured and wire length; rows of simple packet blocks are left to the caller.

        raw (bytes,) u1; at, kind (k,) i8
        """
        section = self._section
        is_timed = kind != SIMPLE_PACKET
        is_all_timed = bool(is_timed.all())
        header = np.zeros(len(at), dtype=section.packet_header)
        if is_all_timed:
            header = gather(raw, at, section.packet_header)
        else:
            header[is_timed] = gather(raw, at[is_timed], section.packet_header)
        interface = native(header["interface"])
        is_obsolete = kind == OBSOLETE_PACKET
        if is_obsolete.any():
            # two 16-bit fields, interface and drop count, in the place of one of 32
            pair = interface[is_obsolete]
            interface[is_obsolete] = pair & 0xFFFF if section.order == "<" else pair >> 16
        units = (header["time_high"].astype(np.uint64) << np.uint64(32)) | header["time_low"].astype(np.uint64)
        return interface, units, native(header["captured_length"]), native(header["wire_length"])

    def _times(self, units: NDArray[np.uint64], interface: Column, is_simple: NDArray[np.bool_]) -> Column:
        """Turn units into nanoseconds by each interface's clock; simple packets have the time of the one before."""
        clocks = list(self._section.clocks)
        if len(clocks) == 1:
            time_ns = clocks[0].nanoseconds(units)
        else:
            time_ns = np.zeros(len(units), dtype=np.int64)
            clock_row = np.array(self._section.clock_rows, dtype=np.int64)[interface]
            for row in np.unique(clock_row).tolist():
                is_of_clock = clock_row == row
                time_ns[is_of_clock] = clocks[row].nanoseconds(units[is_of_clock])
        if is_simple.any():
            known = np.concatenate(([self._last_time_ns], time_ns))
            timed = np.where(is_simple, 0, np.arange(1, len(known)))
            time_ns = known[np.maximum.accumulate(timed)]
        if len(time_ns):
            self._last_time_ns = int(time_ns[-1])
        return time_ns


def block_positions(buffer: bytes, start: int, order: str) -> tuple[list[int], list[int], int]:
    """Walk from block to block, believing the lengths of packet blocks, until one ends the span.

    ->  where packet blocks begin; where other blocks that have a number begin; and the first byte not walked over: of a
        section header, of an interface description, of a block that is not whole or not sound, or beyond the buffer
        after a false length
    """
    unpack_from = struct.Struct(f"{order}II").unpack_from
    positions: list[int] = []
    others: list[int] = []
    append = positions.append
    at = start
    last = len(buffer) - FRAME_BYTES
    while at <= last:
        kind, length = unpack_from(buffer, at)
        if kind == ENHANCED_PACKET and length >= FRAME_BYTES:
            append(at)
            at += length
        elif kind in PACKETS:
            append(at)
            if length < FRAME_BYTES:
                break
            at += length
        elif kind in SPAN_ENDS or not _is_skippable(buffer, at, length, order):
            break
        else:
            if kind in NUMBERED:
                others.append(at)
            at += length
    return positions, others, at


def _is_skippable(buffer: bytes, at: int, length: int, order: str) -> bool:
    """Say whether the block at `at` is sound and wholly there."""
    if _length_fault(length, FRAME_BYTES) or at + length > len(buffer):
        return False
    return bool(struct.unpack_from(f"{order}I", buffer, at + length - 4)[0] == length)


def _length_fault(length: int, least: int) -> str | None:
    """Say what is wrong with the length of a block that has at least `least` bytes."""
    if length < least:
        return f"a block of {length} bytes where {least} are the least"
    if length % 4:
        return f"a block of {length:,} bytes, which is not a multiple of 4"
    if length > MAX_BLOCK_BYTES:
        return f"a block that claims {length:,} bytes"
    return None


def _column(positions: list[int]) -> Column:
    """Turn positions into a column."""
    return np.fromiter(positions, dtype=np.int64, count=len(positions))


def _options(options: bytes, order: str) -> dict[int, bytes]:
    """Read a list of options (3.5), the first of each code; one that leads out of the block ends the list."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from(f"{order}HH", options, at)
        value = options[at + 4 : at + 4 + length]
        if code == 0 or len(value) < length:
            break
        found.setdefault(code, value)
        at += 4 + length + -length % 4
    return found


def _records(spans: list[Rows], used: int, needed: int, damage: str | None) -> Records:
    """Join the rows of spans."""
    rows = spans[0] if len(spans) == 1 else None
    if rows is None:
        joined = [
            np.concatenate([NOTHING, *(getattr(span, name) for span in spans)])
            for name in ("offset", "captured_length", "wire_length", "timestamp_ns", "interface", "number")
        ]
        rows = Rows(*joined)
    return Records(
        rows.offset,
        rows.captured_length,
        rows.wire_length,
        rows.timestamp_ns,
        rows.interface,
        rows.number,
        used=used,
        needed=needed,
        damage=damage,
    )
