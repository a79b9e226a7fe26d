"""The client's direction of an HTTP/2 connection: each header block of a new stream is a request."""

from wiresniff.model.anomalies import Anomaly
from wiresniff.model.exchanges import Unseen
from wiresniff.protocols.http2.direction import Direction
from wiresniff.protocols.http2.fields import CONTENT_TYPE, GRPC
from wiresniff.protocols.http2.forms import Forms
from wiresniff.protocols.http2.shared import Shared
from wiresniff.protocols.http2.streams import Call

_COLON = 0x3A


class Requests(Direction):
    """Makes an exchange of each request."""

    takes_ends = False

    def __init__(self, shared: Shared, *, is_synchronised: bool, preface: bytes) -> None:
        super().__init__(
            shared,
            shared.requests_inbox,
            is_synchronised=is_synchronised,
            preface=preface,
        )
        self._shared = shared
        self._forms = Forms(self.decoder, shared.remembered)
        self._newest = 0
        """Highest stream so far."""

    def _take_block(
        self, stream: int, flags: int, fragment: bytes, position: int, packet: int, capture: int, time_ns: int,  # noqa: ARG002
        unseen: Unseen | None = None,
    ) -> None:  # fmt: skip
        known = self._forms.find(fragment) if unseen is None else None
        if known is not None:
            form, kept = known
            shared = self._shared
            call = Call(
                shared.channel, form.protocol, "2", time_ns, capture, packet, shared.sequence_at(position),
                form.method, form.target, kept, form.authority, form.user_agent,
            )  # fmt: skip
            if form.preflight:
                call.preflight = True
            if form.auxiliary:
                call.auxiliary = form.auxiliary
            self._open(stream, call)
            return
        self._read_block(stream, fragment, position, packet, capture, time_ns, unseen)

    def _read_block(
        self, stream: int, fragment: bytes, position: int, packet: int, capture: int, time_ns: int,
        unseen: Unseen | None,
    ) -> None:  # fmt: skip
        """Decode a header block that has no known form."""
        block = self.decoder.decode(fragment)
        fields = block.fields
        if block.error is not None and unseen is None:
            self._anomalies[Anomaly.BAD_HEADER_BLOCK] += 1
        if not (fields and fields[0][0][:1] == b":"):
            is_whole = unseen is None and block.error is None
            if self._is_trailer(stream, is_whole=is_whole, has_fields=bool(fields)):
                return
        shared = self._shared
        call = Call(
            shared.channel, "http/2", "2", time_ns, capture, packet, shared.sequence_at(position), None,
            None, [],
        )  # fmt: skip
        if unseen is not None:
            call.unseen = unseen
        if not shared.inference.take(call, block, time_ns):
            call.is_settled = False
        elif unseen is None:
            self._forms.learn(fragment, block, call)
        if block.unresolved:
            shared.settle(time_ns, is_over=False)
        if block.unresolved and call.method == b"POST" and call.protocol != GRPC:
            call.may_be_grpc = not any(name == CONTENT_TYPE for name, _ in fields)
        self._open(stream, call)

    def _open(self, stream: int, call: Call) -> None:
        """Open a stream with a request."""
        shared = self._shared
        call.stream = stream
        streams = shared.streams
        streams.ask(stream, call)
        self._newest = max(self._newest, stream)
        if call.authority is not None:
            shared.authority = call.authority
        if streams.is_full():
            self.paused_ns = call.time_ns

    def close(self) -> None:
        """Give back what was counted."""
        super().close()
        self._forms.forget()

    def _is_trailer(self, stream: int, *, is_whole: bool, has_fields: bool) -> bool:
        """Tell whether a block without a pseudo-field that is known is no request.

        Every client has one of `:method` and `:scheme` in the static table, so their absence says much, unless the
        block was cut, or could not be decoded, before its first field.
        """
        return has_fields or is_whole or stream <= self._newest

    def _take_end(self, stream: int, time_ns: int) -> None:
        """Nothing: an exchange ends with its response."""

    def _take_reset(self, stream: int, time_ns: int) -> None:
        self._shared.streams.reset(stream, time_ns)
