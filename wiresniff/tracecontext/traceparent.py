"""The value of `traceparent` (Trace Context Level 2, "Traceparent Header"; Level 1 has the same grammar).

    traceparent    = version "-" version-format
    version        = 2HEXDIGLC                       ; ff is forbidden
    version-format = trace-id "-" parent-id "-" trace-flags
    trace-id       = 32HEXDIGLC                      ; not all zero
    parent-id      = 16HEXDIGLC                      ; not all zero
    trace-flags    = 2HEXDIGLC

Version 00 ends there. A higher version may go on after another dash, with anything ("Versioning of
traceparent"). A plain-loop twin of this module is `tests/oracles/traceparent.py`.
"""

import re

from wiresniff.model.context import Fault, TraceContext, WarningWord

VERSION_00 = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})").fullmatch
PLAIN = {
    1: re.compile(rb"00-(?!0{16})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]").fullmatch,
    2: re.compile(rb"00-(?!0{16})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]").fullmatch,
}
"""The part of `VERSION_00` of which there is nothing to warn, per level: nearly all there is on a wire."""
HIGHER_VERSION = re.compile(
    rb"(?!00|ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?", re.DOTALL
).fullmatch

SHAPE = rb"[0-9A-Fa-f]{2}-[0-9A-Fa-f]{32}-[0-9A-Fa-f]{16}-[0-9A-Fa-f]{2}"
"""What a person recognises as a traceparent."""
IS_SHAPED = re.compile(SHAPE).match
JOINED = re.compile(rb",[ \t]*" + SHAPE).search

LOWER_CASE_HEX = re.compile(rb"[0-9a-f]*").fullmatch
ANY_CASE_HEX = re.compile(rb"[0-9A-Fa-f]*").fullmatch

RESERVED_BITS = {1: 0xFE, 2: 0xFC}
"""Bits of trace-flags that a sender of each level MUST leave zero ("Other Flags")."""
HIGH_HALF_ZERO = "0" * 16
ZERO = ord("0")


def plain_context(value: bytes) -> TraceContext:
    """Take apart a value that `PLAIN` matches: `context` in a third of the time."""
    text = value.decode("ascii")
    return tuple.__new__(TraceContext, ("00", text[3:35], text[36:52], value[54] - ZERO))


def context(value: bytes) -> TraceContext | None:
    """Read one field value as a conforming receiver does; None if it will not use it."""
    if PLAIN[2](value):
        return plain_context(value)
    if VERSION_00(value):
        text = value.decode("ascii")
        return TraceContext("00", text[3:35], text[36:52], int(text[53:], 16))
    if found := HIGHER_VERSION(value):
        version, trace_id, parent_id, flags = (part.decode("ascii") for part in found.groups())
        return TraceContext(version, trace_id, parent_id, int(flags, 16))
    return None


def warnings(context: TraceContext, level: int) -> tuple[str, ...]:
    """Words about a context that is used (rules P5, P13, F2 and F3)."""
    words: list[str] = []
    if context.version != "00":
        words.append(WarningWord.FUTURE_VERSION)
    elif context.flags & RESERVED_BITS[level]:
        words.append(WarningWord.RESERVED_FLAG_BITS)
    if context.trace_id.startswith(HIGH_HALF_ZERO):
        words.append(WarningWord.SHORT_TRACE_ID)
    return tuple(words)


def faults(value: bytes) -> tuple[str, ...]:
    """Why a conforming receiver will not use a value that has no `context`, most telling first; never empty."""
    if not value.strip(b" \t"):
        return (Fault.EMPTY,)
    if JOINED(value):
        return (Fault.COMMA_JOINED_DUPLICATE,)
    version, *fields = value.split(b"-", 4)
    if fault := version_fault(version):
        return (fault,)
    words = [Fault.MISSING_FIELD] if len(fields) < len(FIELD_FAULTS) else []
    words += [fault for fault_of, field in zip(FIELD_FAULTS, fields, strict=False) if (fault := fault_of(field))]
    if version == b"00" and len(fields) > len(FIELD_FAULTS):
        words.append(Fault.EXTRA_FIELD_IN_VERSION_00)
    return tuple(words)


def version_fault(version: bytes) -> Fault | None:
    """Rules P1 and P2. A version that can't be read says nothing about what follows it."""
    if len(version) != 2:  # noqa: PLR2004 - two digits, by the grammar
        return Fault.BAD_VERSION_LENGTH
    if not LOWER_CASE_HEX(version):
        return Fault.UPPERCASE_VERSION if ANY_CASE_HEX(version) else Fault.BAD_VERSION_CHARACTER
    return Fault.VERSION_FF if version == b"ff" else None


def trace_id_fault(trace_id: bytes) -> Fault | None:
    """Rules P3, P9 and P10."""
    if len(trace_id) != 32:  # noqa: PLR2004
        return Fault.BAD_TRACE_ID_LENGTH
    if not LOWER_CASE_HEX(trace_id):
        return Fault.UPPERCASE_TRACE_ID if ANY_CASE_HEX(trace_id) else Fault.BAD_TRACE_ID_CHARACTER
    return None if trace_id.strip(b"0") else Fault.ZERO_TRACE_ID


def parent_id_fault(parent_id: bytes) -> Fault | None:
    """Rules P3, P9 and P11."""
    if len(parent_id) != 16:  # noqa: PLR2004
        return Fault.BAD_PARENT_ID_LENGTH
    if not LOWER_CASE_HEX(parent_id):
        return Fault.UPPERCASE_PARENT_ID if ANY_CASE_HEX(parent_id) else Fault.BAD_PARENT_ID_CHARACTER
    return None if parent_id.strip(b"0") else Fault.ZERO_PARENT_ID


def flags_fault(flags: bytes) -> Fault | None:
    """Rules P4, P6, P9 and F4. Two digits and something else are flags with garbage behind them."""
    if len(flags) != 2:  # noqa: PLR2004
        garbage = len(flags) > 2 and ANY_CASE_HEX(flags[:2]) and not ANY_CASE_HEX(flags)  # noqa: PLR2004
        return Fault.TRAILING_GARBAGE if garbage else Fault.BAD_TRACE_FLAGS_LENGTH
    if not LOWER_CASE_HEX(flags):
        return Fault.UPPERCASE_TRACE_FLAGS if ANY_CASE_HEX(flags) else Fault.BAD_TRACE_FLAGS_CHARACTER
    return None


FIELD_FAULTS = (trace_id_fault, parent_id_fault, flags_fault)
"""What can be wrong with the fields after the version, in their order."""
