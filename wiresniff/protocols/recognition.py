"""What does a connection speak? Decided once, from bytes, never from ports.

The segments of both flows are looked at one by one in the order in which they came, so that the answer is the same for
blocks of any size. The first flow that shows what it is decides. One that shows nothing known leaves it to the other:
a server that is no HTTP server was sent a request all the same. Of flows whose beginning was not seen, every segment
may begin a message of HTTP/1, and frames of HTTP/2 may begin anywhere: they are looked for by tiling (`http2.search`),
and what may belong to them is kept.
"""

from collections import deque
from enum import Enum, auto
from typing import NamedTuple, TypeAlias

from wiresniff.model.delivery import Connection, Data, End, Gap, Item
from wiresniff.protocols.budget import Budget
from wiresniff.protocols.http2.search import UNKNOWN_CONNECTION, Role, Search
from wiresniff.protocols.inbox import SKIPPED_REMEMBERED, Inbox, Skipped
from wiresniff.protocols.probe import LINE_BYTES, Speech, begins_request, is_tls_record, probe
from wiresniff.protocols.tls import server_name

SEGMENTS_TRIED = 256
"""Segments of a flow looked at before it is given up: the bodies in flight when a capture begins are rarely longer."""
TLS_RECORDS_NEEDED = 2
"""Two segments that begin like a TLS record: one may be chance."""
PROBE_AGAIN_BYTES = 64
"""Longer than any method and any preface: from there on only the end of the line says more."""

HTTP2 = (Speech.HTTP2_CLIENT, Speech.HTTP2_FRAMES)

Due: TypeAlias = tuple[int, int]
"""When something is to be looked at: time and packet."""
NEVER: Due = (1 << 63, 0)


class Recognised(NamedTuple):
    """The answer: what is spoken, and which flow is the client's."""

    speech: Speech
    client_flow: int | None
    name: str | None = None


class Mode(Enum):
    """How a flow is looked at."""

    BEGINNING = auto()
    """From its first byte on; what was looked at is kept."""
    TORN = auto()
    """Its beginning says too little, and bytes behind it are missing, or it may be a server of HTTP/2; kept, as the
    other flow may tell what it is."""
    SEARCHING = auto()
    """The beginning was not seen: only beginnings of segments can be looked at, and are passed over."""
    FOREIGN = auto()
    """It began, and is nothing that is known: passed over."""


KEEPING = (Mode.BEGINNING, Mode.TORN)


class Sought:
    """One flow: how far it was looked at, and what is left of it in the inbox."""

    __slots__ = (
        "_budget", "_frames", "_inbox", "_kept", "_pieces", "_probed_bytes", "is_over", "mode", "position", "skipped",
        "skipped_bytes", "tried",
    )  # fmt: skip

    def __init__(self, inbox: Inbox, budget: Budget, *, joined_late: bool) -> None:
        self._inbox = inbox
        self._budget = budget
        self._frames: Search | None = None
        """Looks for frames of HTTP/2 where the beginning did not say what this is."""
        self._kept = 0
        """Items at the head of the inbox that were looked at whole."""
        self._pieces: list[bytes] = []
        self._probed_bytes = 0
        self.mode = Mode.SEARCHING if joined_late else Mode.BEGINNING
        self.position = 0
        """Everything before it was looked at."""
        self.is_over = False
        self.tried = 0
        self.skipped: deque[Skipped] = deque(maxlen=SKIPPED_REMEMBERED)
        """Segments passed over in which parts of a message may be."""
        self.skipped_bytes = 0

    def item(self) -> Item | None:
        """Return what is to be looked at next."""
        items = self._inbox.items
        return items[self._kept] if self._kept < len(items) and not self.is_over else None

    def due(self) -> Due:
        """Return when that came."""
        item = self.item()
        if item is None:
            return NEVER
        if isinstance(item, Data):
            row = item.row_of(max(self.position, item.position))
            return item.columns.times[row], item.columns.packets[row]
        return item.time_ns, 0

    def is_given_up(self) -> bool:
        """Nothing is expected of this flow."""
        if self.mode is Mode.FOREIGN or self.is_over:
            return True
        return self.tried >= SEGMENTS_TRIED and not (self._frames is not None and self._frames.is_promising())

    def add(self, octets: bytes) -> bytes | None:
        """Add a segment to the beginning; returns the beginning when it may say more than it did."""
        self._pieces.append(octets)
        length, self._probed_bytes = self._probed_bytes, self._probed_bytes + len(octets)
        if PROBE_AGAIN_BYTES <= length <= LINE_BYTES and b"\n" not in octets:
            return None
        self._pieces = [b"".join(self._pieces)]
        return self._pieces[0]

    def go_on(self, run: Data, stop: int) -> None:
        """Go on behind a segment."""
        if self.mode in KEEPING:
            self.position = stop
            self._kept += stop == run.stop
            if self.mode is Mode.TORN and stop - self._inbox.items[0].position > LINE_BYTES:
                self.search(Mode.SEARCHING)
        else:
            self._pass_over(run, stop)

    def find_frames(self, run: Data, row: int, position: int) -> Role | None:
        """Look for frames of HTTP/2 in a segment; tells who sends them."""
        if self._frames is None:
            self._frames = Search(UNKNOWN_CONNECTION, self._budget)
        return self._frames.role() if self._frames.add(run, row, position) else None

    def lose(self, gap: Gap) -> Role | None:
        """Bytes are missing here; tells who sends the frames before them, if now it is known that there are some."""
        if self._frames is not None and self._frames.lose(gap):
            return self._frames.role()
        self.position = gap.stop
        if self._kept:
            self.mode = Mode.TORN if self.mode is Mode.BEGINNING else self.mode
            self._kept += 1
        else:
            self.mode = Mode.SEARCHING if self.mode is Mode.BEGINNING else self.mode
            self._inbox.items.popleft()
        return None

    def search(self, mode: Mode) -> None:
        """Keep nothing from now on: pass over what was kept."""
        self.mode = mode
        self._pieces = []
        items, stop = self._inbox.items, self.position
        kept, self._kept, self.position = self._kept, 0, items[0].position
        for _ in range(kept):
            if type(items[0]) is Data:
                self._pass_over(items[0], items[0].stop)
            else:
                items.popleft()
        if items and type(items[0]) is Data:
            self._pass_over(items[0], stop)

    def _pass_over(self, run: Data, stop: int) -> None:
        """Take the segments before `stop` away, and remember where they were."""
        columns = run.columns
        position = max(self.position, run.position)
        while position < stop:
            row = run.row_of(position)
            end = segment_stop(run, row)
            self.tried += 1
            self.skipped_bytes += end - position
            if self.mode is not Mode.FOREIGN:
                self.skipped.append(Skipped(position, end, columns.packets[row], run.capture, columns.times[row]))
            position = end
        self.position = position
        if position == run.stop:
            self._inbox.items.popleft()

    def settle(self) -> None:
        """Cut off what was passed over of the run at hand."""
        items = self._inbox.items
        if self.mode not in KEEPING and items:
            item = items[0]
            if type(item) is Data and item.position < self.position:
                items[0] = item.owned(self.position)

    def give_back(self) -> None:
        """Put back what was passed over and may be frames of HTTP/2."""
        if self._frames is not None and self.mode is Mode.SEARCHING:
            kept = self._frames.kept()
            self._inbox.items.extendleft(reversed(kept))
            self.skipped_bytes -= sum(item.stop - item.position for item in kept if type(item) is Data)
        self.forget()

    def forget(self) -> None:
        """Keep nothing of what was passed over."""
        if self._frames is not None:
            self._frames.give_up()
            self._frames = None


class Recognition:
    """Looks at both flows of a connection until one of them says what it is."""

    __slots__ = ("_connection", "_sought", "_tls_records")

    def __init__(self, connection: Connection, inboxes: tuple[Inbox, Inbox], budget: Budget) -> None:
        self._connection = connection
        self._sought = (
            Sought(inboxes[0], budget, joined_late=connection.joined_late[0]),
            Sought(inboxes[1], budget, joined_late=connection.joined_late[1]),
        )
        self._tls_records = 0

    def is_synchronised(self, flow: int) -> bool:
        """Tell whether the flow's next byte is the first that it ever sent."""
        return self._sought[flow].mode in KEEPING

    @property
    def skipped(self) -> tuple[deque[Skipped], deque[Skipped]]:
        """Segments of each flow passed over while looking, in which parts of a message may be."""
        return self._sought[0].skipped, self._sought[1].skipped

    @property
    def skipped_bytes(self) -> int:
        """Bytes of both flows passed over while looking."""
        return self._sought[0].skipped_bytes + self._sought[1].skipped_bytes

    def run(self) -> Recognised | None:
        """Look at what is there; what can't be the beginning of anything known is taken away."""
        first, second = self._sought
        while True:
            due, other_due = first.due(), second.due()
            if due == other_due == NEVER:
                return None
            found = self._look(0 if due <= other_due else 1)
            if found is None and self._is_hopeless():
                found = Recognised(Speech.UNKNOWN, self._likely_client())
            if found is not None:
                self._settle(found)
                return found

    def _settle(self, found: Recognised) -> None:
        """Leave in the inboxes what is to be read."""
        for sought in self._sought:
            sought.settle()
            if found.speech in HTTP2:
                sought.give_back()
            else:
                sought.forget()

    def close(self) -> None:
        """Let go what is kept: the connection is over."""
        for sought in self._sought:
            sought.forget()

    def _look(self, flow: int) -> Recognised | None:
        """Look at the next segment, gap or end of a flow."""
        sought = self._sought[flow]
        item = sought.item()
        if type(item) is Data:
            return self._segment(flow, sought, item)
        if type(item) is Gap:
            return self._of_role(sought.lose(item), flow)
        if type(item) is End:
            sought.is_over = True
        return None

    def _segment(self, flow: int, sought: Sought, run: Data) -> Recognised | None:
        position = max(sought.position, run.position)
        row = run.row_of(position)
        found = None
        if sought.mode is Mode.BEGINNING:
            found = self._beginning(flow, sought, run.stretch(position, row, segments=1))
        elif sought.mode is not Mode.FOREIGN and run.columns.cuts[row] == position:
            found = self._after_loss(flow, run.stretch(position, row, segments=1))
        if found is None and sought.mode in (Mode.SEARCHING, Mode.TORN):
            found = self._of_role(sought.find_frames(run, row, position), flow)
        if found is None or found.speech is Speech.HTTP2_FRAMES:
            sought.go_on(run, segment_stop(run, row))
        return found

    def _beginning(self, flow: int, sought: Sought, octets: bytes) -> Recognised | None:
        """Read what the first bytes of a flow show it to be."""
        beginning = sought.add(octets)
        speech = Speech.UNSURE if beginning is None else probe(beginning)
        if beginning is None or speech is Speech.UNSURE:
            return None
        if speech is Speech.UNKNOWN:
            sought.search(Mode.FOREIGN)
            return None
        if speech is Speech.HTTP2_SERVER:
            sought.mode = Mode.TORN
            return None
        if speech is Speech.HTTP1_RESPONSE:
            return Recognised(speech, 1 - flow)
        if speech is Speech.TLS:
            is_client_hello = beginning[5:6] == b"\x01"
            return Recognised(speech, flow if is_client_hello else 1 - flow, server_name(beginning))
        return Recognised(speech, flow)

    def _after_loss(self, flow: int, octets: bytes) -> Recognised | None:
        """Read a segment that may begin a message; what only looks like one will be found out."""
        if begins_request(octets):
            return Recognised(Speech.HTTP1_REQUEST, flow)
        speech = probe(octets)
        if speech is Speech.HTTP1_RESPONSE:
            return Recognised(speech, 1 - flow)
        if speech is Speech.HTTP2_CLIENT:
            return Recognised(speech, flow)
        if is_tls_record(octets):
            self._tls_records += 1
            if self._tls_records >= TLS_RECORDS_NEEDED:
                return Recognised(Speech.TLS, self._likely_client())
        return None

    @staticmethod
    def _of_role(role: Role | None, flow: int) -> Recognised | None:
        """Say who the client is, by who sends such frames."""
        if role is None:
            return None
        return Recognised(Speech.HTTP2_FRAMES, flow if role is Role.CLIENT else 1 - flow)

    def _is_hopeless(self) -> bool:
        """Both flows are given up, or one is foreign and the other has been silent for long."""
        first, second = self._sought
        if not (first.tried or second.tried):
            return False
        return all(each.is_given_up() for each in self._sought) or any(
            each.mode is Mode.FOREIGN and each.tried >= SEGMENTS_TRIED for each in self._sought
        )

    def _likely_client(self) -> int | None:
        """Who asks can't be read; services listen on low ports, and clients speak from high ones."""
        first, second = self._connection.endpoints
        return None if first.port == second.port else int(second.port > first.port)


def segment_stop(run: Data, row: int) -> int:
    """Position one behind the last byte of a segment."""
    return run.columns.cuts[row + 1] if row + 1 < run.last else run.stop
