"""tracestate lists: what is valid at which level, and what is worth a word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import tracestate as oracle

from wiresniff.tracecontext.tracestate import read_tracestate

PARTS = [
    b"a",
    b"0",
    b"@",
    b"=",
    b",",
    b" ",
    b"\t",
    b"_",
    b"/",
    b".",
    b"A",
    b";",
    b"~",
    b"\x7f",
    b"\xff",
    b"\n",
    b"a=1",
    b"b@v=2",
]
LONG = [b"k" * 255, b"t" * 241 + b"@" + b"s" * 13, b"v" * 255]


@given(
    st.lists(st.lists(st.sampled_from(PARTS), max_size=12).map(b"".join), min_size=1, max_size=3),
    st.sampled_from([1, 2]),
)
def test_short_lists_are_judged_as_the_grammar_says(fields: list[bytes], level: int) -> None:
    """The compiled expressions agree with the plain loop at both levels."""
    state = read_tracestate(tuple(fields), level)
    assert oracle.is_valid(fields, level) == (state.state == "valid")
    assert (state.state == "invalid") == bool(state.faults)


@given(st.lists(st.sampled_from([*PARTS, *LONG]), max_size=6).map(b"".join), st.sampled_from([1, 2]))
def test_long_parts_are_judged_as_the_grammar_says(field: bytes, level: int) -> None:
    """The limits of 256, 241 and 14 characters are exact."""
    assert oracle.is_valid([field], level) == (read_tracestate((field,), level).state == "valid")


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("byte", range(256))
def test_every_byte_in_key_and_value(byte: int, level: int) -> None:
    """Each of the 256 bytes, first, within and last in a key and in a value."""
    character = bytes([byte])
    for key in (character, character + b"k", b"k" + character + b"k", b"k" + character):
        for value in (character, character + b"v", b"v" + character + b"v", b"v" + character):
            for field in (key + b"=v", b"k=" + value, key + b"=" + value + b",x=y"):
                assert oracle.is_valid([field], level) == (read_tracestate((field,), level).state == "valid"), field


def test_exactly_32_members_are_allowed() -> None:
    """32 are valid, 33 are not, and empty ones do not count against them."""
    members = [b"k%d=1" % number for number in range(33)]
    assert read_tracestate((b",".join(members[:32]),), 2).state == "valid"
    assert read_tracestate((b",".join(members),), 2).faults == ("tracestate-more-than-32-members",)
    assert read_tracestate((b",,".join(members[:32]),), 2).warnings == (
        "tracestate-empty-member",
        "tracestate-more-than-32-members-counting-empty",
    )


def test_a_level_2_key_is_a_warning_or_at_level_1_a_fault() -> None:
    """One word, weighed by the level."""
    assert read_tracestate((b"0=1",), 2)[:] == ("valid", (), ("tracestate-key-not-level-1",))
    assert read_tracestate((b"0=1",), 1)[:] == ("invalid", ("tracestate-key-not-level-1",), ())


def test_a_duplicate_key_is_a_warning_or_at_level_1_a_fault() -> None:
    """Level 2 lets a receiver keep both; at Level 1 the list is lost."""
    assert read_tracestate((b"a=1", b"a=2"), 2)[:2] == ("valid", ())
    assert read_tracestate((b"a=1,a=2",), 1)[:2] == ("invalid", ("tracestate-duplicate-key",))


@pytest.mark.parametrize(
    ("value", "odd"),
    [
        (b"ot=th:c;rv:6e6d1a75832a2f", False),
        (b"ot=th:0", False),
        (b"ot=x:1", False),
        (b"ot=th:", True),
        (b"ot=th:fffffffffffffff", True),
        (b"ot=rv:12", True),
        (b"ot=th=1", True),
        (b"ot=th:c;", True),
        (b"other=th:", False),
    ],
)
def test_the_member_of_opentelemetry_itself(value: bytes, odd: bool) -> None:
    """`th` is 1 to 14 digits, `rv` exactly 14, all of it key:value pairs."""
    assert odd == ("tracestate-ot-member-odd" in read_tracestate((value,), 2).warnings)
