"""Heads of responses that repeat, recognised in columns: a server says the same until its clock ticks.

Theory of operation. Heads are told by their length first: where a head of a known length ends, there is an empty line.
All heads of one length are then compared at once: a hash of their words says which known head each may be, and the
words themselves say whether it is. No byte is left out, so a collision costs time and nothing else.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from wiresniff.columns.gather import gather
from wiresniff.protocols.http1.grammar import END_OF_HEAD, ResponseHead
from wiresniff.protocols.http1.turns import Ints

WORD = 8
REMEMBERED = 64
"""Heads looked for at once: the answers of a few servers within a second; the oldest make room."""
USES_WORTH_IT = 4
"""A head that came so often in one block will come again."""
UNKNOWN = -1

_END = np.frombuffer(END_OF_HEAD, dtype=np.uint32)[0]
_EMPTY_LINE = np.dtype(f"V{len(END_OF_HEAD)}")
_GOLDEN = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio: multiples of it are spread over all bits."""


class HeadTable:
    """Known heads of one length."""

    def __init__(self, heads: list[tuple[bytes, ResponseHead]]) -> None:
        self.length = len(heads[0][0])
        self.width = -(-self.length // WORD) * WORD
        words = [np.frombuffer(octets.ljust(self.width, b"\0"), dtype=np.uint64) for octets, _ in heads]
        self._care = np.frombuffer((b"\xff" * self.length).ljust(self.width, b"\0"), dtype=np.uint64)
        self._factors = (
            np.arange(1, self.width // WORD + 1, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        ) * np.uint64(_GOLDEN)
        hashes = np.array([self._hash(row[np.newaxis])[0] for row in words], dtype=np.uint64)
        order = np.argsort(hashes)
        self._hashes = hashes[order]
        self._words = np.stack(words)[order]
        self.says = np.array([head for _, head in heads], dtype=np.int64)[order]
        """(m, 2) status and framing"""

    def _hash(self, words: NDArray[np.uint64]) -> NDArray[np.uint64]:
        hashes: NDArray[np.uint64] = (words * self._factors).sum(axis=1, dtype=np.uint64)
        return hashes

    def find(self, raw: NDArray[np.uint8], start: Ints) -> Ints:
        """Tell which known head each position begins, by row of `says`; `UNKNOWN` for none: (k,) -> (k,)."""
        words = gather(raw, start, np.dtype(f"V{self.width}")).view(np.uint64).reshape(-1, self.width // WORD)
        words &= self._care
        row = np.minimum(np.searchsorted(self._hashes, self._hash(words)), len(self._hashes) - 1)
        return np.where((words == self._words[row]).all(axis=1), row, UNKNOWN)


class KnownHeads:
    """Heads that came often lately."""

    def __init__(self) -> None:
        self._heads: dict[bytes, ResponseHead] = {}
        self._tables: list[HeadTable] = []

    def find(self, raw: NDArray[np.uint8], start: Ints, stop: Ints) -> tuple[Ints, Ints]:
        """Look for a known head in each segment.   oracle: `ResponseTemplates.find_all`.

        start, stop  (k,) i8
        ->           (k,) its length, `UNKNOWN` where there is none; (k, 2) status and framing
        """
        length = np.full(len(start), UNKNOWN, dtype=np.int64)
        says = np.zeros((len(start), 2), dtype=np.int64)
        left = np.arange(len(start))
        for table in self._tables:
            at = start[left]
            end = at + table.length
            fits = (end + len(END_OF_HEAD) <= stop[left]) & (at + table.width <= len(raw))
            rows, at, end = left[fits], at[fits], end[fits]
            ends_there = gather(raw, end, _EMPTY_LINE).view(np.uint32) == _END
            rows, at = rows[ends_there], at[ends_there]
            known = table.find(raw, at)
            is_known = known != UNKNOWN
            length[rows[is_known]] = table.length
            says[rows[is_known]] = table.says[known[is_known]]
            left = left[length[left] == UNKNOWN]
        return length, says

    def meet(self, heads: Iterable[tuple[bytes, ResponseHead]]) -> None:
        """Take heads, without their empty lines, that were not found here and were read otherwise."""
        frequent = {one: uses for one, uses in Counter(heads).items() if uses >= USES_WORTH_IT}
        if not frequent:
            return
        for octets, head in frequent:
            self._heads.pop(octets, None)
            self._heads[octets] = head
        for octets in list(self._heads)[:-REMEMBERED]:
            del self._heads[octets]
        by_length: dict[int, list[tuple[bytes, ResponseHead]]] = {}
        for octets, head in self._heads.items():
            by_length.setdefault(len(octets), []).append((octets, head))
        self._tables = [HeadTable(by_length[length]) for length in sorted(by_length)]
