"""What every finding means, and what to do."""

from wiresniff.report.explanations.entry import Explanation
from wiresniff.report.explanations.hop_findings import OF_HOPS

OF_PAIRS = (
    Explanation(
        "context-missing",
        "requests from one service to another carry no traceparent",
        "Of the requests whose heads were seen whole, and that are not exempt, so many carry none. From 99 % on it "
        "is an error, above 5 % a warning, below for your information; a threshold of the policy decides instead. "
        "Pairs with fewer than 20 judged requests, or with an end outside, are no errors.",
        'Trace Context, "Mutating the traceparent Field": a service that received a traceparent must send it on; one '
        "that received none should start a trace (Level 2).",
        "Nearly all: the client is not instrumented, or a proxy between removes the field; capture before and behind "
        "it. Some: the message names the operations; look for an HTTP client that bypasses the instrumented one, or "
        "work handed to a thread or queue without its context. Requests that owe no trace belong under `exempt` in "
        "the policy.",
    ),
    Explanation(
        "context-malformed",
        "requests carry a traceparent that conforming receivers ignore",
        "The field is there and breaks the grammar, so the trace ends here and another begins behind it, for every "
        "receiver that follows the standard. The faults say how it is broken.",
        'Trace Context, "A traceparent is Received": a receiver that cannot parse it creates a new one.',
        "Look at the values of the witnesses and explain the fault by its word. Code that puts the field together by "
        "hand is the usual reason: let a propagator of an SDK write it.",
    ),
    Explanation(
        "foreign-format-only",
        "another trace format is sent instead of traceparent",
        "Requests lack traceparent and carry b3, Datadog's, Jaeger's or another format. The trace is not broken "
        "between services that share that format, and ends at the first one that reads only traceparent.",
        "Trace Context knows no other formats. OpenTelemetry, environment variables: OTEL_PROPAGATORS names those that "
        "are sent.",
        "While you migrate, send both: OTEL_PROPAGATORS=tracecontext,baggage,b3 in OpenTelemetry; Datadog tracers and "
        "others have a setting for it.",
    ),
    Explanation(
        "duplicate-header",
        "requests carry traceparent twice",
        "Two fields, or two values joined by a comma. A conforming receiver uses neither and starts a new trace; some "
        "take the first, some the last, so services disagree about the parent.",
        "RFC 9110 5.3: only list fields may be repeated, and traceparent is none; the W3C test suite expects a new "
        "trace.",
        "Two layers each add a field: an agent beside an SDK, or a proxy that appends where it should replace. Switch "
        "one off.",
    ),
    Explanation(
        "carriers-disagree",
        "two trace formats on one request name different traces",
        "traceparent says one trace id and another format (b3, for instance) a second one. Receivers follow the one or "
        "the other, and the trace forks.",
        "Trace Context knows no other formats; its rules on interoperability want one id in all of them.",
        "Usually an instrumented proxy writes one format while the application passes on the other, or one library "
        "writes what another does not read. Let one propagator write all formats.",
    ),
    Explanation(
        "shared-parent-id",
        "one traceparent stands on many requests",
        "Request after request of an HTTP/2 connection, eight or more over ten seconds or more, carries the same "
        "trace-id and parent-id. All their spans become children of one span in one trace, which grows without end "
        "and says nothing about any of them.",
        'Trace Context, "A traceparent is Received": parent-id is set to a new value for each outgoing request.',
        "Look for a client that sets the field once, when the connection or the client object is made (a default "
        "header, an interceptor that captured a context), and let the instrumentation set it for each request.",
    ),
    Explanation(
        "future-version",
        "requests carry a traceparent of a version not defined yet",
        "The version is above 00. Conforming receivers use its ids; some SDKs treat it otherwise.",
        'Trace Context, "Versioning of traceparent": versions above are parsed by the rules given there.',
        "Find out who sends it: no published standard has a version other than 00.",
    ),
    Explanation(
        "not-level-1",
        "tracestate holds keys that Level 1 does not allow",
        "Keys that begin with a digit, or are longer on one side of the @, are good in Level 2 and bad in Level 1. "
        "Many SDKs still follow Level 1 and drop the whole tracestate because of one such key.",
        'Trace Context Level 1 and Level 2, "Key".',
        "Use a key that begins with a letter. `--level 1` judges by Level 1.",
    ),
    Explanation(
        "baggage-large",
        "baggage is larger than what must be passed on",
        "More than 64 members or 8192 bytes. Every hop may drop members above that, and each request carries the "
        "weight.",
        'W3C Baggage, "Limits": up to 64 members and 8192 bytes must be propagated.',
        "See with `--show-values baggage` who adds what, and keep only what somebody reads.",
    ),
    Explanation(
        "baggage-to-outside",
        "baggage is sent to a service outside",
        "Requests to a server outside carry baggage. It often holds user or account ids that were meant for services "
        "within.",
        'W3C Baggage, "Privacy Considerations": baggage must not leave the trust boundary unlooked at.',
        "Remove the field at the gateway, or switch baggage propagation off for clients of outside services.",
    ),
    Explanation(
        "capture-blind",
        "most TCP bytes could not be read",
        "More than half of the payload is opaque: encrypted, of an unknown protocol, or in a tunnel. The report "
        "speaks of the rest, and silence about a service proves nothing. No packet proves it: the accounting of the "
        "report does.",
        "No standard: this is a rule of wiresniff.",
        "Capture where the traffic is in the clear: behind the proxy that ends TLS, or on loopback beside a sidecar.",
    ),
    Explanation(
        "capture-lossy",
        "packets are missing from the capture",
        "More than 1 % of the payload bytes were sent but are not in the capture, or were cut off by the snap length; "
        "or the kernel dropped more than 1 % of the packets that `watch` was to see. "
        "Heads in them are indeterminate, never missing; but requests lying wholly in a gap are in no count. No packet "
        "proves it: the accounting of the report does.",
        "No standard: this is a rule of wiresniff.",
        "Capture with a larger buffer (tcpdump -B, watch --ring-mib), whole packets (-s 0) and a filter; relieve the "
        "mirror port.",
    ),
)

FINDINGS: tuple[Explanation, ...] = (*OF_PAIRS, *OF_HOPS)
"""In the order of the list: what is sent, then who loses it."""
