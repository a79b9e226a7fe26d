"""Heads that were met before are recognised whole: what is read is the same as the long way."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from wiresniff.protocols.http1.grammar import CHUNKED, Heads
from wiresniff.protocols.http1.templates import (
    HITS_WORTH_AN_EXPRESSION,
    LINES_REMEMBERED,
    MISSES,
    REMEMBERED_BYTES,
    UNKNOWN,
    RequestTemplates,
    ResponseTemplates,
)
from wiresniff.tracecontext import KEPT_FIELDS

TRACEPARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
LINES = st.sampled_from(
    [
        b"Host: shop.example",
        b"host: other.example",
        b"User-Agent: checkout/2.31",
        b"Accept: */*",
        b"tracestate: a=1",
        b"baggage: k=v",
        b"b3: 0",
        b"Content-Length: 0",
        b"Content-Length: 5",
        b"Transfer-Encoding: chunked",
        b"Upgrade: websocket",
        b"Traceparent: " + TRACEPARENT,
        b"traceparent: " + TRACEPARENT,
        b"traceparent: " + TRACEPARENT.replace(b"a", b"b"),
        b"traceparent: 00-short",
        b"traceparent:" + TRACEPARENT,
        b"TRACEPARENT: " + TRACEPARENT + b"-x",
        b"Broken line",
        b"X: a\nHost: smuggled.example",
        b" folded",
    ]
)
START_LINES = st.sampled_from(
    [b"GET /a HTTP/1.1", b"GET /b?c=d HTTP/1.1", b"POST / HTTP/1.0", b"PURGE /x HTTP/1.1", b"GET /a b HTTP/1.1", b"?"]
)
HEADS = st.tuples(START_LINES, st.lists(LINES, max_size=4)).map(lambda head: b"\r\n".join([head[0], *head[1]]))


def long_way(heads: Heads, octets: bytes) -> object:
    """Read a head line by line."""
    return heads.request(heads.split(octets))


@given(st.lists(HEADS, min_size=1, max_size=6), st.integers(1, HITS_WORTH_AN_EXPRESSION + 4))
def test_a_recognised_request_is_what_its_lines_say(octets: list[bytes], times: int) -> None:
    """However often heads come, and in whatever company, recognition says what reading them says, or nothing."""
    heads = Heads(KEPT_FIELDS, Counter())
    templates = RequestTemplates(KEPT_FIELDS)
    for _ in range(times):
        for one in octets:
            known = templates.recognise(one + b"\r\n\r\n")
            if known is not None:
                method, target, version, fields, template = known
                read = long_way(heads, one)
                found = (
                    method,
                    target,
                    version,
                    fields,
                    template.authority,
                    template.user_agent,
                    0,
                    False,
                    False,
                    False,
                    template.auxiliary,
                )
                assert found == read


def test_a_request_is_recognised_from_the_second_time_on() -> None:
    """The first is read; the second, with another trace and another path, is recognised."""
    templates = RequestTemplates(KEPT_FIELDS)
    request = b"GET /%s HTTP/1.1\r\nHost: shop.example\r\ntraceparent: %s\r\nAccept: */*\r\n\r\n"
    assert templates.recognise(request % (b"one", TRACEPARENT)) is None
    for number in range(2 * HITS_WORTH_AN_EXPRESSION):
        other = TRACEPARENT[:-2] + b"%02d" % number
        known = templates.recognise(request % (b"two", other))
        assert known is not None
        assert known[1] == b"/two"
        assert known[3] == [(b"traceparent", other)]
        assert known[4].authority == b"shop.example"


def test_two_requests_in_a_segment_are_not_taken_for_one() -> None:
    """The empty line between them is part of what must be known."""
    templates = RequestTemplates(KEPT_FIELDS)
    request = b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"
    for _ in range(20):
        assert templates.recognise(request + request) is None
        templates.recognise(request)


def test_what_never_repeats_is_not_tried_for_long() -> None:
    """After many heads in a row that are all new, recognition rests, and wakes up later."""
    templates = RequestTemplates(KEPT_FIELDS)
    for number in range(1000):
        assert templates.recognise(b"GET / HTTP/1.1\r\nCookie: %d\r\n\r\n" % number) is None
    assert len(templates._known) < 100
    same = b"GET / HTTP/1.1\r\nCookie: same\r\n\r\n"
    assert any(templates.recognise(same) is not None for _ in range(1000))


def test_a_response_is_recognised_by_all_its_bytes() -> None:
    """One that differs in a byte is not; a longer one that begins alike is not."""
    templates = ResponseTemplates()
    head = b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 5"
    templates.learn(head, (200, 5))
    body = b"\r\n\r\nhello"
    assert templates.recognise(head + body, 0, len(head + body)) == (len(head) + 4, 200, 5)
    assert templates.recognise(head + b"0" + body, 0, len(head + body) + 1) is None
    other = head.replace(b"nginx", b"Nginx")
    assert templates.recognise(other + body, 0, len(other + body)) is None


def test_responses_of_several_lengths_are_recognised() -> None:
    """The search for the end begins no later than the shortest known head ends."""
    templates = ResponseTemplates()
    heads = {b"HTTP/1.1 200 OK\r\nX: " + b"x" * length: (200, CHUNKED) for length in (50, 3, 200)}
    for head, meaning in heads.items():
        templates.learn(head, meaning)
    for head in heads:
        buffer = b"--" + head + b"\r\n\r\n5\r\nhello"
        assert templates.recognise(buffer, 2, len(buffer)) == (len(head) + 6, 200, CHUNKED)


def test_request_lines_are_read_together() -> None:
    """The same operation has the same number, whatever its query; what is not regular, or very long, is not read."""
    templates = RequestTemplates(KEPT_FIELDS)
    lines = [b"GET /a?b HTTP/1.1", b"GET /a HTTP/1.0", b"PUT /a HTTP/1.1", b"PURGE / HTTP/1.1", b"GET /%b HTTP/1.1"]
    lines[-1] %= b"a" * REMEMBERED_BYTES
    read = [templates.read_lines(lines), templates.read_lines(lines)]
    assert read[0] == read[1]
    assert [line and line[:3] for line in read[0]] == [
        (b"GET", b"/a?b", "1.1"),
        (b"GET", b"/a", "1.0"),
        (b"PUT", b"/a", "1.1"),
        None,
        None,
    ]
    numbers = [line.operation for line in read[0] if line is not None]
    assert numbers[0] == numbers[1] != numbers[2]


def test_heads_with_something_odd_are_not_remembered() -> None:
    """What is odd is counted each time that it comes, by who reads the head."""
    templates = RequestTemplates(KEPT_FIELDS)
    for _ in range(MISSES - 1):
        assert templates.recognise(b"GET / HTTP/1.1\r\nHost: a\r\nBroken line\r\n\r\n") is None
    assert templates.recognise(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") is None
    assert templates.recognise(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") is not None


def test_numbers_of_operations_are_not_used_again() -> None:
    """When too many were met they are forgotten, and lines that are still known keep theirs."""
    templates = RequestTemplates(KEPT_FIELDS)
    lines = [b"GET /%d HTTP/1.1" % number for number in range(3 * LINES_REMEMBERED)]
    first = templates.read_lines(lines[: LINES_REMEMBERED - 1])
    numbers = {line.operation: line.target for line in first if line is not None}
    for line in templates.read_lines(lines):
        assert line is not None
        assert numbers.setdefault(line.operation, line.target) == line.target
    assert len(templates._lines) <= LINES_REMEMBERED
    assert len(templates._operations) <= LINES_REMEMBERED


def test_a_segment_without_the_end_of_a_head_has_no_known_head() -> None:
    """Nor is the buffer behind it looked at: a server may write its heads line by line."""
    templates = ResponseTemplates()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5"
    templates.learn(head, (200, 5))
    buffer = head + b"\r"
    assert templates.find_all(buffer, [0], [len(buffer)]) == ([-1], [UNKNOWN])
    buffer += b"\n\r\n"
    assert templates.find_all(buffer, [0, 0], [len(head), len(buffer)]) == ([-1, len(head)], [UNKNOWN, (200, 5)])
