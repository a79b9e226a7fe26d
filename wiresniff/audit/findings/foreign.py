"""`foreign-format-only`: another propagation format where traceparent is missing."""

from wiresniff.audit.findings.confidence import confidence_of
from wiresniff.audit.findings.phrases import ends, listing, of_judged
from wiresniff.audit.findings.rule import Case, PairRule, Side
from wiresniff.model.display import ranked
from wiresniff.model.findings import Severity
from wiresniff.model.totals import PairTotals
from wiresniff.model.verdicts import Verdict

ID = "foreign-format-only"


def judge(pair: PairTotals, _side: Side) -> Case | None:
    """Judge by what the requests without a traceparent carry instead."""
    if not pair.carriers_instead:
        return None
    client, server = ends(pair)
    formats = listing(name for name, _ in ranked(pair.carriers_instead))
    # A request may carry several formats, so the largest count is what is certain.
    count = min(max(pair.carriers_instead.values()), pair.missing)
    message = (
        f"{client} sends {formats} instead of traceparent to {server}: {of_judged(count, pair)}; "
        "the trace goes on only through receivers that read that format."
    )
    # A witness of `missing` shows this only if every missing one is of this kind.
    words = (ID, Verdict.MISSING) if count == pair.missing else (ID,)
    return Case(Severity.WARNING, count, message, words, confidence_of(pair, Verdict.MISSING))


RULE = PairRule(
    ID,
    "Another trace format is sent instead of traceparent",
    "Any request that lacks traceparent and carries another format: warning.",
    judge,
)
