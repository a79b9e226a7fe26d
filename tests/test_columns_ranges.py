"""Ranges of rows, against plain loops."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from oracles import columns as oracle

from wiresniff.columns.ranges import ranges, which

BOUNDS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)))


@given(BOUNDS)
def test_rows_of_many_ranges(bounds: list[tuple[int, int]]) -> None:
    """In the order of the ranges, however they overlap; an empty one has none."""
    firsts = np.array([first for first, _ in bounds], dtype=np.int64)
    lasts = np.array([first + length for first, length in bounds], dtype=np.int64)
    assert ranges(firsts, lasts).tolist() == oracle.ranges(firsts.tolist(), lasts.tolist())
    assert which(firsts, lasts).tolist() == oracle.which(firsts.tolist(), lasts.tolist())
