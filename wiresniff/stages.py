"""The stages of one capture point: those that look at every packet, and those that keep tables of connections."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from wiresniff import tracecontext
from wiresniff.decode.decoder import Decoder
from wiresniff.model.accounting import Accounting
from wiresniff.model.anomalies import Anomaly
from wiresniff.model.delivery import Delivery
from wiresniff.model.exchanges import Alike, Exchange, Traffic
from wiresniff.model.packets import PacketBlock
from wiresniff.model.segments import SegmentBlock
from wiresniff.protocols import Dissector, Event
from wiresniff.reassembly import Reassembler

JUMP_NS = 3600 * 10**9
"""Capture time that jumps further than this is not believed until later packets agree."""


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


class Decoded(NamedTuple):
    """What the packets of a block say, and what time it is then."""

    segments: SegmentBlock
    now_ns: int


class Entrance:
    """What looks at packets of one capture point before connections matter: all of them, in capture order."""

    def __init__(self, anomalies: Counter[str]) -> None:
        self._decoder = Decoder()
        self._clock = CaptureClock(anomalies)

    def feed(self, block: PacketBlock) -> Decoded:
        """Read the headers of a block of packets, and the time."""
        now_ns = self._clock.advance(block)
        return Decoded(self._decoder.feed(block), now_ns)

    def close(self) -> None:
        """No more packets come."""
        self._decoder.flush(self._clock.now_ns)

    def account(self, accounting: Accounting) -> None:
        """Add what was counted."""
        accounting.counts.update(self._decoder.counters())
        accounting.anomalies.update(self._decoder.anomalies())
        accounting.evictions.update(self._decoder.evictions())
        accounting.not_tcp.update(self._decoder.not_tcp())


class CapturePoint:
    """The stages that keep tables of one capture point's connections."""

    def __init__(self, number: int, accounting: Accounting, level: int, *, quarantines: bool) -> None:
        self._accounting = accounting
        self._quarantines = quarantines
        self._reassembler = Reassembler(number)
        self._dissector = Dissector(
            tracecontext.KEPT_FIELDS, partial(tracecontext.are_plain, level=level), tracecontext.is_traceparent_shaped
        )

    def feed(self, segments: SegmentBlock) -> list[Event]:
        """Read the segments of a block, or those of some of its connections."""
        events: list[Event] = []
        for deliveries in self._reassembler.feed(segments):
            self._look_ahead(deliveries)
            for delivery in deliveries:
                events += self._dissect(delivery)
            events += self._alike()
        return events

    def flush(self, now_ns: int) -> list[Event]:
        """Capture time has reached `now_ns`."""
        events: list[Event] = []
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
        for stage in (self._reassembler, self._dissector):
            accounting.counts.update(stage.counters())
            accounting.anomalies.update(stage.anomalies())
        accounting.evictions.update(self._reassembler.evictions())
        accounting.evictions.update(self._dissector.evictions())
