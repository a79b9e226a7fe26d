"""Forms of header blocks that were met before: what they say is remembered, but for the value of the traceparent.

A client's calls of one method differ in nothing else. As long as nothing is added to the header table (RFC 7541 2.3.2)
the same octets mean the same fields, and a literal value that is not coded can be exchanged for another of its length.
Where each block adds something, or never comes again, trying is given up for a while.
"""

from copy import deepcopy
from typing import NamedTuple

from wiresniff.model.exchanges import Exchange, Fields
from wiresniff.protocols.hpack.decoder import Decoder
from wiresniff.protocols.hpack.fields import HeaderBlock
from wiresniff.protocols.http2.fields import TRACEPARENT

VALUE_BYTES = 55
LITERAL = bytes([len(TRACEPARENT)]) + TRACEPARENT + bytes([VALUE_BYTES])
"""What a traceparent begins with that is neither indexed nor coded (RFC 7541 6.2.2)."""
PLACEHOLDER = b"?" * VALUE_BYTES
REMEMBERED = 64
REMEMBERED_BYTES = 512
MISSES, REST = 16, 256
"""After so many misses in a row so many blocks are not tried."""


class Form(NamedTuple):
    """What all requests of a form have in common."""

    protocol: str
    method: bytes | None
    target: bytes | None
    authority: bytes | None
    user_agent: bytes | None
    preflight: bool
    before: Fields
    """Kept fields; where there is a traceparent, those before it"""
    after: Fields | None
    """and those behind it."""
    auxiliary: tuple[bytes, ...]


class Forms:
    """Forms of one connection's requests."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._known: dict[tuple[bytes, bytes | None], Form] = {}
        self._state = decoder.table_state
        """Of the table, while `_known` holds."""
        self._misses = 0
        self._resting = 0

    def find(self, fragment: bytes) -> tuple[Form, Fields] | None:
        """Recognise a header block: its form, and its kept fields."""
        if self._resting:
            self._resting -= 1
            return None
        decoder = self._decoder
        state = decoder.table_state
        if state != self._state:
            self._state = state
            self._known.clear()
        at = fragment.find(LITERAL)
        if at < 0:
            form = self._known.get((fragment, None))
            fields = form.before if form is not None else []
        else:
            at += len(LITERAL)
            end = at + VALUE_BYTES
            form = self._known.get((fragment[:at], fragment[end:])) if end <= len(fragment) else None
            if form is not None and form.after is not None:
                fields = [*form.before, (TRACEPARENT, fragment[at:end]), *form.after]
        if form is None:
            self._misses += 1
            if self._misses > MISSES:
                self._misses, self._resting = MISSES - 1, REST
            return None
        self._misses = 0
        return form, fields

    def learn(self, fragment: bytes, block: HeaderBlock, asked: Exchange) -> None:
        """Remember the form of a request that was read, if its block has no effect and leaves nothing open."""
        decoder = self._decoder
        if (
            self._resting
            or decoder.table_state != self._state
            or block.unresolved
            or block.error is not None
            or len(fragment) > REMEMBERED_BYTES
        ):
            return
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        at = fragment.find(LITERAL)
        if at < 0:
            self._known[fragment, None] = _form(asked, asked.fields, None)
            return
        at += len(LITERAL)
        end = at + VALUE_BYTES
        value = fragment[at:end]
        places = [number for number, field in enumerate(asked.fields) if field == (TRACEPARENT, value)]
        if len(value) != VALUE_BYTES or len(places) != 1 or not self._is_value(fragment, block, at):
            return
        before, after = asked.fields[: places[0]], asked.fields[places[0] + 1 :]
        self._known[fragment[:at], fragment[end:]] = _form(asked, before, after)

    def _is_value(self, fragment: bytes, block: HeaderBlock, at: int) -> bool:
        """Tell whether what looks like the value of a traceparent is one: another in its place is read as such."""
        end = at + VALUE_BYTES
        other = deepcopy(self._decoder).decode(fragment[:at] + PLACEHOLDER + fragment[end:])
        expected = [
            (TRACEPARENT, PLACEHOLDER) if field == (TRACEPARENT, fragment[at:end]) else field for field in block.fields
        ]
        return other.fields == expected


def _form(asked: Exchange, before: Fields, after: Fields | None) -> Form:
    return Form(
        asked.protocol, asked.method, asked.target, asked.authority, asked.user_agent, asked.preflight, before, after,
        asked.auxiliary,
    )  # fmt: skip
