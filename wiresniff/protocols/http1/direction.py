"""What both directions of a connection have in common: items of the inbox, in order, to states that take runs.

A state is a method that takes a run and a position in it and returns the position it reached. One that returns its own
position without changing the state is blocked on the peer, and asked again when the peer has moved.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from wiresniff.model.delivery import Data, End, Gap
from wiresniff.protocols.http1.body import ChunkedBody
from wiresniff.protocols.inbox import Inbox

if TYPE_CHECKING:
    from wiresniff.protocols.http1.head import HeldHead

State: TypeAlias = Callable[[Data, int], int]


class Direction:
    """One direction of an HTTP/1 connection: the machine without its states."""

    def __init__(self, inbox: Inbox, *, is_synchronised: bool) -> None:
        self.inbox = inbox
        self.position = inbox.first_position()
        """Everything before it is parsed."""
        self.ended = False
        self._state: State = self._head if is_synchronised else self._seek
        self._held: HeldHead | None = None
        """The head that is being received in pieces."""
        self._skip_to = 0
        """Where the body ends."""
        self._chunks = ChunkedBody()

    def run(self) -> bool:
        """Parse what the inbox holds, as far as it goes; tell whether anything moved."""
        items = self.inbox.items
        began_at = self.position
        moved = False
        while items and not self._is_blocked():
            item = items[0]
            if type(item) is Data:
                if not self._data(item):
                    break
            elif type(item) is Gap:
                if self._is_blocked_before_gap():
                    break
                self._gap(item)
                self.position = item.stop
            else:
                assert type(item) is End
                self._end(item)
            items.popleft()
            moved = True
        return moved or self.position != began_at

    def _data(self, run: Data) -> bool:
        """Parse a run; False when blocked within it."""
        position = max(self.position, run.position)
        while position < run.stop:
            state = self._state
            reached = state(run, position)
            if reached == position and self._state == state:
                self.position = position
                return False
            position = reached
        self.position = position
        return True

    def pass_by(self, run: Data, first: int, last: int) -> None:
        """Go on behind rows of a run that were understood without parsing them."""
        self.inbox.pass_by(run, first, last)
        self.position = self.inbox.stop

    @staticmethod
    def _handed_over(_run: Data, position: int) -> int:
        """Leave what follows to who reads HTTP/2."""
        return position

    def is_handed_over(self) -> bool:
        """Tell whether the next byte is the first of HTTP/2."""
        return self._state == self._handed_over

    def is_synchronised(self) -> bool:
        """Tell whether boundaries are known."""
        return self._state != self._seek

    def _is_blocked(self) -> bool:
        """Tell whether what was parsed must be settled before anything more is, or somebody else goes on."""
        return self._state == self._handed_over

    def _is_blocked_before_gap(self) -> bool:
        """Tell whether the meaning of lost bytes depends on the peer."""
        return False

    def _head(self, run: Data, position: int) -> int:
        """Read what begins at a head."""
        raise NotImplementedError

    def _seek(self, run: Data, position: int) -> int:
        """Look for a head: boundaries are unknown."""
        raise NotImplementedError

    def _gap(self, gap: Gap) -> None:
        """Go on behind lost bytes."""
        raise NotImplementedError

    def _end(self, end: End) -> None:
        """Take the end of the flow."""
        raise NotImplementedError
