"""Series of pairs and interfaces: counters that never go down, bounded in number, gone when idle.

What was counted stays where it was counted. A pair that gets a better name later goes on under that name, from 0; the
old one stands still and expires whole after `limits.PAIR_SECONDS`, as Prometheus expects of what is gone.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from operator import add
from typing import NamedTuple

from wiresniff.model import limits
from wiresniff.model.capture_state import InterfaceState
from wiresniff.model.growth import NOTHING, Growth, Numbers, Reporter, summed
from wiresniff.model.totals import OTHER


class PairSeries(NamedTuple):
    """Everything that is exposed of one pair. Immutable: growth makes another one, so that a snapshot shares it."""

    client: str
    server: str
    reporter: Reporter
    numbers: Numbers
    """Of all protocols."""
    verdicts: Mapping[str, tuple[int, ...]]
    """Per protocol, in the order of `Verdict`; protocols without a request are left out."""

    def grown(self, protocol: str, numbers: Numbers) -> "PairSeries":
        """Return the pair with more to it."""
        verdicts = self.verdicts
        if any(numbers.verdicts):
            before = verdicts.get(protocol)
            more = numbers.verdicts
            if before is not None:
                more = tuple(map(add, before, more))
            verdicts = {**verdicts, protocol: more}
        return PairSeries(self.client, self.server, self.reporter, self.numbers.plus(numbers), verdicts)


def label(text: str) -> str:
    """Return a label value that UTF-8 can say: a policy may name a lone surrogate. What is exposed escapes the rest."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


class HopSeries(NamedTuple):
    """Hops from one service to another, whichever end is local: servers of one name may be here and elsewhere."""

    client: str
    server: str
    hops: Mapping[str, int]
    """Per `outcome:confidence`."""


PairKey = tuple[str, str, Reporter]
Ends = tuple[str, str]


def empty_pair(client: str, server: str, reporter: Reporter) -> PairSeries:
    """Return a pair of which nothing was counted yet."""
    return PairSeries(client, server, reporter, Numbers(), {})


MARK_SECONDS = 60
MARKS = 5
"""Minutes that "now" is for a person who looks at pairs."""


class Earlier(NamedTuple):
    """What pairs had counted some minutes ago."""

    seconds: float
    """How long ago."""
    numbers: Mapping[PairKey, Numbers]
    """Pairs that had not been seen are not there."""


class PairTable:
    """Series of pairs, at most `limits.PAIRS`; further pairs are one, `other`."""

    def __init__(self, now: float) -> None:
        self._pairs: dict[PairKey, PairSeries] = {}
        self._changed: dict[PairKey, float] = {}
        """Seconds, in the order of changes: the first expires first."""
        self._external: set[PairKey] = set()
        self._hops: dict[Ends, Mapping[str, int]] = {}
        """Of all reporters' pairs together, for as long as one of them is there."""
        self._marks: deque[tuple[float, dict[PairKey, Numbers]]] = deque([(now, {})], maxlen=MARKS)

    def add(self, growth: Iterable[Growth], now: float) -> None:
        """Count what grew; `now` in seconds."""
        for grown in growth:
            key: PairKey = (label(grown.client), label(grown.server), grown.reporter)
            if key not in self._pairs:
                key = self._begun(key, is_external=grown.is_external)
            self._pairs[key] = self._pairs[key].grown(grown.protocol, grown.numbers)
            self._count_hops(key[:2], grown.numbers)
            self._changed.pop(key, None)
            self._changed[key] = now
        self._expire(now)

    def _begun(self, key: PairKey, *, is_external: bool) -> PairKey:
        """Begin a pair if there is room; return under what it is counted."""
        has_room = len(self._pairs) < limits.PAIRS
        if is_external:
            has_room = has_room and len(self._external) < limits.EXTERNAL_PAIRS
        if not has_room:
            key = (OTHER, OTHER, key[2])
        elif is_external:
            self._external.add(key)
        self._pairs.setdefault(key, empty_pair(*key))
        return key

    def _count_hops(self, ends: Ends, numbers: Numbers) -> None:
        if numbers.hops or numbers.requests:
            before = self._hops.get(ends, NOTHING)
            self._hops[ends] = summed(before, numbers.hops)

    def _expire(self, now: float) -> None:
        while self._changed:
            key, changed = next(iter(self._changed.items()))
            if now - changed < limits.PAIR_SECONDS:
                break
            del self._changed[key], self._pairs[key]
            self._external.discard(key)
            if not any((*key[:2], reporter) in self._pairs for reporter in Reporter):
                self._hops.pop(key[:2], None)

    def pairs(self) -> tuple[PairSeries, ...]:
        """Return all pairs; they don't change any more."""
        return tuple(self._pairs.values())

    def hops(self) -> tuple[HopSeries, ...]:
        """Return the hops of all pairs with requests."""
        return tuple(HopSeries(*ends, hops) for ends, hops in self._hops.items())

    def earlier(self, now: float) -> Earlier:
        """Return what was counted `MARKS` minutes ago, or at the start; marks what is counted now for later."""
        if now - self._marks[-1][0] >= MARK_SECONDS:
            self._marks.append((now, {key: pair.numbers for key, pair in self._pairs.items()}))
        then, numbers = self._marks[0]
        return Earlier(now - then, numbers)


class Odometers:
    """Numbers that only go up, though what counts them may begin anew."""

    def __init__(self) -> None:
        self._totals: dict[str, int] = {}
        self._last: dict[str, int] = {}

    def read(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Return the totals after `counts`; a count below the last one began anew from 0."""
        for word, count in counts.items():
            self._totals[word] = self._totals.get(word, 0) + growth_of(self._last.get(word, 0), count)
            self._last[word] = count
        return dict(self._totals)


def growth_of(before: int, now: int) -> int:
    """Return by how much a count grew that may have begun anew."""
    return now - before if now >= before else now


class InterfaceTable:
    """Series of interfaces, at most `limits.INTERFACE_SERIES`; further ones are one, `other`.

    An interface that is gone takes its series along. One that comes back begins anew, as does what it counts.
    """

    def __init__(self) -> None:
        self._last: dict[str, InterfaceState] = {}
        self._series: dict[str, InterfaceState] = {}

    def read(self, interfaces: Iterable[InterfaceState]) -> tuple[InterfaceState, ...]:
        """Return what is exposed of the interfaces that are there."""
        present = {label(interface.name): interface for interface in interfaces}
        self._series = {name: series for name, series in self._series.items() if name in present or name == OTHER}
        hidden_up = []
        for name, state in present.items():
            if name not in self._series and len(self._series) >= limits.INTERFACE_SERIES:
                hidden_up.append(state.is_up)
                self._grow(OTHER, name, state)
            else:
                self._grow(name, name, state)
        if hidden_up:
            self._series[OTHER] = self._series[OTHER]._replace(is_up=all(hidden_up), reason=None)
        self._last = present
        return tuple(self._series.values())

    def _grow(self, shown: str, name: str, state: InterfaceState) -> None:
        before = self._last.get(name, InterfaceState(name, is_up=False))
        series = self._series.get(shown, InterfaceState(shown, is_up=False))
        self._series[shown] = InterfaceState(
            shown,
            state.is_up,
            series.packets + growth_of(before.packets, state.packets),
            series.bytes + growth_of(before.bytes, state.bytes),
            series.dropped_packets + growth_of(before.dropped_packets, state.dropped_packets),
            series.left_out_packets + growth_of(before.left_out_packets, state.left_out_packets),
            state.reason,
        )
