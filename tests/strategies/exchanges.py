"""HTTP/1 exchanges of which each can be told by its target, and whose bodies look like others that never were."""

from builders import Conversation, head, request, response, traceparent
from hypothesis import strategies as st
from strategies.conversations import Talk

FALSE_REQUEST = request("GET", "/never", fields=[("X", "y" * 20)])
FALSE_RESPONSE = response(999)


@st.composite
def exchanges(draw: st.DrawFn, number: int) -> tuple[bytes, bytes]:
    """Make request and response number so: target `/number`, status 500 + number, traceparent of the number."""
    fields = [("Cookie", "x" * draw(st.sampled_from((1, 90)))), ("Traceparent", traceparent(number))]
    method = draw(st.sampled_from(("GET", "GET", "POST", "PUT", "HEAD")))
    body = FALSE_REQUEST * draw(st.integers(1, 3)) if method in ("POST", "PUT") else b""
    asked = draw(framed(head_of(f"{method} /{number} HTTP/1.1", fields), body))
    answer = b"" if method == "HEAD" else FALSE_RESPONSE * draw(st.integers(0, 2))
    return asked, draw(framed(head_of(f"HTTP/1.1 {500 + number} x", []), answer, always=True))


def head_of(start_line: str, fields: list[tuple[str, str]]) -> bytes:
    """Return a head without the empty line that ends it."""
    return head(start_line, fields)[:-2]


@st.composite
def framed(draw: st.DrawFn, head_octets: bytes, body: bytes, *, always: bool = False) -> bytes:
    """Frame a body: its length, or chunks of which each looks like a message."""
    if not body:
        return head_octets + (b"Content-Length: 0\r\n" if always else b"") + b"\r\n"
    if draw(st.booleans()):
        return head_octets + b"Content-Length: %d\r\n\r\n" % len(body) + body
    return head_octets + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


@st.composite
def talks(draw: st.DrawFn, most: int = 6, longest_wait: float = 0.06) -> Conversation:
    """Hold a conversation of some exchanges, one after the other or pipelined, in segments of any size."""
    talk = Talk()
    talk.clock.step_ns = 100_000
    talk.open()
    sizes = st.sampled_from((1460, 1460, 200, len(FALSE_REQUEST), 60))
    waiting = b""
    for number in range(draw(st.integers(1, most))):
        asked, answered = draw(exchanges(number))
        # Bodies come in segments of their own at times, so that these begin like requests.
        cut = asked.index(b"\r\n\r\n") + 4 if draw(st.booleans()) else len(asked)
        for part in (asked[:cut], asked[cut:]):
            talk.client_sends(part, draw(sizes))
        waiting += answered
        if draw(st.integers(0, 3)):
            talk.server_sends(waiting, draw(sizes))
            waiting = b""
            if draw(st.booleans()):
                talk.client_acks()
            talk.clock.wait(draw(st.floats(0, longest_wait)))
    talk.server_sends(waiting, draw(sizes))
    if draw(st.booleans()):
        talk.close(by_client=draw(st.booleans()))
    return talk
