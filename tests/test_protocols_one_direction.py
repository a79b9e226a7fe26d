"""A capture that sees one direction of its connections says so, and judges what can be judged."""

import pytest
from builders import Conversation, Packet, request, response, traceparent
from stage_feeding import dissected, heard_messages, reassembled


def talk() -> Conversation:
    """Return a connection with a few requests and answers."""
    talk = Conversation()
    talk.open()
    for number in range(4):
        talk.client_sends(request("GET", f"/{number}", fields=[("traceparent", traceparent(1))]))
        talk.server_sends(response(200, body=b"x" * 3000))
    talk.close()
    return talk


def sent_by(talk: Conversation, end: tuple[str, int]) -> list[Packet]:
    """Return the packets of one side: those with its source port."""
    port = end[1].to_bytes(2, "big")
    return [packet for packet in talk.packets if packet.data[34:36] == port]


def test_answers_alone_are_not_read() -> None:
    """What they answer passes elsewhere: no request is made up, and all bytes are accounted for under that reason."""
    whole = talk()
    heard = heard_messages(sent_by(whole, whole.server))
    assert heard.told() == []
    assert set(heard.opaque()) == {"one-direction"}
    assert heard.parsed_bytes() == 0


def test_requests_alone_are_judged() -> None:
    """Their heads are there; that no answer was seen blames nobody."""
    whole = talk()
    heard = heard_messages(sent_by(whole, whole.client))
    assert heard.told() == [f"GET /{number} -> ?" for number in range(4)]
    assert heard.opaque() == {}


@pytest.mark.parametrize("side", ["client", "server"])
def test_what_passes_elsewhere_is_no_loss(side: str) -> None:
    """No packet of the other direction was seen: its bytes are in no gap, and the capture is not called lossy."""
    whole = talk()
    counts = reassembled(sent_by(whole, getattr(whole, side))).counts()
    assert counts["one_direction_connections"] == 1
    assert counts["one_direction_bytes"] > 0
    assert counts["gap_bytes"] == counts["gaps"] == 0


@pytest.mark.parametrize("seen", [0, 1])
def test_what_is_lost_of_a_direction_that_passes_is_loss(seen: int) -> None:
    """One packet of it without a byte tells that it does, be it the one that opens or a bare acknowledgement."""
    one = Conversation()
    opening = one.open()
    one.client_sends(request("GET", "/"))
    bare = (opening[1], *one.server_acks())[seen]
    one.server_sends(response(200, body=b"x" * 3000))
    one.client_acks()
    one.client_sends(request("GET", "/"))
    mine = [*sent_by(one, one.client), bare]
    counts = reassembled(sorted(mine, key=lambda packet: packet.time_ns)).counts()
    assert counts["one_direction_bytes"] == 0
    assert counts["gap_bytes"] > 3000


def test_a_connection_on_which_one_side_is_silent_is_whole() -> None:
    """Nothing of the silent side is acknowledged, so nothing of it is missing."""
    one = Conversation()
    one.open()
    one.client_sends(request("GET", "/", fields=[("traceparent", traceparent(1))]))
    assert dissected(one.packets).opaque() == {}
