"""`context-malformed`: requests whose traceparent a conforming receiver will not use."""

from wiresniff.audit.findings.confidence import confidence_of
from wiresniff.audit.findings.phrases import ends, not_judged, of_judged, operations_at_fault
from wiresniff.audit.findings.rule import Case, PairRule, Side
from wiresniff.model.context import Fault
from wiresniff.model.display import named, ranked
from wiresniff.model.findings import Severity
from wiresniff.model.totals import PairTotals
from wiresniff.model.verdicts import Verdict

MANY = 0.01
"""Above, it is how the sender works; below, chance or an attack may be behind it."""
FAULTS_NAMED = 3

ELSEWHERE = ("tracestate-", "baggage-", Fault.WRONG_HEADER_NAME.value)
"""How words of faults begin that leave the traceparent as it is."""


def severity_of(ratio: float) -> Severity:
    """Return the default severity of a malformed ratio."""
    return Severity.ERROR if ratio > MANY else Severity.WARNING


def judge(pair: PairTotals, _side: Side) -> Case | None:
    """Judge by the ratio."""
    ratio = pair.malformed_ratio
    if not ratio:
        return None
    client, server = ends(pair)
    message = (
        f"{client} sends {server} a traceparent that a conforming receiver will not use: "
        f"{of_judged(pair.malformed, pair)}{_why(pair)}{not_judged(pair)}"
        f"{operations_at_fault(pair, Verdict.MALFORMED, 'breaks')}."
    )
    confidence = confidence_of(pair, Verdict.MALFORMED)
    return Case(severity_of(ratio), pair.malformed, message, (Verdict.MALFORMED,), confidence)


def _why(pair: PairTotals) -> str:
    faults = [(named(word), count) for word, count in ranked(pair.faults) if not word.startswith(ELSEWHERE)]
    if not faults:
        return ""
    if len(faults) == 1:
        return f", `{faults[0][0]}`"
    listed = ", ".join(f"`{word}` on {count:,}" for word, count in faults[:FAULTS_NAMED])
    return f", {listed}" + (" and others" if len(faults) > FAULTS_NAMED else "")


RULE = PairRule(
    "context-malformed",
    "Requests carry a traceparent that conforming receivers ignore",
    "More than 1 % of a pair: error; else warning.",
    judge,
)
