"""What to leave out when there is more than can be read: whole connections, and no more of them than must be.

The kernel's ring fills when reading falls behind. Before it is full, a share of the connections is left out, so that
the others are seen whole; when the ring has been nearly empty for a while, the share becomes smaller again. Packets
that are lost at random would spoil every connection a little.
"""

HIGH, LOW = 0.6, 0.2
"""Shares of the ring: fuller is too full, emptier is room enough."""
STEP = 0.5
"""Of what is still read, the part that is left out next."""
LEAST_READ = 1 / 16
"""So much is always read."""
WAIT_SECONDS = 1.0
"""Before each step: a burst passes, and what was in the ring must be read first."""
RECOVERY_SECONDS = 10.0
"""Room for so long lets more in."""


class Overload:
    """Decides which share of the connections is left out."""

    def __init__(self) -> None:
        self.share = 0.0
        """Left out now."""
        self._behind_since: float | None = None
        self._room_since: float | None = None
        self._dropped = 0

    def look(self, backlog: float, dropped: int, now: float) -> bool:
        """Take how full the ring is, packets dropped in all, and the time in seconds; tell whether `share` changed."""
        is_behind = backlog > HIGH or dropped > self._dropped
        self._dropped = max(dropped, self._dropped)
        if backlog > LOW or is_behind:
            self._room_since = None
        elif self._room_since is None:
            self._room_since = now
        if not is_behind:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = now
        elif now - self._behind_since >= WAIT_SECONDS:
            self._behind_since = None
            return self._change(max((1 - self.share) * STEP, LEAST_READ))
        if self.share and self._room_since is not None and now - self._room_since >= RECOVERY_SECONDS:
            self._room_since = now
            return self._change(min((1 - self.share) / STEP, 1.0))
        return False

    def _change(self, read: float) -> bool:
        before, self.share = self.share, 1 - read
        return self.share != before
