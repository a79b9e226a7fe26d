"""Plain-loop twins of wiresniff.protocols.http1.turns and .known: one connection, one turn, one byte at a time."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wiresniff.model.delivery import Columns, Data
from wiresniff.protocols.http1.body import ChunkedBody, Chunks
from wiresniff.protocols.http1.grammar import Heads, RequestHead

END_OF_HEAD = b"\r\n\r\n"


class Turn(NamedTuple):
    """What the client says before it has received more, and where the answer lies; None where it lies nowhere."""

    talk: int
    request_row: int
    request_last: int
    request_at: int
    request_stop: int
    response_at: int
    response_stop: int
    response_rows: tuple[int, int] | None
    """Of a turn that is clear: where its response begins, and one behind its last row."""


def find_turns(talks: Sequence[tuple[Data, Data]]) -> list[Turn]:
    """Divide the runs of connections into turns."""
    return [turn for number, (client, server) in enumerate(talks) for turn in turns_of(number, client, server)]


def turns_of(talk: int, client: Data, server: Data) -> Iterator[Turn]:
    """Divide the runs of one connection."""
    columns = client.columns
    rows = range(client.first, client.last)
    begins = [row for row in rows if row == client.first or columns.acknowledged[row] != columns.acknowledged[row - 1]]
    for begin, end in zip(begins, [*begins[1:], None], strict=True):
        request_stop = client.stop if end is None else columns.cuts[end]
        response_at = columns.acknowledged[begin]
        response_stop = server.stop if end is None else columns.acknowledged[end]
        response_rows = rows_between(server, response_at, response_stop)
        if response_rows is not None and columns.acknowledged[response_rows[0]] < request_stop:
            response_rows = None
        request_last = client.last if end is None else end
        yield Turn(
            talk, begin, request_last, columns.cuts[begin], request_stop, response_at, response_stop, response_rows
        )


def rows_between(run: Data, position: int, stop: int) -> tuple[int, int] | None:
    """Return the rows of a run from one position to another, if there are any and segments begin there."""
    row_at = {run.columns.cuts[row]: row for row in range(run.first, run.last)} | {run.stop: run.last}
    if position >= stop or position not in row_at or stop not in row_at:
        return None
    return row_at[position], row_at[stop]


def read_request(heads: Heads, octets: bytes) -> tuple[RequestHead, int] | None:
    """Read a request line by line: what its head says, and how long it is with its body."""
    head, end, _ = octets.partition(END_OF_HEAD)
    read = heads.request(heads.split(head)) if end else None
    return None if read is None else (read, len(head) + len(END_OF_HEAD) + read.framing)


def ends_chunked(octets: bytes) -> bool:
    """Follow a chunked body line by line: it ends where the bytes do."""
    columns = Columns(starts=[0], stops=[len(octets)], cuts=[0], times=[0], packets=[0], acknowledged=[0])
    chunks = ChunkedBody()
    reached = chunks.feed(Data(0, len(octets), octets, columns, 0, 1, 0), 0)
    return chunks.expects is Chunks.DONE and reached == len(octets)
