"""The streams of one connection: which request waits for what, and when it is reported.

The two directions say what happened on a stream in any order; what comes of it is the same, because only the times of
the wire decide: nothing counts that came later than `EXCHANGE_SECONDS` after the request, or after the client's reset.
"""

from typing import NamedTuple

from wiresniff.model import limits
from wiresniff.model.exchanges import Exchange
from wiresniff.protocols.http2.fields import GRPC

EXPIRY_NS = limits.EXCHANGE_SECONDS * 10**9
_FIRST_FINAL = 200
_NEVER = 1 << 63


class Call(Exchange):
    """An exchange on a stream."""

    is_over: bool = False
    """Nothing more is expected, or it took too long: it is reported, once it is settled."""
    reset_ns: int | None = None
    """When the client gave it up."""
    may_be_grpc: bool = False
    """Its content type is among the fields that are not known."""


class Said(NamedTuple):
    """What a server said on a stream."""

    time_ns: int
    status: int | None = None
    grpc_status: int | None = None
    is_end: bool = False
    is_trailers: bool = False
    """It came in trailers, not in the head of a response."""
    is_reset: bool = False
    is_lossy: bool = False
    """Something of the server's direction was lost before."""


class Streams:
    """Open streams by id; None where the exchange was reported and its end is still to come."""

    __slots__ = ("_early", "_given_up", "_grpc_since_ns", "_opened", "_others_since_ns", "done", "open")

    def __init__(self) -> None:
        self.open: dict[int, Call | None] = {}
        self.done: list[Exchange] = []
        """Exchanges to be reported; taken by the conversation."""
        self._early: dict[int, list[Said]] = {}
        """What was said on streams whose request has not come: packets are captured in disorder."""
        self._opened: list[Call] = []
        """Since somebody asked."""
        self._given_up: list[Call] = []
        """Reset by the client; what the server said before that may still come within the block."""
        self._grpc_since_ns = _NEVER
        """When this connection was first seen to carry a call of gRPC,"""
        self._others_since_ns = _NEVER
        """and a request that is none."""

    def ask(self, stream: int, call: Call) -> None:
        """Open a stream."""
        if stream in self.open:
            self._drop(stream)
        self.open[stream] = call
        self._opened.append(call)
        if call.protocol == GRPC:
            self._grpc_since_ns = min(self._grpc_since_ns, call.time_ns)
        elif not call.may_be_grpc:
            self._others_since_ns = min(self._others_since_ns, call.time_ns)
        early = self._early.pop(stream, None) if self._early else None
        for said in early or ():
            self.say(stream, said)

    def take_opened(self) -> list[Exchange]:
        """Return calls that came since the last call of this and are not reported; until then few can be."""
        opened: list[Exchange] = []
        for call in self._opened:
            if not (call.is_over and call.is_settled):
                call.is_announced = True
                opened.append(call)
        self._opened = []
        return opened

    def is_full(self) -> bool:
        """Tell whether the limit is reached."""
        return len(self.open) >= limits.OPEN_STREAMS

    def answer(self, stream: int, status: int, time_ns: int) -> None:
        """Take a response's status: the quick way of `say`."""
        call = self.open.get(stream)
        if (
            call is not None
            and call.status is None
            and call.reset_ns is None
            and status >= _FIRST_FINAL
            and time_ns - call.time_ns <= EXPIRY_NS
        ):
            call.status = status
            call.response_time_ns = time_ns
        else:
            self.say(stream, Said(time_ns, status))

    def end(
        self, stream: int, status: int | None, grpc_status: int | None, time_ns: int, *, is_block: bool = True
    ) -> None:
        """Take the end of a response, with what the block says that ends it: the quick way of `say`."""
        call = self.open.get(stream)
        if (
            call is not None
            and call.status is not None
            and call.reset_ns is None
            and not call.may_be_grpc
            and time_ns - call.time_ns <= EXPIRY_NS
        ):
            del self.open[stream]
            if grpc_status is not None:
                call.grpc_status = grpc_status
            call.end_time_ns = time_ns
            call.complete = True
            self._finish(call)
        else:
            is_trailers = is_block and status is None
            self.say(stream, Said(time_ns, status, grpc_status, is_end=True, is_trailers=is_trailers))

    def say(self, stream: int, said: Said) -> None:
        """Take what the server said."""
        call = self.open.get(stream)
        if call is None:
            if stream not in self.open:
                self._keep_early(stream, said)
            elif said.is_end or said.is_reset:
                del self.open[stream]
            return
        if call.reset_ns is not None and said.time_ns > call.reset_ns:
            return
        in_time = said.time_ns - call.time_ns <= EXPIRY_NS
        if in_time:
            if said.status is not None and said.status >= _FIRST_FINAL and call.status is None:
                call.status = said.status
                call.response_time_ns = said.time_ns
            if said.grpc_status is not None:
                call.grpc_status = said.grpc_status
        if said.is_end or said.is_reset:
            del self.open[stream]
            if call.may_be_grpc and said.is_end:
                self._tell_grpc(call, said)
            if in_time:
                call.end_time_ns = said.time_ns
                call.complete = True
                call.unanswered = said.is_reset and call.status is None and not said.is_lossy
            self._finish(call)

    def _tell_grpc(self, call: Call, said: Said) -> None:
        """Conclude from its end whether a request is a call of gRPC, which ends with trailers (gRPC over HTTP2).

        Other requests hardly ever do. A response that has nothing but trailers says nothing by itself.
        """
        if said.grpc_status is not None or (said.is_trailers and call.status is not None):
            call.protocol = GRPC
            self._grpc_since_ns = min(self._grpc_since_ns, said.time_ns)
        elif said.status is None:
            call.may_be_grpc = False

    def _keep_early(self, stream: int, said: Said) -> None:
        early = self._early
        if stream in early:
            if len(early[stream]) < limits.EARLY_RESPONSES_PER_STREAM:
                early[stream].append(said)
            return
        if len(early) >= limits.EARLY_RESPONSES:
            del early[next(iter(early))]
        early[stream] = [said]

    def reset(self, stream: int, time_ns: int) -> None:
        """Take it that the client gives a stream up."""
        call = self.open.get(stream)
        if call is not None and call.reset_ns is None:
            call.reset_ns = time_ns
            self._given_up.append(call)

    def settle_resets(self, lossy_since_ns: int | None) -> None:
        """Report what the client gave up: both directions were read as far as they go."""
        for call in self._given_up:
            assert call.stream is not None
            assert call.reset_ns is not None
            if self.open.get(call.stream) is not call:
                continue
            del self.open[call.stream]
            if call.reset_ns - call.time_ns <= EXPIRY_NS:
                call.end_time_ns = call.reset_ns
                call.complete = True
                is_lossy = lossy_since_ns is not None and lossy_since_ns <= call.reset_ns
                call.unanswered = call.status is None and not is_lossy
            self._finish(call)
        self._given_up.clear()

    def expire(self, now_ns: int) -> None:
        """Report what has been open for long; it keeps its place."""
        for stream, call in self.open.items():
            if call is None:
                continue
            if now_ns - call.time_ns <= EXPIRY_NS:
                break
            self.open[stream] = None
            call.settled_ns = call.time_ns + EXPIRY_NS
            self._finish(call)

    def evict(self) -> int:
        """Report the oldest, of which the end was not seen; returns how many."""
        oldest = list(self.open)[: max(1, limits.OPEN_STREAMS // 16)]
        for stream in oldest:
            self._drop(stream)
        return len(oldest)

    def _drop(self, stream: int) -> None:
        call = self.open.pop(stream)
        if call is not None:
            self._finish(call)

    def close(self, ended_ns: int, *, is_unanswered: bool) -> None:
        """Report everything: nothing more comes."""
        for call in self.open.values():
            if call is not None:
                call.unanswered = is_unanswered and call.status is None
                call.settled_ns = ended_ns
                self._finish(call)
        self.open.clear()
        self._early.clear()

    def _finish(self, call: Call) -> None:
        call.is_over = True
        if call.may_be_grpc and self._grpc_since_ns <= call.time_ns < self._others_since_ns:
            call.protocol = GRPC  # like all others of the connection
        if call.is_settled:
            self.done.append(call)

    def settle(self, call: Call) -> None:
        """Its verdict does not wait any longer."""
        call.is_settled = True
        if call.is_over:
            self.done.append(call)
