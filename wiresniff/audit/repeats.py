"""Repeats: one traceparent on request after request of an HTTP/2 connection.

A parent-id names one request (Trace Context, "A traceparent is Received": it changes with every outgoing one). A value
that stays is a constant, set once for a connection. A client that hands what it received to several calls repeats it as
well, but not for long: that is told apart by time, and by what other requests carry meanwhile.
"""

from collections import Counter
from typing import NamedTuple

from wiresniff.model import limits
from wiresniff.model.exchanges import Channel, Exchange

REQUESTS = 8
"""So many requests in a row have the same value"""
SECONDS_NS = 10 * 10**9
"""over so long: more than one request that fans out takes."""


class _Run(NamedTuple):
    """Requests of one connection in a row with the same value, from the second one on."""

    requests: int
    first_ns: int
    is_shared: bool


class Repeats:
    """Remembers the last traceparent of each HTTP/2 connection."""

    def __init__(self) -> None:
        self._last: dict[Channel, tuple[bytes, int]] = {}
        """Value, and the time of the first request with it."""
        self._runs: dict[Channel, _Run] = {}
        self.evictions: Counter[str] = Counter()

    def is_new(self, exchange: Exchange, value: bytes) -> bool:
        """Tell whether a value begins a run, and remember it then; one that goes on with a run is for `note`."""
        if exchange.stream is None:
            return True
        channel = exchange.channel
        last = self._last.get(channel)
        if last is None:
            if len(self._last) >= limits.CONNECTIONS:
                self.evictions["repeats"] += len(self._last)
                self._last.clear()
                self._runs.clear()
        elif last[0] == value:
            return False
        elif self._runs:
            self._runs.pop(channel, None)
        self._last[channel] = (value, exchange.time_ns)
        return True

    def note(self, exchange: Exchange, value: bytes) -> int:
        """Return how many requests are shown by this one to share their value: 0, then all, then one at a time."""
        if self.is_new(exchange, value):
            return 0
        channel = exchange.channel
        run = self._runs.get(channel) or _Run(1, self._last[channel][1], is_shared=False)
        requests = run.requests + 1
        first_ns = min(run.first_ns, exchange.time_ns)
        is_shared = run.is_shared or (requests >= REQUESTS and exchange.time_ns - first_ns >= SECONDS_NS)
        self._runs[channel] = _Run(requests, first_ns, is_shared)
        if not is_shared:
            return 0
        return 1 if run.is_shared else requests
