"""`context-missing`: requests whose whole head was seen, without a traceparent."""

from wiresniff.audit.findings.confidence import confidence_of
from wiresniff.audit.findings.lost import lost_without_trace
from wiresniff.audit.findings.phrases import ends, listing, not_judged, of_judged, operations_at_fault, requests
from wiresniff.audit.findings.rule import Case, PairRule, Side
from wiresniff.model.context import Fault
from wiresniff.model.display import ranked
from wiresniff.model.findings import Severity
from wiresniff.model.hops import Kind, Outcome
from wiresniff.model.totals import PairTotals
from wiresniff.model.verdicts import Confidence, Verdict

NEARLY_ALL = 0.99
"""From here on the caller is simply not instrumented, or something removes the header: an error."""
SOME = 0.05
"""Above, a path of its own is uninstrumented; below, it is a rare case worth a look."""


def severity_of(ratio: float) -> Severity:
    """Return the default severity of a missing ratio."""
    if ratio >= NEARLY_ALL:
        return Severity.ERROR
    return Severity.WARNING if ratio > SOME else Severity.INFO


def judge(pair: PairTotals, side: Side) -> Case | None:
    """Judge by the policy's ratio where it gives one, else by the defaults."""
    ratio = pair.missing_ratio
    if not ratio:
        return None
    severity = severity_of(ratio)
    if side.threshold is not None and side.threshold.missing_ratio is not None:
        if ratio <= side.threshold.missing_ratio:
            return None
        severity = side.threshold.severity
    return Case(severity, pair.missing, _message(pair, side), (Verdict.MISSING,), confidence_of(pair, Verdict.MISSING))


def _message(pair: PairTotals, side: Side) -> str:
    client, server = ends(pair)
    verb = "carries" if pair.missing == 1 else "carry"
    return (
        f"{client} calls {server} without a traceparent: {of_judged(pair.missing, pair)} {verb} none"
        f"{not_judged(pair)}{operations_at_fault(pair, Verdict.MISSING, 'lacks')}{_instead(pair)}"
        f"{_whose(pair, side)}."
    )


def _whose(pair: PairTotals, side: Side) -> str:
    """Say where to look: at the finding that names who lost it, or further up, where none came in."""
    client, service = ends(pair)[0], side.service
    if service.inbound and not service.is_called_with_context and sum(each.judged for each in service.inbound):
        return f"; nothing that calls {client} carries one either"
    parts = []
    lost = lost_without_trace(pair, service)
    if lost is not None:
        finding, count = lost
        parts.append(
            f"; about {count:,} of them are those of {finding}" if count < pair.missing else f"; see {finding}"
        )
    bare = pair.hops.count_settled(Outcome.BARE, least=Confidence.LIKELY) - pair.hops.quiet[Kind.BARE]
    bare = min(bare, pair.missing)
    if bare > 0 and pair.hops.caused:
        parts.append(f"; {client} was called without one itself on {bare:,} of them")
    return "".join(parts)


def _instead(pair: PairTotals) -> str:
    parts = []
    if pair.carriers_instead:
        formats = [name for name, _ in ranked(pair.carriers_instead)]
        most = max(pair.carriers_instead.values())
        share = "" if most == pair.missing else f" on {requests(most)}"
        parts.append(f"{ends(pair)[0]} sends {listing(formats)} instead{share}")
    wrong = pair.faults[Fault.WRONG_HEADER_NAME]
    if wrong:
        parts.append(f"{requests(wrong)} spell its name another way, which no receiver reads")
    return "".join(f"; {part}" for part in parts)


RULE = PairRule(
    "context-missing",
    "Requests carry no traceparent",
    "99 % of a pair or more: error; above 5 %: warning; else info. A policy threshold with `missing_ratio` decides "
    "instead. Exempt requests and requests that could not be seen whole are not counted.",
    judge,
)
