"""What a service did to a context that it handed on (spec rules F5, F6, M3, M4, M6, M8, S11, S15, B6, B7)."""

from itertools import chain

from wiresniff.audit.hops.inbound import holds_64_bits, members_of
from wiresniff.audit.hops.register import same_trace
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
    if not (received.tracestates or received.baggages) and (one is None or other is None or one[::3] == other[::3]):
        return ()  # nothing to lose, and the same version and flags
    if one is None or other is None:
        return tuple(_baggage(received, sent))
    if not same_trace(one.trace_id, other.trace_id):
        restart = [Change.RESTART_KEPT_TRACESTATE] if _kept(received, sent) else []
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


def _kept(received: Reading, sent: Reading) -> bool:
    """Tell whether members came through a restart. The first one is the sender's own: it may say that of any trace."""
    before = set(members_of(received))
    return any(
        member in before and (place > 0 or holds_64_bits(member)) for place, member in enumerate(members_of(sent))
    )


def _tracestate(received: Reading, sent: Reading) -> list[Change]:
    before, after = members_of(received), members_of(sent)
    if received.tracestate != "valid" or not before or before == after:
        return []
    assert received.context is not None
    assert sent.context is not None
    is_same_parent = received.context.parent_id == sent.context.parent_id
    if not after:
        return [Change.TRACESTATE_DROPPED]
    if _is_cut(before, after[-1]) and (is_same_parent or len(after) > 1):
        return [Change.TRACESTATE_CUT]
    if not _may_be_gone(before, after):
        return [Change.TRACESTATE_DROPPED]
    # M6: what does not change the traceparent must not change this either.
    return [Change.TRACESTATE_ALTERED] if is_same_parent else _rearranged(before, after)


def _key(member: bytes) -> bytes:
    return member.partition(b"=")[0].rstrip(b" \t")


def _is_cut(before: list[bytes], last: bytes) -> bool:
    """Tell whether the last member is the beginning of one that was received."""
    return last not in before and any(
        member.startswith(last) and (b"=" not in last or _key(last) == _key(member)) for member in before
    )


def _may_be_gone(before: list[bytes], after: list[bytes]) -> bool:
    """Tell whether those members that are gone may be gone."""
    keys = set(map(_key, after))
    gone = [member for member in before if _key(member) not in keys]
    if len(gone) == len(before):
        return False
    is_too_long = sum(map(len, before)) + len(before) - 1 > LONG_LIST
    is_pushed_out = len(before) >= FULL_LIST and gone == before[-1:]
    return not gone or is_too_long or is_pushed_out


def _rearranged(before: list[bytes], after: list[bytes]) -> list[Change]:
    """Find members that were moved or changed by somebody whose they can't be: only the first is the sender's own."""
    old, others = set(before), after[1:]
    unmodified = dict.fromkeys(member for member in others if member in old)
    if list(unmodified) != list(dict.fromkeys(member for member in before if member in unmodified)):
        return [Change.TRACESTATE_REORDERED]
    keys = set(map(_key, before))
    is_altered = any(member not in old and _key(member) in keys for member in others)
    return [Change.TRACESTATE_ALTERED] if is_altered else []


def _baggage(received: Reading, sent: Reading) -> list[Change]:
    if not received.baggages:
        return []
    before = _baggage_members(received)
    if not before or len(before) > BAGGAGE_MEMBERS or received.baggage_bytes > BAGGAGE_BYTES:
        return []
    after = _baggage_members(sent)
    if after and _is_cut(before, after[-1]):
        return [Change.BAGGAGE_CUT]
    keys = set(map(_key, after))
    return [] if all(_key(member) in keys for member in before) else [Change.BAGGAGE_DROPPED]


def _baggage_members(reading: Reading) -> list[bytes]:
    return [member for value in reading.baggages for each in value.split(b",") if (member := each.strip(b" \t"))]
