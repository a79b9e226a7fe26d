"""What a traceparent looks like, also a malformed one, to one who does not know the name of its field.

The shape is that of its dashes and lengths: a short version, a trace id and a parent id of about their lengths, flags.
A traceparent may have lost its shape altogether (empty, `null`); then its name has to be known. What must not be taken
for one: UUIDs (five parts), `b3` and `sentry-trace` (they begin with the trace id), X-Ray (`1-8-24`), `sw8` (words of
base64), Jaeger and Google (other marks). `elastic-apm-traceparent` and misspelled names can't be told apart by shape.
"""

import re

_OPENING = rb"(?:b?['\"]|[^0-9A-Za-z-]{0,2})"
"""Quotes (those of Python too), blanks."""
_VERSION = rb"[0-9A-Za-z.+]{0,4}"
_MARK = rb"(?:--?|_|:|\xad|%2[Dd])"
_TRACE_ID = rb"([0-9A-Za-z._ ]{30,36})"
_PARENT_ID = rb"([0-9A-Za-z._]{12,20})"
_SHORT_TRACE_ID = rb"([0-9A-Za-z]{16})"
"""A trace id of 64 bits that was not padded."""
_FLAGS = rb"(?:" + _MARK + rb"[0-9A-Za-z.]{0,4}(?![0-9A-Za-z]).*)?"
"""Missing, or short; behind them anything."""

_SHAPE = re.compile(
    _OPENING + _VERSION + _MARK + rb"(?:" + _TRACE_ID + rb"|" + _SHORT_TRACE_ID + rb")" + _MARK + _PARENT_ID + _FLAGS,
    re.DOTALL,
).fullmatch
_DIGITS = b"0123456789abcdefABCDEF"
_FOREIGN_DIGITS = 4
"""One of so many characters of the ids may be no hexadecimal digit: of words or base64 more are."""


def is_traceparent_shaped(value: bytes) -> bool:
    """Tell whether a value is a traceparent, well-formed or nearly so, judged by nothing but itself."""
    found = _SHAPE(value)
    if found is None:
        return False
    ids = b"".join(part for part in found.groups() if part)
    return len(ids.translate(None, _DIGITS)) * _FOREIGN_DIGITS <= len(ids)
