"""Growth: what the totals of a pair grew by since the last look. Metrics are sums of it, so they never go down.

Names of services are learned while traffic is watched, and the totals of a report are put under the names known at its
end. A counter that is scraped for months can't move so: what has grown is counted once, under the names known then.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from operator import add, sub
from typing import NamedTuple

from wiresniff.model.totals import PairTotals
from wiresniff.model.verdicts import Verdict


class Reporter(StrEnum):
    """Which end of a pair is local to the agent that reports it."""

    CLIENT = "client"
    SERVER = "server"
    """Also when both ends are."""
    CAPTURE = "capture"
    """Neither is known to be: capture files, mirror ports."""


NOTHING: Mapping[str, int] = {}
"""Shared by all that have none; a plain dictionary, since workers send it."""


class Numbers(NamedTuple):
    """The numbers of a pair that metrics show. Immutable: a sum is another one."""

    verdicts: tuple[int, ...] = (0,) * len(Verdict)
    """Requests per verdict, in the order of `Verdict`."""
    inferred: tuple[int, ...] = (0,) * len(Verdict)
    """Of these, with inferred verdicts."""
    counts: tuple[int, ...] = (0, 0, 0, 0, 0)
    """In the order of `COUNTS`."""
    faults: Mapping[str, int] = NOTHING
    opaque_bytes: Mapping[str, int] = NOTHING
    """Per reason."""
    hops: Mapping[str, int] = NOTHING
    """Per `outcome:confidence`. They are counted a second of capture time after their requests."""

    def plus(self, other: "Numbers") -> "Numbers":
        """Return the sum."""
        return self._with(other, add)

    def minus(self, earlier: "Numbers") -> "Numbers":
        """Return what was added since."""
        return self._with(earlier, sub)

    def _with(self, other: "Numbers", how: Callable[[int, int], int]) -> "Numbers":
        return Numbers(
            tuple(map(how, self.verdicts, other.verdicts)),
            tuple(map(how, self.inferred, other.inferred)),
            tuple(map(how, self.counts, other.counts)),
            _combined(self.faults, other.faults, how),
            _combined(self.opaque_bytes, other.opaque_bytes, how),
            _combined(self.hops, other.hops, how),
        )

    @property
    def requests(self) -> int:
        """Requests of all verdicts."""
        return sum(self.verdicts)


COUNTS = ("failed", "failed_untraced", "sampled", "baggage_bytes", "parsed_bytes")
"""Attributes of `PairTotals` that are one number each."""


def numbers_of(totals: PairTotals) -> Numbers:
    """Return the numbers of a pair as they are now."""
    inferred = totals.inferred_verdicts
    return Numbers(
        (totals.valid, totals.missing, totals.malformed, totals.indeterminate, totals.exempt),
        tuple([inferred[verdict] for verdict in Verdict]) if inferred else (0,) * len(Verdict),
        (totals.failed, totals.failed_untraced, totals.sampled, totals.baggage_bytes, totals.parsed_bytes),
        dict(totals.faults) if totals.faults else NOTHING,
        dict(totals.opaque_bytes) if totals.opaque_bytes else NOTHING,
        dict(totals.hops.outcomes) if totals.hops.outcomes else NOTHING,
    )


def summed(one: Mapping[str, int], other: Mapping[str, int]) -> Mapping[str, int]:
    """Return the sum of two counts per word."""
    return _combined(one, other, add)


def _combined(one: Mapping[str, int], other: Mapping[str, int], how: Callable[[int, int], int]) -> Mapping[str, int]:
    if not other:
        return one
    words = (*one, *(word for word in other if word not in one))
    return {word: number for word in words if (number := how(one.get(word, 0), other.get(word, 0)))}


class Growth(NamedTuple):
    """What one pair grew by. Plain data, so that a worker can send it."""

    client: str
    server: str
    protocol: str
    reporter: Reporter
    is_external: bool
    """One end is outside."""
    numbers: Numbers
