"""Watcher: a worker that watches its share of the connections; what it is told, and what it tells."""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wiresniff.capture.interfaces import local_interfaces
from wiresniff.capture.live import POINT, LivePackets
from wiresniff.capture.overload import Overload
from wiresniff.capture.watched import InterfaceStatistics
from wiresniff.model.accounting import Accounting
from wiresniff.model.exchanges import Exchange, Opened, Traffic
from wiresniff.model.growth import Growth
from wiresniff.model.limits import WATCHED_EVENTS
from wiresniff.model.policy import Policy
from wiresniff.pipeline import Meeting, Pipeline, Totals
from wiresniff.protocols import Event
from wiresniff.services.locality import Locality
from wiresniff.services.names import Learned
from wiresniff.workers.events import Sender, Sent, Snapshot, snapshot
from wiresniff.workers.links import Link

LOOK_SECONDS = 0.5
"""Between a worker's looks at how full its ring is."""
ADDRESSES_SECONDS = 30.0
"""Between its looks at which addresses are local."""
NEVER_NS = 1 << 62
"""Capture time that a worker reaches when it takes no more packets: nobody waits for it."""


@dataclass(slots=True, frozen=True)
class Round:
    """To a worker: tell who calls whom."""


@dataclass(slots=True, frozen=True)
class Met:
    """Both ways: who calls whom on new connections, and up to which capture time that is known: by all, going back."""

    meetings: set[Meeting]
    now_ns: int


@dataclass(slots=True, frozen=True)
class Brought:
    """From a worker: what is judged in one place, of the time that a round reached; and how it fares."""

    ends_round: bool
    events: Sent
    recalled: Sent
    now_ns: int
    statistics: list[InterfaceStatistics]
    share: float
    """Of the connections, left out at overload."""


@dataclass(slots=True, frozen=True)
class Grow:
    """To a worker: say what pairs grew by; names that others learned."""

    learned: Learned


@dataclass(slots=True, frozen=True)
class Grown:
    """From a worker."""

    growth: list[Growth]
    learned: Learned
    accounting: Accounting
    connections: int


@dataclass(slots=True, frozen=True)
class Adopt:
    """To a worker: judge by another policy."""

    policy: Policy


@dataclass(slots=True, frozen=True)
class Tell:
    """To a worker: send what was counted so far."""


@dataclass(slots=True, frozen=True)
class Stop:
    """To a worker: take no more packets, settle everything in a last round, send what was counted, and end."""


class Kept(NamedTuple):
    """What a block brought."""

    now_ns: int
    """Capture time behind it."""
    events: list[Event | Snapshot]


def watch(
    make: Callable[[Locality], Pipeline],
    sources: Sequence[LivePackets],
    number: int,
    link: Link,
    *,
    counts_apart: bool,
) -> None:
    """Do the work of a worker: watch its share of the connections."""
    locality = Locality()
    watcher = Watcher(make(locality), locality, sources[number], link, counts_apart=counts_apart)
    watcher.run()


class Watcher:
    """A worker that watches."""

    def __init__(
        self, pipeline: Pipeline, locality: Locality, source: LivePackets, link: Link, *, counts_apart: bool
    ) -> None:
        self._pipeline = pipeline
        self._locality = locality
        self._source = source
        self._link = link
        self._counts_apart = counts_apart
        self._sender = Sender()
        self._waiting: deque[Kept] = deque()
        """While it is not known, of all workers, who called whom until then."""
        self._waiting_events = 0
        self._evictions: Counter[str] = Counter()
        """What waited no longer, since it was too much: another worker can't keep up."""
        self._met: set[Meeting] = set()
        """And not told yet."""
        self._is_in_round = False
        """It told whom it met, and was not told yet whom others did."""
        self._now_ns = 0
        """Capture time."""
        self._overload = Overload()
        self._look_at = self._addresses_at = 0.0
        if counts_apart:
            pipeline.lend_hops()

    def run(self) -> None:
        """Watch until the parent says that it is enough."""
        for point, block in self._source:
            segments, self._now_ns = self._pipeline.decode(point, block)
            del block
            self._keep(self._pipeline.dissect(point, segments))
            self._keep(self._pipeline.pass_time(point, self._now_ns))
            self._look(time.monotonic())
            while self._link.is_ready():
                self._obey(self._link.receive())
        self._end_round()
        self._pipeline.close_entrances()
        self._keep(self._pipeline.close_point(POINT))
        self._begin_round(NEVER_NS)
        self._end_round()
        self._link.send(self._grown())
        self._link.send(self._totals())

    def _keep(self, events: list[Event]) -> None:
        traffic: list[Event] = [event for event in events if isinstance(event, Traffic)]
        if traffic:  # waits for nobody
            self._pipeline.judge(POINT, traffic, self._now_ns)
        kept: list[Event | Snapshot] = [
            snapshot(event) if isinstance(event, Opened) else event
            for event in events
            if not isinstance(event, Traffic)
        ]
        if kept:
            self._waiting.append(Kept(self._now_ns, kept))
            self._waiting_events += len(kept)
            if self._counts_apart:
                self._met |= self._pipeline.meetings(events)
        if self._waiting_events > WATCHED_EVENTS:  # another worker does not answer
            self._bring(0, self._meet(self._met), ends_round=False)
        if len(self._met) > WATCHED_EVENTS:
            self._evictions["watched-meetings"] += len(self._met)
            self._met = set()

    def _look(self, now: float) -> None:
        """Look whether there is more than can be read, and which addresses are local."""
        if now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            dropped = sum(each.dropped for each in self._source.statistics())
            if self._overload.look(self._source.backlog, dropped, now):
                self._source.shed(self._overload.share)
        if now >= self._addresses_at:
            self._addresses_at = now + ADDRESSES_SECONDS
            addresses = (address for interface in local_interfaces() for address in interface.addresses)
            self._locality.addresses = frozenset(addresses)

    def _obey(self, message: object) -> None:
        if isinstance(message, Round):
            self._begin_round(self._now_ns)
        elif isinstance(message, Met):
            self._is_in_round = False
            self._bring(message.now_ns, self._meet(message.meetings), ends_round=True)
        elif isinstance(message, Grow):
            self._pipeline.absorb_names(message.learned)
            self._link.send(self._grown())
        elif isinstance(message, Adopt):
            self._pipeline.adopt(message.policy)
        elif isinstance(message, Tell):
            self._pipeline.settle_traffic()
            self._link.send(self._totals())
        else:
            assert isinstance(message, Stop)
            self._source.stop()

    def _begin_round(self, now_ns: int) -> None:
        self._is_in_round = True
        met, self._met = self._met, set()
        self._link.send(Met(met, now_ns))

    def _end_round(self) -> None:
        """Wait for the end of a round, if there is one."""
        while self._is_in_round:
            self._obey(self._link.receive())

    def _grown(self) -> Grown:
        growth = self._pipeline.growth()
        return Grown(growth, self._pipeline.learned(), self._totals().accounting, self._pipeline.connections)

    def _totals(self) -> Totals:
        totals = self._pipeline.totals()
        totals.accounting.evictions.update(self._evictions)
        return totals

    def _meet(self, meetings: set[Meeting]) -> list[Exchange | Opened]:
        """Learn who calls whom; returns earlier requests that take part in hops from now on."""
        return self._pipeline.meet(meetings) if self._counts_apart else []

    def _bring(self, until_ns: int, recalled: Sequence[Event], *, ends_round: bool) -> None:
        """Count what happened until then, and what is too much; bring what is judged in one place."""
        events = self._due(until_ns)
        if self._counts_apart:
            snapshots = {each.exchange: each for each in events if isinstance(each, Snapshot)}
            together, apart = self._pipeline.share_out(_told(events))
            self._pipeline.judge(POINT, apart, self._now_ns)
            events = [snapshots[each.exchange] if isinstance(each, Opened) else each for each in together]
        earlier, told = self._sender.sent(recalled), self._sender.sent(events)
        now_ns = min(until_ns, self._now_ns)
        self._link.send(Brought(ends_round, told, earlier, now_ns, self._source.statistics(), self._overload.share))

    def _due(self, until_ns: int) -> list[Event | Snapshot]:
        """Take out of what waits what happened until then, and what is too much."""
        due: list[Event | Snapshot] = []
        while self._waiting and (self._waiting[0].now_ns <= until_ns or self._waiting_events > WATCHED_EVENTS):
            kept = self._waiting.popleft()
            self._waiting_events -= len(kept.events)
            if kept.now_ns > until_ns:
                self._evictions["watched-events"] += len(kept.events)
            due += kept.events
        return due


def _told(kept: Sequence[Event | Snapshot]) -> list[Event]:
    """Return what is kept as the events that it was."""
    return [Opened(each.exchange) if isinstance(each, Snapshot) else each for each in kept]
