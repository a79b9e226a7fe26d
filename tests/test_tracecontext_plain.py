"""Many traceparents at once are judged as each would be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiresniff.tracecontext import are_plain, plain
from wiresniff.tracecontext.plain import LENGTH

VALID = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CHANGES = st.tuples(st.integers(0, LENGTH - 1), st.sampled_from(b"0123456789abcdefgAF-_/:`@ \x00\xff\n"))


@st.composite
def values(draw: st.DrawFn) -> bytes:
    """Draw a valid traceparent with some characters changed, or an id of zeros."""
    octets = bytearray(draw(st.sampled_from([VALID, VALID.replace(b"0af7651916cd43dd", b"0" * 16)])))
    for start, stop in draw(st.sampled_from([[], [(3, 35)], [(36, 52)], [(3, 19)], [(3, 35), (36, 52)]])):
        octets[start:stop] = b"0" * (stop - start)
    for place, character in draw(st.lists(CHANGES, max_size=2)):
        octets[place] = character
    return bytes(octets)


@pytest.mark.parametrize("level", [1, 2])
@given(st.lists(values(), max_size=8))
def test_together_as_one_by_one(level: int, octets: list[bytes]) -> None:
    """The columns say of each value what the expression for a single one says."""
    table = np.frombuffer(b"".join(octets), dtype=np.uint8).reshape(-1, LENGTH)
    assert are_plain(table, level).tolist() == [bool(plain(level)(value)) for value in octets]
