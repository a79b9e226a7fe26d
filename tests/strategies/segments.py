"""Segment blocks of every make: a few connections, rows that nearly follow on, numbers around the wrap."""

from itertools import accumulate

import numpy as np
from hypothesis import strategies as st
from oracles.grouping import Row

from wiresniff.model.segments import ENDPOINTS, SegmentBlock

KEYS = tuple(bytes([number]) * 16 + bytes([number + 1]) * 16 + b"\x10\x00\x00\x50" + bytes(4) for number in range(4))
HASHES = (9, 3, 3, 2**64 - 1)
"""By key; two of them collide."""
EXPECTED = (2**32 - 6, 1000)
"""Next sequence number of each direction in every connection: one of them wraps soon."""


@st.composite
def rows(draw: st.DrawFn, most: int = 12) -> list[Row]:
    """Draw rows of a few connections in capture order; most follow on, some repeat a row before them."""
    made: list[Row] = []
    sent = {key: [0, 0] for key in KEYS}
    for _ in range(draw(st.integers(1, most))):
        if made and draw(st.integers(0, 4)) == 0:
            repeated = draw(st.sampled_from(made[-6:]))
            made.append(repeated._replace(cut_length=draw(st.sampled_from((repeated.cut_length,) * 3 + (3,)))))
            continue
        which, direction = draw(st.integers(0, 3)), draw(st.integers(0, 1))
        own, peer = sent[KEYS[which]][direction], sent[KEYS[which]][1 - direction]
        odd = draw(st.integers(0, 5)) == 0
        astray = draw(st.integers(-3, 3)) if odd else 0
        length = draw(st.integers(0, 5))
        row = Row(
            key=KEYS[which],
            hash=HASHES[which],
            direction=direction,
            sequence=(EXPECTED[direction] + own + astray) % 2**32,
            acknowledgement=(EXPECTED[1 - direction] + draw(st.integers(max(peer - 6, -3), peer + odd))) % 2**32,
            flags=draw(st.sampled_from((0x10, 0x18, 0x00, 0x02, 0x11, 0x11, 0x11, 0x14))) if odd else 0x10,
            length=length,
            cut_length=draw(st.sampled_from((0, 0, 3))) if odd else 0,
        )
        if not any(sent[KEYS[which]]) and draw(st.integers(0, 3)) == 0:  # a handshake, nearly always a whole one
            opener = row._replace(flags=0x02, length=draw(st.sampled_from((0, 0, 0, 1))), cut_length=0)
            answer = opener._replace(
                direction=1 - direction,
                sequence=EXPECTED[1 - direction],
                acknowledgement=(opener.sequence + draw(st.sampled_from((1, 1, 1, 2)))) % 2**32,
                flags=draw(st.sampled_from((0x12, 0x12, 0x12, 0x10))),
                length=0,
            )
            made += [opener, answer]
            continue
        sent[KEYS[which]][direction] += length
        made.append(row)
    pauses = st.lists(st.sampled_from((0, 1000, 10**9 // 2, 10**9 + 1)), min_size=len(made), max_size=len(made))
    times = accumulate(draw(pauses))
    return [row._replace(time_ns=time_ns) for row, time_ns in zip(made, times, strict=True)]


def block_of(some: list[Row]) -> SegmentBlock:
    """Return rows as a block; payload bytes are of no interest."""
    longest = max(row.length for row in some)
    count = len(some)
    block = SegmentBlock(
        buffer=bytes(longest),
        capture=0,
        number=np.arange(1, count + 1, dtype=np.int64),
        timestamp_ns=np.array([row.time_ns for row in some], dtype=np.int64),
        interface=np.zeros(count, dtype=np.int64),
        endpoints=np.frombuffer(b"".join(row.key for row in some), dtype=ENDPOINTS),
        connection_hash=np.array([row.hash for row in some], dtype=np.uint64),
        from_high=np.array([row.direction == 1 for row in some], dtype=np.bool_),
        sequence=np.array([row.sequence for row in some], dtype=np.uint32),
        acknowledgement=np.array([row.acknowledgement for row in some], dtype=np.uint32),
        flags=np.array([row.flags for row in some], dtype=np.uint8),
        payload_at=np.zeros(count, dtype=np.int64),
        payload_length=np.array([row.length for row in some], dtype=np.int64),
        cut_length=np.array([row.cut_length for row in some], dtype=np.int64),
    )
    block.check()
    return block
