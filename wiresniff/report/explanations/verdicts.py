"""What verdicts, the reasons of `indeterminate` and `exempt`, confidences and opaque bytes mean."""

from wiresniff.model.exchanges import Unseen
from wiresniff.model.verdicts import Confidence, Verdict
from wiresniff.report.explanations.entry import Explanation

OWN_RULE = "No standard: this is a rule of wiresniff."

VERDICTS = (
    Explanation(
        Verdict.VALID,
        "a conforming receiver uses the traceparent",
        "The request carries exactly one traceparent and it keeps to the grammar. Traceparents of future versions that "
        "keep to the rules for them are valid as well. Warnings may stand beside it.",
        'Trace Context, "traceparent Header" and "Versioning of traceparent".',
        "Nothing.",
    ),
    Explanation(
        Verdict.MISSING,
        "the whole head was seen, and there is no traceparent in it",
        "Every byte of the request's head is in the capture, and no field is named traceparent. It counts in the "
        "missing ratio = missing / (valid + malformed + missing). A head that was not wholly seen is never called "
        "missing. Where HTTP/2 names fields by a table that the capture did not see filled, the confidence tells: "
        "`inferred` if the rules for connections joined late leave no other reading.",
        'Trace Context, "Mutating the traceparent Field": who received a traceparent must send one on; who received '
        "none should start one (Level 2).",
        "Look at the operations that lack it: often one HTTP client library, one thread pool or one queue worker is "
        "not instrumented. `wiresniff explain context-missing` says more.",
    ),
    Explanation(
        Verdict.MALFORMED,
        "there is a traceparent, and a conforming receiver will not use it",
        "The field breaks the grammar, or is there twice. Receivers that follow the standard start a new trace; some "
        "are laxer, so the trace may hold by luck. The faults of the record say what is broken.",
        'Trace Context, "A traceparent is Received": a receiver that cannot parse it creates a new one.',
        "Explain the fault (`wiresniff explain zero-trace-id`, for instance) and mend the sender.",
    ),
    Explanation(
        Verdict.INDETERMINATE,
        "the head was not wholly seen or could not be decoded",
        "Part of the request's head is not in the capture. Nothing is said about its trace: what was not seen is not "
        "missing. The reason stands beside it, and the share of such requests beside every missing ratio.",
        OWN_RULE,
        "Explain the reason (gap, truncated, resync, head-too-long, header-table); capture again where they are many.",
    ),
    Explanation(
        Verdict.EXEMPT,
        "the policy says that this request owes no trace",
        "Health checks, metric scrapes, telemetry export, reflection, CORS preflights and what wiresniff itself "
        "serves are exempt by default; the policy file adds rules of its own. Exempt requests are counted, per rule, "
        "and in no ratio.",
        OWN_RULE,
        "To judge them all the same, set `exempt_defaults: false` in the policy file.",
    ),
)

REASONS = (
    Explanation(
        Unseen.GAP,
        "packets of the head are not in the capture",
        "Bytes of the request's head were acknowledged by the other side, or passed over, and no packet with them is "
        "in the capture: the capture lost them, the network did not.",
        OWN_RULE,
        "Capture with a larger buffer (tcpdump -B), with a filter, or nearer to the service; a mirror port that is "
        "overloaded drops packets.",
    ),
    Explanation(
        Unseen.TRUNCATED,
        "the capture cut the head short, or ends within it",
        "The packets are there, but their end is not: the snap length was too small, or the capture ended before the "
        "head was complete.",
        OWN_RULE,
        "Capture whole packets (tcpdump -s 0, today's default).",
    ),
    Explanation(
        Unseen.RESYNC,
        "bytes before it were not seen, and nothing proves that it is a head",
        "After a gap or on a connection that was open already, bytes that look like a request may as well be part of a "
        "body. As long as nothing proves the contrary, they are not judged.",
        OWN_RULE,
        "Start the capture before the connections, or make it longer: only the first message after a gap is in doubt.",
    ),
    Explanation(
        Unseen.TOO_LONG,
        "the head is longer than the limit",
        "The head of the message did not end within 256 KiB. Servers stop at 8 KiB to 1 MiB, so this is an attack, a "
        "defect, or no head at all. It is counted as an anomaly too.",
        "RFC 9112 2.2 and RFC 9110 5.4: heads have no length limit in the standard; every receiver sets one.",
        "Look at the sender: a cookie or a token that grows with each request is the usual reason.",
    ),
    Explanation(
        Unseen.HEADER_TABLE,
        "a header field refers to a table entry from before the capture",
        "HTTP/2 names header fields by their place in a table that both ends fill as they go (HPACK). The capture "
        "joined the connection late or lost packets, so what some places hold can't be told, and one of them may be "
        "the traceparent. What is sent anew is read all the same, and a field that cannot be the traceparent does not "
        "hold up the verdict: it recurs on requests that have one, or on many requests over ten seconds that share "
        "nothing else.",
        "RFC 7541 2.3.2 and 6.1: the dynamic table and references to it; RFC 9113 4.3: one table for each direction "
        "of a connection, as long as it lives.",
        "Start the capture before the connections are opened, let clients reconnect (a rolling restart does), or "
        "capture longer: the more requests are seen, the fewer stay in doubt.",
    ),
)

EXEMPT_RULES = (
    Explanation(
        "health-check",
        "exempt: a health check",
        "A probe of a load balancer, an orchestrator or a monitor, told by its path, user agent or RPC service.",
        OWN_RULE,
        "Nothing; `exempt_defaults: false` in the policy file judges these too.",
    ),
    Explanation(
        "metrics-scrape",
        "exempt: a scrape of metrics",
        "A monitoring system collects metrics: a timer started it, nobody's request.",
        OWN_RULE,
        "Nothing; `exempt_defaults: false` in the policy file judges these too.",
    ),
    Explanation(
        "telemetry-export",
        "exempt: telemetry on its way to a collector",
        "Spans, metrics or logs are exported. Exporters are not traced, or they would trace themselves without end.",
        "OpenTelemetry specification, trace SDK: exporters suppress instrumentation of their own requests.",
        "Nothing; `exempt_defaults: false` in the policy file judges these too.",
    ),
    Explanation(
        "reflection",
        "exempt: a client asks which services a server has",
        "gRPC server reflection, as tools use it.",
        OWN_RULE,
        "Nothing; `exempt_defaults: false` in the policy file judges these too.",
    ),
    Explanation(
        "load-balancer-probe",
        "exempt: a load balancer asks whether a server is alive",
        "A probe of a load balancer or a content network, told by the user agent of a program that does nothing else.",
        OWN_RULE,
        "Nothing; `exempt_defaults: false` in the policy file judges these too.",
    ),
    Explanation(
        "self-connection",
        "exempt: a server wakes its own processes",
        "Apache httpd connects to itself, with the user agent (internal dummy connection), to wake its children.",
        OWN_RULE,
        "Nothing; `exempt_defaults: false` in the policy file judges these too.",
    ),
    Explanation(
        "own-server",
        "exempt: a request for what wiresniff itself serves",
        "Metrics, health checks or the page of `watch`, asked for on an interface that it watches; told by the address "
        "and the port that it listens at.",
        OWN_RULE,
        "Nothing; `exempt_defaults: false` in the policy file judges these too.",
    ),
    Explanation(
        "cors-preflight",
        "exempt: a browser asks for permission first",
        "An OPTIONS request with Access-Control-Request-Method. Browsers send it by themselves, and no script can "
        "add a field to it.",
        'Fetch standard, "CORS-preflight request".',
        "Nothing; `exempt_defaults: false` in the policy file judges these too.",
    ),
)

CONFIDENCES = (
    Explanation(
        Confidence.CERTAIN,
        "seen, byte for byte",
        "The verdict or the finding rests on bytes that are in the capture. Of hops: an identifier proves it, a trace "
        "id or another value that one request that came in had, and no other. `--fail-on` looks at these only.",
        OWN_RULE,
        "Nothing.",
    ),
    Explanation(
        Confidence.INFERRED,
        "concluded from what was seen, with no other reading left",
        "An HTTP/2 connection was open before the capture, or lost packets, so some names or values of its header "
        "fields are not known. A value that has the shape of a traceparent under a name that was not seen is taken "
        "as one; absence is concluded where every field that is not known is shown to be another. Reports show the "
        "share of such requests for each pair, `wiresniff_inferred_requests_total` counts them, and findings that "
        "rest on them are `likely`.",
        OWN_RULE,
        "A capture that starts before the connections turns it into certain.",
    ),
    Explanation(
        Confidence.LIKELY,
        "concluded, and little speaks against it",
        "A finding most of whose requests carry an inferred verdict. Of hops: one request alone was open that may be "
        "the cause, and calls that the service makes by itself are too rare to explain it (5 % at most, measured on "
        "the capture); or the bounds of a pair leave nothing else. `--fail-on` does not look at it.",
        OWN_RULE,
        "A capture that starts before the connections makes inferred verdicts certain. Of hops: a forwarded request "
        "id (x-request-id) does.",
    ),
    Explanation(
        Confidence.POSSIBLE,
        "one explanation among several",
        "What was seen fits, and other explanations fit as well. Of hops: one request was open that may be the cause, "
        "or several with the same outcome, but the service may as well have called by itself.",
        OWN_RULE,
        "Look at the witnesses before you act.",
    ),
    Explanation(
        Confidence.UNDETERMINED,
        "nothing can be said",
        "Of hops only: the outcome is undetermined, and the reason stands beside it.",
        OWN_RULE,
        "Explain the reason: busy, instance-ambiguous, not-seen, cause-unknown.",
    ),
)

OPAQUE = (
    Explanation(
        "opaque",
        "bytes that could not be read",
        "TCP payload of a connection that was given up, with the reason: tls, http/2, upgrade, tunnel, "
        "unknown-protocol, one-direction. Nothing is said about requests in it. Every report begins with its share.",
        OWN_RULE,
        "Capture where the traffic is in the clear: behind the proxy that ends TLS, or on loopback beside a sidecar.",
    ),
    Explanation(
        "tls",
        "opaque: encrypted with TLS",
        "The connection begins with a TLS handshake. What is in it can't be read without its keys.",
        "RFC 8446.",
        "Capture where the traffic is in the clear: behind the proxy that ends TLS, or on loopback beside a sidecar.",
    ),
    Explanation(
        "http/2",
        "opaque: HTTP/2 that could not be followed",
        "The connection speaks HTTP/2, and where its frames begin could not be told: too little of it was seen, or "
        "only what proves nothing.",
        "RFC 9113 3.4 and 4.1: the connection preface, and the frames that follow each other without a gap.",
        "Start the capture before the connection is opened, and mirror both directions.",
    ),
    Explanation(
        "upgrade",
        "opaque: the connection changed to another protocol",
        "A request with Upgrade was answered with 101: what follows is WebSocket or another protocol.",
        "RFC 9110 7.8.",
        "Nothing: messages behind an upgrade carry no header fields.",
    ),
    Explanation(
        "tunnel",
        "opaque: a tunnel through a proxy",
        "CONNECT was answered with success: what follows belongs to the two ends, and is encrypted as a rule.",
        "RFC 9110 9.3.6.",
        "Capture behind the proxy.",
    ),
    Explanation(
        "unknown-protocol",
        "opaque: no protocol that is known here",
        "The first bytes of the connection belong to none of the protocols that are read: a database, a queue, SSH.",
        OWN_RULE,
        "Nothing, if no HTTP is expected there.",
    ),
    Explanation(
        "one-direction",
        "opaque: only one direction of the connection is in the capture",
        "The other direction's bytes decide what these mean, and no packet of it was seen: asymmetric routing, a "
        "mirror port of one direction, or a filter.",
        OWN_RULE,
        "Mirror both directions, and filter by port rather than by source or destination.",
    ),
)
