"""What the frames of one direction mean, as far as it is the same for both: header blocks and settings."""

from wiresniff.model import limits
from wiresniff.model.anomalies import Anomaly
from wiresniff.model.delivery import End, EndCause, Gap, GapCause
from wiresniff.model.exchanges import Unseen
from wiresniff.protocols.hpack.decoder import Decoder
from wiresniff.protocols.http2 import frames
from wiresniff.protocols.http2.blocks import HeldFrame, OpenBlock
from wiresniff.protocols.http2.frames import ACK, CONTINUATION, END_HEADERS, HEADERS, PUSH_PROMISE, RST_STREAM, SETTINGS
from wiresniff.protocols.http2.reader import FrameReader
from wiresniff.protocols.http2.shared import Shared
from wiresniff.protocols.inbox import Inbox

_GAP_REASON = {GapCause.LOST: Unseen.GAP, GapCause.CUT: Unseen.TRUNCATED}


class Direction(FrameReader):
    """One direction of an HTTP/2 connection; `Requests` and `Responses` say what its header blocks mean."""

    def __init__(self, shared: Shared, inbox: Inbox, *, is_synchronised: bool, preface: bytes) -> None:
        super().__init__(inbox, shared.anomalies, shared.budget, is_synchronised=is_synchronised, preface=preface)
        self.decoder = Decoder(is_complete=is_synchronised)
        self.lossy_since_ns: int | None = None
        """When bytes were first missing, those of skipped frames apart."""
        self._is_complete = is_synchronised
        self._other: Direction
        self.has_announced = False
        """Its SETTINGS came."""
        self.allowed_bytes = frames.DEFAULT_TABLE_BYTES
        """Largest header table that it announced to the other direction."""
        self._has_acknowledged = False
        """The other direction's SETTINGS, which were not read yet."""
        self._block: OpenBlock | None = None
        self._discarded = 0
        """Stream whose header block was given up: its CONTINUATION frames are passed over."""
        self._window_bytes = 0
        """Of the window, as far as they are counted."""

    def meet(self, other: "Direction") -> None:
        """Get to know the other direction."""
        self._other = other

    def _take_reset(self, stream: int, time_ns: int) -> None:
        """Take the reset of a stream."""
        raise NotImplementedError

    def run(self, until_ns: int | None = None) -> None:
        """Read what the inbox holds, up to a time, or until the other direction is to be read first."""
        if self._has_acknowledged:
            self._bound_table()
        super().run(until_ns)
        self._count_window()

    def close(self) -> None:
        """Give back what was counted."""
        self._budget.windows_exceeded(-self._window_bytes)

    def _count_window(self) -> None:
        """Keep the windows of all connections together within their bound."""
        grown = self.decoder.window_bytes - self._window_bytes
        if grown and self._budget.windows_exceeded(grown) and grown > 0:
            self._anomalies[Anomaly.HEADER_WINDOWS_FULL] += 1
            self.decoder.begin_epoch()
            self._budget.windows_exceeded(self.decoder.window_bytes - self._window_bytes - grown)
        self._window_bytes = self.decoder.window_bytes

    # --- frames ---

    def _begin_frame(self, frame: HeldFrame, time_ns: int) -> bool:
        kind, block = frame.kind, self._block
        if block is not None and (kind != CONTINUATION or frame.stream != block.begun.stream):  # RFC 9113 6.10
            self._anomalies[Anomaly.BAD_FRAME] += 1
            self._give_up_block(Unseen.HEADER_TABLE, time_ns)
            block = None
        if kind == CONTINUATION and block is None:
            self._pass_over(frame, time_ns)
            return False
        if kind == SETTINGS and frame.flags & ACK:
            self._acknowledge(time_ns)
            return False
        if kind in frames.WITH_HEADERS and frame.length + (block.length if block else 0) > limits.HEAD_BYTES:
            self._give_up_frame(frame, time_ns)
            return False
        return kind in frames.READ_WHOLE

    def _pass_over(self, frame: HeldFrame, time_ns: int) -> None:
        """Pass over a CONTINUATION of no header block; what it adds to the table is unknown."""
        if frame.stream != self._discarded and self.lossy_since_ns is None:
            self._anomalies[Anomaly.BAD_FRAME] += 1
            self._note_loss(time_ns)
        if frame.flags & END_HEADERS:
            self._discarded = 0
        self.decoder.begin_epoch()

    def _take_frame(self, frame: HeldFrame, payload: bytes, time_ns: int) -> None:
        if frame.kind == RST_STREAM:
            self._take_reset(frame.stream, time_ns)
        elif frame.kind == SETTINGS:
            self._announce(frames.table_size(payload))
        elif frame.kind == CONTINUATION:
            self._continue_block(payload, frame.flags, time_ns)
        else:
            fragment = frames.fragment(frame.kind, frame.flags, payload)
            if fragment is None:
                self._anomalies[Anomaly.BAD_FRAME] += 1
                self._note_loss(time_ns)
            self._begin_block(frame, fragment or b"")
            if fragment is None:
                self._give_up_block(Unseen.HEADER_TABLE, time_ns)
            elif frame.flags & END_HEADERS:
                self._end_block(time_ns)
            else:
                self._count_block(len(fragment), time_ns)

    def _give_up_frame(self, frame: HeldFrame, time_ns: int) -> None:
        self._anomalies[Anomaly.HEAD_TOO_LONG] += 1
        self._held = None
        self._budget.release(frame.counted)
        self._skip_to = frame.stop
        self._cut(frame, Unseen.TOO_LONG, time_ns)

    def _take_cut(self, frame: HeldFrame | None, gap: Gap) -> None:
        self._note_loss(gap.time_ns)
        self._cut(frame, _GAP_REASON[gap.cause], gap.time_ns)

    def _take_loss(self, time_ns: int) -> None:
        self._note_loss(time_ns)
        if self._block is not None:
            self._give_up_block(Unseen.HEADER_TABLE, time_ns)
        self._discarded = 0
        self.decoder.begin_epoch()

    def _take_flow_end(self, end: End, frame: HeldFrame | None) -> None:
        if end.cause not in (EndCause.FIN, EndCause.RESET):
            self._cut(frame, Unseen.TRUNCATED, end.time_ns)
        elif self._block is not None:
            self._budget.release(self._block.counted)
            self._close_block()

    def _note_loss(self, time_ns: int) -> None:
        """Something is missing, maybe SETTINGS: the other direction may use any size of table from now on."""
        if self.lossy_since_ns is None:
            self.lossy_since_ns = time_ns
            self._other.decoder.resize(frames.LARGEST_SETTING)

    # --- settings ---

    def _announce(self, table_bytes: int | None) -> None:
        """Take the SETTINGS of this direction: they bound the header table of the other."""
        self.has_announced = True
        self.allowed_bytes = max(self.allowed_bytes, table_bytes or 0)

    def _acknowledge(self, time_ns: int) -> None:
        """Take it that this direction knows the other's SETTINGS. These are read first, if they are at hand."""
        self._has_acknowledged = True
        if self._other.is_exact() and not self._other.has_announced and self._other.inbox.items:
            self.paused_ns = time_ns
        else:
            self._bound_table()

    def _bound_table(self) -> None:
        """Bound the header table by what the other direction announced, if all of that was seen."""
        self._has_acknowledged = False
        if self._other.is_exact() and self._other.has_announced:
            self.decoder.resize(self._other.allowed_bytes)

    def is_exact(self) -> bool:
        """Tell whether everything was seen since the connection began."""
        return self._is_complete and self.lossy_since_ns is None

    # --- header blocks ---

    def _begin_block(self, frame: HeldFrame, fragment: bytes) -> None:
        self._block = OpenBlock(frame, fragment)
        self._is_block_open = True

    def _close_block(self) -> OpenBlock:
        block = self._block
        assert block is not None
        self._block = None
        self._is_block_open = False
        self._budget.release(block.counted)
        return block

    def _continue_block(self, payload: bytes, flags: int, time_ns: int) -> None:
        block = self._block
        assert block is not None
        block.add(payload)
        if flags & END_HEADERS:
            self._end_block(time_ns)
        elif block.frames > limits.CONTINUATION_FRAMES:
            self._anomalies[Anomaly.CONTINUATION_FLOOD] += 1
            self._give_up_block(Unseen.TOO_LONG, time_ns)
        else:
            self._count_block(len(payload), time_ns)

    def _count_block(self, octets: int, time_ns: int) -> None:
        """Keep the unfinished blocks of all connections together within their bound."""
        assert self._block is not None
        self._block.counted += octets
        if self._budget.exceeded(octets):
            self._anomalies[Anomaly.HEAD_TOO_LONG] += 1
            self._give_up_block(Unseen.TOO_LONG, time_ns)

    def _end_block(self, time_ns: int) -> None:
        block = self._close_block()
        self._hand_over(block, time_ns, None)

    def _give_up_block(self, unseen: Unseen, time_ns: int) -> None:
        """Take of a header block what was seen; what the rest adds to the table is unknown."""
        block = self._close_block()
        self._hand_over(block, time_ns, unseen)
        self.decoder.begin_epoch()
        self._discarded = block.begun.stream

    def _hand_over(self, block: OpenBlock, time_ns: int, unseen: Unseen | None) -> None:
        begun = block.begun
        if begun.kind == PUSH_PROMISE:
            self._take_promise(block.octets())
        else:
            self._take_block(
                begun.stream, begun.flags, block.octets(), begun.position, begun.packet, begun.capture, time_ns, unseen
            )

    def _take_promise(self, octets: bytes) -> None:
        """Take the request that a server promises to answer: nobody asked, but it adds to the table."""
        self.decoder.decode(octets)

    def _cut(self, frame: HeldFrame | None, unseen: Unseen, time_ns: int) -> None:
        """Take what was seen before the bytes that are missing: in the payload of a frame, or anywhere else."""
        if frame is not None and frame.kind == RST_STREAM:
            self._take_reset(frame.stream, time_ns)
        elif frame is not None and frame.kind in (HEADERS, PUSH_PROMISE):
            seen = bytes(frame.octets)
            self._begin_block(frame, frames.beginning_of_fragment(frame.kind, frame.flags, seen, frame.length))
        elif frame is not None and frame.kind == CONTINUATION and self._block is not None:
            self._block.add(bytes(frame.octets))
        if self._block is not None:
            self._give_up_block(unseen, time_ns)
