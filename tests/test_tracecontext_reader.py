"""Whole messages: how the fields come together in one reading."""

from time import perf_counter
from timeit import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiresniff.model.context import ABSENT, Fault, Presence, Reading, TraceContext, WarningWord
from wiresniff.tracecontext import KEPT_FIELDS, read
from wiresniff.tracecontext.reader import read_all, sort_fields

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
VALUE = f"00-{TRACE}-00f067aa0ba902b7-01".encode()
TRACEPARENT = (b"traceparent", VALUE)
CONTEXT = TraceContext("00", TRACE, "00f067aa0ba902b7", 1)
WORDS = set(Fault) | set(WarningWord)


def test_no_fields() -> None:
    """The reading of nothing is one constant."""
    assert read([]) is ABSENT


def test_a_whole_message() -> None:
    """Every part of the reading at once."""
    fields = [
        (b"tracestate", b"a=1"),
        (b"b3", b"0"),
        TRACEPARENT,
        (b"tracestate", b"A=2"),
        (b"baggage", b"k=v"),
        (b"baggage", b"l"),
        (b"x-unknown", b"1"),
    ]
    assert read(fields) == Reading(
        presence=Presence.VALID,
        context=CONTEXT,
        faults=("tracestate-bad-key", "baggage-bad-member"),
        warnings=("tracestate-split-over-several-fields",),
        tracestate="invalid",
        carriers=(("b3", None, None, False),),
        traceparents=(VALUE,),
        tracestates=(b"a=1", b"A=2"),
        baggage_keys=("k",),
        baggage_bytes=5,
        baggages=(b"k=v", b"l"),
    )


@pytest.mark.parametrize("flags", range(256))
@pytest.mark.parametrize("level", [1, 2])
def test_the_quick_way_reads_what_the_general_way_reads(flags: int, level: int) -> None:
    """The common message has a way of its own; both agree, also on short ids."""
    for trace_id in (TRACE, "0" * 16 + TRACE[16:], "0" * 15 + TRACE[15:]):
        fields = [(b"traceparent", f"00-{trace_id}-00f067aa0ba902b7-{flags:02x}".encode())]
        seen = read(fields, level)
        assert read_all(sort_fields(fields), level) == seen
        assert (flags & (0xFE if level == 1 else 0xFC) != 0) == ("reserved-flag-bits" in seen.warnings)
        assert trace_id.startswith("0" * 16) == ("64-bit-trace-id" in seen.warnings)


def test_two_equal_traceparents_are_malformed() -> None:
    """Sent twice: a receiver uses neither; both values are kept as evidence, tracestate is not judged."""
    seen = read([TRACEPARENT, TRACEPARENT, (b"tracestate", b"A")])
    assert seen.presence is Presence.MALFORMED
    assert seen.faults == ("duplicate-header", "tracestate-traceparent-invalid")
    assert (seen.context, seen.traceparents) == (None, (VALUE, VALUE))


def test_a_lone_tracestate_is_invalid_and_traceparent_absent() -> None:
    """Rule S2."""
    seen = read([(b"tracestate", b"a=1")])
    assert (seen.presence, seen.tracestate, seen.faults) == ("absent", "invalid", ("tracestate-no-traceparent",))


@pytest.mark.parametrize(
    "name", [b"trace-parent", b"trace_parent", b"trace.parent", b"x-traceparent", b"http_traceparent"]
)
def test_a_misspelled_name_is_a_reason_for_absence(name: bytes) -> None:
    """It counts only with a value of that form, and not beside the right name."""
    assert read([(name, VALUE)])[:3] == (Presence.ABSENT, None, ("wrong-header-name",))
    assert read([(name, b"anything")]) == ABSENT
    assert read([(name, VALUE), TRACEPARENT]).faults == ()
    assert name in KEPT_FIELDS


def test_blanks_round_a_value_are_told_where_they_do_not_belong() -> None:
    """HTTP/1 has them trimmed; elsewhere they are dropped with a warning."""
    assert read([TRACEPARENT], trimmed=False).warnings == ()
    seen = read([(b"traceparent", b"\t" + VALUE + b" ")], trimmed=False)
    assert (seen.context, seen.warnings) == (CONTEXT, ("surrounding-blanks",))
    assert read([(b"traceparent", VALUE + b"\xa0")], trimmed=False).faults == ("trailing-garbage",)


any_fields = st.lists(
    st.tuples(
        st.sampled_from(sorted(KEPT_FIELDS)) | st.binary(max_size=4),
        st.binary(max_size=70) | st.sampled_from([VALUE, b"a=1", VALUE + b"-", b"", b","]),
    ),
    max_size=6,
)


@given(any_fields, st.sampled_from([1, 2]), st.booleans())
def test_any_bytes_give_a_reading_that_holds_together(
    fields: list[tuple[bytes, bytes]], level: int, trimmed: bool
) -> None:
    """No bytes raise; a context is there exactly when it is valid; every word is known."""
    seen = read(fields, level, trimmed=trimmed)
    own = [word for word in seen.faults if not word.startswith(("tracestate-", "baggage-"))]
    assert (seen.context is not None) == (seen.presence is Presence.VALID)
    assert (seen.presence is Presence.MALFORMED) == bool(own and own != ["wrong-header-name"])
    assert (seen.presence is Presence.ABSENT) == (not seen.traceparents)
    assert {*seen.faults, *seen.warnings} <= WORDS
    assert len(set(seen.faults)) == len(seen.faults)


QUARTER_MIB = 256 * 1024
PATTERNS = [
    b"a", b"0", b"-", b",", b" ", b"\t", b"=", b";", b"%", b":", b"[", b"a=1,", b"a=,", b",a", b", ", b"a=1;",
    b"; ", b"a ", b"%41", b"ot=", b"00-", b"a:b;", b"MQ==", b"a=%41,",
]  # fmt: skip
LONG_FIELDS = [
    b"traceparent", b"tracestate", b"baggage", b"b3", b"uber-trace-id", b"x-datadog-tags", b"x-amzn-trace-id",
    b"x-cloud-trace-context", b"grpc-trace-bin", b"sw8", b"newrelic", b"request-id", b"sentry-trace",
    b"x-honeycomb-trace", b"trace-parent", b"trace-state",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_time_is_linear_in_hostile_values(pattern: bytes) -> None:
    """256 KiB of anything, in any field, alone or after a good beginning, is read in 0.2 s."""
    tail = pattern * (QUARTER_MIB // len(pattern))
    for name in LONG_FIELDS:
        for value in (tail, b"a=1;p " + tail, VALUE + tail, b"ot=a:" + tail):
            start = perf_counter()
            read([TRACEPARENT, (name, value)] if name != b"traceparent" else [(name, value)])
            assert perf_counter() - start < 0.2, (name, value[:20])


def test_time_is_linear_in_the_number_of_fields() -> None:
    """Many thousand fields are read in 0.2 s as well."""
    for name in sorted(KEPT_FIELDS):
        start = perf_counter()
        read([(name, b"a=1")] * 20_000)
        assert perf_counter() - start < 0.2, name


def test_the_quick_way_is_worth_its_lines() -> None:
    """The common message is read at least twice as quickly as by the general way, in the same run."""
    fields = [TRACEPARENT]
    quick = min(repeat(lambda: read(fields), number=300, repeat=15))
    general = min(repeat(lambda: read_all(sort_fields(fields), 2), number=300, repeat=15))
    assert quick * 2 < general
