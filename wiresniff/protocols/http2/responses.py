"""The server's direction of an HTTP/2 connection: statuses, trailers, and the ends of streams."""

from typing import TYPE_CHECKING

from wiresniff.model.anomalies import Anomaly
from wiresniff.model.exchanges import Unseen
from wiresniff.protocols.http2.direction import Direction
from wiresniff.protocols.http2.frames import END_STREAM
from wiresniff.protocols.http2.statuses import grpc_status_of, status_of
from wiresniff.protocols.http2.streams import Said

if TYPE_CHECKING:
    from wiresniff.protocols.http2.conversation import Conversation


class Responses(Direction):
    """Tells the streams of the conversation what the server said on them."""

    def __init__(self, conversation: "Conversation", *, is_synchronised: bool) -> None:
        super().__init__(
            conversation,
            conversation.inboxes[1 - conversation.client_flow],
            is_synchronised=is_synchronised,
            preface=b"",
        )
        self._streams = conversation.streams

    def _take_block(
        self, stream: int, flags: int, fragment: bytes, position: int, packet: int, capture: int, time_ns: int,  # noqa: ARG002
        unseen: Unseen | None = None,
    ) -> None:  # fmt: skip
        block = self.decoder.decode(fragment)
        if block.error is not None and unseen is None:
            self._anomalies[Anomaly.BAD_HEADER_BLOCK] += 1
        if not stream & 1:  # promised by the server: nobody asked
            return
        fields = block.fields
        status = status_of(fields)
        if flags & END_STREAM:
            said = Said(time_ns, status, grpc_status_of(fields), is_end=True, is_trailers=status is None)
            self._streams.say(stream, said)
        elif status is not None:
            self._streams.answer(stream, status, time_ns)

    def _take_end(self, stream: int, time_ns: int) -> None:
        self._streams.say(stream, Said(time_ns, is_end=True))

    def _take_reset(self, stream: int, time_ns: int) -> None:
        is_lossy = self.lossy_since_ns is not None and self.lossy_since_ns <= time_ns
        self._streams.say(stream, Said(time_ns, is_reset=True, is_lossy=is_lossy))
