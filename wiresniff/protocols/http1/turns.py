"""Turns of connections in columns: the client speaks, and the server answers that, and only then the client goes on.

Nearly all HTTP/1 is such turns (pipelining is rare), and TCP shows where each begins: the client's next request
acknowledges everything that the server has said so far. So the segments of a block are divided into turns without
looking at a byte, for all connections at once. What a turn says is `known`'s to find out.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wiresniff.columns.ranges import ranges, which
from wiresniff.model.delivery import Columns, Data

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

FLOW_BITS = 40
"""Positions of one flow within a block take fewer bits: a block is some MiB."""


class Rows(NamedTuple):
    """The columns of a block's runs as arrays; see `model.delivery.Columns`."""

    starts: Ints
    stops: Ints
    cuts: Ints
    times: Ints
    packets: Ints
    acknowledged: Ints


def rows_of(columns: Columns) -> Rows:
    """Return columns as arrays; nothing is copied."""
    return Rows(*(np.asarray(column, dtype=np.int64) for column in columns))


class Turns(NamedTuple):
    """One row each, connection by connection, in order. *Rows* number the block's columns."""

    talk: Ints
    """Which of the talks it belongs to."""
    request_row: Ints
    """Where the request begins; it begins a segment."""
    request_last: Ints
    """One behind the last row of the request."""
    request_at: Ints
    """Position of the request in its flow."""
    request_stop: Ints
    response_row: Ints
    """Where the response begins."""
    response_last: Ints
    """One behind the last row of the response."""
    response_at: Ints
    response_stop: Ints
    is_clear: Mask
    """Request and response each begin a segment, both are there, and the response acknowledges the whole request."""


def find_turns(rows: Rows, talks: list[tuple[Data, Data]]) -> Turns:
    """Divide runs into turns.   oracle: tests/oracles/turns.py.

    talks  (n,) runs of the client and the server of one connection each
    ->     (t,) turns: each begins where the client first sends after it has received more
    """
    client = _runs([run for run, _ in talks])
    server = _runs([run for _, run in talks])
    sent, talk_of_sent = ranges(client.first, client.last), which(client.first, client.last)
    received = rows.acknowledged[sent]
    begins = np.ones(len(sent), dtype=np.bool_)
    begins[1:] = (talk_of_sent[1:] != talk_of_sent[:-1]) | (received[1:] != received[:-1])
    turn = np.flatnonzero(begins)
    talk, request_row, response_at = talk_of_sent[turn], sent[turn], received[turn]
    request_at = rows.cuts[request_row]

    goes_on = talk[1:] == talk[:-1]
    """The next turn is of the same talk."""
    request_stop, request_last, response_stop = client.stop[talk], client.last[talk], server.stop[talk]
    request_stop[:-1][goes_on] = request_at[1:][goes_on]
    request_last[:-1][goes_on] = request_row[1:][goes_on]
    response_stop[:-1][goes_on] = response_at[1:][goes_on]

    answers = ranges(server.first, server.last)
    talk_of_answers = which(server.first, server.last)
    places = (talk_of_answers << FLOW_BITS) + rows.cuts[answers] - server.at[talk_of_answers]
    begin, begins_there = _look_up(places, talk, response_at - server.at[talk])
    end, ends_there = _look_up(places, talk, response_stop - server.at[talk])
    ends_there |= response_stop == server.stop[talk]
    response_row = answers[np.minimum(begin, len(answers) - 1)]
    # The place of a stop that ends its talk is where the next talk begins, so it is the row behind the last as well.
    response_last = np.where(response_stop == server.stop[talk], server.last[talk], answers.take(end, mode="clip"))
    is_clear = begins_there & ends_there & (response_stop > response_at)
    is_clear &= rows.acknowledged[response_row] >= request_stop
    return Turns(
        talk, request_row, request_last, request_at, request_stop, response_row, response_last, response_at,
        response_stop, is_clear,
    )  # fmt: skip


class _Runs(NamedTuple):
    first: Ints
    last: Ints
    at: Ints
    stop: Ints


def _runs(runs: list[Data]) -> _Runs:
    table = np.array([(run.first, run.last, run.position, run.stop) for run in runs], dtype=np.int64)
    return _Runs(*table.reshape(-1, 4).T.copy())


def _look_up(places: Ints, talk: Ints, offset: Ints) -> tuple[Ints, Mask]:
    """Find rows by talk and offset in its run: where they are among `places`, and whether they are there."""
    is_inside = (offset >= 0) & (offset < 1 << FLOW_BITS)
    wanted = (talk << FLOW_BITS) + np.where(is_inside, offset, 0)
    at = np.searchsorted(places, wanted)
    return at, is_inside & (places.take(at, mode="clip") == wanted)
