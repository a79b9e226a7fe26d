"""The order of tests for a request that leaves a service: identifiers, then time, then silence."""

from collections.abc import Iterable
from typing import NamedTuple

from wiresniff.audit.hops.changes import changes_between
from wiresniff.audit.hops.inbound import Identity, Inbound, parent_of
from wiresniff.audit.hops.instance import BUSY, LONG_NS, Instance, Sight
from wiresniff.audit.hops.register import Register, same_trace, shares_trace
from wiresniff.model import limits
from wiresniff.model.hops import Doubt, Hop, Outcome
from wiresniff.model.verdicts import Confidence, Judgement, Verdict

LIKELY_BACKGROUND = 0.05
"""With a larger share of background calls, a verdict by time is possible, not likely."""
TRACE_DIGITS = 8
"""Ids that are random have so many digits behind their leading zeros, but for one in four thousand millions."""

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
    supposed: Inbound | None = None
    """What nothing but time takes for the cause: for witnesses, not to learn from."""


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
    judged = _by_time(call)
    is_new = bool(call.identity.traces) and judged.hop.confidence is Confidence.LIKELY
    if is_new and register.may_have_forgotten(judgement.exchange.time_ns):
        # Its trace may have come in, and be forgotten.
        return judged._replace(hop=judged.hop._replace(confidence=Confidence.POSSIBLE))
    return judged


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
    if identity.traces:
        received = register.by_trace(call.place, identity.traces, exchange)
        # What is open may have been forgotten where very many requests came since.
        received = received or [each for each in call.sight.members if shares_trace(each.identity, identity)]
        if call.is_shared:
            received = _behind(call, received)
        if received:
            return _handed_on(call, received, register)
        is_same = register.came_long_before(call.place, identity.traces, parent_of(call.judgement.reading))
        if is_same is not None and not call.is_shared:
            return Judged(Hop(Outcome.PASSTHROUGH if is_same else Outcome.PROPAGATED, Confidence.LIKELY), None)
    if identity.keys:
        cause = register.by_key(call.place, identity.keys, exchange)
        if cause is not None and (not call.is_shared or _behind(call, [cause])):
            return _told_by(call, cause, register)
    return None


def _behind(call: Call, received: list[Inbound]) -> list[Inbound]:
    """Return what may be behind a call from an address that several services share.

    Each of them sees what the others are called with. What is behind a call was open for the whole of it, and asked
    another server.
    """
    exchange = call.judgement.exchange
    return [each for each in _containing(call, received) if each.exchange.server != exchange.server]


def _handed_on(call: Call, received: list[Inbound], register: Register) -> Judged:
    parent_id = parent_of(call.judgement.reading)
    same = [each for each in received if parent_id is not None and parent_of(each.reading) == parent_id]
    outcome = Outcome.PASSTHROUGH if same else Outcome.PROPAGATED
    candidates = same or received
    cause = _cause_among(candidates, call)
    confidence = _confidence_in_trace(call, candidates, register, is_same=bool(same))
    # What is found against every one of them was done, whichever was the cause.
    changes, *others = [changes_between(each.reading, call.judgement.reading) for each in candidates]
    if others:
        changes = tuple(change for change in changes if all(change in other for other in others))
    return Judged(Hop(outcome, confidence, cause.exchange if cause is not None else None, changes), cause)


def _confidence_in_trace(call: Call, received: list[Inbound], register: Register, *, is_same: bool) -> Confidence:
    """Tell how sure it is that a call hands on what was received of its trace."""
    exchange = call.judgement.exchange
    first = received[0]
    if not _is_like_no_other(call, received):
        return Confidence.POSSIBLE
    if call.is_shared:
        # Calls of one service to two others, while the first answers slowly, look like a chain of the three.
        return Confidence.LIKELY if is_same else Confidence.POSSIBLE
    if not is_same and register.was_sent_first(call.place, call.identity.traces, first):
        # It came back from somebody who was called: this call may be one more of those with which the trace began.
        is_handed_on = any(each.asked == (exchange.method, exchange.target) for each in received)
        return Confidence.LIKELY if is_handed_on else Confidence.POSSIBLE
    if not is_same and len(received) >= limits.HOP_REQUESTS_PER_TRACE:
        return Confidence.LIKELY  # of more, the one with the same parent-id may be forgotten
    return Confidence.CERTAIN if first.exchange.time_ns <= exchange.time_ns else Confidence.LIKELY


def _is_like_no_other(call: Call, received: list[Inbound]) -> bool:
    """Tell whether a trace that a call shares with others is no small number: a counter, a constant."""
    for trace in call.identity.traces:
        if len(trace.lstrip("0")) >= TRACE_DIGITS:
            for each in received:
                if any(same_trace(trace, one) for one in each.identity.traces):
                    return True
    return False


def _by_one_clock(call: Call, received: list[Inbound]) -> bool:
    """Tell whether times of a call and of what was received can be compared."""
    point = call.judgement.exchange.channel.capture_point
    return all(each.exchange.channel.capture_point == point for each in received)


def _cause_among(received: list[Inbound], call: Call) -> Inbound | None:
    """Return the one that caused a call; None where several may have."""
    if len(received) == 1:
        return received[0]
    containing = _containing(call, received)
    return containing[0] if len(containing) == 1 else None


def _told_by(call: Call, cause: Inbound, register: Register) -> Judged:
    """Judge against a cause of another trace, that is known by an id which no other request had."""
    has_context = bool(call.identity.traces)
    if cause.is_exempt:
        # It owes no trace, and neither does what is done for it.
        outcome = Outcome.ORIGINATED if has_context else Outcome.BARE
        return Judged(Hop(outcome, Confidence.LIKELY, cause.exchange), cause)
    changes = changes_between(cause.reading, call.judgement.reading)
    return Judged(Hop(_outcome(cause, call), _confidence_in_key(call, cause, register), cause.exchange, changes), cause)


def _confidence_in_key(call: Call, cause: Inbound, register: Register) -> Confidence:
    """Tell how sure it is that a request whose id a call carries is its cause."""
    time_ns = call.judgement.exchange.time_ns
    if cause.end_ns is not None and cause.end_ns < time_ns:
        return Confidence.POSSIBLE  # the id may be a constant that came in once so far
    is_only_one = register.keys_lost_ns < time_ns - LONG_NS
    is_sure = is_only_one and not call.is_shared and cause.exchange.time_ns <= time_ns
    return Confidence.CERTAIN if is_sure else Confidence.LIKELY


# time


def _by_time(call: Call) -> Judged:
    sight, instance = call.sight, call.instance
    has_context = bool(call.identity.traces)
    if sight.is_late:
        return _doubtful(Doubt.NOT_SEEN)
    instance.count_unexplained(call.peer, sight, has_context=has_context)
    if instance.is_quiet(sight):
        # Nothing that was watched can be behind it, unless it is open still: its end, or its beginning, was not seen.
        outcome = Outcome.ROOT if has_context else Outcome.BARE
        time_ns = call.judgement.exchange.time_ns
        is_sure = instance.is_silence_seen(sight, time_ns) and not instance.may_stream(time_ns)
        return Judged(Hop(outcome, Confidence.LIKELY if is_sure else Confidence.POSSIBLE), None)
    if not sight.requests:
        return _doubtful(Doubt.CAUSE_UNKNOWN)
    if call.is_proxy or instance.is_proxy:
        return _by_same_request(call)
    if sight.requests >= BUSY:
        return _doubtful(Doubt.BUSY)
    return _among(call, _containing(call, sight.members))


def _by_same_request(call: Call) -> Judged:
    """Judge a call of a proxy, which asks for what it was asked: the sights of one request on both its sides."""
    if len(call.sight.alike) == BUSY:
        return _doubtful(Doubt.BUSY)
    alike = _containing(call, call.sight.alike)
    if call.sight.unknown:
        return _doubtful(Doubt.NOT_SEEN)
    outcomes = {_outcome(each, call) for each in alike}
    if len(outcomes) != 1:
        return _doubtful(Doubt.BUSY if outcomes else Doubt.CAUSE_UNKNOWN)
    cause = alike[0] if len(alike) == 1 else None
    background = call.instance.background_share(call.peer, has_context=bool(call.identity.traces), is_cautious=False)
    is_rare = background is None or background <= LIKELY_BACKGROUND
    is_likely = cause is not None and is_rare and _by_one_clock(call, alike)
    confidence = Confidence.LIKELY if is_likely else Confidence.POSSIBLE
    changes = changes_between(cause.reading, call.judgement.reading) if cause is not None else ()
    return Judged(Hop(outcomes.pop(), confidence, cause.exchange if cause is not None else None, changes), cause)


def _containing(call: Call, members: Iterable[Inbound]) -> list[Inbound]:
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
    is_rare = background is not None and background <= LIKELY_BACKGROUND
    is_likely = cause is not None and is_rare and _by_one_clock(call, candidates)
    return Judged(
        Hop(
            outcomes.pop(),
            Confidence.LIKELY if is_likely else Confidence.POSSIBLE,
            cause.exchange if cause is not None else None,
        ),
        None,
        supposed=cause,
    )
