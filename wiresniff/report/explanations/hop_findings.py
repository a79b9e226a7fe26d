"""What every finding about hops means, and what to do: who lost the trace, who changed it."""

from wiresniff.model.hops import Change
from wiresniff.report.explanations.entry import Explanation
from wiresniff.report.explanations.stacks import dotnet, gateways, proxies, sdk

OWN_RULE = "No standard: this is a rule of wiresniff."
MUTATING = 'Trace Context, "Mutating the traceparent Field"'
TRACESTATE = 'Trace Context, "Mutating the tracestate Field"'

FORWARDERS = (
    proxies.NGINX_FORWARDS,
    proxies.NGINX_TRACES,
    proxies.HAPROXY,
    proxies.ENVOY_REMOVES,
    proxies.TRAEFIK,
    gateways.API_GATEWAY,
    gateways.KONG,
)

OF_HOPS = (
    Explanation(
        "context-dropped",
        "a service got the trace and did not hand it on",
        "Requests came in with a usable context, and requests that they caused went out with none. The service is the "
        "client of the pair: it is the one to mend. Where single requests can't be matched the message gives a share "
        "with both its bounds.",
        MUTATING + ": a service that received a traceparent must send it on.",
        "The message names the kind of cause: explain that word for the fix in Go, Python, Node.js, Java, .NET and "
        "Ruby. The witnesses show the request that came in and the one that went out without it.",
        see=("uninstrumented-client", "no-propagator", "lost-async-context", "exports-only"),
    ),
    Explanation(
        "trace-restarted",
        "a service got a trace and went on with another",
        "Requests came in with a usable context, and requests that they caused carry new trace ids. Each is the root "
        "of a second trace, and the first one ends here.",
        MUTATING + ": a trace may be restarted at a boundary of trust, not elsewhere.",
        "Look for calls made with a background context, and for work handed to a thread or queue without its "
        "context. If the service is a boundary, `boundary: true` in the policy file says so. Behind a gateway, see "
        "what its tracer reads: one that does not extract begins anew.",
        (proxies.NGINX_TRACES, gateways.KONG, sdk.PROPAGATORS),
        ("background-context", "lost-async-context"),
    ),
    Explanation(
        "context-stripped",
        "a proxy takes the trace out of the requests that it forwards",
        "The request has a context in front of the proxy, and none, or another, behind it. Services on both sides may "
        "be in order.",
        MUTATING + ": a traceparent that came in must be sent on; who only forwards may leave it as it is.",
        "Find the line of the configuration for the path of the witnesses. It removes the field, sets it empty, or "
        "lets through a list of headers without it.",
        FORWARDERS,
        ("proxy-route",),
    ),
    Explanation(
        Change.ILLEGAL_MUTATION,
        "a service changes what nobody may change in traceparent",
        "The trace goes on through the service, and on the way a flag is set that means nothing yet, the version is "
        "raised, or the sampled flag changes without a new parent-id. Receivers may refuse the result.",
        MUTATING
        + ": a new parent-id, the sampled flag with it, a restart and a lower version are all that is allowed.",
        "Look for code or a gateway template that takes the field apart and puts it together again. Let a propagator "
        "write it, or forward it untouched.",
        see=(Change.SAMPLED_WITHOUT_NEW_PARENT, "reserved-flag-bits"),
    ),
    Explanation(
        Change.SAMPLED_FLAG_FLIP,
        "a service decides anew whether the trace is kept",
        "The sampled flag goes out other than it came in, with a new parent-id. Allowed; but spans of one trace are "
        "then kept here and thrown away there, and traces have holes.",
        'Trace Context, "Sampled flag": it may be changed together with the parent-id; consistent decisions are '
        "better.",
        "Let every service follow its parent, and decide at the root.",
        (sdk.SAMPLER, proxies.INGRESS_NGINX, proxies.ENVOY_TRACES),
    ),
    Explanation(
        Change.RANDOM_FLAG_FLIP,
        "a service changes the flag that says that the trace id is random",
        "Bit 0x02 of the flags goes out other than it came in. The chain is not broken; samplers that take their "
        "draw from the id can't trust it any more.",
        'Trace Context Level 2, "Random Trace ID Flag": whoever continues a trace must leave it as it came.',
        "Update the SDK: those that know only the sampled flag write 00 or 01. Nothing is lost while no sampler uses "
        "the flag.",
    ),
    Explanation(
        Change.TRACESTATE_DROPPED,
        "a service loses tracestate, or members that others wrote",
        "The trace goes on, and tracestate does not, or not whole. What vendors keep there (a position in their own "
        "trace, a sampling threshold) is gone behind this hop.",
        TRACESTATE + ": it must be sent on, and keys of others should not be deleted.",
        "Forward both fields: code or a proxy that copies traceparent by hand forgets tracestate. An SDK that finds "
        "one member malformed may drop them all: look at the faults on the pair that calls this service.",
        see=("not-level-1",),
    ),
    Explanation(
        Change.TRACESTATE_CUT,
        "a service cuts tracestate in the middle of a member",
        "The last member that goes out is a part of one that came in.",
        'Trace Context, "tracestate Limits": remove whole members, those above 128 characters first.',
        "Look for a limit on the length of a header or of a column that stores it; drop whole members there.",
    ),
    Explanation(
        Change.TRACESTATE_REORDERED,
        "a service changes the order of tracestate",
        "Members that nobody modified change places. The left-most is read as that of the last vendor, so a reader "
        "takes another for it.",
        TRACESTATE + ": the order of unmodified members must be kept.",
        "Keep the members in a list: a map or a sort loses the order.",
    ),
    Explanation(
        Change.TRACESTATE_ALTERED,
        "a service changes tracestate that it must leave alone",
        "The parent-id is the one that came in, and tracestate is not; or a member of another changed its value.",
        TRACESTATE + ": who leaves traceparent unchanged must leave tracestate unchanged, and may change its own key "
        "only.",
        "Make a span, or leave both fields alone. Blanks at the begin of a value belong to it (Level 2): code that "
        "trims members alters them.",
    ),
    Explanation(
        Change.RESTART_KEPT_TRACESTATE,
        "a service begins a new trace and keeps the old tracestate",
        "The trace id is new, and members of tracestate are those that came in. They tell of a trace that this is not.",
        MUTATING + ": who restarts a trace should clear tracestate.",
        "At a boundary that restarts traces, remove tracestate with traceparent. Elsewhere mend the restart.",
        see=("trace-restarted",),
    ),
    Explanation(
        Change.BAGGAGE_DROPPED,
        "a service loses baggage",
        "Members came in, no more of them than must be passed on, and requests that they caused lack some or all. "
        "Traces are whole; what reads the baggage further on finds nothing.",
        'W3C Baggage, "Limits": up to 64 members and 8192 bytes must be propagated.',
        "Add the propagator of baggage. If baggage is removed on purpose (at the border, say), nothing.",
        (sdk.PROPAGATORS, dotnet.BAGGAGE),
    ),
    Explanation(
        Change.BAGGAGE_CUT,
        "a service cuts baggage in the middle of a member",
        "The last member that goes out is a part of one that came in.",
        'W3C Baggage, "Limits": whole members may be dropped above the limits, never a part of one.',
        "Look for a limit on the length of header fields, in a proxy or a framework, and raise it.",
    ),
    Explanation(
        "passthrough-service",
        "a service forwards the context and makes no span",
        "The parent-id goes out as it came in, from a service that makes spans elsewhere: on this path it is missing "
        "from the trace, and what it calls seems to be called by its caller. Right for a proxy.",
        'Trace Context, "A traceparent is Received": a service that takes part sets a parent-id of its own.',
        "If it is a proxy, `role: proxy` in the policy file says so. Otherwise look for code that copies the headers, "
        "beside or in place of an instrumented client.",
        see=("passthrough", "uninstrumented-client"),
    ),
    Explanation(
        "ghost-roots",
        "roots that a service begins are pieces of traces that came in",
        "The service begins traces, and so many of them were caused by requests that had a context: they are no "
        "traces, but parts of others that were cut off. They are stored and paid for, and nobody finds them. The cost "
        "a day is reckoned at --span-bytes.",
        MUTATING + ": a trace may be restarted at a boundary of trust, not elsewhere.",
        "Mend trace-restarted of this service first. Roots of timers and queues remain, and are right.",
        see=("trace-restarted", "background-context"),
    ),
    Explanation(
        "failure-untraced",
        "failed requests are not in the trace of what caused them",
        "Requests that failed (status 5xx, a gRPC error, or no response) have no trace that continues one: just "
        "those that somebody will look for.",
        OWN_RULE,
        "Look at the witnesses: often retries, fallbacks and error handlers use a client or a thread of their own. "
        "Mend the hop that lost the trace.",
        see=("context-dropped", "lost-async-context"),
    ),
)
