"""What a connection speaks is decided by its bytes, in the order in which they came."""

from collections import Counter
from collections.abc import Sequence

import pytest
from builders import Conversation, Packet, packet_block, request, response
from http2_frames import Talk, settings

from wiresniff.model.accounting import Accounting
from wiresniff.model.verdicts import Judgement
from wiresniff.pipeline import Pipeline
from wiresniff.protocols.http2.frames import PREFACE
from wiresniff.protocols.recognition import SEGMENTS_TRIED

HELLO = b"\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03"
"""The first bytes of a TLS ClientHello."""
GET = request("GET", "/price")


def audited(packets: Sequence[Packet], at_once: int | None = None) -> tuple[list[Judgement], Accounting]:
    """Audit packets in blocks of so many."""
    pipeline = Pipeline(quarantines=False)
    judgements: list[Judgement] = []
    step = at_once or len(packets)
    for first in range(0, len(packets), step):
        block = packet_block(packets[first : first + step], first_number=first + 1)
        judgements += pipeline.feed(0, block)
    judgements += pipeline.close()
    return judgements, pipeline.audit([]).accounting


def told(talk: Conversation, at_once: int | None = None) -> tuple[list[tuple[bytes | None, int | None]], Counter[str]]:
    """Return target and status of each request, and the opaque bytes by reason."""
    judgements, accounting = audited(talk.packets, at_once)
    return [(each.exchange.target, each.exchange.status) for each in judgements], accounting.opaque_bytes


def opened(*, client_port: int = 40000) -> Conversation:
    """Return a conversation after its handshake."""
    talk = Conversation(client=("10.0.0.1", client_port))
    talk.open()
    return talk


@pytest.fixture(params=[None, 1, 3], ids=["all at once", "packet by packet", "by three"])
def at_once(request: pytest.FixtureRequest) -> int | None:
    """Packets in a block: the answer is the same for any number."""
    size: int | None = request.param
    return size


@pytest.mark.parametrize("server", ["10.0.0.2", "10.0.0.0"], ids=["server sorts last", "server sorts first"])
@pytest.mark.parametrize("reply", [b"HTTP/1.0 2XX OK\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n"])
def test_a_request_is_one_whatever_the_server_says(server: str, reply: bytes, at_once: int | None) -> None:
    """A client that speaks HTTP to something else has sent a request all the same."""
    talk = Conversation(server=(server, 22))
    talk.open()
    talk.client_sends(GET)
    talk.server_sends(reply)
    talk.close()
    assert told(talk, at_once)[0] == [(b"/price", None)]


def test_a_greeting_before_the_request_does_not_hide_it(at_once: int | None) -> None:
    """Servers of other protocols speak first; what the client says decides."""
    talk = opened()
    talk.server_sends(b"220 mail.example ESMTP\r\n")
    talk.client_sends(GET)
    talk.close()
    assert told(talk, at_once) == ([(b"/price", None)], {"resync": 24})


def test_two_flows_that_are_nothing_known(at_once: int | None) -> None:
    """Then all bytes are opaque, those before the answer too."""
    talk = opened()
    talk.server_sends(b"220 mail.example ESMTP\r\n")
    talk.client_sends(b"EHLO me\r\n")
    talk.server_sends(b"250 mail.example\r\n")
    talk.client_sends(GET)
    talk.close()
    sent = talk.client_sent + talk.server_sent - 2  # a FIN counts in each direction
    assert told(talk, at_once) == ([], {"unknown-protocol": sent})


def test_a_hello_that_is_answered_in_http_is_tls(at_once: int | None) -> None:
    """A plain HTTP server answers a TLS client with 400: no request of HTTP was sent."""
    talk = opened()
    talk.client_sends(HELLO)
    talk.server_sends(response(400, reason="Bad Request"))
    talk.close()
    assert list(told(talk, at_once)[1]) == ["tls"]


@pytest.mark.parametrize("mss", [1460, 20, 3, 1])
@pytest.mark.parametrize("server", ["10.0.0.2", "10.0.0.0"], ids=["server sorts last", "server sorts first"])
def test_http2_is_recognised(mss: int, server: str, at_once: int | None) -> None:
    """By the preface that every client begins with, also when the server's SETTINGS come early."""
    talk = Talk(server=(server, 80))
    talk.open()
    talk.server_sends(settings(streams=100), mss)
    talk.client_sends(PREFACE + settings() + talk.asks(1, "/price"), mss)
    talk.server_sends(talk.answers(1, 200, end=True), mss)
    talk.client_acks()
    assert told(talk, at_once) == ([(b"/price", 200)], {})


@pytest.mark.parametrize("mss", [1, 2, 5, 30])
def test_a_request_line_in_pieces(mss: int, at_once: int | None) -> None:
    """The beginning of a flow is kept until it says enough."""
    talk = opened()
    talk.client_sends(request("GET", "/" + "long/" * 60), mss)
    talk.server_sends(response(200))
    talk.close()
    assert told(talk, at_once) == ([(b"/" + b"long/" * 60, 200)], {})


def test_a_request_line_that_is_torn_does_not_hide_the_next_request(at_once: int | None) -> None:
    """What follows the missing bytes is looked at segment by segment."""
    talk = opened()
    talk.client_sends(b"GE")
    talk.client_sends(b"T /lost HTTP/1.1\r\n\r\n", lost=True)
    talk.server_acks()
    talk.clock.wait(1)
    for _ in range(3):
        talk.client_sends(GET)
        talk.server_acks()
    assert told(talk, at_once)[0][-1] == (b"/price", None)


def test_bytes_that_stay_unclear_are_not_kept_without_bound(at_once: int | None) -> None:
    """A torn beginning is dropped when more has come behind it than any request line has bytes."""
    talk = opened()
    talk.client_sends(b"GE")
    talk.client_sends(b"?", lost=True)
    for _ in range(20):
        talk.client_sends(b"\x00" * 1000)
        talk.server_acks()
        talk.clock.wait(0.1)
    talk.client_sends(GET)
    talk.close()
    assert told(talk, at_once) == ([(b"/price", None)], {"resync": 2 + 20_000})


def test_one_silent_side_does_not_keep_the_other_undecided(at_once: int | None) -> None:
    """A capture may hold one direction only; after some segments that are nothing known it is unknown."""
    talk = opened()
    for _ in range(SEGMENTS_TRIED):
        talk.client_sends(b"\x00" * 10)
    talk.client_sends(GET)
    assert told(talk, at_once) == ([], {"unknown-protocol": talk.client_sent})


def test_requests_behind_a_response_that_answers_nothing_known(at_once: int | None) -> None:
    """A request line that is none, an answer in HTTP, then requests that are some."""
    talk = opened()
    talk.client_sends(b"GET HTTP/1.1\r\n\r\n")
    talk.server_sends(response(400, reason="Bad Request"))
    for _ in range(2):
        talk.client_sends(GET)
        talk.server_sends(response(200))
    talk.close()
    assert told(talk, at_once)[0] == [(b"/price", 200), (b"/price", 200)]


@pytest.mark.parametrize("server", ["10.0.0.2", "10.0.0.0"])
def test_where_bytes_do_not_tell_who_asks_the_lower_port_serves(server: str) -> None:
    """Opaque bytes are counted for a pair; its client is the end with the higher port."""
    talk = Conversation(server=(server, 9092))
    talk.open()
    talk.client_sends(b"\x00\x00\x00\x10")
    talk.server_sends(b"\x00\x00\x00\x20")
    talk.close()
    pipeline = Pipeline(quarantines=False)
    pipeline.feed(0, packet_block(talk.packets))
    pipeline.close()
    (pair,) = pipeline.audit([]).pairs
    assert (pair.client, pair.server) == ("10.0.0.1", server)
