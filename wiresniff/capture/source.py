"""CaptureFile: one capture of the command line as packet blocks, and what is known of it meanwhile."""

import os
import stat
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

import numpy as np

from wiresniff.capture.filter import Filter
from wiresniff.capture.looks_like import HEAD_BYTES, looks_like
from wiresniff.capture.pcap import LAYOUTS, Pcap, is_pcap
from wiresniff.capture.pcapng import SECTION_MAGIC, TELLING_BYTES, Pcapng, is_pcapng
from wiresniff.capture.records import Interface, RecordFormat, Records
from wiresniff.capture.stream import STANDARD_INPUT, ByteStream
from wiresniff.model.audit import CaptureSummary
from wiresniff.model.errors import CaptureError, UsageError
from wiresniff.model.limits import READ_BYTES
from wiresniff.model.packets import PacketBlock

if TYPE_CHECKING:
    from mmap import mmap

FIRST_READ_BYTES = 512 * 1024
"""Read at first: enough to learn what the heads of the traffic are like, which makes larger blocks quick."""
PROBE_BYTES = 64 * 1024
"""Read of a file to learn when it begins."""
READABLE = "wiresniff reads pcap and pcapng, plain or compressed with gzip, zstd or xz"
OPEN_ERRORS = {
    FileNotFoundError: "there is no such file",
    PermissionError: "it may not be read by this user (permission denied)",
    IsADirectoryError: "it is a directory; name the captures in it",
}
"""What the operating system says, as a sentence."""


class CaptureFile:
    """A capture by name (`-` is standard input), read while it is iterated over.

    `summary` tells at any time how far it came. `filter` drops packets; those that are left keep their numbers.
    `block_packets` bounds the packets of a block, `read_bytes` the bytes read at a time.
    """

    def __init__(
        self,
        name: str,
        index: int,
        filter: Filter | None = None,  # noqa: A002 (named like the option)
        *,
        block_packets: int | None = None,
        read_bytes: int = READ_BYTES,
    ) -> None:
        self.name = name
        self.index = index
        """Row of the list of captures."""
        self.filter = filter
        self.block_packets = block_packets
        self.read_bytes = read_bytes
        self.summary = CaptureSummary(name=name, format="")
        self.interfaces: list[Interface] = []
        """As far as described yet; `PacketBlock.interface` is a row of it."""
        self._packet_interfaces: set[int] = set()
        """Rows of `interfaces` of which there were packets."""
        self.filtered_packets = 0
        """Dropped by the filter."""
        self.bytes_read = 0
        """Of the file on disk."""
        self.memory: Callable[[], mmap] | None = None
        """Gives memory to read the next block into, as far as that can be filled; None: blocks have bytes of their own.
        Such a block's buffer is the memory itself, which gives what is read of it as bytes."""
        self.identity, self.bytes_total = _identity(name)
        """Equal for the same file under another name; size on disk. None where they are not known."""
        self._pending: Iterator[PacketBlock] | None = None

    def __iter__(self) -> Iterator[PacketBlock]:
        """Give block after block. Raises CaptureError, one sentence of the name and of `summary.error`."""
        if self._pending is not None:
            blocks, self._pending = self._pending, None
            yield from blocks
            return
        try:
            with ByteStream(self.name) as stream:
                yield from self._blocks(stream)
        except CaptureError as error:
            self.summary.error = str(error)
            raise CaptureError(f"{self.name}: {error}") from error
        except (OSError, ValueError) as error:
            self.summary.error = _sentence(error)
            raise CaptureError(f"{self.name}: {self.summary.error}") from error

    @property
    def link_types(self) -> list[int]:
        """Return the link types of the packets so far, in order."""
        return sorted({self.interfaces[row].link_type for row in self._packet_interfaces})

    def first_time_ns(self) -> int | None:
        """Return the time of the first packet, None without packets. What can't be read twice is read on from there.

        Raises CaptureError like iterating.
        """
        if self.identity is not None:
            probe = CaptureFile(self.name, self.index, read_bytes=PROBE_BYTES)
            blocks = iter(probe)
            try:
                return next((int(block.timestamp_ns[0]) for block in blocks), None)
            except CaptureError:
                self.summary.error = probe.summary.error
                raise
        blocks = iter(self)
        first = next(blocks, None)
        self._pending = _chain(first, blocks)
        return None if first is None else int(first.timestamp_ns[0])

    def _blocks(self, stream: ByteStream) -> Iterator[PacketBlock]:
        """Read from the stream until it ends or what follows can't be believed."""
        buffer = self._head(stream)
        records_format = self._format(stream, buffer)
        self.interfaces = records_format.interfaces
        at = 0
        while True:
            records = records_format.read(buffer)
            yield from self._split(buffer, records)
            at += records.used
            if records.damage is not None:
                self._end_damaged(records.damage, at)
                return
            rest, needed = buffer[records.used :], records.needed
            del buffer, records  # their memory serves what is read next
            buffer = self._read_on(stream, rest, needed)
            self.bytes_read = stream.bytes_read
            if len(buffer) == len(rest):
                self._end(stream, rest, at)
                return

    def _read_on(self, stream: ByteStream, rest: bytes, needed: int) -> bytes:
        """Read what follows, with `rest` of what was read before: `needed` bytes at least, to be of use."""
        if self.memory is not None:
            memory = self.memory()
            if needed <= len(memory) and stream.fill(memory, len(rest)):
                return cast("bytes", memory)
        return stream.read(rest, needed, self.read_bytes)

    def _head(self, stream: ByteStream) -> bytes:
        """Read as much as the format needs to be told."""
        head = b""
        while len(head) < TELLING_BYTES and not is_pcap(head):
            data = stream.read(head, len(head) + 1, max(HEAD_BYTES, min(self.read_bytes, FIRST_READ_BYTES)))
            if len(data) == len(head):
                break
            head = data
        self.bytes_read = stream.bytes_read
        return head

    def _format(self, stream: ByteStream, head: bytes) -> RecordFormat:
        """Choose who reads a file that begins so, and write it down."""
        records_format: RecordFormat
        if is_pcap(head):
            records_format = Pcap()
        elif is_pcapng(head):
            records_format = Pcapng()
        else:
            raise CaptureError(_not_a_capture(stream, head))
        self.summary.format = records_format.word + (f" ({stream.compression})" if stream.compression else "")
        return records_format

    def _split(self, buffer: bytes, records: Records) -> Iterator[PacketBlock]:
        """Give the records as blocks of at most `block_packets`, without those that the filter drops."""
        step = self.block_packets or max(len(records), 1)
        link_types = tuple(interface.link_type for interface in self.interfaces)
        for start in range(0, len(records), step):
            rows = slice(start, start + step)
            block = PacketBlock(
                buffer=buffer,
                offset=records.offset[rows],
                captured_length=records.captured_length[rows],
                wire_length=records.wire_length[rows],
                timestamp_ns=records.timestamp_ns[rows],
                number=records.number[rows],
                interface=records.interface[rows],
                link_types=link_types,
                capture=self.index,
            )
            self._count(block)
            if self.filter is not None:
                kept = self.filter.apply(block)
                self.filtered_packets += len(block) - len(kept)
                block = kept
            if len(block):
                yield block

    def _count(self, block: PacketBlock) -> None:
        summary = self.summary
        summary.packets += len(block)
        if len(block.link_types) == 1:
            self._packet_interfaces.add(0)
        else:
            self._packet_interfaces.update(np.flatnonzero(np.bincount(block.interface)).tolist())
        first, last = int(block.timestamp_ns.min()), block.now_ns
        summary.first_time_ns = first if summary.first_time_ns is None else min(first, summary.first_time_ns)
        summary.last_time_ns = last if summary.last_time_ns is None else max(last, summary.last_time_ns)

    def _end(self, stream: ByteStream, rest: bytes, at: int) -> None:
        """Write down how the file ended: after a record, or in the middle of one.

        A packet of which only a part is there is left out: Wireshark does not show it, so nobody could look it up.
        """
        if at == 0:
            raise CaptureError("it is cut short in its file header: there is no packet in it")
        if stream.warning is not None:
            self.summary.warning = f"{stream.warning} after packet {self.summary.packets:,}; read up to there"
        elif rest:
            self.summary.warning = (
                f"it is cut short: it ends in the middle of a record, after packet {self.summary.packets:,} "
                f"(at byte {at:,}); read up to there"
            )

    def _end_damaged(self, damage: str, at: int) -> None:
        """Write down where the file stops being believable."""
        if not self.summary.packets and not self.interfaces:
            raise CaptureError(f"it is damaged from its beginning: {damage}")
        packed = " of the decompressed data" if "(" in self.summary.format else ""
        self.summary.warning = (
            f"it is damaged at byte {at:,}{packed}, after packet {self.summary.packets:,}: {damage}; read up to there"
        )


def open_captures(
    names: list[str],
    filter: Filter | None = None,  # noqa: A002 (named like the option)
    *,
    block_packets: int | None = None,
) -> list[CaptureFile]:
    """Name the captures of a call. Nothing is read yet. Raises UsageError when standard input is named twice."""
    if names.count(STANDARD_INPUT) > 1:
        raise UsageError("`-` (standard input) can be given once only")
    return [CaptureFile(name, index, filter, block_packets=block_packets) for index, name in enumerate(names)]


def _identity(name: str) -> tuple[tuple[int, int] | None, int | None]:
    """Return device and inode, and the size of a file; Nones for what isn't one."""
    if name == STANDARD_INPUT:
        return None, None
    try:
        status = os.stat(name)  # noqa: PTH116 (a name may be odd in ways that paths are not)
    except (OSError, ValueError):
        return None, None
    return ((status.st_dev, status.st_ino), status.st_size) if stat.S_ISREG(status.st_mode) else (None, None)


def _sentence(error: Exception) -> str:
    """Say what the operating system had against a file."""
    for kind, words in OPEN_ERRORS.items():
        if isinstance(error, kind):
            return words
    return f"the system says: {getattr(error, 'strerror', None) or error}"


def _not_a_capture(stream: ByteStream, head: bytes) -> str:
    """Say what a file is instead."""
    compression = f" (inside {stream.compression})" if stream.compression else ""
    if not head:
        return f"{stream.warning}; nothing could be read" if stream.warning else f"it is empty{compression}"
    if len(head) < TELLING_BYTES and any(magic.startswith(head) for magic in (*LAYOUTS, SECTION_MAGIC)):
        return f"it is too short for a capture{compression}; {READABLE}"
    likeness = looks_like(head)
    what = f"it looks like {likeness}" if likeness else "its first bytes are those of no known kind of file"
    return f"it is not a capture{compression}: {what}; {READABLE}"


def _chain(first: PacketBlock | None, rest: Iterator[PacketBlock]) -> Iterator[PacketBlock]:
    """Give a block, then the others."""
    if first is not None:
        yield first
    yield from rest
