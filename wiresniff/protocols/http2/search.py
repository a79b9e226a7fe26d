"""Where do frames begin? Found by tiling: each frame must end where the next one begins.

Nine bytes that look like the header of a frame begin a *chain*; its length says where the next header must be, and so
on. A chain that meets bytes that are no header is dropped. One that scored enough is believed:

    a frame                                             1
    HEADERS whose block decodes and has a pseudo-field  3
    HEADERS whose block decodes                         1
    it begins where a segment begins                    1
    a frame of it ends where a segment ends             1

At a given place in random bytes a header is found once in ten million, and a block of pseudo-fields behind it less than
once in a thousand; so what is believed of a connection of which nothing is known (5, of it 3 for pseudo-fields) is less
than once in 10^13 wrong. Where it is known that HTTP/2 is spoken 4 are enough, of any kind.

Bytes are kept from the first frame of a chain that matters (HEADERS and what changes tables), so that nothing is lost
when it is believed. Segments are looked at one by one: the answer is the same for blocks of any size.
"""

import re
from collections import deque
from enum import Enum

from wiresniff.model import limits
from wiresniff.model.delivery import Columns, Data, Gap
from wiresniff.protocols.budget import Budget
from wiresniff.protocols.hpack.decoder import Decoder
from wiresniff.protocols.hpack.undecodable import Undecodable
from wiresniff.protocols.http2 import frames
from wiresniff.protocols.http2.frames import HEADER, HEADER_BYTES

UNKNOWN_CONNECTION = 5
KNOWN_CONNECTION = 4
"""Scores that are enough."""
_PSEUDO_SCORE, _BLOCK_SCORE, _FRAME_SCORE, _ALIGNED_SCORE = 3, 1, 1, 1
PROMISING = 8
"""Of a connection of which nothing is known: it is watched on, though it has no header block that tells who asks."""
CHAINS = 8
"""Followed at once in a flow: one is right, and chance makes no more than one or two beside it."""

_BEGINS = re.compile(
    rb"\x00[\x00-\xff]{2}(?:\x00[\x00\x01\x08\x09]|\x01[\x00-\x2d]|[\x02\x03\x08]\x00|[\x04\x06][\x00\x01]"
    rb"|\x05[\x00\x04\x08\x0c]|\x07\x00)[\x00-\x7f]"
)
"""A coarse sieve for headers of frames that may begin a chain."""
_DECISIVE_BYTES = 1024
"""So much of a header block says whether it is one."""
_TOKEN = re.compile(rb":?[!#$%&'*+\-.^_`|~0-9a-z]{1,256}")
"""Names of fields in HTTP/2 (RFC 9113 8.2.1)."""
_REQUEST_FIELDS = frozenset((b":method", b":scheme", b":path", b":authority", b":protocol"))
_STATUS = b":status"
_MEANINGFUL = frozenset((*frames.READ_WHOLE,))


class Role(Enum):
    """Who sends such header blocks."""

    CLIENT = "client"
    SERVER = "server"


class Chain:
    """Frames that follow each other."""

    __slots__ = ("boundary", "continues", "is_tiled", "kept_from", "pending", "role", "score")

    def __init__(self, position: int, score: int) -> None:
        self.boundary = position
        """Where the next frame begins."""
        self.score = score
        self.kept_from: int | None = None
        """Where its first frame begins that must not be lost."""
        self.pending: tuple[int, int, int] | None = None
        """HEADERS that are not wholly there: where the payload begins and ends, and the flags."""
        self.continues = False
        """CONTINUATION must be next."""
        self.is_tiled = False
        """A frame ended where a segment did."""
        self.role: Role | None = None

    def needed_from(self) -> int:
        """Return from where on bytes must be kept."""
        return self.boundary if self.kept_from is None else self.kept_from


class Search:
    """Looks for frames in one flow, whose boundaries are not known."""

    def __init__(self, enough: int, budget: Budget) -> None:
        self._enough = enough
        self._budget = budget
        self._chains: list[Chain] = []
        self._kept: deque[Data | Gap] = deque()
        self._kept_bytes = 0
        self._tail = b""
        """The last bytes looked at, in which a header may begin."""
        self._stop = 0
        self._visited: set[int] = set()
        """Where frames of chains begin in the segment at hand."""
        self.dropped_bytes = 0
        """Looked at, and not kept any longer; counted by who asks."""
        self.found: Chain | None = None

    def add(self, run: Data, row: int, position: int) -> bool:
        """Look at the rest of a segment from `position` on; tell whether frames were found."""
        octets = run.stretch(position, row, segments=1)
        begins_segment = run.columns.cuts[row] == position and len(octets) >= HEADER_BYTES
        ends_segment = begins_segment
        self._keep(run, row, position, octets)
        self._stop = position + len(octets)
        window = self._tail + octets
        window_at = self._stop - len(window)
        self._visited = set()
        self._chains = [
            chain for chain in self._chains if self._advance(chain, window, window_at, is_segment=ends_segment)
        ]
        if self.found is None:
            self._begin_chains(window, window_at, position if begins_segment else -1, is_segment=ends_segment)
        self._tail = window[-(HEADER_BYTES - 1) :]
        if self.found is None:
            self._let_go()
        return self.found is not None

    def lose(self, gap: Gap) -> bool:
        """Bytes are missing; tell whether frames were found before them."""
        self._tail = b""
        self._stop = gap.stop
        survivors: list[Chain] = []
        for chain in self._chains:
            if chain.pending is not None:
                first, last, flags = chain.pending
                chain.pending = None
                seen = self._octets(first, min(last, gap.position))
                is_likely = self._weigh(chain, seen, last - first, flags, is_whole=False)
                if is_likely and self._is_enough(chain):
                    self.found = chain
                    return True
            if chain.boundary >= gap.stop:
                survivors.append(chain)
        self._chains = survivors
        if survivors:
            self._kept.append(gap)
        self._let_go()
        return False

    def take(self) -> tuple[int, list[Data | Gap]]:
        """Return where the frames that were found begin, and what was kept from there on."""
        assert self.found is not None
        self._chains = [self.found]
        self._let_go()
        self._budget.release(self._kept_bytes)
        return self.found.needed_from(), list(self._kept)

    def role(self) -> Role:
        """Return who sends the header blocks that were found."""
        assert self.found is not None
        assert self.found.role is not None
        return self.found.role

    def is_promising(self) -> bool:
        """Tell whether so many frames follow each other that more will."""
        return any(chain.score >= PROMISING for chain in self._chains)

    def give_up(self) -> None:
        """Keep nothing any longer."""
        self._chains = []
        self._let_go()

    def kept(self) -> list[Data | Gap]:
        """Return what is kept, for somebody else to read."""
        self._budget.release(self._kept_bytes)
        return list(self._kept)

    # --- bytes that are kept ---

    def _keep(self, run: Data, row: int, position: int, octets: bytes) -> None:
        columns = run.columns
        one = Columns(
            [0], [len(octets)], [position], [columns.times[row]], [columns.packets[row]], [columns.acknowledged[row]]
        )
        piece = Data(position, position + len(octets), octets, one, 0, 1, run.capture)
        piece.is_owned = True
        self._kept.append(piece)
        self._kept_bytes += len(octets)
        if self._budget.exceeded(len(octets)):
            self._chains = []

    def _first_needed(self) -> int:
        return min([chain.needed_from() for chain in self._chains], default=self._stop)

    def _let_go(self) -> None:
        """Let go what no chain needs; one that needs too much does without what it had."""
        needed_from = self._first_needed()
        if self._stop - needed_from > limits.SEARCH_BYTES:
            for chain in self._chains:
                chain.kept_from = None
            self._chains = [chain for chain in self._chains if chain.pending is None]
            needed_from = self._first_needed()
        kept = self._kept
        while kept and kept[0].stop <= needed_from:
            item = kept.popleft()
            if type(item) is Data:
                octets = item.stop - item.position
                self._kept_bytes -= octets
                self.dropped_bytes += octets
                self._budget.release(octets)

    def _octets(self, start: int, stop: int) -> bytes:
        """Return kept bytes."""
        pieces = [
            item.buffer[max(start - item.position, 0) : stop - item.position]
            for item in self._kept
            if type(item) is Data and item.position < stop and item.stop > start
        ]
        return b"".join(pieces)

    # --- chains ---

    def _begin_chains(self, window: bytes, window_at: int, segment_at: int, *, is_segment: bool) -> None:
        """Begin a chain wherever a header may be that was not wholly there before."""
        at = 0
        while self.found is None:
            match = _BEGINS.search(window, at)
            if match is None or match.start() + HEADER_BYTES > len(window):
                return
            at = match.start() + 1
            position = window_at + match.start()
            if match.start() + HEADER_BYTES <= len(self._tail) or position in self._visited:
                continue
            is_aligned = position == segment_at
            if len(self._chains) >= CHAINS:
                if not is_aligned:
                    continue
                self._chains.remove(min(self._chains, key=lambda chain: chain.score))
            chain = Chain(position, _ALIGNED_SCORE if is_aligned else 0)
            if self._advance(chain, window, window_at, is_segment=is_segment):
                self._chains.append(chain)

    def _advance(self, chain: Chain, window: bytes, window_at: int, *, is_segment: bool) -> bool:
        """Follow a chain as far as bytes are there; False when it is none, or goes on like another one."""
        while True:
            if chain.pending is not None:
                first, last, flags = chain.pending
                seen = min(last, self._stop)
                if seen < last and seen - first < _DECISIVE_BYTES:
                    return True
                chain.pending = None
                if not self._weigh(chain, self._octets(first, seen), last - first, flags, is_whole=seen == last):
                    return False
            if chain.boundary == self._stop and is_segment and not chain.is_tiled:
                chain.is_tiled = True
                chain.score += _ALIGNED_SCORE
            if self._is_enough(chain):
                self.found = chain
                return True
            if chain.boundary + HEADER_BYTES > self._stop:
                return True
            if chain.boundary in self._visited or chain.boundary < window_at:
                return False
            self._visited.add(chain.boundary)
            if not self._link(chain, window, chain.boundary - window_at):
                return False

    def _link(self, chain: Chain, window: bytes, at: int) -> bool:
        """Read the header at the boundary of a chain; False when it is none."""
        size_kind, flags, stream = HEADER.unpack_from(window, at)
        kind, length = size_kind & 0xFF, size_kind >> 8
        if not frames.is_likely(kind, length, flags, stream) or chain.continues != (kind == frames.CONTINUATION):
            return False
        begin = chain.boundary
        chain.boundary = begin + HEADER_BYTES + length
        if kind in _MEANINGFUL and chain.kept_from is None:
            chain.kept_from = begin
        if kind in frames.WITH_HEADERS:
            chain.continues = not flags & frames.END_HEADERS
        if kind == frames.HEADERS:
            chain.pending = (begin + HEADER_BYTES, chain.boundary, flags)
        else:
            chain.score += _FRAME_SCORE
        return True

    def _weigh(self, chain: Chain, payload: bytes, length: int, flags: int, *, is_whole: bool) -> bool:
        """Read the block of a chain's HEADERS; False when it is none."""
        is_whole = is_whole and bool(flags & frames.END_HEADERS)
        fragment = frames.beginning_of_fragment(frames.HEADERS, flags, payload, length)
        if not fragment:
            return not is_whole
        block = Decoder(is_complete=False).decode(fragment)
        is_decoded = block.error is None or (block.error == Undecodable.TRUNCATED and not is_whole)
        if not is_decoded or not all(_TOKEN.fullmatch(name) for name, _ in block.fields):
            return False
        first = block.fields[0][0] if block.fields else b""
        if first in _REQUEST_FIELDS or first == _STATUS:
            role = Role.SERVER if first == _STATUS else Role.CLIENT
            if chain.role is not None and chain.role is not role:
                return False
            chain.role = role
            chain.score += _PSEUDO_SCORE
        elif is_whole:
            chain.score += _BLOCK_SCORE
        return True

    def _is_enough(self, chain: Chain) -> bool:
        return chain.score >= self._enough and (chain.role is not None or self._enough <= KNOWN_CONNECTION)
