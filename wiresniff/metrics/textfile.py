"""The audit of a capture as Prometheus text, for the node exporter's textfile collector.

Every family has its own small function from the audit to samples; the collector puts them through the table. All
series of a pair exist together from the start, those that counted nothing with 0, so that rates have a beginning.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

import wiresniff
from wiresniff.metrics import families
from wiresniff.metrics.families import Family, Kind
from wiresniff.model.anomalies import Anomaly
from wiresniff.model.audit import Audit
from wiresniff.model.context import Fault
from wiresniff.model.totals import PairTotals
from wiresniff.model.verdicts import Verdict

REPORTER = "capture"
"""A capture file does not say which end of a connection it was taken at."""

ELSEWHERE = ("tracestate-", "baggage-")
"""Prefixes of faults that are not the traceparent's."""

Samples: TypeAlias = Iterator[tuple[tuple[str, ...], float]]
"""Label values in the order of the family, and the number."""


def render_metrics(audit: Audit) -> str:
    """Return the families of `families.FAMILIES` in the Prometheus text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(audit))
    return generate_latest(registry).decode("utf-8")


class _Snapshot(Collector):
    """Collects from one audit, which nobody changes meanwhile."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._pairs = _by_ends(audit.pairs)

    def collect(self) -> Iterable[Metric]:
        yield _metric(families.REQUESTS, (sample for pair in self._audit.pairs for sample in _requests(pair)))
        for family, samples in PER_PAIR.items():
            yield _metric(family, (sample for pair in self._pairs for sample in samples(pair)))
        for family, totals in OF_CAPTURE.items():
            yield _metric(family, totals(self._audit))


def _metric(family: Family, samples: Samples) -> Metric:
    make = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    metric = make(family.name, family.help, labels=family.labels)
    for labels, value in samples:
        metric.add_metric([_label(label) for label in labels], value)
    return metric


def _label(text: str) -> str:
    """Return a label value that UTF-8 can say (a policy may name a lone surrogate); the library escapes the rest."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _by_ends(pairs: Iterable[PairTotals]) -> list[PairTotals]:
    """Sum pairs over protocols: most families do not tell them apart, and a series may be there only once."""
    sums: dict[tuple[str, str], PairTotals] = {}
    for pair in pairs:
        ends = (_label(pair.client), _label(pair.server))
        sums.setdefault(ends, PairTotals(*ends, protocol="")).add(pair)
    return list(sums.values())


def _requests(pair: PairTotals) -> Samples:
    for verdict in Verdict:
        yield (pair.client, pair.server, pair.protocol, verdict, REPORTER), getattr(pair, verdict)


def _inferred(pair: PairTotals) -> Samples:
    for verdict in Verdict:
        yield (pair.client, pair.server, verdict, REPORTER), pair.inferred_verdicts[verdict]


def _failed(pair: PairTotals) -> Samples:
    yield (pair.client, pair.server, "true", REPORTER), pair.failed - pair.failed_untraced
    yield (pair.client, pair.server, "false", REPORTER), pair.failed_untraced


TRACEPARENT_FAULTS = frozenset(fault.value for fault in Fault if not fault.startswith(ELSEWHERE))


def _faults(pair: PairTotals) -> Samples:
    for fault, count in sorted(pair.faults.items()):
        if fault in TRACEPARENT_FAULTS:
            yield (pair.client, pair.server, fault, REPORTER), count


def _opaque(pair: PairTotals) -> Samples:
    for reason, count in sorted(pair.opaque_bytes.items()):
        yield (pair.client, pair.server, reason, REPORTER), count


def _number(name: str) -> Callable[[PairTotals], Samples]:
    def samples(pair: PairTotals) -> Samples:
        yield (pair.client, pair.server, REPORTER), getattr(pair, name)

    return samples


PER_PAIR: dict[Family, Callable[[PairTotals], Samples]] = {
    families.INFERRED: _inferred,
    families.FAILED: _failed,
    families.FAULTS: _faults,
    families.SAMPLED: _number("sampled"),
    families.BAGGAGE: _number("baggage_bytes"),
    families.PARSED: _number("parsed_bytes"),
    families.OPAQUE: _opaque,
}


def _count(name: str) -> Callable[[Audit], Samples]:
    def samples(audit: Audit) -> Samples:
        yield (), audit.accounting.counts[name]

    return samples


def _anomalies(audit: Audit) -> Samples:
    for anomaly in Anomaly:
        yield (anomaly,), audit.accounting.anomalies[anomaly]


def _evictions(audit: Audit) -> Samples:
    for table, count in sorted(audit.accounting.evictions.items()):
        yield (table,), count


def _build_info(_audit: Audit) -> Samples:
    yield (wiresniff.__version__,), 1


OF_CAPTURE: dict[Family, Callable[[Audit], Samples]] = {
    families.GAPS: _count("gap_bytes"),
    families.ANOMALIES: _anomalies,
    families.EVICTIONS: _evictions,
    families.INTERNAL_ERRORS: _count("internal_errors"),
    families.CONNECTIONS: _count("connections"),
    families.BUILD_INFO: _build_info,
}
