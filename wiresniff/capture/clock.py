"""Timestamps of pcapng: units of any size, counted from 1970 and an offset, to nanoseconds without rounding twice."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LATEST_NS = 1 << 62
"""In 2116. Later times are taken for it, and times before 1970 for 1970, so that sums of times never overflow."""
NANOSECONDS = 1_000_000_000
NANOSECOND_DIGITS = 9
BINARY = 0x80
"""Bit of if_tsresol: the resolution is a power of two, not of ten."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How an interface counts time (options if_tsresol and if_tsoffset; RFC draft-ietf-opsawg-pcapng 4.2)."""

    resolution: int = 6
    """The option's byte: units of 10^-n seconds, or of 2^-n with the highest bit set."""
    offset_seconds: int = 0

    def nanoseconds(self, units: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Turn counts of units into nanoseconds since 1970, rounded down.

        units   (k,) u8
        ->      (k,) i8, from 0 to LATEST_NS; oracle: `exact`, one row at a time
        """
        digits = NANOSECOND_DIGITS - self.resolution
        offset_ns = self.offset_seconds * NANOSECONDS
        is_plain = digits >= 0 and 0 <= offset_ns < LATEST_NS
        if not is_plain or (len(units) and int(units.max()) * 10**digits + offset_ns > LATEST_NS):
            return np.array([self.exact(unit) for unit in units.tolist()], dtype=np.int64)
        time_ns: NDArray[np.int64] = units.astype(np.int64) * 10**digits + offset_ns
        return time_ns

    def exact(self, units: int) -> int:
        """Turn one count into nanoseconds since 1970."""
        exponent = self.resolution & ~BINARY
        per_second: int = (2 if self.resolution & BINARY else 10) ** exponent
        time_ns = units * NANOSECONDS // per_second + self.offset_seconds * NANOSECONDS
        return min(max(time_ns, 0), LATEST_NS)
