"""Requests and bodies that are known in columns, against reading them one by one."""

from collections import Counter

import numpy as np
from hypothesis import assume, example, given
from hypothesis import strategies as st
from oracles import turns as oracle
from strategies.messages import chunked
from strategies.turns import Said, runs_of

from wiresniff.model.delivery import Data
from wiresniff.protocols.http1.grammar import Heads
from wiresniff.protocols.http1.known import NONE, VALUE_BYTES, Pattern, ends_chunked, find_requests
from wiresniff.protocols.http1.templates import (
    HITS_WORTH_AN_EXPRESSION,
    REGULAR_VALUE,
    REMEMBERED_BYTES,
    RequestTemplates,
)
from wiresniff.protocols.http1.turns import find_turns, rows_of
from wiresniff.tracecontext import KEPT_FIELDS

TRACEPARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
VALUES = st.one_of(
    st.just(TRACEPARENT),
    st.sampled_from(
        (
            TRACEPARENT.upper(),
            b"00-short",
            b" " + TRACEPARENT,
            TRACEPARENT + b" ",
            TRACEPARENT[:-1] + b" ",
            b"\t" + TRACEPARENT[1:],
            TRACEPARENT[:-1] + b"\r",
            TRACEPARENT[:20] + b"\r\nX: " + TRACEPARENT[25:],
            TRACEPARENT[:20] + b"\n" + TRACEPARENT[21:],
            b"",
        )
    ),
)
NAMES = st.sampled_from((b"traceparent: ", b"traceparent: ", b"Traceparent: ", b"traceparent:", b"TRACEPARENT: "))
FORMS = (
    (b"Host: shop.example", b"User-Agent: curl/8"),
    (b"Accept: */*", b"Host: shop.example", b"User-Agent: curl/8"),
    (b"Host: a", b"tracestate: a=1", b"b3: 0"),
    (b"Host: a", b"Content-Length: 5"),
    (b"Content-Length: 3", b"Host: a"),
    (b"Host: a", b"Content-Length: 0"),
    (b"Host: a", b"Transfer-Encoding: chunked"),
    (b"Host: a", b"Upgrade: websocket"),
    (b"Host: a", b"Access-Control-Request-Method: GET"),
    (b"X: GET / HTTP/1.1", b"Host: a"),
    (b"X: a\nHost: smuggled", b"Host: a"),
    (b"Host: a", b" folded"),
    (b"traceparent: " + TRACEPARENT, b"Host: a"),
    (b"traceparent: " + b"x" * REMEMBERED_BYTES,),
    (),
)
START_LINES = st.sampled_from(
    (
        b"GET /a HTTP/1.1",
        b"GET /b?c=d HTTP/1.0",
        b"POST / HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"HEAD / HTTP/1.1",
        b"GET  HTTP/1.1",
        b"GET /a b HTTP/1.1",
        b"GET /a HTTP/2.0",
        b"GET /a",
        b"GET /a HTTP/1.1\r\nX: GET /b HTTP/1.1",
        b"\r\nGET /a HTTP/1.1",
    )
)
BODIES = st.sampled_from((b"", b"", b"", b"abc", b"hello", b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"0\r\n\r\n"))


@st.composite
def heads(draw: st.DrawFn) -> bytes:
    """Make a head as some client sends it, or as nobody should."""
    lines = list(draw(st.sampled_from(FORMS)))
    for _ in range(draw(st.sampled_from((0, 1, 1, 1, 2)))):
        lines.insert(draw(st.integers(0, len(lines))), draw(NAMES) + draw(VALUES))
    return b"\r\n".join([draw(START_LINES), *lines, b"", b""])


def learned(octets: list[bytes]) -> tuple[RequestTemplates, list[Pattern]]:
    """Meet heads so often that their templates are frequent."""
    templates = RequestTemplates(KEPT_FIELDS)
    for head in octets:
        for _ in range(1 + HITS_WORTH_AN_EXPRESSION):
            templates.meet(head)
    return templates, [Pattern(template) for template in templates.take_frequent()]


@st.composite
def asked(draw: st.DrawFn, seen: list[bytes]) -> list[list[bytes]]:
    """Make requests, mostly with heads that were seen, each in one segment or in two."""
    requests: list[list[bytes]] = []
    for _ in range(draw(st.integers(1, 5))):
        octets = draw(st.one_of(st.sampled_from(seen), heads())) + draw(BODIES)
        cut = draw(st.sampled_from((0, 0, octets.find(b"\r\n\r\n") + 4, len(octets) - 1, len(octets) // 2)))
        requests.append([part for part in (octets[:cut], octets[cut:]) if part])
    return requests


@given(st.lists(heads(), min_size=1, max_size=5), st.data())
def test_requests_are_known_by_all_their_bytes(seen: list[bytes], data: st.DataObject) -> None:
    """What is said of a request is what its lines say; whoever has lines that were met is known."""
    templates, patterns = learned(seen)
    requests = data.draw(asked(seen))
    check(templates, patterns, requests)


def test_a_form_that_ends_like_another_is_known_too() -> None:
    """The shorter one is looked for first, and is not the whole of the longer one."""
    short = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    long = b"GET / HTTP/1.1\r\nAccept: */*\r\nHost: a\r\n\r\n"
    templates, patterns = learned([short, long])
    assert len(patterns) == 2
    check(templates, patterns, [[long], [short], [long]])


def check(templates: RequestTemplates, patterns: list[Pattern], requests: list[list[bytes]]) -> None:
    """Compare with reading one by one."""
    client, server, sent = [], [], 0
    for number, parts in enumerate(requests):
        client += [Said(part, number) for part in parts]
        sent += sum(map(len, parts))
        server.append(Said(b"a", sent))
    run, answers = runs_of([(0, client), (0, server)])
    rows = rows_of(run.columns)
    turns = find_turns(rows, [(run, answers)])
    chosen = np.flatnonzero(turns.is_clear)
    assert chosen.tolist() == list(range(len(requests)))
    found = find_requests(np.frombuffer(run.buffer, np.uint8), rows, turns, chosen, patterns)
    frequent = [pattern.template for pattern in patterns]
    starts = rows.starts[turns.request_row]
    for parts, start, pattern, line_stop, value_at in zip(requests, starts, *found, strict=True):
        octets = b"".join(parts)
        value = None if value_at == NONE else run.buffer[value_at : value_at + VALUE_BYTES]
        line = templates.read_lines([run.buffer[start:line_stop]])[0] if pattern != NONE else None
        is_known = line is not None and (value is None or REGULAR_VALUE(value) is not None)
        read = oracle.read_request(Heads(KEPT_FIELDS, Counter()), octets)
        if is_known:
            assert line is not None
            assert read is not None
            template = frequent[pattern]
            fields = template.fields(value)
            says = (line.method, line.target, line.version, fields, template.authority, template.user_agent)
            assert read == ((*says, template.framing, False, False, False, template.auxiliary), len(octets))
        head = octets[: octets.find(b"\r\n\r\n") + 4]
        looked_up = templates._look_up(head) if len(parts[0]) >= len(head) > 3 else None
        is_whole = read is not None and read[1] == len(octets)
        if looked_up is not None and looked_up[0] in frequent and is_whole and octets.count(b" HTTP/1.") == 1:
            assert is_known


CUTS = st.lists(st.integers(1, 30), max_size=6)
ODD_BODIES = st.lists(
    st.sampled_from(
        (
            b"0",
            b"5",
            b"a",
            b"A",
            b"00",
            b";x=y",
            b" ",
            b"\r\n",
            b"\r\n",
            b"\n",
            b"\r",
            b"hello",
            b"0\r\n\r\n",
            b"X: y\r\n",
        )
    ),
    max_size=10,
).map(b"".join)
BODY = st.binary(max_size=40).flatmap(chunked)


@given(st.one_of(BODY, BODY, ODD_BODIES), CUTS, st.integers(0, 20), st.sampled_from((0, 0, 0, -1, 1, 7)))
@example(b"0\r\n\r\n0\r\n\r\n", [], 0, 0)
@example(b"5\r\nhello\r\n0\r\n\r\n", [4], 4, 0)
def test_chunked_bodies_end_where_their_lines_say(body: bytes, cuts: list[int], before: int, longer: int) -> None:
    """One chunk or several, with extensions and trailers, cut anywhere; behind a head, with something behind them."""
    stop = len(body) + longer
    assume(stop >= 0)
    message = b"h" * before + (body + b"GET / HTTP/1.1")[:stop]
    assume(message)
    parts = []
    for cut in [*cuts, len(message)]:
        parts.append(message[:cut])
        message = message[cut:]
    said = [Said(part, 0) for part in parts if part]
    others = [Said(b"HTTP/1.1 100 Continue\r\n\r\n", 0), Said(b"0\r\n\r\n", 0)]
    _, run, _ = runs_of([(3, others), (100, said), (5, others)])
    whole = (body + b"GET / HTTP/1.1")[:stop]
    first, last, at = run.first, run.last, 100 + before
    assert ends_chunked(run, at, run.stop, first, last) == oracle.ends_chunked(whole)


def test_a_body_is_not_looked_for_in_another_message() -> None:
    """A run goes on behind the message that is asked about."""
    whole = b"3\r\nabc\r\n0\r\n\r\n"
    (run,) = runs_of([(0, [Said(b"head" + whole, 0), Said(whole, 0)])])
    assert isinstance(run, Data)
    assert ends_chunked(run, 4, 4 + len(whole), run.first, run.first + 1)
    assert not ends_chunked(run, 4, run.stop, run.first, run.last)
