"""What does a connection speak? Decided once, from bytes, never from ports."""

from collections import deque
from typing import NamedTuple

from wiresniff.model.delivery import Connection, Data, Gap
from wiresniff.protocols.inbox import SKIPPED_REMEMBERED, Inbox, Skipped
from wiresniff.protocols.probe import LINE_BYTES, Speech, begins_request, is_tls_record, probe
from wiresniff.protocols.tls import server_name

SEGMENTS_TRIED = 256
"""Segments of a flow looked at before it is given up: the bodies in flight when a capture begins are rarely longer."""
TLS_RECORDS_NEEDED = 2
"""Two segments that begin like a TLS record: one may be chance."""


class Recognised(NamedTuple):
    """The answer: what is spoken, and which flow is the client's (None when that is not known)."""

    speech: Speech
    client_flow: int | None
    name: str | None = None


class Recognition:
    """Looks at both flows of a connection until one of them says what it is."""

    __slots__ = ("_connection", "_inboxes", "_is_lost", "_tls_records", "_tried", "skipped", "skipped_bytes")

    def __init__(self, connection: Connection, inboxes: tuple[Inbox, Inbox]) -> None:
        self._connection = connection
        self._inboxes = inboxes
        self._is_lost = list(connection.joined_late)
        """Per flow: its beginning was not seen, so only beginnings of segments can be looked at."""
        self._tried = [0, 0]
        self._tls_records = 0
        self.skipped = (deque[Skipped](maxlen=SKIPPED_REMEMBERED), deque[Skipped](maxlen=SKIPPED_REMEMBERED))
        """Segments of each flow passed over while looking."""
        self.skipped_bytes = 0

    def is_synchronised(self, flow: int) -> bool:
        """The flow's next byte is the first that it ever sent."""
        items = self._inboxes[flow].items
        at_start = not items or (type(items[0]) is Data and items[0].position == 0)
        return not self._is_lost[flow] and at_start

    def run(self) -> Recognised | None:
        """Look at what is there; items that can't be the beginning of anything known are taken away."""
        for flow in (0, 1):
            found = self._flow(flow)
            if found is not None:
                return found
        if all(self._is_given_up(flow) for flow in (0, 1)) and any(self._tried):
            return Recognised(Speech.UNKNOWN, None)
        return None

    def _is_given_up(self, flow: int) -> bool:
        inbox = self._inboxes[flow]
        return self._tried[flow] >= SEGMENTS_TRIED or (inbox.ended and not inbox.items)

    def _flow(self, flow: int) -> Recognised | None:
        items = self._inboxes[flow].items
        while items:
            item = items[0]
            if type(item) is Data:
                found = self._lost_run(flow, item) if self._is_lost[flow] else self._first_run(flow)
                if found is not None:
                    return found
                if not self._is_lost[flow]:
                    return None  # more bytes are needed, and these will be read again with them
            elif type(item) is Gap:
                self._is_lost[flow] = True
            items.popleft()
        return None

    def _first_run(self, flow: int) -> Recognised | None:
        """The first bytes of a flow must show what it is."""
        octets = first_bytes(self._inboxes[flow])
        speech = probe(octets)
        if speech is Speech.UNSURE:
            return None
        if speech is Speech.HTTP1_REQUEST:
            return Recognised(speech, flow)
        if speech is Speech.HTTP1_RESPONSE:
            return Recognised(speech, 1 - flow)
        if speech is Speech.TLS:
            name = server_name(octets)
            return Recognised(speech, flow if octets[5:6] == b"\x01" else 1 - flow, name)
        if speech is Speech.HTTP2_CLIENT:
            return Recognised(speech, flow)
        # A server may greet first, and a client may answer in HTTP all the same; but nothing that is known does.
        return Recognised(Speech.UNKNOWN, None)

    def _lost_run(self, flow: int, run: Data) -> Recognised | None:
        """Look at the beginning of each segment; what lies before the one that is known is cut off."""
        columns = run.columns
        position = run.position
        while position < run.stop:
            row = run.row_of(position)
            stop = columns.cuts[row + 1] if row + 1 < run.last else run.stop
            octets = run.stretch(position, row, segments=1)
            found = self._segment(flow, octets) if columns.cuts[row] == position else None
            if found is not None:
                self._inboxes[flow].items[0] = run.owned(position)
                return found
            self._tried[flow] += 1
            self.skipped_bytes += stop - position
            if columns.cuts[row] == position:
                self.skipped[flow].append(Skipped(position, stop, columns.packets[row], run.capture, columns.times[row]))
            position = stop
        return None

    def _segment(self, flow: int, octets: bytes) -> Recognised | None:
        if begins_request(octets):
            is_http2 = octets.startswith(b"PRI * HTTP/2.0")
            return Recognised(Speech.HTTP2_CLIENT if is_http2 else Speech.HTTP1_REQUEST, flow)
        if probe(octets) is Speech.HTTP1_RESPONSE:
            return Recognised(Speech.HTTP1_RESPONSE, 1 - flow)
        if is_tls_record(octets):
            self._tls_records += 1
            if self._tls_records >= TLS_RECORDS_NEEDED:
                return Recognised(Speech.TLS, None)
        return None


def first_bytes(inbox: Inbox) -> bytes:
    """Return the contiguous bytes at the beginning of an inbox, as many as recognition may need."""
    pieces: list[bytes] = []
    length = 0
    for item in inbox.items:
        if type(item) is not Data or length > LINE_BYTES:
            break
        position = item.position
        while position < item.stop and length <= LINE_BYTES:
            piece = item.stretch(position, item.row_of(position))
            pieces.append(piece)
            position += len(piece)
            length += len(piece)
    return b"".join(pieces)
