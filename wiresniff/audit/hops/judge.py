"""The order of tests for a request that leaves a service: identifiers, then time, then silence."""

from typing import NamedTuple

from wiresniff.audit.hops.changes import changes_between
from wiresniff.audit.hops.inbound import Identity, Inbound
from wiresniff.audit.hops.instance import BUSY, Instance, Sight
from wiresniff.audit.hops.register import Register, same_trace
from wiresniff.model.exchanges import Exchange
from wiresniff.model.hops import Doubt, Hop, Outcome
from wiresniff.model.verdicts import Confidence, Judgement, Verdict

LIKELY_BACKGROUND = 0.05
"""With a larger share of background calls, a verdict by time is possible, not likely."""

_BY_CONTEXTS = {
    (True, True): Outcome.RESTARTED,
    (True, False): Outcome.DROPPED,
    (False, True): Outcome.ORIGINATED,
    (False, False): Outcome.BARE,
}
"""By whether the cause had a context, and whether this request has one, of another trace."""

UNDETERMINED = Confidence.UNDETERMINED


class Call(NamedTuple):
    """A request that leaves an instance, with what was open there when it did."""

    judgement: Judgement
    identity: Identity
    instance: Instance
    place: str
    """The address of the instance."""
    peer: str
    """Who is called, as it is told apart in rates."""
    sight: Sight
    is_shared: bool
    """Several services use the address."""
    is_proxy: bool
    """The policy says that it is one."""


class Judged(NamedTuple):
    """The outcome, and what to remember it by."""

    hop: Hop
    cause: Inbound | None


def judge(call: Call, register: Register) -> Judged:
    """Judge a call."""
    judgement = call.judgement
    if judgement.verdict is Verdict.EXEMPT:
        return Judged(Hop(Outcome.EXEMPT, Confidence.CERTAIN), None)
    if judgement.verdict is Verdict.INDETERMINATE:
        return _doubtful(Doubt.NOT_SEEN)
    joined = _join(call, register)
    if joined is not None:
        return joined
    if call.is_shared:
        return _doubtful(Doubt.AMBIGUOUS_ADDRESS)
    return _by_time(call)


def front_door(judgement: Judgement, identity: Identity) -> Hop:
    """Judge a request of a client that nobody was seen to call."""
    if judgement.verdict is Verdict.EXEMPT:
        return Hop(Outcome.EXEMPT, Confidence.CERTAIN)
    if judgement.verdict is Verdict.INDETERMINATE:
        return Hop(Outcome.UNDETERMINED, UNDETERMINED, doubt=Doubt.NOT_SEEN)
    return Hop(Outcome.ROOT if identity.traces else Outcome.BARE, Confidence.CERTAIN)


def _doubtful(doubt: Doubt) -> Judged:
    return Judged(Hop(Outcome.UNDETERMINED, UNDETERMINED, doubt=doubt), None)


# identifiers


def _join(call: Call, register: Register) -> Judged | None:
    """Judge by what the request carries that one which came in carried too."""
    exchange, identity = call.judgement.exchange, call.identity
    # On an address that several services share, what is called next is among what came in, and so is this request.
    confidence = Confidence.LIKELY if call.is_shared else Confidence.CERTAIN
    if identity.traces:
        received = register.by_trace(call.place, identity.traces, exchange.time_ns)
        received = [each for each in received if not _is_itself(each, exchange, is_shared=call.is_shared)]
        if received:
            return _handed_on(call, received, confidence)
    if identity.keys:
        cause = register.by_key(call.place, identity.keys, exchange.time_ns)
        if cause is not None and not _is_itself(cause, exchange, is_shared=call.is_shared):
            if not cause.is_known:
                return _doubtful(Doubt.NOT_SEEN)
            return _told_by(call, cause, confidence)
    return None


def _is_itself(received: Inbound, exchange: Exchange, *, is_shared: bool) -> bool:
    return received.exchange is exchange or (is_shared and received.exchange.server == exchange.server)


def _handed_on(call: Call, received: list[Inbound], confidence: Confidence) -> Judged:
    parent_id = _parent_of(call.judgement)
    same = [each for each in received if parent_id is not None and _parent_id(each) == parent_id]
    outcome = Outcome.PASSTHROUGH if same else Outcome.PROPAGATED
    cause = _cause_among(same or received, call)
    if cause is None:
        return Judged(Hop(outcome, confidence), None)
    changes = changes_between(cause.reading, call.judgement.reading)
    return Judged(Hop(outcome, confidence, cause.exchange, changes), cause)


def _cause_among(received: list[Inbound], call: Call) -> Inbound | None:
    """Return the one that caused a call; None where several may have."""
    if len(received) == 1:
        return received[0]
    time_ns = call.judgement.exchange.time_ns
    open_then = [each for each in received if each.end_ns is None or each.end_ns >= time_ns]
    return open_then[0] if len(open_then) == 1 else None


def _parent_of(judgement: Judgement) -> str | None:
    context = judgement.reading.context
    if context is not None:
        return context.parent_id
    return next((each.span_id for each in judgement.reading.carriers if each.trace_id), None)


def _parent_id(received: Inbound) -> str | None:
    context = received.reading.context
    if context is not None:
        return context.parent_id
    return next((each.span_id for each in received.reading.carriers if each.trace_id), None)


def _told_by(call: Call, cause: Inbound, confidence: Confidence) -> Judged:
    """Judge against a known cause of another trace."""
    outcome = _BY_CONTEXTS[cause.is_usable, bool(call.identity.traces)]
    changes = changes_between(cause.reading, call.judgement.reading)
    return Judged(Hop(outcome, confidence, cause.exchange, changes), cause)


# time


def _by_time(call: Call) -> Judged:
    sight, instance = call.sight, call.instance
    has_context = bool(call.identity.traces)
    instance.count_unexplained(call.peer, sight, has_context=has_context)
    if instance.is_quiet(sight):
        # Nothing that was watched can be behind it; before the first request came in, something unseen may be.
        outcome = Outcome.ROOT if has_context else Outcome.BARE
        return Judged(Hop(outcome, Confidence.LIKELY if sight.quiet_ns is not None else Confidence.POSSIBLE), None)
    if not sight.requests:
        return _doubtful(Doubt.CAUSE_UNKNOWN)
    if call.is_proxy or instance.is_proxy:
        return _by_same_request(call)
    if sight.requests >= BUSY:
        return _doubtful(Doubt.BUSY)
    return _among(call, _containing(call, sight.members))


def _by_same_request(call: Call) -> Judged:
    """Judge a call of a proxy, which asks for what it was asked: the sights of one request on both its sides."""
    alike = _containing(call, call.sight.alike)
    if len(alike) == BUSY:
        return _doubtful(Doubt.BUSY)
    if not all(each.is_known for each in alike):
        return _doubtful(Doubt.NOT_SEEN)
    outcomes = {_outcome(each, call) for each in alike}
    if len(outcomes) != 1:
        return _doubtful(Doubt.BUSY if outcomes else Doubt.CAUSE_UNKNOWN)
    cause = alike[0] if len(alike) == 1 else None
    confidence = Confidence.LIKELY if cause is not None else Confidence.POSSIBLE
    changes = changes_between(cause.reading, call.judgement.reading) if cause is not None else ()
    return Judged(Hop(outcomes.pop(), confidence, cause.exchange if cause is not None else None, changes), cause)


def _containing(call: Call, members: tuple[Inbound, ...]) -> list[Inbound]:
    """Return those that were open for the whole of a call: a service waits for what it asks."""
    exchange = call.judgement.exchange
    end_ns = exchange.end_time_ns or exchange.time_ns
    return [each for each in members if each.end_ns is None or each.end_ns >= end_ns]


def _outcome(candidate: Inbound, call: Call) -> Outcome:
    return _BY_CONTEXTS[candidate.is_usable, bool(call.identity.traces)]


def _among(call: Call, candidates: list[Inbound]) -> Judged:
    """Judge a call by what was open around it, if that leaves no choice."""
    if not candidates:
        return _doubtful(Doubt.CAUSE_UNKNOWN)
    if not all(each.is_known for each in candidates):
        return _doubtful(Doubt.NOT_SEEN)
    outcomes = {_outcome(each, call) for each in candidates}
    if len(outcomes) != 1:
        return _doubtful(Doubt.BUSY)
    cause = candidates[0] if len(candidates) == 1 else None
    background = call.instance.background_share(call.peer, has_context=bool(call.identity.traces))
    is_likely = cause is not None and background is not None and background <= LIKELY_BACKGROUND
    return Judged(
        Hop(
            outcomes.pop(),
            Confidence.LIKELY if is_likely else Confidence.POSSIBLE,
            cause.exchange if cause is not None else None,
        ),
        None,
    )


__all__ = ["Call", "Judged", "front_door", "judge", "same_trace"]
