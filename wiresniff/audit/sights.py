"""One request, seen by several capture points, counts once: the best sight of it.

Two sights of a request have the same endpoints, and its first byte the same TCP sequence number.
"""

from collections import Counter, OrderedDict
from typing import TypeAlias

from wiresniff.model import limits
from wiresniff.model.exchanges import Exchange

HOLD_NS = 2 * 10**9
"""Clocks of capture points differ by less than this where they are kept by NTP at all."""

Identity: TypeAlias = tuple[tuple[str, int], tuple[str, int], int, bytes | None]


def identity(exchange: Exchange) -> Identity:
    """Return what two sights of one request have in common."""
    return exchange.client, exchange.server, exchange.sequence, exchange.target


def quality(exchange: Exchange) -> tuple[bool, bool, bool, int, int]:
    """Order of sights, the best first: the whole head, the response, the earliest capture."""
    return (
        exchange.unseen is not None,
        not exchange.complete,
        exchange.status is None,
        exchange.capture,
        exchange.packet,
    )


class Sights:
    """Holds exchanges back until every capture point has passed their time. With one capture point it does nothing."""

    def __init__(self) -> None:
        self._held: OrderedDict[Identity, Exchange] = OrderedDict()
        self._reported: OrderedDict[Identity, None] = OrderedDict()
        self.duplicates = 0
        self.evictions: Counter[str] = Counter()

    def feed(self, exchange: Exchange) -> list[Exchange]:
        """Take one sight; returns what need not wait any longer."""
        key = identity(exchange)
        if key in self._reported:
            self.duplicates += 1
            return []
        held = self._held.get(key)
        if held is not None:
            self.duplicates += 1
            if quality(exchange) < quality(held):
                self._held[key] = exchange
            return []
        self._held[key] = exchange
        if len(self._held) <= limits.SIGHTS:
            return []
        self.evictions["sights"] += 1
        return [self._report(next(iter(self._held)))]

    def flush(self, now_ns: int) -> list[Exchange]:
        """Every capture point has reached `now_ns`."""
        due = [key for key, exchange in self._held.items() if exchange.time_ns + HOLD_NS < now_ns]
        return [self._report(key) for key in due]

    def close(self) -> list[Exchange]:
        """Report everything."""
        return [self._report(key) for key in list(self._held)]

    def _report(self, key: Identity) -> Exchange:
        self._reported[key] = None
        if len(self._reported) > limits.SIGHTS:
            self._reported.popitem(last=False)
        return self._held.pop(key)
