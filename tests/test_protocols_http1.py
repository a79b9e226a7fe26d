"""HTTP/1 as it is spoken when nothing is lost: framing, pairing, and what is odd but legal."""

import pytest
from builders import ACK, FIN, Clock, Conversation, head, merge, request, response, traceparent
from stage_feeding import Dissection, cut_into, dissected, exchanges_in, heard_messages

GET = request("GET", "/next")
OK = response(200)
NEXT = "GET /next -> 200"
"""What is told of these two: that boundaries were kept until here."""


def opened() -> Conversation:
    """Return a conversation after its handshake."""
    talk = Conversation()
    talk.open()
    return talk


def after(asked: bytes, answered: bytes, mss: int = 1460) -> list[str]:
    """Ask and answer, and once more: what is told of the first, if boundaries were kept."""
    talk = opened()
    for client, server in ((asked, answered), (GET, OK)):
        talk.client_sends(client, mss)
        talk.server_sends(server, mss)
        talk.client_acks()
    told = exchanges_in(talk)
    assert told[-1] == NEXT
    return told[:-1]


def test_a_request_and_its_response() -> None:
    """Everything that the audit reads of them."""
    talk = opened()
    fields = [("User-Agent", "curl/8"), ("Traceparent", f"  {traceparent(1)}\t"), ("Cookie", "secret")]
    asked = talk.client_sends(request("GET", "/price?id=7", host="pricing", fields=fields))
    (first, last) = talk.server_sends(response(200, body=b"x" * 2000))
    talk.close()
    (exchange,) = heard_messages(talk).exchanges
    assert (exchange.client, exchange.server) == (talk.client, talk.server)
    assert (exchange.protocol, exchange.version) == ("http/1", "1.1")
    assert (exchange.method, exchange.target, exchange.authority) == (b"GET", b"/price?id=7", b"pricing")
    assert exchange.user_agent == b"curl/8"
    assert exchange.fields == [(b"traceparent", traceparent(1).encode())]
    assert (exchange.unseen, exchange.status, exchange.complete) == (None, 200, True)
    assert exchange.time_ns == asked[0].time_ns
    assert (exchange.response_time_ns, exchange.end_time_ns) == (first.time_ns, last.time_ns)
    assert (exchange.packet, exchange.sequence) == (4, 1001)


def test_every_field_that_is_kept_is_kept_in_order() -> None:
    """Also where it is there twice, empty, or between others; in lower case."""
    talk = opened()
    values = [("TraceParent", "b"), ("X", "y"), ("traceparent", ""), ("TRACEPARENT", "a\xff b")]
    talk.client_sends(request("GET", "/", fields=values))
    (exchange,) = heard_messages(talk).exchanges
    assert exchange.fields == [(b"traceparent", b"b"), (b"traceparent", b""), (b"traceparent", b"a\xff b")]


def test_one_connection_carries_one_after_the_other() -> None:
    """Keep-alive: HTTP/1.1 goes on until somebody closes."""
    talk = opened()
    for number in range(5):
        talk.client_sends(request("GET", f"/{number}"))
        talk.server_sends(response(200 + number))
    talk.close()
    assert exchanges_in(talk) == [f"GET /{number} -> {200 + number}" for number in range(5)]


def test_either_side_may_be_the_one_that_sorts_first() -> None:
    """Who asks is the client, whatever the ports and addresses."""
    talk = Conversation(client=("10.0.0.9", 80), server=("10.0.0.1", 40000))
    talk.open()
    talk.client_sends(GET)
    talk.server_sends(OK)
    told = heard_messages(talk)
    assert told.told() == [NEXT]
    assert told.exchanges[0].client == talk.client


@pytest.mark.parametrize("mss", [1460, 1000, 7])
def test_pipelined_requests_are_answered_in_order(mss: int) -> None:
    """All questions first, then all answers (RFC 9112 9.3.2)."""
    talk = opened()
    talk.client_sends(b"".join(request("POST", f"/{number}", body=b"x" * number) for number in range(9)), mss)
    talk.server_sends(b"".join(response(240 + number, body=b"y" * number) for number in range(9)), mss)
    assert exchanges_in(talk) == [f"POST /{number} -> {240 + number}" for number in range(9)]


def test_pipelining_and_waiting_may_alternate() -> None:
    """Some are answered before the next is asked."""
    talk = opened()
    talk.client_sends(request("GET", "/1") + request("GET", "/2"))
    talk.server_sends(response(201))
    talk.client_sends(request("GET", "/3"))
    talk.server_sends(response(202) + response(203))
    assert exchanges_in(talk) == ["GET /1 -> 201", "GET /2 -> 202", "GET /3 -> 203"]


def test_http10_ends_with_the_connection() -> None:
    """No length: the body lasts until the server closes."""
    talk = opened()
    talk.client_sends(b"GET /old HTTP/1.0\r\n\r\n")
    talk.server_sends(b"HTTP/1.0 200 OK\r\n\r\nHTTP/1.1 500 this is a body\r\n\r\n")
    talk.close(by_client=False)
    dissection = heard_messages(talk)
    assert dissection.told() == ["GET /old -> 200"]
    assert dissection.exchanges[0].version == "1.0"
    assert dissection.exchanges[0].end_time_ns == talk.packets[-3].time_ns


def test_http10_may_be_kept_alive() -> None:
    """With a length the next request follows."""
    asked = b"GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    assert after(asked, b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab") == ["GET /old -> 200"]


def test_a_body_that_the_end_of_the_capture_cuts_is_not_complete() -> None:
    """The server went on, as far as is known."""
    talk = opened()
    talk.client_sends(GET)
    talk.server_sends(b"HTTP/1.1 200 OK\r\n\r\nendless")
    assert exchanges_in(talk) == ["GET /next -> 200 ..."]


@pytest.mark.parametrize("mss", [1460, 13, 1])
@pytest.mark.parametrize(
    "body",
    [
        b"5\r\nhello\r\n0\r\n\r\n",
        b'5;name=value\r\nhello\r\n00A ; x="y"\r\n0123456789\r\n0\r\n\r\n',
        b"1\r\na\r\n0;last\r\nX-Checksum: 1\r\ntraceparent: 00-trailer\r\n\r\n",
        b"9\r\n\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n",
        b"FfF\r\n" + b"x" * 0xFFF + b"\r\n0\r\n\r\n",
        b"3\nabc\n0\n\n",
        b"0\r\n\r\n",
    ],
)
def test_chunked_bodies_are_skipped_chunk_by_chunk(body: bytes, mss: int) -> None:
    """Sizes, extensions, trailers, chunks that look like the end of one (RFC 9112 7.1); either way."""
    fields = [("Transfer-Encoding", "chunked")]
    asked = head("POST /upload HTTP/1.1", fields) + body
    answered = head("HTTP/1.1 200 OK", [("Transfer-Encoding", "gzip, Chunked")]) + body
    assert after(asked, answered, mss) == ["POST /upload -> 200"]


def test_a_broken_chunk_loses_the_boundaries_until_they_are_found_again() -> None:
    """What follows is unread; the next request that answers what was said begins a message."""
    talk = opened()
    talk.client_sends(head("POST /upload HTTP/1.1", [("Transfer-Encoding", "chunked")]) + b"xyz\r\nabc\r\n")
    talk.server_sends(response(400))
    talk.client_sends(GET)
    talk.server_sends(OK)
    dissection = heard_messages(talk)
    assert dissection.told() == ["POST /upload -> 400", NEXT]
    assert dissection.anomalies()["bad-chunk"] == 1


@pytest.mark.parametrize("interim", [100, 102, 103, 104])
def test_interim_responses_are_no_answers(interim: int) -> None:
    """100, 103 and the like come before the answer (RFC 9110 15.2), as many as there are."""
    before = head(f"HTTP/1.1 {interim} x", [("Link", "</style.css>")]) * 3
    asked = request("POST", "/", fields=[("Expect", "100-continue")], body=b"GET / HTTP/1.1\r\n\r\n")
    assert after(asked, before + response(201)) == ["POST / -> 201"]


def test_a_body_that_waits_for_continue() -> None:
    """Head, 100, body, answer."""
    talk = opened()
    asked = request("POST", "/", fields=[("Expect", "100-continue")], body=b"12345")
    talk.client_sends(asked[:-5])
    talk.server_sends(head("HTTP/1.1 100 Continue", []))
    talk.client_sends(asked[-5:])
    talk.server_sends(response(201))
    talk.client_sends(GET)
    talk.server_sends(OK)
    assert exchanges_in(talk) == ["POST / -> 201", NEXT]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (request("HEAD", "/"), head("HTTP/1.1 200 OK", [("Content-Length", "1000")])),
        (request("HEAD", "/"), head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")])),
        (request("HEAD", "/"), head("HTTP/1.1 200 OK", [])),
        (request("GET", "/"), head("HTTP/1.1 204 No Content", [])),
        (request("GET", "/"), head("HTTP/1.1 304 Not Modified", [("Content-Length", "1000")])),
        (request("GET", "/"), head("HTTP/1.1 304", [])),
        (request("GET", "/"), b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"),
    ],
)
def test_some_responses_have_no_body_whatever_they_say(asked: bytes, answered: bytes) -> None:
    """RFC 9112 6.3 items 1: HEAD, 204, 304; the fields speak of another response."""
    method, status = asked.split(b" ")[0].decode(), answered[9:12].decode()
    assert after(asked, answered) == [f"{method} / -> {status}"]


@pytest.mark.parametrize("order", ["asked first", "answer first"])
def test_connect_opens_a_tunnel(order: str) -> None:
    """What passes through it is no HTTP, whatever it looks like."""
    talk = opened()
    talk.client_sends(b"CONNECT db.example:443 HTTP/1.1\r\nHost: db.example:443\r\n\r\n")
    talk.server_sends(b"HTTP/1.1 200 Connection established\r\n\r\n")
    if order == "asked first":
        talk.client_sends(GET)
        talk.server_sends(OK)
    else:
        talk.server_sends(OK)
        talk.client_sends(GET)
    talk.close()
    dissection = heard_messages(talk)
    assert dissection.told() == ["CONNECT db.example:443 -> 200"]
    assert dissection.opaque() == {"tunnel": len(GET) + len(OK)}


def test_an_accepted_upgrade_ends_http() -> None:
    """101: a WebSocket from here on, in both directions."""
    talk = opened()
    talk.client_sends(request("GET", "/chat", fields=[("Connection", "Upgrade"), ("Upgrade", "websocket")]))
    talk.server_sends(head("HTTP/1.1 101 Switching Protocols", [("Upgrade", "websocket")]) + b"\x81\x05hello")
    talk.client_sends(GET)
    talk.server_sends(OK)
    dissection = heard_messages(talk)
    assert dissection.told() == ["GET /chat -> 101"]
    assert dissection.opaque() == {"upgrade": 7 + len(GET) + len(OK)}


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (request("GET", "/chat", fields=[("Upgrade", "websocket")]), response(200, body=b"no")),
        (request("POST", "/chat", fields=[("Upgrade", "h2c")], body=b"data"), response(426)),
        (b"CONNECT a:1 HTTP/1.1\r\n\r\n", response(403, body=b"not you")),
        (b"CONNECT a:1 HTTP/1.1\r\n\r\n", head("HTTP/1.1 407 Who?", [("Content-Length", "2")]) + b"ab"),
    ],
)
def test_a_refused_change_changes_nothing(asked: bytes, answered: bytes) -> None:
    """HTTP goes on; also where the client did not wait for the answer."""
    method, target = (part.decode() for part in asked.split(b" ")[:2])
    status = answered[9:12].decode()
    assert after(asked, answered) == [f"{method} {target} -> {status}"]
    talk = opened()
    talk.client_sends(asked + GET)
    talk.server_sends(answered + OK)
    assert exchanges_in(talk) == [f"{method} {target} -> {status}", NEXT]


@pytest.mark.parametrize(
    "line",
    [
        "GET http://shop.example/a?b=c HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "PROPFIND /dav HTTP/1.1",
        "M-SEARCH * HTTP/1.1",
        "GET /%00/\xe4{}|\\^` HTTP/1.1",
        "G!#$%&'*+-.^_`|~9 / HTTP/1.1",
        "GET / HTTP/1.0",
        "GET / HTTP/1.9",
        "get /lower HTTP/1.1",
    ],
)
def test_request_lines_of_any_legal_form(line: str) -> None:
    """RFC 9112 3.2: origin-form, absolute-form, asterisk-form; any token is a method."""
    method, target, _ = line.split(" ")
    assert after(head(line, [("Host", "a")]), OK) == [f"{method} {target} -> 200"]


@pytest.mark.parametrize("mss", [1460, 11, 1])
def test_a_folded_field_is_one_value(mss: int) -> None:
    """obs-fold, RFC 9112 5.2: the line end and the blanks become one blank."""
    talk = opened()
    talk.client_sends(b"GET /next HTTP/1.1\r\nTraceparent: 00-a\r\n \t -b\r\nHost:\r\n a\r\n\r\n", mss)
    talk.server_sends(head("HTTP/1.1 200 OK", [("Content-Length", "\r\n 0")]), mss)
    dissection = heard_messages(talk)
    assert dissection.told() == [NEXT]
    assert dissection.exchanges[0].fields == [(b"traceparent", b"00-a -b")]
    assert dissection.exchanges[0].authority == b"a"
    assert dissection.anomalies() == {"obs-fold": 2}


@pytest.mark.parametrize("mss", [1460, 11, 1])
@pytest.mark.parametrize("mixed", [False, True])
def test_lines_may_end_in_lf_alone(mss: int, *, mixed: bool) -> None:
    """RFC 9112 2.2; some senders mix."""
    end = b"\r\n" if mixed else b"\n"
    asked = b"POST / HTTP/1.1\nTraceparent: 00-a" + end + b"Content-Length: 3\n" + end + b"\n\nx"
    answered = b"HTTP/1.1 200 OK\nContent-Length: 4" + end + b"\n\n\n\n\n"
    talk = opened()
    talk.client_sends(asked + GET, mss)
    talk.server_sends(answered + OK, mss)
    dissection = heard_messages(talk)
    assert dissection.told() == ["POST / -> 200", NEXT]
    assert dissection.in_order()[0].fields == [(b"traceparent", b"00-a")]
    assert dissection.anomalies() == {"bare-lf": 2}


@pytest.mark.parametrize("mss", [1460, 1])
def test_empty_lines_between_requests_mean_nothing(mss: int) -> None:
    """RFC 9112 2.2: some clients send one after a body."""
    body = b"\r\n" + request("POST", "/", body=b"abc") + b"\r\n\n"
    assert after(body, response(200) + b"\r\n", mss) == ["POST / -> 200"]


@pytest.mark.parametrize(
    ("fields", "body", "conflicts"),
    [
        ([("Content-Length", "3"), ("Content-Length", "3")], b"abc", 0),
        ([("Content-Length", "3, 3")], b"abc", 0),
        ([("Content-Length", "3"), ("Transfer-Encoding", "chunked")], b"0\r\n\r\n", 1),
        ([("Transfer-Encoding", "chunked"), ("Content-Length", "300")], b"2\r\nab\r\n0\r\n\r\n", 1),
    ],
)
def test_lengths_that_agree_and_lengths_that_do_not_count(
    fields: list[tuple[str, str]], body: bytes, conflicts: int
) -> None:
    """RFC 9112 6.3: equal ones are one; Transfer-Encoding overrides, and that is odd enough to be counted."""
    talk = opened()
    talk.client_sends(head("POST / HTTP/1.1", fields) + body + GET)
    talk.server_sends(head("HTTP/1.1 200 OK", fields) + body + OK)
    dissection = heard_messages(talk)
    assert dissection.told() == ["POST / -> 200", NEXT]
    assert dissection.anomalies()["conflicting-lengths"] == 2 * conflicts


@pytest.mark.parametrize("fields", [[("Content-Length", "3"), ("Content-Length", "4")], [("Content-Length", "3, 4")]])
def test_lengths_that_conflict_leave_the_boundary_unknown(fields: list[tuple[str, str]]) -> None:
    """Nobody knows where the body ends: what follows is not believed until the two sides show it."""
    talk = opened()
    talk.client_sends(head("POST / HTTP/1.1", fields) + b"abc" + GET)
    talk.server_sends(response(400))
    talk.client_sends(request("GET", "/found"))
    talk.server_sends(OK)
    dissection = heard_messages(talk)
    assert dissection.told() == ["POST / -> 400", "GET /found -> 200"]
    assert dissection.anomalies()["conflicting-lengths"] == 1


@pytest.mark.parametrize("length", ["-1", "+3", "0x3", "3 3", "three", "", "9" * 19])
def test_a_length_that_is_none_leaves_the_boundary_unknown(length: str) -> None:
    """Not even where a lenient reader would find a number."""
    talk = opened()
    talk.client_sends(head("POST / HTTP/1.1", [("Content-Length", length)]) + GET)
    talk.server_sends(response(400))
    assert exchanges_in(talk) == ["POST / -> 400"]


@pytest.mark.parametrize("mss", [1460, 7, 1])
def test_bodies_that_look_like_messages_count_for_nothing(mss: int) -> None:
    """Requests in bodies of requests, responses in bodies of responses, each at the beginning of a segment too."""
    talk = opened()
    body = request("GET", "/body", fields=[("Traceparent", traceparent(6))]) * 3
    chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    talk.client_sends(request("POST", "/1", body=body)[: -len(body)])
    talk.client_sends(body, mss)
    talk.server_sends(response(201, body=OK * 3)[: -3 * len(OK)])
    talk.server_sends(OK * 3, mss)
    talk.client_sends(head("POST /2 HTTP/1.1", [("Transfer-Encoding", "chunked")]))
    talk.client_sends(chunk, mss)
    talk.server_sends(head("HTTP/1.1 202 OK", [("Transfer-Encoding", "chunked")]))
    talk.server_sends(b"%x\r\n" % len(OK))
    talk.server_sends(OK + b"\r\n0\r\n\r\n", mss)
    talk.close()
    assert exchanges_in(talk) == ["POST /1 -> 201", "POST /2 -> 202"]


@pytest.mark.parametrize("mss", [1460, 100, 3, 2, 1])
def test_heads_come_in_pieces(mss: int) -> None:
    """The time of a head is that of its last byte, its packet the one with its first."""
    talk = opened()
    asked = talk.client_sends(request("GET", "/next", fields=[("Cookie", "x" * 50), ("Traceparent", "v")]), mss)
    answered = talk.server_sends(response(200, body=b"yz"), mss)
    dissection = heard_messages(talk)
    assert dissection.told() == [NEXT]
    (exchange,) = dissection.exchanges
    assert exchange.fields == [(b"traceparent", b"v")]
    assert (exchange.packet, exchange.time_ns) == (4, asked[-1].time_ns)
    assert exchange.end_time_ns == answered[-1].time_ns


def test_a_response_may_come_before_its_whole_request() -> None:
    """413: the server has seen enough. The rest of the body is skipped all the same."""
    talk = opened()
    asked = request("POST", "/upload", body=b"x" * 3000)
    talk.client_sends(asked[:1000])
    talk.server_sends(response(413))
    talk.client_sends(asked[1000:])
    talk.client_sends(GET)
    talk.server_sends(OK)
    assert exchanges_in(talk) == ["POST /upload -> 413", NEXT]


def test_a_response_may_come_before_its_request_is_captured() -> None:
    """Captures are disordered by microseconds: the answer is in the file first."""
    talk = opened()
    (asked,) = talk.client_sends(request("HEAD", "/"))
    (answered,) = talk.server_sends(head("HTTP/1.1 200 OK", [("Content-Length", "9")]))
    talk.client_sends(GET)
    talk.server_sends(OK)
    packets = [*talk.packets[:3], answered, asked, *talk.packets[5:]]
    assert sorted(dissected(packets).told()) == sorted(dissected(packets, 1).told()) == [NEXT, "HEAD / -> 200"]


@pytest.mark.parametrize("ending", ["fin", "reset", "capture", "half"])
def test_a_request_without_a_response(ending: str) -> None:
    """Unanswered when the connection ended and all that the server said was seen; else nobody knows."""
    talk = opened()
    talk.client_sends(request("GET", "/1"))
    talk.server_sends(response(201))
    talk.client_sends(request("GET", "/2") + request("GET", "/3"))
    if ending == "fin":
        talk.close(by_client=False)
    elif ending == "reset":
        talk.reset(by_client=False)
    elif ending == "half":
        talk.segment(from_client=True, flags=FIN | ACK)
    answer = "nothing" if ending in ("fin", "reset") else "?"
    assert exchanges_in(talk) == ["GET /1 -> 201", f"GET /2 -> {answer}", f"GET /3 -> {answer}"]


def test_a_response_that_is_broken_off_is_not_complete() -> None:
    """The server closes within its body."""
    talk = opened()
    talk.client_sends(GET)
    talk.server_sends(response(200, body=b"x" * 100)[:-50])
    talk.close(by_client=False)
    assert exchanges_in(talk) == ["GET /next -> 200 ..."]


def test_a_client_may_close_its_half_and_listen() -> None:
    """The answer comes after the FIN."""
    talk = opened()
    talk.client_sends(GET)
    talk.segment(from_client=True, flags=FIN | ACK)
    talk.client_sent += 1
    talk.server_sends(response(200, body=b"x" * 5000))
    talk.segment(from_client=False, flags=FIN | ACK)
    assert exchanges_in(talk) == [NEXT]


def test_requests_lose_their_boundaries_at_what_is_no_request() -> None:
    """Garbage where a head must be: counted, and the next request that follows an answer is one."""
    talk = opened()
    talk.client_sends(request("GET", "/1"))
    talk.server_sends(response(201))
    talk.client_sends(b"this is no request line\r\nat all\r\n\r\n")
    talk.server_sends(response(400))
    talk.client_sends(GET)
    talk.server_sends(OK)
    dissection = heard_messages(talk)
    assert dissection.told()[0] == "GET /1 -> 201"
    assert dissection.told()[-1] == NEXT
    assert dissection.anomalies()["bad-start-line"] == 1


@pytest.mark.parametrize("line", [b"no colon", b" : blank name", b"a b: c", b"traceparent : 00-a", b": empty"])
def test_bad_field_lines_are_skipped_and_counted(line: bytes) -> None:
    """A blank before the colon makes another name of it (RFC 9112 5.1): it is not the field."""
    talk = opened()
    talk.client_sends(b"GET /next HTTP/1.1\r\nHost: a\r\n" + line + b"\r\nTraceparent: 00-b\r\n\r\n")
    talk.server_sends(OK)
    dissection = heard_messages(talk)
    assert dissection.told() == [NEXT]
    if line[:1] != b" ":
        assert dissection.exchanges[0].fields == [(b"traceparent", b"00-b")]
        assert set(dissection.anomalies()) == {"bad-field-line"}
    else:
        assert dissection.anomalies() == {"obs-fold": 1}


def test_a_response_to_nothing_is_counted() -> None:
    """A server that says 408 to a silent client."""
    talk = opened()
    talk.client_sends(request("GET", "/1"))
    talk.server_sends(response(201) + response(408))
    talk.close(by_client=False)
    dissection = heard_messages(talk)
    assert dissection.told() == ["GET /1 -> 201"]
    assert dissection.anomalies() == {"response-without-request": 1}


def test_connections_are_read_apart() -> None:
    """A hundred at once, in each a request of its own."""
    clock = Clock()
    talks = [Conversation(client=("10.0.0.1", 40000 + number), clock=clock) for number in range(100)]
    for talk in talks:
        talk.open()
    for talk in talks:
        talk.client_sends(request("GET", f"/{talk.client[1]}"), mss=20)
    for talk in reversed(talks):
        talk.server_sends(response(200), mss=20)
    told = exchanges_in(merge(*talks))
    assert told == [f"GET /{talk.client[1]} -> 200" for talk in talks]


def test_an_exchange_is_told_after_so_long_even_without_its_end() -> None:
    """30 s after its head: what is known then. What comes later is not of it any more, and boundaries are kept."""
    for sizes in (None, 1):
        talk = opened()
        talk.client_sends(request("GET", "/slow"))
        talk.clock.wait(29)
        talk.server_sends(response(200, body=b"abc")[:-3])
        talk.clock.wait(2)
        talk.server_sends(b"abc")
        talk.client_sends(request("GET", "/never"))
        talk.clock.wait(31)
        talk.server_sends(OK)
        talk.client_sends(GET)
        talk.server_sends(OK)
        told = dissected(talk.packets, sizes).told()
        assert told == ["GET /slow -> 200 ...", "GET /never -> ?", NEXT]


def test_expiry_needs_no_packet() -> None:
    """Time passes without any; the request is told, and not again at the end."""
    talk = opened()
    (asked,) = talk.client_sends(GET)
    waiting = Dissection()
    for block in cut_into(talk.packets, None):
        waiting.feed(block)
    waiting.wait_until(asked.time_ns + 30 * 10**9)
    assert waiting.told() == []
    waiting.wait_until(asked.time_ns + 32 * 10**9)
    assert waiting.told() == ["GET /next -> ?"]
    assert waiting.close().told() == ["GET /next -> ?"]
