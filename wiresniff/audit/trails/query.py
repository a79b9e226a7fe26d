"""What a person types to name a trace."""

import re

from wiresniff.model.errors import UsageError

LEAST_DIGITS = 4
"""Shorter beginnings name too many traces."""
WHOLE = 32
RIGHT_HALF = 16
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}(?:-.*)?")
_XRAY = re.compile(r"(?:root=)?1-([0-9a-f]{8})-([0-9a-f]{24})(?:;.*)?")
_B3 = re.compile(r"([0-9a-f]{16}|[0-9a-f]{32})-[0-9a-f]{16}(?:-.*)?")
_JAEGER = re.compile(r"([0-9a-f]{1,32}):[0-9a-f]{1,16}:.*")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HEX = re.compile(r"[0-9a-f]{1,32}")
_DECIMAL = re.compile(r"[0-9]{1,20}")
_LARGEST = 1 << 64


class Query:
    """Tells which trace ids are meant by `text`: whole ids, their beginnings, or fields that hold one.

    Understood are ids of 32 and 16 hexadecimal digits and their beginnings, UUIDs, decimal ids (Datadog), values of
    traceparent, b3, uber-trace-id and X-Amzn-Trace-Id, and ids that are opaque to all but their format.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        folded = text.strip(" ").lower()
        self._opaque = text.strip(" ")
        self._digits = _digits_of(folded)
        self._decimal = f"{int(folded):016x}" if _DECIMAL.fullmatch(folded) and int(folded) < _LARGEST else None
        length = len(self._digits) if self._digits is not None else len(self._opaque)
        if length < LEAST_DIGITS:
            raise UsageError(
                f"TRACE_ID: {text!r} is too short to name a trace; type at least {LEAST_DIGITS} of its digits"
            )

    def matches(self, trace_id: str) -> bool:
        """Tell whether a trace id, in the form in which ids compare, is meant."""
        if self._digits is None:
            return trace_id.startswith(self._opaque)
        if trace_id.startswith(self._digits) or trace_id == self._opaque:
            return True
        if len(trace_id) != WHOLE:
            return False
        right = trace_id[RIGHT_HALF:]
        if self._decimal == right:
            return True
        is_short = trace_id.startswith("0" * RIGHT_HALF)
        if is_short and len(self._digits) == WHOLE:
            return right == self._digits[RIGHT_HALF:]
        return (is_short and right.startswith(self._digits)) or right == self._digits


def _digits_of(folded: str) -> str | None:
    """Return the hexadecimal digits that are meant; None where it is none of the formats that are read."""
    if found := _TRACEPARENT.fullmatch(folded) or _B3.fullmatch(folded):
        return found[1]
    if found := _XRAY.fullmatch(folded):
        return found[1] + found[2]
    if found := _JAEGER.fullmatch(folded):
        return found[1].zfill(WHOLE)
    if _UUID.fullmatch(folded):
        return folded.replace("-", "")
    return folded if _HEX.fullmatch(folded) else None
