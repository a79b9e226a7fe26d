"""Frames of HTTP/2 for tests, written as they are said.

A `Talk` has a header table per direction, as endpoints do::

    talk = Talk()
    talk.begin()
    talk.client_sends(talk.asks(1, "/cart"))
    talk.server_sends(talk.answers(1, 200) + data(1, b"...", end=True))
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from builders import Conversation, traceparent
from hpack import Encoder

from wiresniff.protocols.http2.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    PRIORITISED,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
)  # fmt: skip

Fields = list[tuple[str, str]]


def frame(kind: int, payload: bytes = b"", *, flags: int = 0, stream: int = 0) -> bytes:
    """Return a frame (RFC 9113 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def settings(**values: int) -> bytes:
    """Return SETTINGS; `table` is the one that matters here."""
    numbers = {"table": 1, "push": 2, "streams": 3, "window": 4, "frame": 5}
    return frame(SETTINGS, b"".join(struct.pack(">HI", numbers[name], value) for name, value in values.items()))


ACKNOWLEDGED = frame(SETTINGS, flags=ACK)
PINGED = frame(PING, bytes(8))
GOING_AWAY = frame(GOAWAY, bytes(8) + b"bye")
REFUSED = b"\x00\x00\x00\x07"


def data(stream: int, payload: bytes, *, end: bool = False) -> bytes:
    """Return DATA."""
    return frame(DATA, payload, flags=END_STREAM if end else 0, stream=stream)


def reset(stream: int) -> bytes:
    """Return RST_STREAM."""
    return frame(RST_STREAM, REFUSED, stream=stream)


def window(stream: int) -> bytes:
    """Return WINDOW_UPDATE."""
    return frame(WINDOW_UPDATE, b"\x00\x00\x10\x00", stream=stream)


def message(length: int) -> bytes:
    """Return a message of gRPC (gRPC over HTTP2, "Length-Prefixed-Message")."""
    return b"\x00" + length.to_bytes(4, "big") + b"\x0a" * length


def header_frames(
    block: bytes, stream: int, *, end: bool = False, padding: int | None = None, priority: bool = False,
    pieces: Iterable[int] = (),
) -> bytes:  # fmt: skip
    """Return HEADERS with a block, and CONTINUATION frames behind if the block is cut into pieces at some places."""
    places = [0, *pieces, len(block)]
    fragments = [block[start:stop] for start, stop in pairwise(places)]
    flags = END_STREAM if end else 0
    payload = fragments[0]
    if priority:
        flags |= PRIORITISED
        payload = bytes(5) + payload
    if padding is not None:
        flags |= PADDED
        payload = bytes([padding]) + payload + bytes(padding)
    kinds = [HEADERS] + [CONTINUATION] * (len(fragments) - 1)
    frames = []
    for kind, fragment, number in zip(kinds, [payload, *fragments[1:]], range(1, len(fragments) + 1), strict=True):
        last = END_HEADERS if number == len(fragments) else 0
        frames.append(frame(kind, fragment, flags=(flags if kind == HEADERS else 0) | last, stream=stream))
    return b"".join(frames)


@dataclass
class Talk(Conversation):
    """A conversation in HTTP/2."""

    requests: Encoder = field(default_factory=Encoder)
    responses: Encoder = field(default_factory=Encoder)

    def begin(self) -> "Talk":
        """Open the connection, and exchange the prefaces."""
        self.open()
        self.client_sends(PREFACE + settings(table=4096))
        self.server_sends(settings(streams=100) + ACKNOWLEDGED)
        self.client_sends(ACKNOWLEDGED)
        return self

    def request_block(self, path: str, number: int | None = 1, fields: Fields | None = None) -> bytes:
        """Encode a request; `number` is that of its traceparent, None without one."""
        own = [("traceparent", traceparent(number))] if number is not None else []
        pseudo = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "cart:50051")]
        return self.requests.encode([*pseudo, *(fields or []), *own])

    def asks(self, stream: int, path: str, number: int | None = 1, *, fields: Fields | None = None) -> bytes:
        """Ask without a body."""
        return header_frames(self.request_block(path, number, fields), stream, end=True)

    def calls(self, stream: int, path: str, number: int | None = 1, length: int = 20) -> bytes:
        """Call a method of gRPC with one message."""
        fields = [("content-type", "application/grpc"), ("te", "trailers"), ("user-agent", "grpc-test/1")]
        block = self.request_block(path, number, fields)
        return header_frames(block, stream) + data(stream, message(length), end=True)

    def answers(self, stream: int, status: int, *, end: bool = False, fields: Fields | None = None) -> bytes:
        """Begin to answer."""
        return header_frames(self.responses.encode([(":status", str(status)), *(fields or [])]), stream, end=end)

    def trails(self, stream: int, grpc_status: int = 0) -> bytes:
        """End an answer with trailers."""
        block = self.responses.encode([("grpc-status", str(grpc_status)), ("grpc-message", "")])
        return header_frames(block, stream, end=True)

    def returns(self, stream: int, grpc_status: int = 0, length: int = 30) -> bytes:
        """Answer a call."""
        head = self.answers(stream, 200, fields=[("content-type", "application/grpc")])
        return head + data(stream, message(length)) + self.trails(stream, grpc_status)

    def promises(self, stream: int, promised: int, path: str) -> bytes:
        """Promise a response that nobody asked for."""
        block = self.responses.encode([(":method", "GET"), (":scheme", "http"), (":path", path)])
        return frame(PUSH_PROMISE, promised.to_bytes(4, "big") + block, flags=END_HEADERS, stream=stream)
