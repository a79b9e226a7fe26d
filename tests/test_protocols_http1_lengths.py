"""What columns must not choke on: lengths that no number of 64 bits holds."""

import pytest
from builders import Clock, Conversation, merge, request, response
from stage_feeding import dissected

from wiresniff.protocols.http1.blockwise import ROWS_TOGETHER

BIG = b"99999999999999999999"
"""More octets than 2^64, in twenty digits: a legal Content-Length."""
BIG_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: " + BIG + b"\r\n\r\nabc"
BIG_QUESTION = b"POST /big HTTP/1.1\r\nHost: shop.example\r\nContent-Length: " + BIG + b"\r\n\r\nabc"


@pytest.mark.parametrize("is_answer", [True, False])
def test_a_length_of_twenty_digits_raises_nothing(*, is_answer: bool) -> None:
    """Many connections end with one, after turns that were known: those stay known, and these are told."""
    clock = Clock()
    talks = [Conversation(client=("10.0.0.1", 40_000 + number), clock=clock) for number in range(40)]
    for talk in talks:
        talk.open()
    for turn in range(30):
        for number, talk in enumerate(talks):
            ends_at = 15 if number >= 30 else 20 + number // 3
            if turn < ends_at:
                talk.client_sends(request("GET", f"/{turn}"))
                talk.server_sends(response(200, body=b"ok"))
            elif turn == ends_at and is_answer:
                talk.client_sends(request("GET", "/big"))
                talk.server_sends(BIG_ANSWER)
            elif turn == ends_at:
                talk.client_sends(BIG_QUESTION)
    dissection = dissected(merge(*talks), 2 * ROWS_TOGETHER)
    assert dissection.alike > 500
    assert sum("/big" in told for told in dissection.told()) == len(talks)
