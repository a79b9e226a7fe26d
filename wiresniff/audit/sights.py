"""One request, seen by several capture points, counts once: the best sight of it.

Two sights of a request have the same endpoints, and its first byte the same TCP sequence number. Or they are of two
sides of an address translation, which changes endpoints and nothing else: then the head is the same, and so are the
first sequence numbers of both directions of the connection (64 random bits, RFC 9293 3.4.1), or, where these were not
seen, the traceparent and the request's own sequence number. What a proxy asks on has numbers of its own, whatever else
it hands on: of a thousand million pairs of requests that say the same, at most one is taken for one request.

Such a request has the client of the sight that waited longer for its answer, which is nearer to the client, and the
server of the other.
"""

from collections import Counter, OrderedDict
from typing import NamedTuple, TypeAlias

from wiresniff.model import limits
from wiresniff.model.exchanges import Channel, Exchange

HOLD_NS = 2 * 10**9
"""Clocks of capture points differ by less than this where they are kept by NTP at all."""
LATE_NS = limits.EXCHANGE_SECONDS * 10**9 + HOLD_NS
"""A sight comes so much later than its request at most: when it is given up on, by another clock."""
TRACEPARENT = b"traceparent"

Identity: TypeAlias = tuple[object, ...]


def identity(exchange: Exchange) -> Identity:
    """Return what two sights of one request have in common."""
    return exchange.client, exchange.server, exchange.sequence, exchange.target


def translated_identity(exchange: Exchange) -> Identity | None:
    """Return what two sights of one request have in common behind any translation; None where that proves nothing."""
    begun, fields = exchange.channel.begun, exchange.fields
    if exchange.unseen is not None or min(begun or (exchange.sequence,)) < limits.LEAST_RANDOM_SEQUENCE:
        return None
    if begun is None and not any(name == TRACEPARENT for name, _ in fields):
        return None
    return begun, exchange.sequence, exchange.method, exchange.target, exchange.authority, tuple(fields)


def quality(exchange: Exchange) -> tuple[bool, bool, bool, int, int]:
    """Order of sights, the best first: the whole head, the response, the earliest capture."""
    return (
        exchange.unseen is not None,
        not exchange.complete,
        exchange.status is None,
        exchange.capture,
        exchange.packet,
    )


def waited_ns(exchange: Exchange) -> int:
    """Return how long a request waited for its answer, by the clock of one capture point; 0 when that wasn't seen."""
    return (exchange.response_time_ns or exchange.time_ns) - exchange.time_ns


class _Held(NamedTuple):
    """A request whose time not all capture points have passed."""

    best: Exchange
    before: tuple[int, Channel]
    """Of the sight that waited longest: how long, and its connection."""
    behind: tuple[int, Channel]
    """Of the one that waited least."""

    def with_sight(self, exchange: Exchange) -> "_Held":
        """Take one more sight."""
        sight = waited_ns(exchange), exchange.channel
        return _Held(
            exchange if quality(exchange) < quality(self.best) else self.best,
            sight if sight[0] > self.before[0] else self.before,
            sight if sight[0] < self.behind[0] else self.behind,
        )


class _Side(NamedTuple):
    """A sight from one side of a translation."""

    capture_point: int
    identity: Identity
    time_ns: int


class Sights:
    """Holds exchanges back until every capture point has passed their time. With one capture point it does nothing."""

    def __init__(self) -> None:
        self._held: OrderedDict[Identity, _Held] = OrderedDict()
        self._reported: OrderedDict[Identity, int] = OrderedDict()
        """With their times; so are the following."""
        self._sides: OrderedDict[Identity, _Side] = OrderedDict()
        """By what both sides of a translation have in common: the one that was seen first."""
        self._channels: OrderedDict[tuple[Channel, Channel], Channel] = OrderedDict()
        """What is made of two connections that are one; what was used last is last."""
        self._reached_ns = 0
        """All capture points have."""
        self.duplicates = 0
        self.evictions: Counter[str] = Counter()
        """What was forgotten before its time."""

    def feed(self, exchange: Exchange) -> list[Exchange]:
        """Take one sight; returns what need not wait any longer."""
        key = identity(exchange)
        if key not in self._reported and key not in self._held:
            key = self._other_side(key, exchange)
        if key in self._reported:
            self.duplicates += 1
            return []
        held = self._held.get(key)
        if held is not None:
            self.duplicates += 1
            self._held[key] = held.with_sight(exchange)
            return []
        sight = waited_ns(exchange), exchange.channel
        self._held[key] = _Held(exchange, sight, sight)
        if len(self._held) <= limits.SIGHTS:
            return []
        self.evictions["sights"] += 1
        return [self._report(next(iter(self._held)))]

    def _other_side(self, key: Identity, exchange: Exchange) -> Identity:
        """Return the identity of a sight from the other side of a translation, or the one that is given."""
        common = translated_identity(exchange)
        if common is None:
            return key
        side = _Side(exchange.channel.capture_point, key, exchange.time_ns)
        first = self._sides.setdefault(common, side)
        if len(self._sides) > limits.SIGHTS:
            _, forgotten = self._sides.popitem(last=False)
            self._count_forgotten("sights-translated", forgotten.time_ns)
        return first.identity if first.capture_point != side.capture_point else key

    def _count_forgotten(self, table: str, time_ns: int) -> None:
        """Count a request that is forgotten, if sights of it may still come."""
        if time_ns + LATE_NS >= self._reached_ns:
            self.evictions[table] += 1

    def _joined(self, before: Channel, behind: Channel) -> Channel:
        """Return the channel of a request from before a translation to behind it: one for each two."""
        channel = self._channels.pop((before, behind), None)
        if channel is None:
            channel = Channel(before.client, behind.server, before.capture_point, before.begun)
        self._channels[before, behind] = channel
        if len(self._channels) > limits.JOINED_CONNECTIONS:
            self._channels.popitem(last=False)
            self.evictions["joined-connections"] += 1
        return channel

    def flush(self, now_ns: int) -> list[Exchange]:
        """Every capture point has reached `now_ns`."""
        self._reached_ns = max(self._reached_ns, now_ns)
        due = [key for key, held in self._held.items() if held.best.time_ns + HOLD_NS < now_ns]
        return [self._report(key) for key in due]

    def close(self) -> list[Exchange]:
        """Report everything."""
        return [self._report(key) for key in list(self._held)]

    def _report(self, key: Identity) -> Exchange:
        exchange, (_, before), (_, behind) = self._held.pop(key)
        self._reported[key] = exchange.time_ns
        if len(self._reported) > limits.SIGHTS:
            _, forgotten_ns = self._reported.popitem(last=False)
            self._count_forgotten("sights-reported", forgotten_ns)
        if (before.client, before.server) != (behind.client, behind.server):
            exchange.channel = self._joined(before, behind)
        return exchange
