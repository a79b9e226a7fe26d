"""Which worker follows a connection: a hash of its addresses and ports, the same for both directions.

What keeps equal addresses apart (VLAN tags, tunnels) is left out, so that one connection seen in two networks, or at
two places of capture, is followed by one worker. The hash has no key: whoever knows it can make one worker busy, not
more; tables are hashed with a key of their own.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wiresniff.model.segments import ENDPOINTS

WORDS: Final = ENDPOINTS.itemsize // 4
DOMAIN_WORD = WORDS - 1
"""The last 32 bits of ENDPOINTS."""
MULTIPLIERS = np.array(
    [
        0x9E37_79B9_7F4A_7C15, 0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB, 0xD6E8_FEB8_6659_FD93,
        0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9, 0x85EB_CA77_C2B2_AE63, 0xA076_1D64_78BD_642F,
        0xE703_7ED1_A0B4_28DB,
    ],
    dtype=np.uint64,
)  # fmt: skip
"""Odd numbers with well mixed bits, of splitmix64, xxHash and wyhash: one for each word."""
UPPER_BITS = np.uint64(40)
"""Shifted out: the upper bits of a product depend on all lower ones."""


def shares_of(endpoints: NDArray[np.void], shares: int) -> NDArray[np.uint8]:
    """Return the share of each segment: (k,) ENDPOINTS -> (k,) u1, from 0 to shares - 1."""
    words = np.ascontiguousarray(endpoints).view(np.uint32).reshape(-1, WORDS)
    total = np.zeros(len(words), dtype=np.uint64)
    for word, multiplier in zip(words.T[:DOMAIN_WORD], MULTIPLIERS, strict=True):
        if word.any():  # most words of IPv4 addresses are 0, and add nothing
            total += word * multiplier
    total ^= total >> np.uint64(32)
    total *= MULTIPLIERS[0]
    return ((total >> UPPER_BITS) % np.uint64(shares)).astype(np.uint8)
