"""The server's direction of an HTTP/1 connection.

States are methods, as in `requests`:

    head     at the beginning of a head
    held     within a head that began in an earlier run
    pair     behind a head whose request must be seen first: blocked on the client's direction
    body     within a body of known length
    chunks   within a chunked body
    close    within a body that ends with the connection
    seek     lost: looks for a head at the beginning of a segment
    opaque   no longer HTTP/1
"""

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from wiresniff.model.anomalies import Anomaly
from wiresniff.model.delivery import NOT_ACKNOWLEDGED, Data, End, EndCause, Gap
from wiresniff.protocols.http1.body import ChunkedBody, Chunks
from wiresniff.protocols.http1.direction import Direction
from wiresniff.protocols.http1.grammar import CHUNKED, END_OF_HEAD, LINE_END, UNKNOWABLE, UNTIL_CLOSE, ResponseHead
from wiresniff.protocols.http1.head import HeldHead
from wiresniff.protocols.http1.pairing import EXPIRY_NS, Answer, Asked
from wiresniff.protocols.http1.requests import Requests
from wiresniff.protocols.http1.shared import Shared
from wiresniff.protocols.probe import STATUS_LINE

if TYPE_CHECKING:
    from wiresniff.model.exchanges import Exchange

_EMPTY_LINE_BYTES = (13, 10)
BODYLESS = frozenset([*range(100, 200), 204, 304])
"""Statuses of responses without a body, whatever their fields say (RFC 9112 6.3)."""
SWITCHING_PROTOCOLS = 101
NO_CONTENT = 204
NOT_MODIFIED = 304


class _Unpaired(NamedTuple):
    """A head that waits for its request."""

    head: ResponseHead
    position: int
    acknowledged: int
    time_ns: int


class Responses(Direction):
    """Parses responses and pairs them with the requests of the conversation."""

    def __init__(self, shared: Shared, requests: Requests, *, is_synchronised: bool) -> None:
        super().__init__(shared.responses_inbox, is_synchronised=is_synchronised)
        self._shared = shared
        self._requests = requests
        self.lost_anything = False
        """Bytes outside bodies of known length are missing."""
        self._unpaired: _Unpaired | None = None
        self._current: Exchange | None = None
        """The exchange whose response is being received."""

    def run(self) -> bool:
        """Pair the head that waits, then parse what the inbox holds."""
        was_waiting = self._unpaired is not None
        if was_waiting and not self._pair_waiting():
            return False
        return super().run() or was_waiting

    def _is_blocked(self) -> bool:
        return self._unpaired is not None or super()._is_blocked()

    # --- states ---

    def _head(self, run: Data, position: int) -> int:
        """Pair response after response while each head is known and each body ends in the run: the hot loop."""
        shared = self._shared
        recognise, queue, finish = (
            shared.response_templates.recognise, shared.queue.asked, shared.done.append,
        )  # fmt: skip
        buffer, stop, last = run.buffer, run.stop, run.last
        starts, stops, cuts, times, _, _ = run.columns
        row = run.row_of(position)
        is_usual = not self._requests.has_skipped()
        while position < stop:
            start = starts[row] + position - cuts[row]
            known = recognise(buffer, start, stops[row])
            if known is None:
                return self._read_head(run, position, row)
            end, status, length = known
            body = position + end - start
            stop_of_body = body + length
            asked = queue[0] if queue else None
            last_row = row
            if row + 1 < last and cuts[row + 1] < stop_of_body:
                last_row = bisect_right(cuts, stop_of_body - 1, row + 2, last) - 1
            end_ns = times[last_row]
            if (
                asked is None
                or asked.is_special
                or asked.acknowledged > position
                or length == CHUNKED
                or stop_of_body > stop
                or end_ns - asked.time_ns > EXPIRY_NS
                or not is_usual
            ):
                acknowledged = run.columns.acknowledged[row]
                return self._take((status, length), position, acknowledged, times[row], body)
            asked.status = status
            asked.response_time_ns = times[row]
            asked.end_time_ns = end_ns
            asked.complete = True
            del queue[0]
            finish(asked)
            position, row = stop_of_body, last_row
            if row + 1 < last and cuts[row + 1] == position:
                row += 1
        return position

    def _read_head(self, run: Data, position: int, row: int) -> int:
        """Read one head, whatever it is like."""
        columns, buffer = run.columns, run.buffer
        start = columns.starts[row] + position - columns.cuts[row]
        if buffer[start] in _EMPTY_LINE_BYTES:
            return position + 1
        end = buffer.find(END_OF_HEAD, start, columns.stops[row])
        if end < 0:
            return self._hold(run, position)
        octets = buffer[start:end]
        heads = self._shared.heads
        head = heads.plain_response(octets)
        if head is None:
            lines = octets.split(LINE_END)
            if octets.count(b"\n") != len(lines) - 1:  # some lines end in LF alone, and the head may end earlier
                return self._hold(run, position)
            head = heads.response(lines)
        if head is not None and head[0] not in BODYLESS and (head[1] >= 0 or head[1] == CHUNKED):
            self._shared.response_templates.learn(octets, head)
        reached = position + end + len(END_OF_HEAD) - start
        return self._take(head, position, columns.acknowledged[row], columns.times[row], reached)

    def _hold(self, run: Data, position: int) -> int:
        self._held = HeldHead(run, position)
        self._state = self._hold_more
        return position

    def _hold_more(self, run: Data, position: int) -> int:
        held = self._held
        assert held is not None
        stretch = run.stretch(position, run.row_of(position))
        used = held.add(stretch, run.columns.times[run.row_of(position + len(stretch) - 1)])
        if used < 0:
            if held.is_too_long() or self._shared.budget.exceeded(len(stretch)):
                self._shared.anomalies[Anomaly.HEAD_TOO_LONG] += 1
                self._give_up_head()
                self._lose()
            return position + len(stretch)
        self._shared.budget.release(held.length)
        self._held = None
        time_ns = run.columns.times[run.row_of(position + used - 1)]
        heads = self._shared.heads
        head = heads.response(heads.split(held.octets().rstrip(LINE_END)))
        return self._take(head, held.position, held.acknowledged, time_ns, position + used)

    def _take(self, head: ResponseHead | None, position: int, acknowledged: int, time_ns: int, reached: int) -> int:
        """Take a whole head that begins at `position`."""
        if head is None:
            self._shared.anomalies[Anomaly.BAD_START_LINE] += 1
            self._lose()
            return reached
        self._skip_to = reached
        if not self._pair(head, position, acknowledged, time_ns):
            self._unpaired = _Unpaired(head, position, acknowledged, time_ns)
            self._state = self._pairing
        return reached

    def _pairing(self, _run: Data, position: int) -> int:
        self._pair_waiting()
        return position

    def _body(self, run: Data, _position: int) -> int:
        if self._skip_to > run.stop:
            return run.stop
        row = run.row_of(self._skip_to - 1)
        self._finish(run.columns.times[row])
        return self._skip_to

    def _chunked(self, run: Data, position: int) -> int:
        reached = self._chunks.feed(run, position)
        if self._chunks.expects is Chunks.DONE:
            self._finish(run.columns.times[run.row_of(reached - 1)])
        elif self._chunks.expects is Chunks.BROKEN:
            self._shared.anomalies[Anomaly.BAD_CHUNK] += 1
            self._lose()
        return reached

    def _until_close(self, run: Data, _position: int) -> int:
        return run.stop

    def _seek(self, run: Data, position: int) -> int:
        """Take the next head that begins a segment at the very position that a request names."""
        row = run.row_of(position)
        columns = run.columns
        if columns.cuts[row] == position and STATUS_LINE.match(run.stretch(position, row, segments=1)):
            if not self._are_requests_known(columns.acknowledged[row]):
                return position
            if self._shared.queue.is_awaited_at(position):
                self._state = self._head
                return position
            self._answer_part(columns.acknowledged[row], run.stretch(position, row, segments=1), columns.times[row])
        stop = columns.cuts[row + 1] if row + 1 < run.last else run.stop
        self._shared.unread("resync", stop - position)
        return stop

    def _opaque(self, run: Data, position: int) -> int:
        self._shared.unread(self._shared.opaque_reason, run.stop - position)
        return run.stop

    # --- what states do ---

    def _are_requests_known(self, acknowledged: int) -> bool:
        """Tell whether everything that the server had received is parsed, or will never be."""
        requests = self._requests
        return (
            acknowledged == NOT_ACKNOWLEDGED
            or requests.position >= acknowledged
            or requests.ended
            or self._shared.gave_up_waiting
        )

    def _pair_waiting(self) -> bool:
        """Try again to pair the head that waits; True when it does not wait any longer."""
        unpaired = self._unpaired
        assert unpaired is not None
        if not self._pair(*unpaired):
            return False
        self._unpaired = None
        return True

    def _pair(self, head: ResponseHead, position: int, acknowledged: int, time_ns: int) -> bool:
        """Find the request that a head answers, and go on behind it; False when it is not there yet."""
        shared = self._shared
        queue = shared.queue
        if queue.needs_all() and not self._are_requests_known(acknowledged):
            return False
        self._state = self._head
        status, framing = head
        if status < 200 and status != SWITCHING_PROTOCOLS:  # noqa: PLR2004  # interim (RFC 9110 15.2)
            return True
        asked = None if queue.is_premature(acknowledged) else queue.next_in_order(position)
        if asked is None:
            shared.anomalies[Anomaly.RESPONSE_WITHOUT_REQUEST] += 1
            self._report_part(acknowledged, status, time_ns)
            self._lose()
            return True
        self._requests.forget_skipped(acknowledged)
        self._answer(asked, status, framing, time_ns)
        return True

    def _answer_part(self, acknowledged: int, octets: bytes, time_ns: int) -> None:
        """Take what looks like a response as the answer to a request of which only a part was seen, if there is one."""
        status = self._shared.heads.partial_status(octets)
        if status is not None and status >= 200:  # noqa: PLR2004
            self._report_part(acknowledged, status, time_ns)

    def _report_part(self, acknowledged: int, status: int, time_ns: int) -> None:
        """Report a request of which only a part was seen."""
        exchange = self._requests.take_part_of(acknowledged)
        if exchange is not None:
            exchange.status = status
            exchange.response_time_ns = time_ns
            self._shared.done.append(exchange)

    def _answer(self, asked: Asked, status: int, framing: int, time_ns: int) -> None:
        """Set the status of an exchange and go on behind the head of its response."""
        if time_ns - asked.time_ns <= EXPIRY_NS:
            asked.status = status
            asked.response_time_ns = time_ns
        self._current = None if asked.reported else asked
        method = asked.method
        if asked.may_change:
            accepted = status == SWITCHING_PROTOCOLS or (method == b"CONNECT" and 200 <= status < 300)  # noqa: PLR2004
            asked.answer = Answer.ACCEPTED if accepted else Answer.REFUSED
            if accepted and asked.is_h2c and asked.unseen is None and method != b"CONNECT":
                self._shared.heir = asked
                self._current = None
                self._state = self._handed_over
                return
            if accepted:
                self._shared.opaque_reason = "tunnel" if method == b"CONNECT" else "upgrade"
                self._finish(time_ns)
                self._state = self._opaque
                return
        if method == b"HEAD" or status in (NO_CONTENT, NOT_MODIFIED) or framing == 0:
            self._finish(time_ns)
        elif framing > 0:
            self._skip_to += framing
            self._state = self._body
        elif framing == CHUNKED:
            self._chunks = ChunkedBody()
            self._state = self._chunked
        elif method is None or framing == UNKNOWABLE:
            self._release()
            self._lose()
        else:
            assert framing == UNTIL_CLOSE
            self._state = self._until_close

    def _finish(self, time_ns: int) -> None:
        """Settle the exchange: its response is complete."""
        self._state = self._head
        exchange = self._current
        self._current = None
        if exchange is not None:
            if time_ns - exchange.time_ns <= EXPIRY_NS:
                exchange.end_time_ns = time_ns
                exchange.complete = True
            self._shared.done.append(exchange)

    def _release(self) -> None:
        """Report the exchange without the end of its response."""
        if self._current is not None:
            self._shared.done.append(self._current)
            self._current = None

    def _lose(self) -> None:
        """From here on boundaries are unknown."""
        self.lost_anything = True
        self._release()
        self._state = self._seek

    def _give_up_head(self) -> None:
        """Take the status of a head that is cut short."""
        held = self._held
        assert held is not None
        self._held = None
        self._shared.budget.release(held.length)
        status = self._shared.heads.partial_status(held.octets())
        if status is None or status < 200 or self._shared.queue.needs_all():  # noqa: PLR2004
            return
        asked = self._shared.queue.next_in_order(held.position)
        if asked is not None:
            self._requests.forget_skipped(held.acknowledged)
            asked.answer = Answer.UNKNOWN
            if held.time_ns - asked.time_ns <= EXPIRY_NS:
                asked.status = status
                asked.response_time_ns = held.time_ns
            if not asked.reported:
                self._shared.done.append(asked)

    def expire(self, now_ns: int) -> None:
        """Report the exchange whose response goes on for too long."""
        if self._current is not None and now_ns - self._current.time_ns > EXPIRY_NS:
            self._release()

    def is_at_rest(self, position: int) -> bool:
        """Tell whether a response begins at `position`, and nothing before it is open."""
        return (
            self.position == position
            and self._state == self._head
            and self._unpaired is None
            and self._current is None
            and not self.inbox.items
        )

    # --- what is not data ---

    def _gap(self, gap: Gap) -> None:
        state = self._state
        if state == self._body and gap.stop <= self._skip_to:
            if gap.stop == self._skip_to:
                self._finish(gap.time_ns)
            return
        if state in (self._opaque, self._until_close) or (state == self._chunked and self._chunks.survives(gap.stop)):
            return
        if self._held is not None:
            self._give_up_head()
        self._lose()

    def _end(self, end: End) -> None:
        self.ended = self._shared.have_responses_ended = True
        if self._state == self._until_close and end.cause in (EndCause.FIN, EndCause.RESET):
            self._finish(end.time_ns)
        if self._held is not None:
            self._give_up_head()  # the head never ended, but its status may be there
        self._release()
