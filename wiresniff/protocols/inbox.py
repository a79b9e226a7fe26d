"""What was delivered of one flow and is not parsed yet, and what its sender had received when sending it."""

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from wiresniff.model.delivery import NOT_ACKNOWLEDGED, Data, Gap, Item

SENT_REMEMBERED = 64
"""Segments remembered of a flow at least, to know what its peer's next segment answers; at most twice as many. More are
on their way only on long and fast lines, and nothing is concluded then."""
ANSWERED_REMEMBERED = 2
"""Of those that the peer is known to have received, when it sent something later; at most twice as many."""

SKIPPED_REMEMBERED = 64
"""Segments passed over that are remembered until a response tells that a request was in them."""


class Skipped(NamedTuple):
    """A segment that was passed over while looking for the beginning of a message."""

    position: int
    stop: int
    packet: int
    capture: int
    time_ns: int


def inboxes() -> "tuple[Inbox, Inbox]":
    """Return the inboxes of both flows of a connection."""
    first, second = Sent(), Sent()
    return Inbox(first, second), Inbox(second, first)


class Sent:
    """What the sender of a flow had received when sending its last segments: a number of 8 bytes and one more each."""

    __slots__ = ("_acknowledged", "_cuts", "_stop")

    def __init__(self) -> None:
        self._cuts = array("q")
        self._acknowledged = array("q")
        self._stop = 0

    def add(self, run: Data, first: int, last: int) -> None:
        """Remember rows of a run, which follow on, with or without a gap."""
        columns = run.columns
        kept = slice(max(first, last - SENT_REMEMBERED), last)
        if columns.cuts[kept.start] > self._stop:
            self._cuts.append(self._stop)
            self._acknowledged.append(NOT_ACKNOWLEDGED)
        _extend(self._cuts, columns.cuts[kept])
        _extend(self._acknowledged, columns.acknowledged[kept])
        self._stop = columns.cuts[last] if last < run.last else run.stop
        if len(self._cuts) > 2 * SENT_REMEMBERED:
            del self._cuts[:-SENT_REMEMBERED], self._acknowledged[:-SENT_REMEMBERED]

    def forget(self, answered: int) -> None:
        """Forget segments before a position that the peer has answered: what it sends next answers later ones."""
        if len(self._cuts) > 2 * ANSWERED_REMEMBERED:
            row = bisect_left(self._cuts, answered) - ANSWERED_REMEMBERED
            if row > 0:
                del self._cuts[:row], self._acknowledged[:row]

    @property
    def answered(self) -> int:
        """Return what the sender had received when it sent its last segment."""
        return self._acknowledged[-1] if self._acknowledged else NOT_ACKNOWLEDGED

    def acknowledged_by(self, position: int) -> int:
        """Return what the sender had received when it sent the byte before `position`."""
        row = bisect_left(self._cuts, position) - 1
        return self._acknowledged[row] if row >= 0 and position <= self._stop else NOT_ACKNOWLEDGED


def _extend(numbers: "array[int]", more: Sequence[int] | memoryview) -> None:
    """Append a part of a column; one that is an array of the same kind as it is."""
    if isinstance(more, memoryview):
        numbers.frombytes(more.cast("B"))
    else:
        numbers.extend(more)


class Inbox:
    """Items of one flow in order; bytes in it are views until `keep` makes them its own.

    sent, answers  what is remembered of this flow, and of the other one
    """

    __slots__ = ("_answers", "_fresh", "_sent", "ended", "items", "stop")

    def __init__(self, sent: Sent, answers: Sent) -> None:
        self.items: deque[Item] = deque()
        self.stop = 0
        """Everything before this position was delivered, as data or as a gap."""
        self.ended = False
        self._sent = sent
        self._answers = answers
        self._fresh: list[Data] = []
        """Runs that are not in `_sent` yet: of these each segment is there, however many there are."""

    def put(self, item: Item) -> None:
        """Add an item."""
        self.items.append(item)
        if type(item) is Data:
            self.stop = item.stop
            self._fresh.append(item)
        elif type(item) is Gap:
            self.stop = item.stop
        else:
            self.ended = True

    def pass_by(self, run: Data, first: int, last: int) -> None:
        """Note that these rows of a run were delivered, and understood, elsewhere."""
        self._sent.add(run, first, last)
        self._sent.forget(self._answers.answered)
        self.stop = run.columns.cuts[last] if last < run.last else run.stop

    def settle(self) -> None:
        """Remember of what was put what must outlive the block."""
        for run in self._fresh:
            self._sent.add(run, run.first, run.last)
        self._fresh.clear()
        self._sent.forget(self._answers.answered)

    def acknowledged_by(self, position: int) -> int:
        """Return what the sender had received when it sent the byte before `position`, if that was seen."""
        for run in self._fresh:
            if run.position < position <= run.stop:
                return run.columns.acknowledged[run.row_of(position - 1)]
        return self._sent.acknowledged_by(position)

    def keep(self, position: int) -> int:
        """Make what is left, from `position` on, outlive the block; returns its bytes."""
        kept = 0
        for row, item in enumerate(self.items):
            if type(item) is Data:
                owned = item.owned(max(position, item.position))
                self.items[row] = owned
                kept += owned.stop - max(position, owned.position)
        return kept

    def first_position(self) -> int:
        """Where parsing goes on."""
        return self.items[0].position if self.items else self.stop
