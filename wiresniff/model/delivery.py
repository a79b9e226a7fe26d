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


class Data:
    """A run: bytes of one flow that follow on from what was delivered before.

    Segment columns (`starts`, `stops` in `buffer`; `cuts`, the position at which each begins; `times`; `packets`;
    `acknowledged`, the peer's position acknowledged by it, -1 when unknown) are sequences of int of one length.
    A view into a block: whoever keeps bytes beyond `feed` copies them with `owned`.
    """

    __slots__ = ("acknowledged", "buffer", "capture", "cuts", "packets", "position", "starts", "stop", "stops", "times")

    def __init__(
        self,
        position: int,
        stop: int,
        buffer: bytes,
        starts: Sequence[int],
        stops: Sequence[int],
        cuts: Sequence[int],
        times: Sequence[int],
        packets: Sequence[int],
        acknowledged: Sequence[int],
        capture: int,
    ) -> None:
        self.position = position
        """Of the first byte."""
        self.stop = stop
        """One behind the last byte."""
        self.buffer = buffer
        self.starts = starts
        self.stops = stops
        self.cuts = cuts
        self.times = times
        self.packets = packets
        self.acknowledged = acknowledged
        self.capture = capture

    def segment_at(self, position: int) -> int:
        """Row of the segment that holds `position`."""
        return bisect_right(self.cuts, position) - 1

    def stretch(self, position: int, segments: int = STRETCH_SEGMENTS) -> bytes:
        """Contiguous bytes from `position` on: all that is left, or as much as some segments hold."""
        row = bisect_right(self.cuts, position) - 1
        starts, stops = self.starts, self.stops
        first = starts[row] + position - self.cuts[row]
        last = min(row + segments, len(starts))
        if last - row == 1:
            return self.buffer[first : stops[row]]
        buffer = self.buffer
        pieces = [buffer[first : stops[row]]]
        pieces += [buffer[start:stop] for start, stop in zip(starts[row + 1 : last], stops[row + 1 : last], strict=True)]
        return b"".join(pieces)

    def owned(self, position: int) -> "Data":
        """Return the rest from `position` on with bytes and columns of its own."""
        row = bisect_right(self.cuts, position) - 1
        payload = self.stretch(position, len(self.starts))
        cuts = [position, *self.cuts[row + 1 :]]
        starts = [cut - position for cut in cuts]
        return Data(
            position,
            self.stop,
            payload,
            starts,
            [*starts[1:], len(payload)],
            cuts,
            list(self.times[row:]),
            list(self.packets[row:]),
            list(self.acknowledged[row:]),
            self.capture,
        )


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
