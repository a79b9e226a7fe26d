"""How far hops can be believed, in simulation: the words of confidence, and the bounds of pairs.

`python tests/hop_simulation.py` prints the table, and more runs of it.
"""

import pytest
from hop_simulation import MEASURED, Load, Result, row, run, table


@pytest.fixture(scope="module")
def results() -> dict[Load, Result]:
    """Run every load once, with few and with all identifiers hidden."""
    loads = [
        Load(open_requests, background, covered, hidden, late, 250)
        for open_requests in MEASURED
        for background in (0.0, 0.1, 0.3)
        for covered, hidden, late in ((1.0, 1.0, 0.0), (1.0, 0.3, 0.05), (0.7, 0.3, 0.0))
    ]
    return {load: run(load, range(2)) for load in loads}


def total(results: dict[Load, Result]) -> Result:
    """Add all up."""
    all_of_them = Result()
    for result in results.values():
        all_of_them.add(result)
    return all_of_them


def test_certain_is_certain(results: dict[Load, Result]) -> None:
    """Whatever is open, and whatever calls by itself."""
    assert total(results).judged("certain") > 10_000
    assert {load for load, result in results.items() if result.precision("certain") < 1} == set()


def test_likely_is_right_in_19_of_20(results: dict[Load, Result]) -> None:
    """In all, and wherever it is said often."""
    everything = total(results)
    assert everything.judged("likely") > 1_000
    assert everything.precision("likely") >= 0.95
    often = {load: result for load, result in results.items() if result.judged("likely") >= 50}
    assert {load for load, result in often.items() if result.precision("likely") < 0.95} == set()


def test_likely_is_said_where_a_service_is_idle_now_and_then(results: dict[Load, Result]) -> None:
    """Without background calls, most calls of an idle service; with many, and one request open on average, none."""
    idle, disturbed = Load(0.1, 0.0, 1.0, 1.0, 0.0, 250), Load(1, 0.3, 1.0, 1.0, 0.0, 250)
    assert results[idle].judged("likely") > 0.6 * results[idle].hidden
    assert results[disturbed].judged("likely") == 0


def test_the_busier_the_less_is_said(results: dict[Load, Result]) -> None:
    """As measured on recorded traces, one candidate is left of few calls; from ten open requests on nearly none."""
    for background in (0.0, 0.1):
        alone = []
        for open_requests, (one, _, _) in MEASURED.items():
            result = results[Load(open_requests, background, 1.0, 1.0, 0.0, 250)]
            alone.append(result.alone.total() / result.hidden)
            assert alone[-1] <= one + 0.15
        assert alone == sorted(alone, reverse=True)
        assert alone[-1] < 0.01


def test_one_candidate_is_right_as_often_as_measured(results: dict[Load, Result]) -> None:
    """Always without background calls, and no less often than on recorded traces with 10 %, where it is said at all."""
    for open_requests, (_, right, right_with_background) in MEASURED.items():
        if open_requests > 2:
            continue
        for background, least in ((0.0, right), (0.1, right_with_background)):
            result = results[Load(open_requests, background, 1.0, 1.0, 0.0, 250)]
            assert result.alone[True] / result.alone.total() >= least - 0.04


def test_bounds_hold_in_99_of_100_runs(results: dict[Load, Result]) -> None:
    """Dropped and restarted calls of each pair."""
    bounds = total(results).bounds
    assert bounds.total() > 400
    assert bounds[True] >= 0.99 * bounds.total()


def test_the_table_has_a_line_for_every_load() -> None:
    """Every line has every column."""
    lines = table(0)
    assert len(next(lines).splitlines()) == 3
    assert row(Load(0.1, 0.1, hidden=1.0, requests=50), 1).split()[:3] == ["0.1", "10%", "100%"]
