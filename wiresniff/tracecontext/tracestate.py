"""The values of `tracestate` (Trace Context, "Tracestate Header"), several fields combined to one list (RFC 9110 5.3).

    list        = list-member 0*31( OWS "," OWS list-member )
    list-member = key "=" value / OWS
    key         = ( lcalpha / DIGIT ) 0*255 ( keychar )                       ; Level 2
    key         = lcalpha 0*255( keychar less "@" )                           ; Level 1
                / ( lcalpha / DIGIT ) 0*240( ... ) "@" lcalpha 0*13( ... )
    keychar     = lcalpha / DIGIT / "_" / "-"/ "*" / "/" / "@"
    value       = 0*255(chr) nblk-chr
    nblk-chr    = %x21-2B / %x2D-3C / %x3E-7E
    chr         = %x20 / nblk-chr

Blanks before a key and after a value are OWS; a blank right after "=" is part of the value.
A plain-loop twin of this module is `tests/oracles/tracestate.py`.
"""

import re
from typing import Literal, NamedTuple

from wiresniff.model.context import Fault, WarningWord

KEY_LEVEL_2 = rb"[a-z0-9][a-z0-9_\-*/@]{0,255}"
KEY_LEVEL_1 = rb"(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
CHARACTER = rb"[\x20-\x2b\x2d-\x3c\x3e-\x7e]"

MEMBER_LEVEL_1 = re.compile(b"(" + KEY_LEVEL_1 + b")=" + CHARACTER + b"{1,256}").fullmatch
"""A member without blanks round it, by Level 1 and so by Level 2. Its last character is no blank: it was trimmed."""
IS_KEY_LEVEL_1 = re.compile(KEY_LEVEL_1).fullmatch
IS_KEY_LEVEL_2 = re.compile(KEY_LEVEL_2).fullmatch
IS_LONG_KEY = re.compile(rb"[a-z0-9][a-z0-9_\-*/@]{256,}").fullmatch
ARE_CHARACTERS = re.compile(CHARACTER + b"*").fullmatch

MEMBERS = 32
"""Most members of a list."""
VALUE_BYTES = 256
GUARANTEED_BYTES = 512
"""Characters of the combined field that vendors SHOULD propagate ("tracestate Limits")."""

OT_VALUE = re.compile(rb"[a-z][a-z0-9]*:[A-Za-z0-9._\-]*(?:;[a-z][a-z0-9]*:[A-Za-z0-9._\-]*)*").fullmatch
"""OpenTelemetry's own member (OpenTelemetry specification, "TraceState Handling")."""
OT_SUBKEYS = {
    b"th": re.compile(rb"[0-9a-f]{1,14}").fullmatch,
    b"rv": re.compile(rb"[0-9a-f]{14}").fullmatch,
}


class Tracestate(NamedTuple):
    """What the tracestate fields of one message are."""

    state: Literal["valid", "invalid", "absent"]
    faults: tuple[str, ...]
    warnings: tuple[str, ...]


NONE = Tracestate("absent", (), ())
SOUND = Tracestate("valid", (), ())


def read_tracestate(values: tuple[bytes, ...], level: int) -> Tracestate:
    """Judge the fields beside a traceparent that is used. Work is linear in their bytes."""
    if not values:
        return NONE
    combined = values[0] if len(values) == 1 else b",".join(values)
    if b"," not in combined and (member := MEMBER_LEVEL_1(combined)) and is_sound(combined, member[1]):
        return SOUND
    return read_list(combined, len(values), level)


def is_sound(member: bytes, key: bytes) -> bool:
    """Nothing more to say of a list of one member."""
    return not (len(member) > GUARANTEED_BYTES or key == b"ot" or member.endswith(b" "))


def read_list(combined: bytes, fields: int, level: int) -> Tracestate:
    """Judge the combined list, member by member; of one that is too long, its first 32."""
    parts = combined.split(b",")
    members = [member for part in parts if (member := part.strip(b" \t"))]
    words = list_warnings(combined, fields, len(parts), len(members))
    faults: list[str] = [Fault.TRACESTATE_MORE_THAN_32_MEMBERS] if len(members) > MEMBERS else []
    keys: set[bytes] = set()
    for member in members[:MEMBERS]:
        if found := MEMBER_LEVEL_1(member):
            key = found[1]
        else:
            key = member.partition(b"=")[0]
            faults += member_faults(member)
            if IS_KEY_LEVEL_2(key) and not IS_KEY_LEVEL_1(key):
                (faults if level == 1 else words).append(WarningWord.TRACESTATE_KEY_NOT_LEVEL_1)
        if key in keys:
            (faults if level == 1 else words).append(WarningWord.TRACESTATE_DUPLICATE_KEY)
        keys.add(key)
        if key == b"ot" and not is_ot_value(member[3:]):
            words.append(WarningWord.TRACESTATE_OT_MEMBER_ODD)
    return Tracestate("invalid" if faults else "valid", tuple(dict.fromkeys(faults)), tuple(dict.fromkeys(words)))


def list_warnings(combined: bytes, fields: int, parts: int, members: int) -> list[str]:
    """Words about the list as a whole (rules S1, S5, S6 and S14)."""
    words: list[str] = []
    if fields > 1:
        words.append(WarningWord.TRACESTATE_SPLIT)
    if not members:
        words.append(WarningWord.TRACESTATE_EMPTY)
    elif parts > members:
        words.append(WarningWord.TRACESTATE_EMPTY_MEMBER)
    if parts > MEMBERS >= members:
        words.append(WarningWord.TRACESTATE_MORE_THAN_32_COUNTING_EMPTY)
    if len(combined) > GUARANTEED_BYTES:
        words.append(WarningWord.TRACESTATE_LONGER_THAN_512)
    return words


def member_faults(member: bytes) -> list[str]:
    """Judge one trimmed member by Level 2 (rules S9 and S10): its key, then its value."""
    key, equals, value = member.partition(b"=")
    if not equals:
        return [Fault.TRACESTATE_MEMBER_WITHOUT_EQUALS]
    return [fault for fault in (key_fault(key), value_fault(value)) if fault]


def key_fault(key: bytes) -> Fault | None:
    """Rule S9."""
    if not key:
        return Fault.TRACESTATE_EMPTY_KEY
    if IS_KEY_LEVEL_2(key):
        return None
    return Fault.TRACESTATE_KEY_TOO_LONG if IS_LONG_KEY(key) else Fault.TRACESTATE_BAD_KEY


def value_fault(value: bytes) -> Fault | None:
    """Rule S10."""
    if not value:
        return Fault.TRACESTATE_EMPTY_VALUE
    if b"=" in value:
        return Fault.TRACESTATE_EQUALS_IN_VALUE
    if not ARE_CHARACTERS(value):
        return Fault.TRACESTATE_BAD_VALUE_CHARACTER
    return Fault.TRACESTATE_VALUE_TOO_LONG if len(value) > VALUE_BYTES else None


def is_ot_value(value: bytes) -> bool:
    """Rule S17: `key:value` pairs joined by `;`, with `th` a threshold and `rv` a random value."""
    if len(value) > VALUE_BYTES or not OT_VALUE(value):
        return False
    pairs = (pair.split(b":") for pair in value.split(b";"))
    return all(key not in OT_SUBKEYS or OT_SUBKEYS[key](subvalue) for key, subvalue in pairs)
