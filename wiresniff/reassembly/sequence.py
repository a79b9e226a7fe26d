"""Sequence numbers modulo 2^32 (RFC 9293 3.4), for one number and for columns of them."""

import numpy as np
from numpy.typing import NDArray

MODULUS = 1 << 32
_HALF = 1 << 31


def distance(ahead: int, behind: int) -> int:
    """How far `ahead` is in front of `behind`: -2^31 to 2^31-1, across the wrap."""
    return ((ahead - behind + _HALF) % MODULUS) - _HALF


def advance(sequence: int, octets: int) -> int:
    """Return the sequence number so many octets on."""
    return (sequence + octets) % MODULUS


def distances(ahead: NDArray[np.uint32], behind: NDArray[np.uint32]) -> NDArray[np.int64]:
    """`distance` of each row; (k,) uint32 each -> (k,) int64. Subtraction wraps, its sign is the answer."""
    return (ahead - behind).view(np.int32).astype(np.int64)
