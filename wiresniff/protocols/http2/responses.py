"""The server's direction of an HTTP/2 connection: statuses, trailers, and the ends of streams."""

from typing import TypeAlias

from wiresniff.model.anomalies import Anomaly
from wiresniff.model.exchanges import Unseen
from wiresniff.protocols.http2.direction import Direction
from wiresniff.protocols.http2.frames import END_STREAM
from wiresniff.protocols.http2.known_blocks import KnownBlocks
from wiresniff.protocols.http2.shared import Shared
from wiresniff.protocols.http2.statuses import grpc_status_of, status_of
from wiresniff.protocols.http2.streams import Said

Statuses: TypeAlias = tuple[int | None, int | None]
"""Of HTTP and of gRPC."""


class Responses(Direction):
    """Tells the streams of the conversation what the server said on them."""

    takes_ends = True

    def __init__(self, shared: Shared, *, is_synchronised: bool) -> None:
        super().__init__(
            shared,
            shared.responses_inbox,
            is_synchronised=is_synchronised,
            preface=b"",
        )
        self._streams = shared.streams
        self._known: KnownBlocks[bytes, Statuses] = KnownBlocks(shared.remembered)
        """Header blocks that were read since the table last changed."""
        self._statuses = self._known.said
        self._state = self.decoder.table_state

    def _take_block(
        self, stream: int, flags: int, fragment: bytes, position: int, packet: int, capture: int, time_ns: int,  # noqa: ARG002
        unseen: Unseen | None = None,
    ) -> None:  # fmt: skip
        state = self.decoder.table_state
        if state != self._state:
            self._known.forget()
            self._state = state
        status, grpc_status = self._statuses.get(fragment) or self._read(fragment, unseen)
        if not stream & 1:  # promised by the server: nobody asked
            return
        if flags & END_STREAM:
            self._streams.end(stream, status, grpc_status, time_ns)
        elif status is not None:
            self._streams.answer(stream, status, time_ns)

    def _read(self, fragment: bytes, unseen: Unseen | None) -> Statuses:
        """Decode a header block; remember it if it does not change the table."""
        block = self.decoder.decode(fragment)
        if block.error is not None and unseen is None:
            self._anomalies[Anomaly.BAD_HEADER_BLOCK] += 1
        statuses = status_of(block.fields), grpc_status_of(block.fields)
        if fragment and self.decoder.table_state == self._state and block.error is None:
            self._known.remember(fragment, statuses, len(fragment))
        return statuses

    def close(self) -> None:
        """Give back what was counted."""
        super().close()
        self._known.forget()

    def _take_end(self, stream: int, time_ns: int) -> None:
        self._streams.end(stream, None, None, time_ns, is_block=False)

    def _take_reset(self, stream: int, time_ns: int) -> None:
        is_lossy = self.lossy_since_ns is not None and self.lossy_since_ns <= time_ns
        self._streams.say(stream, Said(time_ns, is_reset=True, is_lossy=is_lossy))
