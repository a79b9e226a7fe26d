"""Forms of header blocks: recognised as they would be decoded, and forgotten when the table means something else."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiresniff.model import limits
from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Channel, Exchange
from wiresniff.protocols.hpack.decoder import Decoder
from wiresniff.protocols.hpack.structure import begins_field
from wiresniff.protocols.http2.fields import RequestFields
from wiresniff.protocols.http2.forms import LITERAL, Form, Forms
from wiresniff.protocols.http2.known_blocks import Remembered

CHANNEL = Channel(Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 80), 0)
REQUEST_FIELDS = RequestFields(frozenset([b"traceparent"]))
FIRST = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SECOND = FIRST.replace(b"0af765", b"1bf765")
ADDED_PATH = b"\x44\x02/a"
"""`:path: /a`, added to the table: entry 62 from then on."""
BEGINNING = b"\x83\x86\xbe"
"""POST, http, entry 62."""
TO_NOTHING, TO_USUAL = b"\x20", b"\x3f\xe1\x1f"
"""Table sizes of 0 and 4096."""


def block(value: bytes) -> bytes:
    """Return a request with a traceparent."""
    return BEGINNING + b"\x00" + LITERAL + value


def read(decoder: Decoder, forms: Forms, fragment: bytes) -> Form | None:
    """Read a block as a connection does: return its form if that is known, else learn it."""
    found = forms.find(fragment)
    if found is not None:
        return found[0]
    decoded = decoder.decode(fragment)
    asked = Exchange(CHANNEL, "http/2", "2", 0, 0, 1, 0, None, None, [])
    REQUEST_FIELDS.fill(asked, decoded.fields)
    forms.learn(fragment, decoded, asked)
    return None


def learned(fragment: bytes) -> tuple[Decoder, Forms]:
    """Return a decoder and its forms, after a path was added and a block read."""
    decoder = Decoder(is_complete=True)
    decoder.decode(ADDED_PATH)
    forms = Forms(decoder, Remembered(Counter()))
    assert read(decoder, forms, fragment) is None
    return decoder, forms


def test_another_traceparent_is_another_value_of_the_form() -> None:
    """Nothing else may differ."""
    _, forms = learned(block(FIRST))
    found = forms.find(block(SECOND))
    assert found is not None
    form, kept = found
    assert (form.method, form.target, kept) == (b"POST", b"/a", [(b"traceparent", SECOND)])
    assert forms.find(block(SECOND) + b"\x00\x01x\x01y") is None
    assert forms.find(BEGINNING) is None


def test_an_added_entry_changes_what_references_mean() -> None:
    """The same octets are another request then."""
    decoder, forms = learned(block(FIRST))
    decoder.decode(b"\x44\x02/b")
    assert forms.find(block(FIRST)) is None


def test_a_size_update_changes_what_references_mean() -> None:
    """Nothing was added, yet entry 62 is gone: the same octets are no request any more."""
    decoder, forms = learned(block(FIRST))
    assert decoder.decode(TO_NOTHING + TO_USUAL + b"\x83").error is None
    assert forms.find(block(FIRST)) is None
    assert decoder.decode(block(FIRST)).error is not None


def test_what_only_looks_like_a_traceparent_is_no_form() -> None:
    """The octets of one within the value of another field: its length would be read wrongly."""
    inner = b"\x00" + LITERAL + FIRST
    _, forms = learned(BEGINNING + b"\x00\x01x" + bytes([len(inner)]) + inner)
    assert forms.find(BEGINNING + b"\x00\x01x" + bytes([len(inner)]) + b"\x00" + LITERAL + SECOND) is None


def test_a_block_that_is_shorter_than_its_form_is_cut() -> None:
    """The octets before the value are the form's, and so are those behind it: none. Yet the value is not whole."""
    decoder, forms = learned(block(FIRST))
    for missing in (1, 20, 55):
        assert forms.find(block(SECOND)[:-missing]) is None
    assert decoder.decode(block(SECOND)[:-1]).error is not None


def test_learning_leaves_the_table_alone() -> None:
    """A hostile block has the octets of a traceparent twice: in the table, and across two fields that it consists of.

    Read with another value in that place the second field is longer, and what follows is added to the table.
    """
    value = bytes([54]) + b"x" * 54
    added = b"yyyyy\x40\x01k\x05wrong"
    decoder = Decoder(is_complete=True)
    decoder.decode(b"\x83\x40\x0btraceparent" + bytes([len(value)]) + value)
    forms = Forms(decoder, Remembered(Counter()))
    fragment = (
        BEGINNING + b"\x00" + bytes([len(LITERAL)]) + LITERAL + value + b"\x00\x01z" + bytes([len(added)]) + added
    )
    state, entries = decoder.table_state, list(decoder._window.entries)
    assert read(decoder, forms, fragment) is None
    assert (decoder.table_state, decoder._window.entries) == (state, entries)
    assert forms.find(fragment.replace(b"x" * 54, b"w" * 54)) is None


def test_an_indexed_value_is_not_mistaken_for_the_literal() -> None:
    """The traceparent is in the table; what looks like the beginning of one is the *name* of another field."""
    value = b"?" * 55
    decoder = Decoder(is_complete=True)
    decoder.decode(b"\x83\x40\x0btraceparent" + bytes([len(value)]) + value)
    forms = Forms(decoder, Remembered(Counter()))
    fragment = BEGINNING + b"\x00" + bytes([len(LITERAL)]) + LITERAL + value + b"y" * 9
    assert decoder.decode(fragment).error is None
    assert read(decoder, forms, fragment) is None
    assert forms.find(fragment.replace(value, b"?" + SECOND[1:])) is None


@given(
    st.lists(
        st.sampled_from([b"\x83", b"\xff\x80\x01", b"\x00\x01a\x02bc", b"\x4f\x01z", b"\x0f\x2f\x80", b"\x10\x00\x00"])
    )
)
def test_fields_begin_where_decoding_gets_to(fields: list[bytes]) -> None:
    """Each begins where the one before ends, and nowhere between."""
    octets = b"".join(fields)
    places = {sum(map(len, fields[:number])) for number in range(len(fields) + 1)}
    assert {place for place in range(len(octets) + 1) if begins_field(octets, place)} == places


def test_no_field_begins_behind_what_is_unreadable() -> None:
    """An integer without an end, and a string that is longer than the block."""
    assert not begins_field(b"\xff" * 20, 10)
    assert not begins_field(b"\x00\x7f", 2)
    assert not begins_field(b"\x00", 1)


# --- bounds ---


def fragment_of(number: int) -> bytes:
    """Return one of many blocks that change nothing."""
    return b"\x83\x86\x84\x00\x01n\x04" + b"%04d" % number


def test_forms_of_a_connection_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are forgotten and learned anew, and counted."""
    monkeypatch.setattr(limits, "HEADER_BLOCKS", 3)
    evictions: Counter[str] = Counter()
    remembered = Remembered(evictions)
    decoder = Decoder(is_complete=True)
    forms = Forms(decoder, remembered)
    for number in range(4):
        read(decoder, forms, fragment_of(number))
    assert evictions == {"header-block-cache": 3}
    assert [forms.find(fragment_of(number)) is not None for number in range(4)] == [False, False, False, True]


def test_long_blocks_are_not_remembered() -> None:
    """They cost most and come least."""
    decoder = Decoder(is_complete=True)
    forms = Forms(decoder, Remembered(Counter()))
    long = b"\x83\x86\x84" * limits.HEADER_BLOCK_BYTES
    assert read(decoder, forms, long) is None
    assert forms.find(long) is None


def test_forms_of_all_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection that began to remember first forgets, and can begin again; who is over gives back its room."""
    monkeypatch.setattr(limits, "HEADER_BLOCKS_TOTAL_BYTES", 2500)
    evictions: Counter[str] = Counter()
    remembered = Remembered(evictions)
    connections = [Decoder(is_complete=True) for _ in range(3)]
    forms = [Forms(decoder, remembered) for decoder in connections]
    for number in range(2):
        for decoder, each in zip(connections, forms, strict=True):
            read(decoder, each, fragment_of(number))
    assert remembered.octets <= 2500
    assert evictions == {"header-block-cache": 2}
    assert [each.find(fragment_of(1)) is not None for each in forms] == [False, True, True]
    read(connections[0], forms[0], fragment_of(5))
    assert forms[0].find(fragment_of(5)) is not None
    for each in forms:
        each.forget()
    assert (remembered.octets, len(remembered.flows)) == (0, 0)
