"""The first line of every report: what was judged, and how much of the traffic that is."""

from collections import Counter

from wiresniff.model.audit import Audit
from wiresniff.model.display import percent, quantity, ranked
from wiresniff.model.findings import Severity
from wiresniff.report.quoting import reason

REASONS_NAMED = 4


def payload_bytes(audit: Audit) -> int:
    """TCP payload bytes that shares are taken of: never less than what was read and given up together."""
    return audit.accounting.payload_bytes


def headline(audit: Audit) -> str:
    """Return `judged N requests in X % of TCP payload bytes; Y % opaque (TLS Y %)`."""
    judged = quantity(sum(pair.judged for pair in audit.pairs), "request")
    whole = payload_bytes(audit)
    if not whole:
        return f"judged {judged}: no TCP payload bytes were seen"
    opaque = audit.accounting.opaque_bytes
    reasons = [f"{reason(word)} {percent(count, whole)}" for word, count in ranked(opaque) if count]
    if len(reasons) > REASONS_NAMED:
        reasons[REASONS_NAMED:] = ["others"]
    why = f" ({', '.join(reasons)})" if reasons else ""
    return (
        f"judged {judged} in {percent(audit.accounting.parsed_bytes, whole)} of TCP payload bytes; "
        f"{percent(opaque.total(), whole)} opaque{why}"
    )


def severities(audit: Audit) -> str:
    """Return `2 errors, 1 warning, 3 info`; empty without findings."""
    counts = Counter(finding.severity for finding in audit.findings)
    return ", ".join(_so_many(counts[severity], severity) for severity in sorted(counts, reverse=True))


def _so_many(count: int, severity: Severity) -> str:
    return f"{count:,} info" if severity is Severity.INFO else quantity(count, severity.word)
