"""HPACK that means harm: nothing raises, memory and work are bounded, what stands before an error is right."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies.header_blocks import ADDED, PLAIN, connections, indexed, literal, size_update

from wiresniff.model import limits
from wiresniff.protocols.hpack import Decoder, Undecodable, Unresolved
from wiresniff.protocols.hpack.table import ENTRY_OVERHEAD

METHOD = (b":method", b"GET")


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=60), max_size=6), st.booleans())
def test_any_octets_give_a_block(blocks: list[bytes], is_complete: bool) -> None:
    """Fields that are octets, an error that is a word, a window within its bound."""
    decoder = Decoder(is_complete=is_complete)
    for octets in blocks:
        fields, unresolved, error = decoder.decode(octets)
        assert all(type(octets) is bytes for field in fields for octets in field)
        assert all(isinstance(field, Unresolved) for field in unresolved)
        assert error is None or error in list(Undecodable)
        assert decoder.window_bytes <= limits.HEADER_WINDOW_BYTES


@given(connections(), st.integers(0, 100), st.integers(0, 255))
def test_a_damaged_octet_raises_nothing(connection: list[tuple[bytes, object]], at: int, octet: int) -> None:
    """In blocks that are nearly right."""
    decoder = Decoder(is_complete=False)
    for octets, _ in connection:
        damaged = bytearray(octets)
        damaged[at : at + 1] = [octet]
        decoder.decode(bytes(damaged))
        assert decoder.window_bytes <= limits.HEADER_WINDOW_BYTES


@given(connections())
def test_a_block_cut_anywhere_gives_its_beginning(connection: list[tuple[bytes, list[object]]]) -> None:
    """Fields before the cut, and `truncated` unless the cut is between two fields."""
    whole, fields = b"", []
    for octets, more in connection:
        if fields and octets[:1] and 0x20 <= octets[0] < 0x40:
            break
        whole, fields = whole + octets, fields + more
    for length in range(len(whole)):
        found = Decoder(is_complete=True).decode(whole[:length])
        assert found.fields == fields[: len(found.fields)]
        assert found.error in (None, Undecodable.TRUNCATED)


def test_a_literal_that_is_cut_is_not_added() -> None:
    """Neither in its name nor in its value."""
    whole = literal(ADDED, b"name", b"value")
    for length in range(1, len(whole)):
        decoder = Decoder(is_complete=True)
        assert decoder.decode(indexed(2) + whole[:length]) == ([METHOD], [], Undecodable.TRUNCATED)
        assert decoder.window_bytes == 0


@pytest.mark.parametrize(
    ("octets", "error"),
    [
        (b"\x80", Undecodable.INDEX_ZERO),
        (indexed(62), Undecodable.BEYOND_TABLE),
        (indexed(1 << 31), Undecodable.BEYOND_TABLE),
        (literal(PLAIN, 62, b"x"), Undecodable.BEYOND_TABLE),
        (b"\xff" * 20, Undecodable.INTEGER_TOO_LONG),
        (b"\x7f" + b"\xff" * 20, Undecodable.INTEGER_TOO_LONG),
        (b"\x3f" + b"\x80" * 20, Undecodable.INTEGER_TOO_LONG),
        (size_update(0), Undecodable.LATE_SIZE_UPDATE),
        (b"\x00\x7f" + b"\xff" * 20, Undecodable.INTEGER_TOO_LONG),
        (b"\x00\x7f\xff\xff\xff\xff\x07" + b"x" * 9, Undecodable.TRUNCATED),
        (b"\x01\x84\xff\xff\xff\xff", Undecodable.BAD_HUFFMAN),
        (b"\x01\x82\x07\xff", Undecodable.BAD_HUFFMAN),
    ],
)
def test_errors_have_words_and_keep_what_stands_before(octets: bytes, error: Undecodable) -> None:
    """Behind a field that is right."""
    assert Decoder(is_complete=True).decode(indexed(2) + octets) == ([METHOD], [], error)


def test_many_references_to_a_large_entry() -> None:
    """The decoded list is cut at its bound; the table is known still, so the next block is read."""
    decoder = Decoder(is_complete=True)
    value = b"v" * 4000
    found = decoder.decode(literal(ADDED, b"a", value) + indexed(62) * 100_000)
    assert found.error is Undecodable.HEADER_LIST_TOO_LARGE
    assert len(found.fields) == limits.HEADER_LIST_BYTES // (len(value) + 1 + ENTRY_OVERHEAD)
    assert decoder.decode(indexed(62)) == ([(b"a", value)], [], None)


def test_a_list_too_large_that_is_also_cut() -> None:
    """Then the table is not known, and that is what counts."""
    decoder = Decoder(is_complete=True)
    assert decoder.decode(literal(ADDED, b"a", b"b") + indexed(62) * 100_000 + b"\x40").error is Undecodable.TRUNCATED
    assert decoder.decode(indexed(62)) == ([], [Unresolved(1, -1, None)], None)


def test_some_references_to_a_large_entry() -> None:
    """It takes few octets to reach the bound."""
    found = Decoder(is_complete=True).decode(literal(ADDED, b"a", b"v" * 4000) + indexed(62) * 300)
    assert found.error is Undecodable.HEADER_LIST_TOO_LARGE


def test_one_field_larger_than_the_bound() -> None:
    """It goes; what stands before stays."""
    found = Decoder(is_complete=True).decode(indexed(2) + literal(PLAIN, b"a", b"v" * limits.HEADER_LIST_BYTES))
    assert found == ([METHOD], [], Undecodable.HEADER_LIST_TOO_LARGE)


def test_many_fields_of_one_octet() -> None:
    """Static entries count too."""
    found = Decoder(is_complete=True).decode(indexed(2) * 100_000)
    assert found.error is Undecodable.HEADER_LIST_TOO_LARGE
    assert len(found.fields) == limits.HEADER_LIST_BYTES // (len(b":methodGET") + ENTRY_OVERHEAD)


def test_many_unresolved_fields() -> None:
    """So do those that are not known, with what is known of them."""
    found = Decoder(is_complete=False).decode(indexed(62) * 100_000)
    assert found.error is Undecodable.HEADER_LIST_TOO_LARGE
    assert len(found.unresolved) == limits.HEADER_LIST_BYTES // ENTRY_OVERHEAD


def test_a_list_just_within_its_bound() -> None:
    """Nothing is cut."""
    fields = limits.HEADER_LIST_BYTES // (len(b":methodGET") + ENTRY_OVERHEAD)
    assert Decoder(is_complete=True).decode(indexed(2) * fields) == ([METHOD] * fields, [], None)


def test_a_table_as_large_as_may_be_said_stays_in_the_window() -> None:
    """Whatever size update says."""
    decoder = Decoder(is_complete=True)
    decoder.decode(size_update((1 << 32) - 1))
    for _ in range(200):
        decoder.decode(literal(ADDED, b"a", b"v" * 1000))
    assert limits.HEADER_WINDOW_BYTES - 1100 < decoder.window_bytes <= limits.HEADER_WINDOW_BYTES


@pytest.mark.parametrize(
    "piece",
    [
        indexed(2),
        indexed(200),
        b"\x40\x00\x00",
        literal(ADDED, b"name", b"value"),
        literal(ADDED, 62, b"x"),
        literal(PLAIN, b"\xff" * 20, b"\xff" * 20, is_huffman=True),
        literal(PLAIN, b"a" * 20, b"a" * 20, is_huffman=True),
    ],
)
def test_work_grows_with_the_octets(piece: bytes) -> None:
    """Eight times as many take some eight times as long, not sixty."""

    def seconds(pieces: int) -> float:
        octets, best = piece * pieces, float("inf")
        for _ in range(3):
            decoder = Decoder(is_complete=False)
            began = time.process_time()
            decoder.decode(octets)
            best = min(best, time.process_time() - began)
        return best

    pieces = 20_000 // len(piece)
    assert seconds(8 * pieces) < 24 * seconds(pieces)


def test_size_updates_without_end() -> None:
    """Each evicts what it must and costs no more."""
    decoder = Decoder(is_complete=True)
    assert decoder.decode(size_update(0) * 50_000 + size_update(4096) + indexed(2)) == ([METHOD], [], None)
