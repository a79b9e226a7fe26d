"""What both directions of an HTTP/2 connection write in and read.

`direction`, `requests` and `responses` know this; `conversation` joins them.
"""

from collections import Counter
from collections.abc import Callable

from wiresniff.model.delivery import Connection
from wiresniff.protocols.budget import Budget
from wiresniff.protocols.directions import Directions
from wiresniff.protocols.http2.fields import RequestFields
from wiresniff.protocols.http2.inference import Inference
from wiresniff.protocols.http2.known_blocks import Remembered
from wiresniff.protocols.http2.streams import EXPIRY_NS, Call, Streams
from wiresniff.protocols.http2.undecided import Patience
from wiresniff.protocols.inbox import Inbox


class Readers:
    """What the connections of a capture point share."""

    def __init__(self, kept_fields: frozenset[bytes], is_traceparent_shaped: Callable[[bytes], bool]) -> None:
        self.request_fields = RequestFields(kept_fields)
        self.is_traceparent_shaped = is_traceparent_shaped
        self.patience = Patience()
        self.remembered = Remembered(self.patience.evictions)


class Shared(Directions):
    """What is common to both directions of one connection in HTTP/2."""

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
        self.streams = Streams()
        self.remembered = readers.remembered
        self.inference = Inference(readers.request_fields, readers.is_traceparent_shaped, readers.patience)

    def settle(self, now_ns: int, *, is_over: bool) -> None:
        """Take the verdicts that waited for evidence and are decided by now."""
        for call in self.inference.settled(now_ns, is_over=is_over):
            assert isinstance(call, Call)
            call.settled_ns = min(now_ns, call.time_ns + EXPIRY_NS)
            self.streams.settle(call)
