"""Which worker follows a connection: by a hash of its addresses and ports, the same for both directions.

Few connections may carry everything (gRPC), and a hash alone would give three of five to one worker. So hashes fall
into buckets, and a bucket goes to the worker that had least to do when its first segments come, and stays there.

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


BUCKETS = 4096
"""With fewer connections most have one of their own; with more, chance shares them evenly."""
NOBODY = 255


class Shares:
    """Shares connections out between `count` workers."""

    def __init__(self, count: int) -> None:
        self._worker_of = np.full(BUCKETS, NOBODY, dtype=np.uint8)
        self._segments = np.zeros(count, dtype=np.int64)
        """That each worker had so far."""

    def of(self, endpoints: NDArray[np.void]) -> NDArray[np.uint8]:
        """Return the worker of each segment of a block: (k,) ENDPOINTS -> (k,) u1."""
        bucket = buckets_of(endpoints)
        segments = np.bincount(bucket, minlength=BUCKETS)
        new = np.flatnonzero((segments > 0) & (self._worker_of == NOBODY))
        had = self._segments.copy()
        for each in new[np.argsort(-segments[new], kind="stable")].tolist():
            worker = int(had.argmin())
            self._worker_of[each] = worker
            had[worker] += segments[each]
        worker_of = self._worker_of[bucket]
        self._segments += np.bincount(worker_of, minlength=len(self._segments))
        return worker_of


def buckets_of(endpoints: NDArray[np.void]) -> NDArray[np.int64]:
    """Return the bucket of each segment: (k,) ENDPOINTS -> (k,) i8, from 0 to BUCKETS - 1."""
    words = np.ascontiguousarray(endpoints).view(np.uint32).reshape(-1, WORDS)
    total = np.zeros(len(words), dtype=np.uint64)
    for word, multiplier in zip(words.T[:DOMAIN_WORD], MULTIPLIERS, strict=True):
        if word.any():  # most words of IPv4 addresses are 0, and add nothing
            total += word * multiplier
    total ^= total >> np.uint64(32)
    total *= MULTIPLIERS[0]
    return (total >> UPPER_BITS).astype(np.int64) % BUCKETS
