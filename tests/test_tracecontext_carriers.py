"""Other formats: what is read of each, and when two of them disagree."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiresniff.model.context import Carrier
from wiresniff.tracecontext import KEPT_FIELDS, read
from wiresniff.tracecontext.carriers import FIELDS, FORMATS, same_trace

TRACE = "80f198ee56343ba864fe8b2a57d3eff7"
HALF = "64fe8b2a57d3eff7"
PADDED = "0" * 16 + HALF
SPAN = "e457b5a2e4d86bd1"
TRACEPARENT = (b"traceparent", f"00-{TRACE}-{SPAN}-01".encode())


def decimal(digits: str) -> str:
    """Write hexadecimal digits as a decimal number."""
    return str(int(digits, 16))


def base64(text: str | bytes) -> str:
    """Write Base64 without padding."""
    return b64encode(text.encode() if isinstance(text, str) else text).decode().rstrip("=")


NEWRELIC = f'{{"v":[0,1],"d":{{"ty":"App","ac":"1","id":"{SPAN}","tr":"{TRACE.upper()}","sa":true}}}}'
OPENCENSUS = b"\0\0" + bytes.fromhex(TRACE) + b"\1" + bytes.fromhex(SPAN) + b"\2\1"
SW8 = f"1-{base64('trace.1.2')}-{base64('segment')}-3-{base64('a')}-{base64('b')}-{base64('c')}-{base64('d')}"

EXAMPLES: list[tuple[str, dict[str, str], tuple[str | None, str | None, bool | None]]] = [
    ("b3", {"b3": f"{TRACE}-{SPAN}-1-05e3ac9a4f6e3b90"}, (TRACE, SPAN, True)),
    ("b3", {"b3": f"{HALF}-{SPAN}-d"}, (PADDED, SPAN, True)),
    ("b3", {"b3": f"{TRACE}-{SPAN}"}, (TRACE, SPAN, None)),
    ("b3", {"b3": "0"}, (None, None, False)),
    ("b3", {"b3": "-"}, (None, None, None)),
    ("b3", {"x-b3-traceid": HALF, "x-b3-spanid": SPAN, "x-b3-sampled": "0"}, (PADDED, SPAN, False)),
    ("b3", {"x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-flags": "1"}, (TRACE, SPAN, True)),
    ("b3", {"x-b3-sampled": "true"}, (None, None, True)),
    ("b3", {"x-b3-traceid": "12", "x-b3-spanid": "-"}, (None, None, None)),
    ("jaeger", {"uber-trace-id": f"{TRACE}:{SPAN}:0:1"}, (TRACE, SPAN, True)),
    ("jaeger", {"uber-trace-id": f"{TRACE}%3A{SPAN}%3A0%3A2"}, (TRACE, SPAN, False)),
    ("jaeger", {"uber-trace-id": "abc:1:0:0"}, ("abc".zfill(32), "1".zfill(16), False)),
    ("datadog", {"x-datadog-trace-id": decimal(HALF), "x-datadog-parent-id": decimal(SPAN)}, (PADDED, SPAN, None)),
    (
        "datadog",
        {
            "x-datadog-trace-id": decimal(HALF),
            "x-datadog-parent-id": "0",
            "x-datadog-sampling-priority": "-1",
            "x-datadog-tags": f"_dd.p.dm=-4,_dd.p.tid={TRACE[:16]}",
        },
        (TRACE, None, False),
    ),
    ("datadog", {"x-datadog-trace-id": str(1 << 64)}, (None, None, None)),
    ("xray", {"x-amzn-trace-id": f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={SPAN};Sampled=1"}, (TRACE, SPAN, True)),
    ("xray", {"x-amzn-trace-id": f"Self=1-2-3; Sampled=?; Root=1-{TRACE[:8]}-{TRACE[8:]}"}, (TRACE, None, None)),
    ("google", {"x-cloud-trace-context": f"{TRACE}/{decimal(SPAN)};o=1"}, (TRACE, SPAN, True)),
    ("google", {"x-cloud-trace-context": TRACE}, (TRACE, None, None)),
    ("google", {"x-cloud-trace-context": f"{TRACE}/;o=0"}, (TRACE, None, False)),
    ("opencensus", {"grpc-trace-bin": base64(OPENCENSUS)}, (TRACE, SPAN, True)),
    ("opencensus", {"grpc-trace-bin": base64(OPENCENSUS[:18])}, (TRACE, None, None)),
    ("opencensus", {"grpc-trace-bin": b64encode(OPENCENSUS).decode()}, (TRACE, SPAN, True)),
    ("opencensus", {"grpc-trace-bin": base64(OPENCENSUS[:-1] + b"\0")}, (TRACE, SPAN, None)),
    ("opencensus", {"grpc-trace-bin": base64(OPENCENSUS[:18] + b"\2\1")}, (TRACE, None, True)),
    ("opencensus", {"grpc-trace-bin": base64(b"\0" + OPENCENSUS[18:27])}, (None, SPAN, None)),
    ("opencensus", {"grpc-trace-bin": base64(OPENCENSUS[:27] + b"\3\2\1")}, (TRACE, SPAN, None)),
    ("opencensus", {"grpc-trace-bin": base64(OPENCENSUS[:17])}, (None, None, None)),
    ("opencensus", {"grpc-trace-bin": base64(b"\1" + OPENCENSUS[1:])}, (None, None, None)),
    ("opencensus", {"grpc-trace-bin": base64(OPENCENSUS) + "," + base64(b"\0")}, (TRACE, SPAN, True)),
    ("opencensus", {"grpc-trace-bin": b64encode(OPENCENSUS).decode() + ", AAAA"}, (TRACE, SPAN, True)),
    ("opencensus", {"grpc-trace-bin": "," + base64(OPENCENSUS)}, (None, None, None)),
    ("opencensus", {"grpc-trace-bin": "*" + base64(OPENCENSUS)}, (None, None, None)),
    ("opencensus", {"grpc-trace-bin": base64(OPENCENSUS)[:20] + "=" + base64(OPENCENSUS)[20:]}, (None, None, None)),
    ("opencensus", {"grpc-trace-bin": "A"}, (None, None, None)),
    ("opencensus", {"grpc-trace-bin": ""}, (None, None, None)),
    (
        "opentracing",
        {"ot-tracer-traceid": HALF, "ot-tracer-spanid": "1", "ot-tracer-sampled": "false"},
        (PADDED, "1".zfill(16), False),
    ),
    ("lightstep", {"x-ot-span-context": "EhQJ"}, (None, None, None)),
    ("skywalking", {"sw8": SW8}, ("trace.1.2", "segment/3", True)),
    ("skywalking", {"sw8": "1-2-3"}, (None, None, None)),
    ("elastic", {"elastic-apm-traceparent": f"00-{TRACE}-{SPAN}-00"}, (TRACE, SPAN, False)),
    ("newrelic", {"newrelic": base64(NEWRELIC)}, (TRACE, SPAN, True)),
    ("newrelic", {"newrelic": base64('{"d":[1]}')}, (None, None, None)),
    ("newrelic", {"newrelic": base64("[" * 100_000)}, (None, None, None)),
    ("newrelic", {"newrelic": base64("1" * 100_000)}, (None, None, None)),
    ("request-id", {"request-id": f"|{TRACE}.bcec871c_1."}, (TRACE, f"|{TRACE}.bcec871c_1.", None)),
    ("request-id", {"request-id": "|ab.1."}, ("ab", "|ab.1.", None)),
    ("sentry", {"sentry-trace": f"{TRACE}-{SPAN}-0"}, (TRACE, SPAN, False)),
    ("sentry", {"sentry-trace": f"{TRACE}-{SPAN}"}, (TRACE, SPAN, None)),
    ("instana", {"x-instana-t": HALF, "x-instana-s": SPAN, "x-instana-l": "1"}, (PADDED, SPAN, True)),
    ("instana", {"x-instana-l": "0,correlationType=web"}, (None, None, False)),
    ("honeycomb", {"x-honeycomb-trace": f"1;dataset=d,trace_id={TRACE},parent_id=p,context=e30="}, (TRACE, "p", None)),
    (
        "pinpoint",
        {"pinpoint-traceid": "agent^1^2", "pinpoint-spanid": "-7", "pinpoint-sampled": "s0"},
        ("agent^1^2", "-7", False),
    ),
    ("dynatrace", {"x-dynatrace": "FW4;1"}, (None, None, None)),
    ("appdynamics", {"singularityheader": "*appId=1"}, (None, None, None)),
    ("solarwinds", {"x-trace": f"2B{TRACE.upper()}00000000{SPAN}01"}, (TRACE, SPAN, True)),
    ("correlation-vector", {"ms-cv": "base.1.2"}, ("base", "base.1.2", None)),
]


@pytest.mark.parametrize(("name", "fields", "ids"), EXAMPLES)
def test_examples(name: str, fields: dict[str, str], ids: tuple[str | None, str | None, bool | None]) -> None:
    """Each format is named, and its ids come in normal form."""
    seen = read([(field.encode(), value.encode()) for field, value in fields.items()])
    assert seen.carriers == (Carrier(name, *ids),)
    assert seen.presence == "absent"


@pytest.mark.parametrize("length", range(16, 30))
@pytest.mark.parametrize("padded", [True, False])
def test_binary_metadata_may_be_padded_or_not(length: int, padded: bool) -> None:
    """Both ways say the same, for every remainder of three bytes."""
    text = b64encode((OPENCENSUS + bytes(9))[:length])
    (carrier,) = read([(b"grpc-trace-bin", text if padded else text.rstrip(b"="))]).carriers
    assert carrier.trace_id == (TRACE if length >= 18 else None)
    assert carrier.span_id == (SPAN if length >= 27 else None)


def test_binary_metadata_names_a_trace_that_can_be_compared() -> None:
    """It disagrees with a traceparent of another trace, and is what is there instead of a missing one."""
    field = (b"grpc-trace-bin", base64(OPENCENSUS).encode())
    assert "carriers-disagree" not in read([TRACEPARENT, field]).warnings
    other = (b"traceparent", b"00-" + b"1" * 32 + b"-" + SPAN.encode() + b"-01")
    assert "carriers-disagree" in read([other, field]).warnings


def test_every_format_has_an_example() -> None:
    """No row of the table goes untried."""
    assert {name for name, _, _ in EXAMPLES} == {each.name for each in FORMATS}


@pytest.mark.parametrize("field", [(b"request-id", b"req_1"), (b"x-trace", b"1234")])
def test_a_generic_name_with_another_value_is_no_carrier(field: tuple[bytes, bytes]) -> None:
    """Ids of requests are not taken for another tracing format."""
    assert read([field]).carriers == ()


def test_the_first_value_of_a_field_counts() -> None:
    """As in the formats' own libraries."""
    seen = read([(b"x-b3-traceid", TRACE.encode()), (b"x-b3-traceid", b"1" * 32)])
    assert seen.carriers == (Carrier("b3", TRACE, None, None),)


@pytest.mark.parametrize(
    ("other", "disagrees"),
    [
        ((b"b3", f"{TRACE}-{SPAN}".encode()), False),
        ((b"b3", f"{HALF}-{SPAN}".encode()), False),
        ((b"b3", f"{TRACE[:31]}0-{SPAN}".encode()), True),
        ((b"b3", f"{TRACE[:16]}-{SPAN}".encode()), True),
        ((b"x-datadog-trace-id", decimal(HALF).encode()), False),
        ((b"x-datadog-trace-id", b"1"), True),
        ((b"sw8", SW8.encode()), False),
        ((b"request-id", b"|" + b"z" * 32 + b"."), False),
        ((b"b3", b"1"), False),
    ],
)
def test_carriers_that_disagree_with_traceparent(other: tuple[bytes, bytes], disagrees: bool) -> None:
    """Ids are compared whole, or by their right halves where one is of 64 bits; opaque ones not at all."""
    assert disagrees == ("carriers-disagree" in read([TRACEPARENT, other]).warnings)


def test_carriers_that_disagree_without_traceparent() -> None:
    """Other formats are compared with each other as well."""
    fields = [(b"b3", f"{TRACE}-{SPAN}".encode()), (b"sentry-trace", b"1" * 32 + b"-" + SPAN.encode())]
    assert read(fields).warnings == ("carriers-disagree",)


def test_same_trace_needs_more_than_a_zero_half() -> None:
    """Two 64-bit ids are equal only if their right halves are."""
    assert same_trace(PADDED, TRACE)
    assert same_trace(PADDED, PADDED)
    assert not same_trace(PADDED, "0" * 31 + "1")


@given(st.lists(st.tuples(st.sampled_from(sorted(FIELDS)), st.binary(max_size=60)), max_size=6))
def test_no_bytes_raise(fields: list[tuple[bytes, bytes]]) -> None:
    """Whatever other formats' fields hold, each format is told at most once."""
    names = [each.format for each in read(fields).carriers]
    assert len(names) == len(set(names))


def test_every_field_that_is_read_is_kept() -> None:
    """A field that a format reads reaches it."""
    assert FIELDS <= KEPT_FIELDS
    assert all(field == field.lower() for field in KEPT_FIELDS)
