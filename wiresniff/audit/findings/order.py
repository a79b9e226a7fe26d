"""The order of pairs: the worst first."""

from collections.abc import Iterable

from wiresniff.audit.findings import malformed, missing
from wiresniff.model.findings import Severity
from wiresniff.model.policy import Threshold
from wiresniff.model.totals import PairTotals

HEALTHY = 0


def badness(pair: PairTotals) -> int:
    """0 for a pair without a bad request, else its severity by the defaults; little evidence is `info`."""
    if not pair.missing and not pair.malformed:
        return HEALTHY
    if pair.external or pair.judged < Threshold().min_requests:
        return Severity.INFO
    return max(
        missing.severity_of(pair.missing_ratio or 0.0) if pair.missing else HEALTHY,
        malformed.severity_of(pair.malformed_ratio or 0.0) if pair.malformed else HEALTHY,
    )


def worst_first(pairs: Iterable[PairTotals]) -> list[PairTotals]:
    """Order by severity, then bad requests, then failures without a trace, then what could not be judged, then size."""
    return sorted(
        pairs,
        key=lambda pair: (
            -badness(pair),
            -(pair.missing + pair.malformed),
            -pair.failed_untraced,
            -pair.indeterminate,
            -pair.requests,
            pair.client,
            pair.server,
            pair.protocol,
        ),
    )
