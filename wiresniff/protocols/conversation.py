"""What the dissector asks of whoever reads a connection, whatever is spoken on it."""

from collections import Counter
from typing import Protocol

from wiresniff.model.exchanges import Exchange


class Conversation(Protocol):
    """Both directions of one connection, read from its inboxes."""

    protocol: str
    """What is spoken: `http/1`, `http/2`."""
    opaque_bytes: Counter[str]
    """Bytes that could not be read, by reason, until somebody takes them."""

    @property
    def authority(self) -> bytes | None:
        """What was asked for last."""

    def run(self) -> list[Exchange]:
        """Read what the inboxes hold, as far as it goes; return the exchanges that are settled."""

    def opened(self) -> list[Exchange]:
        """Return requests that came since the last call and are not settled."""

    def keep(self) -> list[Exchange]:
        """Let what waits outlive the block."""

    def expire(self, now_ns: int) -> list[Exchange]:
        """Return exchanges that have waited for long."""

    def close(self, *, ended_by_peer: bool) -> list[Exchange]:
        """Return every exchange that is left: both flows are over."""

    def forget(self) -> None:
        """Let go of what refers to itself: both flows are over, and everything was taken."""

    def unread(self, reason: str, octets: int) -> None:
        """Count bytes that could not be read."""
