"""Columns: which rows belong to one connection, which connections are smooth, which rows are one run.

Row spaces: *block rows* number the segment block in capture order; *sorted rows* number the same rows after `order`,
connection by connection and in capture order within each; *groups* number the connections of the block.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wiresniff.model.segments import ACK, FIN, RST, SYN, SegmentBlock
from wiresniff.reassembly.sequence import distances

OPENS_OR_CLOSES = SYN | FIN | RST
CONTROL = SYN | ACK | FIN | RST

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Groups(NamedTuple):
    """The rows of a block by connection."""

    order: Ints
    """(k,) block row of each sorted row"""
    starts: Ints
    """(g,) first sorted row of each group"""
    stops: Ints
    """(g,) one behind the last"""
    group: Ints
    """(k,) group of each sorted row"""
    keys: list[bytes]
    """Per group: the bytes of its ENDPOINTS."""


def group_by_connection(block: SegmentBlock) -> Groups:
    """Sort by the keyed hash, stable; the endpoints decide where a group ends.   oracle: tests/oracles/grouping.py."""
    order = np.argsort(block.connection_hash, kind="stable")
    # Rows of plain numbers are taken in a tenth of the time of rows of a structure.
    words = block.endpoints.view(np.uint64).reshape(len(order), -1).take(order, axis=0)
    differs = np.logical_or.reduce((words[1:] != words[:-1]).T)
    starts = np.concatenate(([0], np.flatnonzero(differs) + 1))
    stops = np.concatenate((starts[1:], [len(order)]))
    group = np.repeat(np.arange(len(starts)), stops - starts)
    raw = words[starts].tobytes()
    width = words.itemsize * words.shape[1]
    keys = [raw[at : at + width] for at in range(0, len(raw), width)]
    return Groups(order, starts, stops, group, keys)


class Openings(NamedTuple):
    """Connections of a block that begin with a SYN and its answer, as nearly all do: (o,) each."""

    group: Ints
    opener: Ints
    """1 where the endpoint that sorts second sent the SYN."""
    opener_sequence: NDArray[np.uint32]
    """Of its first byte."""
    answerer_sequence: NDArray[np.uint32]

    def only(self, is_kept: Mask) -> "Openings":
        """Return those of a mask: (o,)."""
        return Openings(
            self.group[is_kept],
            self.opener[is_kept],
            self.opener_sequence[is_kept],
            self.answerer_sequence[is_kept],
        )


def find_openings(block: SegmentBlock, groups: Groups) -> Openings:
    """Find groups whose first two rows are SYN and SYN+ACK, without data.   oracle: tests/oracles/grouping.py."""
    group = np.flatnonzero(groups.stops - groups.starts > 1)
    group = group[block.flags.take(groups.order.take(groups.starts.take(group))) & CONTROL == SYN]
    syn = groups.order.take(groups.starts.take(group))
    answer = groups.order.take(groups.starts.take(group) + 1)
    opener_sequence = block.sequence.take(syn) + np.uint32(1)
    octets = block.payload_length + block.cut_length
    is_opening = block.flags.take(answer) & CONTROL == SYN | ACK
    is_opening &= block.from_high.take(syn) != block.from_high.take(answer)
    is_opening &= block.acknowledgement.take(answer) == opener_sequence
    is_opening &= (octets.take(syn) + octets.take(answer)) == 0
    return Openings(
        group[is_opening],
        block.from_high.take(syn[is_opening]).astype(np.int64),
        opener_sequence[is_opening],
        block.sequence.take(answer[is_opening]) + np.uint32(1),
    )


class Smoothness(NamedTuple):
    """Where each sorted row stands against what its flow, and its peer, had delivered when it was captured."""

    is_smooth: Mask
    """(k,) the row, and every row of its group before it, follows on and acknowledges only what was captured before"""
    from_high: Ints
    """(k,) 1 where the sorted row was sent by the endpoint that sorts second"""
    length: Ints
    """(k,) payload bytes"""
    offset: Ints
    """(k,) payload bytes of the same flow before this row, within the block"""
    acknowledged: Ints
    """(k,) acknowledgement, counted from where the peer's flow stood at the beginning of the block"""
    is_fin: Mask
    """(k,) ends its flow, if it is smooth"""


def find_smooth(
    block: SegmentBlock, groups: Groups, expected: NDArray[np.uint32], is_known: Mask, opened: Ints
) -> Smoothness:
    """Decide for all connections at once.   oracle: tests/oracles/grouping.py.

    expected  (g, 2) u4   next sequence number of each flow at the beginning of the block
    is_known  (g,)        the connection is known and nothing of it waits
    opened    (o,)        groups that begin with an opening; `expected` is what follows on that
    """
    order, group = groups.order, groups.group
    from_high = block.from_high.take(order).astype(np.int64)
    length = block.payload_length.take(order)
    flags = block.flags.take(order)
    own_flow = group * 2 + from_high
    expected_own = expected.ravel().take(own_flow)
    expected_peer = expected.ravel().take(own_flow ^ 1)

    own_before, peer_before = bytes_before(length, from_high, groups)
    begins = distances(block.sequence.take(order), expected_own)
    acknowledged = distances(block.acknowledgement.take(order), expected_peer)

    is_fin = (flags & FIN) != 0
    says_more = length > 0
    is_ok = ((flags & (ACK | SYN | RST)) == ACK) & (block.cut_length.take(order) == 0)
    if is_fin.any():  # a FIN counts like a byte, and nothing comes behind it
        own_fins, peer_fins = bytes_before(is_fin.astype(np.int64), from_high, groups)
        says_more |= is_fin
        is_ok &= ~(says_more & (own_fins > 0)) & (acknowledged <= peer_before + peer_fins)
    else:
        is_ok &= acknowledged <= peer_before
    is_ok &= ~says_more | (begins == own_before)
    opening_rows = groups.starts.take(opened)
    is_ok[opening_rows] = is_ok[opening_rows + 1] = True
    is_smooth = (troubles_before(is_ok, groups) == 0) & is_ok & is_known.take(group)
    return Smoothness(is_smooth, from_high, length, own_before, acknowledged, is_fin)


def bytes_before(length: Ints, from_high: Ints, groups: Groups) -> tuple[Ints, Ints]:
    """Payload bytes captured before each row in its group: of its own flow, and of its peer's."""
    of_high = length * from_high
    high_before = np.cumsum(of_high) - of_high
    all_before = np.cumsum(length) - length
    high_before -= high_before.take(groups.starts).take(groups.group)
    all_before -= all_before.take(groups.starts).take(groups.group)
    low_before = all_before - high_before
    is_high = from_high == 1
    return np.where(is_high, high_before, low_before), np.where(is_high, low_before, high_before)


def troubles_before(is_ok: Mask, groups: Groups) -> Ints:
    """Rows of its group before each row that are not as they should be."""
    is_trouble = ~is_ok
    before: Ints = np.cumsum(is_trouble) - is_trouble
    return before - before.take(groups.starts).take(groups.group)


def find_copies(block: SegmentBlock, groups: Groups) -> Mask:
    """Sorted rows that repeat one of the last rows of their flow whole: one packet seen at several interfaces.

    The first copy wins anyway; leaving the others out early keeps the connection smooth.
    """
    order = groups.order
    flags = block.flags[order].astype(np.int64)
    key = np.stack(
        [
            np.cumsum(flags & SYN),  # behind a SYN it may be the same numbers of another connection
            block.sequence[order].astype(np.int64),
            block.acknowledgement[order].astype(np.int64),
            block.payload_length[order],
            block.cut_length[order],
            flags,
            block.from_high[order].astype(np.int64),
            groups.group,
        ]
    )
    times = block.timestamp_ns[order]
    is_copy: Mask = np.zeros(len(order), dtype=np.bool_)
    for lag in range(1, COPIES_BEHIND + 1):
        is_soon = np.abs(times[lag:] - times[:-lag]) <= COPIES_WITHIN_NS
        is_copy[lag:] |= (key[:, lag:] == key[:, :-lag]).all(axis=0) & is_soon
    is_copy &= (block.payload_length[order] > 0) & ((flags & OPENS_OR_CLOSES) == 0)
    return is_copy


COPIES_BEHIND = 4
"""How many rows back a copy is looked for: the same packet passes two to four interfaces."""
COPIES_WITHIN_NS = 10**9
"""And how long ago it may be: a packet passes them within milliseconds."""


class Runs(NamedTuple):
    """Smooth payload rows, flow by flow."""

    rows: Ints
    """(r,) sorted row"""
    flow: Ints
    """(r,) group * 2 + direction"""
    starts: Ints
    """(f,) first of `rows` of each flow"""
    stops: Ints


def find_runs(smoothness: Smoothness, groups: Groups) -> Runs:
    """Gather the smooth payload rows, each flow's together and in order."""
    has_payload = smoothness.is_smooth & (smoothness.length > 0)
    rows = np.flatnonzero(has_payload)
    group, from_high = groups.group.take(rows), smoothness.from_high.take(rows)
    # In the order in which connections appear, not in that of their hashes, which is another in every process.
    place = appearance(groups).take(group) * 2 + from_high
    # A radix sort of 16-bit keys takes a fifth of the time of any other; blocks of so many connections are rare.
    narrow = place.astype(np.uint16) if len(groups.starts) < 1 << 15 else place
    by_flow = np.argsort(narrow, kind="stable")
    rows, flow = rows.take(by_flow), (group * 2 + from_high).take(by_flow)
    starts = np.flatnonzero(np.concatenate(([True], flow[1:] != flow[:-1]))) if len(flow) else np.zeros(0, np.int64)
    stops = np.concatenate((starts[1:], [len(flow)])) if len(flow) else starts
    return Runs(rows, flow, starts, stops)


def appearance(groups: Groups) -> Ints:
    """Rank of each group by its first row in capture order: (g,)."""
    first_rows = groups.order.take(groups.starts)
    ranks = np.empty(len(first_rows), dtype=np.int64)
    ranks[np.argsort(first_rows)] = np.arange(len(first_rows))
    return ranks
