"""Forms of header blocks that were met before: what they say is remembered, but for the value of the traceparent.

A client's calls of one method differ in nothing else. As long as nothing is added to the header table (RFC 7541 2.3.2)
the same octets mean the same fields, and a literal value that is not coded can be exchanged for another of its length.
Where each block adds something, or never comes again, trying is given up for a while.
"""

from typing import Final, NamedTuple

from wiresniff.model import limits
from wiresniff.model.exchanges import Exchange, Fields
from wiresniff.protocols.hpack.decoder import Decoder
from wiresniff.protocols.hpack.fields import HeaderBlock
from wiresniff.protocols.hpack.structure import begins_field
from wiresniff.protocols.http2.fields import TRACEPARENT
from wiresniff.protocols.http2.known_blocks import KnownBlocks, Remembered

VALUE_BYTES: Final = 55
LITERAL: Final = bytes([len(TRACEPARENT)]) + TRACEPARENT + bytes([VALUE_BYTES])
"""Name and length of the value of a traceparent that is neither indexed nor coded; an octet that says so is before them
(RFC 7541 6.2.2, 6.2.3)."""
_FIRST_OCTETS: Final = (b"\x00", b"\x10")
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

    def __init__(self, decoder: Decoder, remembered: Remembered) -> None:
        self._decoder = decoder
        self._known: KnownBlocks[tuple[bytes, bytes | None], Form] = KnownBlocks(remembered)
        """By the octets before and behind the traceparent's value; all, and None, where there is no traceparent."""
        self._forms = self._known.said
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
            self._known.forget()
        at = fragment.find(LITERAL)
        if at < 0:
            form = self._forms.get((fragment, None))
            fields = form.before if form is not None else []
        else:
            at += len(LITERAL)
            end = at + VALUE_BYTES
            form = self._forms.get((fragment[:at], fragment[end:])) if end <= len(fragment) else None
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
            or len(fragment) > limits.HEADER_BLOCK_BYTES
        ):
            return
        kept = asked.fields
        at = fragment.find(LITERAL)
        if at < 0:
            self._remember((fragment, None), _form(asked, kept, None), fragment)
            return
        begins = at - 1
        at += len(LITERAL)
        end = at + VALUE_BYTES
        places = [number for number, field in enumerate(kept) if field == (TRACEPARENT, fragment[at:end])]
        if len(places) == 1 and _is_literal(fragment, begins):
            form = _form(asked, kept[: places[0]], kept[places[0] + 1 :])
            self._remember((fragment[:at], fragment[end:]), form, fragment)

    def forget(self) -> None:
        """Forget everything: the connection is over."""
        self._known.forget()

    def _remember(self, key: tuple[bytes, bytes | None], form: Form, fragment: bytes) -> None:
        self._known.remember(key, form, len(fragment), len(form.before) + len(form.after or ()))


def _is_literal(fragment: bytes, at: int) -> bool:
    """Tell whether what looks like a traceparent, from this octet on, is one, and not part of something else.

    The block was decoded. If a field begins there it is a literal of that name, whatever the value.
    """
    return fragment[at : at + 1] in _FIRST_OCTETS and begins_field(fragment, at)


def _form(asked: Exchange, before: Fields, after: Fields | None) -> Form:
    return Form(
        asked.protocol, asked.method, asked.target, asked.authority, asked.user_agent, asked.preflight, before, after,
        asked.auxiliary,
    )  # fmt: skip
