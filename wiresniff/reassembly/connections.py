"""The connection table: identity, ageing, eviction; and one connection's segments, one by one."""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from heapq import nsmallest
from ipaddress import IPv6Address
from typing import NamedTuple

from wiresniff.model import limits
from wiresniff.model.anomalies import Anomaly
from wiresniff.model.delivery import NOT_ACKNOWLEDGED, Connection, Data, End, EndCause, Endpoint, Item
from wiresniff.model.segments import ACK, FIN, RST, SYN
from wiresniff.reassembly.flow import Flow, Piece, pieces_of
from wiresniff.reassembly.sequence import advance, distance

IDLE_NS = limits.IDLE_SECONDS * 10**9
ENDED_NS = limits.ENDED_SECONDS * 10**9
HALF_OPEN_NS = limits.HALF_OPEN_SECONDS * 10**9
ADDRESSES_REMEMBERED = 4096
"""Texts of addresses: a network shows some hundreds again and again."""
EVICTED_AT_ONCE = 16
"""One in so many connections goes when the table is full, so that looking for the oldest pays."""


class Segment(NamedTuple):
    """One row of a segment block."""

    direction: int
    sequence: int
    acknowledgement: int
    flags: int
    payload_at: int
    payload_length: int
    cut_length: int
    time_ns: int
    packet: int


class Tracked(NamedTuple):
    """One deliverable: which flow, and what."""

    direction: int
    item: Item


class TrackedConnection:
    """A connection and its two flows."""

    __slots__ = ("connection", "ended", "flows", "heard", "last_time_ns", "reset_from", "strange", "syn")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.flows = (Flow(), Flow())
        self.last_time_ns = 0
        self.heard = 0
        """Bits 1 and 2: a packet of this direction was seen. Without one, all of it passes elsewhere."""
        self.strange = 0
        """Segments in a row that are far from their flow."""
        self.syn: list[int | None] = [None, None]
        """Sequence number of each side's SYN."""
        self.ended = False
        self.reset_from: tuple[int, int] | None = None
        """Direction and sequence number of the RST that ended it."""

    def is_elsewhere(self, direction: int) -> bool:
        """Say whether nothing at all was seen of a direction so far."""
        return not self.heard >> direction & 1

    def is_smooth(self) -> bool:
        """Both flows are known and nothing waits: the columns may decide."""
        return self.flows[0].is_smooth() and self.flows[1].is_smooth()

    def replaces(self, segment: Segment) -> bool:
        """Say whether the segment is of a new connection on these ports."""
        if not segment.flags & SYN:
            return self.strange >= limits.STRANGE_SEGMENTS and self.is_far(segment)
        known = self.syn[segment.direction]
        if known is not None:
            return known != segment.sequence
        base = self.flows[segment.direction].base
        return self.ended or (base is not None and base != advance(segment.sequence, 1))

    def is_over_at(self, time_ns: int) -> bool:
        """So long after its last packet that it is forgotten: what comes now joins late."""
        silent_ns = time_ns - self.last_time_ns
        if silent_ns > (ENDED_NS if self.ended else IDLE_NS):
            return True
        return silent_ns > HALF_OPEN_NS and self.is_half_open()

    def is_half_open(self) -> bool:
        """Say whether nothing is known of one side, not even by what the other one acknowledges."""
        return self.flows[0].base is None or self.flows[1].base is None

    def may_begin_again(self, direction: int, sequence: int) -> bool:
        """Say whether a SYN with this number begins a new connection on these ports, with nothing left of this one."""
        return self.ended and self.syn[direction] != sequence

    def open_both(self, direction: int, sequence: int, answer_sequence: int) -> None:
        """Begin both flows where a SYN of `direction` and its answer say: the numbers of their first bytes."""
        self.syn[direction], self.syn[1 - direction] = advance(sequence, -1), advance(answer_sequence, -1)
        self._begin(direction, sequence)
        self._begin(1 - direction, answer_sequence)
        self.heard = 0b11

    def close(self, direction: int, time_ns: int) -> End:
        """End a flow behind all that was delivered of it."""
        flow = self.flows[direction]
        flow.fin = flow.position
        flow.ended = True
        self.ended = self.flows[1 - direction].ended
        return End(flow.position, EndCause.FIN, time_ns)

    def remember(self, delivered: Iterable[tuple[int, Item]]) -> None:
        """Keep first copies at hand that were delivered without going through the flows."""
        for direction, item in delivered:
            if isinstance(item, Data):
                self.flows[direction].delivered += pieces_of(item)

    def outlives_reset(self, segment: Segment) -> bool:
        """Whoever reset the connection goes on sending: the peer did not accept that RST (RFC 9293 3.10.7.4)."""
        if self.reset_from is None or not segment.payload_length or segment.flags & (RST | SYN):
            return False
        direction, sequence = self.reset_from
        return segment.direction == direction and distance(segment.sequence, sequence) >= 0

    def go_on_from(self, before: "TrackedConnection") -> None:
        """Take over where both flows of the same incarnation stood."""
        for direction, (flow, known) in enumerate(zip(self.flows, before.flows, strict=True)):
            if known.base is not None:
                flow.start(known.next_sequence)
                self.connection.base[direction] = known.next_sequence
                self.connection.joined_late[direction] = before.connection.joined_late[direction] or known.position > 0
        self.syn = list(before.syn)
        self.heard = before.heard

    def is_far(self, segment: Segment) -> bool:
        """Say whether the segment is further from its flow than any window reaches."""
        flow = self.flows[segment.direction]
        return flow.base is not None and abs(flow.place(segment.sequence) - flow.position) > limits.WINDOW_BYTES

    def open(self, segment: Segment) -> None:
        """Begin a flow where its SYN says; the SYN of an answer also says where the other began (RFC 9293 3.5)."""
        direction = segment.direction
        self.syn[direction] = segment.sequence
        self._begin(direction, advance(segment.sequence, 1))
        if segment.flags & ACK:
            self._begin(1 - direction, segment.acknowledgement)

    def _begin(self, direction: int, sequence: int) -> None:
        flow = self.flows[direction]
        if flow.base is None:
            flow.start(sequence)
            self.connection.base[direction] = sequence
        if flow.base == sequence:
            self.connection.joined_late[direction] = False

    def join(self, segment: Segment) -> None:
        """Take what a segment shows of where both flows stand, if that is not known yet."""
        direction = segment.direction
        flow, peer = self.flows[direction], self.flows[1 - direction]
        if flow.base is None:
            flow.start(segment.sequence)
            self.connection.base[direction] = segment.sequence
        if peer.base is None and segment.flags & ACK:
            peer.start(segment.acknowledgement)
            self.connection.base[1 - direction] = segment.acknowledgement
            # After a SYN, and before any byte of its own, a side can have received nothing but the answer to the SYN.
            if flow.position == 0 and not self.connection.joined_late[direction]:
                self.connection.joined_late[1 - direction] = False


class Disordered:
    """Takes segments of one connection one by one, in capture order, and delivers what follows on."""

    def __init__(self, counts: Counter[str], anomalies: Counter[str]) -> None:
        self.counts = counts
        self.anomalies = anomalies
        self.pending_bytes = 0
        """Out-of-order bytes of all connections."""

    def take(self, tracked: TrackedConnection, segment: Segment, buffer: bytes, capture: int) -> list[Tracked]:
        """Return what one segment brings to delivery."""
        out: list[Tracked] = []
        self.settle_due(tracked, segment.time_ns, out)
        tracked.last_time_ns = segment.time_ns
        tracked.heard |= 1 << segment.direction
        if segment.flags & SYN:
            tracked.open(segment)
            segment = segment._replace(sequence=advance(segment.sequence, 1))  # data on a SYN follows it (RFC 7413)
        tracked.join(segment)
        flow, peer = tracked.flows[segment.direction], tracked.flows[1 - segment.direction]
        position = flow.place(segment.sequence)
        if tracked.is_far(segment):
            tracked.strange += 1
            self.anomalies[Anomaly.OUT_OF_WINDOW] += 1
            return out
        tracked.strange = 0
        acknowledged = self._acknowledge(peer, segment)
        if segment.flags & RST:
            tracked.reset_from = segment.direction, segment.sequence
            self.end(tracked, EndCause.RESET, segment.time_ns, out)
            return out
        if segment.payload_length or segment.cut_length:
            stop = position + segment.payload_length
            piece = Piece(
                position, stop, stop + segment.cut_length, buffer, segment.payload_at, segment.time_ns, segment.packet,
                acknowledged, capture,
            )  # fmt: skip
            self._payload(flow, piece, segment, out)
        if segment.flags & FIN and flow.fin is None:
            flow.close_at(position + segment.payload_length + segment.cut_length)
        items: list[Item] = []
        self._drain(flow, segment.time_ns, items)
        peer.look_for_missing(segment.time_ns)
        out += [Tracked(segment.direction, item) for item in items]
        tracked.ended = flow.ended and peer.ended
        return out

    def _acknowledge(self, peer: Flow, segment: Segment) -> int:
        """Note what the segment acknowledges; returns it as a position of the peer."""
        if not segment.flags & ACK or peer.base is None:
            return NOT_ACKNOWLEDGED
        acknowledged = peer.place(segment.acknowledgement)
        if abs(acknowledged - peer.position) > limits.WINDOW_BYTES:
            self.anomalies[Anomaly.OUT_OF_WINDOW] += 1
            return NOT_ACKNOWLEDGED
        peer.acknowledge(acknowledged, segment.time_ns)
        return acknowledged

    def _payload(self, flow: Flow, piece: Piece, segment: Segment, out: list[Tracked]) -> None:
        """One segment's bytes: in order, repeated, or beyond missing bytes."""
        items: list[Item] = []
        if flow.ended:
            self.counts["retransmitted_segments"] += 1
            return
        # The octet of a keep-alive probe lies before what was acknowledged and means nothing (RFC 9293 3.8.4).
        is_probe = piece.cut_stop - piece.position == 1 and piece.position == flow.position - 1
        if is_probe:
            self.counts["keepalive_segments"] += 1
            return
        if flow.differs(piece):
            self.anomalies[Anomaly.OVERLAP_DIFFERS] += 1
        if flow.is_repeat(piece):
            self.counts["retransmitted_segments"] += 1
            self.counts["duplicate_bytes"] += piece.stop - piece.position
        elif piece.position <= flow.position:
            flow.deliver(piece, piece.time_ns, items)
            self._drain(flow, piece.time_ns, items)
        else:
            self.counts["reordered_segments"] += 1
            held = len(flow.pending)
            self.pending_bytes += flow.keep(piece)
            if len(flow.pending) > held:  # a copy of what waits already says nothing about what is missing
                self._keep_bounds(flow, piece.time_ns, items)
                self._count_missing(flow, piece.time_ns, items)
        out += [Tracked(segment.direction, item) for item in items]

    def _drain(self, flow: Flow, time_ns: int, items: list[Item]) -> None:
        before = flow.pending_bytes
        flow.drain(time_ns, items)
        self.pending_bytes += flow.pending_bytes - before

    def _count_missing(self, flow: Flow, time_ns: int, items: list[Item]) -> None:
        """Count a segment behind missing bytes; so many of them end the wait."""
        if flow.missing_since is None:
            return
        flow.missing_packets += 1
        if flow.missing_packets >= limits.GAP_PACKETS:
            self._give_up_missing(flow, time_ns, items)

    def _keep_bounds(self, flow: Flow, time_ns: int, items: list[Item]) -> None:
        """End the wait for what is missing when the window is full."""
        while flow.pending and (
            flow.pending_bytes > limits.REORDER_FLOW_BYTES
            or len(flow.pending) > limits.REORDER_FLOW_SEGMENTS
            or self.pending_bytes > limits.REORDER_TOTAL_BYTES
        ):
            self.anomalies[Anomaly.WINDOW_FULL] += 1
            self._give_up_missing(flow, time_ns, items)

    def _give_up_missing(self, flow: Flow, time_ns: int, items: list[Item]) -> None:
        before = flow.pending_bytes
        flow.give_up_missing(time_ns, items)
        self.pending_bytes += flow.pending_bytes - before

    def settle_due(self, tracked: TrackedConnection, now_ns: int, out: list[Tracked]) -> None:
        """Declare missing bytes whose time has come."""
        for direction, flow in enumerate(tracked.flows):
            items: list[Item] = []
            due = flow.due_ns(now_ns)
            while due is not None:
                self._give_up_missing(flow, due, items)
                due = flow.due_ns(now_ns)
            out += [Tracked(direction, item) for item in items]

    def end(self, tracked: TrackedConnection, cause: EndCause, time_ns: int, out: list[Tracked]) -> None:
        """End both flows."""
        for direction, flow in enumerate(tracked.flows):
            items: list[Item] = []
            self.pending_bytes -= flow.pending_bytes
            flow.end(cause, time_ns, items)
            out += [Tracked(direction, item) for item in items]
        tracked.ended = True


class ConnectionTable:
    """Connections by their undirected key; bounded."""

    def __init__(self, capture_point: int, counts: Counter[str]) -> None:
        self.capture_point = capture_point
        self.counts = counts
        self.tracked: dict[bytes, TrackedConnection] = {}

    def begin(self, key: bytes) -> TrackedConnection:
        """Begin a connection under its key (the bytes of an ENDPOINTS row)."""
        low, high, low_port, high_port = key[:16], key[16:32], key[32:34], key[34:36]
        endpoints = (
            Endpoint(address_text(low), int.from_bytes(low_port, "big")),
            Endpoint(address_text(high), int.from_bytes(high_port, "big")),
        )
        self.counts["connections"] += 1
        tracked = TrackedConnection(Connection(self.counts["connections"], endpoints, self.capture_point))
        self.tracked[key] = tracked
        return tracked

    def expired(self, now_ns: int) -> list[bytes]:
        """Keys of connections that are idle, ended or without an answer for long enough to be forgotten."""
        since_ns = now_ns - min(ENDED_NS, HALF_OPEN_NS)
        return [
            key
            for key, tracked in self.tracked.items()
            if tracked.last_time_ns < since_ns and tracked.is_over_at(now_ns)
        ]

    def excess(self, room: int) -> list[bytes]:
        """Keys of the connections to give up for `room` more: ended ones first, then the longest silent."""
        surplus = len(self.tracked) + room - limits.CONNECTIONS
        if surplus <= 0:
            return []
        count = surplus - 1 + limits.CONNECTIONS // EVICTED_AT_ONCE
        return nsmallest(
            count, self.tracked, key=lambda key: (not self.tracked[key].ended, self.tracked[key].last_time_ns)
        )


@lru_cache(ADDRESSES_REMEMBERED)
def address_text(packed: bytes) -> str:
    """Text of an address of 16 bytes; IPv4 is mapped (RFC 4291 2.5.5.2)."""
    address = IPv6Address(packed)
    return str(address.ipv4_mapped or address)
