"""Many traceparents at once: which of them are valid with nothing to be said.

The only module of this package that knows arrays. What it says of a value is what `traceparent.PLAIN` says.
"""

import numpy as np
from numpy.typing import NDArray

LENGTH = 55
TRACE_ID = slice(3, 35)
HIGH_HALF_OF_TRACE_ID = slice(3, 19)
PARENT_ID = slice(36, 52)
LAST_DIGIT = 54
FRAME = ((0, b"0"), (1, b"0"), (2, b"-"), (35, b"-"), (52, b"-"), (53, b"0"))
"""What is the same in all plain values: version, dashes, the first digit of the flags."""
LAST_DIGITS = {1: b"01", 2: b"0123"}
"""Flags by level: sampled, and from level 2 on random."""


def are_plain(values: NDArray[np.uint8], level: int) -> NDArray[np.bool_]:
    """Tell which values are valid with nothing to be said.

    values  (n, 55) u1
    ->      (n,); oracle: `traceparent.PLAIN`, one by one
    """
    # Bytes below the first digit or letter wrap around to large numbers: two comparisons instead of four.
    odd = ((values - ord("0")) > 9) & ((values - ord("a")) > 5)  # noqa: PLR2004  # digits, letters to f
    is_plain: NDArray[np.bool_] = np.logical_not(odd[:, TRACE_ID].any(axis=1) | odd[:, PARENT_ID].any(axis=1))
    for place, character in FRAME:
        is_plain &= values[:, place] == character[0]
    is_plain &= (values[:, HIGH_HALF_OF_TRACE_ID] != ord("0")).any(axis=1)
    is_plain &= (values[:, PARENT_ID] != ord("0")).any(axis=1)
    last = values[:, LAST_DIGIT]
    is_plain &= (last >= LAST_DIGITS[level][0]) & (last <= LAST_DIGITS[level][-1])
    return is_plain
