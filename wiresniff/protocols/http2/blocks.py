"""A frame in pieces, and a header block in frames."""

from wiresniff.model.delivery import Data
from wiresniff.protocols.http2.frames import HEADER, HEADER_BYTES, MAX_STREAM


class HeldFrame:
    """A frame that is collected: first its header, then its payload."""

    __slots__ = (
        "capture", "counted", "flags", "is_begun", "kind", "length", "missing", "octets", "packet", "position",
        "stream",
    )  # fmt: skip

    def __init__(self, run: Data, position: int) -> None:
        self.position = position
        self.packet = run.columns.packets[run.row_of(position)]
        self.capture = run.capture
        self.octets = bytearray()
        """Of its header, then of its payload."""
        self.missing = HEADER_BYTES
        """Bytes until there is something to decide."""
        self.counted = 0
        """Bytes taken from the budget."""
        self.is_begun = False
        """Its header was read."""
        self.kind = self.flags = self.stream = self.length = 0

    def add(self, piece: bytes) -> None:
        """Add bytes, no more than are missing."""
        self.octets += piece
        self.missing -= len(piece)

    def begin(self) -> None:
        """Read the header; its payload is missing from now on."""
        size_kind, self.flags, stream = HEADER.unpack(self.octets)
        self.kind, self.length, self.stream = size_kind & 0xFF, size_kind >> 8, stream & MAX_STREAM
        self.is_begun = True
        self.missing = self.length
        self.octets.clear()

    @property
    def stop(self) -> int:
        """Position behind the frame."""
        return self.position + HEADER_BYTES + self.length


class OpenBlock:
    """A header block, or the beginning of one that goes on in CONTINUATION frames."""

    __slots__ = ("_pieces", "begun", "counted", "frames", "length")

    def __init__(self, begun: HeldFrame, fragment: bytes) -> None:
        self.begun = begun
        """HEADERS or PUSH_PROMISE, without its payload."""
        self._pieces = [fragment]
        self.length = len(fragment)
        self.counted = 0
        """Bytes taken from the budget."""
        self.frames = 0
        """CONTINUATION frames."""
        begun.octets.clear()

    def add(self, fragment: bytes) -> None:
        """Add the payload of a CONTINUATION."""
        self.frames += 1
        if fragment:
            self._pieces.append(fragment)
            self.length += len(fragment)

    def octets(self) -> bytes:
        """Return what there is of the block."""
        return b"".join(self._pieces)
