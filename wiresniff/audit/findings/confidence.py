"""How sure a finding is of the verdicts it counts."""

from wiresniff.model.totals import PairTotals
from wiresniff.model.verdicts import Confidence, Verdict


def confidence_of(pair: PairTotals, verdict: Verdict) -> Confidence:
    """Return `likely` when half or more of the requests with a verdict were inferred, else `certain`."""
    return Confidence.LIKELY if 2 * pair.inferred_verdicts[verdict] >= getattr(pair, verdict) else Confidence.CERTAIN
