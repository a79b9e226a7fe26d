"""Ranges of rows, many at once."""

import numpy as np
from numpy.typing import NDArray


def ranges(firsts: NDArray[np.int64], lasts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of all ranges, one range after the other.

    firsts  (k,) i8
    lasts   (k,) i8, one behind the last row; not below `firsts`
    ->      (sum of lengths,) i8; oracle: tests/oracles/columns.py
    """
    lengths = lasts - firsts
    before = np.cumsum(lengths) - lengths
    return np.repeat(firsts - before, lengths) + np.arange(int(lengths.sum()))


def which(firsts: NDArray[np.int64], lasts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each row of `ranges` the number of its range: (sum of lengths,) i8."""
    return np.repeat(np.arange(len(firsts)), lasts - firsts)
