"""Timestamps of pcapng, in any unit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from oracles.capture import time_of

from wiresniff.capture.clock import LATEST_NS, Clock

units = st.integers(0, 2**64 - 1) | st.integers(0, 2**53)


@given(st.lists(units, max_size=5), st.integers(0, 255), st.integers(-(2**63), 2**63 - 1) | st.integers(-10, 10))
def test_every_clock_rounds_down_once(counts: list[int], resolution: int, offset_seconds: int) -> None:
    """The columns give what exact arithmetic gives, for every resolution and offset."""
    times = Clock(resolution, offset_seconds).nanoseconds(np.array(counts, dtype=np.uint64))
    assert times.tolist() == [time_of(count, resolution, offset_seconds) for count in counts]


def test_microseconds_are_not_rounded() -> None:
    """A float would lose the last digits of any time since 1970."""
    assert Clock().nanoseconds(np.array([1_700_000_000_123_457], dtype=np.uint64)).tolist() == [
        1_700_000_000_123_457_000
    ]


def test_times_beyond_reason_stop_at_a_limit() -> None:
    """Later sums of times must not overflow."""
    assert Clock(0).nanoseconds(np.array([2**64 - 1], dtype=np.uint64)).tolist() == [LATEST_NS]
