"""HTTP/2 of which bytes are missing, or that was joined late: what is said for certain is what was sent."""

import pytest
from builders import Conversation, request, traceparent
from http2_frames import PINGED, Talk, data, header_frames, message, settings, window
from stage_feeding import Dissection, cut_into, exchanges_in, heard_messages
from test_protocols_http2 import SWITCHING, UPGRADE, turn

from wiresniff.model.exchanges import Exchange
from wiresniff.protocols.http2.frames import PREFACE

KNOWN = [("x-known", "value")]
NEXT = "POST /next -> 200"


def lose(talk: Conversation, octets: bytes, *, from_client: bool = True) -> None:
    """Send bytes that were received and not captured."""
    if from_client:
        talk.client_sends(octets, lost=True)
        talk.server_acks()
    else:
        talk.server_sends(octets, lost=True)
        talk.client_acks()
    talk.clock.wait(0.1)


def values(exchange: Exchange) -> list[bytes]:
    """Return the traceparents of an exchange."""
    return [value for _, value in exchange.fields]


# gaps


@pytest.mark.parametrize("from_client", [True, False])
@pytest.mark.parametrize("rest", [b"", b"rest"])
def test_a_gap_within_data_costs_nothing(rest: bytes, *, from_client: bool) -> None:
    """Neither boundaries nor the header table, though the gap ends where the frame does."""
    talk = Talk().begin()
    turn(talk, 1, "/a")
    begin = talk.request_block("/b", 2, KNOWN)
    frames = data(3, b"x" * 3000 + rest, end=True)
    cut = len(frames) - len(rest)
    if from_client:
        talk.client_sends(header_frames(begin, 3) + frames[:100])
        lose(talk, frames[100:cut])
        talk.client_sends(rest)
        talk.server_sends(talk.answers(3, 200, end=True, fields=KNOWN))
    else:
        talk.client_sends(header_frames(begin, 3, end=True))
        talk.server_sends(talk.answers(3, 200, fields=KNOWN) + frames[:100])
        lose(talk, frames[100:cut], from_client=False)
        talk.server_sends(rest)
    turn(talk, 5)
    dissection = heard_messages(talk)
    assert dissection.told() == ["POST /a -> 200", "POST /b -> 200", NEXT]
    assert [exchange.complete for exchange in dissection.in_order()] == [True] * 3
    assert values(dissection.in_order()[2]) == [traceparent(5).encode()]
    assert not any(exchange.inferred or exchange.unseen for exchange in dissection.exchanges)
    assert dissection.opaque() == {}


def test_a_gap_within_a_header_block() -> None:
    """What was seen is recorded, what was not is not said to be absent; frames go on, the table does not."""
    talk = Talk().begin()
    turn(talk, 1, "/a")
    frames = header_frames(talk.request_block("/b", 2, [("x-new", "entry"), *KNOWN]), 3, end=True)
    talk.client_sends(frames[:20])
    lose(talk, frames[20:-4])
    talk.client_sends(frames[-4:])
    talk.server_sends(talk.answers(3, 200, end=True))
    talk.client_sends(talk.asks(5, "/c", 5, fields=[("x-new", "entry"), *KNOWN]))
    talk.server_sends(talk.answers(5, 201, end=True))
    dissection = heard_messages(talk)
    before, cut, after = dissection.in_order()
    assert (before.unseen, cut.unseen, cut.stream, cut.status) == (None, "gap", 3, 200)
    assert cut.target in (None, b"/b")
    assert values(cut) == []
    assert (after.stream, after.status, after.target) == (5, 201, b"/c")
    assert (values(after), after.inferred) == ([traceparent(5).encode()], True)


def test_a_gap_within_a_response() -> None:
    """The exchange is reported without a status; later ones have theirs."""
    talk = Talk().begin()
    talk.client_sends(talk.asks(1, "/a"))
    frames = talk.answers(1, 404, end=True, fields=[("x-long", "value" * 20)])
    talk.server_sends(frames[:9])
    lose(talk, frames[9:-3], from_client=False)
    talk.server_sends(frames[-3:])
    turn(talk, 3)
    dissection = heard_messages(talk)
    assert dissection.told() == ["POST /a -> ?", NEXT]
    assert dissection.in_order()[0].complete


def test_a_gap_over_several_frames() -> None:
    """The next frame is looked for; a response to a request that was not seen is no exchange."""
    talk = Talk().begin()
    turn(talk, 1, "/a")
    lose(talk, talk.asks(3, "/lost", 3) + PINGED + window(0))
    talk.server_sends(talk.answers(3, 200, end=True))
    for stream in (5, 7):
        turn(talk, stream)
    talk.close()
    dissection = heard_messages(talk)
    assert dissection.told() == ["POST /a -> 200", NEXT, NEXT]
    assert [values(exchange) for exchange in dissection.in_order()] == [
        [traceparent(stream).encode()] for stream in (1, 5, 7)
    ]


def test_a_gap_behind_an_upgrade() -> None:
    """The client's first bytes of HTTP/2 are lost: what follows is HTTP/2 nevertheless."""
    talk = Talk()
    talk.open()
    talk.client_sends(request("GET", "/first", fields=UPGRADE))
    talk.server_sends(SWITCHING + settings() + talk.answers(1, 200, end=True))
    lose(talk, PREFACE + settings())
    turn(talk, 3)
    turn(talk, 5)
    assert exchanges_in(talk) == ["GET /first -> 200", NEXT, NEXT]


def test_responses_that_are_lost_are_not_concluded() -> None:
    """An exchange whose response was in the gap has no status, and is not called unanswered."""
    talk = Talk().begin()
    talk.client_sends(talk.asks(1, "/a") + talk.asks(3, "/b"))
    lose(talk, talk.answers(1, 200, end=True), from_client=False)
    talk.server_sends(talk.answers(3, 200, end=True))
    turn(talk, 5)
    talk.close()
    assert exchanges_in(talk) == ["POST /a -> ?", "POST /b -> 200", NEXT]


def test_a_gap_at_the_very_beginning() -> None:
    """The preface was not captured: frames tell what is spoken."""
    talk = Talk()
    talk.open()
    lose(talk, PREFACE + settings())
    talk.server_sends(settings())
    turn(talk, 1, "/a")
    turn(talk, 3)
    dissection = heard_messages(talk)
    assert dissection.told() == ["POST /a -> 200", NEXT]


@pytest.mark.parametrize("length", [96, 130, 200])
def test_packets_that_are_cut(length: int) -> None:
    """Every segment ends early, and every request is recorded; the traceparent is never said to be absent."""
    talk = Talk().begin()
    for stream in range(1, 40, 2):
        turn(talk, stream, f"/{stream}")
    for packet in talk.packets:
        packet.captured = min(len(packet.data), length)
    dissection = heard_messages(talk)
    streams = [exchange.stream for exchange in dissection.in_order()]
    assert streams == list(range(1, 40, 2))
    for exchange in dissection.in_order():
        expected = [traceparent(exchange.stream or 0).encode()]
        assert values(exchange) == expected or exchange.unseen is not None


def test_the_capture_ends_within_a_header_block() -> None:
    """It is recorded as far as it was seen; where the client gave up by itself nothing was asked."""
    talk = Talk().begin()
    talk.client_sends(talk.asks(1, "/a")[:40])
    (exchange,) = heard_messages(talk).exchanges
    assert (exchange.method, exchange.unseen) == (b"POST", "truncated")
    talk.close()
    assert heard_messages(talk).exchanges == []


# joined late


def late(turns: int = 6, skipped: int = 2) -> tuple[Talk, int]:
    """Hold a conversation whose first turns are not captured; return it, and how many packets that are."""
    talk = Talk().begin()
    for stream in range(1, 2 * skipped, 2):
        turn(talk, stream, "/lost")
    before = len(talk.packets)
    for stream in range(2 * skipped + 1, 2 * (skipped + turns), 2):
        talk.client_sends(talk.calls(stream, "/shop.Cart/Add", stream))
        talk.server_sends(talk.returns(stream))
    return talk, before


def test_joined_late() -> None:
    """The first request that is captured is seen, with its own traceparent or none."""
    talk, before = late()
    dissection = heard_messages(talk.packets[before:])
    assert [exchange.stream for exchange in dissection.in_order()] == [5, 7, 9, 11, 13, 15]
    assert {exchange.status for exchange in dissection.exchanges} == {200}
    for exchange in dissection.exchanges:
        assert values(exchange) == [traceparent(exchange.stream or 0).encode()]
    assert dissection.opaque() == {}


@pytest.mark.parametrize("mss", [1460, 30])
def test_one_call_is_enough(mss: int) -> None:
    """And one segment of it in each direction."""
    talk, before = late(0)
    talk.client_sends(talk.calls(5, "/shop.Cart/Add", 5), mss)
    talk.server_sends(talk.returns(5), mss)
    (exchange,) = heard_messages(talk.packets[before:]).exchanges
    assert (exchange.stream, exchange.status, values(exchange)) == (5, 200, [traceparent(5).encode()])


@pytest.mark.parametrize("from_client", [True, False])
def test_one_direction_alone(*, from_client: bool) -> None:
    """Requests without answers; or answers, of which none is an exchange, though it is known what they are."""
    talk, before = late()
    packets = [
        packet
        for packet in talk.packets[before:]
        if (packet.data[26:30] == bytes([10, 0, 0, 1])) == from_client  # the source address
    ]
    dissection = heard_messages(packets)
    assert [exchange.status for exchange in dissection.exchanges] == ([None] * 6 if from_client else [])
    assert set(dissection.opaque()) == (set() if from_client else {"one-direction"})
    assert {(account.client, account.server) for account in dissection.traffic} == {(talk.client, talk.server)}


def test_a_server_alone_from_its_beginning() -> None:
    """Its SETTINGS say little by themselves; its responses say who it is."""
    talk = Talk().begin()
    for stream in (1, 3):
        turn(talk, stream)
    packets = [packet for packet in talk.packets if packet.data[26:30] == bytes([10, 0, 0, 2])]
    dissection = heard_messages(packets)
    assert (dissection.exchanges, set(dissection.opaque())) == ([], {"one-direction"})


@pytest.mark.parametrize("mss", [1460, 700])
def test_joined_within_a_long_download(mss: int) -> None:
    """Nothing but DATA for long: the connection is not given up."""
    talk = Talk().begin()
    turn(talk, 1, "/a")
    talk.client_sends(talk.asks(3, "/long"))
    talk.server_sends(talk.answers(3, 200))
    before = len(talk.packets)
    for _ in range(60):
        talk.server_sends(data(3, b"\x00\x01x" * 5461), mss)
        talk.client_sends(window(3) + window(0))
    talk.server_sends(data(3, b"", end=True))
    for stream in (5, 7):
        turn(talk, stream)
    dissection = Dissection()
    for block in cut_into(talk.packets[before:], 50):
        dissection.feed(block)
    assert dissection.close().told() == [NEXT, NEXT]


def test_a_response_of_before_the_capture_is_no_exchange() -> None:
    """Nor is it the response of a later request."""
    talk = Talk().begin()
    turn(talk, 1)
    talk.client_sends(talk.asks(3, "/lost"))
    before = len(talk.packets)
    talk.server_sends(talk.answers(3, 500) + data(3, message(5), end=True))
    talk.client_sends(talk.asks(5, "/a"))
    talk.server_sends(talk.answers(5, 200, end=True))
    turn(talk, 7)
    dissection = heard_messages(talk.packets[before:])
    assert [(exchange.stream, exchange.status) for exchange in dissection.in_order()] == [(5, 200), (7, 200)]
