"""What was delivered of one flow and is not parsed yet, and what its sender had received when sending it."""

from collections import deque
from typing import NamedTuple

from wiresniff.model.delivery import Data, Gap, Item

SENT_REMEMBERED = 256
"""Segments remembered of a flow, to know what its peer's next segment answers."""


SKIPPED_REMEMBERED = 64
"""Segments passed over that are remembered until a response tells that a request was in them."""


class Skipped(NamedTuple):
    """A segment that was passed over while looking for the beginning of a message."""

    position: int
    stop: int
    packet: int
    capture: int
    time_ns: int


class Sent(NamedTuple):
    """A segment that was delivered."""

    position: int
    stop: int
    acknowledged: int


class Inbox:
    """Items of one flow in order; bytes in it are views until `keep` makes them its own."""

    __slots__ = ("_sent", "ended", "items", "stop")

    def __init__(self) -> None:
        self.items: deque[Item] = deque()
        self.stop = 0
        """Everything before this position was delivered, as data or as a gap."""
        self.ended = False
        self._sent: deque[Sent] = deque(maxlen=SENT_REMEMBERED)

    def put(self, item: Item, *, remember_all: bool) -> None:
        """Add an item; of a run remember each segment, or just the last."""
        self.items.append(item)
        if type(item) is Data:
            self.stop = item.stop
            columns = item.columns
            first = max(item.first, item.last - SENT_REMEMBERED) if remember_all else item.last - 1
            for row in range(first, item.last):
                stop = columns.cuts[row + 1] if row + 1 < item.last else item.stop
                self._sent.append(Sent(columns.cuts[row], stop, columns.acknowledged[row]))
        elif type(item) is Gap:
            self.stop = item.stop
        else:
            self.ended = True

    def pass_by(self, position: int, stop: int, acknowledged: int) -> None:
        """Note that everything up to `stop` was delivered, and understood, elsewhere; its last segment is this."""
        self.stop = stop
        self._sent.append(Sent(position, stop, acknowledged))

    def acknowledged_by(self, position: int) -> int | None:
        """Return what the sender had received when it sent the byte before `position`; None when that was not seen."""
        for sent in reversed(self._sent):
            if sent.stop < position:
                break
            if sent.position < position:
                return sent.acknowledged
        return None

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
