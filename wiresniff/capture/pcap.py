"""The classic capture format (draft-ietf-opsawg-pcap): a file header, then records one behind the other.

Where a record begins is known only from the length of the one before, so positions come from a walk: in lanes, and
where that is not possible in a loop that does one read and one append a packet and nothing else. All other fields are
gathered as columns, and what the walk believed is checked there: a length that can't be true cuts the columns before.
"""

import struct
from dataclasses import dataclass

import numpy as np

from wiresniff.capture.lanes import Chain, leap, walk
from wiresniff.capture.records import Column, Interface, Records, no_records, rows_before
from wiresniff.columns.gather import gather, native
from wiresniff.model.limits import MAX_PACKET_BYTES

FILE_HEADER_BYTES = 24
LINK_TYPE_MASK = 0xFFFF
"""The bits above say whether frames end in a check sequence, which decoding takes for padding."""
NANOSECONDS = 1_000_000_000
MAJOR_VERSIONS = (2, 543)
"""Of all files since 1998, and of a patched libpcap that is 2 in all but name."""
LENGTH_AT = 8
"""Of the captured length in a record header."""
LENGTH_BYTES = 4
MARK_BYTES = 3
"""Of the seconds of a time, without the lowest: the same for four minutes."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a magic number says that the file is written."""

    order: str
    """`<` or `>`, of all fields."""
    tick_ns: int
    """Nanoseconds of one unit of the sub-second field."""
    header_bytes: int = 16
    """Of each record."""

    @property
    def mark_at(self) -> int:
        """Return where in a record header the upper bytes of the seconds are."""
        return 1 if self.order == "<" else 0

    @property
    def record_header(self) -> "np.dtype[np.void]":
        """The fields that every record header begins with."""
        word = f"{self.order}u4"
        return np.dtype([("seconds", word), ("fraction", word), ("captured_length", word), ("wire_length", word)])


LAYOUTS = {
    bytes.fromhex("d4c3b2a1"): Layout("<", 1000),
    bytes.fromhex("a1b2c3d4"): Layout(">", 1000),
    bytes.fromhex("4d3cb2a1"): Layout("<", 1),
    bytes.fromhex("a1b23c4d"): Layout(">", 1),
    # A. Kuznetzov's patched libpcap: interface, protocol and direction behind the usual record header
    bytes.fromhex("34cdb2a1"): Layout("<", 1000, header_bytes=24),
    bytes.fromhex("a1b2cd34"): Layout(">", 1000, header_bytes=24),
}
"""The magic numbers, as the first four bytes of a file."""


def is_pcap(head: bytes) -> bool:
    """Say whether a file that begins so is a classic capture."""
    return head[:4] in LAYOUTS


class Pcap:
    """Reads one classic capture file."""

    word = "pcap"

    def __init__(self) -> None:
        self.interfaces: list[Interface] = []
        self._layout: Layout | None = None
        self._packets = 0

    def read(self, buffer: bytes) -> Records:
        """Read the whole records that `buffer` begins with; the first buffer begins with the file header."""
        if self._layout is not None:
            return self._records(buffer, 0)
        if len(buffer) < FILE_HEADER_BYTES:
            return no_records(needed=FILE_HEADER_BYTES)
        self._layout = LAYOUTS[buffer[:4]]
        major, _, snap_length, link_type = struct.unpack_from(f"{self._layout.order}HH8xII", buffer, 4)
        if major not in MAJOR_VERSIONS:
            return no_records(needed=0, damage=f"pcap of version {major}, which is not known")
        self.interfaces.append(Interface(link_type & LINK_TYPE_MASK, snap_length=snap_length))
        return self._records(buffer, FILE_HEADER_BYTES)

    def _records(self, buffer: bytes, start: int) -> Records:
        """Read the records from byte `start` on."""
        assert self._layout is not None
        layout, header_bytes = self._layout, self._layout.header_bytes
        at = record_positions(buffer, start, layout)
        while len(at) and at[-1] + header_bytes > len(buffer):
            at = at[:-1]
        stop = start
        header = gather(np.frombuffer(buffer, dtype=np.uint8), at, layout.record_header)
        captured = native(header["captured_length"])
        seconds = native(header["seconds"])
        fraction = native(header["fraction"])
        wire = np.maximum(native(header["wire_length"]), captured)

        is_damaged = (captured > MAX_PACKET_BYTES) | (fraction >= NANOSECONDS)
        is_blank = (seconds | fraction | wire) == 0
        rows = rows_before(is_damaged | is_blank)
        damage = None
        if rows < len(at):
            stop = int(at[rows])
            damage = _damage(int(captured[rows]), int(fraction[rows]))
        needed = header_bytes
        if rows and at[rows - 1] + header_bytes + captured[rows - 1] > len(buffer):
            rows -= 1
            stop, damage = int(at[rows]), None
            needed += int(captured[rows])
        elif rows and damage is None:
            stop = int(at[rows - 1] + header_bytes + captured[rows - 1])
        self._packets += rows
        return Records(
            offset=at[:rows] + header_bytes,
            captured_length=captured[:rows],
            wire_length=wire[:rows],
            timestamp_ns=seconds[:rows] * NANOSECONDS + fraction[:rows] * layout.tick_ns,
            interface=np.zeros(rows, dtype=np.int64),
            number=np.arange(1, rows + 1) + self._packets - rows,
            used=stop,
            needed=needed,
            damage=damage,
        )


def record_positions(buffer: bytes, start: int, layout: Layout) -> Column:
    """Walk from record to record, believing every length, until one leads out of the buffer.

    buffer, start   (bytes,) and the position of the first record
    ->              (k,) i8, where records begin; the last ones may be cut or, after a false length, nonsense
    """
    mark_at = start + layout.mark_at
    chain = Chain(layout.order, LENGTH_AT, layout.header_bytes)
    leapt, start = leap(buffer, start, chain, buffer[mark_at : mark_at + MARK_BYTES], layout.mark_at)
    walked, _ = walk(buffer, start, len(buffer) - LENGTH_AT - LENGTH_BYTES + 1, chain)
    return np.concatenate((leapt, walked))


def _damage(captured: int, fraction: int) -> str:
    """Say why a record header can't be one."""
    if captured > MAX_PACKET_BYTES:
        return f"a packet that claims {captured:,} bytes"
    if fraction >= NANOSECONDS:
        return f"a packet {fraction:,} parts of a second behind the second"
    return "zeros where a packet should begin"
