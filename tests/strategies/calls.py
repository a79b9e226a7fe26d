"""Conversations in HTTP/2 of which each call can be told by its stream."""

from builders import Conversation
from http2_frames import PINGED, Talk, data, header_frames, message, reset, window
from hypothesis import strategies as st
from strategies.conversations import Talk as Told

KNOWN = [("x-known", "value"), ("content-type", "application/grpc")]


class Spoken(Talk, Told):
    """A conversation in HTTP/2 that tells itself."""


@st.composite
def calls(draw: st.DrawFn, most: int = 7, longest_wait: float = 0.06) -> Conversation:
    """Hold a conversation of some calls, which overlap: call n asks for `/n`, is answered 500 + n, and carries n."""
    talk = Spoken()
    talk.clock.step_ns = 100_000
    talk.begin()
    sizes = st.sampled_from((1460, 1460, 200, 60, 17))
    waiting: list[bytes] = []
    for number in range(draw(st.integers(1, most))):
        stream = 2 * number + 1
        block = talk.request_block(f"/{number}", number, KNOWN if draw(st.booleans()) else [])
        pieces = sorted(draw(st.lists(st.integers(0, len(block)), max_size=2)))
        padding = draw(st.sampled_from((None, None, 3)))
        asked = header_frames(block, stream, pieces=pieces, padding=padding)
        asked += draw(st.sampled_from((b"", window(0), PINGED)))
        asked += data(stream, message(draw(st.sampled_from((0, 40, 900)))), end=True)
        if draw(st.integers(0, 9)) == 0:
            asked += reset(stream)
        talk.client_sends(asked, draw(sizes))
        waiting.append(_answer(talk, stream, number, draw(st.integers(0, 2))))
        if draw(st.integers(0, 2)):
            talk.server_sends(b"".join(waiting), draw(sizes))
            waiting = []
            talk.clock.wait(draw(st.floats(0, longest_wait)))
    talk.server_sends(b"".join(waiting), draw(sizes))
    if draw(st.booleans()):
        talk.close(by_client=draw(st.booleans()))
    return talk


def _answer(talk: Talk, stream: int, number: int, form: int) -> bytes:
    """Answer without a body, with one, or with trailers behind it."""
    if form == 0:
        return talk.answers(stream, 500 + number, end=True)
    head = talk.answers(stream, 500 + number, fields=KNOWN)
    if form == 1:
        return head + data(stream, message(600), end=True)
    return head + data(stream, message(9)) + talk.trails(stream, number)
