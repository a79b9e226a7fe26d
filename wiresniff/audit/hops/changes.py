"""What a service did to a context that it handed on (spec rules F5, F6, M3, M4, M6, M8, S11, S15, B6, B7)."""

from itertools import chain

from wiresniff.audit.hops.inbound import members_of
from wiresniff.model.context import RANDOM, SAMPLED, Reading, TraceContext
from wiresniff.model.hops import Change

VERSION_00 = "00"
FULL_LIST = 32
"""Members: a full list loses its right-most member to a new one (S7)."""
LONG_LIST = 512
"""Characters: a longer list may lose whole members (S15)."""
BAGGAGE_MEMBERS, BAGGAGE_BYTES = 64, 8192
"""What every hop must pass on (W3C Baggage, "Limits")."""


def changes_between(received: Reading, sent: Reading) -> tuple[Change, ...]:
    """Return what was done between a request that came in and one that it caused, beside what may be done."""
    one, other = received.context, sent.context
    if one is None or other is None:
        return tuple(_baggage(received, sent))
    if one.trace_id != other.trace_id:
        kept = set(members_of(received)) & set(members_of(sent))
        restart = [Change.RESTART_KEPT_TRACESTATE] if kept else []
        return (*restart, *_baggage(received, sent))
    return tuple(chain(_flags(one, other), _tracestate(received, sent), _baggage(received, sent)))


def _flags(one: TraceContext, other: TraceContext) -> list[Change]:
    changes = []
    changed = one.flags ^ other.flags
    is_same_parent = one.parent_id == other.parent_id
    reserved = changed & ~(SAMPLED | RANDOM) if one.version == other.version == VERSION_00 else 0
    # Bits that are set where they mean nothing may be cleared, never set (F3); a higher version may be lowered.
    if reserved & other.flags or other.version > one.version:
        changes.append(Change.ILLEGAL_MUTATION)
    if changed & SAMPLED:
        changes.append(Change.SAMPLED_WITHOUT_NEW_PARENT if is_same_parent else Change.SAMPLED_FLAG_FLIP)
    if changed & RANDOM and one.version == other.version == VERSION_00:
        changes.append(Change.RANDOM_FLAG_FLIP)
    return changes


def _tracestate(received: Reading, sent: Reading) -> list[Change]:
    before, after = members_of(received), members_of(sent)
    if received.tracestate != "valid" or not before:
        return []
    assert received.context is not None
    assert sent.context is not None
    if received.context.parent_id == sent.context.parent_id:
        # M6: what does not change the traceparent must not change this either, but it may be lost or cut.
        if before == after:
            return []
        changes = _lost(before, after)
        return changes or [Change.TRACESTATE_ALTERED]
    return _lost(before, after) or _rearranged(before, after)


def _key(member: bytes) -> bytes:
    return member.partition(b"=")[0]


def _lost(before: list[bytes], after: list[bytes]) -> list[Change]:
    """Find members that were received and are gone, or are there in part."""
    values = {_key(member): member for member in after}
    for member in before:
        now = values.get(_key(member))
        if now is not None and len(now) < len(member) and member.startswith(now) and now is after[-1]:
            return [Change.TRACESTATE_CUT]
    gone = [member for member in before if _key(member) not in values]
    # The first member is the sender's own (M8): whoever takes its place may let it go.
    if not after or len(gone) == len(before):
        return [Change.TRACESTATE_DROPPED]
    allowed = 1 if len(before) >= FULL_LIST else 0
    is_too_long = sum(map(len, before)) + len(before) - 1 > LONG_LIST
    return [Change.TRACESTATE_DROPPED] if len(gone) > allowed and not is_too_long else []


def _rearranged(before: list[bytes], after: list[bytes]) -> list[Change]:
    """Find members that were moved or changed by somebody whose they can't be: only the first may be new or changed."""
    old = set(before)
    unmodified = [member for member in after if member in old]
    if unmodified != [member for member in before if member in set(unmodified)]:
        return [Change.TRACESTATE_REORDERED]
    keys = set(map(_key, before))
    changed = [place for place, member in enumerate(after) if member not in old and _key(member) in keys]
    return [Change.TRACESTATE_ALTERED] if any(place > 0 for place in changed) else []


def _baggage(received: Reading, sent: Reading) -> list[Change]:
    if not received.baggages:
        return []
    before = _baggage_members(received)
    if not before or len(before) > BAGGAGE_MEMBERS or received.baggage_bytes > BAGGAGE_BYTES:
        return []
    after = _baggage_members(sent)
    values = {_key(member): member for member in after}
    for member in before:
        now = values.get(_key(member))
        if now is not None and len(now) < len(member) and member.startswith(now) and now is after[-1]:
            return [Change.BAGGAGE_CUT]
    return [Change.BAGGAGE_DROPPED] if any(_key(member) not in values for member in before) else []


def _baggage_members(reading: Reading) -> list[bytes]:
    return [member for value in reading.baggages for each in value.split(b",") if (member := each.strip(b" \t"))]
