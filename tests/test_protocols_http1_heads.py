"""Heads of responses known in columns, against looking them up one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiresniff.protocols.http1 import heads
from wiresniff.protocols.http1.heads import UNKNOWN, USES_WORTH_IT, KnownHeads
from wiresniff.protocols.http1.templates import UNKNOWN as UNKNOWN_HEAD
from wiresniff.protocols.http1.templates import ResponseTemplates

HEADS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5",
    b"HTTP/1.1 200 OK\r\nContent-Length: 6",
    b"HTTP/1.1 404 No\r\nContent-Length: 5",
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 0",
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20,
]
SEGMENTS = st.tuples(
    st.sampled_from([*HEADS, b"", b"HTTP/1.1 200 OK\r\nContent-Length: 7"]),
    st.sampled_from((b"\r\n\r\n", b"\r\n\r\n", b"\r\n\r\nhello\r\n\r\n", b"\r\n", b"", b"0\r\n\r\n")),
).map(b"".join)


def column(values: list[int]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Return a column."""
    return np.array(values, dtype=np.int64)


@given(st.sets(st.sampled_from(HEADS)), st.lists(SEGMENTS, max_size=8), st.integers(0, 9))
def test_heads_are_known_by_all_their_bytes(met: set[bytes], segments: list[bytes], behind: int) -> None:
    """Whatever follows on them, wherever they lie; what begins or ends like them is not."""
    known, templates = KnownHeads(), ResponseTemplates()
    for number, octets in enumerate(sorted(met)):
        says = (200 + number, number)
        known.meet([(octets, says)] * USES_WORTH_IT)
        templates.learn(octets, says)
    buffer, starts, stops = b"", [], []
    for octets in segments:
        starts.append(len(buffer))
        buffer += octets
        stops.append(len(buffer))
    buffer += b"\r" * behind
    length, says_of = known.find(np.frombuffer(buffer, np.uint8), column(starts), column(stops))
    ends, expected = templates.find_all(buffer, starts, stops)
    for at, end, head, found, says_it in zip(starts, ends, expected, length.tolist(), says_of.tolist(), strict=True):
        is_enough = len(buffer) - at >= max(map(len, HEADS)) + 8  # what is compared is a whole number of words
        if head is UNKNOWN_HEAD:
            assert found == UNKNOWN
        elif found != UNKNOWN or is_enough:
            assert (found, tuple(says_it)) == (end - at, head)


def test_heads_that_come_seldom_are_not_looked_for() -> None:
    """Each costs a comparison with every response."""
    known = KnownHeads()
    known.meet([(HEADS[0], (200, 5))] * (USES_WORTH_IT - 1))
    assert known.find(np.frombuffer(HEADS[0] + b"\r\n\r\n" * 9, np.uint8), column([0]), column([50]))[0] == [UNKNOWN]


def test_the_oldest_head_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """A head that is met again is no longer the oldest."""
    monkeypatch.setattr(heads, "REMEMBERED", 2)
    known = KnownHeads()
    for octets in (HEADS[0], HEADS[1], HEADS[0], HEADS[2]):
        known.meet([(octets, (200, 5))] * USES_WORTH_IT)
    raw = np.frombuffer(b"".join(octets + b"\r\n\r\n" for octets in HEADS[:3]) + b"\0" * 8, np.uint8)
    size = len(HEADS[0]) + 4
    length, _ = known.find(raw, column([0, size, 2 * size]), column([size, 2 * size, 3 * size]))
    assert (length != UNKNOWN).tolist() == [True, False, True]
