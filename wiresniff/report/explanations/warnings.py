"""What every warning word means: things that leave the verdict as it is."""

from wiresniff.model.context import WarningWord
from wiresniff.report.explanations.entry import Explanation

WARNINGS = (
    Explanation(
        WarningWord.RESERVED_FLAG_BITS,
        "flag bits are set that mean nothing yet",
        "The flags of a version 00 traceparent have bits set that the level in use does not define: beyond 0x03 at"
        " level 2, beyond 0x01 at level 1. The traceparent stays usable by the text, but OpenTelemetry Go starts a"
        " new trace, and the New Relic Python agent refuses everything but 00, 01, 10 and 11, so even the random "
        "bit (02, 03).",
        'Trace Context, "Other Flags": a sender must set them to zero; no rule lets a receiver refuse.',
        "Send 00 or 01, or 02 and 03 with random trace ids. A hop that passes unknown bits on must clear them.",
    ),
    Explanation(
        WarningWord.FUTURE_VERSION,
        "a traceparent of a version that is not published",
        "The value has a version above 00 and keeps to the rules for such versions, so a conforming receiver uses "
        "its ids. Nothing in production should send it yet. OpenTelemetry .NET reads 01 to 0f as 00.",
        'Trace Context, "Versioning of traceparent": read ids and the sampled flag, assume nothing else.',
        "If this is no experiment, find the code that writes the version and let it write 00.",
    ),
    Explanation(
        WarningWord.SHORT_TRACE_ID,
        "the left half of the trace id is zero",
        "The trace id is one of 64 bits, padded: it was made by an older system (Zipkin, Datadog or Jaeger in "
        "their short modes). It is valid, and compared by its right half.",
        'Trace Context Level 2, "Interoperating with existing systems which use shorter identifiers": shorter ids '
        "are padded on the left; at least the right-most 7 bytes should be random.",
        "Switch the root of the trace to 128-bit ids (DD_TRACE_128_BIT_TRACEID_GENERATION_ENABLED, traceId128Bit, "
        "and the like) when nothing behind it needs short ones.",
    ),
    Explanation(
        WarningWord.SHARED_PARENT_ID,
        "the same traceparent as on the requests before",
        "On one HTTP/2 connection at least eight requests in a row, over at least ten seconds, carry the same value. "
        "The first ones have no warning of their own, since nothing was odd about them yet; the report counts them "
        "as well.",
        'Trace Context, "A traceparent is Received": parent-id is set to a new value for each outgoing request.',
        "Look for a client that sets the field once, when the connection or the client object is made, and let the "
        "instrumentation set it for each request.",
    ),
    Explanation(
        WarningWord.SURROUNDING_BLANKS,
        "blanks round a field value",
        "A value begins or ends with a space or a tab in a protocol that does not allow it. They were dropped "
        "here; not every SDK does.",
        "RFC 9113 8.2.1: a field value must not start or end with a space or a tab. (In HTTP/1 blanks are no part "
        "of the value, RFC 9110 5.5, and are not reported.)",
        "Trim the value where it is made.",
    ),
    Explanation(
        WarningWord.CARRIERS_DISAGREE,
        "two formats on one request name different traces",
        "The request carries trace context in more than one format (traceparent and b3, for instance), and the "
        "trace ids differ, also when compared by their right halves where one is a 64-bit id. Each receiver "
        "follows its own format, so the trace forks here.",
        'Trace Context says nothing of other formats; its Level 2, "Interoperating with existing systems ...": '
        "whoever converts between formats keeps the id.",
        "Let one library write all formats (a composite propagator), and let it replace what came in. Often a "
        "proxy adds one format and the application forwards the other; AWS and Google load balancers add their "
        "own ids (X-Amzn-Trace-Id, X-Cloud-Trace-Context) to whatever passes.",
    ),
    Explanation(
        WarningWord.TRACESTATE_EMPTY,
        "tracestate is present and empty",
        "There is a tracestate field without any member. OpenTelemetry Rust sends one whenever it has nothing to say.",
        'Trace Context, "tracestate Header Field Values": receivers must accept an empty tracestate, senders '
        "should not send one.",
        "Nothing is lost. Leave the field out when the list is empty.",
    ),
    Explanation(
        WarningWord.TRACESTATE_EMPTY_MEMBER,
        "tracestate has empty members",
        "Two commas follow each other, or one stands at an end. It is allowed, but OpenTelemetry Java drops the "
        "whole list because of an empty member inside.",
        'Trace Context, "list": list-member = key "=" value / OWS.',
        "Join only the members that are not empty.",
    ),
    Explanation(
        WarningWord.TRACESTATE_MORE_THAN_32_COUNTING_EMPTY,
        "more than 32 members, empty ones counted",
        "The list has at most 32 members that say something, but more when the empty ones count. Receivers differ.",
        'Trace Context, "list": the grammar counts empty members, the prose speaks of members.',
        "Join only the members that are not empty.",
    ),
    Explanation(
        WarningWord.TRACESTATE_SPLIT,
        "tracestate is sent in several fields",
        "The list is spread over two or more fields. That is allowed, but some getters read only the first "
        "(OpenTelemetry Go and Java), so the rest is lost there.",
        'Trace Context, "tracestate Header Field Values", and RFC 9110 5.3: receivers must combine the fields in '
        "order; senders should send one.",
        "Join the values with commas, in order, before sending.",
    ),
    Explanation(
        WarningWord.TRACESTATE_DUPLICATE_KEY,
        "tracestate has one key twice",
        "Two members have the same key. At level 2 a receiver may keep both or one, so this is a warning; at level"
        " 1 (--level 1) the whole list is dropped, so there it is a fault. OpenTelemetry Python, Go and Java drop "
        "all of it.",
        'Trace Context Level 2, "list": only one entry per key is allowed, whoever adds must not create a second. '
        'Level 1, "Combined Header Value": one entry per key.',
        "Let whoever sets the member replace its own older one and move it to the left.",
    ),
    Explanation(
        WarningWord.TRACESTATE_LONGER_THAN_512,
        "tracestate is longer than 512 characters",
        "The combined list is longer than what vendors are asked to hand on at least. It may be cut on the way.",
        'Trace Context, "tracestate Limits": at least 512 characters should be propagated; longer members go first.',
        "Shorten values; keep what the application wants to hand on in baggage.",
    ),
    Explanation(
        WarningWord.TRACESTATE_KEY_NOT_LEVEL_1,
        "a tracestate key that only level 2 allows",
        "A key begins with a digit, has several @, or a longer vendor part than Level 1 allowed. By Level 2 it is "
        "valid, so this is a warning; by Level 1 (--level 1) it is a fault. OpenTelemetry Go, Python, Java, JS, "
        "Ruby, PHP and Rust still follow Level 1, and most of them drop the whole list.",
        'Trace Context, "Key", in Level 1 against Level 2.',
        "Use keys of the form vendor or tenant@vendor, with a letter first in vendor, at most 14 characters after "
        "the @.",
    ),
    Explanation(
        WarningWord.TRACESTATE_OT_MEMBER_ODD,
        "OpenTelemetry's tracestate member is not as specified",
        "The value of the member ot is no list of key:value pairs, its threshold th is not 1 to 14 hexadecimal "
        "digits, or its random value rv is not exactly 14. Samplers that rely on it ignore it.",
        'OpenTelemetry specification, trace "TraceState Handling" and "Probability Sampling".',
        "Update the SDK or collector that writes it; do not write ot by hand.",
    ),
    Explanation(
        WarningWord.BAGGAGE_EMPTY_MEMBER,
        "baggage has empty members",
        "Two commas follow each other, one stands at an end, or the whole field is empty. Lists of HTTP tolerate "
        "it, the grammar of baggage does not have it.",
        'W3C Baggage, "Definition"; RFC 9110 5.6.1.2: recipients ignore a reasonable number of empty list elements.',
        "Join only the members that are not empty; leave the field out when there is none.",
    ),
    Explanation(
        WarningWord.BAGGAGE_BAD_PERCENT_ESCAPE,
        "a percent sign in baggage is no escape",
        "A value holds a percent sign that two hexadecimal digits do not follow, or escapes that are no UTF-8. "
        "Receivers put U+FFFD in their place or keep the text as it is.",
        'W3C Baggage, "value": the percent sign must be percent-encoded; invalid sequences become U+FFFD.',
        "Percent-encode values exactly once, from UTF-8.",
    ),
    Explanation(
        WarningWord.BAGGAGE_DUPLICATE_KEY,
        "baggage has one key twice",
        "Two members have the same key (in the same case). It is allowed, but maps keep only one of them.",
        'W3C Baggage, "baggage-string": keys are case-sensitive, a producer should avoid duplicates.',
        "Replace the older member where the new one is set.",
    ),
    Explanation(
        WarningWord.BAGGAGE_OVER_GUARANTEED_SIZE,
        "baggage is larger than what must be handed on",
        "There are more than 64 members, or more than 8192 bytes over all fields. From there on any hop may drop "
        "members (OpenTelemetry drops those that do not fit), and every request pays for the bytes. Of very long "
        "lists only the first 180 members were judged here.",
        'W3C Baggage, "Limits": up to 64 members and 8192 bytes must be propagated whole; these are minima.',
        "Find what grows with every hop, and take out what no receiver reads.",
    ),
)
