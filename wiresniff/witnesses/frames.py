"""Requests and answers of HTTP/2, written anew: their header blocks were compressed against packets that aren't here.

All fields are literals without Huffman code that enter no table (RFC 7541 6.2.2); those that were overwritten, and must
not be compressed by whoever sends them on, are never indexed (6.2.3). Of a request what the audit read is written, and
nothing else is known; body and trailers are left out, and END_STREAM says so.
"""

from collections.abc import Iterable, Iterator

from wiresniff.model.exchanges import Exchange
from wiresniff.model.policy import Privacy
from wiresniff.protocols.http2.frames import (
    CONTINUATION,
    DEFAULT_FRAME_BYTES,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PREFACE,
    SETTINGS,
)  # fmt: skip
from wiresniff.witnesses.masks import mask_target, mask_value

WITHOUT_INDEXING, NEVER_INDEXED = 0x00, 0x10
LENGTH_BITS = 0x7F
"""Of a string literal's first octet (RFC 7541 5.2); the bit above says Huffman."""
MORE = 0x80
"""There is another octet of an integer behind this one (RFC 7541 5.1)."""
GRPC = "grpc"


def frame(kind: int, payload: bytes = b"", *, flags: int = 0, stream: int = 0) -> bytes:
    """Return a frame (RFC 9113 4.1)."""
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


CLIENT_BEGINS = PREFACE + frame(SETTINGS)
SERVER_BEGINS = frame(SETTINGS)
"""What each side sends first (RFC 9113 3.4)."""


def request_frames(exchange: Exchange, privacy: Privacy) -> bytes:
    """Return the request of an exchange, as far as it was read and may be shown."""
    return headers_of(exchange.stream or 1, (literal(*field) for field in _request_fields(exchange, privacy)))


def _request_fields(exchange: Exchange, privacy: Privacy) -> Iterator[tuple[bytes, bytes, bool]]:
    """Give name, value, and whether it was overwritten."""
    method, target = exchange.method, exchange.target
    if method is not None:
        yield b":method", method, False
    if target is not None and method != b"CONNECT":
        shown = mask_target(method, target, privacy)
        yield b":path", shown, shown != target
    if exchange.authority is not None:
        yield b":authority", exchange.authority, False
    if exchange.protocol == GRPC:
        yield b"content-type", b"application/grpc", False
    if exchange.user_agent is not None:
        yield b"user-agent", exchange.user_agent, False
    for name, value in exchange.fields:
        shown = mask_value(name, value, privacy)
        yield name, shown, shown != value


def answer_frames(exchange: Exchange) -> bytes:
    """Return the status that a request was answered with."""
    fields = []
    if exchange.status is not None:
        fields.append(literal(b":status", b"%d" % exchange.status))
    if exchange.grpc_status is not None:
        fields.append(literal(b"grpc-status", b"%d" % exchange.grpc_status))
    return headers_of(exchange.stream or 1, fields)


def headers_of(stream: int, literals: Iterable[bytes]) -> bytes:
    """Return the frames of a header block, which is all there is of a stream's direction."""
    block = b"".join(literals)
    pieces = [block[at : at + DEFAULT_FRAME_BYTES] for at in range(0, len(block), DEFAULT_FRAME_BYTES)] or [b""]
    last = len(pieces) - 1
    return b"".join(
        frame(
            CONTINUATION if number else HEADERS,
            piece,
            flags=(0 if number else END_STREAM) | (END_HEADERS if number == last else 0),
            stream=stream,
        )
        for number, piece in enumerate(pieces)
    )


def literal(name: bytes, value: bytes, is_masked: bool = False) -> bytes:
    """Return a field as a literal with its name."""
    return bytes([NEVER_INDEXED if is_masked else WITHOUT_INDEXING]) + string(name) + string(value)


def string(octets: bytes) -> bytes:
    """Return a string literal (RFC 7541 5.2)."""
    length = len(octets)
    if length < LENGTH_BITS:
        return bytes([length]) + octets
    length -= LENGTH_BITS
    prefix = bytearray([LENGTH_BITS])
    while length >= MORE:
        prefix.append(length % MORE | MORE)
        length //= MORE
    prefix.append(length)
    return bytes(prefix) + octets
