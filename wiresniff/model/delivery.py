"""What reassembly delivers to protocols: the bytes of each flow in order, and honestly what is not there.

A *flow* is one direction of a connection. Its bytes are counted from 0 (the byte after the SYN, or the first byte
seen when the capture joined late); this count is a *position*. Positions of what the peer acknowledged are counted in
the peer's flow.
"""

from bisect import bisect_right
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

STRETCH_SEGMENTS = 16
"""Segments joined at a time: enough to make joining cheap, few enough that a body that is skipped is not copied."""


class Endpoint(NamedTuple):
    """One end of a connection."""

    address: str
    port: int


class Connection:
    """One TCP incarnation between two endpoints."""

    __slots__ = ("base", "capture_point", "endpoints", "joined_late", "number")

    def __init__(self, number: int, endpoints: tuple[Endpoint, Endpoint], capture_point: int) -> None:
        self.number = number
        """Unique in its capture point."""
        self.endpoints = endpoints
        """The sender of flow 0 and the sender of flow 1."""
        self.capture_point = capture_point
        self.base = [0, 0]
        """The TCP sequence number of position 0, per flow."""
        self.joined_late = [True, True]
        """No SYN of this flow was seen: position 0 is anywhere in the stream."""

    def begun(self, flow: int) -> tuple[int, int] | None:
        """Return the sequence numbers of the first bytes of a flow and of its peer, if both were seen to begin."""
        return None if self.joined_late[0] or self.joined_late[1] else (self.base[flow], self.base[1 - flow])


class Columns(NamedTuple):
    """Segments of one or many runs, one row each: sequences of int of one length."""

    starts: Sequence[int]
    """Where the segment's bytes begin in the buffer."""
    stops: Sequence[int]
    cuts: Sequence[int]
    """Position of its first byte in its flow."""
    times: Sequence[int]
    """Nanoseconds: when its bytes had become contiguous with all before them."""
    packets: Sequence[int]
    acknowledged: Sequence[int]
    """The peer's position that its sender had received when sending it; `NOT_ACKNOWLEDGED` when unknown."""


NOT_ACKNOWLEDGED = -(1 << 62)


class Data:
    """A run: bytes of one flow that follow on from what was delivered before.

    Rows `first` to `last` (exclusive) of `columns` are its segments. A view into a block: whoever keeps bytes beyond
    `feed` keeps an `owned` copy.
    """

    __slots__ = ("buffer", "capture", "columns", "first", "is_owned", "last", "position", "stop")

    def __init__(
        self, position: int, stop: int, buffer: bytes, columns: Columns, first: int, last: int, capture: int
    ) -> None:
        self.position = position
        """Of the first byte."""
        self.stop = stop
        """One behind the last byte."""
        self.buffer = buffer
        self.columns = columns
        self.first = first
        self.last = last
        self.capture = capture
        self.is_owned = False
        """Its bytes and columns are its own: it may outlive the block."""

    def part(self, first: int, last: int) -> "Data":
        """Return some rows of the run."""
        cuts = self.columns.cuts
        position = max(cuts[first], self.position)
        stop = cuts[last] if last < self.last else self.stop
        return Data(position, stop, self.buffer, self.columns, first, last, self.capture)

    def row_of(self, position: int) -> int:
        """Row of the segment that holds `position`."""
        return bisect_right(self.columns.cuts, position, self.first, self.last) - 1

    def stretch(self, position: int, row: int, segments: int = STRETCH_SEGMENTS) -> bytes:
        """Contiguous bytes from `position`, which `row` holds: all that is left, or what so many segments hold."""
        columns = self.columns
        first = columns.starts[row] + position - columns.cuts[row]
        last = min(row + segments, self.last)
        buffer = self.buffer
        head = buffer[first : columns.stops[row]]
        if last - row == 1:
            return head
        pieces = [head]
        rest = zip(columns.starts[row + 1 : last], columns.stops[row + 1 : last], strict=True)
        pieces += [buffer[start:stop] for start, stop in rest]
        return b"".join(pieces)

    def owned(self, position: int) -> "Data":
        """Return the rest from `position` on with bytes and columns of its own.

        Segments begin where they began: the first one, of which only a part is left, before its bytes in the buffer.
        """
        if self.is_owned:
            return self
        row = self.row_of(position)
        payload = self.stretch(position, row, self.last - row)
        columns = self.columns
        rest = slice(row, self.last)
        cuts = list(columns.cuts[rest])
        starts = [cut - position for cut in cuts]
        kept = Columns(
            starts=starts,
            stops=[*starts[1:], len(payload)],
            cuts=cuts,
            times=list(columns.times[rest]),
            packets=list(columns.packets[rest]),
            acknowledged=list(columns.acknowledged[rest]),
        )
        rest_of_run = Data(position, self.stop, payload, kept, 0, len(cuts), self.capture)
        rest_of_run.is_owned = True
        return rest_of_run


class GapCause(StrEnum):
    """Why bytes are not there."""

    LOST = "lost"
    """No packet with these bytes is in the capture."""
    CUT = "truncated"
    """The packet is there, cut short by the snap length."""


class Gap(NamedTuple):
    """Bytes of one flow that will never come."""

    position: int
    stop: int
    cause: GapCause
    time_ns: int


class EndCause(StrEnum):
    """Why a flow ends."""

    FIN = "fin"
    RESET = "reset"
    REPLACED = "replaced"
    """Its ports were used again by a new connection."""
    IDLE = "idle"
    EVICTED = "evicted"
    """A limit was reached."""
    CAPTURE = "capture"
    """The capture ended."""


class End(NamedTuple):
    """No more of this flow."""

    position: int
    cause: EndCause
    time_ns: int


Item: TypeAlias = Data | Gap | End


class Delivery(NamedTuple):
    """What one block brought to one connection: (flow, item), each flow in order."""

    connection: Connection
    items: list[tuple[int, Item]]
