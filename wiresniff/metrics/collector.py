"""From a snapshot to metric families: one small function per family, put through the table.

All verdict series of a pair are there together, those that counted nothing with 0, so that rates have a beginning. So
are its hops, by every outcome in every confidence that it may have.
"""

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

import wiresniff
from wiresniff.metrics import families
from wiresniff.metrics.families import Family, Kind
from wiresniff.metrics.series import HopSeries, PairSeries, label
from wiresniff.metrics.snapshot import Live, Snapshot
from wiresniff.model import growth
from wiresniff.model.anomalies import Anomaly
from wiresniff.model.capture_state import InterfaceState
from wiresniff.model.confidence import Confidence
from wiresniff.model.context import Fault
from wiresniff.model.hops import Outcome
from wiresniff.model.verdicts import Verdict

ELSEWHERE = ("tracestate-", "baggage-")
"""Prefixes of faults that are not the traceparent's."""
TRACEPARENT_FAULTS = frozenset(fault.value for fault in Fault if not fault.startswith(ELSEWHERE))

Samples: TypeAlias = Iterator[tuple[tuple[str, ...], float]]
"""Label values in the order of the family, and the number."""


class SnapshotCollector(Collector):
    """Collects from the snapshot that is there when it is asked."""

    def __init__(self, current: Callable[[], Snapshot]) -> None:
        self._current = current

    def describe(self) -> Iterable[Metric]:
        """Nothing is known before a snapshot is: names are not checked against other collectors' by a scrape."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Return the families, in the order of the table."""
        snapshot = self._current()
        for family in families.FAMILIES:
            samples = samples_of(family, snapshot)
            if samples is not None:
                yield _metric(family, samples)


def samples_of(family: Family, snapshot: Snapshot) -> Samples | None:
    """Return the samples of one family; None for those of live capture where there is none."""
    if family in PER_PAIR:
        samples = PER_PAIR[family]
        return (sample for pair in snapshot.pairs for sample in samples(pair))
    if family is families.HOPS:
        return (sample for series in snapshot.hops for sample in _hops(series))
    if family in OF_CAPTURE:
        return OF_CAPTURE[family](snapshot)
    return OF_LIVE[family](snapshot.live) if snapshot.live is not None else None


def _metric(family: Family, samples: Samples) -> Metric:
    make = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    metric: Metric = make(family.name, family.help, labels=family.labels)
    names = family.labels
    metric.samples = [
        Sample(family.name, dict(zip(names, map(label, labels), strict=True)), value) for labels, value in samples
    ]
    return metric


def _requests(pair: PairSeries) -> Samples:
    for protocol, verdicts in sorted(pair.verdicts.items()):
        for verdict, count in zip(Verdict, verdicts, strict=True):
            yield (pair.client, pair.server, protocol, verdict.value, pair.reporter.value), count


def _inferred(pair: PairSeries) -> Samples:
    if pair.verdicts:
        for verdict, count in zip(Verdict, pair.numbers.inferred, strict=True):
            yield (pair.client, pair.server, verdict.value, pair.reporter.value), count


def _failed(pair: PairSeries) -> Samples:
    if pair.verdicts:
        failed, untraced = _count(pair, "failed"), _count(pair, "failed_untraced")
        yield (pair.client, pair.server, "true", pair.reporter.value), failed - untraced
        yield (pair.client, pair.server, "false", pair.reporter.value), untraced


def _faults(pair: PairSeries) -> Samples:
    for fault, count in sorted(pair.numbers.faults.items()):
        if fault in TRACEPARENT_FAULTS:
            yield (pair.client, pair.server, fault, pair.reporter.value), count


KNOWN = (Confidence.CERTAIN, Confidence.LIKELY)
CONCLUDED = (*KNOWN, Confidence.POSSIBLE)
CONFIDENCES: dict[Outcome, tuple[Confidence, ...]] = {
    Outcome.PROPAGATED: KNOWN,
    Outcome.PASSTHROUGH: KNOWN,
    Outcome.RESTARTED: CONCLUDED,
    Outcome.DROPPED: CONCLUDED,
    Outcome.ORIGINATED: CONCLUDED,
    Outcome.BARE: CONCLUDED,
    Outcome.ROOT: CONCLUDED,
    Outcome.EXEMPT: (Confidence.CERTAIN,),
    Outcome.UNDETERMINED: (Confidence.UNDETERMINED,),
}
"""What an outcome may rest on. That a trace goes on only identifiers show; where services share an address, likely."""
HOPS = tuple(
    (f"{outcome}:{word}", outcome.value, word.value) for outcome, words in CONFIDENCES.items() for word in words
)


def _hops(series: HopSeries) -> Samples:
    client, server, counts = series
    for key, outcome, confidence in HOPS:
        yield (client, server, outcome, confidence), counts.get(key, 0)


def _opaque(pair: PairSeries) -> Samples:
    for reason, count in sorted(pair.numbers.opaque_bytes.items()):
        yield (pair.client, pair.server, reason, pair.reporter.value), count


def _count(pair: PairSeries, name: str) -> int:
    return pair.numbers.counts[growth.COUNTS.index(name)]


def _of_requests(name: str) -> Callable[[PairSeries], Samples]:
    """Return the samples of a number that only pairs with requests have."""

    def samples(pair: PairSeries) -> Samples:
        if pair.verdicts:
            yield (pair.client, pair.server, pair.reporter.value), _count(pair, name)

    return samples


def _parsed(pair: PairSeries) -> Samples:
    yield (pair.client, pair.server, pair.reporter.value), _count(pair, "parsed_bytes")


PER_PAIR: dict[Family, Callable[[PairSeries], Samples]] = {
    families.REQUESTS: _requests,
    families.INFERRED: _inferred,
    families.FAILED: _failed,
    families.FAULTS: _faults,
    families.SAMPLED: _of_requests("sampled"),
    families.BAGGAGE: _of_requests("baggage_bytes"),
    families.PARSED: _parsed,
    families.OPAQUE: _opaque,
}


def _whole(word: str) -> Callable[[Snapshot], Samples]:
    def samples(snapshot: Snapshot) -> Samples:
        yield (), snapshot.counts.get(word, 0)

    return samples


def _anomalies(snapshot: Snapshot) -> Samples:
    for anomaly in Anomaly:
        yield (anomaly.value,), snapshot.anomalies.get(anomaly, 0)


def _evictions(snapshot: Snapshot) -> Samples:
    for table, count in sorted(snapshot.evictions.items()):
        yield (table,), count


def _connections(snapshot: Snapshot) -> Samples:
    yield (), snapshot.connections


def _build_info(_snapshot: Snapshot) -> Samples:
    yield (wiresniff.__version__,), 1


OF_CAPTURE: dict[Family, Callable[[Snapshot], Samples]] = {
    families.GAPS: _whole("gap_bytes"),
    families.ANOMALIES: _anomalies,
    families.EVICTIONS: _evictions,
    families.INTERNAL_ERRORS: _whole("internal_errors"),
    families.CONNECTIONS: _connections,
    families.BUILD_INFO: _build_info,
}


def _of_interface(value: Callable[[InterfaceState], float]) -> Callable[[Live], Samples]:
    def samples(live: Live) -> Samples:
        for interface in live.interfaces:
            yield (interface.name,), value(interface)

    return samples


def _number(name: str) -> Callable[[Live], Samples]:
    def samples(live: Live) -> Samples:
        yield (), float(getattr(live, name))

    return samples


OF_LIVE: dict[Family, Callable[[Live], Samples]] = {
    families.CAPTURE_UP: _of_interface(lambda interface: float(interface.is_up)),
    families.CAPTURE_PACKETS: _of_interface(attrgetter("packets")),
    families.CAPTURE_BYTES: _of_interface(attrgetter("bytes")),
    families.CAPTURE_DROPPED: _of_interface(attrgetter("dropped_packets")),
    families.CAPTURE_LEFT_OUT: _of_interface(attrgetter("left_out_packets")),
    families.POLICY_RELOADED: _number("policy_is_good"),
    families.POLICY_RELOAD_TIME: _number("policy_time"),
    families.SNAPSHOT_TIME: _number("time"),
}
