"""Continuity: four columns that anyone understands."""

from collections import Counter

from sample_audit import chain, front_door, losing, restarting

from wiresniff.audit.findings import shares_of
from wiresniff.model.confidence import Confidence
from wiresniff.model.continuity import (
    FOLDED,
    Column,
    continuation_ratio,
    continuity_of,
    is_busy,
    service_continuity,
)
from wiresniff.model.hops import HopTotals, Outcome
from wiresniff.model.totals import PairTotals


def test_every_outcome_has_its_column_or_none() -> None:
    """What had nothing to hand on, or owes nothing, is in no column; nothing is in two."""
    folded = [outcome for column in Column for outcome in FOLDED[column]]
    assert len(folded) == len(set(folded))
    assert set(Outcome) - set(folded) == {Outcome.BARE, Outcome.EXEMPT}


def test_outcomes_are_folded_over_confidences() -> None:
    """What is merely possible is lost, and not surely."""
    hops = continuity_of({f"{outcome}:{word}": 1 for outcome in Outcome for word in Confidence})
    words = len(Confidence)
    assert hops.columns == (2 * words, words, 3 * words, words)
    assert (hops.restarted, hops.owed, hops.surely_lost) == (words, 4 * words, 2)
    assert hops.lost_ratio == 0.25
    assert continuity_of({}).lost_ratio is None


def test_the_continuation_ratio_needs_no_verdicts() -> None:
    """Of all calls of services that are called with a context; front doors have none."""
    assert continuation_ratio([restarting().hops]) == 120 / 200
    assert continuation_ratio([losing().hops, restarting().hops]) == 144 / 272
    assert continuation_ratio([front_door().hops]) is None
    assert continuation_ratio([HopTotals(idle=Counter(fresh=9))]) is None
    assert continuation_ratio([HopTotals(caused=Counter(bare=9), open_requests=9, open_usable=9)]) == 0


def test_a_service_is_summed_over_what_it_calls() -> None:
    """Traces that begin there, and those among them that should have gone on."""
    both = service_continuity([losing(), restarting()])
    assert (both.roots, both.ghosts, both.inbound_coverage) == (21, 20, 1272 / 1572)
    assert service_continuity([]) == (0, 0, None, None)


def test_some_doubts_make_no_service_busy() -> None:
    """Verdicts of single requests say more, where nearly all have one."""
    hops = HopTotals(caused=Counter(kept=100), doubts=Counter(busy=5))
    assert not is_busy(hops)
    hops.doubts["busy"] += 1
    assert is_busy(hops)
    assert not is_busy(HopTotals())


def test_bounds_are_there_for_pairs_whose_client_is_called() -> None:
    """Nothing is bounded of a front door, nor of what found no room."""
    rest = PairTotals("other", "other", "http/1", hops=HopTotals(caused=Counter(bare=9)))
    shares = shares_of([*chain().pairs, rest])
    assert sorted(shares) == [("orders", "pricing", "http/1"), ("pricing", "rates", "grpc")]
    assert set(shares["orders", "pricing", "http/1"]) == {Outcome.DROPPED, Outcome.RESTARTED}
