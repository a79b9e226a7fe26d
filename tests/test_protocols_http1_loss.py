"""HTTP/1 where packets are missing: what could not be seen is never reported as absent, and boundaries come back."""

import pytest
from builders import Clock, Conversation, head, request, response, traceparent
from stage_feeding import exchanges_in, heard_messages

GET = request("GET", "/next")
OK = response(200)
NEXT = "GET /next -> 200"
TRACED = [("Traceparent", traceparent(1))]


def opened() -> Conversation:
    """Return a conversation after its handshake."""
    talk = Conversation()
    talk.open()
    return talk


def turn(talk: Conversation, target: str = "/next", status: int = 200, *, pause: float = 0.1) -> None:
    """Ask, answer, acknowledge, and let a gap become due."""
    talk.client_sends(request("GET", target))
    talk.server_sends(response(status))
    talk.client_acks()
    talk.clock.wait(pause)


# a gap in a body


def test_a_gap_in_a_body_of_known_length_costs_nothing() -> None:
    """Both ways: the boundary behind it is where arithmetic says, and everything is certain."""
    talk = opened()
    asked, answered = request("POST", "/", body=b"x" * 6000), response(200, body=b"y" * 6000)
    talk.client_sends(asked[:1460])
    talk.client_sends(asked[1460:4380], lost=True)
    talk.client_sends(asked[4380:])
    talk.server_sends(answered[:1460])
    talk.server_sends(answered[1460:4380], lost=True)
    talk.server_sends(answered[4380:])
    turn(talk)
    assert exchanges_in(talk) == ["POST / -> 200", NEXT]


@pytest.mark.parametrize("lost", [0, 1])
def test_a_gap_that_ends_with_its_body_costs_nothing(lost: int) -> None:
    """The last bytes of the body are missing; the next head begins right behind them."""
    talk = opened()
    talk.client_sends(request("POST", "/", body=b"x" * 100)[:-100])
    talk.client_sends(b"x" * 100, lost=lost == 0)
    talk.server_sends(response(200, body=b"y" * 100)[:-100])
    talk.server_sends(b"y" * 100, lost=lost == 1)
    turn(talk)
    assert exchanges_in(talk) == ["POST / -> 200", NEXT]


def test_a_gap_in_a_chunk_costs_nothing() -> None:
    """Its size was seen: the next chunk begins where arithmetic says."""
    talk = opened()
    talk.client_sends(head("POST / HTTP/1.1", [("Transfer-Encoding", "chunked")]) + b"100\r\n" + b"x" * 100)
    talk.client_sends(b"x" * 156, lost=True)
    talk.client_sends(b"\r\n0\r\n\r\n")
    talk.server_sends(OK)
    turn(talk)
    assert exchanges_in(talk) == ["POST / -> 200", NEXT]


def test_a_gap_over_a_chunk_size_loses_the_boundary() -> None:
    """The next request that follows an answer is certain again."""
    talk = opened()
    talk.client_sends(head("POST / HTTP/1.1", [("Transfer-Encoding", "chunked")]) + b"5\r\nhello")
    talk.client_sends(b"\r\n10\r\n", lost=True)
    talk.client_sends(b"0123456789abcdef\r\n0\r\n\r\n")
    talk.server_sends(OK)
    turn(talk)
    assert exchanges_in(talk) == ["POST / -> 200", NEXT]


def test_a_gap_in_a_body_until_close_costs_nothing() -> None:
    """It ends with the connection all the same."""
    talk = opened()
    talk.client_sends(GET)
    talk.server_sends(head("HTTP/1.1 200 OK", []) + b"some")
    talk.server_sends(b"missing", lost=True)
    talk.server_sends(b"HTTP/1.1 500 still the body\r\n\r\n")
    talk.client_acks()
    talk.close(by_client=False)
    assert exchanges_in(talk) == [NEXT]


# a gap in a head


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_gap_in_a_head_leaves_it_unjudged(part: int) -> None:
    """It is there, with what was seen of it, and nobody says that its traceparent is missing."""
    talk = opened()
    turn(talk, "/1", 201)
    asked = request("POST", "/gap", fields=[("Cookie", "x" * 300), *TRACED], body=b"z" * 50)
    pieces = [asked[:20], asked[20:200], asked[200:]]
    for number, piece in enumerate(pieces):
        talk.client_sends(piece, lost=number == part)
    talk.server_sends(response(202))
    talk.client_acks()
    talk.clock.wait(0.1)
    turn(talk)
    # Of a response to an unknown method nobody knows whether it has a body.
    told = "? ? [gap] -> 202 ..." if part == 0 else "POST /gap [gap] -> 202"
    assert exchanges_in(talk) == ["GET /1 -> 201", told, NEXT]


def test_a_gap_behind_the_request_line_leaves_what_was_seen() -> None:
    """Method, target and the fields that were whole; not one that was torn."""
    talk = opened()
    asked = request("GET", "/gap", fields=[*TRACED, ("Tracestate", "a=1"), ("X", "y")])
    cut = asked.index(b"a=1") + 1
    talk.client_sends(asked[:cut])
    talk.client_sends(asked[cut:], lost=True)
    talk.server_sends(OK)
    talk.clock.wait(0.1)
    turn(talk)
    dissection = heard_messages(talk)
    assert dissection.told() == ["GET /gap [gap] -> 200", NEXT]
    assert dissection.in_order()[0].fields == [(b"traceparent", traceparent(1).encode())]


def test_a_cut_head_is_truncated() -> None:
    """The snap length ends it: that is another reason than loss."""
    talk = opened()
    asked = request("GET", "/cut", fields=[("Cookie", "x" * 300), *TRACED])
    talk.segment(asked, from_client=True, captured=54 + 100)
    talk.client_sent += len(asked)
    talk.server_sends(OK)
    turn(talk)
    assert exchanges_in(talk) == ["GET /cut [truncated] -> 200", NEXT]


def test_heads_that_are_whole_in_cut_packets_are_read() -> None:
    """Only bodies are cut: nothing is lost."""
    talk = opened()
    for number in range(3):
        asked = request("POST", f"/{number}", fields=TRACED, body=b"x" * 1000)
        talk.segment(asked, from_client=True, captured=54 + 200)
        talk.client_sent += len(asked)
        answered = response(200 + number, body=b"y" * 1000)
        talk.segment(answered, from_client=False, captured=54 + 200)
        talk.server_sent += len(answered)
    assert exchanges_in(talk) == [f"POST /{number} -> {200 + number}" for number in range(3)]


@pytest.mark.parametrize("closed", [False, True])
def test_a_head_at_the_end_of_the_capture_is_truncated(*, closed: bool) -> None:
    """The capture ends within it. A client that closes within a head has sent no request."""
    talk = opened()
    turn(talk)
    talk.client_sends(request("GET", "/half")[:-10])
    if closed:
        talk.close()
    assert exchanges_in(talk) == ([NEXT] if closed else [NEXT, "GET /half [truncated] -> ?"])


# lost requests, lost responses


def test_a_response_to_a_lost_request_is_not_the_next_ones() -> None:
    """By what each acknowledges, not by its place: a lost request takes its response with it."""
    talk = opened()
    turn(talk, "/1", 201)
    talk.client_sends(request("GET", "/lost"), lost=True)
    talk.server_sends(response(202))
    talk.client_acks()
    talk.clock.wait(0.1)
    turn(talk, "/3", 203)
    turn(talk, "/4", 204)
    told = exchanges_in(talk)
    assert told == ["GET /1 -> 201", "GET /3 -> 203", "GET /4 -> 204"]


def test_a_request_whose_response_is_lost_has_none() -> None:
    """And the next response is the next request's."""
    talk = opened()
    turn(talk, "/1", 201)
    talk.client_sends(request("GET", "/2"))
    talk.server_sends(response(202), lost=True)
    talk.client_acks()
    talk.clock.wait(0.1)
    turn(talk, "/3", 203)
    turn(talk, "/4", 204)
    assert exchanges_in(talk) == ["GET /1 -> 201", "GET /2 -> ?", "GET /3 -> 203", "GET /4 -> 204"]


@pytest.mark.parametrize("lost", [{1}, {2}, {1, 2}, {1, 3}, {3, 4}, {2, 5}, {1, 2, 3, 4}, {7}, {6, 7}, {8, 9}])
def test_no_loss_shifts_a_response_to_another_request(lost: set[int]) -> None:
    """Of eight requests and eight responses some are lost whole: those that are told are told right."""
    talk = opened()
    for number in range(8):
        talk.client_sends(request("GET", f"/{number}"), lost=2 * number in lost)
        talk.server_sends(response(200 + number), lost=2 * number + 1 in lost)
        talk.client_acks()
        talk.clock.wait(0.1)
    expected = []
    for number in range(8):
        answer = "?" if 2 * number + 1 in lost else 200 + number
        # Behind a lost request and its lost response nothing shows that a head is one.
        unsure = " [resync]" if {2 * number - 2, 2 * number - 1} <= lost else ""
        if 2 * number not in lost:
            expected.append(f"GET /{number}{unsure} -> {answer}")
    assert exchanges_in(talk) == expected


def test_a_lost_answer_is_no_unanswered_request() -> None:
    """The connection ends; that nothing was answered can't be said."""
    talk = opened()
    talk.client_sends(GET)
    talk.server_sends(OK, lost=True)
    talk.close()
    talk.clock.wait(0.1)
    talk.server_acks()
    assert exchanges_in(talk) == ["GET /next -> ?"]


def test_the_end_of_a_response_head_is_lost() -> None:
    """Its status was seen. How long its body is was not."""
    talk = opened()
    talk.client_sends(GET)
    answered = response(500, fields=[("X", "y" * 200)])
    talk.server_sends(answered[:100])
    talk.server_sends(answered[100:], lost=True)
    talk.client_acks()
    talk.clock.wait(0.1)
    turn(talk, "/2", 202)
    assert exchanges_in(talk) == ["GET /next -> 500 ...", "GET /2 -> 202"]


def test_texts_in_bodies_are_no_messages_behind_a_gap() -> None:
    """A body goes on behind lost bytes and looks like requests: recorded as unsure, never as missing or answered."""
    talk = opened()
    turn(talk)
    body = request("GET", "/body")
    talk.client_sends(head("POST / HTTP/1.1", [("Content-Length", str(5 * len(body)))]), lost=True)
    for _ in range(5):
        talk.client_sends(body)
    talk.server_sends(OK)
    talk.client_acks()
    talk.clock.wait(0.1)
    turn(talk, "/behind")
    turn(talk)
    told = exchanges_in(talk)
    assert told[0] == told[-1] == NEXT
    assert told[-2] in ("GET /behind -> 200", "GET /behind -> ?")
    del told[-2]
    assert all("[resync]" in each or "[gap]" in each for each in told[1:-1])


# joined late


def test_joined_between_two_exchanges() -> None:
    """The first request is unsure: nothing shows that it is one. From its answer on all is certain."""
    talk = Conversation()
    for number in range(3):
        turn(talk, f"/{number}", 200 + number)
    assert exchanges_in(talk) == ["GET /0 [resync] -> 200", "GET /1 -> 201", "GET /2 -> 202"]


def test_joined_within_a_request() -> None:
    """Its rest is unread, its answer answers nothing that is known."""
    talk = Conversation()
    asked = request("POST", "/0", body=b"x" * 3000)
    talk.client_sends(asked[:1460], lost=True)
    talk.client_sends(asked[1460:])
    talk.server_sends(OK)
    turn(talk)
    told = exchanges_in(talk)
    assert told[-1] == NEXT
    assert all("[gap]" in each or "[resync]" in each for each in told[:-1])


def test_joined_within_a_response() -> None:
    """Its rest is unread; the request that follows it is certain, as it follows what was said."""
    talk = Conversation()
    talk.client_sends(request("GET", "/0"), lost=True)
    answered = response(200, body=b"y" * 5000)
    talk.server_sends(answered[:1460], lost=True)
    talk.server_sends(answered[1460:])
    talk.client_acks()
    for number in range(1, 4):
        turn(talk, f"/{number}", 200 + number)
    told = exchanges_in(talk)
    assert told[-2:] == ["GET /2 -> 202", "GET /3 -> 203"]
    assert len(told) == 3


def test_joined_between_a_request_and_its_response() -> None:
    """The response comes first; its request is not known, so nothing is said of it."""
    talk = Conversation()
    talk.client_sends(request("HEAD", "/0"), lost=True)
    talk.server_sends(head("HTTP/1.1 200 OK", [("Content-Length", "1000")]))
    talk.client_acks()
    for number in range(1, 4):
        turn(talk, f"/{number}", 200 + number)
    told = exchanges_in(talk)
    assert told[-2:] == ["GET /2 -> 202", "GET /3 -> 203"]
    assert len(told) == 3


def test_joined_late_bodies_that_look_like_requests_accuse_nobody() -> None:
    """An upload is under way: every segment of it begins like a request."""
    talk = Conversation()
    for _ in range(5):
        talk.client_sends(request("GET", "/body", fields=[("X", "y" * 100)]))
        talk.server_acks()
    talk.server_sends(OK)
    turn(talk, "/behind")
    turn(talk)
    told = exchanges_in(talk)
    assert told[-1] == NEXT
    assert told[-2] in ("GET /behind -> 200", "GET /behind -> ?")
    assert all("[resync]" in each for each in told[:-2])


# one direction


def test_requests_alone() -> None:
    """Only one direction passes the mirror port: requests are read, answers are unknown."""
    talk = opened()
    for number in range(4):
        turn(talk, f"/{number}")
    port = talk.client[1].to_bytes(2, "big")
    only_client = [packet for packet in talk.packets if packet.data[34:36] == port]
    told = exchanges_in(only_client)
    assert len(told) == 4
    assert all(each.startswith(f"GET /{number}") and each.endswith("-> ?") for number, each in enumerate(told))


def test_responses_alone() -> None:
    """Nothing can be said of requests that nobody saw."""
    talk = opened()
    for number in range(4):
        turn(talk, f"/{number}")
    port = talk.server[1].to_bytes(2, "big")
    only_server = [packet for packet in talk.packets if packet.data[34:36] == port]
    assert exchanges_in(only_server) == []


def test_a_loss_in_one_connection_is_none_in_another() -> None:
    """Side by side, one of them lossy."""
    clock = Clock()
    lossy, whole = Conversation(clock=clock), Conversation(client=("10.0.0.3", 40000), clock=clock)
    for talk in (lossy, whole):
        talk.open()
    lossy.client_sends(GET[:10], lost=True)
    for talk in (lossy, whole):
        turn(talk)
    told = exchanges_in(sorted(lossy.packets + whole.packets, key=lambda packet: packet.time_ns))
    assert NEXT in told


# what outlives a block


def test_what_waited_for_a_lost_answer_begins_no_segment() -> None:
    """Bytes behind a CONNECT, in its segment, are read once its answer is known to be lost: not as a head."""
    talk = opened()
    talk.client_sends(b"CONNECT db:443 HTTP/1.1\r\n\r\n" + request("GET", "/never"))
    talk.server_sends(b"HTTP/1.1 200 x\r\n\r\n", lost=True)
    talk.client_acks()
    talk.clock.wait(0.1)
    talk.server_sends(b"tunnelled")
    talk.close()
    assert exchanges_in(talk) == ["CONNECT db:443 -> ?"]


def test_a_head_is_certain_however_much_came_with_what_was_not_understood() -> None:
    """What the server had received when it answered is known of each of its segments, not just of the last."""
    talk = opened()
    turn(talk)
    talk.client_sends(b"what is this\r\n\r\n")
    for number in range(3):
        talk.server_sends(response(400))
        talk.client_sends(request("GET", f"/{number}"))
        talk.server_sends(response(200))
    assert exchanges_in(talk) == [NEXT, "GET /0 -> 200", "GET /1 -> 200", "GET /2 -> 200"]


def test_bytes_are_counted_for_who_was_asked_last() -> None:
    """Also where what came behind it in the same block could not be judged."""
    talk = opened()
    turn(talk)
    talk.client_sends(request("GET", "/other", host="other.example"))
    talk.server_sends(response(200))
    talk.client_sends(b"what is this\r\n\r\n")
    talk.client_sends(request("GET", "/last", host="never.example"))
    heard = heard_messages(talk)
    assert heard.told() == [NEXT, "GET /other -> 200", "GET /last [resync] -> ?"]
    assert {account.name for account in heard.traffic} == {"other.example"}
