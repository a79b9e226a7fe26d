"""The loop of `wiresniff watch`: blocks in, metrics and records out, until somebody ends it."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from wiresniff.capture.blind import BlindSource
from wiresniff.capture.interfaces import local_interfaces
from wiresniff.capture.overload import Overload
from wiresniff.model.accounting import OVERLOAD, Accounting
from wiresniff.model.audit import CaptureSummary
from wiresniff.model.capture_state import CaptureState, InterfaceState
from wiresniff.model.errors import UsageError, WiresniffError

if TYPE_CHECKING:
    from wiresniff.capture.live import LivePackets
    from wiresniff.capture.watched import InterfaceStatistics
    from wiresniff.cli.log import Log
    from wiresniff.cli.records import RecordWriter
    from wiresniff.cli.signals import Signals
    from wiresniff.cli.witnesses import WitnessKeeper
    from wiresniff.metrics.exporter import Exporter
    from wiresniff.model.policy import Policy
    from wiresniff.pipeline import Pipeline
    from wiresniff.services.locality import Locality
    from wiresniff.workers.watch import SharedWatch

LOOK_SECONDS = 0.5
"""Between looks at what the kernel counted: soon enough to leave connections out before the ring is full."""
GROWTH_SECONDS = 60.0
"""Between looks at what pairs grew by where nobody scrapes: idle ones make room."""
ADDRESSES_SECONDS = 30.0
"""Between looks at which addresses are local."""
FIRST_LOOK_SECONDS = 10.0
"""After so long it is said what most of the traffic is, if little of it can be read."""
MOST = 0.5
LEAST_BYTES = 10_000
LEAST_PACKETS = 100
LEAST_CONNECTIONS = 5
"""Less traffic says nothing about most of it."""
ONE_DIRECTION = "one-direction"


class Watching:
    """What goes on around the pipeline while traffic is watched."""

    def __init__(
        self,
        source: "LivePackets",
        pipeline: "Pipeline | SharedWatch",
        records: "RecordWriter",
        log: "Log",
        locality: "Locality",
        exporter: "Exporter | None",
        keeper: "WitnessKeeper",
    ) -> None:
        self._source = source
        self._keeper = keeper
        self._pipeline = pipeline
        self._records = records
        self._log = log
        self._locality = locality
        self._exporter = exporter
        self._overload = Overload()
        self._dropped: dict[str, int] = {}
        self._left_out: dict[int, float] = {}
        self._is_up: dict[str, bool] = {}
        """What the log says of each interface."""
        if isinstance(source, BlindSource):  # it said why when capturing was refused
            self._is_up = {each.name: False for each in source.statistics()}
        self._look_at = self._growth_at = self._addresses_at = 0.0
        self._began, self._began_ns = time.monotonic(), time.time_ns()
        self._has_said_most = self._has_said_lost_records = self._owes_report = False
        self.failure: UsageError | None = None
        """Why a report that was asked for meanwhile could not be written."""

    def run(
        self,
        signals: "Signals",
        seconds: float | None,
        load_policy: "Callable[[], Policy] | None",
        report: Callable[[], None],
    ) -> None:
        """Watch until a signal, or for so long. SIGHUP calls `load_policy` (None: no file), SIGUSR1 `report`."""
        end_at = None if seconds is None else time.monotonic() + seconds
        for point, block in self._source:
            for judgement in self._pipeline.feed(point, block):
                self._records.write(judgement)
            self._keeper.feed(point, block)
            self._records.flush()
            self._tell_lost_records()
            del block
            now = time.monotonic()
            if signals.ends or (end_at is not None and now >= end_at):
                self._source.stop()
            if signals.take_reload():
                self._reload(load_policy)
            self._owes_report |= signals.take_report()
            if self._owes_report and self._pipeline.settle_traffic():
                self._owes_report = False
                self._report(report)
            if now >= self._look_at:
                self._look_at = now + LOOK_SECONDS
                self._look(now)
            self._publish(now)

    def close(self) -> None:
        """Settle what is open: nothing more comes."""
        for judgement in self._pipeline.close():
            self._records.write(judgement)
        self._keeper.close()
        if self._exporter is not None:
            self._hand_over(self._exporter)

    def summaries(self) -> list[CaptureSummary]:
        """Return what a report says of each interface."""
        return [
            CaptureSummary(
                each.name, "live", each.packets, self._began_ns, self._pipeline.now_ns or self._began_ns,
                warning=_trouble(each),
            )
            for each in self._source.statistics()
        ]  # fmt: skip

    def _reload(self, load_policy: "Callable[[], Policy] | None") -> None:
        if load_policy is None:
            self._log.answer("warning", "policy-absent", why="there is no policy file to read again: none was given")
            return
        is_good = False
        try:
            policy = load_policy()
        except WiresniffError as error:
            self._log.answer("error", "policy-refused", why=error, effect="the policy before it stays in force")
        else:
            is_good = True
            self._pipeline.adopt(policy)
            self._records.adopt(policy.privacy)
            self._keeper.adopt(policy)
            self._log.answer("info", "policy-reloaded", services=len(policy.services))
        if self._exporter is not None:
            self._exporter.policy_reloaded(is_good=is_good)

    def _report(self, report: Callable[[], None]) -> None:
        try:
            report()
        except UsageError as error:
            self.failure = error
            self._log.answer("error", "report-failed", why=error, effect="watching goes on")

    def _tell_lost_records(self) -> None:
        if self._records.failure is not None and not self._has_said_lost_records:
            self._has_said_lost_records = True
            effect = "no more records are written; watching goes on"
            self._log.answer("error", "records-failed", why=self._records.failure, effect=effect)

    def _look(self, now: float) -> None:
        """Look at what the kernel counted, and say what somebody should know."""
        state = self.capture_state()
        for interface in state.interfaces:
            self._tell_drops(interface)
            self._tell_up(interface)
        if not self._source.left_out() and self._overload.look(self._source.backlog, state.dropped_packets, now):
            self._source.shed(self._overload.share)
        self._tell_left_out()
        is_time = not self._has_said_most and now - self._began >= FIRST_LOOK_SECONDS
        if is_time and self._pipeline.settle_traffic():
            self._has_said_most = True
            self._tell_most()

    def _tell_left_out(self) -> None:
        for job, share in enumerate(self._source.left_out() or [self._overload.share], start=1):
            if share != self._left_out.get(job, 0.0) and self._log.is_due("overload", job):
                self._left_out[job] = share
                of_job = {"job": job} if self._source.left_out() else {}
                self._log.tell("warning", "overload", job, **of_job, connections_left_out=f"{share:.0%}")

    def _tell_drops(self, interface: InterfaceState) -> None:
        new = interface.dropped_packets - self._dropped.get(interface.name, 0)
        if new > 0 and self._log.is_due("capture-drops", interface.name):
            self._dropped[interface.name] = interface.dropped_packets
            self._log.tell("warning", "capture-drops", interface.name, interface=interface.name, packets=new)

    def _tell_up(self, interface: InterfaceState) -> None:
        event = "capture-up" if interface.is_up else "capture-down"
        if self._is_up.get(interface.name) == interface.is_up or not self._log.is_due(event, interface.name):
            return
        self._is_up[interface.name] = interface.is_up
        if interface.is_up:
            self._log.tell("info", event, interface.name, interface=interface.name)
        else:
            self._log.tell("warning", event, interface.name, interface=interface.name, why=interface.reason)

    def _tell_most(self) -> None:
        """Say what most of the traffic is, where that can't be read: whoever watches may be in the wrong place."""
        accounting = self._pipeline.accounting()
        packets = accounting.counts["packets"]
        for name, count in accounting.not_tcp.most_common(1):
            if packets >= LEAST_PACKETS and count > MOST * packets:
                self._log.tell("warning", "mostly-opaque", name, what=name, packets=f"{count / packets:.0%}")
        halves, connections = accounting.counts["one_direction_connections"], accounting.counts["connections"]
        if connections >= LEAST_CONNECTIONS and halves > MOST * connections:
            self._log.tell(
                "warning", "mostly-opaque", ONE_DIRECTION, what=ONE_DIRECTION, connections=f"{halves / connections:.0%}"
            )
        octets = accounting.parsed_bytes + accounting.opaque_bytes.total()
        for reason, count in accounting.opaque_bytes.most_common(1):
            if octets >= LEAST_BYTES and count > MOST * octets:
                self._log.tell("warning", "mostly-opaque", reason, what=reason, tcp_bytes=f"{count / octets:.0%}")

    def _publish(self, now: float) -> None:
        if now >= self._addresses_at:
            self._addresses_at = now + ADDRESSES_SECONDS
            self._locality.addresses = local_addresses()
        if self._exporter is not None:
            if self._exporter.is_due:
                self._hand_over(self._exporter)
        elif now >= self._growth_at:
            self._growth_at = now + GROWTH_SECONDS
            self._pipeline.growth()

    def _hand_over(self, exporter: "Exporter") -> None:
        growth = self._pipeline.growth()
        exporter.publish(growth, self.accounting(), self.capture_state(), self._pipeline.connections)

    def accounting(self) -> Accounting:
        """Return what the pipeline counted, and what was left out before it."""
        accounting = self._pipeline.accounting()
        statistics = self._source.statistics()
        accounting.evictions[OVERLOAD] += sum(each.shed_connections for each in statistics)
        accounting.counts["dropped_packets"] += sum(each.dropped for each in statistics)
        accounting.counts["left_out_packets"] += sum(each.shed_packets for each in statistics)
        return accounting

    def capture_state(self) -> CaptureState:
        """Return how the capture is doing."""
        return CaptureState(
            tuple(
                InterfaceState(
                    each.name, each.is_up, each.packets, each.bytes, each.dropped, each.shed_packets, each.reason
                )
                for each in self._source.statistics()
            )
        )


def local_addresses() -> frozenset[str]:
    """Return the addresses of this machine, or this pod."""
    return frozenset(address for interface in local_interfaces() for address in interface.addresses)


def _trouble(statistics: "InterfaceStatistics") -> str | None:
    """Say what went wrong with an interface, if something did."""
    troubles = []
    if not statistics.is_up and statistics.reason is not None:
        troubles.append(f"not watched: {statistics.reason}")
    if statistics.dropped:
        troubles.append(f"{statistics.dropped:,} packets were dropped, since the ring was full")
    if statistics.shed_packets:
        troubles.append(f"{statistics.shed_packets:,} packets of connections that were left out at overload")
    return "; ".join(troubles) or None
