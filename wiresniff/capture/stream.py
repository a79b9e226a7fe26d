"""The bytes of a file or of standard input, decompressed, as they come.

A live pipe (`tcpdump -U -w - |`) gives what is there: nothing waits for a buffer to fill. A plain file is read at the
position of the record that was not finished, so that no block is copied to put two pieces together.
"""

from __future__ import annotations

import fcntl
import lzma
import os
import select
import stat
import sys
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, Self

from wiresniff.model.limits import DECOMPRESSED_BYTES, DECOMPRESSION_WINDOW_BYTES, READ_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedReader
    from mmap import mmap
    from types import TracebackType

STANDARD_INPUT = "-"
MAGIC_BYTES = 6
"""Enough to tell a compression."""
PIPE_BYTES = 1 << 20
"""The most that Linux gives without privileges (fs.pipe-max-size)."""
ZSTD_SLICE_BYTES = 1024
"""Fed to zstd at a time, which knows no limit of its output: 4 bytes may stand for a block of 128 KiB."""


class Decompressor(Protocol):
    """One member (gzip), frame (zstd) or stream (xz) of a compressed file."""

    @property
    def ended(self) -> bool:
        """It is complete."""
        ...

    @property
    def rest(self) -> bytes:
        """What was fed and lies behind its end."""
        ...

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give what the bytes decompress to, piece by piece; raises what the library raises."""
        ...


class Gzip:
    """A member of a gzip file (RFC 1952 2.2)."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def ended(self) -> bool:
        """The member is complete."""
        return self._inflate.eof

    @property
    def rest(self) -> bytes:
        """What lies behind it."""
        return self._inflate.unused_data

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give what the bytes decompress to."""
        piece = b""
        while data or len(piece) == DECOMPRESSED_BYTES:
            piece = self._inflate.decompress(data, DECOMPRESSED_BYTES)
            data = self._inflate.unconsumed_tail
            yield piece


class Xz:
    """A stream of an xz file."""

    def __init__(self) -> None:
        self._decompress = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=DECOMPRESSION_WINDOW_BYTES)

    @property
    def ended(self) -> bool:
        """The stream is complete."""
        return self._decompress.eof

    @property
    def rest(self) -> bytes:
        """What lies behind it."""
        return self._decompress.unused_data

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give what the bytes decompress to."""
        yield self._decompress.decompress(data, DECOMPRESSED_BYTES)
        while not (self._decompress.needs_input or self._decompress.eof):
            yield self._decompress.decompress(b"", DECOMPRESSED_BYTES)


class DamagedFrameError(Exception):
    """What zstd has against a frame."""


class Zstd:
    """A frame of a zstd file (RFC 8878 3.1), or one to be skipped (3.1.2)."""

    def __init__(self) -> None:
        import zstandard  # noqa: PLC0415 (a native library, wanted for such files only)

        self._fault = zstandard.ZstdError
        decompressor = zstandard.ZstdDecompressor(max_window_size=DECOMPRESSION_WINDOW_BYTES)
        self._decompress = decompressor.decompressobj()
        self._rest = b""

    @property
    def rest(self) -> bytes:
        """What lies behind it."""
        return self._rest

    @property
    def ended(self) -> bool:
        """The frame is complete."""
        return self._decompress.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give what the bytes decompress to."""
        for at in range(0, len(data), ZSTD_SLICE_BYTES):
            try:
                piece = self._decompress.decompress(data[at : at + ZSTD_SLICE_BYTES])
            except self._fault as error:
                raise DamagedFrameError(error) from error
            yield piece
            if self._decompress.eof:
                self._rest = self._decompress.unused_data + data[at + ZSTD_SLICE_BYTES :]
                return


COMPRESSIONS: dict[str, tuple[tuple[bytes, ...], Callable[[], Decompressor]]] = {
    "gzip": ((b"\x1f\x8b",), Gzip),
    "zstd": ((b"\x28\xb5\x2f\xfd", *(bytes([low]) + b"\x2a\x4d\x18" for low in range(0x50, 0x60))), Zstd),
    "xz": ((b"\xfd7zXZ\x00",), Xz),
}
"""Word, what files begin with, and who decompresses them. zstd files may begin with a frame to be skipped (pzstd)."""
FAULTS = (zlib.error, lzma.LZMAError, DamagedFrameError, EOFError)
"""What the libraries raise."""


class RawBytes:
    """Bytes as the operating system gives them."""

    def __init__(self, name: str) -> None:
        self._stream: BufferedReader | None = None
        self._owned = name != STANDARD_INPUT
        self._fd = os.open(name, os.O_RDONLY) if self._owned else self._standard_input()
        status = os.fstat(self._fd) if self._fd >= 0 else None
        self.is_file = status is not None and stat.S_ISREG(status.st_mode)
        """Not a pipe, device or socket: it can be read again, and all of it is there."""
        self.size = status.st_size if status is not None and self.is_file else None
        self.bytes_read = 0
        if status is not None and stat.S_ISFIFO(status.st_mode):
            widen(self._fd)

    def _standard_input(self) -> int:
        """Return its descriptor, -1 where it is not one of the operating system's (as under test)."""
        try:
            return sys.stdin.fileno()
        except (OSError, ValueError, AttributeError):
            self._stream = getattr(sys.stdin, "buffer", None)
            return -1

    def read(self, size: int) -> bytes:
        """Read what is there now, at most `size` bytes; waits for the first one. Empty at the end."""
        if self._stream is not None:
            data = self._stream.read1(size)
        elif self._fd < 0:
            data = b""
        else:
            data = self._read_descriptor(size)
        self.bytes_read += len(data)
        return data

    def _read_descriptor(self, size: int) -> bytes:
        while True:
            try:
                return os.read(self._fd, size)
            except BlockingIOError:  # whoever made the pipe made it so that reading does not wait
                select.select([self._fd], [], [])

    def remaining(self) -> int:
        """Return how many bytes a file had behind what was read, when it was opened."""
        return (self.size or 0) - self.bytes_read

    def fill(self, memory: mmap) -> int:
        """Read a file into memory; return how many bytes there were, fewer than there is room for at its end."""
        view, at = memoryview(memory), 0
        while at < len(view) and (count := os.readv(self._fd, [view[at:]])):
            at += count
        self.bytes_read += at
        return at

    def rewind(self, count: int) -> None:
        """Go back: the last `count` bytes are read again."""
        os.lseek(self._fd, -count, os.SEEK_CUR)
        self.bytes_read -= count

    def is_ready(self) -> bool:
        """Say whether reading would not wait."""
        return self.is_file or self._fd < 0 or bool(select.select([self._fd], [], [], 0)[0])

    def close(self) -> None:
        """Close what was opened here."""
        if self._owned:
            os.close(self._fd)


class ByteStream:
    """Reads a capture by name: told by content, `-` is standard input. Raises OSError when it can't be opened."""

    def __init__(self, name: str) -> None:
        self._raw = RawBytes(name)
        self.warning: str | None = None
        """What became of the compressed bytes, once that is known."""
        try:
            self._head = self._read_head()
        except BaseException:
            self._raw.close()
            raise
        self.compression = compression_of(self._head)
        self._pieces = self._decompressed() if self.compression else self._plain()
        self._is_seekable = self._raw.is_file and self.compression is None
        if self._is_seekable:
            self._raw.rewind(len(self._head))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._raw.close()

    @property
    def bytes_read(self) -> int:
        """Bytes of the file on disk that were read."""
        return self._raw.bytes_read

    @property
    def bytes_total(self) -> int | None:
        """Bytes of the file on disk; None where that isn't known."""
        return self._raw.size

    def read(self, kept: bytes = b"", needed: int = 1, size: int = READ_BYTES) -> bytes:
        """Read on: `kept`, the unused end of what was read last, and about `size` bytes more.

        Of a pipe, what is there now, but at least `needed` bytes in all. No more than `kept` at the end.
        """
        if self._is_seekable:
            self._raw.rewind(len(kept))
            return self._raw.read(max(len(kept) + size, needed))
        pieces, length = [kept], len(kept)
        for piece in self._pieces:
            pieces.append(piece)
            length += len(piece)
            if length >= max(len(kept) + size, needed):
                break
            if len(piece) and length >= needed and not self._raw.is_ready():
                break
        return b"".join(pieces)

    def fill(self, memory: mmap, kept: int) -> bool:
        """Read on into memory: the last `kept` bytes again, and as many more as it has room for.

        Only of a plain file, and only what fills it: False otherwise, and `read` goes on from where it was.
        """
        if not self._is_seekable or self._raw.remaining() + kept < len(memory):
            return False
        self._raw.rewind(kept)
        count = self._raw.fill(memory)
        if count < len(memory):  # the file was cut meanwhile
            self._raw.rewind(count - kept)
            return False
        return True

    def _read_head(self) -> bytes:
        """Read until the compression can be told."""
        head = b""
        while len(head) < MAGIC_BYTES and (data := self._raw.read(READ_BYTES if head else MAGIC_BYTES)):
            head += data
        return head

    def _plain(self) -> Iterator[bytes]:
        """Give the bytes as they are."""
        yield self._head
        while data := self._raw.read(READ_BYTES):
            yield data

    def _decompressed(self) -> Iterator[bytes]:
        """Give the bytes decompressed, member by member."""
        assert self.compression is not None
        _, new = COMPRESSIONS[self.compression]
        decompressor: Decompressor | None = None
        try:
            for chunk in self._plain():
                data = chunk
                while data:
                    if decompressor is None:
                        # between members there may be padding; what else follows is not ours
                        data = data.lstrip(b"\0")
                        if not data:
                            break
                        decompressor = new()
                    yield from decompressor.feed(data)
                    data = decompressor.rest if decompressor.ended else b""
                    if decompressor.ended:
                        decompressor = None
        except FAULTS as error:
            self.warning = f"its {self.compression} compression is damaged ({error})"
            return
        if decompressor is not None:
            self.warning = f"its {self.compression} compression is cut short"


def widen(pipe: int) -> None:
    """Let a pipe hold more than its usual 64 KiB where the system allows it: fewer and larger reads."""
    with suppress(OSError, AttributeError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def compression_of(head: bytes) -> str | None:
    """Name the compression of a file that begins so."""
    return next((word for word, (magics, _) in COMPRESSIONS.items() if head.startswith(magics)), None)
