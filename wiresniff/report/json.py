"""The report as JSON, schema `wiresniff/report/1`: everything that was counted."""

import json
from collections import Counter

from wiresniff.model.accounting import Accounting
from wiresniff.model.audit import Audit, CaptureSummary
from wiresniff.model.display import ranked
from wiresniff.model.findings import Finding, Witness
from wiresniff.model.totals import PairTotals
from wiresniff.report.headline import headline, payload_bytes
from wiresniff.report.json_hops import Object, hops_object, service_object
from wiresniff.report.quoting import capture_name, rfc3339

SCHEMA = "wiresniff/report/1"
VERDICTS = ("valid", "missing", "malformed", "indeterminate", "exempt")
COUNTS = (
    "packets", "captured_bytes", "wire_bytes", "segments", "tcp_payload_bytes", "connections",
    "connections_joined_late", "gaps", "gap_bytes", "cut_bytes", "one_direction_connections",
    "one_direction_bytes", "duplicate_segments", "retransmitted_segments",
    "reordered_segments", "not_tcp_packets", "not_ip_packets", "unknown_link_packets", "fragments", "filtered_packets",
    "scalar_packets", "tunnelled_packets", "duplicate_exchanges", "opaque_connections", "internal_errors",
)  # fmt: skip
"""Counts of `Accounting` that are always there, 0 when nothing was counted."""
SUMS = ("requests", *VERDICTS, "inferred", "failed", "failed_untraced")


def render_json(audit: Audit) -> str:
    """Return one JSON document, ASCII only, with a newline at its end."""
    document = {
        "schema": SCHEMA,
        "level": audit.level,
        "captures": [_capture(capture) for capture in audit.captures],
        "judged": _judged(audit),
        "accounting": _accounting(audit.accounting),
        "pairs": [_pair(pair, audit) for pair in audit.pairs],
        "services": _services(audit.pairs),
        "findings": [_finding(finding, audit) for finding in audit.findings],
    }
    return json.dumps(document, indent=2) + "\n"


def _capture(capture: CaptureSummary) -> Object:
    return {
        "name": capture.name,
        "format": capture.format or None,
        "packets": capture.packets,
        "first_time": None if capture.first_time_ns is None else rfc3339(capture.first_time_ns),
        "last_time": None if capture.last_time_ns is None else rfc3339(capture.last_time_ns),
        "warning": capture.warning,
        "error": capture.error,
    }


def _judged(audit: Audit) -> Object:
    """Sum over all pairs, with the shares of TCP payload bytes that the first line of every report tells."""
    whole = payload_bytes(audit)
    sums: Object = {name: sum(getattr(pair, name) for pair in audit.pairs) for name in SUMS}
    return {
        "line": headline(audit),
        "judged": sum(pair.judged for pair in audit.pairs),
        **sums,
        "payload_bytes": whole,
        "parsed_ratio": audit.accounting.parsed_bytes / whole if whole else None,
        "opaque_ratio": audit.accounting.opaque_bytes.total() / whole if whole else None,
    }


def _counts(counter: Counter[str]) -> dict[str, int]:
    """Return the counts, the largest first: JSON keeps the order."""
    return dict(ranked(counter))


def _accounting(seen: Accounting) -> Object:
    return {
        **{name: seen.counts[name] for name in (*COUNTS, *sorted(seen.counts.keys() - set(COUNTS)))},
        "parsed_bytes": seen.parsed_bytes,
        "opaque_bytes": _counts(seen.opaque_bytes),
        "not_tcp": _counts(seen.not_tcp),
        "anomalies": _counts(seen.anomalies),
        "evictions": _counts(seen.evictions),
    }


def _pair(pair: PairTotals, audit: Audit) -> Object:
    return {
        "client": pair.client,
        "server": pair.server,
        "protocol": pair.protocol,
        "external": pair.external,
        **{name: getattr(pair, name) for name in SUMS},
        "judged": pair.judged,
        "sampled": pair.sampled,
        "inferred_verdicts": _counts(pair.inferred_verdicts),
        "inferred_ratio": pair.inferred_ratio,
        "missing_ratio": pair.missing_ratio,
        "malformed_ratio": pair.malformed_ratio,
        "indeterminate_ratio": pair.indeterminate_ratio,
        "sampled_ratio": pair.sampled_ratio,
        "baggage_requests": pair.baggage_requests,
        "baggage_bytes": pair.baggage_bytes,
        "parsed_bytes": pair.parsed_bytes,
        "opaque_bytes": _counts(pair.opaque_bytes),
        "reasons": _counts(pair.reasons),
        "faults": _counts(pair.faults),
        "warnings": _counts(pair.warnings),
        "carriers": _counts(pair.carriers),
        "carriers_instead": _counts(pair.carriers_instead),
        "operations": {name: _counts(verdicts) for name, verdicts in sorted(pair.operations.items())},
        "hops": hops_object(pair.hops, audit.shares.get((pair.client, pair.server, pair.protocol), {})),
    }


def _services(pairs: list[PairTotals]) -> list[Object]:
    """Return every service with what it sent, what it was sent, and what it made of it, in the order of names."""
    sent: dict[str, Counter[str]] = {}
    calls: dict[str, list[PairTotals]] = {}
    received: dict[str, Counter[str]] = {}
    for pair in pairs:
        counts = {name: getattr(pair, name) for name in SUMS}
        sent.setdefault(pair.client, Counter()).update(counts)
        received.setdefault(pair.server, Counter()).update(counts)
        calls.setdefault(pair.client, []).append(pair)
    return [
        {
            "service": name,
            "sent": _sums(sent.get(name)),
            "received": _sums(received.get(name)),
            **service_object(calls.get(name, ())),
        }
        for name in sorted({*sent, *received})
    ]


def _sums(counts: Counter[str] | None) -> dict[str, int]:
    return {name: counts[name] if counts else 0 for name in SUMS}


def _finding(finding: Finding, audit: Audit) -> Object:
    ends: Object = {} if finding.client is None else {"client": finding.client, "server": finding.server}
    if finding.service is not None:
        ends = {"service": finding.service}
    return {
        "id": finding.id,
        "severity": finding.severity.word,
        "confidence": finding.confidence,
        **ends,
        "count": finding.count,
        "message": finding.message,
        "witnesses": [witness_object(witness, audit.captures) for witness in finding.witnesses],
    }


def witness_object(witness: Witness, captures: list[CaptureSummary]) -> Object:
    """Return where to look, as JSON has it."""
    return {
        "capture": capture_name(captures, witness.capture),
        "packet": witness.packet or None,
        "time": rfc3339(witness.time_ns),
        "client_address": witness.client_address,
        "client_port": witness.client_port,
        "server_address": witness.server_address,
        "server_port": witness.server_port,
        "trace_id": witness.trace_id,
        "request_line": witness.request_line,
        "status": witness.status,
        "grpc_status": witness.grpc_status,
        "stream": witness.stream,
        "values": list(witness.values),
        "cause": None if witness.cause is None else witness_object(witness.cause, captures),
    }
