"""The stage: segment blocks in, deliveries out."""

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wiresniff.model.delivery import Columns, Connection, Data, Delivery, EndCause, Gap, GapCause, Item
from wiresniff.model.segments import SYN, SegmentBlock
from wiresniff.reassembly.connections import IDLE_NS, ConnectionTable, Disordered, Segment, Tracked, TrackedConnection
from wiresniff.reassembly.grouping import (
    Groups,
    Mask,
    Openings,
    Runs,
    Smoothness,
    find_copies,
    find_openings,
    find_runs,
    find_smooth,
    group_by_connection,
)
from wiresniff.reassembly.sequence import advance

TURNS = 4
"""Times that a block's rows are looked at in columns, at most: each turn costs a pass over what is left."""
REST_SEGMENTS = 16
"""Fewer segments of a connection are quicker taken one by one."""
SWEEP_NS = 10**9
"""Capture time between looks at silent connections."""


Delivered: TypeAlias = Mapping[Connection, Sequence[tuple[int, Item]]]
"""What was delivered in columns, by connection."""


class View(NamedTuple):
    """What the columns say of a block's connections."""

    tracked: list[TrackedConnection | None]
    """(g,) as the table has them, and those that begin here once they are opened."""
    openings: Openings
    smoothness: Smoothness


class Reassembler:
    """Puts the segments of one capture point in order."""

    def __init__(self, capture_point: int = 0) -> None:
        self._counts: Counter[str] = Counter()
        self._anomalies: Counter[str] = Counter()
        self._evictions: Counter[str] = Counter()
        self._table = ConnectionTable(capture_point, self._counts)
        self._disordered = Disordered(self._counts, self._anomalies)
        self._waiting: dict[bytes, TrackedConnection] = {}
        """Connections with missing bytes: time alone may turn it into a gap."""
        self._swept_ns = 0

    @property
    def connections(self) -> int:
        """Connections in the table, those included that ended just now."""
        return len(self._table.tracked)

    def counters(self) -> Counter[str]:
        """Return counts under the names of `model.accounting`."""
        return self._counts

    def anomalies(self) -> Counter[str]:
        """Return counts per anomaly."""
        return self._anomalies

    def evictions(self) -> Counter[str]:
        """Return connections given up because the table was full."""
        return self._evictions

    def feed(self, block: SegmentBlock) -> Iterator[list[Delivery]]:
        """Deliver what a block brings, connection by connection; those that were in order together.

        A connection that opens, or loses something, within a block is smooth again soon after: the rest of its rows
        are looked at as a block of their own, a few times.
        """
        for turn in range(TURNS):
            if len(block) == 0:
                return
            rest: list[int] = []
            yield from self._feed(block, rest if turn + 1 < TURNS else None)
            block = block.rows(np.array(sorted(rest), dtype=np.int64))

    def _feed(self, block: SegmentBlock, rest: list[int] | None) -> Iterator[list[Delivery]]:
        """Deliver what a block brings, but for rows that are better looked at again: they are added to `rest`."""
        groups = group_by_connection(block)
        view = self._view(block, groups)
        last_copies: dict[bytes, int] = {}
        if not view.smoothness.is_smooth.all():
            is_copy = find_copies(block, groups)
            if is_copy.any():
                last_copies = times_of_last_copies(block, groups, is_copy)
                self._counts["duplicate_segments"] += int(is_copy.sum())
                self._counts["duplicate_bytes"] += int(block.payload_length[groups.order[is_copy]].sum())
                rest = None  # its rows are not those of the block that was given
                block = block.rows(np.sort(groups.order[~is_copy]))
                groups = group_by_connection(block)
                view = self._view(block, groups)
        self._open(groups, view)
        in_order = list(self._smooth(block, groups, view))
        yield in_order
        yield list(self._evict(int(block.timestamp_ns.max()), room=0))
        first_copies = {delivery.connection: delivery.items for delivery in in_order}
        for delivery in self._disorderly(block, groups, view.smoothness, rest, first_copies):
            yield [delivery]
        for key, time_ns in last_copies.items():
            known = self._table.tracked.get(key)
            if known is not None:
                known.last_time_ns = time_ns

    def _view(self, block: SegmentBlock, groups: Groups) -> View:
        """Decide in columns how far each connection is smooth, those that begin here too."""
        tracked = [self._table.tracked.get(key) for key in groups.keys]
        openings = find_openings(block, groups)
        expected = np.zeros((len(tracked), 2), dtype=np.uint32)
        is_known = np.zeros(len(tracked), dtype=bool)
        latest_ns = int(block.timestamp_ns.max())
        for group, known in enumerate(tracked):
            if known is not None and known.is_smooth() and not known.is_over_at(latest_ns):
                is_known[group] = True
                expected[group] = known.flows[0].next_sequence, known.flows[1].next_sequence
        first_ns = block.timestamp_ns.take(groups.order.take(groups.starts.take(openings.group)))
        is_new = [
            (known := tracked[group]) is None or known.may_begin_again(opener, advance(sequence, -1))
            for group, opener, sequence in zip(
                openings.group.tolist(), openings.opener.tolist(), openings.opener_sequence.tolist(), strict=True
            )
        ]
        openings = openings.only(np.array(is_new, dtype=np.bool_) & (latest_ns - first_ns <= IDLE_NS))
        is_known[openings.group] = True
        expected[openings.group, openings.opener] = openings.opener_sequence
        expected[openings.group, 1 - openings.opener] = openings.answerer_sequence
        return View(tracked, openings, find_smooth(block, groups, expected, is_known, openings.group))

    def _open(self, groups: Groups, view: View) -> None:
        """Begin connections in columns."""
        for group, opener, *sequences in zip(*(column.tolist() for column in view.openings), strict=True):
            view.tracked[group] = tracked = self._table.begin(groups.keys[group])
            tracked.open_both(opener, *sequences)

    def _smooth(self, block: SegmentBlock, groups: Groups, view: View) -> Iterator[Delivery]:
        """One run per flow, both flows of a connection together, and the ends of flows."""
        smoothness, tracked = view.smoothness, view.tracked
        runs = find_runs(smoothness, groups)
        times = block.timestamp_ns.take(groups.order)
        smooth_rows = np.add.reduceat(smoothness.is_smooth.astype(np.int64), groups.starts)
        heard = np.bitwise_or.reduceat(np.where(smoothness.is_smooth, 1 << smoothness.from_high, 0), groups.starts)
        last_times = times.take(groups.starts + np.maximum(smooth_rows - 1, 0)).tolist()
        for known, directions, time_ns in zip(tracked, heard.tolist(), last_times, strict=True):
            if directions and known is not None:
                known.last_time_ns = time_ns
                known.heard |= directions
        items: dict[int, list[tuple[int, Item]]] = {}
        if len(runs.rows):
            for flow_id, run in self._runs(block, groups, view, runs, times):
                items.setdefault(flow_id >> 1, []).append((flow_id & 1, run))
        fin_rows = np.flatnonzero(smoothness.is_fin & smoothness.is_smooth)
        for group, direction, time_ns in zip(
            groups.group.take(fin_rows).tolist(), smoothness.from_high.take(fin_rows).tolist(),
            times.take(fin_rows).tolist(), strict=True,
        ):  # fmt: skip
            known = tracked[group]
            assert known is not None
            items.setdefault(group, []).append((direction, known.close(direction, time_ns)))
        for group, some in items.items():
            known = tracked[group]
            assert known is not None
            yield Delivery(known.connection, some)

    def _runs(
        self, block: SegmentBlock, groups: Groups, view: View, runs: Runs, times: NDArray[np.int64]
    ) -> Iterator[tuple[int, Data]]:
        """Give the runs of smooth rows, each with its group * 2 + direction; `times` are those of the sorted rows."""
        smoothness, tracked = view.smoothness, view.tracked
        positions = np.array(
            [[known.flows[0].position, known.flows[1].position] if known else [0, 0] for known in tracked],
            dtype=np.int64,
        ).ravel()
        rows = runs.rows
        block_rows = groups.order.take(rows)
        lengths = smoothness.length.take(rows)
        starts = block.payload_at.take(block_rows)
        stops = starts + lengths
        cuts = smoothness.offset.take(rows) + positions.take(runs.flow)
        columns = Columns(
            starts=starts.data,
            stops=stops.data,
            cuts=cuts.data,
            times=times.take(rows).data,
            packets=block.number.take(block_rows).data,
            acknowledged=(smoothness.acknowledged.take(rows) + positions.take(runs.flow ^ 1)).data,
        )
        ends = (cuts + lengths)[runs.stops - 1].tolist()
        flows = runs.flow[runs.starts].tolist()
        for flow_id, first, last, stop in zip(flows, runs.starts.tolist(), runs.stops.tolist(), ends, strict=True):
            known = tracked[flow_id >> 1]
            assert known is not None
            flow = known.flows[flow_id & 1]
            yield flow_id, Data(flow.position, stop, block.buffer, columns, first, last, block.capture)
            flow.move(stop)

    def _disorderly(
        self, block: SegmentBlock, groups: Groups, smoothness: Smoothness, rest: list[int] | None, delivered: Delivered
    ) -> Iterator[Delivery]:
        """Go segment by segment through rows that are not smooth; `delivered` are the runs before them."""
        sorted_rows = np.flatnonzero(~smoothness.is_smooth)
        if not len(sorted_rows):
            return
        rows = groups.order[sorted_rows]
        segments = [
            Segment(*row)
            for row in zip(
                smoothness.from_high[sorted_rows].tolist(),
                block.sequence[rows].tolist(),
                block.acknowledgement[rows].tolist(),
                block.flags[rows].tolist(),
                block.payload_at[rows].tolist(),
                block.payload_length[rows].tolist(),
                block.cut_length[rows].tolist(),
                block.timestamp_ns[rows].tolist(),
                block.number[rows].tolist(),
                strict=True,
            )
        ]
        group = groups.group[sorted_rows]
        starts = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1]))).tolist()
        bounds = zip(starts, [*starts[1:], len(segments)], strict=True)
        for first, last in sorted(bounds, key=lambda bound: rows[bound[0]]):
            key, some = groups.keys[int(group[first])], segments[first:last]
            tracked = self._table.tracked.get(key)
            if tracked is not None and any(segment.payload_length for segment in some):
                tracked.remember(delivered.get(tracked.connection, ()))
            taken = yield from self._connection(key, some, block, may_stop=rest is not None)
            if rest is not None:
                rest += rows[first + taken : last].tolist()

    def _connection(
        self, key: bytes, segments: list[Segment], block: SegmentBlock, *, may_stop: bool
    ) -> Generator[Delivery, None, int]:
        """Take segments of one key, in capture order: possibly of several incarnations; return how many were taken."""
        tracked = self._table.tracked.get(key)
        out: list[Tracked] = []
        worth_it = len(segments) - REST_SEGMENTS if may_stop else -1
        for number, segment in enumerate(segments):
            if 0 < number <= worth_it and tracked is not None and tracked.is_smooth():
                yield from self._delivery(key, tracked, out)
                return number
            if tracked is not None and tracked.replaces(segment):
                self._disordered.end(tracked, EndCause.REPLACED, segment.time_ns, out)
                yield from self._delivery(key, tracked, out)
                tracked, out = None, []
            elif tracked is not None and tracked.is_over_at(segment.time_ns):
                yield from self._delivery(key, tracked, out)
                yield from self._forget(key, EndCause.IDLE, tracked.last_time_ns)
                tracked, out = None, []
            elif tracked is not None and tracked.outlives_reset(segment):
                yield from self._delivery(key, tracked, out)
                before, tracked, out = tracked, self._table.begin(key), []
                tracked.go_on_from(before)
            if tracked is None:
                if not (segment.flags & SYN or segment.payload_length or segment.cut_length):
                    continue  # the last acknowledgements of a connection before the capture begin nothing
                yield from self._evict(segment.time_ns, room=1)
                tracked = self._table.begin(key)
                if not segment.flags & SYN:
                    self._counts["connections_joined_late"] += 1
            if tracked.ended:
                if segment.payload_length or segment.cut_length:
                    self._counts["retransmitted_segments"] += 1
                    self._counts["duplicate_bytes"] += segment.payload_length
                tracked.last_time_ns = segment.time_ns
                continue
            out += self._disordered.take(tracked, segment, block.buffer, block.capture)
        if tracked is not None:
            yield from self._delivery(key, tracked, out)
        return len(segments)

    def _delivery(self, key: bytes, tracked: TrackedConnection, out: list[Tracked]) -> Iterator[Delivery]:
        for flow in tracked.flows:
            flow.delivered.clear()
        if any(flow.missing_since is not None and not flow.ended for flow in tracked.flows):
            self._waiting[key] = tracked
        else:
            self._waiting.pop(key, None)
        if out:
            self._count_gaps(tracked, out)
            yield Delivery(tracked.connection, list(out))

    def _count_gaps(self, tracked: TrackedConnection, out: list[Tracked]) -> None:
        for direction, item in out:
            if not isinstance(item, Gap):
                continue
            if tracked.is_elsewhere(direction):  # no loss: it never passes here
                self._counts["one_direction_connections"] += item.position == 0
                self._counts["one_direction_bytes"] += item.stop - item.position
            else:
                self._counts["gaps"] += 1
                self._counts["cut_bytes" if item.cause is GapCause.CUT else "gap_bytes"] += item.stop - item.position

    def _evict(self, now_ns: int, *, room: int) -> Iterator[Delivery]:
        for key in self._table.excess(room):
            if not self._table.tracked[key].ended:
                self._evictions["connections"] += 1
            yield from self._forget(key, EndCause.EVICTED, now_ns)

    def _forget(self, key: bytes, cause: EndCause, now_ns: int) -> Iterator[Delivery]:
        tracked = self._table.tracked.pop(key)
        out: list[Tracked] = []
        if not tracked.ended:
            self._disordered.settle_due(tracked, now_ns, out)
            self._disordered.end(tracked, cause, now_ns, out)
        yield from self._delivery(key, tracked, out)

    def flush(self, now_ns: int) -> Iterator[Delivery]:
        """Capture time has reached `now_ns`: declare due gaps, forget silent connections."""
        for key, tracked in list(self._waiting.items()):
            out: list[Tracked] = []
            self._disordered.settle_due(tracked, now_ns, out)
            yield from self._delivery(key, tracked, out)
        if now_ns - self._swept_ns >= SWEEP_NS:
            self._swept_ns = now_ns
            for key in self._table.expired(now_ns):
                yield from self._forget(key, EndCause.IDLE, self._table.tracked[key].last_time_ns)

    def close(self) -> Iterator[Delivery]:
        """End every connection: the capture is at its end."""
        for key in list(self._table.tracked):
            yield from self._forget(key, EndCause.CAPTURE, self._table.tracked[key].last_time_ns)


def times_of_last_copies(block: SegmentBlock, groups: Groups, is_copy: Mask) -> dict[bytes, int]:
    """Return when the last packet of a connection came, by key, where that packet is a copy."""
    last_rows = groups.stops - 1
    which = np.flatnonzero(is_copy.take(last_rows))
    times = block.timestamp_ns.take(groups.order.take(last_rows.take(which)))
    return {groups.keys[group]: time_ns for group, time_ns in zip(which.tolist(), times.tolist(), strict=True)}
