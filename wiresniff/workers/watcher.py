"""Watcher: a worker that watches its share of the connections; what it is told, and what it tells."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wiresniff.capture.interfaces import local_interfaces
from wiresniff.capture.live import POINT, LivePackets
from wiresniff.capture.overload import Overload
from wiresniff.capture.watched import InterfaceStatistics
from wiresniff.model.accounting import Accounting
from wiresniff.model.exchanges import Opened, Traffic
from wiresniff.model.growth import Growth
from wiresniff.model.policy import Policy
from wiresniff.pipeline import Meeting, Pipeline
from wiresniff.protocols import Event
from wiresniff.services.locality import Locality
from wiresniff.services.names import Learned
from wiresniff.workers.events import Sender, Sent, Snapshot, snapshot
from wiresniff.workers.links import Link

LOOK_SECONDS = 0.5
"""Between a worker's looks at how full its ring is."""
ADDRESSES_SECONDS = 30.0
"""Between its looks at which addresses are local."""


@dataclass(slots=True, frozen=True)
class Round:
    """To a worker: tell who calls whom."""


@dataclass(slots=True, frozen=True)
class Met:
    """Both ways: who calls whom on new connections."""

    meetings: set[Meeting]


@dataclass(slots=True, frozen=True)
class Brought:
    """From a worker: what is judged in one place, since the last round; and how it fares."""

    events: Sent
    recalled: Sent
    meetings: set[Meeting]
    """That are not told in a round: at the end there is none."""
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
    """To a worker: take no more packets, settle everything, send what was counted, and end."""


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
        self._events: list[Event | Snapshot] = []
        """Since the last round,"""
        self._waiting: list[Event | Snapshot] = []
        """and before it, while it is not known who calls whom."""
        self._pending: set[Meeting] = set()
        """Told in a round that is not over."""
        self._now_ns = self._round_ns = 0
        """Capture time, and that of the round: what happened until then is brought."""
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
        self._pipeline.close_entrances()
        self._keep(self._pipeline.close_point(POINT))
        self._waiting += self._events
        self._events = []
        self._round_ns = self._now_ns
        self._count(self._pending | self._pipeline.meetings(_told(self._waiting)), is_last=True)
        self._link.send(self._grown())
        self._link.send(self._pipeline.totals())

    def _keep(self, events: list[Event]) -> None:
        traffic: list[Event] = [event for event in events if isinstance(event, Traffic)]
        if traffic:  # waits for nobody
            self._pipeline.judge(POINT, traffic, self._now_ns)
        self._events += [
            snapshot(event) if isinstance(event, Opened) else event
            for event in events
            if not isinstance(event, Traffic)
        ]

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
            self._waiting += self._events
            self._events = []
            self._round_ns = self._now_ns
            if self._counts_apart:
                self._pending = self._pipeline.meetings(_told(self._waiting))
                self._link.send(Met(self._pending))
            else:
                self._bring(self._waiting, [])
                self._waiting = []
        elif isinstance(message, Met):
            self._count(message.meetings)
        elif isinstance(message, Grow):
            self._pipeline.absorb_names(message.learned)
            self._link.send(self._grown())
        elif isinstance(message, Adopt):
            self._pipeline.adopt(message.policy)
        elif isinstance(message, Tell):
            self._pipeline.settle_traffic()
            self._link.send(self._pipeline.totals())
        else:
            assert isinstance(message, Stop)
            self._source.stop()

    def _grown(self) -> Grown:
        growth = self._pipeline.growth()
        learned, accounting = self._pipeline.learned(), self._pipeline.accounting()
        return Grown(growth, learned, accounting, self._pipeline.connections)

    def _count(self, meetings: set[Meeting], *, is_last: bool = False) -> None:
        """Count what waited, now that it is known who calls whom on all connections."""
        waiting, self._waiting, self._pending = self._waiting, [], set()
        if not self._counts_apart:
            self._bring(waiting, [])
            return
        snapshots = {each.exchange: each for each in waiting if isinstance(each, Snapshot)}
        recalled = self._pipeline.meet(meetings)
        together, apart = self._pipeline.share_out(_told(waiting))
        self._pipeline.judge(POINT, apart, self._now_ns)
        told = [snapshots[each.exchange] if isinstance(each, Opened) else each for each in together]
        self._bring(told, recalled, meetings if is_last else set())

    def _bring(
        self, events: Sequence[Event | Snapshot], recalled: Sequence[Event], meetings: set[Meeting] | None = None
    ) -> None:
        earlier = self._sender.sent(recalled)
        told = self._sender.sent(events)
        self._link.send(
            Brought(told, earlier, meetings or set(), self._round_ns, self._source.statistics(), self._overload.share)
        )


def _told(kept: Sequence[Event | Snapshot]) -> list[Event]:
    """Return what is kept as the events that it was."""
    return [Opened(each.exchange) if isinstance(each, Snapshot) else each for each in kept]
