"""Findings about what a service did to the context that it handed on: a table of changes, severities and sentences."""

from collections.abc import Callable

from wiresniff.audit.findings.phrases import ends
from wiresniff.audit.findings.rule import Case, PairRule, Side
from wiresniff.model.display import percent, quantity
from wiresniff.model.findings import Severity
from wiresniff.model.hops import Change, HopTotals, Outcome
from wiresniff.model.services import is_proxy
from wiresniff.model.totals import PairTotals
from wiresniff.model.verdicts import Confidence

FEW = 0.01
"""Flags that flip on so many of the requests that are handed on, or on one, are a curiosity."""

_HANDED_ON = (Outcome.PROPAGATED, Outcome.PASSTHROUGH)
_LOST = (Outcome.RESTARTED, Outcome.DROPPED)
_FORWARDED = (*_HANDED_ON, *_LOST)

Judge = Callable[[int, int, HopTotals], Severity]
"""How severe so many changes of so many requests are."""


def _warning(_count: int, _of: int, _hops: HopTotals) -> Severity:
    return Severity.WARNING


def _flip(count: int, of: int, _hops: HopTotals) -> Severity:
    return Severity.WARNING if count > 1 and count > FEW * of else Severity.INFO


def _by_a_service(_count: int, _of: int, hops: HopTotals) -> Severity:
    # Level 3 lets a proxy add to tracestate and leave traceparent as it is.
    return Severity.INFO if is_proxy(hops) else Severity.WARNING


def changing(
    title: str, judged: str, sentence: str, *changes: Change, of: tuple[Outcome, ...] = _HANDED_ON, by: Judge = _warning
) -> PairRule:
    """Make the rule that counts changes.

    sentence    with `{client}`, `{server}`, `{share}`
    of          outcomes that it is a share of
    """
    id_ = changes[0].value

    def judge(pair: PairTotals, _side: Side) -> Case | None:
        hops = pair.hops
        seen = [change for change in changes if hops.changes[change]]
        if not seen:
            return None
        total = hops.count(*of)
        # A request may have two of the changes: never speak of more requests than there are.
        count = min(sum(hops.changes[change] for change in seen), total)
        if not count:
            return None
        client, server = ends(pair)
        share = f"{count:,} of {quantity(total, 'request')} ({percent(count, total)})"
        is_certain = hops.count(*of, least=Confidence.CERTAIN) == total
        message = sentence.format(client=client, server=server, share=share)
        confidence = Confidence.CERTAIN if is_certain else Confidence.LIKELY
        return Case(by(count, total, hops), count, message, tuple(seen), confidence)

    return PairRule(id_, title, judged, judge)


ANY = "Any such request: warning."
FLIPS = "More than one, and more than 1 % of what is handed on: warning; else info."

RULES = (
    changing(
        "A service changes what nobody may change in traceparent",
        ANY,
        "{client} goes on with the trace and changes flags or version as nobody may, on {share} handed on to {server}.",
        Change.ILLEGAL_MUTATION,
        Change.SAMPLED_WITHOUT_NEW_PARENT,
    ),
    changing(
        "A service decides anew whether the trace is kept",
        FLIPS,
        "{client} changes the sampled flag on {share} handed on to {server}: of these traces, spans are kept on one "
        "side of it only.",
        Change.SAMPLED_FLAG_FLIP,
        by=_flip,
    ),
    changing(
        "A service changes the flag that says that the trace id is random",
        FLIPS,
        "{client} changes the random flag on {share} handed on to {server}: an SDK that knows only the sampled flag; "
        "the chain holds.",
        Change.RANDOM_FLAG_FLIP,
        by=_flip,
    ),
    changing(
        "A service loses tracestate, or members that others wrote",
        ANY,
        "{client} goes on with the trace and loses tracestate, all or some, on {share} handed on to {server}.",
        Change.TRACESTATE_DROPPED,
    ),
    changing(
        "A service cuts tracestate in the middle of a member",
        ANY,
        "{client} cuts tracestate in the middle of a member, on {share} handed on to {server}.",
        Change.TRACESTATE_CUT,
    ),
    changing(
        "A service changes the order of tracestate",
        ANY,
        "{client} changes the order of members in tracestate, on {share} handed on to {server}.",
        Change.TRACESTATE_REORDERED,
    ),
    changing(
        "A service changes tracestate that it must leave alone",
        "Any such request: warning; by a proxy: info.",
        "{client} changes tracestate that is not its own, or leaves traceparent as it is and tracestate not, on "
        "{share} handed on to {server}.",
        Change.TRACESTATE_ALTERED,
        by=_by_a_service,
    ),
    changing(
        "A service begins a new trace and keeps the old tracestate",
        ANY,
        "{client} begins a new trace and sends the old one's tracestate with it, on {share} that went on to {server} "
        "with another trace.",
        Change.RESTART_KEPT_TRACESTATE,
        of=(Outcome.RESTARTED,),
    ),
    changing(
        "A service loses baggage",
        ANY,
        "{client} loses members of baggage that it must pass on, on {share} whose cause is known, to {server}.",
        Change.BAGGAGE_DROPPED,
        of=_FORWARDED,
    ),
    changing(
        "A service cuts baggage in the middle of a member",
        ANY,
        "{client} cuts baggage in the middle of a member, on {share} whose cause is known, to {server}.",
        Change.BAGGAGE_CUT,
        of=_FORWARDED,
    ),
)
