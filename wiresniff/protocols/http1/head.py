"""A head in pieces: held until its empty line comes, within limits; found without looking at a byte twice."""

from wiresniff.model import limits
from wiresniff.model.delivery import Data
from wiresniff.protocols.http1.grammar import EMPTY_LINE

_OVERLAP = 3
"""Bytes of the terminator that may lie in the piece before."""


class HeldHead:
    """The beginning of a head."""

    __slots__ = ("acknowledged", "capture", "length", "packet", "pieces", "position", "time_ns")

    def __init__(self, run: Data, position: int) -> None:
        row = run.row_of(position)
        self.position = position
        self.packet = run.columns.packets[row]
        self.capture = run.capture
        self.acknowledged = run.columns.acknowledged[row]
        self.time_ns = run.columns.times[row]
        self.pieces: list[bytes] = []
        self.length = 0

    def add(self, piece: bytes, time_ns: int) -> int:
        """Add a piece; returns how many of its bytes belong to the head with its empty line, -1 when it goes on."""
        self.time_ns = time_ns
        before = b"".join(self.pieces[-_OVERLAP:])[-_OVERLAP:]
        window = before + piece
        match = EMPTY_LINE.search(window)
        used = len(piece) if match is None else match.end() - len(before)
        self.pieces.append(piece[:used])
        self.length += used
        return -1 if match is None else used

    def is_too_long(self) -> bool:
        """Longer than any server takes."""
        return self.length > limits.HEAD_BYTES

    def octets(self) -> bytes:
        """Return what is held."""
        return b"".join(self.pieces)
