"""Requests that wait for their response, and which response is whose.

Without loss it is the order of the queue (RFC 9112 9.3.2). With loss a sender's own acknowledgements tell more than
any count: a client that sends a request has acknowledged all of the server's bytes before the response to it, so the
position at which a response begins names its request, unless requests were pipelined.
"""

from enum import Enum

from wiresniff.model import limits
from wiresniff.model.delivery import NOT_ACKNOWLEDGED
from wiresniff.model.exchanges import Exchange

EXPIRY_NS = limits.EXCHANGE_SECONDS * 10**9


class Answer(Enum):
    """What became of a request that may change the protocol of its connection."""

    OPEN = "no answer yet"
    ACCEPTED = "the connection is no longer HTTP/1"
    REFUSED = "the connection goes on as before"
    UNKNOWN = "the answer was not seen"


class Asked(Exchange):
    """An exchange in the queue, with what pairing needs to know of its request."""

    acknowledged: int
    """How much of the server's flow the client had received when it sent this."""
    may_change: bool = False
    """CONNECT, or a request with Upgrade: its answer may end HTTP/1 on this connection."""
    head_stop: int = 0
    """Where its head ends in the client's flow, if it may change the protocol."""
    is_h2c: bool = False
    """What follows its acceptance is HTTP/2, and so is its response."""
    is_special: bool = False
    """Its response is not simply a status and a body: HEAD, what may change the protocol, what was reported already."""
    answer: Answer = Answer.OPEN
    reported: bool = False
    """It was reported already: it took too long."""


class Queue:
    """The requests of one connection that have no response yet, in order; None where requests may have been lost."""

    __slots__ = ("asked", "dropped")

    def __init__(self) -> None:
        self.asked: list[Asked | None] = []
        """A list: nearly always there is one or none, and an empty deque takes 760 bytes of each connection."""
        self.dropped: list[Exchange] = []
        """Settled without a response; taken by the conversation."""

    def mark_loss(self) -> None:
        """Mark that requests may have been lost here; one mark in a row says it all."""
        if not self.asked or self.asked[-1] is not None:
            self.asked.append(None)

    def is_too_deep(self) -> bool:
        """More requests wait than the limit allows."""
        return len(self.asked) > limits.PIPELINE_REQUESTS

    def drop_oldest(self) -> None:
        """Settle the oldest request without a response."""
        asked = self.asked.pop(0)
        if asked is not None:
            asked.answer = Answer.UNKNOWN
            if not asked.reported:
                self.dropped.append(asked)

    def needs_all(self) -> bool:
        """Tell whether the next response can be paired only when all requests that it may answer were seen."""
        return not self.asked or self.asked[0] is None

    def is_premature(self, acknowledged: int) -> bool:
        """Tell whether a response was sent before the request in turn, which may change the protocol, had arrived."""
        first = self.asked[0] if self.asked else None
        return first is not None and NOT_ACKNOWLEDGED < acknowledged < first.head_stop

    def next_in_order(self, position: int) -> Asked | None:
        """Take the request whose response begins at `position`, in a flow without loss."""
        queue = self.asked
        if not queue:
            return None
        first = queue[0]
        if first is not None:
            return queue.pop(0) if first.acknowledged <= position else None
        second = queue[1] if len(queue) > 1 else None
        if second is not None and second.acknowledged == position:
            queue.pop(0)
            return queue.pop(0)
        return None

    def is_awaited_at(self, position: int) -> bool:
        """Tell whether a request was sent when the server's bytes before `position` had all been received.

        Then the requests before it lost their response, and it is the first in order.
        """
        for asked in self.asked:
            if asked is not None and asked.acknowledged == position:
                while self.asked[0] is not asked:
                    self.drop_oldest()
                return True
        return False

    def drop_all(self) -> None:
        """Settle every request without a response."""
        while self.asked:
            self.drop_oldest()

    def expire(self, now_ns: int) -> list[Exchange]:
        """Return requests that waited long enough to be reported without their response; they keep their place."""
        due: list[Exchange] = []
        for asked in self.asked:
            if asked is None or asked.reported:
                continue
            if now_ns - asked.time_ns <= EXPIRY_NS:
                break
            asked.reported = asked.is_special = True
            due.append(asked)
        return due
