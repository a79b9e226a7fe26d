"""What the words mean that say what a service did to a context which it handed on."""

from wiresniff.model.hops import Change
from wiresniff.report.explanations.entry import Explanation

MUTATING = 'Trace Context, "Mutating the traceparent Field"'
TRACESTATE = 'Trace Context, "Mutating the tracestate Field"'
SEE_FINDING = "See the finding of the same name."

CHANGES = (
    Explanation(
        Change.ILLEGAL_MUTATION,
        "something changed in traceparent that nobody may change",
        "The trace went on, and between in and out a flag was set that means nothing yet, or the version was raised.",
        MUTATING + ": parent-id, the sampled flag with it, a restart and a lower version; nothing else.",
        SEE_FINDING,
    ),
    Explanation(
        Change.SAMPLED_WITHOUT_NEW_PARENT,
        "the sampled flag changed, and the parent-id did not",
        "Who forwarded the context made no span, and changed the decision of the one who did. That span says one "
        "thing, and what hangs below it the other.",
        'Trace Context, "Sampled flag": it may be changed only together with a new parent-id.',
        "Look for a proxy or a gateway that sets the flag, and let it forward the field as it is, or make a span.",
        see=("illegal-mutation",),
    ),
    Explanation(
        Change.SAMPLED_FLAG_FLIP,
        "the sampled flag differs between in and out",
        "The trace went on with a new parent-id, and the service decided on sampling for itself. From 1 to 0 what "
        "follows is missing; from 0 to 1 what came before is.",
        'Trace Context, "Sampled flag": allowed, with a new parent-id.',
        SEE_FINDING,
    ),
    Explanation(
        Change.RANDOM_FLAG_FLIP,
        "the random flag differs between in and out",
        "The trace went on, and the flag that says that its id is random was cleared or set. Samplers that draw from "
        "the id rely on it.",
        'Trace Context Level 2, "Random Trace ID Flag": it must go on as it came.',
        SEE_FINDING,
    ),
    Explanation(
        Change.TRACESTATE_DROPPED,
        "tracestate, or members of others, did not go on",
        "The request that came in had tracestate. The one that went out has none, or lacks members that others wrote. "
        "What a full or an overlong list may lose is not counted.",
        TRACESTATE + ": it must be sent on; keys of others should not be deleted.",
        SEE_FINDING,
    ),
    Explanation(
        Change.TRACESTATE_CUT,
        "a member of tracestate was cut in its middle",
        "The last member that went out is the beginning of one that came in. Its owner reads half of what it wrote.",
        'Trace Context, "tracestate Limits": whole members may be removed, never a part of one.',
        SEE_FINDING,
    ),
    Explanation(
        Change.TRACESTATE_REORDERED,
        "members of tracestate changed places",
        "Members that nobody modified went out in another order than they came in.",
        TRACESTATE + ": the order of unmodified members must be kept.",
        SEE_FINDING,
    ),
    Explanation(
        Change.TRACESTATE_ALTERED,
        "tracestate was changed by one who may not",
        "The parent-id did not change and tracestate did; or a member was changed that stands not first, so that it "
        "is another's.",
        TRACESTATE + ": who leaves traceparent unchanged must leave tracestate unchanged; one's own member moves left.",
        SEE_FINDING,
    ),
    Explanation(
        Change.RESTART_KEPT_TRACESTATE,
        "a new trace went out with members of the old tracestate",
        "The trace id is new, and tracestate holds members that came in with another trace. It also proves which "
        "request was the cause.",
        MUTATING + ": who restarts a trace should clear tracestate.",
        SEE_FINDING,
    ),
    Explanation(
        Change.BAGGAGE_DROPPED,
        "baggage came in, and did not go on",
        "Members of baggage are missing, though there are no more of them than must be passed on.",
        'W3C Baggage, "Limits": 64 members and 8192 bytes must be propagated.',
        SEE_FINDING,
    ),
    Explanation(
        Change.BAGGAGE_CUT,
        "a member of baggage was cut in its middle",
        "The last member that went out is the beginning of one that came in.",
        'W3C Baggage, "Limits": whole members may be dropped above the limits, never a part of one.',
        "Look for a limit on the length of header fields, in a proxy or a framework, and raise it.",
    ),
)
