"""The fields of one message -> `Reading`."""

import re
from collections.abc import Callable
from typing import NamedTuple

from wiresniff.model.context import ABSENT, Fault, Presence, Reading, TraceContext, WarningWord
from wiresniff.tracecontext import traceparent
from wiresniff.tracecontext.baggage import read_baggage
from wiresniff.tracecontext.carriers import FIELDS, disagree, read_carriers
from wiresniff.tracecontext.names import (
    BAGGAGE,
    MISSPELLED_TRACEPARENT,
    MISSPELLED_TRACESTATE,
    TRACEPARENT,
    TRACESTATE,
)
from wiresniff.tracecontext.tracestate import NONE as NO_TRACESTATE
from wiresniff.tracecontext.tracestate import Tracestate, read_tracestate

Fields = list[tuple[bytes, bytes]]

NO_TRACEPARENT = Tracestate("invalid", (Fault.TRACESTATE_NO_TRACEPARENT,), ())
TRACEPARENT_INVALID = Tracestate("invalid", (Fault.TRACESTATE_TRACEPARENT_INVALID,), ())
MISNAMED_TRACESTATE = Tracestate("absent", (Fault.TRACESTATE_WRONG_HEADER_NAME,), ())
LOOKS_LIKE_TRACESTATE = re.compile(rb"[A-Za-z0-9_\-*/@]{1,256}=").match

VALID = Presence.VALID  # looked up once: an enum member costs as much as cutting an id out of its field


def read(fields: Fields, level: int = 2, *, trimmed: bool = True) -> Reading:
    """Read and judge the trace context of one message by Trace Context Level `level` (1 or 2).

    `fields` are (lower-case name, value) in wire order; other names than `KEPT_FIELDS` are ignored. Values come
    without surrounding blanks where those are no part of the value (RFC 9110 5.5: HTTP/1). `trimmed=False` says that
    they are as sent in a protocol that forbids them (RFC 9113 8.2.1): they are dropped, and warned of.
    """
    if not fields:
        return ABSENT
    if len(fields) == 1:
        # the common message, nothing but a traceparent of which there is nothing to say: a fifth of `read_all`'s time
        name, value = fields[0]
        if name == TRACEPARENT and traceparent.PLAIN[level](value):
            context = traceparent.plain_context(value)
            return tuple.__new__(Reading, (VALID, context, (), (), "absent", (), (value,), (), (), 0, ()))
    if trimmed:
        return read_all(sort_fields(fields), level)
    bare = [(name, value.strip(b" \t")) for name, value in fields]
    reading = read_all(sort_fields(bare), level)
    if bare == fields:
        return reading
    return reading._replace(warnings=(WarningWord.SURROUNDING_BLANKS, *reading.warnings))


def plain(level: int) -> Callable[[bytes], object]:
    """Return what tells whether a traceparent is valid and nothing is to be said of it, for a level."""
    return traceparent.PLAIN[level]


class Sorted(NamedTuple):
    """Field values by what they are."""

    traceparents: tuple[bytes, ...]
    tracestates: tuple[bytes, ...]
    baggages: tuple[bytes, ...]
    others: Fields


def sort_fields(fields: Fields) -> Sorted:
    """Tell the fields that W3C defines from all others, in wire order."""
    by_name: dict[bytes, list[bytes]] = {TRACEPARENT: [], TRACESTATE: [], BAGGAGE: []}
    others = []
    for field in fields:
        if field[0] in by_name:
            by_name[field[0]].append(field[1])
        else:
            others.append(field)
    return Sorted(tuple(by_name[TRACEPARENT]), tuple(by_name[TRACESTATE]), tuple(by_name[BAGGAGE]), others)


def read_all(fields: Sorted, level: int) -> Reading:
    """Read any combination of fields."""
    presence, context, faults = read_traceparents(fields)
    words = traceparent.warnings(context, level) if context else ()
    state = read_state(presence, fields, level)
    baggage = read_baggage(fields.baggages)
    # the first value of a field counts: entered last, it stays
    values = {name: value for name, value in reversed(fields.others) if name in FIELDS}
    carriers = read_carriers(values) if values else ()
    if carriers and disagree(context.trace_id if context else None, carriers):
        words = (*words, WarningWord.CARRIERS_DISAGREE)
    return Reading(
        presence,
        context,
        faults + state.faults + baggage.faults,
        words + state.warnings + baggage.warnings,
        state.state,
        carriers,
        fields.traceparents,
        fields.tracestates,
        baggage.keys,
        baggage.size_bytes,
        fields.baggages,
    )


def read_traceparents(fields: Sorted) -> tuple[Presence, TraceContext | None, tuple[str, ...]]:
    """Judge all fields of that name: one is read, several are none (rule N4), none may be misspelled (rule N3)."""
    values = fields.traceparents
    if len(values) == 1:
        context = traceparent.context(values[0])
        if context is not None:
            return VALID, context, ()
        return Presence.MALFORMED, None, traceparent.faults(values[0])
    if values:
        return Presence.MALFORMED, None, (Fault.DUPLICATE_HEADER,)
    for name, value in fields.others:
        if name in MISSPELLED_TRACEPARENT and traceparent.IS_SHAPED(value):
            return Presence.ABSENT, None, (Fault.WRONG_HEADER_NAME,)
    return Presence.ABSENT, None, ()


def read_state(presence: Presence, fields: Sorted, level: int) -> Tracestate:
    """Judge tracestate, which is read only beside a traceparent that is used (rules S2 and S3)."""
    if presence is VALID:
        if fields.tracestates:
            return read_tracestate(fields.tracestates, level)
        for name, value in fields.others:
            if name in MISSPELLED_TRACESTATE and LOOKS_LIKE_TRACESTATE(value):
                return MISNAMED_TRACESTATE
        return NO_TRACESTATE
    if not fields.tracestates:
        return NO_TRACESTATE
    return NO_TRACEPARENT if presence is Presence.ABSENT else TRACEPARENT_INVALID
