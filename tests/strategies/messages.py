"""HTTP/1 messages as programs send them: well-formed, of every framing, with fields of every kind."""

from hypothesis import strategies as st

METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "M-SEARCH")
TARGETS = st.from_regex(r"/[a-z0-9/._~%-]{0,12}(\?[a-z=&0-9]{0,8})?", fullmatch=True)
NAMES = st.sampled_from(("Accept", "X-Long", "traceparent", "TraceParent", "Cookie", "ETag", "x!#$%&'*+-.^_`|~9"))
VALUES = st.one_of(
    st.from_regex(r"[!-~]([ -~]{0,20}[!-~])?", fullmatch=True),
    st.sampled_from(("", "a\tb", "caf\xe9", "x" * 70, "00-" + "a" * 32 + "-" + "b" * 16 + "-01", "GET / HTTP/1.1")),
)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=4)
BODIES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"0\r\n\r\n", b"\r\n\r\n", b"\n" * 9, b"x" * 200)
    ),
)
BLANKS = st.sampled_from(("", " ", "\t", "  "))


@st.composite
def heads(draw: st.DrawFn, start_line: str, fields: list[tuple[str, str]]) -> bytes:
    """Write a head, with blanks around values as senders please."""
    lines = [start_line]
    for name, value in draw(st.permutations(fields)):
        lines.append(f"{name}:{draw(BLANKS)}{value}{draw(BLANKS)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@st.composite
def chunked(draw: st.DrawFn, body: bytes) -> bytes:
    """Cut a body into chunks, with extensions and trailers at times."""
    written, at = b"", 0
    while at < len(body):
        size = draw(st.integers(1, len(body) - at))
        number = draw(st.sampled_from((f"{size:x}", f"{size:X}", f"{size:04x}")))
        extension = draw(st.sampled_from(("", "", ";a", ';a="b"')))
        written += f"{number}{extension}\r\n".encode() + body[at : at + size] + b"\r\n"
        at += size
    trailer = draw(st.sampled_from((b"", b"", b"X-Sum: 1\r\n", b"traceparent: trailer\r\nX: y\r\n")))
    return written + b"0\r\n" + trailer + b"\r\n"


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Make a request of HTTP/1.1."""
    method, target, fields, body = draw(st.tuples(st.sampled_from(METHODS), TARGETS, FIELDS, BODIES))
    framing = draw(st.sampled_from(("none", "length", "chunked")))
    return _message(draw, f"{method} {target} HTTP/1.1", [("Host", "a.example"), *fields], body, framing)


@st.composite
def responses(draw: st.DrawFn, method: bytes) -> bytes:
    """Make the response to a request, with interim ones before it at times."""
    interim = [
        draw(heads(f"HTTP/1.1 {status} x", [])) for status in draw(st.lists(st.sampled_from((100, 103)), max_size=2))
    ]
    status, fields, body = draw(st.tuples(st.sampled_from((200, 201, 204, 304, 404, 500, 599)), FIELDS, BODIES))
    reason = draw(st.sampled_from((" OK", " ", " Not at all")))
    framing = draw(st.sampled_from(("length", "chunked")))
    if status in (204, 304) or method == b"HEAD":
        whole = draw(heads(f"HTTP/1.1 {status}{reason}", [*fields, ("Content-Length", str(len(body)))]))
    else:
        whole = _message(draw, f"HTTP/1.1 {status}{reason}", fields, body, framing)
    return b"".join(interim) + whole


def _message(draw: st.DrawFn, start_line: str, fields: list[tuple[str, str]], body: bytes, framing: str) -> bytes:
    if framing == "none":
        return draw(heads(start_line, fields))
    if framing == "length":
        return draw(heads(start_line, [*fields, ("Content-Length", str(len(body)))])) + body
    return draw(heads(start_line, [*fields, ("Transfer-Encoding", "chunked")])) + draw(chunked(body))
