"""Reading: what the header fields of one message say about its trace.

A *carrier* is one format's share of the fields; the W3C one is judged in full (context, faults, warnings), every
other format only as far as it can be compared with it. The words of `Fault` and `WarningWord` appear in exchange
records, metrics and reports; `wiresniff explain WORD` prints what each means.
"""

from enum import StrEnum
from typing import Literal, NamedTuple

SAMPLED = 0x01
"""Bit of trace-flags: the caller may have recorded the trace (Trace Context, "Sampled flag")."""
RANDOM = 0x02
"""Bit of trace-flags: the right-most 56 bits of the trace id are random (Trace Context Level 2)."""


class TraceContext(NamedTuple):
    """A `traceparent` that a conforming receiver uses."""

    version: str
    """2 lower-case hexadecimal digits, `00` to `fe`."""
    trace_id: str
    """32 lower-case hexadecimal digits, not all zero."""
    parent_id: str
    """16 lower-case hexadecimal digits, not all zero."""
    flags: int
    """0 to 255."""

    @property
    def sampled(self) -> bool:
        """The caller may have recorded the trace."""
        return bool(self.flags & SAMPLED)

    @property
    def random(self) -> bool:
        """The caller says that the right-most 56 bits of the trace id are random.

        Version 00 only: of a higher one nothing but `sampled` may be assumed ("Versioning of traceparent").
        """
        return self.version == "00" and bool(self.flags & RANDOM)


class Carrier(NamedTuple):
    """Another propagation format, present on the message. Parts that are absent, malformed or opaque to us are None."""

    format: str
    """`b3`, `jaeger`, `datadog`, ...: the words of `wiresniff.tracecontext.carriers.FORMATS`."""
    trace_id: str | None
    """32 lower-case hexadecimal digits, 64-bit ids padded with zeros on the left; opaque in formats that have no such
    form (`skywalking`, `request-id` and others)."""
    span_id: str | None
    """16 lower-case hexadecimal digits, or opaque likewise."""
    sampled: bool | None
    """None: deferred or not said."""


class Presence(StrEnum):
    """Whether there is a `traceparent`, and whether a conforming receiver will use it."""

    VALID = "valid"
    MALFORMED = "malformed"
    ABSENT = "absent"


class Reading(NamedTuple):
    """What one message says about its trace."""

    presence: Presence
    context: TraceContext | None
    """Exactly when `presence` is valid."""
    faults: tuple[str, ...]
    """Words of `Fault`, most telling first. Those of tracestate and baggage carry the prefix `tracestate-`, `baggage-`
    and leave `presence` as it is; so does `wrong-header-name`, which explains an absence."""
    warnings: tuple[str, ...]
    """Words of `WarningWord`: they never change `presence`."""
    tracestate: Literal["valid", "invalid", "absent"]
    carriers: tuple[Carrier, ...]
    """Other formats, in the order of the formats table."""
    traceparents: tuple[bytes, ...]
    """Every value of `traceparent`, in wire order."""
    tracestates: tuple[bytes, ...]
    baggage_keys: tuple[str, ...]
    """Keys of well-formed baggage members, in wire order, latin-1."""
    baggage_bytes: int
    """Bytes of the baggage values, combined to one field."""
    baggages: tuple[bytes, ...]


ABSENT = Reading(Presence.ABSENT, None, (), (), "absent", (), (), (), (), 0, ())
"""The reading of a message without any of the fields."""


class Fault(StrEnum):
    """A broken rule. Without a prefix: a conforming receiver will not use the traceparent."""

    # the field
    EMPTY = "empty"
    DUPLICATE_HEADER = "duplicate-header"
    COMMA_JOINED_DUPLICATE = "comma-joined-duplicate"
    WRONG_HEADER_NAME = "wrong-header-name"
    # its value, in the order of reading
    BAD_VERSION_LENGTH = "bad-version-length"
    BAD_VERSION_CHARACTER = "bad-version-character"
    UPPERCASE_VERSION = "uppercase-version"
    VERSION_FF = "version-ff"
    MISSING_FIELD = "missing-field"
    BAD_TRACE_ID_LENGTH = "bad-trace-id-length"
    BAD_TRACE_ID_CHARACTER = "bad-trace-id-character"
    UPPERCASE_TRACE_ID = "uppercase-trace-id"
    ZERO_TRACE_ID = "zero-trace-id"
    BAD_PARENT_ID_LENGTH = "bad-parent-id-length"
    BAD_PARENT_ID_CHARACTER = "bad-parent-id-character"
    UPPERCASE_PARENT_ID = "uppercase-parent-id"
    ZERO_PARENT_ID = "zero-parent-id"
    BAD_TRACE_FLAGS_LENGTH = "bad-trace-flags-length"
    BAD_TRACE_FLAGS_CHARACTER = "bad-trace-flags-character"
    UPPERCASE_TRACE_FLAGS = "uppercase-trace-flags"
    EXTRA_FIELD_IN_VERSION_00 = "extra-field-in-version-00"
    TRAILING_GARBAGE = "trailing-garbage"
    # tracestate
    TRACESTATE_NO_TRACEPARENT = "tracestate-no-traceparent"
    TRACESTATE_TRACEPARENT_INVALID = "tracestate-traceparent-invalid"
    TRACESTATE_WRONG_HEADER_NAME = "tracestate-wrong-header-name"
    TRACESTATE_MEMBER_WITHOUT_EQUALS = "tracestate-member-without-equals"
    TRACESTATE_EMPTY_KEY = "tracestate-empty-key"
    TRACESTATE_BAD_KEY = "tracestate-bad-key"
    TRACESTATE_KEY_TOO_LONG = "tracestate-key-too-long"
    TRACESTATE_EMPTY_VALUE = "tracestate-empty-value"
    TRACESTATE_EQUALS_IN_VALUE = "tracestate-equals-in-value"
    TRACESTATE_BAD_VALUE_CHARACTER = "tracestate-bad-value-character"
    TRACESTATE_VALUE_TOO_LONG = "tracestate-value-too-long"
    TRACESTATE_MORE_THAN_32_MEMBERS = "tracestate-more-than-32-members"
    TRACESTATE_KEY_NOT_LEVEL_1 = "tracestate-key-not-level-1"
    """At level 1 only; at level 2 it is a warning."""
    TRACESTATE_DUPLICATE_KEY = "tracestate-duplicate-key"
    """At level 1 only; at level 2 it is a warning."""
    # baggage
    BAGGAGE_BAD_MEMBER = "baggage-bad-member"
    BAGGAGE_BAD_VALUE_CHARACTER = "baggage-bad-value-character"


class WarningWord(StrEnum):
    """A SHOULD, a risk, or something the standard tolerates and others do not."""

    RESERVED_FLAG_BITS = "reserved-flag-bits"
    FUTURE_VERSION = "future-version"
    SHORT_TRACE_ID = "64-bit-trace-id"
    SURROUNDING_BLANKS = "surrounding-blanks"
    CARRIERS_DISAGREE = "carriers-disagree"
    SHARED_PARENT_ID = "shared-parent-id"
    """Found by the audit, which sees more than one message."""
    TRACESTATE_EMPTY = "tracestate-empty"
    TRACESTATE_EMPTY_MEMBER = "tracestate-empty-member"
    TRACESTATE_MORE_THAN_32_COUNTING_EMPTY = "tracestate-more-than-32-members-counting-empty"
    TRACESTATE_SPLIT = "tracestate-split-over-several-fields"
    TRACESTATE_DUPLICATE_KEY = "tracestate-duplicate-key"
    TRACESTATE_LONGER_THAN_512 = "tracestate-longer-than-512"
    TRACESTATE_KEY_NOT_LEVEL_1 = "tracestate-key-not-level-1"
    TRACESTATE_OT_MEMBER_ODD = "tracestate-ot-member-odd"
    BAGGAGE_EMPTY_MEMBER = "baggage-empty-member"
    BAGGAGE_BAD_PERCENT_ESCAPE = "baggage-bad-percent-escape"
    BAGGAGE_DUPLICATE_KEY = "baggage-duplicate-key"
    BAGGAGE_OVER_GUARANTEED_SIZE = "baggage-over-guaranteed-size"


INFORMATIVE = frozenset(
    [
        WarningWord.FUTURE_VERSION,
        WarningWord.SHORT_TRACE_ID,
        WarningWord.TRACESTATE_EMPTY,
        WarningWord.TRACESTATE_EMPTY_MEMBER,
        WarningWord.TRACESTATE_SPLIT,
        WarningWord.TRACESTATE_LONGER_THAN_512,
        WarningWord.TRACESTATE_KEY_NOT_LEVEL_1,
        WarningWord.TRACESTATE_OT_MEMBER_ODD,
        WarningWord.BAGGAGE_EMPTY_MEMBER,
        WarningWord.BAGGAGE_DUPLICATE_KEY,
    ]
)
"""Warnings that the standard allows for: counted, worth no more than a line of information."""
