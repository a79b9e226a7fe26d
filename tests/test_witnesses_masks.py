"""What a witness file may show of a request head, and that nothing moves."""

import pytest
from builders import head, traceparent
from hypothesis import given
from hypothesis import strategies as st

from wiresniff.model.policy import Keep, Privacy
from wiresniff.witnesses.masks import mask_head, mask_target, mask_value

ALL_DROPPED = Privacy(query=Keep.DROP, paths=Keep.DROP, ids=Keep.HASH, baggage=Keep.DROP)


def test_values_that_the_audit_reads_stay_and_all_others_go() -> None:
    """Whatever the names of fields are: nobody has to guess which of them are secrets."""
    fields = [
        ("Host", "shop"), ("Authorization", "Bearer abc"), ("traceparent", traceparent(1)), ("X-Weather", "fine"),
        ("Content-Length", "7"), ("User-Agent", "curl/8"), ("b3", "0"),
    ]  # fmt: skip
    masked = [
        ("Host", "shop"), ("Authorization", "xxxxxxxxxx"), ("traceparent", traceparent(1)), ("X-Weather", "xxxx"),
        ("Content-Length", "x"), ("User-Agent", "curl/8"), ("b3", "0"),
    ]  # fmt: skip
    assert mask_head(head("GET /a?b=c HTTP/1.1", fields), Privacy()) == head("GET /a?xxx HTTP/1.1", masked)


def test_a_value_that_goes_on_in_the_next_line_is_masked_there_too() -> None:
    """Such lines have no name of their own (RFC 9112 5.2)."""
    folded = b"GET / HTTP/1.1\r\nCookie: abc\r\n def: ghi\r\ntracestate: a=1,\r\n b=2\r\n\r\n"
    masked = b"GET / HTTP/1.1\r\nCookie: xxx\r\nxxxxxxxxx\r\ntracestate: a=1,\r\n b=2\r\n\r\n"
    assert mask_head(folded, Privacy()) == masked


@pytest.mark.parametrize("line", [b"no colon here", b"Cookie : abc", b"\xff\xfe: abc", b": abc"])
def test_lines_that_are_no_fields_are_masked_whole(line: bytes) -> None:
    """Who knows what they hold."""
    masked = mask_head(b"GET / HTTP/1.1\n" + line + b"\n\n", Privacy())
    assert masked == b"GET / HTTP/1.1\n" + b"x" * len(line) + b"\n\n"


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        (b"/a/b", b"/a/b"),
        (b"/a?b=c&d", b"/a?xxxxx"),
        (b"/a#b?c", b"/a#xxx"),
        (b"http://me:word@shop/a?b", b"http://xxxxxxx@shop/a?x"),
        (b"http://shop?b", b"http://shop?x"),
        (b"*", b"*"),
    ],
)
def test_queries_fragments_and_logins_leave_a_target(target: bytes, shown: bytes) -> None:
    """The path stays, unless the policy says otherwise."""
    assert mask_target(b"GET", target, Privacy()) == shown


def test_the_policy_says_what_is_shown() -> None:
    """Queries on demand; no path, no ids and no baggage where that is wished."""
    assert mask_target(b"GET", b"/a?b=c#d", Privacy(query=Keep.KEEP)) == b"/a?b=c#x"
    assert mask_target(b"GET", b"/abc?d", ALL_DROPPED) == b"/xxx?x"
    assert mask_target(b"CONNECT", b"shop:443", ALL_DROPPED) == b"shop:443"
    assert mask_value(b"traceparent", b"00-1", ALL_DROPPED) == b"xxxx"
    assert mask_value(b"baggage", b"user=me", ALL_DROPPED) == b"xxxxxxx"


def test_of_baggage_the_keys_are_shown() -> None:
    """With their values where the policy wants them."""
    baggage = b"user=me;since=1, tier=gold,odd"
    assert mask_value(b"baggage", baggage, Privacy()) == b"user=xxxxxxxxxx, tier=xxxx,xxx"
    assert mask_value(b"baggage", baggage, Privacy(baggage=Keep.VALUES)) == baggage


LINES = st.sampled_from([b"Cookie: a", b" folded", b"traceparent: 00", b"x", b":", b"\r", b"", b"a:\tb\r", b"Host:h\r"])


@given(st.lists(st.one_of(LINES, st.binary(max_size=20)), min_size=1).map(b"\n".join))
def test_every_byte_keeps_its_place(octets: bytes) -> None:
    """Whatever a head is like: what is not overwritten is where it was."""
    masked = mask_head(octets, Privacy())
    assert len(masked) == len(octets)
    assert all(shown in (ord("x"), byte) for shown, byte in zip(masked, octets, strict=True))
    assert [at for at, byte in enumerate(masked) if byte == ord("\n")] == [
        at for at, byte in enumerate(octets) if byte == ord("\n")
    ]
