"""Each kernel of grouping against the plain loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import grouping as oracle
from oracles.grouping import Row
from strategies.segments import EXPECTED, HASHES, KEYS, block_of, rows

from wiresniff.model.segments import ENDPOINTS, FIN
from wiresniff.reassembly.grouping import (
    COPIES_BEHIND,
    Groups,
    bytes_before,
    find_copies,
    find_openings,
    find_runs,
    find_smooth,
    group_by_connection,
)

NONE_OPENED = np.empty(0, dtype=np.int64)


def grouped(some: list[Row]) -> tuple[Groups, list[list[Row]]]:
    """Return what the kernel and what the loop make of the same rows."""
    return group_by_connection(block_of(some)), [
        [some[number] for number in numbers] for _, numbers in oracle.group(some)
    ]


def expected_of(groups: Groups) -> "np.ndarray[tuple[int, int], np.dtype[np.uint32]]":
    """Return where the flows of every group stand."""
    return np.array([EXPECTED] * len(groups.keys), dtype=np.uint32)


def test_the_endpoints_are_the_width_of_the_keys() -> None:
    """The keys that the tests make up are rows of ENDPOINTS, and two of them share a hash."""
    assert {len(key) for key in KEYS} == {ENDPOINTS.itemsize}
    assert len(set(HASHES)) == len(KEYS) - 1


@given(rows())
def test_groups_are_those_of_the_loop(some: list[Row]) -> None:
    """Rows of a connection come together and stay in capture order; equal hashes do not join what differs."""
    groups = group_by_connection(block_of(some))
    order = groups.order.tolist()
    found = [
        (key, order[start:stop])
        for key, start, stop in zip(groups.keys, groups.starts.tolist(), groups.stops.tolist(), strict=True)
    ]
    assert found == oracle.group(some)
    assert groups.group.tolist() == [number for number, (_, members) in enumerate(found) for _ in members]


@given(rows())
def test_bytes_before_each_row_are_those_of_the_loop(some: list[Row]) -> None:
    """Sums restart with each connection and tell its directions apart."""
    groups, connections = grouped(some)
    in_order = [row for members in connections for row in members]
    length = np.array([row.length for row in in_order], dtype=np.int64)
    from_high = np.array([row.direction for row in in_order], dtype=np.int64)
    own, peer = bytes_before(length, from_high, groups)
    standings = [standing for members in connections for standing in oracle.standings(members, EXPECTED)]
    assert own.tolist() == [standing.own_before for standing in standings]
    assert peer.tolist() == [standing.peer_before for standing in standings]


@given(rows())
def test_openings_are_those_of_the_loop(some: list[Row]) -> None:
    """A SYN and the answer to it, as the first two rows of a connection; who sent it, and where both flows begin."""
    groups, connections = grouped(some)
    openings = find_openings(block_of(some), groups)
    expected = [
        (number, members[0].direction, (members[0].sequence + 1) % 2**32, (members[1].sequence + 1) % 2**32)
        for number, members in enumerate(connections)
        if oracle.opens(members)
    ]
    assert list(zip(*(column.tolist() for column in openings), strict=True)) == expected


@given(rows(), st.lists(st.booleans(), min_size=12, max_size=12))
def test_smoothness_is_that_of_the_loop(some: list[Row], known: list[bool]) -> None:
    """A row is smooth when its connection is known and every row of that is as it should be, up to this one."""
    groups, connections = grouped(some)
    is_known = np.array(known[: len(connections)], dtype=np.bool_)
    opened = [number for number, members in enumerate(connections) if oracle.opens(members)]
    found = find_smooth(block_of(some), groups, expected_of(groups), is_known, np.array(opened, dtype=np.int64))
    assert found.is_smooth.tolist() == [
        known[number] and is_smooth
        for number, members in enumerate(connections)
        for is_smooth in oracle.are_smooth(members, EXPECTED, opened=number in opened)
    ]
    standings = [standing for members in connections for standing in oracle.standings(members, EXPECTED)]
    assert found.offset.tolist() == [standing.own_before for standing in standings]
    assert found.acknowledged.tolist() == [standing.acknowledged for standing in standings]
    assert found.is_fin.tolist() == [bool(row.flags & FIN) for members in connections for row in members]


@given(rows(most=20))
def test_copies_are_those_of_the_loop(some: list[Row]) -> None:
    """A copy repeats in every respect one of the last rows of its connection."""
    groups, connections = grouped(some)
    expected = [oracle.is_copy(members, number) for members in connections for number in range(len(members))]
    assert find_copies(block_of(some), groups).tolist() == expected


@pytest.mark.parametrize("behind", range(1, COPIES_BEHIND + 2))
def test_a_copy_is_looked_for_so_far_back(behind: int) -> None:
    """A packet that passes four interfaces is there four times, no more."""
    packet = Row(KEYS[0], HASHES[0], 0, EXPECTED[0], EXPECTED[1], 0x10, 5, 0)
    acknowledgements = [Row(KEYS[0], HASHES[0], 1, EXPECTED[1], number, 0x10, 0, 0) for number in range(behind - 1)]
    some = [packet, *acknowledgements, packet]
    found = find_copies(block_of(some), group_by_connection(block_of(some))).tolist()
    assert found == [False] * behind + [behind <= COPIES_BEHIND]


@given(rows(), st.booleans())
def test_runs_are_those_of_the_loop(some: list[Row], known: bool) -> None:
    """The payload rows of each flow, together and in order, and nothing that is not smooth."""
    groups = group_by_connection(block_of(some))
    smoothness = find_smooth(block_of(some), groups, expected_of(groups), np.full(len(groups.keys), known), NONE_OPENED)
    runs = find_runs(smoothness, groups)
    found = [
        (*divmod(int(runs.flow[start]), 2), runs.rows[start:stop].tolist())
        for start, stop in zip(runs.starts.tolist(), runs.stops.tolist(), strict=True)
    ]
    assert found == oracle.runs(some, oracle.group(some), smoothness.is_smooth.tolist())


def test_more_connections_than_narrow_numbers_tell_apart() -> None:
    """Runs are sorted by 16-bit numbers only where these suffice."""
    count = (1 << 15) + 2
    keys = [number.to_bytes(ENDPOINTS.itemsize, "big") for number in range(count)]
    some = [
        Row(key, number, direction, EXPECTED[direction], EXPECTED[1 - direction], 0x10, 1, 0)
        for number, key in enumerate(keys)
        for direction in (1, 0)
    ]
    groups = group_by_connection(block_of(some))
    smoothness = find_smooth(block_of(some), groups, expected_of(groups), np.ones(count, dtype=np.bool_), NONE_OPENED)
    runs = find_runs(smoothness, groups)
    assert runs.flow.tolist() == list(range(2 * count))
    assert runs.rows.tolist() == [2 * number + direction for number in range(count) for direction in (1, 0)]
