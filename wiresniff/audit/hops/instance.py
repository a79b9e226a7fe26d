"""A service at one address: what is open there at any moment, and how often it calls out by itself."""

from collections import Counter
from itertools import islice
from math import sqrt
from typing import NamedTuple

from wiresniff.audit.hops.inbound import Asked, Inbound
from wiresniff.model import limits
from wiresniff.model.exchanges import Exchange

BUSY = 5
"""From so many open requests on, none of them is taken for the cause (spec: continuity, measured)."""
QUIET_NS = 5 * 10**9
"""Work that a request left behind is over by then, or after the longest response seen, whichever is longer."""
LONG_NS = limits.EXCHANGE_SECONDS * 10**9
"""What is open for longer stays open by nature (streams, long polls): it is everybody's candidate, and so nobody's."""
STREAM_NS = limits.HOP_HORIZON_SECONDS * 10**9
"""Requests whose end was not seen may be open for so long after they were given up on."""
PROXY_CALLS = 20
"""Calls after which it is known whether a service is a proxy:"""
PROXY_SHARE = 0.95
"""so many of them ask for exactly what an open request asked for,"""
PROXY_FAN_OUT = 1.05
"""and no request causes several, but for retries."""
EXPECTED_CALLS = 20
"""Calls under one open request that an estimate of background calls rests on, at least."""


class Sight(NamedTuple):
    """What was open at an instance when a request left it."""

    requests: int
    usable: int
    """Of these, with a context to hand on."""
    unknown: int
    """Of these, not wholly seen."""
    members: tuple[Inbound, ...]
    """The open ones, unless there are `BUSY` or more."""
    alike: tuple[Inbound, ...]
    """Those among all of them that asked for the same method and target; at most `BUSY`."""
    quiet_ns: int | None
    """How long nothing had been open; None while something is, or where nothing ever was."""
    is_late: bool
    """The request was told of after others that came later: what was open when it left is not known any more."""


LATE = Sight(0, 0, 0, (), (), None, is_late=True)
"""Nothing is known of what was open."""


class Rates:
    """How often an instance calls a peer in one way while nothing, or one request, is open."""

    __slots__ = ("idle", "single")

    def __init__(self) -> None:
        self.idle = self.single = 0


class Span(NamedTuple):
    """Time at an instance, in nanoseconds."""

    watched_ns: int
    idle_ns: int
    """Of this, with nothing open."""


class Instance:
    """What is known of one address. `evictions` takes what found no room."""

    def __init__(self, began_ns: int, evictions: Counter[str]) -> None:
        self._evictions = evictions
        self.open: dict[Inbound, None] = {}
        self._usable = self._unknown = 0
        self._by_asked: dict[Asked, dict[Inbound, None]] = {}
        self._changed_ns = self._began_ns = self.heard_ns = began_ns
        self.first_ns: int | None = None
        """When the first request came in. Before that nothing that leaves is known to have a cause."""
        self._quiet_since_ns: int | None = None
        """When the last request ended."""
        self._unended_ns: int | None = None
        """When the last request was given up on without having seen its end: it may be open still."""
        self.idle_ns = 0
        """Capture time with nothing open,"""
        self.single_ns = 0
        """and with exactly one request open."""
        self._longest_ns = 0
        self.rates: dict[tuple[str, bool], Rates] = {}
        """By peer, and whether the calls carry a context."""
        self._calls = self._calls_alike = 0
        self._callers = 0
        self._told: dict[str, Span] = {}
        """Per peer: the time up to which `spent` told."""

    # --- what comes in ---

    def enter(self, inbound: Inbound) -> bool:
        """Take a request that came in; returns False where there is no room to follow it."""
        time_ns = inbound.exchange.time_ns
        self.heard_ns = max(self.heard_ns, time_ns)
        if self.first_ns is None or time_ns < self.first_ns:
            self.first_ns = time_ns
        if inbound.is_exempt:
            return True
        if len(self.open) >= limits.HOP_OPEN:
            return False
        self._pass(time_ns)
        self.open[inbound] = None
        self._usable += inbound.is_usable
        self._unknown += not inbound.is_known
        self._by_asked.setdefault(inbound.asked, {})[inbound] = None
        return True

    def revise(self, inbound: Inbound, revised: Inbound) -> None:
        """Take what became known of a request later: its fields, or that they will never be known."""
        if inbound in self.open:
            self._usable += revised.is_usable - inbound.is_usable
            self._unknown += inbound.is_known - revised.is_known
        inbound.reading, inbound.identity = revised.reading, revised.identity
        inbound.is_usable, inbound.is_known = revised.is_usable, revised.is_known

    def leave(self, inbound: Inbound, now_ns: int) -> None:
        """Take the end of a request, or that it is open for too long."""
        if inbound not in self.open:
            return
        self._pass(now_ns)
        del self.open[inbound]
        self._usable -= inbound.is_usable
        self._unknown -= not inbound.is_known
        alike = self._by_asked[inbound.asked]
        del alike[inbound]
        if not alike:
            del self._by_asked[inbound.asked]
        self._quiet_since_ns = max(self._quiet_since_ns or now_ns, now_ns)
        if inbound.end_ns is None:
            self._unended_ns = now_ns
        self._longest_ns = max(self._longest_ns, min(now_ns - inbound.exchange.time_ns, LONG_NS))

    def _pass(self, now_ns: int) -> None:
        """Account for the time since something happened."""
        passed_ns = now_ns - self._changed_ns
        if passed_ns <= 0:
            return
        self._changed_ns = now_ns
        if not self.open:
            self.idle_ns += passed_ns
        elif len(self.open) == 1:
            self.single_ns += passed_ns

    # --- what goes out ---

    def look(self, exchange: Exchange, *, is_late: bool = False) -> Sight:
        """Return what is open now, when a request leaves."""
        now_ns = exchange.time_ns
        self.heard_ns = max(self.heard_ns, now_ns)
        self._pass(now_ns)
        count = len(self.open)
        members = tuple(self.open) if count < BUSY else ()
        alike: tuple[Inbound, ...] = ()
        if count and exchange.target is not None:
            alike = tuple(islice(self._by_asked.get((exchange.method, exchange.target), ()), BUSY))
        quiet_ns = None
        if not count and self._quiet_since_ns is not None:
            quiet_ns = now_ns - self._quiet_since_ns
        return Sight(count, self._usable, self._unknown, members, alike, quiet_ns, is_late)

    def is_quiet(self, sight: Sight) -> bool:
        """Nothing was open for so long that nothing which came in can be behind a call."""
        if sight.requests:
            return False
        return sight.quiet_ns is None or sight.quiet_ns > max(QUIET_NS, self._longest_ns)

    def is_silence_seen(self, sight: Sight, now_ns: int) -> bool:
        """Tell whether nothing was open for so long because something ended, or because nothing came in meanwhile.

        The latter of whoever is called by health checks only, from their first on.
        """
        return sight.quiet_ns is not None or now_ns - self._began_ns > QUIET_NS

    def overlook(self, inbound: Inbound) -> None:
        """Take a request that came in and that there is no room to follow: it may be open for long."""
        if not inbound.is_exempt:
            self._unended_ns = max(self._unended_ns or 0, inbound.exchange.time_ns)

    def may_stream(self, now_ns: int) -> bool:
        """Tell whether a request that came in may be open without being followed: a stream, or one with lost ends."""
        return self._unended_ns is not None and now_ns - self._unended_ns < STREAM_NS

    def count_call(self, sight: Sight, cause: Inbound | None) -> None:
        """Learn from a call what kind of service this is."""
        if not (sight.requests or cause is not None):
            return
        self._calls += 1
        self._calls_alike += bool(sight.alike)
        for one in (cause,) if cause is not None else sight.alike[:1]:
            self._callers += not one.calls
            one.calls += 1

    @property
    def is_proxy(self) -> bool:
        """It hands on what it is asked, once each."""
        calls = self._calls
        return (
            calls >= PROXY_CALLS
            and self._calls_alike >= PROXY_SHARE * calls
            and calls <= PROXY_FAN_OUT * max(self._callers, 1) + 1
        )

    def count_unexplained(self, peer: str, sight: Sight, *, has_context: bool) -> None:
        """Count a call that no identifier explains, by what was open."""
        rates = self.rates.get((peer, has_context))
        if rates is None:
            if len(self.rates) >= 2 * limits.HOP_PEERS:
                self._evictions["hop-rates"] += 1
                return
            rates = self.rates[peer, has_context] = Rates()
        if not sight.requests:
            rates.idle += 1
        elif sight.requests == 1:
            rates.single += 1

    def background_share(self, peer: str, *, has_context: bool, is_cautious: bool = True) -> float | None:
        """Estimate which share of such calls under one open request is background; None without enough to go by.

        Background calls know nothing of what comes in: they are as frequent while nothing is open. `is_cautious`: take
        as many as there may be with 95 % where so few were seen, three where none was.
        """
        rates = self.rates.get((peer, has_context))
        if rates is None or rates.single < EXPECTED_CALLS or not self.idle_ns or not self.single_ns:
            return None
        idle = rates.idle + 1 + 2 * sqrt(rates.idle + 1) if is_cautious else rates.idle
        return min(idle / self.idle_ns / (rates.single / self.single_ns), 1.0)

    def spent(self, peer: str) -> Span | None:
        """Return the time that passed here since the last call of this for a peer; None where there is no room."""
        told = self._told.get(peer)
        if told is None:
            if len(self._told) >= limits.HOP_PEERS:
                self._evictions["hop-spans"] += 1
                return None
            told = Span(0, 0)
        now = Span(self._changed_ns - self._began_ns, self.idle_ns)
        self._told[peer] = now
        return Span(now.watched_ns - told.watched_ns, now.idle_ns - told.idle_ns)
