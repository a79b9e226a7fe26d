"""A capture that sees one direction of its connections says so, and judges what can be judged."""

from builders import Conversation, Packet, request, response, traceparent
from stage_feeding import dissected, heard_messages


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


def test_a_connection_on_which_one_side_is_silent_is_whole() -> None:
    """Nothing of the silent side is acknowledged, so nothing of it is missing."""
    one = Conversation()
    one.open()
    one.client_sends(request("GET", "/", fields=[("traceparent", traceparent(1))]))
    assert dissected(one.packets).opaque() == {}
