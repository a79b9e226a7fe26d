"""The client's direction of an HTTP/1 connection.

States are methods: each takes a run and a position in it and returns the position it reached; one that returns its
own position without changing the state is blocked on the peer.

    head     at the beginning of a head (or of empty lines before it)
    held     within a head that began in an earlier run
    body     within a body of known length
    chunks   within a chunked body
    answer   behind a request that may change the protocol: blocked until its answer is known
    seek     lost: looks for a head at the beginning of a segment
    opaque   no longer HTTP/1
"""

from collections.abc import Iterable

from wiresniff.model import limits
from wiresniff.model.anomalies import Anomaly
from wiresniff.model.delivery import NOT_ACKNOWLEDGED, Data, End, Gap, GapCause
from wiresniff.model.exchanges import Exchange, Unseen
from wiresniff.protocols.http1.body import ChunkedBody, Chunks
from wiresniff.protocols.http1.direction import Direction, State
from wiresniff.protocols.http1.grammar import CHUNKED, END_OF_HEAD, LINE_END, UNKNOWABLE, UNTIL_CLOSE, RequestHead
from wiresniff.protocols.http1.head import HeldHead
from wiresniff.protocols.http1.pairing import Answer, Asked
from wiresniff.protocols.http1.shared import Shared
from wiresniff.protocols.inbox import SKIPPED_REMEMBERED, Skipped
from wiresniff.protocols.probe import begins_request, may_begin_request

_EMPTY_LINE_BYTES = (13, 10)
_GAP_REASON = {GapCause.LOST: Unseen.GAP, GapCause.CUT: Unseen.TRUNCATED}


class Requests(Direction):
    """Parses requests and puts them in the queue of the conversation."""

    def __init__(self, shared: Shared, skipped: Iterable[Skipped], *, is_synchronised: bool) -> None:
        super().__init__(shared.requests_inbox, is_synchronised=is_synchronised)
        self._shared = shared
        self._after_body: State = self._head
        self._is_proven = is_synchronised
        """The next head is one: nothing before it was guessed."""
        self._waiting: Asked | None = None
        """The request whose answer decides how the connection goes on."""
        self._skipped: list[Skipped] = list(skipped)
        if not is_synchronised:
            shared.queue.mark_loss()

    def _is_blocked_before_gap(self) -> bool:
        is_open = self._state == self._answer and not self._answered()
        return is_open or self.is_handed_over()

    # --- states ---

    def _head(self, run: Data, position: int) -> int:
        """Read requests as long as each is a segment, without a body, and of a known form: the hot loop of requests."""
        shared = self._shared
        channel, base, capture, buffer = shared.channel, shared.sequence_at(0), run.capture, run.buffer
        recognise, queue = shared.request_templates.recognise, shared.queue.asked
        row = run.row_of(position)
        if not self._is_proven or len(queue) + run.last - row >= limits.PIPELINE_REQUESTS:
            return self._read_head(run, position, row)
        segments = zip(*(column[row : run.last] for column in run.columns), strict=True)
        for start, stop, cut, time_ns, packet, acknowledged in segments:
            segment = buffer[start:stop]
            known = recognise(segment) if cut == position and segment.endswith(END_OF_HEAD) else None
            if known is None:
                return self._read_head(run, position, run.row_of(position))
            method, target, version, fields, template = known
            asked = Asked(
                channel, "http/1", version, time_ns, capture, packet, (base + position) & 0xFFFFFFFF, method, target,
                fields, template.authority, template.user_agent,
            )  # fmt: skip
            asked.acknowledged = acknowledged
            if template.auxiliary:
                asked.auxiliary = template.auxiliary
            queue.append(asked)
            shared.authority = template.authority
            position += stop - start
        return position

    def _read_head(self, run: Data, position: int, row: int) -> int:
        """Read one head, whatever it is like."""
        columns, buffer = run.columns, run.buffer
        start = columns.starts[row] + position - columns.cuts[row]
        if buffer[start] in _EMPTY_LINE_BYTES:  # RFC 9112 2.2: empty lines before a request are ignored
            return position + 1
        end = buffer.find(END_OF_HEAD, start, columns.stops[row])
        if end < 0:
            return self._hold(run, position)
        octets = buffer[start:end]
        lines = octets.split(LINE_END)
        if octets.count(b"\n") != len(lines) - 1:  # some lines end in LF alone, and the head may end earlier
            return self._hold(run, position)
        reached = position + end + len(END_OF_HEAD) - start
        head = self._shared.heads.request(lines)
        if head is None:
            return self._not_a_head(reached)
        time_ns, packet = columns.times[row], columns.packets[row]
        asked = self._make(position, time_ns, run.capture, packet, columns.acknowledged[row], head)
        framing = self._enqueue(asked, head, reached)
        if framing > 0:
            self._shared.request_templates.meet(buffer[start : end + len(END_OF_HEAD)])
        return self._enter_body(framing, reached) if framing else reached

    def _hold(self, run: Data, position: int) -> int:
        self._held = HeldHead(run, position)
        self._state = self._hold_more
        return position

    def _hold_more(self, run: Data, position: int) -> int:
        held = self._held
        assert held is not None
        row = run.row_of(position)
        stretch = run.stretch(position, row)
        last_row = run.row_of(position + len(stretch) - 1)
        used = held.add(stretch, run.columns.times[last_row])
        if used < 0:
            if held.is_too_long() or self._shared.budget.exceeded(len(stretch)):
                self._shared.anomalies[Anomaly.HEAD_TOO_LONG] += 1
                self._give_up_head(Unseen.TOO_LONG)
            return position + len(stretch)
        self._shared.budget.release(held.length)
        self._held = None
        self._state = self._head
        reached = position + used
        heads = self._shared.heads
        head = heads.request(heads.split(held.octets().rstrip(LINE_END)))
        if head is None:
            return self._not_a_head(reached)
        time_ns = run.columns.times[run.row_of(reached - 1)]
        asked = self._make(held.position, time_ns, held.capture, held.packet, held.acknowledged, head)
        framing = self._enqueue(asked, head, reached)
        return self._enter_body(framing, reached) if framing else reached

    def _body(self, run: Data, _position: int) -> int:
        if self._skip_to > run.stop:
            return run.stop
        self._state = self._after_body
        return self._skip_to

    def _chunked(self, run: Data, position: int) -> int:
        position = self._chunks.feed(run, position)
        if self._chunks.expects is Chunks.DONE:
            self._state = self._after_body
        elif self._chunks.expects is Chunks.BROKEN:
            self._shared.anomalies[Anomaly.BAD_CHUNK] += 1
            self._lose()
        return position

    def _answer(self, _run: Data, position: int) -> int:
        self._answered()
        return position

    def _seek(self, run: Data, position: int) -> int:
        """Take the next head that begins a segment."""
        row = run.row_of(position)
        columns = run.columns
        if columns.cuts[row] == position:
            octets = run.stretch(position, row, segments=1)
            if begins_request(octets) or may_begin_request(octets):
                received = columns.acknowledged[row]
                responses = self._shared.responses_inbox
                if not self._shared.is_delivered(received):
                    return position
                # A head for certain: the other side had received everything before it, and had said something to that.
                self._is_proven = received > 0 and responses.acknowledged_by(received) == position
                if self._is_proven or begins_request(octets):
                    self._state = self._head
                    return position
        stop = columns.cuts[row + 1] if row + 1 < run.last else run.stop
        self._shared.unread("resync", stop - position)
        self._skipped.append(Skipped(position, stop, columns.packets[row], run.capture, columns.times[row]))
        del self._skipped[:-SKIPPED_REMEMBERED]
        return stop

    def _opaque(self, run: Data, position: int) -> int:
        self._shared.unread(self._shared.opaque_reason, run.stop - position)
        return run.stop

    # --- what states do ---

    def _make(
        self, position: int, time_ns: int, capture: int, packet: int, acknowledged: int, head: RequestHead | None
    ) -> Asked:
        """Make the exchange of a head, or (None) of one of which too little was seen."""
        shared = self._shared
        sequence = shared.sequence_at(position)
        if head is None:
            asked = Asked(shared.channel, "http/1", "1.1", time_ns, capture, packet, sequence, None, None, [])
        else:
            asked = Asked(
                shared.channel, "http/1", head.version, time_ns, capture, packet, sequence, head.method,
                head.target, head.fields, head.authority, head.user_agent,
            )  # fmt: skip
            asked.preflight = head.is_preflight
            asked.auxiliary = head.auxiliary
            asked.is_h2c = head.is_h2c
            asked.may_change = head.is_upgrade or head.method == b"CONNECT"
            asked.is_special = asked.may_change or head.method == b"HEAD"
        if not self._is_proven:
            asked.unseen = Unseen.RESYNC
        asked.acknowledged = acknowledged
        return asked

    def _enqueue(self, asked: Asked, head: RequestHead, head_stop: int) -> int:
        """Put a request in the queue; returns how its body is framed, as far as that can be believed."""
        shared = self._shared
        shared.queue.asked.append(asked)
        if asked.unseen is None:
            shared.authority = asked.authority
        if shared.queue.is_too_deep():
            shared.anomalies[Anomaly.PIPELINE_TOO_DEEP] += 1
            shared.queue.drop_oldest()
        if not self._is_proven:
            self._lose()
            return 0
        if asked.may_change:
            asked.head_stop = head_stop
            self._waiting = asked
            self._after_body = self._answer
            self._state = self._answer
        return head.framing

    def _enter_body(self, framing: int, position: int) -> int:
        """Go on behind a head."""
        if framing > 0:
            self._skip_to = position + framing
            self._state = self._body
        elif framing == CHUNKED:
            self._chunks = ChunkedBody()
            self._state = self._chunked
        elif framing in (UNTIL_CLOSE, UNKNOWABLE):
            self._lose()
        return position

    def _answered(self) -> bool:
        """Leave the state `answer` when the answer is known, or will never be."""
        waiting = self._waiting
        assert waiting is not None
        if waiting.answer is Answer.OPEN and not self._shared.are_responses_over():
            return False
        self._waiting = None
        self._after_body = self._head
        if waiting.answer is Answer.ACCEPTED:
            self._state = self._handed_over if waiting.is_h2c else self._opaque
        elif waiting.answer is Answer.REFUSED:
            self._state = self._head
        else:
            self._lose()
        return True

    def _not_a_head(self, position: int) -> int:
        self._shared.anomalies[Anomaly.BAD_START_LINE] += 1
        self._lose()
        return position

    def _lose(self) -> None:
        """From here on boundaries are unknown: later requests may be missed."""
        self._is_proven = False
        self._after_body = self._head
        self._state = self._seek
        self._shared.queue.mark_loss()

    def _give_up_head(self, reason: Unseen) -> None:
        """Record a head that can't be judged, with what was seen of it."""
        held = self._held
        assert held is not None
        self._held = None
        self._shared.budget.release(held.length)
        head = self._shared.heads.partial_request(held.octets())
        asked = self._make(held.position, held.time_ns, held.capture, held.packet, held.acknowledged, head)
        asked.may_change = False
        if self._is_proven:
            asked.unseen = reason
        self._shared.queue.asked.append(asked)
        self._lose()

    def has_skipped(self) -> bool:
        """Segments were passed over of which it is not known what they were."""
        return bool(self._skipped)

    def forget_skipped(self, acknowledged: int) -> list[Skipped]:
        """Take away what was passed over of a request that is answered now."""
        seen: list[Skipped] = []
        while self._skipped and self._skipped[0].position < acknowledged:
            seen.append(self._skipped.pop(0))
        return seen

    def take_part_of(self, acknowledged: int) -> Exchange | None:
        """Return the request that a response answers, if some bytes of it were seen but not its beginning."""
        seen = self.forget_skipped(acknowledged)
        if not seen:
            return None
        first, last = seen[0], seen[-1]
        asked = self._make(first.position, last.time_ns, first.capture, first.packet, NOT_ACKNOWLEDGED, None)
        asked.unseen = Unseen.GAP
        return asked

    # --- turns that are known without parsing ---

    def is_at_rest(self, position: int) -> bool:
        """Tell whether a request begins at `position`, and nothing before it is open."""
        return (
            self.position == position
            and self._state == self._head
            and self._is_proven
            and not self._skipped
            and not self.inbox.items
        )

    # --- what is not data ---

    def _gap(self, gap: Gap) -> None:
        state = self._state
        if state == self._body and gap.stop <= self._skip_to:
            if gap.stop == self._skip_to:
                self._state = self._after_body
        elif state == self._hold_more:
            self._give_up_head(_GAP_REASON[gap.cause])
        elif not (state == self._opaque or (state == self._chunked and self._chunks.survives(gap.stop))):
            self._lose()

    def _end(self, end: End) -> None:
        self.ended = True
        if self._held is not None and self._shared.capture_ended(end):
            self._give_up_head(Unseen.TRUNCATED)
        self._held = None
