"""Walking over records of which each tells only where the next one begins, at many places at once.

Theory of operation. The walk is a chain: nothing in it can be done before what comes before it. But where records
begin can be guessed, from bytes that all their headers have. The buffer is cut into lanes that begin at such guesses,
all lanes walk a step at a time, as a column, and then each is asked whether it came out exactly where the next one
began. The first lane begins at a record for certain; so those up to the first that missed are what one walk from the
beginning would have found, whatever the guesses were. The rest is left to that walk.
"""

import struct
from typing import NamedTuple

import numpy as np

from wiresniff.capture.records import Column
from wiresniff.columns.gather import everywhere

LANE_BYTES = 32 * 1024
"""From one guess to the next: of the 256 lanes of 8 MiB, guessing takes a fifth of the time, and walking the rest."""
SEARCH_BYTES = 2048
"""Searched for a guess: more than a packet of an Ethernet. Where packets are larger, there are few to walk over."""
LEAST_LANES = 8
"""With fewer, one walk is quicker."""
STEPS = 16
"""Between two looks how many lanes are done."""
MOST_STEPS = 1024
"""Of all lanes together: twice those of one full of the smallest TCP packets. A false guess may never get on."""
STRAGGLERS = 16
"""One lane of so many is not waited for: a step of few takes as long as a step of all, so they go on alone."""


class Chain(NamedTuple):
    """How a record says where the next one begins."""

    order: str
    """`<` or `>`: of its length, an unsigned integer of 32 bits."""
    length_at: int
    """Where in the record that is."""
    extra_bytes: int
    """What the length leaves out: one at least."""


def leap(buffer: bytes, start: int, chain: Chain, mark: bytes, mark_at: int) -> tuple[Column, int]:
    """Walk as far as the guesses allow.

    start    of a record
    mark     what every header has at `mark_at`, as far as anybody can guess
    ->       (k,) i8, where records begin, from `start` on; and where the next one begins
    """
    starts = _guesses(buffer, start, mark, mark_at)
    if len(starts) < LEAST_LANES:
        return np.empty(0, dtype=np.int64), start
    stops = starts[1:]
    together = _walk_together(buffer, starts[:-1], stops, chain)
    is_within = together < stops
    steps = is_within.sum(axis=0)
    is_through = steps < len(together)
    ends = together[np.minimum(steps, len(together) - 1), np.arange(len(stops))]
    alone, at = [], []
    for lane in np.flatnonzero(~is_through).tolist():
        walked, ends[lane] = walk(buffer, int(ends[lane]), int(stops[lane]), chain)
        alone.append(walked[1:])
        at.append(np.full(len(walked) - 1, steps[: lane + 1].sum()))
    positions = together.T[is_within.T]
    if alone:
        positions = np.insert(positions, np.concatenate(at), np.concatenate(alone))
    has_missed = ends != stops
    behind = int(starts[has_missed.argmax()] if has_missed.any() else starts[-1])
    return positions[: np.searchsorted(positions, behind)], behind


def walk(buffer: bytes, start: int, stop: int, chain: Chain) -> tuple[Column, int]:
    """Walk from record to record: one read and one append each, and nothing else.

    stop  at most one behind the last record whose length is wholly there
    ->    (k,) i8, where records begin, as far as that is before `stop`; and where the next one would
    """
    unpack_from = struct.Struct(f"{chain.order}I").unpack_from
    length_at, extra_bytes = chain.length_at, chain.extra_bytes
    positions: list[int] = []
    append = positions.append
    at, stop = start + length_at, stop + length_at
    while at < stop:
        append(at)
        (length,) = unpack_from(buffer, at)
        at += length + extra_bytes
    return np.fromiter(positions, dtype=np.int64, count=len(positions)) - length_at, at - length_at


def _guesses(buffer: bytes, start: int, mark: bytes, mark_at: int) -> Column:
    """Return where lanes begin: at `start`, and at the first mark of every `LANE_BYTES` behind it."""
    find = buffer.find
    stop = len(buffer) - SEARCH_BYTES
    found = [find(mark, at, at + SEARCH_BYTES) for at in range(start + LANE_BYTES, stop, LANE_BYTES)]
    return np.array([start, *(at - mark_at for at in found if at >= 0)], dtype=np.int64)


def _walk_together(buffer: bytes, starts: Column, stops: Column, chain: Chain) -> Column:
    """Walk from all starts at once, until nearly every lane is past its stop.

    ->  (steps, lanes) i8, where records begin; a lane that is past its stop walks on, and none leaves the buffer
    """
    length = everywhere(np.frombuffer(buffer, dtype=np.uint8), np.dtype(f"{chain.order}u4"))[chain.length_at :]
    last = len(length) - 1
    walked = np.empty((MOST_STEPS, len(starts)), dtype=np.int64)
    walked[0] = starts
    for step in range(1, MOST_STEPS):
        at, then = walked[step - 1], walked[step]
        np.add(at, length[at], out=then)
        then += chain.extra_bytes
        np.minimum(then, last, out=then)
        if step % STEPS == 0 and np.count_nonzero(then < stops) * STRAGGLERS <= len(stops):
            return walked[: step + 1]
    return walked
