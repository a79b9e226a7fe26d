"""Other propagation formats: one row of `FORMATS` each, read as far as a trace id can be compared.

A format is present when one of its fields is; ids that are malformed or that need more than string work are None.
They are read leniently (either case, leading zeros missing), because they are compared, not judged. The first value
of a field counts, as the formats' own libraries have it.

Not here: ids of requests that are no trace ids (`x-request-id`, `x-correlation-id` and the like), and fields that
carry only baggage or the caller's name (`uberctx-*`, `ot-baggage-*`, `jaeger-baggage`, `sw8-correlation`, `sw8-x`,
`grpc-tags-bin`, `correlation-context`, `request-context`, `x-datadog-origin`).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import combinations
from typing import NamedTuple

from wiresniff.model.context import Carrier
from wiresniff.tracecontext import grammars as read

Values = Mapping[bytes, bytes]
"""The first value of each field, by lower-case name."""


class Format(NamedTuple):
    """A propagation format: its word, its fields, and how they are read."""

    name: str
    fields: tuple[bytes, ...]
    extract: Callable[[Values], read.Ids | None]
    """None where a generic field name holds something else, so that the format is not present."""
    comparable: bool = True
    """Its trace id, if read, may be compared with those of other formats."""


def presence(_: Values) -> read.Ids:
    """Read nothing: only presence is told."""
    return read.UNREAD


FORMATS = (
    Format("b3", (b"b3", b"x-b3-traceid", b"x-b3-spanid", b"x-b3-sampled", b"x-b3-flags"), read.b3),
    Format("jaeger", (b"uber-trace-id",), read.jaeger),
    Format(
        "datadog",
        (b"x-datadog-trace-id", b"x-datadog-parent-id", b"x-datadog-sampling-priority", b"x-datadog-tags"),
        read.datadog,
    ),
    Format("xray", (b"x-amzn-trace-id",), read.xray),
    Format("google", (b"x-cloud-trace-context",), read.google),
    Format("opencensus", (b"grpc-trace-bin",), read.opencensus),
    Format("opentracing", (b"ot-tracer-traceid", b"ot-tracer-spanid", b"ot-tracer-sampled"), read.opentracing),
    Format("lightstep", (b"x-ot-span-context",), presence),
    Format("skywalking", (b"sw8",), read.skywalking, comparable=False),
    Format("elastic", (b"elastic-apm-traceparent",), read.elastic),
    Format("newrelic", (b"newrelic",), read.newrelic),
    Format("request-id", (b"request-id",), read.request_id),
    Format("sentry", (b"sentry-trace",), read.sentry),
    Format("instana", (b"x-instana-t", b"x-instana-s", b"x-instana-l"), read.instana),
    Format("honeycomb", (b"x-honeycomb-trace",), read.honeycomb),
    Format("pinpoint", (b"pinpoint-traceid", b"pinpoint-spanid", b"pinpoint-sampled"), read.pinpoint, comparable=False),
    Format("dynatrace", (b"x-dynatrace",), presence),
    Format("appdynamics", (b"singularityheader",), presence),
    Format("solarwinds", (b"x-trace",), read.solarwinds),
    Format("correlation-vector", (b"ms-cv",), read.correlation_vector, comparable=False),
)

FIELDS = frozenset(field for each in FORMATS for field in each.fields)
FORMAT_OF_FIELD = {field: row for row, each in enumerate(FORMATS) for field in each.fields}
COMPARABLE = frozenset(each.name for each in FORMATS if each.comparable)

IS_NORMAL = re.compile("[0-9a-f]{32}").fullmatch
"""A trace id that can be compared across formats; others are opaque."""


def read_carriers(values: Values) -> tuple[Carrier, ...]:
    """Read every format that has a field among `values`, in the order of `FORMATS`."""
    carriers: list[Carrier] = []
    for row in sorted({FORMAT_OF_FIELD[field] for field in values}):
        ids = FORMATS[row].extract(values)
        if ids is not None:
            carriers.append(Carrier(FORMATS[row].name, *ids))
    return tuple(carriers)


def same_trace(one: str, other: str) -> bool:
    """Compare two trace ids in normal form; where one is of 64 bits, only their right halves.

    Trace Context Level 2, "Interoperating with existing systems which use shorter identifiers": pad on the left, keep
    the right.
    """
    if one[:16] == "0" * 16 or other[:16] == "0" * 16:
        return one[16:] == other[16:]
    return one == other


def disagree(trace_id: str | None, carriers: Iterable[Carrier]) -> bool:
    """Two formats of one message, the W3C one with `trace_id` included, name different traces."""
    ids = [each.trace_id for each in carriers if each.format in COMPARABLE]
    normal = {each for each in (trace_id, *ids) if each and IS_NORMAL(each)}
    return any(not same_trace(one, other) for one, other in combinations(sorted(normal), 2))
