"""`context-dropped`, `trace-restarted`, `context-stripped`: who got the trace and did not hand it on.

Judged by the bounds of `bounds`: a finding says about how many, and between which ends. It is as severe as what is
probable, if at least a tenth of that is so with 95 of 100; what is merely possible makes none. `certain` is said only
where identifiers alone make it as severe as that.
"""

from collections.abc import Callable

from wiresniff.audit.findings.bounds import UNDECIDED, share_of
from wiresniff.audit.findings.causes import cause_of_dropped, cause_of_restarted, cause_of_stripped, percent_of
from wiresniff.audit.findings.phrases import ends
from wiresniff.audit.findings.rule import Case, PairRule, Side
from wiresniff.model.continuity import continuation_ratio
from wiresniff.model.display import percent, quantity
from wiresniff.model.findings import Severity
from wiresniff.model.hops import Doubt, Kind, Outcome
from wiresniff.model.policy import Threshold
from wiresniff.model.services import ServiceTotals, calls, is_proxy
from wiresniff.model.shares import Share
from wiresniff.model.totals import PairTotals
from wiresniff.model.verdicts import Confidence

DROPPED, RESTARTED, STRIPPED = "context-dropped", "trace-restarted", "context-stripped"
MANY, SOME = 0.05, 0.005
"""Of a service's calls to a peer: above the first an error, above the second a warning."""
BEYOND_DOUBT = 0.1
"""Of what is probable: so much must be so with 95 of 100, for a finding as severe as that."""
ONE = 0.9
"""Calls, with 95 of 100, from which on there is a finding at all: one that is `likely` is nearly one."""
UNCOUNTED = 1
"""Calls between both ends from which on a share is told, not a number."""

_WITNESSES = {
    Outcome.DROPPED: (Outcome.DROPPED, "dropped-possible", "undetermined-bare"),
    Outcome.RESTARTED: (Outcome.RESTARTED, "restarted-possible", "undetermined-fresh"),
}
"""The best first."""
_KIND = {Outcome.DROPPED: Kind.BARE, Outcome.RESTARTED: Kind.FRESH}


def severity_of(share: Share) -> Severity | None:
    """Return how severe the loss of a share is; None where nothing is sure to be lost."""
    if share.likely < ONE:
        return None
    for severity, limit in ((Severity.ERROR, MANY), (Severity.WARNING, SOME)):
        if share.about > limit * share.calls and share.likely > BEYOND_DOUBT * limit * share.calls:
            return severity
    return Severity.INFO


def severity_of_stripped(share: Share) -> Severity | None:
    """Return how severe it is that a proxy removes the trace: it has no reason of its own to."""
    severity = severity_of(share)
    return Severity.ERROR if severity is Severity.WARNING else severity


def confidence_of(share: Share, severity: Severity, judge: "Severe") -> Confidence:
    """Return `certain` where what identifiers prove is as severe."""
    proven = share._replace(about=share.proven, likely=share.proven)
    return Confidence.CERTAIN if judge(proven) is severity else Confidence.LIKELY


def judge_dropped(pair: PairTotals, side: Side) -> Case | None:
    """Judge what a service sends bare although it was called with a context."""
    if is_proxy(pair.hops):
        return None
    verb = "drops the trace on {share} its {calls} to {server}"
    return _judge(pair, side, Outcome.DROPPED, severity_of, verb, cause_of_dropped(pair, side.service))


def judge_restarted(pair: PairTotals, side: Side) -> Case | None:
    """Judge what a service sends with a trace of its own although it was called with one."""
    if is_proxy(pair.hops) or side.is_boundary:
        return None
    verb = "begins a new trace on {share} its {calls} to {server}"
    return _judge(pair, side, Outcome.RESTARTED, severity_of, verb, cause_of_restarted(pair))


def judge_stripped(pair: PairTotals, side: Side) -> Case | None:
    """Judge what a proxy sends bare, or with another trace."""
    if not is_proxy(pair.hops):
        return None
    verb = "takes the trace out of {share} the {calls} that it forwards to {server}"
    cause = cause_of_stripped(pair, Kind.BARE)
    case = _judge(pair, side, Outcome.DROPPED, severity_of_stripped, verb, cause)
    if case is None and not side.is_boundary:
        verb = "replaces the trace of {share} the {calls} that it forwards to {server}"
        cause = cause_of_stripped(pair, Kind.FRESH)
        case = _judge(pair, side, Outcome.RESTARTED, severity_of_stripped, verb, cause)
    return case


def lost_without_trace(pair: PairTotals, service: ServiceTotals) -> tuple[str, int] | None:
    """Return the finding that says who lost what a pair lacks, and about how many of its requests that concerns."""
    hops = pair.hops
    if calls(hops) < Threshold().min_requests:
        return None
    share = share_of(hops, Outcome.DROPPED, service.hops)
    if severity_of(share) is None:
        return None
    return (STRIPPED if is_proxy(hops) else DROPPED), max(round(share.about), 1)


Severe = Callable[[Share], Severity | None]


def _judge(pair: PairTotals, side: Side, outcome: Outcome, judge: Severe, verb: str, cause: str) -> Case | None:
    share = share_of(pair.hops, outcome, side.service.hops)
    if share.calls < side.min_requests:
        return None
    severity = judge(share)
    wanted = side.threshold.continuation_ratio if side.threshold is not None else None
    if wanted is not None:
        return _by_policy(pair, side, outcome, share, wanted, verb, cause)
    if severity is None:
        return None
    words = _WITNESSES[outcome] if _is_told_as_share(pair, share) else _WITNESSES[outcome][:2]
    message = f"{_how_often(pair, share, verb)}{cause}."
    return Case(
        severity, max(round(share.about), 1), message, words, confidence_of(share, severity, judge), is_ranked=True
    )


def _by_policy(
    pair: PairTotals, side: Side, outcome: Outcome, share: Share, wanted: float, verb: str, cause: str
) -> Case | None:
    """Judge by the ratio that the policy asks for: identifiers alone make it."""
    actual = continuation_ratio([pair.hops])
    if actual is None or actual >= wanted or side.threshold is None:
        return None
    ratio = f"on {percent_of(actual)} of its {quantity(share.calls, 'call')} to {ends(pair)[1]}"
    asked = f"the policy asks for {percent_of(wanted)}"
    if share.likely >= ONE:
        client = ends(pair)[0]
        message = f"{_how_often(pair, share, verb)}{cause}; {client} goes on with a trace {ratio}, {asked}."
    elif _is_larger(pair, outcome):
        message = f"{ends(pair)[0]} goes on with a trace that came in {ratio}, {asked}{cause}."
    else:
        return None
    count = share.calls - pair.hops.caused[Kind.KEPT]
    return Case(side.threshold.severity, count, message, _WITNESSES[outcome], Confidence.CERTAIN, is_ranked=True)


def _is_larger(pair: PairTotals, outcome: Outcome) -> bool:
    """Of the two ways to lose a trace, this one is the more frequent: the one to name where neither is provable."""
    kinds = pair.hops.caused + pair.hops.idle
    if outcome is Outcome.DROPPED:
        return kinds[Kind.BARE] >= kinds[Kind.FRESH]
    return kinds[Kind.FRESH] > kinds[Kind.BARE]


def _how_often(pair: PairTotals, share: Share, verb: str) -> str:
    client, server = ends(pair)
    said = verb.replace("the {calls}", f"the {quantity(share.calls, 'request')}")
    said = said.replace("{calls}", quantity(share.calls, "call")).replace("{server}", server)
    is_told_as_share = _is_told_as_share(pair, share)
    if share.most - share.least < UNCOUNTED and not is_told_as_share:
        count = round(share.about)
        return f"{client} {said.replace('{share}', f'{count:,} of')} ({percent(count, share.calls)})"
    least, about, most = (percent_of(each / share.calls) for each in (share.least, share.about, share.most))
    between = f" (between {least} and {most})" if least != most else ""
    if not share.least:
        between = f" (at most {most})"
    told = ", told as a share since several requests were open at once" if is_told_as_share else ""
    return f"{client} {said.replace('{share}', f'{about} of')}{between}{told}"


def _is_told_as_share(pair: PairTotals, share: Share) -> bool:
    return pair.hops.doubts[Doubt.BUSY] > UNDECIDED * share.calls


JUDGED = (
    "Above 5 % of a service's calls to a peer: error; above 0.5 %: warning; else info. A policy threshold with "
    "`continuation_ratio` decides instead. Nothing is found from verdicts that are only possible."
)
RULES = (
    PairRule(DROPPED, "A service gets the trace and does not hand it on", JUDGED, judge_dropped),
    PairRule(
        RESTARTED,
        "A service gets a trace and goes on with another",
        f"{JUDGED} Services that the policy calls a boundary may restart traces.",
        judge_restarted,
    ),
    PairRule(
        STRIPPED,
        "A proxy takes the trace out of what it forwards",
        "Above 0.5 % of what a proxy, learned or configured, sends to a peer: error; else info.",
        judge_stripped,
    ),
)
