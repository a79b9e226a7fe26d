"""The order of pairs: the worst first."""

from collections.abc import Iterable

from wiresniff.audit.findings.missing import severity_of
from wiresniff.model.findings import Severity
from wiresniff.model.policy import Threshold
from wiresniff.model.totals import PairTotals

HEALTHY = 0


def badness(pair: PairTotals) -> int:
    """Return 0 for a pair without a bad request, else a severity; little evidence, or an end outside, is `info`.

    To whoever looks for a trace, a traceparent that no receiver uses is as good as none: both count.
    """
    bad = pair.missing + pair.malformed
    if not bad:
        return HEALTHY
    if pair.external or pair.judged < Threshold().min_requests:
        return Severity.INFO
    return severity_of(bad / pair.judged)


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
