"""Requests of HTTP/2 written anew: what an endpoint reads in them."""

import hpack
import pytest
from hpack import NeverIndexedHeaderTuple

from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Channel, Exchange, Fields
from wiresniff.model.policy import Privacy
from wiresniff.protocols.http2.frames import CONTINUATION, END_HEADERS, END_STREAM, HEADER, HEADER_BYTES, HEADERS
from wiresniff.witnesses.frames import answer_frames, literal, request_frames

CHANNEL = Channel(Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 80), 0)


def asked(target: bytes = b"/a?b=c", fields: Fields | None = None) -> Exchange:
    """Return a request as the audit has it."""
    exchange = Exchange(
        CHANNEL, "grpc", "2", 0, 0, 1, 0, b"POST", target, fields or [], authority=b"cart:80", user_agent=b"grpc/1"
    )
    exchange.stream = 5
    return exchange


def frames_of(octets: bytes) -> list[tuple[int, int, int, bytes]]:
    """Cut octets into frames: type, flags, stream, payload."""
    frames = []
    while octets:
        size_kind, flags, stream = HEADER.unpack_from(octets)
        end = HEADER_BYTES + (size_kind >> 8)
        frames.append((size_kind & 0xFF, flags, stream, octets[HEADER_BYTES:end]))
        octets = octets[end:]
    return frames


def test_a_request_says_what_was_read_of_it_and_no_more() -> None:
    """Literals that enter no table; those with something overwritten must never be compressed."""
    [(kind, flags, stream, block)] = frames_of(request_frames(asked(fields=[(b"baggage", b"a=b")]), Privacy()))
    assert (kind, flags, stream) == (HEADERS, END_HEADERS | END_STREAM, 5)
    decoder = hpack.Decoder()
    fields = decoder.decode(block, raw=True)
    assert fields == [
        (b":method", b"POST"), (b":path", b"/a?xxx"), (b":authority", b"cart:80"),
        (b"content-type", b"application/grpc"), (b"user-agent", b"grpc/1"), (b"baggage", b"a=x"),
    ]  # fmt: skip
    assert [field[0] for field in fields if isinstance(field, NeverIndexedHeaderTuple)] == [b":path", b"baggage"]
    assert len(decoder.header_table.dynamic_entries) == 0


def test_what_was_not_seen_is_not_made_up() -> None:
    """A client that was joined late may refer to its path for ever."""
    late = Exchange(CHANNEL, "http/2", "2", 0, 0, 1, 0, None, None, [(b"traceparent", b"1")])
    [(*_, block)] = frames_of(request_frames(late, Privacy()))
    assert hpack.Decoder().decode(block, raw=True) == [(b"traceparent", b"1")]


def test_a_long_head_takes_several_frames() -> None:
    """Each of a size that every receiver takes."""
    fields = [(b"tracestate", b"a" * 40_000)]
    frames = frames_of(request_frames(asked(fields=fields), Privacy()))
    assert [kind for kind, *_ in frames] == [HEADERS, CONTINUATION, CONTINUATION]
    assert [flags & END_HEADERS for _, flags, *_ in frames] == [0, 0, END_HEADERS]
    block = b"".join(payload for *_, payload in frames)
    assert (b"tracestate", b"a" * 40_000) in hpack.Decoder().decode(block, raw=True)


def test_an_answer_is_its_status() -> None:
    """Of gRPC both of them."""
    exchange = asked()
    exchange.status, exchange.grpc_status = 200, 14
    [(*_, block)] = frames_of(answer_frames(exchange))
    assert hpack.Decoder().decode(block, raw=True) == [(b":status", b"200"), (b"grpc-status", b"14")]


@pytest.mark.parametrize("length", [0, 1, 126, 127, 128, 254, 255, 256, 5000])
def test_strings_of_any_length_are_read_as_they_were_written(length: int) -> None:
    """Integers go on behind their prefix where it is full (RFC 7541 5.1)."""
    assert hpack.Decoder().decode(literal(b"name", b"v" * length), raw=True) == [(b"name", b"v" * length)]
