"""Samples of sequence numbers: few are looked at, and of one packet always the same, wherever it is seen."""

import numpy as np
from numpy.typing import NDArray

NUMBER_BITS = 32
MULTIPLIER = 0x9E37_79B1
"""2**32 by the golden ratio, odd."""


def is_sample(numbers: NDArray[np.uint32], bits: int) -> NDArray[np.bool_]:
    """Choose those of some sequence numbers (k,) whose hash begins with so many zero bits, one in 2**bits: (k,)."""
    is_chosen: NDArray[np.bool_] = (numbers * np.uint32(MULTIPLIER)) >> np.uint32(NUMBER_BITS - bits) == 0
    return is_chosen
