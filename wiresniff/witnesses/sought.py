"""Sought: what belongs to one request that proves a finding, as far as it was found."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wiresniff.model import limits
from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Exchange
from wiresniff.model.findings import Witness
from wiresniff.protocols.http1.grammar import EMPTY_LINE
from wiresniff.reassembly.sequence import distance
from wiresniff.witnesses.captured import Captured, Located, key_of
from wiresniff.witnesses.handshakes import Handshakes

EARLY_NS = limits.WITNESS_EARLY_SECONDS * 10**9


class Place(NamedTuple):
    """Where a request is: the same of its witness and of its exchange."""

    time_ns: int
    capture: int
    packet: int
    client: Endpoint
    server: Endpoint
    stream: int | None
    sequence: int


def place_of(witness: Witness) -> Place:
    """Return where the request of a witness is."""
    return Place(
        witness.time_ns, witness.capture, witness.packet, Endpoint(witness.client_address, witness.client_port),
        Endpoint(witness.server_address, witness.server_port), witness.stream, witness.sequence,
    )  # fmt: skip


def place_of_exchange(exchange: Exchange) -> Place:
    """Return where an exchange is."""
    return Place(
        exchange.time_ns, exchange.capture, exchange.packet, exchange.client, exchange.server, exchange.stream,
        exchange.sequence,
    )  # fmt: skip


class Piece(NamedTuple):
    """Bytes of a head that one packet was the first to bring."""

    captured: Captured
    start: int
    stop: int


class Head:
    """The head of a request, put together of the first copies of its segments."""

    def __init__(self, sequence: int) -> None:
        self._sequence = sequence
        self._waiting: list[tuple[int, Captured]] = []
        self._octets = bytearray()
        self._searched = 0
        self.pieces: list[Piece] = []
        self.octets: bytes | None = None
        """The whole head, once all of it is there."""

    def add(self, captured: Captured) -> None:
        """Take a segment; what is not of the head, or was there before, is left."""
        if self.octets is not None or len(self._octets) > limits.HEAD_BYTES:
            return
        start = distance(captured.payload_sequence, self._sequence)
        is_near = start < limits.HEAD_BYTES and start + len(captured.payload) > len(self._octets)
        if not is_near or len(self._waiting) >= limits.REORDER_FLOW_SEGMENTS:
            return
        self._waiting.append((start, captured))
        while self._take_next():
            pass

    def _take_next(self) -> bool:
        """Take a segment that goes on where the head was up to now; False when there is none."""
        if self.octets is not None:
            return False
        reached = len(self._octets)
        for number, (start, captured) in enumerate(self._waiting):
            if start <= reached < start + len(captured.payload):
                del self._waiting[number]
                self._octets += captured.payload[reached - start :]
                self._look_for_end()
                self.pieces.append(Piece(captured, reached, len(self._octets)))
                return True
        return False

    def _look_for_end(self) -> None:
        match = EMPTY_LINE.search(self._octets, self._searched)
        self._searched = max(len(self._octets) - 2, 0)
        if match is not None:
            del self._octets[match.end() :]
            self.octets = bytes(self._octets)


class Sought:
    """One request that is looked for, and what was found of it."""

    def __init__(self, place: Place, exchange: Exchange | None = None) -> None:
        self.place = place
        self.key = key_of(place.client, place.server)
        self.exchange = exchange
        self.head = Head(place.sequence)
        self.origin: Captured | None = None
        """The packet that its head begins in."""
        self.handshake: Sequence[Captured] = ()
        self.answer: Captured | None = None
        """The packet that its answer's head ends in; without payload."""
        self.is_settled = False
        """Its exchange was found among those of the connection: what answers it is known, if it ever will be."""
        self._answers: deque[Captured] = deque(maxlen=limits.WITNESS_ANSWERS)

    @property
    def is_http2(self) -> bool:
        """The request is of a stream: its head is written anew, so that one packet of it is enough."""
        return self.place.stream is not None

    @property
    def is_found(self) -> bool:
        """There is enough to write it."""
        is_whole = self.exchange is not None if self.is_http2 else self.head.octets is not None
        return self.origin is not None and is_whole

    @property
    def is_done(self) -> bool:
        """Nothing more is looked for."""
        return self.is_found and (self.is_settled or self.answer is not None)

    def take(self, located: Located, row: int, handshakes: Handshakes) -> None:
        """Take a segment of its connection, if it is part of it."""
        if self.is_done or not located.segments.payload_length[row] or not self._is_time(located, row):
            return
        captured = located.captured(row)
        if captured.source != self.place.client:
            self._take_answer(captured)
            return
        start = distance(captured.payload_sequence, self.place.sequence)
        if self.origin is None and start <= 0 < start + len(captured.payload):
            self.origin = captured
            self.handshake = handshakes.of(self.key, self.place.sequence, captured.time_ns)
        if not self.is_http2:
            self.head.add(captured)

    def _is_time(self, located: Located, row: int) -> bool:
        """Say whether a segment may be part of it: sequence numbers come again."""
        place, packets = self.place, located.packets
        packet_row = int(located.packet_rows[row])
        if packets.capture != place.capture:  # the next file of the same capture point
            return self.origin is not None and located.point == self.origin.point
        is_near = int(packets.timestamp_ns[packet_row]) >= place.time_ns - EARLY_NS
        return is_near or int(packets.number[packet_row]) >= place.packet

    def _take_answer(self, captured: Captured) -> None:
        if captured.time_ns < self.place.time_ns - EARLY_NS or self.answer is not None:
            return
        captured = captured._replace(payload=b"")
        if self.exchange is None:
            self._answers.append(captured)
        elif captured.time_ns == self.exchange.response_time_ns:
            self.answer = captured

    def settle(self, exchange: Exchange) -> None:
        """Take the exchange that the request turned out to be."""
        self.exchange = exchange
        self.is_settled = True
        time_ns = exchange.response_time_ns
        self.answer = next((each for each in self._answers if each.time_ns == time_ns), None)
        self._answers.clear()


class Search:
    """Requests that are looked for, by their connections."""

    def __init__(self, soughts: Iterable[Sought]) -> None:
        self._by_key: dict[bytes, list[Sought]] = {}
        for sought in soughts:
            self._by_key.setdefault(sought.key, []).append(sought)

    @property
    def keys(self) -> frozenset[bytes]:
        """The connections that they are on."""
        return frozenset(self._by_key)

    def take(self, located: Located, rows: NDArray[np.int64], handshakes: Handshakes) -> None:
        """Take what belongs to them from rows of these connections."""
        for row in rows[located.segments.payload_length[rows] > 0].tolist():
            for sought in self._by_key[located.key(row)]:
                sought.take(located, row, handshakes)
