"""A snapshot as text: what the library would write, in a tenth of the time."""

import shutil
import subprocess

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from sample_audit import audit, hostile_audit, joined_late

from wiresniff.metrics.collector import SnapshotCollector
from wiresniff.metrics.exposition import encoder, expose
from wiresniff.metrics.families import FAMILIES, Kind
from wiresniff.metrics.snapshot import Live, Snapshot, snapshot_of
from wiresniff.model.audit import Audit
from wiresniff.model.capture_state import InterfaceState

OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.9"
ETH0 = InterfaceState("eth0", is_up=True, packets=10, bytes=900, dropped_packets=1)
LIVE = Live((ETH0, InterfaceState("eth1", is_up=False)), policy_is_good=True, policy_time=1.5e9, time=1.75e9)


def live(sample: Audit) -> Snapshot:
    """Return a snapshot as of live capture."""
    snapshot = snapshot_of(sample)
    counted = (snapshot.pairs, snapshot.counts, snapshot.anomalies, {"names": 3}, 17, snapshot.seen, LIVE)
    return Snapshot(*counted, hops=snapshot.hops)


def registry(snapshot: Snapshot) -> CollectorRegistry:
    """Return a registry of nothing but a snapshot."""
    registered = CollectorRegistry(auto_describe=False)
    registered.register(SnapshotCollector(lambda: snapshot))
    return registered


@pytest.mark.parametrize("sample", [audit, joined_late, hostile_audit, Audit])
def test_the_text_is_the_librarys(sample: type[Audit]) -> None:
    """Parsed back, both formats hold the same families and samples in the same order."""
    snapshot = live(sample())
    text = expose(snapshot, encoder("")[1]).decode()
    assert list(parse_text(text)) == list(parse_text(generate_latest(registry(snapshot)).decode()))
    encode, content_type = encoder(OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text")
    text = (expose(snapshot, content_type) + encode(CollectorRegistry())).decode()
    expected = generate_openmetrics(registry(snapshot)).decode()
    assert list(parse_openmetrics(text)) == list(parse_openmetrics(expected))


def test_every_family_of_the_table_is_there() -> None:
    """Live ones too."""
    text = expose(live(audit()), "text/plain").decode()
    assert [line.split(" ")[2] for line in text.split("\n") if line.startswith("# TYPE")] == [
        family.name for family in FAMILIES
    ]
    assert 'wiresniff_capture_up{interface="eth0"} 1.0' in text
    assert 'wiresniff_capture_up{interface="eth1"} 0.0' in text
    assert 'wiresniff_capture_dropped_packets_total{interface="eth0"} 1\n' in text


def test_names_of_families_are_those_that_prometheus_asks_for() -> None:
    """Counters end in `_total`, nothing else does."""
    assert all(family.name.endswith("_total") == (family.kind is Kind.COUNTER) for family in FAMILIES)
    assert all(family.name.startswith("wiresniff_") and family.help for family in FAMILIES)


def test_promtool_has_nothing_to_say() -> None:
    """About names, help and types."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool (Debian's package prometheus) is not installed")
    text = expose(live(audit()), "text/plain")
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("accept", ["text/plain;version=x", "application/openmetrics-text;version=", "\xff", "*/*"])
def test_what_nobody_can_mean_gets_the_text_format(accept: str) -> None:
    """Rather than an error."""
    content_type = encoder(accept)[1]
    assert content_type.startswith("text/plain") or accept.startswith("application/openmetrics-text")


def test_a_pair_without_requests_has_bytes_and_no_verdicts() -> None:
    """No protocol is claimed of it that was not seen."""
    text = expose(live(audit()), "text/plain").decode()
    ledger = [line for line in text.split("\n") if 'server="ledger"' in line]
    assert any(line.startswith("wiresniff_opaque_bytes_total") for line in ledger)
    assert not any(line.startswith("wiresniff_requests_total") for line in ledger)
