"""Huffman strings, integers and lengths, good and bad, against plain loops."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies.header_blocks import HUFFMAN, integer, string

from wiresniff.protocols.hpack.huffman import EOS, codes, decode_huffman
from wiresniff.protocols.hpack.primitives import read_integer, read_string
from wiresniff.protocols.hpack.undecodable import Undecodable, UndecodableError

SYMBOLS = {f"{code:0{length}b}": symbol for symbol, code, length in codes()}
"""By the bits of their codes."""


def by_the_book(octets: bytes) -> bytes | None:
    """Decode bit by bit as RFC 7541 5.2 says; None for an error."""
    string_so_far, bits = b"", ""
    for bit in "".join(f"{octet:08b}" for octet in octets):
        bits += bit
        symbol = SYMBOLS.get(bits)
        if symbol == EOS:
            return None
        if symbol is not None:
            string_so_far, bits = string_so_far + bytes([symbol]), ""
    return string_so_far if len(bits) < 8 and "0" not in bits else None


def decoded(octets: bytes) -> bytes | None:
    """Decode; None for an error."""
    try:
        return decode_huffman(octets)
    except UndecodableError as error:
        return None if error.reason is Undecodable.BAD_HUFFMAN else b"another error"


def refusal(octets: bytes) -> Undecodable:
    """Return why a string can't be read."""
    with pytest.raises(UndecodableError) as raised:
        read_string(octets, 0)
    return raised.value.reason


@given(st.binary(max_size=80) | st.text("0123456789abcdef-/.:=;, ", max_size=400).map(str.encode))
def test_what_was_encoded_comes_back(octets: bytes) -> None:
    """Any octets, and long strings of usual ones."""
    assert decode_huffman(HUFFMAN.encode(octets)) == octets


@pytest.mark.parametrize("octet", range(256))
def test_every_octet_alone_and_among_others(octet: int) -> None:
    """Codes of all lengths, at all places within an octet."""
    for before in range(8):
        octets = b"0" * before + bytes([octet]) + b"a1"
        assert decode_huffman(HUFFMAN.encode(octets)) == octets


@given(st.binary(max_size=12) | st.lists(st.sampled_from(b"\xff\xfe\x7f\xf8\x00\x1f"), max_size=8).map(bytes))
@example(b"\xff")
@example(b"\xff\xff\xff\xfc")
@example(b"\x07\xff")
def test_any_octets_mean_what_the_book_says(octets: bytes) -> None:
    """Errors too: EOS, padding that is too long or holds a zero."""
    assert decoded(octets) == by_the_book(octets)


@pytest.mark.parametrize("octet", range(256))
def test_padding_of_every_kind(octet: int) -> None:
    """Behind codes that end at each of the eight places of an octet."""
    tabulator = HUFFMAN.encode(b"\x09")  # 24 bits, and more than deflate takes
    for before in (b"", b"\x07", b"\x07\xff", b"\x00\x10", b"\x9f", tabulator):
        assert decoded(before + bytes([octet])) == by_the_book(before + bytes([octet]))


def test_a_long_string_with_a_remainder_of_255_bits_is_no_padding() -> None:
    """The remainder is taken modulo 255 only where fewer than 15 bits can be left over."""
    octets = HUFFMAN.encode(b"a" * 51 * 8)
    assert decoded(octets) == b"a" * 51 * 8
    assert decoded(octets + b"\xff" * 32) is None


@given(st.integers(0, 1 << 34), st.integers(1, 8))
def test_integers_come_back(number: int, bits: int) -> None:
    """With prefixes of any length (RFC 7541 5.1)."""
    octets = integer(number, bits, 0)
    most = (1 << bits) - 1
    if octets[0] == most:
        assert read_integer(octets + b"rest", 1, most) == (number, len(octets))


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", Undecodable.TRUNCATED),
        (b"\x80\x80", Undecodable.TRUNCATED),
        (b"\xff\xff\xff\xff", Undecodable.TRUNCATED),
        (b"\xff\xff\xff\xff\xff", Undecodable.INTEGER_TOO_LONG),
        (b"\x80" * 100 + b"\x00", Undecodable.INTEGER_TOO_LONG),
    ],
)
def test_integers_that_do_not_end(octets: bytes, reason: Undecodable) -> None:
    """Cut short, or longer than anything real."""
    with pytest.raises(UndecodableError) as raised:
        read_integer(octets, 0, 127)
    assert raised.value.reason is reason


@pytest.mark.parametrize(
    "octets", [b"", b"\x01", b"\x05abcd", b"\x7f", b"\x7f\x80", b"\x7f\xff\xff\xff\xff\x0fabc", b"\x85abcd"]
)
def test_strings_that_are_cut(octets: bytes) -> None:
    """Before, in and behind the length; however long they claim to be."""
    assert refusal(octets) is Undecodable.TRUNCATED


def test_strings_of_every_length() -> None:
    """Where the length takes one octet, two and three."""
    for length in (0, 1, 126, 127, 128, 254, 255, 300, 20_000):
        for is_huffman in (False, True):
            octets = string(b"a" * length, is_huffman=is_huffman)
            assert read_string(b"x" + octets + b"rest", 1) == (b"a" * length, 1 + len(octets))
