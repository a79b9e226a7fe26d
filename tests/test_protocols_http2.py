"""HTTP/2 as it is spoken when nothing is lost: frames, header blocks, streams."""

import pytest
from builders import Conversation, Packet, request, response, traceparent
from hpack import Encoder
from http2_frames import (
    ACKNOWLEDGED,
    GOING_AWAY,
    PINGED,
    Talk,
    data,
    frame,
    header_frames,
    message,
    reset,
    settings,
    window,
)  # fmt: skip
from stage_feeding import Dissection, cut_into, dissected, exchanges_in, heard_messages

from wiresniff.protocols.http2.frames import PREFACE

MSS = [1460, 50, 7, 1]
NEXT = "POST /next -> 200"
"""What is told of the last turn, if boundaries and tables were kept until there."""


def turn(talk: Talk, stream: int, path: str = "/next") -> None:
    """Ask and answer, with fields that are in the tables."""
    talk.client_sends(talk.asks(stream, path, stream, fields=[("x-known", "value")]))
    talk.server_sends(talk.answers(stream, 200, end=True, fields=[("x-known", "value")]))


def traceparents(dissection: Dissection) -> list[list[bytes]]:
    """Return the traceparents of each exchange, in order."""
    return [[value for _, value in exchange.fields] for exchange in dissection.in_order()]


@pytest.mark.parametrize("mss", MSS)
def test_a_call_of_grpc(mss: int) -> None:
    """Everything that the audit reads of it, in segments of any size."""
    talk = Talk().begin()
    asked = talk.client_sends(window(0) + talk.calls(1, "/shop.Cart/Add", 7, length=100), mss)
    answered = talk.server_sends(talk.returns(1, 5), mss)
    talk.close()
    (exchange,) = heard_messages(talk).exchanges
    assert (exchange.protocol, exchange.version, exchange.stream) == ("grpc", "2", 1)
    assert (exchange.method, exchange.target, exchange.authority) == (b"POST", b"/shop.Cart/Add", b"cart:50051")
    assert exchange.user_agent == b"grpc-test/1"
    assert exchange.fields == [(b"traceparent", traceparent(7).encode())]
    assert (exchange.status, exchange.grpc_status, exchange.complete, exchange.unseen) == (200, 5, True, None)
    assert not exchange.inferred
    assert exchange.end_time_ns == answered[-1].time_ns
    assert exchange.sequence == 1001 + len(PREFACE + settings(table=0) + ACKNOWLEDGED + window(0))
    begins = 13 // mss  # WINDOW_UPDATE comes before
    assert exchange.packet == 1 + talk.packets.index(asked[begins])


def test_times_are_those_of_the_last_byte() -> None:
    """Of the header block, its CONTINUATION frames included; of the response's head; of its end."""
    talk = Talk().begin()
    block = talk.request_block("/a")
    frames = header_frames(block, 1, end=True, pieces=[5, 9])
    first = talk.client_sends(frames[:30])
    last = talk.client_sends(frames[30:])
    head = talk.server_sends(talk.answers(1, 200))
    talk.server_sends(data(1, b"x" * 100))
    end = talk.server_sends(data(1, b"y" * 3000, end=True))
    talk.close()
    (exchange,) = heard_messages(talk).exchanges
    assert (exchange.packet, exchange.time_ns) == (1 + talk.packets.index(first[0]), last[0].time_ns)
    assert (exchange.response_time_ns, exchange.end_time_ns) == (head[0].time_ns, end[-1].time_ns)


@pytest.mark.parametrize("mss", MSS)
@pytest.mark.parametrize("padding", [None, 0, 200])
@pytest.mark.parametrize("priority", [False, True])
@pytest.mark.parametrize("pieces", [[], [0, 0, 3], range(1, 30)])
def test_header_blocks_in_any_form(mss: int, padding: int | None, priority: bool, pieces: range) -> None:
    """Padded, with a priority, in many frames; empty ones among them."""
    talk = Talk().begin()
    block = talk.request_block("/a", 3)
    talk.client_sends(header_frames(block, 1, end=True, padding=padding, priority=priority, pieces=pieces), mss)
    talk.server_sends(header_frames(talk.responses.encode([(":status", "404")]), 1, end=True, padding=padding), mss)
    turn(talk, 3)
    dissection = heard_messages(talk)
    assert dissection.told() == ["POST /a -> 404", NEXT]
    assert traceparents(dissection) == [[traceparent(3).encode()], [traceparent(3).encode()]]
    assert dissection.anomalies() == {}


def test_calls_that_overlap_are_told_apart_by_stream() -> None:
    """Answered in any order, their frames mixed."""
    talk = Talk().begin()
    talk.client_sends(b"".join(talk.asks(stream, f"/{stream}", stream) for stream in (1, 3, 5)))
    talk.server_sends(talk.answers(5, 205) + talk.answers(1, 201) + data(5, b"x", end=True))
    talk.server_sends(talk.answers(3, 203, end=True) + data(1, b"y", end=True))
    talk.close()
    assert exchanges_in(talk) == ["POST /1 -> 201", "POST /3 -> 203", "POST /5 -> 205"]


def test_text_in_data_counts_for_nothing() -> None:
    """Frames that look like others, requests of HTTP/1: skipped by their length."""
    talk = Talk().begin()
    body = Talk().asks(3, "/never", 9) + request("GET", "/never", host="x") + PREFACE
    talk.client_sends(header_frames(talk.request_block("/a"), 1) + data(1, body * 40) + data(1, body, end=True), 100)
    talk.server_sends(talk.answers(1, 200) + data(1, Talk().answers(3, 500) * 50, end=True), 100)
    turn(talk, 3)
    assert exchanges_in(talk) == ["POST /a -> 200", NEXT]


def test_frames_that_say_nothing_are_passed_over() -> None:
    """Unknown types, PING, GOAWAY, PRIORITY, WINDOW_UPDATE, ALTSVC; the reserved bit of the stream is ignored."""
    talk = Talk().begin()
    noise = frame(0xEE, b"?" * 50, flags=0xFF, stream=77) + PINGED + frame(2, bytes(5), stream=1) + window(0)
    noise += frame(0x0A, b"\x00\x00h2", stream=0) + GOING_AWAY + frame(0, b"", stream=1)
    talk.client_sends(noise + talk.asks(1, "/a") + noise)
    talk.server_sends(noise + talk.answers(1, 200) + noise + data(1, b"", end=True))
    begin = talk.asks(3, "/next")
    talk.client_sends(begin[:5] + bytes([begin[5] | 0x80]) + begin[6:])
    talk.server_sends(talk.answers(3, 200, end=True))
    dissection = heard_messages(talk)
    assert dissection.told() == ["POST /a -> 200", NEXT]
    assert dissection.anomalies() == {}
    assert dissection.opaque() == {}


def test_interim_responses_are_not_the_response() -> None:
    """103 and then 200."""
    talk = Talk().begin()
    talk.client_sends(talk.asks(1, "/a"))
    talk.server_sends(talk.answers(1, 100) + talk.answers(1, 103, fields=[("link", "</s>")]))
    final = talk.server_sends(talk.answers(1, 200, end=True))
    (exchange,) = heard_messages(talk).exchanges
    assert (exchange.status, exchange.response_time_ns) == (200, final[0].time_ns)


def test_a_response_of_trailers_alone() -> None:
    """A call that fails at once: status and gRPC status in one block."""
    talk = Talk().begin()
    talk.client_sends(talk.calls(1, "/a.B/C"))
    fields = [("content-type", "application/grpc"), ("grpc-status", "12")]
    talk.server_sends(talk.answers(1, 200, end=True, fields=fields))
    (exchange,) = heard_messages(talk).exchanges
    assert (exchange.status, exchange.grpc_status, exchange.complete) == (200, 12, True)


def test_trailers_of_a_request_are_no_request() -> None:
    """They are decoded all the same."""
    talk = Talk().begin()
    talk.client_sends(header_frames(talk.request_block("/a"), 1) + data(1, b"x"))
    trailers = talk.requests.encode([("x-checksum", "1"), ("x-known", "value"), ("traceparent", traceparent(9))])
    talk.client_sends(header_frames(trailers, 1, end=True))
    talk.server_sends(talk.answers(1, 200, end=True))
    turn(talk, 3)
    dissection = heard_messages(talk)
    assert dissection.told() == ["POST /a -> 200", NEXT]
    assert traceparents(dissection)[0] == [traceparent(1).encode()]


def test_values_come_as_they_were_sent() -> None:
    """Untrimmed; duplicates, empty ones and names in upper case are there."""
    talk = Talk().begin()
    values = [" a ", "", "b\x00"]
    fields = [(name, value) for name, value in zip(("traceparent", "Traceparent", "traceparent"), values, strict=True)]
    talk.client_sends(talk.asks(1, "/a", None, fields=fields))
    (exchange,) = heard_messages(talk).exchanges
    assert exchange.fields == [(b"traceparent", value.encode()) for value in values]


def ask_with(fields: list[tuple[str, str]]) -> Talk:
    """Ask with just these fields."""
    talk = Talk().begin()
    talk.client_sends(header_frames(talk.requests.encode(fields), 1, end=True))
    return talk


def test_what_special_requests_are() -> None:
    """A preflight; a tunnel, whose target is its authority; one that names its server in `host`."""
    options = [(":method", "OPTIONS"), (":scheme", "http"), (":path", "*"), ("access-control-request-method", "PUT")]
    (exchange,) = heard_messages(ask_with(options)).exchanges
    assert (exchange.preflight, exchange.target) == (True, b"*")
    (exchange,) = heard_messages(ask_with([(":method", "CONNECT"), (":authority", "db:5432")])).exchanges
    assert (exchange.target, exchange.authority) == (b"db:5432", b"db:5432")
    (exchange,) = heard_messages(
        ask_with([(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "a")])
    ).exchanges
    assert exchange.authority == b"a"


# ends


def test_the_server_gives_a_stream_up() -> None:
    """With nothing said it is unanswered, behind a status it is not."""
    talk = Talk().begin()
    talk.client_sends(talk.asks(1, "/a") + talk.asks(3, "/b"))
    talk.server_sends(reset(1) + talk.answers(3, 200) + data(3, b"x"))
    end = talk.server_sends(reset(3))
    turn(talk, 5)
    dissection = heard_messages(talk)
    assert dissection.told() == ["POST /a -> nothing", "POST /b -> 200", NEXT]
    assert dissection.in_order()[1].end_time_ns == end[0].time_ns


def test_the_client_gives_a_stream_up() -> None:
    """What the server had said before counts, what it says behind does not."""
    talk = Talk().begin()
    talk.client_sends(talk.asks(1, "/a") + talk.asks(3, "/b") + talk.asks(5, "/c"))
    talk.server_sends(talk.answers(1, 200) + talk.answers(3, 200, end=True))
    talk.client_sends(reset(1) + reset(3) + reset(5))
    talk.server_sends(data(1, b"x", end=True) + talk.answers(5, 200, end=True))
    turn(talk, 7)
    assert exchanges_in(talk) == ["POST /a -> 200", "POST /b -> 200", "POST /c -> nothing", NEXT]


def test_the_capture_ends_before_the_response() -> None:
    """Then it is not known; if the connection ended, there was none."""
    talk = Talk().begin()
    talk.client_sends(talk.asks(1, "/a") + talk.asks(3, "/b"))
    talk.server_sends(talk.answers(3, 200))
    assert exchanges_in(talk) == ["POST /a -> ?", "POST /b -> 200 ..."]
    talk.close()
    assert exchanges_in(talk) == ["POST /a -> nothing", "POST /b -> 200 ..."]


def test_a_streaming_call_is_one_exchange() -> None:
    """It is reported after a while, and not again when it ends; later calls are not touched by that."""
    talk = Talk().begin()
    talk.client_sends(talk.calls(1, "/a.B/Watch"))
    talk.server_sends(talk.answers(1, 200))
    for _ in range(40):
        talk.clock.wait(2)
        talk.server_sends(data(1, message(10)))
        talk.client_sends(window(1))
    talk.server_sends(talk.trails(1))
    talk.client_sends(talk.calls(3, "/a.B/Get"))
    talk.server_sends(talk.returns(3))
    assert exchanges_in(talk) == ["POST /a.B/Watch -> 200 ...", "POST /a.B/Get -> 200"]


def test_a_request_that_is_captured_behind_its_response() -> None:
    """Packets come in disorder; the stream says what belongs together."""
    talk = Talk().begin()
    (asked,) = talk.client_sends(talk.asks(1, "/a"))
    (answered,) = talk.server_sends(talk.answers(1, 100) + talk.answers(1, 200) + data(1, b"x", end=True))
    turn(talk, 3)
    packets = list(talk.packets)
    first = packets.index(asked)
    packets[first], packets[first + 1] = Packet(answered.data, asked.time_ns), Packet(asked.data, answered.time_ns)
    assert heard_messages(packets).told() == ["POST /a -> 200", NEXT]


# tables


def test_the_table_of_the_other_direction_may_grow_when_settings_are_acknowledged() -> None:
    """Each side says how large the other's may be; a later entry of such a table is read."""
    talk = Talk()
    talk.open()
    talk.client_sends(PREFACE + settings(table=20_000))
    talk.server_sends(settings(table=30_000) + ACKNOWLEDGED)
    talk.requests.header_table_size, talk.responses.header_table_size = 30_000, 20_000
    long = [(f"x-{number}", "v" * 1000) for number in range(12)]
    talk.client_sends(ACKNOWLEDGED + talk.asks(1, "/a", fields=[("x-known", "value"), *long]), 500)
    talk.server_sends(talk.answers(1, 200, end=True, fields=[("x-known", "value"), *long]), 500)
    turn(talk, 3)
    dissection = heard_messages(talk)
    assert dissection.told() == ["POST /a -> 200", NEXT]
    assert dissection.anomalies() == {}


def test_a_table_larger_than_the_other_side_allowed_is_an_error() -> None:
    """What stands before is read; the table is unknown from there on."""
    talk = Talk().begin()
    talk.requests.header_table_size = 100_000
    talk.client_sends(talk.asks(1, "/a"))
    talk.server_sends(talk.answers(1, 400, end=True))
    dissection = heard_messages(talk)
    assert dissection.anomalies() == {"bad-header-block": 1}
    assert dissection.told() == ["? ? [header-table] -> 400"]


def test_promised_requests_only_keep_the_table() -> None:
    """Nobody asked: what is pushed is no exchange, nor is its response."""
    talk = Talk().begin()
    talk.client_sends(talk.asks(1, "/a"))
    talk.server_sends(talk.answers(1, 200) + talk.promises(1, 2, "/pushed") + data(1, b"x", end=True))
    talk.server_sends(talk.answers(2, 203, fields=[("x-known", "value")]) + data(2, b"y", end=True))
    turn(talk, 3)
    assert exchanges_in(talk) == ["POST /a -> 200", NEXT]


def test_the_same_block_means_another_thing_when_the_table_has_changed() -> None:
    """Responses that repeat are remembered, but no longer than their table stands."""
    talk = Talk().begin()
    for number, status in enumerate((201, 202, 202, 203, 201, 203)):
        talk.client_sends(talk.asks(2 * number + 1, "/a"))
        talk.server_sends(talk.answers(2 * number + 1, status, end=True))
    assert exchanges_in(talk) == [f"POST /a -> {status}" for status in (201, 202, 202, 203, 201, 203)]


# upgrade

UPGRADE = [
    ("Connection", "Upgrade, HTTP2-Settings"),
    ("Upgrade", "h2c"),
    ("HTTP2-Settings", "AAMAAABkAAQAoAAAAAIAAAAA"),
]
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


@pytest.mark.parametrize("mss", MSS)
@pytest.mark.parametrize("body", [b"", b"PRI * HTTP/2.0\r\n"])
def test_an_upgrade(mss: int, body: bytes) -> None:
    """The first request is one of HTTP/1, answered on stream 1."""
    talk = Talk()
    talk.open()
    fields = [*UPGRADE, ("traceparent", traceparent(1))]
    talk.client_sends(request("POST" if body else "GET", "/first", fields=fields, body=body), mss)
    talk.server_sends(SWITCHING + settings() + talk.answers(1, 200) + data(1, b"x", end=True), mss)
    talk.client_sends(PREFACE + settings() + ACKNOWLEDGED, mss)
    turn(talk, 3)
    talk.close()
    dissection = heard_messages(talk)
    assert dissection.told() == [f"{'POST' if body else 'GET'} /first -> 200", NEXT]
    first, second = dissection.in_order()
    assert (first.protocol, first.version, first.stream) == ("http/1", "1.1", 1)
    assert first.fields == [(b"traceparent", traceparent(1).encode())]
    assert (second.protocol, second.stream) == ("http/2", 3)
    assert dissection.opaque() == {}


def test_an_upgrade_that_is_refused() -> None:
    """The connection goes on as it was."""
    talk = Conversation()
    talk.open()
    talk.client_sends(request("GET", "/first", fields=UPGRADE))
    talk.server_sends(response(200, body=b"x"))
    talk.client_sends(request("GET", "/second"))
    talk.server_sends(response(200))
    talk.close()
    assert exchanges_in(talk) == ["GET /first -> 200", "GET /second -> 200"]


def test_an_upgrade_whose_response_never_comes() -> None:
    """The first request is reported once."""
    talk = Talk()
    talk.open()
    talk.client_sends(request("GET", "/first", fields=UPGRADE))
    talk.server_sends(SWITCHING)
    talk.client_sends(PREFACE + settings())
    talk.close()
    assert exchanges_in(talk) == ["GET /first -> nothing"]


def test_after_a_while_the_first_request_of_an_upgrade_is_reported_once() -> None:
    """Its response may take as long as it likes."""
    talk = Talk()
    talk.open()
    talk.client_sends(request("GET", "/first", fields=UPGRADE))
    for _ in range(20):
        talk.clock.wait(2)
        talk.server_acks()
    talk.server_sends(SWITCHING + settings() + talk.answers(1, 200, end=True))
    talk.client_sends(PREFACE + settings())
    turn(talk, 3)
    dissection = Dissection()
    for block in cut_into(talk.packets, 1):
        dissection.feed(block)
    assert dissection.close().told() == ["GET /first -> ?", NEXT]


# anomalies


@pytest.mark.parametrize(
    "wrong",
    [
        frame(8, bytes(5)),
        frame(4, bytes(5)),
        frame(4, bytes(6), stream=1),
        frame(0, b"x"),
        frame(1, b"\x82"),
        frame(0xEE, bytes(20_000)),
        frame(9, b"\x82", stream=1),
        frame(1, b"\xff\x82", flags=0x0C, stream=99),
    ],
    ids=["window", "settings", "settings on a stream", "data", "headers", "unknown", "continuation", "padding"],
)
def test_a_frame_that_no_sender_makes(wrong: bytes) -> None:
    """It is counted; frames are found again behind it, with a table that is not known."""
    talk = Talk().begin()
    turn(talk, 1, "/a")
    talk.client_sends(wrong)
    talk.client_sends(talk.asks(3, "/next"))
    talk.server_sends(talk.answers(3, 200, end=True))
    talk.client_sends(talk.asks(5, "/last"))
    talk.server_sends(talk.answers(5, 200, end=True))
    dissection = heard_messages(talk)
    assert dissection.told()[0] == "POST /a -> 200"
    assert [(e.stream, e.status) for e in dissection.in_order()[-2:]] == [(3, 200), (5, 200)]
    assert dissection.anomalies()["bad-frame"] == 1
    assert set(dissection.anomalies()) <= {"bad-frame", "bad-header-block"}


def test_a_header_block_that_another_frame_interrupts() -> None:
    """What was seen of it is recorded; it can't be judged."""
    talk = Talk().begin()
    block = talk.request_block("/a", 1)
    talk.client_sends(frame(1, block[:10], stream=1) + PINGED)
    talk.server_sends(talk.answers(1, 400, end=True))
    dissection = heard_messages(talk)
    (exchange,) = dissection.exchanges
    assert exchange.unseen == "header-table"
    assert dissection.anomalies() == {"bad-frame": 1}


def test_a_preface_that_is_none() -> None:
    """Behind a good beginning: the flow is searched for frames."""
    talk = Conversation()
    talk.open()
    talk.client_sends(PREFACE)
    talk.client_sends(b"GET / HTTP/1.1\r\n\r\n")
    talk.server_sends(response(400))
    talk.close()
    dissection = dissected(talk.packets)
    assert dissection.exchanges == []
    assert dissection.anomalies()["bad-frame"] >= 1


def test_an_encoder_that_never_adds() -> None:
    """Literals without indexing, never indexed, without Huffman coding."""
    talk = Talk().begin()
    encoder = Encoder()
    fields = [(":method", "PUT", True), (":scheme", "http", True), (":path", "/a", True)]
    fields.append(("traceparent", traceparent(4), True))
    talk.client_sends(header_frames(encoder.encode(fields, huffman=False), 1, end=True))
    talk.server_sends(talk.answers(1, 200, end=True))
    dissection = heard_messages(talk)
    assert dissection.told() == ["PUT /a -> 200"]
    assert traceparents(dissection) == [[traceparent(4).encode()]]
