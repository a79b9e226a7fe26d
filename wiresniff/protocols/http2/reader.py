"""From the runs of one flow to its frames.

The inbox is read to its end each time. What lies at `position` is one of

    frames    the next frame begins here; those within a segment are read in place: the hot loop
    preface   what a client sends before its first frame
    held      a frame that is collected, as it ends in another segment or is unusual
    skipped   the rest of a frame whose payload says nothing: known by arithmetic
    search    boundaries are unknown: frames are looked for
"""

from collections import Counter

from wiresniff.model.anomalies import Anomaly
from wiresniff.model.delivery import Data, End, Gap, Item
from wiresniff.model.exchanges import Unseen
from wiresniff.protocols.budget import Budget
from wiresniff.protocols.http2 import frames
from wiresniff.protocols.http2.blocks import HeldFrame
from wiresniff.protocols.http2.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADER,
    HEADER_BYTES,
    HEADERS,
    PADDED,
    PRIORITISED,
    WITHOUT_MEANING,
)  # fmt: skip
from wiresniff.protocols.http2.search import KNOWN_CONNECTION, Search
from wiresniff.protocols.inbox import Inbox

_DECISIVE = END_HEADERS | PADDED | PRIORITISED
"""Flags of HEADERS. With but the first of them set, the payload is a header block."""


class FrameReader:
    """Frames of one flow; `Direction` says what they mean."""

    def __init__(
        self, inbox: Inbox, anomalies: Counter[str], budget: Budget, *, is_synchronised: bool, preface: bytes
    ) -> None:
        self.inbox = inbox
        self.position = inbox.first_position()
        """Everything before it is read."""
        self.paused_ns: int | None = None
        """Waits until the other flow of the connection is read up to this time."""
        self.ended_ns = 0
        """When the flow ended."""
        self.unread_bytes = 0
        """Bytes that were searched in vain, until somebody counts them."""
        self._anomalies = anomalies
        self._budget = budget
        self._preface = preface
        """What is left of it."""
        self._until_ns: int | None = None
        """What came later must wait."""
        self._skip_to = 0
        self._ending = 0
        """Stream that ends where the frame does that is being skipped."""
        self._held: HeldFrame | None = None
        self._is_block_open = False
        """A header block goes on in the next frame: no frame is read in place."""
        self._search = None if is_synchronised else Search(KNOWN_CONNECTION, budget)

    # --- what frames mean ---

    takes_ends: bool
    """The ends of streams say something."""

    def _take_block(
        self, stream: int, flags: int, fragment: bytes, position: int, packet: int, capture: int, time_ns: int,
        unseen: Unseen | None = None,
    ) -> None:  # fmt: skip
        """Take a header block, or as much of it as was seen: then `unseen` says why."""
        raise NotImplementedError

    def _take_end(self, stream: int, time_ns: int) -> None:
        """Take the end of a stream whose DATA were skipped."""
        raise NotImplementedError

    def _begin_frame(self, frame: HeldFrame, time_ns: int) -> bool:
        """Take the header of any other frame; tell whether its payload is wanted."""
        raise NotImplementedError

    def _take_frame(self, frame: HeldFrame, payload: bytes, time_ns: int) -> None:
        """Take a whole frame of which that was wanted."""
        raise NotImplementedError

    def _take_cut(self, frame: HeldFrame | None, gap: Gap) -> None:
        """Bytes are missing, in the payload of a frame or (None) anywhere else."""
        raise NotImplementedError

    def _take_loss(self, time_ns: int) -> None:
        """From here on nothing is known, until frames are found again."""
        raise NotImplementedError

    def _take_flow_end(self, end: End, frame: HeldFrame | None) -> None:
        """Take the end of the flow, which may be within the payload of a frame."""
        raise NotImplementedError

    # --- items ---

    def run(self, until_ns: int | None = None) -> None:
        """Read what the inbox holds, up to a time, or until the other flow is to be read first."""
        self.paused_ns = None
        self._until_ns = until_ns
        items = self.inbox.items
        while items and self.paused_ns is None:
            item = items[0]
            if until_ns is not None and self._begins_at(item) > until_ns:
                return
            if type(item) is Data:
                self._data(item)
                is_done = self.position >= item.stop
            elif type(item) is Gap:
                is_done = self._gap(item)
            else:
                assert type(item) is End
                self._end(item)
                is_done = True
            if is_done and items[0] is item:
                items.popleft()

    def _begins_at(self, item: Item) -> int:
        """Return the time of what is to be read next of an item."""
        if isinstance(item, Data):
            return item.columns.times[item.row_of(max(self.position, item.position))]
        return item.time_ns

    def _data(self, run: Data) -> None:
        """Read a run to its end, or until something else is to be read first."""
        position = max(self.position, run.position)
        while position < run.stop and self.paused_ns is None:
            if self._until_ns is not None and run.columns.times[run.row_of(position)] > self._until_ns:
                break
            if self._search is not None:
                position = self._look(self._search, run, position)
                if self.inbox.items[0] is not run:
                    break
            elif self._skip_to > position:
                position = min(self._skip_to, run.stop)
                if position == self._skip_to and self._ending:
                    self._end_skipped(run.columns.times[run.row_of(position - 1)])
            elif self._held is not None:
                position = self._hold_more(self._held, run, position)
            elif self._preface:
                position = self._read_preface(run, position)
            elif self._is_block_open:
                self._held = HeldFrame(run, position)
            else:
                position = self._frames(run, position)
        self.position = position

    def _frames(self, run: Data, position: int) -> int:
        """Read frame after frame in place; returns the position where something else goes on."""
        buffer, capture, last = run.buffer, run.capture, run.last
        starts, stops, cuts, times, packets, _ = run.columns
        row = run.row_of(position)
        unpack, take_block = HEADER.unpack_from, self._take_block
        size_kind: int
        flags: int
        stream: int
        while True:
            shift = cuts[row] - starts[row]
            at, stop = position - shift, stops[row]
            while at + HEADER_BYTES <= stop:
                size_kind, flags, stream = unpack(buffer, at)
                end = at + HEADER_BYTES + (size_kind >> 8)
                kind = size_kind & 0xFF
                if kind == HEADERS:
                    if end > stop or flags & _DECISIVE != END_HEADERS or stream <= 0:
                        break
                    fragment = buffer[at + HEADER_BYTES : end]
                    take_block(stream, flags, fragment, at + shift, packets[row], capture, times[row])
                    at = end
                    if self.paused_ns is not None:
                        return at + shift
                elif kind == DATA and stream > 0:
                    if end > stop:
                        self._skip_to = end + shift
                        self._ending = stream if flags & END_STREAM else 0
                        return stop + shift
                    at = end
                    if flags & END_STREAM and self.takes_ends:
                        self._take_end(stream, times[row])
                elif size_kind in WITHOUT_MEANING and end <= stop:
                    at = end
                else:
                    break
            position = at + shift
            if at < stop:
                self._held = HeldFrame(run, position)
                return position
            row += 1
            if row >= last or (self._until_ns is not None and times[row] > self._until_ns):
                return position

    def _read_preface(self, run: Data, position: int) -> int:
        """Read what is there of the preface."""
        row = run.row_of(position)
        piece = run.stretch(position, row, segments=1)[: len(self._preface)]
        if not self._preface.startswith(piece):
            self._anomalies[Anomaly.BAD_FRAME] += 1
            self._lose(run.columns.times[row])
            return position
        self._preface = self._preface[len(piece) :]
        return position + len(piece)

    def _hold_more(self, frame: HeldFrame, run: Data, position: int) -> int:
        """Collect a frame from the rest of a segment."""
        columns = run.columns
        row = run.row_of(position)
        start = columns.starts[row] + position - columns.cuts[row]
        piece = run.buffer[start : min(columns.stops[row], start + frame.missing)]
        frame.add(piece)
        position += len(piece)
        time_ns = columns.times[row]
        if frame.missing:
            if frame.is_begun:
                frame.counted += len(piece)
                if self._budget.exceeded(len(piece)):
                    self._give_up_frame(frame, time_ns)
            return position
        if frame.is_begun or self._is_wanted(frame, time_ns):
            self._held = None
            self._budget.release(frame.counted)
            self._take_frame(frame, bytes(frame.octets), time_ns)
        return position

    def _is_wanted(self, frame: HeldFrame, time_ns: int) -> bool:
        """Read the header of a frame that is not read in place; tell whether it matters, and is whole with that."""
        header = bytes(frame.octets)
        frame.begin()
        if not frames.is_legal(frame.kind, frame.length, frame.stream):
            self._anomalies[Anomaly.BAD_FRAME] += 1
            self.unread_bytes += len(header)
            self._lose(time_ns)
            return False
        if self._begin_frame(frame, time_ns):
            return not frame.length
        self._held = None
        self._skip_to = frame.stop
        if frame.kind == DATA and frame.flags & END_STREAM:
            self._ending = frame.stream
            if not frame.length:
                self._end_skipped(time_ns)
        return False

    def _give_up_frame(self, frame: HeldFrame, time_ns: int) -> None:
        """Skip a frame for which there is no room."""
        raise NotImplementedError

    def _end_skipped(self, time_ns: int) -> None:
        stream, self._ending = self._ending, 0
        self._take_end(stream, time_ns)

    # --- what is not data ---

    def _gap(self, gap: Gap) -> bool:
        """Go on behind lost bytes; False when something before them is to be read first."""
        if self._search is not None:
            if self._search.lose(gap):
                self._go_back(self._search)
                return False
            self._count_searched(self._search)
        elif gap.stop <= self._skip_to:
            if gap.stop == self._skip_to and self._ending:
                self._end_skipped(gap.time_ns)
        else:
            frame = self._take_held()
            self._ending = 0
            self._take_cut(frame, gap)
            if frame is not None and gap.stop <= frame.stop:
                self._skip_to = frame.stop
            else:
                self._lose(gap.time_ns)
        self.position = gap.stop
        return True

    def _take_held(self) -> HeldFrame | None:
        """Take the frame that is being collected, if its header was read."""
        frame, self._held = self._held, None
        if frame is None or not frame.is_begun:
            return None
        self._budget.release(frame.counted)
        return frame

    def _end(self, end: End) -> None:
        self.ended_ns = end.time_ns
        self._take_flow_end(end, self._take_held())
        if self._search is not None:
            self._search.give_up()
            self._count_searched(self._search)

    # --- search ---

    def _lose(self, time_ns: int) -> None:
        """From here on boundaries are unknown."""
        self._preface = b""
        self._take_held()
        self._ending = self._skip_to = 0
        self._search = Search(KNOWN_CONNECTION, self._budget)
        self._take_loss(time_ns)

    def _look(self, search: Search, run: Data, position: int) -> int:
        """Look for frames in the segment at `position`; return where to go on."""
        row = run.row_of(position)
        is_found = search.add(run, row, position)
        self.position = run.columns.cuts[row + 1] if row + 1 < run.last else run.stop
        if is_found:
            self._go_back(search)
        else:
            self._count_searched(search)
        return self.position

    def _go_back(self, search: Search) -> None:
        """Go back to where the frames begin that were found."""
        self._search = None
        begin, kept = search.take()
        self._count_searched(search)
        self.inbox.items.extendleft(reversed(kept))
        if begin > self.position:
            self._skip_to = begin
        else:
            self.position = begin

    def _count_searched(self, search: Search) -> None:
        self.unread_bytes += search.dropped_bytes
        search.dropped_bytes = 0
