"""What both directions of an HTTP/1 connection write in and read, and what they know of each other's progress.

`requests` knows only this; `responses` knows it and the requests; `conversation` joins them.
"""

from collections import Counter
from typing import TYPE_CHECKING

from wiresniff.model.delivery import Connection, End, EndCause
from wiresniff.protocols.budget import Budget
from wiresniff.protocols.directions import Directions
from wiresniff.protocols.http1.grammar import Heads
from wiresniff.protocols.http1.pairing import Asked, Queue
from wiresniff.protocols.http1.templates import RequestTemplates, ResponseTemplates
from wiresniff.protocols.inbox import Inbox

if TYPE_CHECKING:
    from wiresniff.model.exchanges import Exchange


class Readers:
    """Reads heads, for all connections of a capture point: what is learned on one serves the others."""

    def __init__(self, kept_fields: frozenset[bytes], anomalies: Counter[str]) -> None:
        self.heads = Heads(kept_fields, anomalies)
        self.request_templates = RequestTemplates(kept_fields)
        self.response_templates = ResponseTemplates()


class Shared(Directions):
    """What is common to both directions of one connection in HTTP/1."""

    def __init__(
        self,
        connection: Connection,
        inboxes: tuple[Inbox, Inbox],
        client_flow: int,
        readers: Readers,
        budget: Budget,
        anomalies: Counter[str],
    ) -> None:
        super().__init__(connection, inboxes, client_flow, budget, anomalies)
        self.heads = readers.heads
        self.request_templates = readers.request_templates
        self.response_templates = readers.response_templates
        self.queue = Queue()
        self.done: list[Exchange] = []
        """Exchanges to be reported."""
        self.opaque_reason = "upgrade"
        self.opaque_bytes: Counter[str] = Counter()
        self.heir: Asked | None = None
        """The request after which the connection goes on in HTTP/2, where it is answered."""
        self.have_responses_ended = False
        self.gave_up_waiting = False
        """Whoever waits for the other direction must go on without it."""

    def unread(self, reason: str, octets: int) -> None:
        """Count bytes that could not be read."""
        self.opaque_bytes[reason] += octets

    def is_delivered(self, position: int) -> bool:
        """Tell whether the server's bytes before `position` were delivered, or will never be."""
        inbox = self.responses_inbox
        return inbox.stop >= position or inbox.ended or self.gave_up_waiting

    def are_responses_over(self) -> bool:
        """Tell whether no answer will come."""
        return self.have_responses_ended or self.gave_up_waiting

    @staticmethod
    def capture_ended(end: End) -> bool:
        """Tell whether the flow went on, but was not watched any longer."""
        return end.cause not in (EndCause.FIN, EndCause.RESET)
