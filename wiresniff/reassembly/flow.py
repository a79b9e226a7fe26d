"""One flow: the reorder window, the overlap policy, the gap decision."""

from bisect import bisect_right
from typing import NamedTuple

from wiresniff.model import limits
from wiresniff.model.delivery import Columns, Data, End, EndCause, Gap, GapCause, Item
from wiresniff.reassembly.sequence import advance, distance

GAP_NS = int(limits.GAP_SECONDS * 1e9)


class Piece(NamedTuple):
    """A segment's payload, in the block (delivered at once) or in bytes of its own (waiting)."""

    position: int
    stop: int
    cut_stop: int
    """Where its bytes ended on the wire; beyond `stop` when the capture cut it."""
    buffer: bytes
    start: int
    """Of the byte at `position` in `buffer`."""
    time_ns: int
    packet: int
    acknowledged: int
    capture: int


class Flow:
    """What is known of one direction of a connection."""

    __slots__ = (
        "acknowledged", "base", "delivered", "ended", "fin", "missing_packets", "missing_since", "next_sequence",
        "pending", "pending_bytes", "position",
    )  # fmt: skip

    def __init__(self) -> None:
        self.base: int | None = None
        """Sequence number of position 0, once known."""
        self.next_sequence = 0
        """Sequence number of `position`."""
        self.position = 0
        """Everything before was delivered, as data or as a gap."""
        self.acknowledged = 0
        """Highest position that the other side acknowledged."""
        self.fin: int | None = None
        """Position of the FIN."""
        self.ended = False
        self.missing_since: int | None = None
        """When the other side acknowledged past the missing bytes at `position`; None while it has not."""
        self.missing_packets = 0
        """Segments of this flow since then."""
        self.pending: list[Piece] = []
        """Out of order, sorted by position, not overlapping."""
        self.pending_bytes = 0
        self.delivered: list[Piece] = []
        """Delivered within the present block: a repeated segment is compared with these.

        Not with those of earlier blocks, whose memory is used for other packets by then, so the anomaly is a sample.
        To keep copies of what is delivered smoothly would take a tenth of all time (measured), for something so rare.
        """

    def start(self, sequence: int) -> None:
        """Position 0 is at this sequence number."""
        self.base = self.next_sequence = sequence

    def place(self, sequence: int) -> int:
        """Position of a sequence number."""
        return self.position + distance(sequence, self.next_sequence)

    def is_smooth(self) -> bool:
        """Nothing waits, nothing is known to be missing, and no end is in sight."""
        is_open = self.base is not None and self.fin is None and not self.ended
        return is_open and not self.pending and self.missing_since is None

    def move(self, position: int) -> None:
        """Everything before `position` is settled."""
        self.next_sequence = advance(self.next_sequence, position - self.position)
        self.position = position

    # --- what arrives ---

    def close_at(self, position: int) -> None:
        """Take the position of a FIN; one far back is false. The octet of a FIN that came late may be part of a gap."""
        if position >= self.position - 1:
            self.fin = position

    def acknowledge(self, position: int, time_ns: int) -> None:
        """Take it that the other side has everything before `position`."""
        if position > self.acknowledged:
            self.acknowledged = position
            self.look_for_missing(time_ns)

    def look_for_missing(self, time_ns: int) -> None:
        """Start or stop the clock of the missing bytes at `position`."""
        surplus = self.acknowledged - self.position
        # One octet more than was seen and nothing behind it: the FIN, whose packet was not captured.
        missing = surplus > 1 or (surplus == 1 and bool(self.pending))
        if self.fin is not None and self.position >= self.fin:
            missing = False
        if not missing:
            self.missing_since = None
        elif self.missing_since is None:
            self.missing_since = time_ns
            self.missing_packets = 0

    def is_repeat(self, piece: Piece) -> bool:
        """Say whether the piece brings nothing new."""
        return piece.cut_stop <= self.position

    def differs(self, piece: Piece) -> bool:
        """Say whether a byte of the piece differs from the first copy, as far as that is still at hand."""
        first_copies: list[Piece] = []
        if piece.position < self.position:
            first_copies += overlapping(self.delivered, piece)
        if not self._is_new(piece):
            first_copies += overlapping(self.pending, piece)
        return any(overlap_differs(kept, piece) for kept in first_copies)

    def _is_new(self, piece: Piece) -> bool:
        """Say whether the piece lies behind all that waits, as nearly every one does."""
        return not self.pending or piece.position >= self.pending[-1].cut_stop

    def keep(self, piece: Piece) -> int:
        """Keep what is new of a piece beyond missing bytes; returns the bytes kept."""
        kept = 0
        if self._is_new(piece):
            self.pending.append(_held(piece))
            self.pending_bytes += piece.stop - piece.position
            return piece.stop - piece.position
        for new in self._uncovered(piece):
            held = _held(new)
            self.pending.insert(row_after(self.pending, held.position), held)
            kept += held.stop - held.position
        self.pending_bytes += kept
        return kept

    def _uncovered(self, piece: Piece) -> list[Piece]:
        """Parts of the piece that no pending piece covers (first copy wins)."""
        parts: list[Piece] = []
        for other in overlapping(self.pending, piece):
            if piece.position < other.position:
                stop = min(piece.stop, other.position)
                parts.append(piece._replace(stop=stop, cut_stop=other.position))
            piece = from_position(piece, min(other.cut_stop, piece.cut_stop))
        if piece.cut_stop > piece.position:
            parts.append(piece)
        return parts

    # --- what is delivered ---

    def deliver(self, piece: Piece, time_ns: int, items: list[Item]) -> None:
        """Deliver a piece that begins at or before `position`, and its missing tail."""
        piece = from_position(piece, self.position)
        if piece.stop > piece.position:
            append_run(items, piece, time_ns)
            self.delivered.append(piece)
            self.move(piece.stop)
        if piece.cut_stop > self.position:
            items.append(Gap(self.position, piece.cut_stop, GapCause.CUT, time_ns))
            self.move(piece.cut_stop)
        self.missing_since = None  # what is missing from here on is missed from now on

    def drain(self, time_ns: int, items: list[Item]) -> None:
        """Deliver what waited and now follows on; end the flow where its FIN is."""
        while self.pending and self.pending[0].position <= self.position:
            piece = self.pending.pop(0)
            self.pending_bytes -= piece.stop - piece.position
            if piece.cut_stop > self.position:
                self.deliver(piece, time_ns, items)
        if self.fin is not None and self.position >= self.fin:
            self._finish(EndCause.FIN, time_ns, items)
        else:
            self.look_for_missing(time_ns)

    def due_ns(self, now_ns: int) -> int | None:
        """When the present wait became a gap by time, if it has by now."""
        if self.missing_since is None or self.ended or now_ns - self.missing_since < GAP_NS:
            return None
        return self.missing_since + GAP_NS

    def give_up_missing(self, time_ns: int, items: list[Item], *, at_end: bool = False) -> None:
        """Declare the missing bytes at `position` a gap, as far as it is known to be one.

        Before the end only what the other side acknowledged: the rest may still come.
        """
        stops = [piece.position for piece in self.pending[:1]]
        if self.fin is not None:
            stops.append(self.fin)
        if self.acknowledged > self.position and not (at_end and stops):
            stops.append(self.acknowledged)
        stop = min(stops, default=self.position)
        if stop > self.position:
            items.append(Gap(self.position, stop, GapCause.LOST, time_ns))
            self.move(stop)
        self.missing_since = None
        self.drain(time_ns, items)

    def end(self, cause: EndCause, time_ns: int, items: list[Item]) -> None:
        """Deliver whatever waits, with gaps between, and end."""
        while not self.ended and (self.pending or self._is_short()):
            self.give_up_missing(time_ns, items, at_end=True)
        self._finish(cause, time_ns, items)

    def _is_short(self) -> bool:
        """More was sent than was seen: the FIN or the other side's acknowledgement tell."""
        if self.fin is not None:
            return self.position < self.fin
        return self.acknowledged - self.position > 1

    def _finish(self, cause: EndCause, time_ns: int, items: list[Item]) -> None:
        """No more of this flow: what waits behind its end is no one's."""
        self.pending.clear()
        self.pending_bytes = 0
        self.missing_since = None
        if not self.ended:
            self.ended = True
            items.append(End(self.position, cause, time_ns))


def _held(piece: Piece) -> Piece:
    """Return the piece with bytes of its own."""
    position, stop, cut_stop, buffer, start, time_ns, packet, acknowledged, capture = piece
    octets = buffer[start : start + stop - position]
    return Piece(position, stop, cut_stop, octets, 0, time_ns, packet, acknowledged, capture)


def from_position(piece: Piece, position: int) -> Piece:
    """Return the piece without what lies before `position`."""
    if position <= piece.position:
        return piece
    reached = min(position, piece.stop)
    return piece._replace(
        position=position, stop=max(piece.stop, position), start=piece.start + reached - piece.position
    )


def row_after(pieces: list[Piece], position: int) -> int:
    """Row of the first piece that begins behind `position`."""
    return bisect_right(pieces, position, key=lambda piece: piece.position)


def overlapping(pieces: list[Piece], piece: Piece) -> list[Piece]:
    """Those of some sorted pieces, not overlapping each other, that share a position with `piece`."""
    first = max(row_after(pieces, piece.position) - 1, 0)
    last = row_after(pieces, piece.cut_stop - 1)
    return [other for other in pieces[first:last] if other.cut_stop > piece.position]


def overlap_differs(kept: Piece, piece: Piece) -> bool:
    """Whether two pieces hold different bytes for the same positions."""
    first, last = max(kept.position, piece.position), min(kept.stop, piece.stop)
    if first >= last:
        return False
    length = last - first
    kept_at = kept.start + first - kept.position
    piece_at = piece.start + first - piece.position
    return kept.buffer[kept_at : kept_at + length] != piece.buffer[piece_at : piece_at + length]


def append_run(items: list[Item], piece: Piece, time_ns: int) -> None:
    """Add a piece to the last run if it follows on in the same buffer, else begin a run."""
    start, stop = piece.start, piece.start + piece.stop - piece.position
    last = items[-1] if items else None
    if isinstance(last, Data) and last.buffer is piece.buffer and last.capture == piece.capture:
        run = last
        run.stop = piece.stop
        run.last += 1
    else:
        columns = Columns([], [], [], [], [], [])
        run = Data(piece.position, piece.stop, piece.buffer, columns, 0, 1, piece.capture)
        items.append(run)
    for column, value in zip(
        run.columns, (start, stop, piece.position, time_ns, piece.packet, piece.acknowledged), strict=True
    ):
        column.append(value)  # type: ignore[attr-defined]  # lists, made above


def pieces_of(run: Data) -> list[Piece]:
    """Return the segments of a run."""
    columns, buffer = run.columns, run.buffer
    rows = zip(*(column[run.first : run.last] for column in columns), strict=True)
    return [
        Piece(cut, cut + stop - start, cut + stop - start, buffer, start, time_ns, packet, acknowledged, run.capture)
        for start, stop, cut, time_ns, packet, acknowledged in rows
    ]
