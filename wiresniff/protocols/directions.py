"""What both directions of a connection have in common, whatever is spoken on it."""

from collections import Counter

from wiresniff.model.delivery import Connection
from wiresniff.model.exchanges import Channel
from wiresniff.protocols.budget import Budget
from wiresniff.protocols.inbox import Inbox

SEQUENCE_MASK = 0xFFFF_FFFF


class Directions:
    """One connection, its client and its server told apart; `client_flow` is that of requests."""

    def __init__(
        self,
        connection: Connection,
        inboxes: tuple[Inbox, Inbox],
        client_flow: int,
        budget: Budget,
        anomalies: Counter[str],
    ) -> None:
        self._base = connection.base
        self._client_flow = client_flow
        self.channel = Channel(
            connection.endpoints[client_flow], connection.endpoints[1 - client_flow], connection.capture_point,
            connection.begun(client_flow),
        )  # fmt: skip
        self.requests_inbox = inboxes[client_flow]
        self.responses_inbox = inboxes[1 - client_flow]
        self.budget = budget
        self.anomalies = anomalies
        self.authority: bytes | None = None
        """What was asked for last."""

    def sequence_at(self, position: int) -> int:
        """TCP sequence number of a position of the client's flow."""
        return (self._base[self._client_flow] + position) & SEQUENCE_MASK
