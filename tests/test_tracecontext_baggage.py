"""baggage: keys, faults and limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiresniff.model.limits import BAGGAGE_MEMBERS
from wiresniff.tracecontext.baggage import read_baggage


def test_the_example_of_the_standard() -> None:
    """Three members with properties and blanks: keys in order, no complaint."""
    value = b"key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue"
    assert read_baggage((value,)) == ((), (), ("key1", "key2", "key3"), 86)


def test_several_fields_are_one_list() -> None:
    """Limits and duplicates count over the combination."""
    assert read_baggage((b"a=1", b"a=2")) == ((), ("baggage-duplicate-key",), ("a", "a"), 7)


@pytest.mark.parametrize(
    ("value", "faults"),
    [
        (b"a=", ()),
        (b"a==1=", ()),
        (b"a=1;p;q = 2 ;r=", ()),
        (b"a", ("baggage-bad-member",)),
        (b"=1", ("baggage-bad-member",)),
        (b"a b=1", ("baggage-bad-member",)),
        (b"a=1;", ("baggage-bad-member",)),
        (b"a=1;b c", ("baggage-bad-member",)),
        (b"a=b c", ("baggage-bad-value-character",)),
        (b'a="1"', ("baggage-bad-value-character",)),
        (b"a=\xc3\xa9", ("baggage-bad-value-character",)),
        (b"a=1;p=\\", ("baggage-bad-value-character",)),
        (b"a=1\n", ("baggage-bad-value-character",)),
        (b"a=\x00,b", ("baggage-bad-value-character", "baggage-bad-member")),
    ],
)
def test_faults(value: bytes, faults: tuple[str, ...]) -> None:
    """A member without a key is told from a value with a character that is not allowed."""
    assert faults == read_baggage((value,)).faults


@pytest.mark.parametrize(
    ("value", "warnings"),
    [
        (b"a=%41%e2%82%AC", ()),
        (b"a=%", ("baggage-bad-percent-escape",)),
        (b"a=%4g", ("baggage-bad-percent-escape",)),
        (b"a=%ff", ("baggage-bad-percent-escape",)),
        (b"", ("baggage-empty-member",)),
        (b"a=1,,b=2", ("baggage-empty-member",)),
        (b"a=" + b"1" * 8190, ()),
        (b"a=" + b"1" * 8191, ("baggage-over-guaranteed-size",)),
        (b",".join(b"k%d=1" % number for number in range(64)), ()),
        (b",".join(b"k%d=1" % number for number in range(65)), ("baggage-over-guaranteed-size",)),
    ],
)
def test_warnings(value: bytes, warnings: tuple[str, ...]) -> None:
    """What is tolerated, and by whom it may be lost."""
    assert warnings == read_baggage((value,)).warnings


def test_members_beyond_the_limit_are_not_kept() -> None:
    """Memory is bounded, and the list is counted as too large."""
    seen = read_baggage((b",".join(b"k%d=1" % number for number in range(1000)),))
    assert len(seen.keys) == BAGGAGE_MEMBERS
    assert "baggage-over-guaranteed-size" in seen.warnings


@given(st.lists(st.text('ab=;, %4\t"\xe9', max_size=20).map(lambda text: text.encode("latin-1")), max_size=3))
def test_no_bytes_raise(values: list[bytes]) -> None:
    """Every key that is told stands in the field."""
    seen = read_baggage(tuple(values))
    assert all(key.encode("latin-1") in b",".join(values) for key in seen.keys)
