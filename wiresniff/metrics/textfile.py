"""The audit of capture files as Prometheus text, for the node exporter's textfile collector."""

from prometheus_client import CollectorRegistry, generate_latest

from wiresniff.metrics.collector import SnapshotCollector
from wiresniff.metrics.snapshot import snapshot_of
from wiresniff.model.audit import Audit


def render_metrics(audit: Audit) -> str:
    """Return the families of `families.AUDIT_FAMILIES` in the Prometheus text format."""
    snapshot = snapshot_of(audit)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SnapshotCollector(lambda: snapshot))
    return generate_latest(registry).decode("utf-8")
