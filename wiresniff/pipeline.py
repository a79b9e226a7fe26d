"""Joins the stages: packets in, judgements out, one audit at the end.

Each capture point has a decoder, a reassembler and a dissector of its own; names, sights and totals are shared. Stages
know nothing of each other: what one needs of another (the names of header fields to keep, the reader of fields) is
handed over here. A connection on which our own code fails is given up, counted, and the rest goes on.

`feed` is three steps, `decode`, `dissect` and `judge`, which `workers` takes in different processes: what packets say
is told in one place, what connections say wherever each is followed, and what is in order is judged in one place again.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

from wiresniff import tracecontext
from wiresniff.audit import Auditor
from wiresniff.audit.auditor import settled
from wiresniff.audit.findings import find, shares_of, worst_first
from wiresniff.audit.pairs import PairRecord
from wiresniff.audit.routes import HTTP_2
from wiresniff.audit.sights import LATE_NS, Sights
from wiresniff.model.accounting import Accounting
from wiresniff.model.audit import Audit, CaptureSummary
from wiresniff.model.context import Reading
from wiresniff.model.exchanges import Alike, Exchange, Opened, Traffic
from wiresniff.model.findings import Witness
from wiresniff.model.growth import Growth
from wiresniff.model.packets import PacketBlock
from wiresniff.model.policy import Policy
from wiresniff.model.segments import SegmentBlock
from wiresniff.model.spans import SPAN_BYTES
from wiresniff.model.verdicts import Judgement
from wiresniff.protocols import Event
from wiresniff.services.locality import Locality
from wiresniff.services.names import Learned, Names
from wiresniff.stages import CapturePoint, Decoded, Entrance


def in_order(exchange: Exchange) -> tuple[int, int]:
    """When nothing more was expected of an exchange, and a number to tell equal times apart."""
    return settled(exchange), exchange.packet


def reader_of(level: int) -> Callable[[Exchange], Reading]:
    """Return what reads the trace context of a request."""

    def read(exchange: Exchange) -> Reading:
        return tracecontext.read(exchange.fields, level, trimmed=exchange.version != HTTP_2)

    return read


Meeting: TypeAlias = tuple[str, str]
"""The addresses of a client and a server."""


def _exchange_of(event: Exchange | Opened) -> Exchange:
    return event.exchange if isinstance(event, Opened) else event


class Totals(NamedTuple):
    """What a pipeline counted, for another to add: plain data, so that a worker can send it."""

    pairs: list[PairRecord]
    learned: Learned
    accounting: Accounting


class Pipeline:
    """Audits packets of any number of capture points.

    judges       give a judgement for every exchange; off where nobody keeps them, which is quicker
    joins        count a request once that several capture points saw; must be known before the second point's first
                 block comes, since by then the first point's requests would be counted
    locality     the addresses that are local, for metrics and for what this program itself serves
    quarantines  give up a connection on which our own code fails; off in tests, so that nothing hides
    """

    def __init__(
        self,
        policy: Policy | None = None,
        level: int = 2,
        *,
        judges: bool = True,
        joins: bool = False,
        quarantines: bool = True,
        locality: Locality | None = None,
    ) -> None:
        self._policy = policy or Policy()
        self._level = level
        self._judges = judges
        self._joins = joins
        self._quarantines = quarantines
        self._accounting = Accounting()
        self._names = Names(self._policy)
        locality = locality or Locality()
        self._auditor = Auditor(
            self._policy,
            self._names,
            tracecontext,
            level,
            reporter=locality.reporter,
            is_local=locality.is_local,
            keeps=judges,
            late_ns=LATE_NS if joins else 0,
        )
        self._sights = Sights()
        self._entrances: list[Entrance] = []
        self._points: list[CapturePoint] = []
        self._times: list[int] = []
        """Per capture point: what was judged reaches so far."""

    def feed(self, point: int, block: PacketBlock) -> list[Judgement]:
        """Read a block of one capture point; returns judgements, if they are wanted."""
        segments, now_ns = self.decode(point, block)
        events = self.dissect(point, segments)
        return self.judge(point, events + self.pass_time(point, now_ns), now_ns)

    def decode(self, point: int, block: PacketBlock) -> Decoded:
        """Take the first step: what the packets of a block say."""
        while point >= len(self._entrances):
            self._entrances.append(Entrance(self._accounting.anomalies))
        return self._entrances[point].feed(block)

    def dissect(self, point: int, segments: SegmentBlock) -> list[Event]:
        """Take the second step: what connections say. Segments of one connection all go to one pipeline."""
        return self._point(point).feed(segments)

    def pass_time(self, point: int, now_ns: int) -> list[Event]:
        """Say what connections have to say since capture time has reached `now_ns`: part of the second step."""
        return self._point(point).flush(now_ns)

    def _point(self, point: int) -> CapturePoint:
        while point >= len(self._points):
            self._points.append(
                CapturePoint(len(self._points), self._accounting, self._level, quarantines=self._quarantines)
            )
        return self._points[point]

    def judge(self, point: int, events: list[Event], now_ns: int) -> list[Judgement]:
        """Take the last step: audit what a block brought, wherever it was dissected."""
        self._times += [0] * (point + 1 - len(self._times))
        self._times[point] = now_ns
        judgements = self._audit(events)
        if self._joins:
            judgements += self._judge(self._sights.flush(min(self._times)))
        return judgements

    # --- the last step, where connections are shared between pipelines ---

    def meetings(self, events: Iterable[Event]) -> set[Meeting]:
        """Return who calls whom on connections that are new: `meet` it in all pipelines before anything is counted."""
        return self._auditor.meetings(
            exchange
            for event in events
            if not isinstance(event, Traffic)
            for exchange in (event.latest(1) if isinstance(event, Alike) else (_exchange_of(event),))
        )

    def meet(self, meetings: Iterable[Meeting]) -> list[Exchange | Opened]:
        """Learn who calls whom; returns earlier requests that take part in hops from now on, for the one that judges.

        Of a pipeline that has `lend_hops` called.
        """
        self._auditor.meet_addresses(meetings)
        return self._auditor.recalled()

    def share_out(self, events: Iterable[Event]) -> tuple[list[Event], list[Event]]:
        """Divide events into those that are judged in one place, and those that can be counted anywhere."""
        together: list[Event] = []
        apart: list[Event] = []
        for event in events:
            if isinstance(event, Traffic):
                apart.append(event)
                continue
            exchange = next(event.latest(1)) if isinstance(event, Alike) else _exchange_of(event)
            (together if self._auditor.takes_part(exchange.channel) else apart).append(event)
        return together, apart

    def lend_hops(self) -> None:
        """Leave hops to another pipeline."""
        self._auditor.lend_hops()

    def take_recalled(self, earlier: Iterable[Exchange | Opened]) -> None:
        """Take earlier requests that pipelines which have lent their hops returned from `meet`."""
        self._auditor.take_recalled(earlier)

    @property
    def is_in_order(self) -> bool:
        """What is judged depends on the order of requests on all connections, not only on those of each.

        That is so where somebody reads judgements as they come, where capture points are joined, and where an
        exemption names services: their names may be learned from other connections.
        """
        names_services = any(each.client is not None or each.server is not None for each in self._policy.exempt)
        return self._judges or self._joins or names_services

    def _audit(self, events: list[Event]) -> list[Judgement]:
        """Audit what a block brought in the order in which it was settled, as if packets had come one by one."""
        exchanges: list[Exchange] = []
        alike: list[Alike] = []
        opened: list[Exchange] = []
        accounts: list[Traffic] = []
        is_in_order = self.is_in_order
        for event in events:
            if isinstance(event, Traffic):
                accounts.append(event)
            elif isinstance(event, Exchange):
                exchanges.append(event)
            elif isinstance(event, Opened):
                opened.append(event.exchange)
            elif is_in_order:
                exchanges += event.exchanges()
            else:
                alike.append(event)
        if is_in_order:
            exchanges.sort(key=in_order)
        auditor = self._auditor
        auditor.meet(opened)
        auditor.meet(exchanges)
        auditor.meet(exchange for some in alike for exchange in some.latest(1))
        if self._joins:
            exchanges = [sight for exchange in exchanges for sight in self._sights.feed(exchange)]
        for exchange in opened:
            if self._joins:  # who knows whether this is the sight that counts
                exchange.is_announced = False
            else:
                auditor.open(exchange)
        self._feed(exchanges)
        for some in alike:
            auditor.count_alike(some)
        for account in accounts:
            self._count_traffic(account)
        return self._judged()

    def _judge(self, exchanges: list[Exchange]) -> list[Judgement]:
        """Judge exchanges; returns the judgements whose hops are judged by now, of earlier ones most often."""
        self._feed(exchanges)
        return self._judged()

    def _feed(self, exchanges: list[Exchange]) -> None:
        if self._judges:
            for exchange in exchanges:
                self._auditor.feed(exchange)
        else:
            self._auditor.count(exchanges)

    def _judged(self) -> list[Judgement]:
        """Judge the hops that are due. Comes when all of a block was fed, since they are taken in order of time."""
        # Where captures are joined, what one of them has not reached is still to come.
        reached_ns = min(self._times, default=0) if self._joins else self.now_ns
        return self._hand_on(self._auditor.advance(reached_ns))

    def _hand_on(self, judgements: list[Judgement]) -> list[Judgement]:
        return judgements if self._judges else []

    def _count_traffic(self, traffic: Traffic) -> None:
        self._auditor.count_traffic(traffic)
        self._accounting.parsed_bytes += traffic.parsed_bytes
        if traffic.reason is not None:
            self._accounting.opaque_bytes[traffic.reason] += traffic.opaque_bytes

    def close(self) -> list[Judgement]:
        """Every capture is at its end."""
        self.close_entrances()
        judgements: list[Judgement] = []
        for point in range(len(self._points)):
            judgements += self._audit(self.close_point(point))
        return judgements + self.close_judging()

    def close_entrances(self) -> None:
        """No more packets come: the end of the first step."""
        for entrance in self._entrances:
            entrance.close()

    def close_point(self, point: int) -> list[Event]:
        """Read what is left of a capture point: the end of the second step."""
        return self._point(point).close()

    def close_judging(self) -> list[Judgement]:
        """Judge what waited for something: the end of the last step."""
        judgements = self._judge(self._sights.close())
        return judgements + self._hand_on(self._auditor.close())

    # --- what runs for long ---

    @property
    def now_ns(self) -> int:
        """Capture time."""
        return max(self._times, default=0)

    @property
    def connections(self) -> int:
        """Connections that are followed now."""
        return sum(point.connections for point in self._points)

    def adopt(self, policy: Policy) -> None:
        """Judge by another policy from now on. Nothing is lost, and what was counted stays counted."""
        self._policy = policy
        self._names.adopt(policy)
        self._auditor.adopt(policy)

    def settle_traffic(self) -> bool:
        """Count the bytes of connections that are open, so far. Returns that it is done: several jobs take longer."""
        for point in self._points:
            for account in point.open_traffic():
                self._count_traffic(account)
        return True

    def growth(self) -> list[Growth]:
        """Return what pairs grew by since the last call, bytes of connections that are open included."""
        self.settle_traffic()
        return self._auditor.growth(self.now_ns)

    def names_of(self, exchange: Exchange) -> tuple[str, str]:
        """Return what the client and the server of a request are called, by all that is known now."""
        return self._auditor.names_of(exchange)

    def take_witnessed(self) -> list[tuple[Witness, Exchange]]:
        """Return the witnesses made since the last call, with their exchanges; they are remembered from the first."""
        return self._auditor.take_witnessed()

    # --- what was found ---

    def accounting(self) -> Accounting:
        """Return everything that was counted, nobody else's to change."""
        accounting = Accounting()
        accounting.add(self._accounting)
        for entrance in self._entrances:
            entrance.account(accounting)
        for point in self._points:
            point.account(accounting)
        accounting.counts["duplicate_exchanges"] += self._sights.duplicates
        for counter in (self._auditor.evictions, self._sights.evictions, self._names.counters()):
            accounting.evictions.update(counter)
        return accounting

    def totals(self) -> Totals:
        """Return everything that was counted, for another pipeline to add."""
        return Totals(self._auditor.records(), self._names.learned(), self.accounting())

    def learned(self) -> Learned:
        """Return the names that traffic taught."""
        return self._names.learned()

    def absorb_names(self, learned: Learned) -> None:
        """Add names that other traffic taught."""
        self._names.absorb(learned)

    def absorb(self, totals: Totals) -> None:
        """Add what another pipeline counted, of other connections."""
        self._auditor.absorb(totals.pairs)
        self._names.absorb(totals.learned)
        self._accounting.add(totals.accounting)

    def audit(
        self, captures: list[CaptureSummary], span_bytes: int = SPAN_BYTES, accounting: Accounting | None = None
    ) -> Audit:
        """Return the audit of everything that was fed.

        span_bytes  what a stored span takes
        accounting  what was counted, where the caller knows of more than was fed: of what the kernel dropped
        """
        accounting = accounting or self.accounting()
        pairs = worst_first(self._auditor.pairs())
        findings = find(pairs, accounting, self._policy, span_bytes)
        return Audit(captures, pairs, findings, accounting, self._level, shares_of(pairs))
