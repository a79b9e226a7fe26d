"""Sequence numbers modulo 2^32: the scalar, the columns and a plain loop agree, also across the wrap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import grouping as oracle

from wiresniff.reassembly.sequence import advance, distance, distances

NEAR_EDGES = st.builds(
    lambda edge, near: (edge + near) % 2**32, st.sampled_from((0, 2**31, 2**32 - 1)), st.integers(-3, 3)
)
NUMBERS = st.one_of(NEAR_EDGES, st.integers(0, 2**32 - 1))


@pytest.mark.parametrize(
    ("ahead", "behind", "expected"),
    [
        (5, 3, 2),
        (3, 5, -2),
        (10, 2**32 - 10, 20),
        (2**32 - 10, 10, -20),
        (0, 2**32 - 1, 1),
        (2**31, 0, -(2**31)),
        (2**31 - 1, 0, 2**31 - 1),
        (0, 2**31, -(2**31)),
    ],
)
def test_distance_across_the_wrap(ahead: int, behind: int, expected: int) -> None:
    """The shorter way round; of two equal ways the one backwards."""
    assert distance(ahead, behind) == expected


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1))
def test_scalar_columns_and_loop_agree(pairs: list[tuple[int, int]]) -> None:
    """One definition, three ways."""
    ahead, behind = (np.array(numbers, dtype=np.uint32) for numbers in zip(*pairs, strict=True))
    expected = [oracle.distance(*pair) for pair in pairs]
    assert [distance(*pair) for pair in pairs] == expected
    assert distances(ahead, behind).tolist() == expected


@given(NUMBERS, st.integers(-(2**31), 2**31 - 1))
def test_advancing_is_the_inverse_of_distance(sequence: int, octets: int) -> None:
    """So many octets on is so far ahead, and still a sequence number."""
    there = advance(sequence, octets)
    assert 0 <= there < 2**32
    assert distance(there, sequence) == octets
