"""Turns in columns, against a loop over segments."""

from hypothesis import given
from oracles import turns as oracle
from strategies.turns import Said, runs_of, talks

from wiresniff.model.delivery import Data
from wiresniff.protocols.http1.turns import Turns, find_turns, rows_of


def told(turns: Turns) -> list[oracle.Turn]:
    """Return turns as the oracle tells them."""
    rows = zip(*(column.tolist() for column in turns), strict=True)
    found = []
    for talk, row, last, at, stop, response_row, response_last, response_at, response_stop, is_clear in rows:
        response_rows = (response_row, response_last) if is_clear else None
        found.append(oracle.Turn(talk, row, last, at, stop, response_at, response_stop, response_rows))
    return found


@given(talks())
def test_turns_of_many_connections(runs: list[tuple[Data, Data]]) -> None:
    """Wherever acknowledgements point: before the block, into a segment, behind everything."""
    assert told(find_turns(rows_of(runs[0][0].columns), runs)) == oracle.find_turns(runs)


def test_a_turn_goes_on_until_the_client_has_received_more() -> None:
    """A request in two segments, its answer in two; then a request that is not answered yet."""
    client = (100, [Said(b"POST", 10), Said(b"body", 10), Said(b"GET", 14)])
    server = (10, [Said(b"OK", 108), Said(b"ok", 108)])
    (run, answers) = runs_of([client, server])
    turns = find_turns(rows_of(run.columns), [(run, answers)])
    assert turns.is_clear.tolist() == [True, False]
    assert (turns.request_at.tolist(), turns.request_stop.tolist()) == ([100, 108], [108, 111])
    assert (turns.response_row[0], turns.response_last[0]) == (3, 5)
