"""HPACK with the whole connection seen: exact, as the standard's examples, foreign encoders and another library say."""

import json
from pathlib import Path

import hpack
import pytest
from hypothesis import given
from oracles.hpack import STATIC
from strategies.header_blocks import ADDED, HUFFMAN, NEVER, PLAIN, Written, connections, indexed, literal, size_update

from wiresniff.protocols.hpack import Decoder, Field, HeaderBlock, Undecodable
from wiresniff.protocols.hpack.huffman import CODE_LENGTHS, codes
from wiresniff.protocols.hpack.table import STATIC_TABLE

STORIES = sorted((Path(__file__).parent / "vectors" / "hpack").rglob("story_*.json"))

DATE, LATER_DATE = b"Mon, 21 Oct 2013 20:13:21 GMT", b"Mon, 21 Oct 2013 20:13:22 GMT"
COOKIE = b"foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"
FIRST_REQUEST = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"www.example.com")]
SECOND_REQUEST = [*FIRST_REQUEST, (b"cache-control", b"no-cache")]
THIRD_REQUEST = [
    (b":method", b"GET"),
    (b":scheme", b"https"),
    (b":path", b"/index.html"),
    (b":authority", b"www.example.com"),
    (b"custom-key", b"custom-value"),
]
REDIRECT = [(b"cache-control", b"private"), (b"date", DATE), (b"location", b"https://www.example.com")]
LAST_RESPONSE = [
    (b":status", b"200"),
    (b"cache-control", b"private"),
    (b"date", LATER_DATE),
    (b"location", b"https://www.example.com"),
    (b"content-encoding", b"gzip"),
    (b"set-cookie", COOKIE),
]
TABLE_OF_256 = "3fe101"

EXAMPLES: dict[str, list[tuple[str, list[Field], int]]] = {
    "C.2.1": [("400a637573746f6d2d6b65790d637573746f6d2d686561646572", [(b"custom-key", b"custom-header")], 55)],
    "C.2.2": [("040c2f73616d706c652f70617468", [(b":path", b"/sample/path")], 0)],
    "C.2.3": [("100870617373776f726406736563726574", [(b"password", b"secret")], 0)],
    "C.2.4": [("82", [(b":method", b"GET")], 0)],
    "C.3": [
        ("828684410f7777772e6578616d706c652e636f6d", FIRST_REQUEST, 57),
        ("828684be58086e6f2d6361636865", SECOND_REQUEST, 110),
        ("828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565", THIRD_REQUEST, 164),
    ],
    "C.4": [
        ("828684418cf1e3c2e5f23a6ba0ab90f4ff", FIRST_REQUEST, 57),
        ("828684be5886a8eb10649cbf", SECOND_REQUEST, 110),
        ("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf", THIRD_REQUEST, 164),
    ],
    "C.5": [
        (
            TABLE_OF_256 + "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54"
            "6e1768747470733a2f2f7777772e6578616d706c652e636f6d",
            [(b":status", b"302"), *REDIRECT],
            222,
        ),
        ("4803333037c1c0bf", [(b":status", b"307"), *REDIRECT], 222),
        (
            (
                "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b"
                "425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31"
            ),
            LAST_RESPONSE,
            215,
        ),
    ],
    "C.6": [
        (
            TABLE_OF_256 + "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f"
            "0b97c8e9ae82ae43d3",
            [(b":status", b"302"), *REDIRECT],
            222,
        ),
        ("4883640effc1c0bf", [(b":status", b"307"), *REDIRECT], 222),
        (
            (
                "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af2708"
                "7f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007"
            ),
            LAST_RESPONSE,
            215,
        ),
    ],
}
"""RFC 7541 Appendix C: octets, fields, size of the table afterwards."""


def decoded(fields: list[Field]) -> HeaderBlock:
    """Return what a block of these fields says."""
    return HeaderBlock(fields, [], None)


def failed(error: Undecodable, fields: list[Field] | None = None) -> HeaderBlock:
    """Return what a block says that ends with an error behind some fields."""
    return HeaderBlock(fields or [], [], error)


@pytest.mark.parametrize("section", EXAMPLES)
def test_examples_of_the_standard(section: str) -> None:
    """Fields and sizes of the table, block after block."""
    decoder = Decoder(is_complete=True)
    for octets, fields, table_bytes in EXAMPLES[section]:
        assert decoder.decode(bytes.fromhex(octets)) == decoded(fields)
        assert decoder.window_bytes == table_bytes


@pytest.mark.parametrize("path", STORIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_stories_of_other_encoders(path: Path) -> None:
    """Every block of every encoder gives its fields, in order."""
    decoder = Decoder(is_complete=True)
    for case in json.loads(path.read_text())["cases"]:
        if "header_table_size" in case:
            decoder.resize(case["header_table_size"])
        fields = [(name.encode(), value.encode()) for field in case["headers"] for name, value in field.items()]
        assert decoder.decode(bytes.fromhex(case["wire"])) == decoded(fields)


def test_the_stories_are_there() -> None:
    """Of 14 encoders, with and without size updates."""
    assert len({path.parent for path in STORIES}) == 14


@given(connections())
def test_agrees_with_the_library(blocks: list[Written]) -> None:
    """Block for block, the size of the table included."""
    decoder, library = Decoder(is_complete=True), hpack.Decoder()
    library.max_allowed_table_size = 20_000
    for block in blocks:
        fields = [(bytes(name), bytes(value)) for name, value in library.decode(block.octets, raw=True)]
        assert fields == block.fields
        assert decoder.decode(block.octets) == decoded(fields)
        assert decoder.window_bytes == library.header_table._current_size


def test_the_static_table_is_the_standards() -> None:
    """As another library has it."""
    assert list(STATIC_TABLE) == STATIC


def test_the_code_is_the_standards() -> None:
    """The lengths give the very codes of Appendix B."""
    assert {symbol: code for symbol, code, _ in codes()} == dict(enumerate(HUFFMAN.huffman_code_list))
    assert list(CODE_LENGTHS) == HUFFMAN.huffman_code_list_lengths


@pytest.mark.parametrize("form", [ADDED, PLAIN, NEVER])
def test_only_the_added_literal_can_be_referred_to(form: str) -> None:
    """The others leave the table as it is."""
    decoder = Decoder(is_complete=True)
    decoder.decode(literal(form, b"a", b"b"))
    again = decoder.decode(indexed(62))
    assert again == (decoded([(b"a", b"b")]) if form == ADDED else failed(Undecodable.BEYOND_TABLE))


def test_an_entry_too_large_empties_the_table() -> None:
    """It is a field all the same (RFC 7541 4.4)."""
    decoder = Decoder(is_complete=True)
    decoder.decode(literal(ADDED, b"a", b"b"))
    large = b"x" * 5000
    assert decoder.decode(literal(ADDED, b"large", large)) == decoded([(b"large", large)])
    assert decoder.window_bytes == 0
    assert decoder.decode(indexed(62)) == failed(Undecodable.BEYOND_TABLE)


def test_a_name_may_come_from_the_entry_that_makes_room() -> None:
    """The name is taken before anything is evicted (RFC 7541 4.4)."""
    decoder = Decoder(is_complete=True)
    decoder.decode(size_update(64) + literal(ADDED, b"name", b"a"))
    assert decoder.decode(literal(ADDED, 62, b"longer value") + indexed(62)) == decoded(
        [(b"name", b"longer value")] * 2
    )
    assert decoder.window_bytes == len(b"namelonger value") + 32


def test_size_updates_obey_the_settings_once_they_are_seen() -> None:
    """Before, any size may have been allowed by settings that were not seen."""
    assert Decoder(is_complete=True).decode(size_update(1 << 20) + indexed(2)) == decoded([(b":method", b"GET")])
    decoder = Decoder(is_complete=True)
    decoder.resize(1000)
    assert decoder.decode(size_update(1000)) == decoded([])
    assert decoder.decode(size_update(1001)) == failed(Undecodable.SIZE_UPDATE_TOO_LARGE)


def test_a_size_update_comes_first() -> None:
    """Behind a field it is an error (RFC 7541 4.2); several may follow each other."""
    assert Decoder(is_complete=True).decode(size_update(0) + size_update(100)) == decoded([])
    found = Decoder(is_complete=True).decode(indexed(2) + size_update(100) + indexed(2))
    assert found == failed(Undecodable.LATE_SIZE_UPDATE, [(b":method", b"GET")])
