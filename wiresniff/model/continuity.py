"""Continuity: hops folded into what anyone understands. Handed on, lost, new trace, can't tell.

Reports and metrics show the same four columns; the words of `Outcome` stand behind them. Requests that are `bare` had
nothing to hand on and those that are `exempt` owe nothing: they are in no column.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from wiresniff.model.confidence import Confidence
from wiresniff.model.hops import Doubt, HopTotals, Kind, Outcome
from wiresniff.model.services import calls as calls_of
from wiresniff.model.totals import PairTotals


class Column(StrEnum):
    """What became of the trace, in the words of a report."""

    HANDED_ON = "handed on"
    LOST = "lost"
    NEW_TRACE = "new trace"
    CANT_TELL = "can't tell"


FOLDED: dict[Column, tuple[Outcome, ...]] = {
    Column.HANDED_ON: (Outcome.PROPAGATED, Outcome.PASSTHROUGH),
    Column.LOST: (Outcome.DROPPED,),
    Column.NEW_TRACE: (Outcome.RESTARTED, Outcome.ORIGINATED, Outcome.ROOT),
    Column.CANT_TELL: (Outcome.UNDETERMINED,),
}


UNTOLD = 0.05
"""Of requests that can't be told: what findings call an error may hide in more."""


class Continuity(NamedTuple):
    """What became of the trace on requests from one service to another."""

    handed_on: int = 0
    lost: int = 0
    new_trace: int = 0
    cant_tell: int = 0
    restarted: int = 0
    """Of `new_trace`: those whose cause had a context. The others begin a trace where none came in."""
    surely_lost: int = 0
    """Of `lost`: certain or likely. The others are possible, and accuse nobody."""

    @property
    def owed(self) -> int:
        """Requests that are known to have had a trace to hand on."""
        return self.handed_on + self.lost + self.restarted

    @property
    def is_told(self) -> bool:
        """So few can't be told that the others speak for all: else a small share of loss is no good news."""
        return self.cant_tell <= UNTOLD * (self.owed + self.cant_tell)

    @property
    def lost_ratio(self) -> float | None:
        """Return lost / owed; None where nothing had a trace to hand on."""
        return self.lost / self.owed if self.owed else None

    @property
    def columns(self) -> tuple[int, int, int, int]:
        """The four, in the order of `Column`."""
        return self.handed_on, self.lost, self.new_trace, self.cant_tell


def by_outcome(outcomes: Mapping[str, int]) -> Counter[str]:
    """Sum counts per `outcome:confidence` over the confidences."""
    sums: Counter[str] = Counter()
    for word, count in outcomes.items():
        sums[word.partition(":")[0]] += count
    return sums


def continuity_of(outcomes: Mapping[str, int]) -> Continuity:
    """Fold counts per `outcome:confidence`."""
    sums = by_outcome(outcomes)
    handed_on, lost, new_trace, cant_tell = (sum(sums[outcome] for outcome in FOLDED[column]) for column in Column)
    surely_lost = sum(outcomes.get(f"{Outcome.DROPPED}:{word}", 0) for word in (Confidence.CERTAIN, Confidence.LIKELY))
    return Continuity(handed_on, lost, new_trace, cant_tell, sums[Outcome.RESTARTED], surely_lost)


BUSY = 0.05
"""Of a pair's calls, those that got no verdict since the service was busy: above, a share tells more than verdicts."""


def is_busy(hops: HopTotals) -> bool:
    """Tell whether so much was open that requests got no verdict of their own, and only their share is told."""
    return hops.doubts[Doubt.BUSY] > BUSY * calls_of(hops)


def continuation_ratio(hops: Iterable[HopTotals]) -> float | None:
    """Return the share of calls that carry a trace which came in: exact, whatever is said of the others.

    (propagated + passthrough) / judged, non-exempt outbound of clients whose inbound carries context. None where
    nothing that came in had a context, or nothing went out.
    """
    kept = calls = usable = 0
    for each in hops:
        kept += each.caused[Kind.KEPT]
        calls += calls_of(each)
        usable += each.open_usable
    return kept / calls if calls and (usable or kept) else None


class ServiceContinuity(NamedTuple):
    """What one service does with the traces that it is called with, over all that it calls."""

    roots: int
    """Requests with which a trace begins here."""
    ghosts: int
    """Of these, those that had a trace to go on with."""
    continuation_ratio: float | None
    inbound_coverage: float | None
    """Of the requests that were open when it called out, the share that had a context to hand on. None: none was."""


def service_continuity(sent: Iterable[PairTotals]) -> ServiceContinuity:
    """Sum over the pairs that a service is the client of."""
    hops = [pair.hops for pair in sent]
    folded = [continuity_of(each.outcomes) for each in hops]
    open_requests = sum(each.open_requests for each in hops)
    return ServiceContinuity(
        sum(each.new_trace for each in folded),
        sum(each.restarted for each in folded),
        continuation_ratio(hops),
        sum(each.open_usable for each in hops) / open_requests if open_requests else None,
    )
