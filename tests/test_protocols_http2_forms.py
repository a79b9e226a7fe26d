"""Forms of header blocks: recognised as they would be decoded, and forgotten when the table means something else."""

from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Channel, Exchange
from wiresniff.protocols.hpack.decoder import Decoder
from wiresniff.protocols.http2.fields import RequestFields
from wiresniff.protocols.http2.forms import LITERAL, Forms

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


def learned(fragment: bytes) -> tuple[Decoder, Forms]:
    """Return a decoder and its forms, after a path was added and a block read."""
    decoder = Decoder(is_complete=True)
    decoder.decode(ADDED_PATH)
    forms = Forms(decoder)
    assert forms.find(fragment) is None
    decoded = decoder.decode(fragment)
    asked = Exchange(CHANNEL, "http/2", "2", 0, 0, 1, 0, None, None, [])
    REQUEST_FIELDS.fill(asked, decoded.fields)
    forms.learn(fragment, decoded, asked)
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
    inner = LITERAL + FIRST
    _, forms = learned(BEGINNING + b"\x00\x01x" + bytes([len(inner)]) + inner)
    assert forms.find(BEGINNING + b"\x00\x01x" + bytes([len(inner)]) + LITERAL + SECOND) is None
