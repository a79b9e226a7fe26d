"""What the outcomes of hops mean, the columns that reports fold them into, and why some can't be told."""

from wiresniff.model.continuity import Column
from wiresniff.model.hops import MIXED, Doubt, Kind, Outcome
from wiresniff.report.explanations.entry import Explanation

OWN_RULE = "No standard: this is a rule of wiresniff."
MUST_SEND_ON = 'Trace Context, "Mutating the traceparent Field": a service that received a traceparent must send it on'

OUTCOMES = (
    Explanation(
        Outcome.PROPAGATED,
        "the trace goes on: same trace id, new parent-id",
        "The request that left the service has the trace id of one that came in, and another parent-id: the service "
        "made a span and handed the trace on. Identifiers prove it. Which span is the parent of which is not on the "
        "wire, so nothing is said of the tree.",
        MUST_SEND_ON + ", and may set the parent-id to its own.",
        "Nothing.",
    ),
    Explanation(
        Outcome.PASSTHROUGH,
        "the trace goes on as it came: same trace id, same parent-id",
        "The service forwarded the context and made no span of its own. Right for a proxy. A service that makes spans "
        "elsewhere hides itself here: what it calls hangs below its caller.",
        MUST_SEND_ON + "; who makes no span may leave it as it is.",
        "For a proxy, nothing (`role: proxy` in the policy file). For a service see passthrough-service.",
        see=("passthrough-service",),
    ),
    Explanation(
        Outcome.RESTARTED,
        "a trace came in, and another went out",
        "The request that came in had a usable context, and the one that it caused carries a new trace id. The trace "
        "is in two pieces. Proven where something else joins the two (tracestate members, a request id); otherwise "
        "concluded from time, with the confidence that stands beside it.",
        'Trace Context, "Mutating the traceparent Field": restarting is for a boundary of trust.',
        "If this is such a boundary, say so: `boundary: true` in the policy file. Otherwise see trace-restarted.",
        see=("trace-restarted", "background-context"),
    ),
    Explanation(
        Outcome.DROPPED,
        "a trace came in, and none went out",
        "The request that came in had a usable context, and the one that it caused carries none in any format, or one "
        "that a conforming receiver will not use. What happens behind it is not in the trace.",
        MUST_SEND_ON + ".",
        "See context-dropped, and the kind of cause that its message names.",
        see=("context-dropped", "uninstrumented-client", "lost-async-context"),
    ),
    Explanation(
        Outcome.ORIGINATED,
        "no usable trace came in, and one went out",
        "The request that came in had no context, or a malformed one, and the service began a trace. That is what it "
        "should do; if something is amiss, it is at the caller.",
        'Trace Context, "A traceparent is Received" and "No traceparent Received": a service begins a new trace.',
        "Nothing here. Look at the pair that called this service: context-missing, context-malformed.",
    ),
    Explanation(
        Outcome.BARE,
        "no trace went out, and there was none to hand on",
        "The request carries no context, and what caused it had none either, or nothing caused it: a poller, a timer, "
        "a health check. It is counted, and is never called dropped.",
        'Trace Context Level 2, "Mutating the traceparent Field": who received none should start one.',
        "Nothing for background work that nobody traces; it can be exempt in the policy file.",
    ),
    Explanation(
        Outcome.ROOT,
        "a trace begins here, and nothing caused it",
        "The request carries a context of its own, and no request was open at the service that may have caused it: a "
        "timer, start-up, a queue, or the front door of what was watched. For a client that was never called in the "
        "capture it is certain only of what was watched.",
        'Trace Context, "No traceparent Received": a trace begins where there is none.',
        "Nothing, as long as these are few. Many of them: see ghost-roots.",
        see=("ghost-roots",),
    ),
    Explanation(
        Outcome.EXEMPT,
        "the policy says that this request owes no trace",
        "The request that left the service is a health check, a scrape, an export of telemetry, or matches a rule of "
        "the policy file. Its hop is not judged.",
        OWN_RULE,
        "To judge it all the same, set `exempt_defaults: false` in the policy file.",
    ),
    Explanation(
        Outcome.UNDETERMINED,
        "nothing can be said of this hop",
        "Neither identifiers nor time tell what caused the request, or a head that matters was not wholly seen. The "
        "reason stands beside it. Nobody is accused of it; busy services get a share per pair instead.",
        OWN_RULE,
        "Explain the reason: busy, instance-ambiguous, not-seen, cause-unknown.",
        see=(Doubt.BUSY, Doubt.AMBIGUOUS_ADDRESS, Doubt.NOT_SEEN, Doubt.CAUSE_UNKNOWN),
    ),
)

COLUMNS = (
    Explanation(
        Column.HANDED_ON,
        "requests that left the service in the trace that came in",
        "The outcomes propagated and passthrough. The trace id proves it, so this share is never too high.",
        MUST_SEND_ON + ".",
        "Nothing.",
        see=(Outcome.PROPAGATED, Outcome.PASSTHROUGH),
    ),
    Explanation(
        Column.LOST,
        "requests that left the service without the trace that came in",
        "The outcome dropped. Requests that had no trace to hand on are not among them.",
        MUST_SEND_ON + ".",
        "See context-dropped.",
        see=(Outcome.DROPPED, "context-dropped"),
    ),
    Explanation(
        Column.NEW_TRACE,
        "requests that left the service in a trace that begins there",
        "The outcomes restarted, originated and root. Only restarted breaks a trace; the others begin one where none "
        "came in, which is right.",
        'Trace Context, "No traceparent Received": a trace begins where there is none. "Mutating the traceparent '
        'Field": restarting one is for a boundary of trust.',
        "Where a finding names trace-restarted or ghost-roots, see there. Otherwise nothing.",
        see=(Outcome.RESTARTED, Outcome.ORIGINATED, Outcome.ROOT, "trace-restarted"),
    ),
    Explanation(
        Column.CANT_TELL,
        "requests of which the capture does not show what caused them",
        "The outcome undetermined. They are in no share, and the share of them is always shown.",
        OWN_RULE,
        "Where they are many: capture at a quieter time, on both sides of the service, and without loss; forward a "
        "request id (x-request-id), which identifies what time can't.",
        see=(Outcome.UNDETERMINED,),
    ),
)

DOUBTS = (
    Explanation(
        Doubt.BUSY,
        "several requests were open at the service, and each may be the cause",
        "Time alone can't choose among them: at ten open requests the best guess is wrong every other time. So single "
        "requests are not judged; the pair gets a share with both bounds, which needs no choice.",
        OWN_RULE,
        "Read the share of the pair. To have single requests judged, let the service forward a request id that came "
        "in, or capture at a quieter time.",
    ),
    Explanation(
        Doubt.AMBIGUOUS_ADDRESS,
        "several services share the address that the request came from",
        "An outgoing request shows an address and a port that says nothing. Behind NAT, on a host network, on "
        "loopback or beside a sidecar the address belongs to several services, and any of them may have sent it.",
        OWN_RULE,
        "Capture inside the pod or container. In the policy file, tell services on one address apart by their ports.",
    ),
    Explanation(
        Doubt.NOT_SEEN,
        "a head was not wholly seen: this one, or one that may be the cause",
        "Packets are missing, or a header table is unknown, just where the trace may stand. What was not seen is "
        "never called lost.",
        OWN_RULE,
        "See the reasons of indeterminate: gap, truncated, resync, header-table. Capture without loss, from before "
        "the connections.",
        see=("gap", "truncated", "resync", "header-table"),
    ),
    Explanation(
        Doubt.CAUSE_UNKNOWN,
        "nothing is open that may be the cause, and nothing shows that there is none",
        "No request was open for as long as this one took, but one had ended a moment before, or ended while it went "
        "on. It may be late work of that one, or a timer.",
        OWN_RULE,
        "Capture for longer; work that goes on after the response is best joined by its trace id.",
    ),
)

CARRIED = (
    Explanation(
        Kind.KEPT,
        "the request carries a trace that came in",
        "Of the requests that one sender in a service makes (a user agent and an operation), or one connection "
        "carries: these have the trace id of a request that came in.",
        OWN_RULE,
        "Nothing.",
        see=("uninstrumented-client",),
    ),
    Explanation(
        Kind.BARE,
        "the request carries no trace in any format",
        "Counted per sender and connection, without regard to what caused the request. A sender whose requests are "
        "all bare beside others that keep the trace is an uninstrumented client.",
        OWN_RULE,
        "Compare the senders of the pair: what differs between those that keep the trace and those that do not.",
        see=("uninstrumented-client",),
    ),
    Explanation(
        Kind.FRESH,
        "the request carries a trace that did not come in",
        "Counted per sender and connection, without regard to what caused the request. Such requests begin a trace, "
        "or carry one that came in before the capture began.",
        OWN_RULE,
        "Where they are many: background-context, ghost-roots.",
        see=("background-context",),
    ),
    Explanation(
        MIXED,
        "a connection carried requests of more than one kind",
        "Some of its requests kept the trace and some did not: one client made them all, so it is instrumented, and "
        "the context was not always there.",
        OWN_RULE,
        "See lost-async-context.",
        see=("lost-async-context",),
    ),
)
"""What `Kind` means, by which the senders and connections of a pair are told apart."""
