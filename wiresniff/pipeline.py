"""Joins the stages: packets in, judgements out, one audit at the end.

Each capture point has a decoder, a reassembler and a dissector of its own; names, sights and totals are shared. Stages
know nothing of each other: what one needs of another (the names of header fields to keep, the reader of fields) is
handed over here. A connection on which our own code fails is given up, counted, and the rest goes on.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial

from wiresniff import tracecontext
from wiresniff.audit import Auditor
from wiresniff.audit.auditor import settled
from wiresniff.audit.findings import find, worst_first
from wiresniff.audit.sights import HOLD_NS, Sights
from wiresniff.decode.decoder import Decoder
from wiresniff.model import limits
from wiresniff.model.accounting import Accounting
from wiresniff.model.anomalies import Anomaly
from wiresniff.model.audit import Audit, CaptureSummary
from wiresniff.model.delivery import Delivery
from wiresniff.model.exchanges import Alike, Exchange, Opened, Traffic
from wiresniff.model.findings import Witness
from wiresniff.model.growth import Growth
from wiresniff.model.packets import PacketBlock
from wiresniff.model.policy import Policy
from wiresniff.model.segments import SegmentBlock
from wiresniff.model.verdicts import Judgement
from wiresniff.protocols import Dissector, Event
from wiresniff.reassembly import Reassembler
from wiresniff.services.locality import Locality
from wiresniff.services.names import Names

JUMP_NS = 3600 * 10**9
"""Capture time that jumps further than this is not believed until later packets agree."""

LATE_NS = limits.EXCHANGE_SECONDS * 10**9 + HOLD_NS
"""Where several capture points see a request, it is known when it is settled, and that is so much later at most."""


def in_order(exchange: Exchange) -> tuple[int, int]:
    """When nothing more was expected of an exchange, and a number to tell equal times apart."""
    return settled(exchange), exchange.packet


class CaptureClock:
    """Capture time: monotone, and not moved by one packet with a wild timestamp."""

    def __init__(self, anomalies: Counter[str]) -> None:
        self._anomalies = anomalies
        self._suspect_ns: int | None = None
        self.now_ns = 0

    def advance(self, block: PacketBlock) -> int:
        """Take the times of a block; returns the time now."""
        if not len(block):
            self.now_ns = max(self.now_ns, block.tick_ns)
            return self.now_ns
        latest, earliest = block.now_ns, int(block.timestamp_ns.min())
        if self.now_ns and (latest - self.now_ns > JUMP_NS or self.now_ns - earliest > JUMP_NS):
            self._anomalies[Anomaly.TIME_JUMP] += 1
        if not self.now_ns or latest - self.now_ns <= JUMP_NS:
            self._suspect_ns = None
            self.now_ns = max(self.now_ns, latest)
        elif self._suspect_ns is not None and abs(latest - self._suspect_ns) <= JUMP_NS:
            self._suspect_ns = None
            self.now_ns = latest
        else:
            self._suspect_ns = latest
            believed = block.timestamp_ns[block.timestamp_ns - self.now_ns <= JUMP_NS]
            if len(believed):
                self.now_ns = max(self.now_ns, int(believed.max()))
            elif len(block) > 1:
                self._suspect_ns = None
                self.now_ns = latest
        return self.now_ns


class CapturePoint:
    """The stages that keep tables of one capture point's connections."""

    def __init__(self, number: int, accounting: Accounting, level: int, *, quarantines: bool) -> None:
        self._accounting = accounting
        self._quarantines = quarantines
        self._decoder = Decoder()
        self._reassembler = Reassembler(number)
        self._dissector = Dissector(
            tracecontext.KEPT_FIELDS, partial(tracecontext.are_plain, level=level), tracecontext.is_traceparent_shaped
        )
        self.clock = CaptureClock(accounting.anomalies)

    def feed(self, block: PacketBlock) -> list[Event]:
        """Read a block of packets."""
        return self.read(self.decode(block))

    def decode(self, block: PacketBlock) -> SegmentBlock:
        """Read the headers of a block of packets, and the time."""
        self.clock.advance(block)
        return self._decoder.feed(block)

    def read(self, segments: SegmentBlock) -> list[Event]:
        """Read the segments of a block, or those of some of its connections."""
        now_ns = self.clock.now_ns
        events: list[Event] = []
        for deliveries in self._reassembler.feed(segments):
            self._look_ahead(deliveries)
            for delivery in deliveries:
                events += self._dissect(delivery)
            events += self._alike()
        for delivery in self._reassembler.flush(now_ns):
            events += self._dissect(delivery)
        events += self._dissector.flush(now_ns)
        return events

    def _look_ahead(self, deliveries: list[Delivery]) -> None:
        try:
            self._dissector.look_ahead(deliveries)
        except Exception:  # nothing is known ahead then, and everything is parsed
            if not self._quarantines:
                raise
            self._accounting.counts["internal_errors"] += 1

    def _alike(self) -> list[Exchange | Alike]:
        try:
            return self._dissector.alike()
        except Exception:  # what was taken as known is lost
            if not self._quarantines:
                raise
            self._accounting.counts["internal_errors"] += 1
            return []

    def _dissect(self, delivery: Delivery) -> list[Event]:
        try:
            return self._dissector.feed(delivery)
        except Exception:
            if not self._quarantines:
                raise
            self._accounting.counts["internal_errors"] += 1
            self._dissector.quarantine(delivery.connection)
            return []

    def close(self) -> list[Event]:
        """Read what is left: the capture is at its end."""
        events: list[Event] = []
        for delivery in self._reassembler.close():
            events += self._dissect(delivery)
        self._decoder.flush(self.clock.now_ns)
        return events

    @property
    def connections(self) -> int:
        """Connections that are followed now."""
        return self._reassembler.connections

    def open_traffic(self) -> Iterator[Traffic]:
        """Account for the traffic of connections that are open, since the last such account."""
        return self._dissector.account()

    def account(self, accounting: Accounting) -> None:
        """Add what the stages counted."""
        for stage in (self._decoder, self._reassembler, self._dissector):
            accounting.counts.update(stage.counters())
            accounting.anomalies.update(stage.anomalies())
        accounting.not_tcp.update(self._decoder.not_tcp())
        accounting.evictions.update(self._reassembler.evictions())
        accounting.evictions.update(self._dissector.evictions())


class Pipeline:
    """Audits packets of any number of capture points.

    judges       give a judgement for every exchange; off where nobody keeps them, which is quicker
    joins        count a request once that several capture points saw; must be known before the second point's first
                 block comes, since by then the first point's requests would be counted
    locality     the addresses that are local, for metrics
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
        self._auditor = Auditor(
            self._policy,
            self._names,
            tracecontext,
            level,
            reporter=(locality or Locality()).reporter,
            keeps=judges,
            late_ns=LATE_NS if joins else 0,
        )
        self._sights = Sights()
        self._points: list[CapturePoint] = []

    def feed(self, point: int, block: PacketBlock) -> list[Judgement]:
        """Read a block of one capture point; returns judgements, if they are wanted."""
        while point >= len(self._points):
            self._points.append(
                CapturePoint(len(self._points), self._accounting, self._level, quarantines=self._quarantines)
            )
        judgements = self._audit(self._points[point].feed(block))
        if self._joins:
            judgements += self._judge(self._sights.flush(min(each.clock.now_ns for each in self._points)))
        return judgements

    def _audit(self, events: list[Event]) -> list[Judgement]:
        """Audit what a block brought in the order in which it was settled, as if packets had come one by one."""
        exchanges: list[Exchange] = []
        alike: list[Alike] = []
        opened: list[Exchange] = []
        accounts: list[Traffic] = []
        for event in events:
            if isinstance(event, Traffic):
                accounts.append(event)
            elif isinstance(event, Exchange):
                exchanges.append(event)
            elif isinstance(event, Opened):
                opened.append(event.exchange)
            elif self._judges or self._joins:
                exchanges += event.exchanges()
            else:
                alike.append(event)
        if self._judges or self._joins:
            exchanges.sort(key=in_order)
        if self._joins:
            exchanges = [sight for exchange in exchanges for sight in self._sights.feed(exchange)]
        auditor = self._auditor
        auditor.meet(opened)
        auditor.meet(exchanges)
        auditor.meet(exchange for some in alike for exchange in some.latest(1))
        for exchange in opened:
            if self._joins:  # who knows whether this is the sight that counts
                exchange.is_announced = False
            else:
                auditor.open(exchange)
        judgements = self._judge(exchanges)
        for some in alike:
            self._auditor.count_alike(some)
        for account in accounts:
            self._count_traffic(account)
        return judgements

    def _judge(self, exchanges: list[Exchange]) -> list[Judgement]:
        """Judge exchanges; returns the judgements whose hops are judged by now, of earlier ones most often."""
        if self._judges:
            for exchange in exchanges:
                self._auditor.feed(exchange)
        else:
            self._auditor.count(exchanges)
        return self._hand_on(self._auditor.advance(self.now_ns))

    def _hand_on(self, judgements: list[Judgement]) -> list[Judgement]:
        return judgements if self._judges else []

    def _count_traffic(self, traffic: Traffic) -> None:
        self._auditor.count_traffic(traffic)
        self._accounting.parsed_bytes += traffic.parsed_bytes
        if traffic.reason is not None:
            self._accounting.opaque_bytes[traffic.reason] += traffic.opaque_bytes

    def close(self) -> list[Judgement]:
        """Every capture is at its end."""
        judgements: list[Judgement] = []
        for point in self._points:
            judgements += self._audit(point.close())
        judgements += self._judge(self._sights.close())
        return judgements + self._hand_on(self._auditor.close())

    # --- what runs for long ---

    @property
    def now_ns(self) -> int:
        """Capture time."""
        return max((point.clock.now_ns for point in self._points), default=0)

    @property
    def connections(self) -> int:
        """Connections that are followed now."""
        return sum(point.connections for point in self._points)

    def adopt(self, policy: Policy) -> None:
        """Judge by another policy from now on. Nothing is lost, and what was counted stays counted."""
        self._policy = policy
        self._names.adopt(policy)
        self._auditor.adopt(policy)

    def settle_traffic(self) -> None:
        """Count the bytes of connections that are open, so far."""
        for point in self._points:
            for account in point.open_traffic():
                self._count_traffic(account)

    def growth(self) -> list[Growth]:
        """Return what pairs grew by since the last call, bytes of connections that are open included."""
        self.settle_traffic()
        return self._auditor.growth(self.now_ns)

    def take_witnessed(self) -> list[tuple[Witness, Exchange]]:
        """Return the witnesses made since the last call, with their exchanges; they are remembered from the first."""
        return self._auditor.take_witnessed()

    # --- what was found ---

    def accounting(self) -> Accounting:
        """Return everything that was counted, nobody else's to change."""
        accounting = Accounting()
        accounting.add(self._accounting)
        for point in self._points:
            point.account(accounting)
        accounting.counts["duplicate_exchanges"] += self._sights.duplicates
        for counter in (self._auditor.evictions, self._sights.evictions, self._names.counters()):
            accounting.evictions.update(counter)
        return accounting

    def audit(self, captures: list[CaptureSummary]) -> Audit:
        """Return the audit of everything that was fed."""
        accounting = self.accounting()
        pairs = worst_first(self._auditor.pairs())
        return Audit(captures, pairs, find(pairs, accounting, self._policy), accounting, self._level)
