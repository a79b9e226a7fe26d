"""How the fields of other formats are read: one function per row of `carriers.FORMATS`, its grammar above it.

Every function takes the first value of each field by name and returns (trace id, span id, sampled), each None where
it is absent, malformed or deferred. Trace ids of 64 bits are padded with zeros on the left.
"""

import json
import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

Ids = tuple[str | None, str | None, bool | None]
UNREAD: Ids = (None, None, None)

TRACE_ID = re.compile(rb"(?:[0-9A-Fa-f]{16}|[0-9A-Fa-f]{32})").fullmatch
UNPADDED_TRACE_ID = re.compile(rb"[0-9A-Fa-f]{1,32}").fullmatch
SPAN_ID = re.compile(rb"[0-9A-Fa-f]{1,16}").fullmatch
DECIMAL = re.compile(rb"[0-9]{1,20}").fullmatch
PRIORITY = re.compile(rb"-?[0-9]{1,4}").fullmatch
BITS_64 = 1 << 64


def trace_id(digits: bytes | None) -> str | None:
    """1 to 32 hexadecimal digits -> normal form; None for zero, which no format means as an id."""
    if digits is None or not UNPADDED_TRACE_ID(digits) or not digits.strip(b"0"):
        return None
    return digits.decode("ascii").lower().zfill(32)


def span_id(digits: bytes | None) -> str | None:
    """1 to 16 hexadecimal digits -> 16 in lower case; None for zero."""
    if digits is None or not SPAN_ID(digits) or not digits.strip(b"0"):
        return None
    return digits.decode("ascii").lower().zfill(16)


def decimal(digits: bytes | None) -> str | None:
    """Return an unsigned 64-bit decimal number as 16 hexadecimal digits; None for zero and for anything else."""
    if digits is None or not DECIMAL(digits):
        return None
    number = int(digits)
    return f"{number:016x}" if 0 < number < BITS_64 else None


def pairs(value: bytes, separator: bytes) -> dict[bytes, bytes]:
    """Read `key=value` pairs; keys in lower case, the first of equal ones wins, blanks round pairs are dropped."""
    found: dict[bytes, bytes] = {}
    for part in value.split(separator):
        key, equals, rest = part.strip(b" \t").partition(b"=")
        if equals:
            found.setdefault(key.lower(), rest)
    return found


# B3 (openzipkin/b3-propagation): b3: {tid}-{sid}[-{sampled}[-{psid}]], or the sampling state alone
B3_SINGLE = re.compile(
    rb"(?:([0-9A-Fa-f]{32}|[0-9A-Fa-f]{16})-([0-9A-Fa-f]{16})(?:-([01d])(?:-[0-9A-Fa-f]{16})?)?|([01d]))"
).fullmatch
B3_SAMPLED = {b"1": True, b"d": True, b"true": True, b"0": False, b"false": False}


def b3(values: Mapping[bytes, bytes]) -> Ids:
    """Single field first, then the `x-b3-` ones (`x-b3-flags: 1` is debug, which implies sampled)."""
    if found := B3_SINGLE(values.get(b"b3", b"")):
        return trace_id(found[1]), span_id(found[2]), B3_SAMPLED.get(found[3] or found[4])
    multi = values.get(b"x-b3-traceid", b"")
    debug = values.get(b"x-b3-flags") == b"1"
    return (
        trace_id(multi) if TRACE_ID(multi) else None,
        span_id(values.get(b"x-b3-spanid")),
        True if debug else B3_SAMPLED.get(values.get(b"x-b3-sampled", b"").lower()),
    )


# Jaeger: {tid}:{sid}:{psid}:{flags}, leading zeros may be missing, possibly URL-encoded
JAEGER = re.compile(rb"([0-9A-Fa-f]{1,32}):([0-9A-Fa-f]{1,16}):[0-9A-Fa-f]{1,16}:([0-9A-Fa-f]{1,2})").fullmatch


def jaeger(values: Mapping[bytes, bytes]) -> Ids:
    """`uber-trace-id`; bit 0 of the flags is sampled."""
    value = values[b"uber-trace-id"]
    found = JAEGER(value if b":" in value else unquote_to_bytes(value))
    return (trace_id(found[1]), span_id(found[2]), bool(int(found[3], 16) & 1)) if found else UNREAD


def datadog(values: Mapping[bytes, bytes]) -> Ids:
    """Decimal ids of 64 bits; the tag `_dd.p.tid` is the left half of the trace id; a priority above 0 keeps."""
    low = decimal(values.get(b"x-datadog-trace-id"))
    high = pairs(values.get(b"x-datadog-tags", b""), b",").get(b"_dd.p.tid", b"")
    left = high.decode("ascii").lower() if len(high) == 16 and SPAN_ID(high) else "0" * 16  # noqa: PLR2004
    priority = values.get(b"x-datadog-sampling-priority", b"")
    return (
        left + low if low else None,
        decimal(values.get(b"x-datadog-parent-id")),
        int(priority) > 0 if PRIORITY(priority) else None,
    )


# AWS X-Ray: Root=1-8hex-24hex;Parent=16hex;Sampled=0|1|?, in any order
XRAY_ROOT = re.compile(rb"1-([0-9A-Fa-f]{8})-([0-9A-Fa-f]{24})").fullmatch
ONE_OR_ZERO = {b"1": True, b"0": False}


def xray(values: Mapping[bytes, bytes]) -> Ids:
    """`X-Amzn-Trace-Id`: the root without its version and dashes is the trace id."""
    parts = pairs(values[b"x-amzn-trace-id"], b";")
    root = XRAY_ROOT(parts.get(b"root", b""))
    return (
        trace_id(root[1] + root[2]) if root else None,
        span_id(parts.get(b"parent")),
        ONE_OR_ZERO.get(parts.get(b"sampled", b"")),
    )


# Google Cloud: TRACE_ID[/SPAN_ID][;o=OPTIONS], span id in decimal
GOOGLE = re.compile(rb"([0-9A-Fa-f]{32})(?:/([0-9]{0,20}))?(?:;o=([0-9]{0,3}))?").fullmatch


def google(values: Mapping[bytes, bytes]) -> Ids:
    """`X-Cloud-Trace-Context`; bit 0 of the options is sampled."""
    found = GOOGLE(values[b"x-cloud-trace-context"])
    if not found:
        return UNREAD
    return trace_id(found[1]), decimal(found[2]), bool(int(found[3]) & 1) if found[3] else None


# OpenCensus (BinaryEncoding): version 0, then fields, each a number and so many bytes; an unknown number ends them
OPENCENSUS_LENGTHS = {0: 16, 1: 8, 2: 1}
OPENCENSUS_TRACE_ID, OPENCENSUS_SPAN_ID, OPENCENSUS_OPTIONS = OPENCENSUS_LENGTHS


def opencensus(values: Mapping[bytes, bytes]) -> Ids:
    """`grpc-trace-bin`: fields trace id, span id and options, each optional; bit 0 of the options is sampled."""
    data = base64(binary_metadata(values[b"grpc-trace-bin"]))
    if data[:1] != b"\0":
        return UNREAD
    found: dict[int, bytes] = {}
    at = 1
    while at < len(data):
        number, begin = data[at], at + 1
        at = begin + OPENCENSUS_LENGTHS.get(number, len(data))
        if at > len(data):
            break
        found.setdefault(number, data[begin:at])
    options = found.get(OPENCENSUS_OPTIONS, b"\0")[0]
    return (
        trace_id(found.get(OPENCENSUS_TRACE_ID, b"").hex().encode()),
        span_id(found.get(OPENCENSUS_SPAN_ID, b"").hex().encode()),
        True if options & 1 else None,
    )


def binary_metadata(value: bytes) -> bytes:
    """Return the first value of a `-bin` field, still in Base64: libraries join several by commas.

    gRPC over HTTP/2, "Requests": Binary-Headers are split on "," before they are decoded.
    """
    return value.partition(b",")[0].strip(b" \t")


IS_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}").fullmatch


def base64(value: bytes) -> bytes:
    """Return what the Base64 text stands for, padding optional; nothing for what is no Base64."""
    if not IS_BASE64(value):
        return b""  # the decoder would leave out what it does not know
    try:
        return a2b_base64(value.rstrip(b"=") + b"=" * (-len(value.rstrip(b"=")) % 4))
    except Base64Error:
        return b""


def opentracing(values: Mapping[bytes, bytes]) -> Ids:
    """`ot-tracer-traceid` and its kin: 1 to 32 digits, leading zeros may be missing."""
    return (
        trace_id(values.get(b"ot-tracer-traceid")),
        span_id(values.get(b"ot-tracer-spanid")),
        B3_SAMPLED.get(values.get(b"ot-tracer-sampled", b"").lower()),
    )


# SkyWalking v3: {0|1}-b64(trace id)-b64(segment id)-span-b64(service)-b64(instance)-b64(endpoint)-b64(peer)
SKYWALKING_FIELDS = 8


def skywalking(values: Mapping[bytes, bytes]) -> Ids:
    """`sw8`: an opaque trace id; segment and span number together are the span."""
    parts = values[b"sw8"].split(b"-", SKYWALKING_FIELDS)
    if len(parts) != SKYWALKING_FIELDS:
        return UNREAD
    segment = base64(parts[2]).decode("latin-1") + "/" + parts[3].decode("latin-1")
    return base64(parts[1]).decode("latin-1") or None, segment, ONE_OR_ZERO.get(parts[0])


ELASTIC = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})").fullmatch


def elastic(values: Mapping[bytes, bytes]) -> Ids:
    """`elastic-apm-traceparent`: a traceparent under an older name."""
    found = ELASTIC(values[b"elastic-apm-traceparent"])
    return (trace_id(found[1]), span_id(found[2]), bool(int(found[3], 16) & 1)) if found else UNREAD


def newrelic(values: Mapping[bytes, bytes]) -> Ids:
    """`newrelic`: Base64 of JSON, `d.tr` trace, `d.id` span, `d.sa` sampled."""
    try:
        payload = json.loads(base64(values[b"newrelic"]))
    except (ValueError, RecursionError):  # hostile input nests as deep as it likes
        return UNREAD
    data = payload.get("d") if isinstance(payload, dict) else None
    if not isinstance(data, dict):
        return UNREAD
    sampled = data.get("sa")
    return (
        trace_id(text(data.get("tr"))),
        span_id(text(data.get("id"))),
        sampled if isinstance(sampled, bool) else None,
    )


def text(value: object) -> bytes:
    """Return a JSON string as bytes, anything else as nothing."""
    return value.encode("utf-8", "replace") if isinstance(value, str) else b""


def request_id(values: Mapping[bytes, bytes]) -> Ids | None:
    """`Request-Id` of .NET: `|root.local_local.`. Flat ids under this name are anybody's and no trace."""
    value = values[b"request-id"]
    if not value.startswith(b"|"):
        return None
    root = value[1:].partition(b".")[0]
    known = trace_id(root) if TRACE_ID(root) else None
    return known or root.decode("latin-1") or None, value.decode("latin-1"), None


# Sentry: {tid}-{sid}[-{0|1}]
SENTRY = re.compile(rb"([0-9A-Fa-f]{32})?-?([0-9A-Fa-f]{16})?-?([01])?").fullmatch


def sentry(values: Mapping[bytes, bytes]) -> Ids:
    """`sentry-trace`: all parts optional."""
    found = SENTRY(values[b"sentry-trace"])
    return (trace_id(found[1]), span_id(found[2]), ONE_OR_ZERO.get(found[3])) if found else UNREAD


def instana(values: Mapping[bytes, bytes]) -> Ids:
    """`X-INSTANA-T`, `-S` and `-L`; level 0 suppresses."""
    trace = values.get(b"x-instana-t", b"")
    level = values.get(b"x-instana-l", b"").partition(b",")[0].strip(b" \t")
    return (
        trace_id(trace) if TRACE_ID(trace) else None,
        span_id(values.get(b"x-instana-s")),
        ONE_OR_ZERO.get(level),
    )


def honeycomb(values: Mapping[bytes, bytes]) -> Ids:
    """`X-Honeycomb-Trace`: `1;trace_id=...,parent_id=...,context=...`; ids are hexadecimal or opaque."""
    version, _, rest = values[b"x-honeycomb-trace"].partition(b";")
    if version != b"1":
        return UNREAD
    parts = pairs(rest, b",")
    trace, parent = parts.get(b"trace_id", b""), parts.get(b"parent_id", b"")
    known = trace_id(trace) if TRACE_ID(trace) else None
    return known or trace.decode("latin-1") or None, parent.decode("latin-1") or None, None


PINPOINT_SAMPLED = {b"s0": False, b"s1": True}


def pinpoint(values: Mapping[bytes, bytes]) -> Ids:
    """`Pinpoint-TraceID` is `agent^start^sequence`, opaque; the span id is a decimal number."""
    return (
        values.get(b"pinpoint-traceid", b"").decode("latin-1") or None,
        values.get(b"pinpoint-spanid", b"").decode("latin-1") or None,
        PINPOINT_SAMPLED.get(values.get(b"pinpoint-sampled", b"")),
    )


# SolarWinds: 2B, task id of 40 digits (its left 32 are the trace id), operation id of 16, flags of 2
SOLARWINDS = re.compile(rb"2[Bb]([0-9A-Fa-f]{32})[0-9A-Fa-f]{8}([0-9A-Fa-f]{16})([0-9A-Fa-f]{2})").fullmatch


def solarwinds(values: Mapping[bytes, bytes]) -> Ids | None:
    """`X-Trace`: a generic name, so other values are not of this format."""
    found = SOLARWINDS(values[b"x-trace"])
    return (trace_id(found[1]), span_id(found[2]), bool(int(found[3], 16) & 1)) if found else None


def correlation_vector(values: Mapping[bytes, bytes]) -> Ids:
    """`MS-CV`: `base.extension.extension`; the base is the trace."""
    value = values[b"ms-cv"]
    return value.partition(b".")[0].decode("latin-1") or None, value.decode("latin-1") or None, None
