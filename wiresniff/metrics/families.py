"""The table of metric families. Dashboards and alerts rely on names and labels: they grow, nothing is renamed."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What a family's numbers do."""

    COUNTER = "counter"
    GAUGE = "gauge"


class Family(NamedTuple):
    """One metric family."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    """In the order in which samples give them."""
    help: str


PAIR = ("client", "server")

REQUESTS = Family(
    "wiresniff_requests_total",
    Kind.COUNTER,
    (*PAIR, "protocol", "verdict", "reporter"),
    "Requests seen from one service to another, by verdict on their trace context.",
)
INFERRED = Family(
    "wiresniff_inferred_requests_total",
    Kind.COUNTER,
    (*PAIR, "verdict", "reporter"),
    "The part of wiresniff_requests_total whose verdict is inferred rather than seen.",
)
FAILED = Family(
    "wiresniff_failed_requests_total",
    Kind.COUNTER,
    (*PAIR, "traced", "reporter"),
    "Requests that failed (5xx, non-zero gRPC status, no response); traced is false when they were judged to be "
    "without a usable context, true for all others.",
)
FAULTS = Family(
    "wiresniff_traceparent_faults_total",
    Kind.COUNTER,
    (*PAIR, "fault", "reporter"),
    "Faults found in traceparent; a request may have several.",
)
HOPS = Family(
    "wiresniff_hops_total",
    Kind.COUNTER,
    (*PAIR, "outcome", "confidence"),
    "Requests by what their client made of the trace that it was called with. Judged about a second after the request; "
    "an agent that does not see who calls the client takes it for a front door (root or bare, certain).",
)
SAMPLED = Family(
    "wiresniff_sampled_requests_total",
    Kind.COUNTER,
    (*PAIR, "reporter"),
    "Requests with a valid traceparent whose sampled flag is set.",
)
BAGGAGE = Family(
    "wiresniff_baggage_bytes_total",
    Kind.COUNTER,
    (*PAIR, "reporter"),
    "Bytes of baggage carried by requests.",
)
PARSED = Family(
    "wiresniff_parsed_bytes_total",
    Kind.COUNTER,
    (*PAIR, "reporter"),
    "TCP payload bytes of a pair that could be read.",
)
OPAQUE = Family(
    "wiresniff_opaque_bytes_total",
    Kind.COUNTER,
    (*PAIR, "reason", "reporter"),
    "TCP payload bytes of a pair that could not be read, by reason.",
)
GAPS = Family("wiresniff_gap_bytes_total", Kind.COUNTER, (), "TCP payload bytes that were sent and not captured.")
ANOMALIES = Family(
    "wiresniff_anomalies_total",
    Kind.COUNTER,
    ("anomaly",),
    "Trouble on the wire that blames no service.",
)
EVICTIONS = Family(
    "wiresniff_evictions_total",
    Kind.COUNTER,
    ("table",),
    "Entries dropped from a bounded table because it was full.",
)
INTERNAL_ERRORS = Family(
    "wiresniff_internal_errors_total",
    Kind.COUNTER,
    (),
    "Connections given up because of a defect of wiresniff.",
)
CONNECTIONS = Family(
    "wiresniff_connections",
    Kind.GAUGE,
    (),
    "TCP connections followed; of a capture file, all that were seen in it.",
)
CAPTURE_UP = Family(
    "wiresniff_capture_up",
    Kind.GAUGE,
    ("interface",),
    "Whether packets of an interface are taken: 1, or 0 without the right to or the interface.",
)
CAPTURE_PACKETS = Family(
    "wiresniff_capture_packets_total",
    Kind.COUNTER,
    ("interface",),
    "Packets that the kernel handed over or dropped, after the filter.",
)
CAPTURE_BYTES = Family(
    "wiresniff_capture_bytes_total",
    Kind.COUNTER,
    ("interface",),
    "Bytes of packets that were captured, as long as they were on the wire.",
)
CAPTURE_DROPPED = Family(
    "wiresniff_capture_dropped_packets_total",
    Kind.COUNTER,
    ("interface",),
    "Packets that the kernel dropped because they were not taken in time.",
)
CAPTURE_LEFT_OUT = Family(
    "wiresniff_capture_left_out_packets_total",
    Kind.COUNTER,
    ("interface",),
    "Packets of connections that were left out at overload, so that others were seen whole.",
)
POLICY_RELOADED = Family(
    "wiresniff_policy_last_reload_successful",
    Kind.GAUGE,
    (),
    "Whether the policy was good when it was last read: 1, or 0 when the one before it is still in force.",
)
POLICY_RELOAD_TIME = Family(
    "wiresniff_policy_last_reload_success_timestamp_seconds",
    Kind.GAUGE,
    (),
    "When a policy was last put in force, in seconds since 1970.",
)
SNAPSHOT_TIME = Family(
    "wiresniff_snapshot_timestamp_seconds",
    Kind.GAUGE,
    (),
    "When the capture last handed over these numbers, in seconds since 1970; it stands still if capture does.",
)
BUILD_INFO = Family("wiresniff_build_info", Kind.GAUGE, ("version",), "Version of wiresniff; always 1.")

AUDIT_FAMILIES = (
    REQUESTS, INFERRED, FAILED, FAULTS, HOPS, SAMPLED, BAGGAGE, PARSED, OPAQUE, GAPS, ANOMALIES, EVICTIONS,
    INTERNAL_ERRORS, CONNECTIONS, BUILD_INFO,
)  # fmt: skip
"""Those of every audit, in the order in which they are exposed."""
LIVE_FAMILIES = (
    CAPTURE_UP, CAPTURE_PACKETS, CAPTURE_BYTES, CAPTURE_DROPPED, CAPTURE_LEFT_OUT, POLICY_RELOADED, POLICY_RELOAD_TIME,
    SNAPSHOT_TIME,
)  # fmt: skip
"""Those that only live capture has."""
FAMILIES = (*AUDIT_FAMILIES, *LIVE_FAMILIES)
