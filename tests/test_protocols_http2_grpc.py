"""Calls of gRPC whose content type is not known, because its table entry is from before the capture."""

import pytest

from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Channel
from wiresniff.protocols.http2.streams import Call, Said, Streams

CHANNEL = Channel(Endpoint("10.0.0.1", 40_000), Endpoint("10.0.0.2", 50_051), 0)


def call(time_ns: int, protocol: str | None = None) -> Call:
    """Ask something at a time; without a protocol its content type is not known."""
    one = Call(CHANNEL, protocol or "http/2", "2", time_ns, 0, 1, 1, b"POST", b"/a.B/C", [])
    one.may_be_grpc = protocol is None
    return one


def protocols(streams: Streams) -> list[str]:
    """Return the protocols of what is done, by the time of asking."""
    return [exchange.protocol for exchange in sorted(streams.done, key=lambda exchange: exchange.time_ns)]


@pytest.mark.parametrize(
    ("status", "end", "protocol"),
    [
        (200, Said(9, is_end=True, is_trailers=True), "grpc"),
        (200, Said(9, is_end=True), "http/2"),
        (None, Said(9, 200, is_end=True), "http/2"),
        (None, Said(9, 200, 12, is_end=True), "grpc"),
        (None, Said(9, is_end=True, is_trailers=True), "http/2"),
        (200, Said(9, is_reset=True), "http/2"),
    ],
    ids=["trailers", "data", "head alone", "head with its status", "head of unknown status", "reset"],
)
def test_the_end_of_a_response_tells(status: int | None, end: Said, protocol: str) -> None:
    """A call ends with trailers; one that fails at once has nothing else, which alone says little."""
    streams = Streams()
    streams.ask(1, call(1))
    if status is not None:
        streams.answer(1, status, 5)
    streams.say(1, end)
    assert protocols(streams) == [protocol]


def test_other_calls_of_the_connection_tell() -> None:
    """What comes after the first call of gRPC is one as well, unless its end says otherwise."""
    streams = Streams()
    streams.ask(1, call(1))
    streams.ask(3, call(3, "grpc"))
    streams.ask(5, call(5))
    streams.ask(7, call(7))
    streams.say(1, Said(8, 200, is_end=True))
    streams.say(5, Said(8, 200, is_end=True))
    streams.answer(7, 200, 8)
    streams.say(7, Said(9, is_end=True))
    streams.close(9, is_unanswered=False)
    assert protocols(streams) == ["http/2", "grpc", "grpc", "http/2"]


def test_a_connection_of_both_tells_nothing() -> None:
    """From the first request on that is no call of gRPC, each is told by its own end."""
    streams = Streams()
    streams.ask(1, call(1, "grpc"))
    streams.ask(3, call(3))
    streams.ask(5, call(5, "http/2"))
    streams.ask(7, call(7))
    streams.close(9, is_unanswered=False)
    assert protocols(streams) == ["grpc", "grpc", "http/2", "http/2"]


def test_a_known_content_type_stands() -> None:
    """Trailers of other requests make no call of gRPC."""
    streams = Streams()
    streams.ask(1, call(1, "http/2"))
    streams.answer(1, 200, 5)
    streams.say(1, Said(9, is_end=True, is_trailers=True))
    assert protocols(streams) == ["http/2"]
