"""Well-formed conversations, read by h11 and by us: the same methods, targets, fields and statuses."""

from typing import NamedTuple

from builders import Conversation
from hypothesis import given
from hypothesis import strategies as st
from oracles import http1 as oracle
from stage_feeding import dissected, facts
from strategies.messages import requests, responses


class Saying(NamedTuple):
    """What one side says at once, in segments of some size."""

    by_client: bool
    octets: bytes
    mss: int


@st.composite
def conversations(draw: st.DrawFn) -> list[Saying]:
    """Hold a conversation: pipelined at times, in segments of any size, answered early or late."""
    asked = draw(st.lists(requests(), min_size=1, max_size=4))
    answered = [draw(responses(each.split(b" ", 1)[0])) for each in asked]
    sizes = st.sampled_from((5, 2, 13, 40, 1460))
    sayings = []
    sent = answers = 0
    while answers < len(asked):
        ahead = draw(st.integers(sent if sent > answers else sent + 1, len(asked)))
        sayings.append(Saying(by_client=True, octets=b"".join(asked[sent:ahead]), mss=draw(sizes)))
        sent = ahead
        until = draw(st.integers(answers, sent)) if sent < len(asked) else len(asked)
        sayings.append(Saying(by_client=False, octets=b"".join(answered[answers:until]), mss=draw(sizes)))
        answers = until
    return sayings


def octets_of(sayings: list[Saying], *, by_client: bool) -> bytes:
    """Return all that one side says."""
    return b"".join(saying.octets for saying in sayings if saying.by_client == by_client)


@given(conversations(), st.integers(1, 9))
def test_we_read_what_h11_reads(sayings: list[Saying], size: int) -> None:
    """And the same for blocks of any size, with nothing odd, unread or left open."""
    talk = Conversation()
    talk.open()
    for saying in sayings:
        (talk.client_sends if saying.by_client else talk.server_sends)(saying.octets, saying.mss)
    talk.close()
    dissection = dissected(talk.packets)
    asked, answered = octets_of(sayings, by_client=True), octets_of(sayings, by_client=False)
    exchanges = dissection.in_order()
    found = [(exchange.method, exchange.target, exchange.fields, exchange.status) for exchange in exchanges]
    assert found == oracle.read(asked, answered)
    assert all(exchange.complete and exchange.unseen is None for exchange in exchanges)
    assert dissection.anomalies() == {}
    assert (dissection.opaque(), dissection.parsed_bytes()) == ({}, len(asked) + len(answered))
    again = dissected(talk.packets, size).in_order()
    assert [facts(exchange) for exchange in again] == [facts(exchange) for exchange in exchanges]
