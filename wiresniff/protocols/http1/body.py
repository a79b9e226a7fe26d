"""Bodies are skipped by arithmetic and never searched. A chunked body is a few short lines between long skips."""

import re
from enum import Enum, auto

from wiresniff.model.delivery import Data

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")
"""RFC 9112 7.1: size and extensions; blanks before the extensions are tolerated (RFC 9112 7.1.1)."""
_LINE_BYTES = 16_384
"""Longest line of a chunk size or a trailer field: as long as servers take a header line."""


class Chunks(Enum):
    """What a chunked body expects next."""

    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILER = auto()
    DONE = auto()
    BROKEN = auto()


_LINES = (Chunks.SIZE, Chunks.DATA_END, Chunks.TRAILER)
"""What is a line."""


class ChunkedBody:
    """Follows a chunked body (RFC 9112 7.1) to its end."""

    __slots__ = ("_line", "expects", "skip_to")

    def __init__(self) -> None:
        self.expects = Chunks.SIZE
        self.skip_to = 0
        """Where the data of the present chunk end, the line end behind it not counted."""
        self._line = b""
        """The beginning of a line whose end is not there yet."""

    def feed(self, run: Data, position: int) -> int:
        """Go on from `position`; returns the position reached: behind the body when `DONE`."""
        while position < run.stop and self.expects not in (Chunks.DONE, Chunks.BROKEN):
            if self.expects is Chunks.DATA:
                if self.skip_to > run.stop:
                    return run.stop
                position = self.skip_to
                self.expects = Chunks.DATA_END
                continue
            position = self._lines(run, position)
        return position

    def _lines(self, run: Data, position: int) -> int:
        """Read lines until data is to be skipped or the segment ends."""
        row = run.row_of(position)
        buffer, stop = run.buffer, run.columns.stops[row]
        shift = run.columns.starts[row] - run.columns.cuts[row]
        at = position + shift
        while self.expects in _LINES:
            end = buffer.find(b"\n", at, stop)
            if end < 0:
                self._line += buffer[at:stop]
                if len(self._line) > _LINE_BYTES:
                    self.expects = Chunks.BROKEN
                return stop - shift
            line = self._line + buffer[at:end]
            self._line = b""
            at = end + 1
            self._read(line.removesuffix(b"\r"), at - shift)
        return at - shift

    def _read(self, line: bytes, position: int) -> None:
        """Take one line, whose end is at `position`."""
        if self.expects is Chunks.TRAILER:
            if not line:
                self.expects = Chunks.DONE
            return
        if self.expects is Chunks.DATA_END:
            self.expects = Chunks.BROKEN if line else Chunks.SIZE
            return
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            self.expects = Chunks.BROKEN
            return
        size = int(match[1], 16)
        if size == 0:
            self.expects = Chunks.TRAILER
        else:
            self.expects = Chunks.DATA
            self.skip_to = position + size

    def survives(self, gap_stop: int) -> bool:
        """Tell whether a gap costs nothing: it ends within the data of a chunk, or with them."""
        return self.expects is Chunks.DATA and gap_stop <= self.skip_to
