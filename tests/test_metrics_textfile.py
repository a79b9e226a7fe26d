"""The audit as Prometheus text."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sample_audit import audit, chain, hostile_audit, joined_late

import wiresniff
from wiresniff.metrics.collector import CONFIDENCES
from wiresniff.metrics.families import AUDIT_FAMILIES
from wiresniff.metrics.textfile import render_metrics
from wiresniff.model.anomalies import Anomaly
from wiresniff.model.audit import Audit
from wiresniff.model.hops import Outcome
from wiresniff.model.totals import PairTotals
from wiresniff.model.verdicts import Verdict

Series = tuple[str, frozenset[tuple[str, str]]]


def series(sample: Audit) -> dict[Series, float]:
    """All samples of the text, by name and labels; none is there twice."""
    samples = [
        ((sample.name, frozenset(sample.labels.items())), sample.value)
        for family in text_string_to_metric_families(render_metrics(sample))
        for sample in family.samples
    ]
    assert len(samples) == len(dict(samples))
    return dict(samples)


def value(samples: dict[Series, float], name: str, **labels: str) -> float:
    """Return the number of one series."""
    return samples[name, frozenset(labels.items())]


@pytest.mark.parametrize("verdict", Verdict)
def test_all_verdicts_of_a_pair_are_there_from_the_start(verdict: Verdict) -> None:
    """Those that did not occur are 0, so that a rate has a beginning."""
    samples = series(audit())
    ends = {"client": "checkout", "server": "payments", "reporter": "capture"}
    expected = {Verdict.VALID: 180, Verdict.MALFORMED: 40}.get(verdict, 0)
    assert value(samples, "wiresniff_requests_total", **ends, protocol="http/1", verdict=verdict) == expected
    assert value(samples, "wiresniff_inferred_requests_total", **ends, verdict=verdict) == 0


def test_numbers_are_those_of_the_audit() -> None:
    """Failures by whether they can be traced, faults, sampled, bytes, anomalies."""
    samples = series(audit())
    pricing = {"client": "orders", "server": "pricing", "reporter": "capture"}
    payments = {"client": "checkout", "server": "payments", "reporter": "capture"}
    assert value(samples, "wiresniff_failed_requests_total", **pricing, traced="false") == 3
    assert value(samples, "wiresniff_failed_requests_total", **pricing, traced="true") == 2
    assert value(samples, "wiresniff_sampled_requests_total", **pricing) == 4
    assert value(samples, "wiresniff_parsed_bytes_total", **pricing) == 2_000_000
    assert value(samples, "wiresniff_traceparent_faults_total", **payments, fault="zero-trace-id") == 31
    assert value(samples, "wiresniff_gap_bytes_total") == 20_440
    assert value(samples, "wiresniff_anomalies_total", anomaly="bare-lf") == 3
    assert value(samples, "wiresniff_internal_errors_total") == 0
    assert value(samples, "wiresniff_connections") == 2_310
    assert value(samples, "wiresniff_build_info", version=wiresniff.__version__) == 1
    ledger = {"client": "orders", "server": "ledger", "reporter": "capture"}
    assert value(samples, "wiresniff_opaque_bytes_total", **ledger, reason="tls") == 9_400_000


def test_every_outcome_has_a_series() -> None:
    """In every confidence that it may have."""
    assert set(CONFIDENCES) == set(Outcome)
    ends = {"client": "orders", "server": "pricing"}
    samples = [dict(labels) for name, labels in series(chain()) if name == "wiresniff_hops_total"]
    told = {(labels["outcome"], labels["confidence"]) for labels in samples if ends.items() <= labels.items()}
    assert told == {(outcome, word) for outcome, words in CONFIDENCES.items() for word in words}


def test_faults_of_tracestate_are_not_those_of_traceparent() -> None:
    """The family is named for one field."""
    assert not [labels for _, labels in series(audit()) if ("fault", "tracestate-traceparent-invalid") in labels]


def test_protocols_of_a_pair_are_summed_where_there_is_no_label_for_them() -> None:
    """Two pairs with the same ends, one series."""
    pairs = [PairTotals("a", "b", protocol, requests=5, valid=5, sampled=5) for protocol in ("http/1", "http/2")]
    samples = series(Audit(pairs=pairs))
    assert value(samples, "wiresniff_sampled_requests_total", client="a", server="b", reporter="capture") == 10
    assert pairs[0].sampled == 5


def test_what_is_inferred_is_a_part_of_each_verdict() -> None:
    """An inferred presence as well as an inferred absence."""
    samples = series(joined_late())
    ends = {"client": "web", "server": "cart", "reporter": "capture"}
    inferred = {
        verdict: value(samples, "wiresniff_inferred_requests_total", **ends, verdict=verdict) for verdict in Verdict
    }
    assert {verdict: number for verdict, number in inferred.items() if number} == {"missing": 30, "valid": 20}
    assert value(samples, "wiresniff_requests_total", **ends, protocol="grpc", verdict="missing") == 40


def test_hops_by_outcome_and_confidence() -> None:
    """What did not occur is 0 from the start; a pair of which only bytes are known has none."""
    samples = series(chain())
    ends = {"client": "orders", "server": "pricing"}
    dropped = {
        word: value(samples, "wiresniff_hops_total", **ends, outcome="dropped", confidence=word)
        for word in ("certain", "likely", "possible")
    }
    assert dropped == {"certain": 0, "likely": 29, "possible": 19}
    assert value(samples, "wiresniff_hops_total", **ends, outcome="propagated", confidence="certain") == 24
    assert value(samples, "wiresniff_hops_total", **ends, outcome="exempt", confidence="certain") == 3
    assert {dict(labels)["server"] for name, labels in series(audit()) if name == "wiresniff_hops_total"} == {
        pair.server for pair in audit().pairs if pair.requests
    }


def test_every_anomaly_has_a_series() -> None:
    """Also those that never happened."""
    samples = series(Audit())
    assert all(value(samples, "wiresniff_anomalies_total", anomaly=anomaly) == 0 for anomaly in Anomaly)


def test_the_text_follows_the_table() -> None:
    """Every family with its help, in order, with its labels; nothing that is not in the table, no `_created`."""
    text = render_metrics(audit())
    assert re.findall(r"(?m)^# TYPE (\S+) ", text) == [family.name for family in AUDIT_FAMILIES]
    labels = {family.name: set(family.labels) for family in AUDIT_FAMILIES}
    for name, given in series(audit()):
        assert {label for label, _ in given} == labels[name]
    assert "_created" not in text


def test_hostile_names_are_label_values_and_nothing_else() -> None:
    """They come back from the parser as they were, however they look."""
    clients = {dict(labels).get("client") for _, labels in series(hostile_audit())}
    for name in ("[red]markup[/red][/] :boom: [link=http://x]y[/link]", "x" * 10_000, '"quote" \\ back {brace}'):
        assert name in clients
    assert "\x1b[31mred\x1b[0m\nnew line\r\x00\x9b1m" in clients
