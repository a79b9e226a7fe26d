"""Runs of many connections in one set of columns, as a block of ordinary traffic is delivered."""

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import strategies as st

from wiresniff.model.delivery import NOT_ACKNOWLEDGED, Columns, Data


class Said(NamedTuple):
    """One segment."""

    octets: bytes
    acknowledged: int
    """The peer's position."""


Flow = tuple[int, Sequence[Said]]
"""Where a flow stands at the beginning of the block, and what it says."""


def runs_of(flows: Sequence[Flow]) -> list[Data]:
    """Put flows into columns that all of them share, with some bytes between segments in the buffer."""
    columns = Columns(starts=[], stops=[], cuts=[], times=[], packets=[], acknowledged=[])
    pieces: list[bytes] = []
    size = 0
    bounds: list[tuple[int, int, int, int]] = []
    for position, said in flows:
        first, stop = len(columns.starts), position
        for octets, acknowledged in said:
            pieces += [b"\xee" * 16, octets]
            row = (size + 16, size + 16 + len(octets), stop, 10**18 + len(columns.starts), 7, acknowledged)
            for column, value in zip(columns, row, strict=True):
                column.append(value)  # type: ignore[attr-defined]  # lists, made above
            size += 16 + len(octets)
            stop += len(octets)
        bounds.append((position, stop, first, len(columns.starts)))
    buffer = b"".join(pieces)
    return [Data(position, stop, buffer, columns, first, last, 0) for position, stop, first, last in bounds]


@st.composite
def talks(draw: st.DrawFn) -> list[tuple[Data, Data]]:
    """Make runs of clients and servers: mostly one answers the other, at times nothing fits."""
    flows: list[Flow] = []
    is_first_client: list[bool] = []
    for _ in range(draw(st.integers(1, 3))):
        client, server = draw(talk())
        is_first_client.append(draw(st.booleans()))
        flows += [client, server] if is_first_client[-1] else [server, client]
    runs = runs_of(flows)
    pairs = zip(runs[::2], runs[1::2], is_first_client, strict=True)
    return [(one, other) if is_client else (other, one) for one, other, is_client in pairs]


@st.composite
def talk(draw: st.DrawFn) -> tuple[Flow, Flow]:
    """Make what a block brings of one connection."""
    client_at, server_at = draw(st.integers(0, 9)), draw(st.integers(0, 9))
    client: list[Said] = []
    server: list[Said] = []
    client_stop, server_stop = client_at, server_at
    lengths = st.lists(st.integers(1, 3), min_size=1, max_size=2)
    odd = st.sampled_from((NOT_ACKNOWLEDGED, -1, 0, 1, 2, 5, 8, 12, 1 << 41))
    for _ in range(draw(st.integers(1, 5))):
        is_odd = draw(st.integers(0, 5)) == 0
        for length in draw(lengths):
            client.append(Said(b"c" * length, draw(odd) if is_odd else server_stop))
            client_stop += length
        for length in draw(lengths):
            server.append(Said(b"s" * length, draw(odd) if is_odd else client_stop))
            server_stop += length
    if draw(st.booleans()):
        client.append(Said(b"c", server_stop))
    cut = draw(st.sampled_from((0, 0, 0, 1)))
    return (client_at, client), (server_at, server[cut:] or server)
