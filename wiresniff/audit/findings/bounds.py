"""How many of the calls from one service to another lost the trace, or went on with another: between, and about.

Where single requests can be judged, their verdicts are counted. Where several requests are open at a service, no call
can be said to be caused by one of them; but of all calls together something can be said (spec: continuity 4).

    Identifiers     What they prove is the floor, and what they excuse is not counted.
    Time            `likely` verdicts are wrong at most once in twenty, which both ends allow for.
    What was open   The cause of a call is among what is open when it leaves. Others are open by chance, so that what
                    is open around the calls whose cause is known shows how many of the others have a context: p. A call
                    around which `k` requests are open, `u` of them with a context, was then caused by one with a
                    context in `u - (k - 1) p` of a case. That needs no mapping, and unlike a plain difference of
                    shares it does not assume that requests with and without a context make the same calls. Where
                    everything that is open has a context, p = 1, it is the number of calls; where p is unknown, the
                    calls with nothing but contexts around them are the floor, and those with any the ceiling.
    Silence         Calls that nothing causes are as frequent while nothing is open. So many are taken off.

The ends hold in 99 of 100 captures, as long as background work is not itself begun by load.
"""

from collections.abc import Iterable
from math import hypot, inf, sqrt
from typing import NamedTuple

from wiresniff.model.confidence import Confidence
from wiresniff.model.hops import Around, HopTotals, Kind, Outcome
from wiresniff.model.services import by_service, calls
from wiresniff.model.shares import PairName, Share, Shares
from wiresniff.model.totals import PairTotals

Z = 2.0
"""Standard deviations on either side. What is not known at all (other calls, background) is counted against the service
at one end and for it at the other, so that in simulation 99 of 100 captures lie between, not 95."""
BACKGROUND_Z = 2.576
"""And of background calls, 99 %: where all that is open has a context, they are all that is not known, and nothing else
allows for them."""
LIKELY_Z = 1.645
"""Below the number that is told as likely there is one in twenty."""
SKEW = (BACKGROUND_Z * BACKGROUND_Z - 1) / 6
"""Calls: so much further off is that end where few are expected, since they come one by one (Cornish and Fisher)."""
LIKELY_RIGHT = 0.95
"""Of verdicts that are `likely`, at least."""
OTHERS = 20
"""Other requests open around calls of known cause, before their share of contexts is believed."""
CLUSTERING = 1.5
"""Calls of one request see the same others around them: variances are so much larger than those of single draws."""
UNDECIDED = 0.05
"""Calls without any verdict of their own, up to which verdicts are counted and nothing is estimated."""

_KIND = {Outcome.DROPPED: Kind.BARE, Outcome.RESTARTED: Kind.FRESH}
_EXCUSED = {Kind.BARE: (Outcome.BARE,), Kind.FRESH: (Outcome.ORIGINATED, Outcome.ROOT)}
"""Outcomes of calls that are bare, or of another trace, and lost nothing."""


class Estimate(NamedTuple):
    """A number with its variance, and what it can't be below and above."""

    mean: float
    variance: float
    floor: float
    ceiling: float


def shares_of(pairs: Iterable[PairTotals]) -> dict[PairName, Shares]:
    """Bound what each pair lost, of all pairs from which requests left that something may have caused."""
    pairs = list(pairs)
    services = by_service(pairs)
    return {
        (pair.client, pair.server, pair.protocol): {
            outcome: share_of(pair.hops, outcome, services[pair.client].hops) for outcome in _KIND
        }
        for pair in pairs
        if calls(pair.hops) and pair.client in services
    }


def share_of(hops: HopTotals, outcome: Outcome, service: Iterable[HopTotals] = ()) -> Share:
    """Say how many calls of a pair were `dropped`, or `restarted`.

    service     the hops of all pairs with the same client: what is open there is alike for all that it calls
    """
    kind = _KIND[outcome]
    excuses = _EXCUSED[kind]
    total = hops.caused[kind] + hops.idle[kind]
    proven = hops.count_settled(outcome, least=Confidence.CERTAIN)
    excused = hops.count_settled(*excuses, least=Confidence.CERTAIN)
    likely = hops.count_settled(outcome, least=Confidence.LIKELY) - proven
    likely_excused = hops.count_settled(*excuses, least=Confidence.LIKELY) - excused
    around = hops.around.get(kind, Around())
    background = background_calls(hops, kind)
    caused = caused_by_usable(around, service)

    alone = BACKGROUND_Z * sqrt(background.variance) + SKEW
    spread = hypot(Z * sqrt(caused.variance), alone)
    surely = max(caused.mean - background.mean - spread, caused.floor - background.mean - alone)
    least = proven + max(LIKELY_RIGHT * likely, surely, 0)
    at_least = max(least, proven + _likely(caused, background, hops.idle[kind]))
    # What was not watched leaving, or left while nothing was open, may be late work of something that had a context.
    unwatched = total - proven - excused - around.calls - LIKELY_RIGHT * hops.quiet[kind]
    possibly = proven + min(caused.mean + Z * sqrt(caused.variance), caused.ceiling) + max(unwatched, 0)
    most = max(min(total - excused - LIKELY_RIGHT * likely_excused, possibly), least)
    decided = hops.count_settled(outcome, *excuses)
    if total - decided <= UNDECIDED * total:
        about: float = hops.count_settled(outcome)
    else:
        about = proven + caused.mean - background.mean
    about = min(max(about, least), most)
    return Share(calls(hops), least, about, most, proven, likely=min(max(at_least, least), about))


def _likely(caused: Estimate, background: Estimate, seen: int) -> float:
    """Return what is exceeded with 95 of 100: of an estimate with its own variance, no more and no less."""
    by_luck = background.mean + background.mean * background.mean / (seen + 0.5)
    return max(
        caused.mean - background.mean - LIKELY_Z * sqrt(caused.variance + by_luck),
        caused.floor - background.mean - LIKELY_Z * sqrt(by_luck),
    )


def caused_by_usable(around: Around, service: Iterable[HopTotals]) -> Estimate:
    """Estimate how many calls were caused by requests with a context, from what was open around them."""
    if not around.calls:
        return Estimate(0, 0, 0, 0)
    floor, ceiling = around.all_usable, around.calls - around.none_usable
    if around.usable == around.requests:
        return Estimate(around.calls, 0, floor, ceiling)
    others, usable = _others(service)
    if others < OTHERS:
        return Estimate(around.calls * around.usable / around.requests, inf, floor, ceiling)
    p = usable / others
    beside = around.requests - around.calls
    mean = around.usable - beside * p
    variance = CLUSTERING * p * (1 - p) * (beside + beside * beside / others)
    # With nothing beside a call there is nothing to be wrong about; with p at an end, the sample is what is small.
    variance += beside / others
    return Estimate(min(max(mean, 0), around.calls), variance, 0, ceiling)


def _others(service: Iterable[HopTotals]) -> tuple[int, int]:
    """Count what was open beside the cause of calls whose cause had a context, and what of that had one."""
    others = usable = 0
    for hops in service:
        kept = hops.around.get(Kind.KEPT)
        if kept is not None:
            others += kept.requests - kept.calls
            usable += kept.usable - kept.calls
    return others, usable


def background_calls(hops: HopTotals, kind: Kind) -> Estimate:
    """Estimate how many calls of a kind, among those that left while something was open, nothing caused.

    They know nothing of what comes in. Half a call more than was seen is assumed, so that a short silence proves little
    (the mean of a Poisson rate under Jeffreys' prior).
    """
    under_load = hops.around.get(kind, Around()).calls
    if not under_load:
        return Estimate(0, 0, 0, 0)
    busy_ns = max(hops.watched_ns - hops.idle_ns, 0)
    if not hops.idle_ns:
        return Estimate(under_load, inf, 0, under_load)
    seen, ratio = hops.idle[kind], busy_ns / hops.idle_ns
    expected = (seen + 0.5) * ratio
    # What there may be where few were seen is far from even on both sides (Cornish and Fisher, for Poisson's rate).
    most = BACKGROUND_Z * sqrt(seen + 1) + (BACKGROUND_Z * BACKGROUND_Z + 2) / 3 - 0.5
    variance = expected + (ratio * most / BACKGROUND_Z) ** 2
    return Estimate(min(expected, under_load), variance, 0, under_load)


def at_most(successes: int, trials: int) -> float:
    """Return the share that is not exceeded with 97.5 %: 3 of n where none was seen (rule of three), else Wilson's."""
    if not trials:
        return 1.0
    if not successes:
        return min(3 / trials, 1.0)
    z, share = 1.96, successes / trials
    centre = share + z * z / (2 * trials)
    spread = z * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return min((centre + spread) / (1 + z * z / trials), 1.0)
