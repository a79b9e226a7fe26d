"""A service at one address: what is open there at any moment, and how often it calls out by itself."""

from typing import NamedTuple, TypeAlias

from wiresniff.audit.hops.inbound import Inbound
from wiresniff.model import limits
from wiresniff.model.exchanges import Exchange

BUSY = 5
"""From so many open requests on, none of them is taken for the cause (spec: continuity, measured)."""
QUIET_NS = 5 * 10**9
"""Work that a request left behind is over by then, or after the longest response seen, whichever is longer."""
LONG_NS = limits.EXCHANGE_SECONDS * 10**9
"""What is open for longer stays open by nature (streams, long polls): it is everybody's candidate, and so nobody's."""
PROXY_CALLS = 20
"""Calls after which it is known whether a service is a proxy:"""
PROXY_SHARE = 0.95
"""so many of them ask for exactly what an open request asked for,"""
PROXY_FAN_OUT = 1.05
"""and no request causes several, but for retries."""
EXPECTED_CALLS = 20
"""Calls under one open request that an estimate of background calls rests on, at least."""

Target: TypeAlias = tuple[bytes | None, bytes | None]
"""Method, and target with its query."""


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


class Rates:
    """How often an instance calls a peer in one way while nothing, or one request, is open."""

    __slots__ = ("busy", "idle", "single")

    def __init__(self) -> None:
        self.idle = self.single = self.busy = 0


class Instance:
    """What is known of one address."""

    def __init__(self, began_ns: int) -> None:
        self.open: dict[Inbound, None] = {}
        self._usable = self._unknown = 0
        self._by_target: dict[Target, dict[Inbound, None]] = {}
        self._changed_ns = self.began_ns = began_ns
        self._quiet_since_ns: int | None = None
        self.idle_ns = 0
        """Capture time with nothing open,"""
        self.single_ns = 0
        """and with exactly one request open."""
        self._longest_ns = 0
        self.rates: dict[tuple[str, bool], Rates] = {}
        """By peer, and whether the calls carry a context."""
        self.has_received = False
        """It was called, by more than health checks and the like: else it is a front door."""
        self._calls = self._calls_alike = 0
        self._callers = 0

    # --- what comes in ---

    def enter(self, inbound: Inbound) -> bool:
        """Take a request that came in; returns False where there is no room to follow it."""
        if inbound.is_exempt:
            return True
        self.has_received = True
        if len(self.open) >= limits.HOP_OPEN:
            return False
        exchange = inbound.exchange
        self._pass(exchange.time_ns)
        self.open[inbound] = None
        self._usable += inbound.is_usable
        self._unknown += not inbound.is_known
        self._by_target.setdefault((exchange.method, exchange.target), {})[inbound] = None
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
        exchange = inbound.exchange
        self._usable -= inbound.is_usable
        self._unknown -= not inbound.is_known
        target = (exchange.method, exchange.target)
        alike = self._by_target[target]
        del alike[inbound]
        if not alike:
            del self._by_target[target]
        if not self.open:
            self._quiet_since_ns = now_ns
        self._longest_ns = max(self._longest_ns, min(now_ns - exchange.time_ns, LONG_NS))

    def _pass(self, now_ns: int) -> None:
        """Account for the time since something changed."""
        passed_ns = now_ns - self._changed_ns
        if passed_ns <= 0:
            return
        self._changed_ns = now_ns
        if not self.open:
            self.idle_ns += passed_ns
        elif len(self.open) == 1:
            self.single_ns += passed_ns

    # --- what goes out ---

    def look(self, exchange: Exchange) -> Sight:
        """Return what is open now, when a request leaves."""
        self._pass(exchange.time_ns)
        count = len(self.open)
        members = tuple(self.open) if count < BUSY else ()
        alike = self._by_target.get((exchange.method, exchange.target)) if exchange.target is not None else None
        quiet_ns = None
        if not count and self._quiet_since_ns is not None:
            quiet_ns = exchange.time_ns - self._quiet_since_ns
        some = tuple(alike)[:BUSY] if alike is not None and len(alike) <= BUSY else ()
        if alike is not None and not some:
            some = tuple(each for each, _ in zip(alike, range(BUSY), strict=False))
        return Sight(count, self._usable, self._unknown, members, some, quiet_ns)

    def is_quiet(self, sight: Sight) -> bool:
        """Nothing was open for so long that nothing which came in can be behind a call."""
        if sight.requests:
            return False
        return sight.quiet_ns is None or sight.quiet_ns > max(QUIET_NS, self._longest_ns)

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
            if len(self.rates) >= limits.HOP_SENDERS:
                return
            rates = self.rates[peer, has_context] = Rates()
        if not sight.requests:
            rates.idle += 1
        elif sight.requests == 1:
            rates.single += 1
        else:
            rates.busy += 1

    def background_share(self, peer: str, *, has_context: bool) -> float | None:
        """Estimate which share of such calls under one open request is background; None without enough to go by.

        Background calls know nothing of what comes in: they are as frequent while nothing is open. One call more than
        was seen is assumed, so that a short idle time proves nothing.
        """
        rates = self.rates.get((peer, has_context))
        if rates is None or rates.single < EXPECTED_CALLS or not self.idle_ns or not self.single_ns:
            return None
        idle_rate = (rates.idle + 1) / self.idle_ns
        return min(idle_rate / (rates.single / self.single_ns), 1.0)
