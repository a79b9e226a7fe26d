"""What every fault and warning word means: the broken rules here, the warnings from `warnings.py` added.

"Trace Context" is the W3C text, Level 2 where no level is named; Level 1 has the same grammar of traceparent.
"""

from wiresniff.model.context import Fault
from wiresniff.report.explanations.entry import Explanation
from wiresniff.report.explanations.warnings import WARNINGS

TRACEPARENT = (
    Explanation(
        Fault.EMPTY,
        "traceparent is present and empty",
        "The request carries a traceparent field without a value, or with blanks only. Somebody set it, and had "
        "nothing to put in.",
        'Trace Context, "traceparent Header Field Values": a traceparent begins with a version of two digits; '
        "nothing may be left out.",
        "Find the code or the gateway template that sets the field from an unset variable, and leave the field out"
        " when there is no context.",
    ),
    Explanation(
        Fault.DUPLICATE_HEADER,
        "traceparent is sent more than once",
        "The request carries two or more traceparent fields, equal or not. A conforming receiver reads none of "
        "them and starts a new trace. Some take the first (Go, and OpenTelemetry Python over list carriers), so "
        "what happens depends on who receives it.",
        "RFC 9110 5.3: a sender must not repeat a field that is not defined as a list, and traceparent is none; "
        "the W3C test suite (test_traceparent_duplicated) expects a new trace.",
        "Look for two instrumentations in one process (an agent beside an SDK), or a proxy that adds its own field"
        " and does not replace the one that came in: set the field, do not append to it.",
    ),
    Explanation(
        Fault.COMMA_JOINED_DUPLICATE,
        "two traceparent values joined by a comma",
        "One field holds several values with commas between. Two fields were sent, and a hop on the way joined "
        "them, as CGI, WSGI, Node and several gRPC libraries do.",
        'Trace Context, "traceparent Header Field Values": the grammar has no comma. RFC 9110 5.3 allows joining '
        "only of fields that are lists.",
        "Treat it as `duplicate-header`: find where the second value was added, one or more hops before this request.",
    ),
    Explanation(
        Fault.WRONG_HEADER_NAME,
        "a traceparent under another name",
        "There is no traceparent, but a field such as trace-parent, trace_parent, x-traceparent or "
        "HTTP_TRACEPARENT holds a value of that form. It is another field: receivers do not look at it.",
        'Trace Context, "Header Name": the name is one word without any delimiter.',
        "Rename the field to traceparent where it is set. HTTP_TRACEPARENT is the name of an environment variable "
        "that was copied into the request.",
    ),
    Explanation(
        Fault.BAD_VERSION_LENGTH,
        "traceparent does not begin with two digits and a dash",
        "What stands before the first dash is not two characters long. Often the whole value is something else: a "
        "bare trace id, a value in quotes, JSON, the words null, None or undefined, or another delimiter than a "
        "dash.",
        'Trace Context, "version" and "Versioning of traceparent": a version that cannot be read makes a receiver '
        "start a new trace.",
        "Print the value where it is made. Use the propagator of the SDK and not a format string of your own.",
    ),
    Explanation(
        Fault.BAD_VERSION_CHARACTER,
        "the version is not hexadecimal",
        "The two characters before the first dash are not hexadecimal digits.",
        'Trace Context, "version": two lower-case hexadecimal digits, 00 in every level published so far.',
        "Send 00.",
    ),
    Explanation(
        Fault.UPPERCASE_VERSION,
        "the version has upper-case digits",
        "The two characters before the first dash are hexadecimal, with A to F in upper case.",
        'Trace Context, "version": HEXDIGLC, digits and a to f in lower case.',
        "Send 00.",
    ),
    Explanation(
        Fault.VERSION_FF,
        "version ff is forbidden",
        "The value begins with ff, the one version that will never be.",
        'Trace Context, "version": version ff is invalid.',
        "Send 00. Look for an uninitialised or overflowing byte where the value is built.",
    ),
    Explanation(
        Fault.MISSING_FIELD,
        "traceparent has fewer than four fields",
        "A version, a trace id, a parent id and flags are owed, joined by three dashes; there are fewer.",
        'Trace Context, "version-format".',
        "Send all four fields; flags are 00 when nothing is recorded. If the value is cut off, look for a length "
        "limit on the way.",
    ),
    Explanation(
        Fault.BAD_TRACE_ID_LENGTH,
        "the trace id is not 32 digits long",
        "The second field is shorter or longer than 32 characters. 16 digits are a 64-bit id of an older system; "
        "36 characters or a doubled dash point to a UUID that was pasted in. OpenTelemetry Rust pads short ids, so"
        " a chain through it may hold.",
        'Trace Context, "trace-id": 32 hexadecimal digits. Level 2, "Interoperating with existing systems which '
        'use shorter identifiers": shorter ids are padded with zeros on the left.',
        "Pad 64-bit ids with zeros on the left; write a UUID without its dashes.",
    ),
    Explanation(
        Fault.BAD_TRACE_ID_CHARACTER,
        "the trace id is not hexadecimal",
        "The second field is 32 characters long, and some of them are no hexadecimal digits.",
        'Trace Context, "trace-id": a receiver must ignore the field when the trace id holds other characters.',
        "Make ids from random bytes, printed as hexadecimal digits in lower case.",
    ),
    Explanation(
        Fault.UPPERCASE_TRACE_ID,
        "the trace id has upper-case digits",
        "The second field is hexadecimal, with A to F in upper case: a sign of home-made ids. OpenTelemetry Ruby "
        "and C++ accept it, most others start a new trace.",
        'Trace Context, "trace-id": HEXDIGLC, lower case only.',
        "Print ids in lower case.",
    ),
    Explanation(
        Fault.ZERO_TRACE_ID,
        "the trace id is all zero",
        "The second field is 32 zeros, the id that means that there is none: a field written from an empty "
        "context. Elastic APM Python checks no ids and continues such a trace, so unrelated requests end up in "
        "one.",
        'Trace Context, "trace-id": all zero is invalid, and a receiver must ignore the field.',
        "Do not inject a context that is not valid: guard a hand-written injection as the SDKs do (is_valid).",
    ),
    Explanation(
        Fault.BAD_PARENT_ID_LENGTH,
        "the parent id is not 16 digits long",
        "The third field is shorter or longer than 16 characters.",
        'Trace Context, "parent-id": 16 hexadecimal digits.',
        "Print the span id of the calling span with all its leading zeros. Do not put a trace id or a UUID there.",
    ),
    Explanation(
        Fault.BAD_PARENT_ID_CHARACTER,
        "the parent id is not hexadecimal",
        "The third field is 16 characters long, and some of them are no hexadecimal digits.",
        'Trace Context, "parent-id": a receiver must ignore the field when the parent id holds other characters.',
        "Make ids from random bytes, printed as hexadecimal digits in lower case.",
    ),
    Explanation(
        Fault.UPPERCASE_PARENT_ID,
        "the parent id has upper-case digits",
        "The third field is hexadecimal, with A to F in upper case. OpenTelemetry Ruby and C++ accept it, most "
        "others start a new trace.",
        'Trace Context, "parent-id": lower-case digits only; a receiver must ignore the field otherwise.',
        "Print ids in lower case.",
    ),
    Explanation(
        Fault.ZERO_PARENT_ID,
        "the parent id is all zero",
        "The third field is 16 zeros: there is a trace id, but no span that makes the call.",
        'Trace Context, "parent-id": all zero is invalid, and a receiver must ignore the field.',
        "Start a span before the call, or make up a random parent id; only a trace id is not enough.",
    ),
    Explanation(
        Fault.BAD_TRACE_FLAGS_LENGTH,
        "the flags are not two digits long",
        "The fourth field is shorter or longer than two characters. Three digits such as 0ff come from "
        "OpenTelemetry JS, which prints flags above 0x0f so when it passes them on.",
        'Trace Context, "trace-flags": two hexadecimal digits, 00 to ff.',
        "Print flags with exactly two digits (%02x). With OpenTelemetry JS, look one hop further back for who set "
        "reserved bits.",
    ),
    Explanation(
        Fault.BAD_TRACE_FLAGS_CHARACTER,
        "the flags are not hexadecimal",
        "The fourth field is two characters long, and not both are hexadecimal digits.",
        'Trace Context, "trace-flags"; "A traceparent is Received": a receiver that can\'t read the field creates a'
        " new one.",
        "Print flags with %02x from a number.",
    ),
    Explanation(
        Fault.UPPERCASE_TRACE_FLAGS,
        "the flags have upper-case digits",
        "The fourth field is hexadecimal, with A to F in upper case.",
        'Trace Context, "trace-flags": lower-case digits only.',
        "Print flags with %02x. No bit that would need a letter is defined: look for who sets it.",
    ),
    Explanation(
        Fault.EXTRA_FIELD_IN_VERSION_00,
        "version 00 goes on after the flags",
        "After the flags there is another dash, maybe with more behind it. OpenTelemetry Go and Rust accept a bare"
        " trailing dash and Ruby any such tail; others start a new trace.",
        'Trace Context, "version-format": version 00 ends with trace-flags. Only higher versions may add fields '
        '("Versioning of traceparent").',
        "Cut the value off after the flags. Data of your own belong in tracestate or baggage.",
    ),
    Explanation(
        Fault.TRAILING_GARBAGE,
        "something stands behind the flags",
        "Two digits of flags are there, and then something that is no dash: a dot, a line end, a no-break space, a"
        " NUL.",
        'Trace Context, "version-format" and "Versioning of traceparent": flags end the value, or (higher '
        "versions) a dash follows. RFC 9110 5.6.3: only space and tab count as blanks round a value.",
        "Look for a line end or a quote that was not trimmed where the value is read from a file, a log or a queue.",
    ),
)

TRACESTATE = (
    Explanation(
        Fault.TRACESTATE_NO_TRACEPARENT,
        "tracestate without traceparent",
        "The request carries tracestate alone. Receivers discard it.",
        'Trace Context, "No traceparent Received": tracestate without traceparent is invalid and must be discarded.',
        "Find the hop that copies tracestate and not traceparent: a list of forwarded headers with one name missing.",
    ),
    Explanation(
        Fault.TRACESTATE_TRACEPARENT_INVALID,
        "tracestate beside an unusable traceparent",
        "The traceparent of this request can't be used, so its tracestate is lost as well, whatever it says. It "
        "was not judged.",
        'Trace Context, "Tracestate Header": a receiver that could not read traceparent must not read tracestate.',
        "Repair the traceparent; its fault is listed before this one.",
    ),
    Explanation(
        Fault.TRACESTATE_WRONG_HEADER_NAME,
        "a tracestate under another name",
        "There is no tracestate, but a field such as trace-state or x-tracestate that looks like one. Receivers do"
        " not look at it.",
        'Trace Context, "Header Name": the name is one word without any delimiter.',
        "Rename the field to tracestate where it is set.",
    ),
    Explanation(
        Fault.TRACESTATE_MEMBER_WITHOUT_EQUALS,
        "a tracestate member without an equals sign",
        "A member of the list is no key=value pair. A comma inside a value (JSON, for instance) has this effect.",
        'Trace Context, "list": list-member = key "=" value.',
        "Encode values so that they hold neither comma nor equals sign. Receivers may drop the member or the whole"
        " list.",
    ),
    Explanation(
        Fault.TRACESTATE_EMPTY_KEY,
        "a tracestate member with an empty key",
        "A member begins with the equals sign.",
        'Trace Context, "Key": at least one character.',
        "Name the vendor, or leave the member out.",
    ),
    Explanation(
        Fault.TRACESTATE_BAD_KEY,
        "a tracestate key with characters that are not allowed",
        "A key holds upper case, a blank, a dot or another character outside its grammar, or begins with a sign.",
        'Trace Context Level 2, "Key": a to z, 0 to 9, then also _ - * / @.',
        "Write the key in lower case without dots and blanks. Most SDKs drop the whole list because of it, "
        "OpenTelemetry JS and Ruby only the member.",
    ),
    Explanation(
        Fault.TRACESTATE_KEY_TOO_LONG,
        "a tracestate key longer than 256 characters",
        "A key has only characters that are allowed, but too many.",
        'Trace Context Level 2, "Key": at most 256 characters.',
        "Shorten it; keys name a vendor (and a tenant), nothing more.",
    ),
    Explanation(
        Fault.TRACESTATE_EMPTY_VALUE,
        "a tracestate member without a value",
        "Nothing, or only blanks, follows the equals sign.",
        'Trace Context, "Value": at least one character, the last not a blank.',
        "Leave the member out when there is nothing to say.",
    ),
    Explanation(
        Fault.TRACESTATE_EQUALS_IN_VALUE,
        "an equals sign within a tracestate value",
        "A value holds a second equals sign. Padded Base64 is the usual cause, members joined by semicolons another.",
        'Trace Context, "Value": every printable character but comma and equals sign.',
        "Encode without padding (base64url without =), or write ~ for = as Datadog does.",
    ),
    Explanation(
        Fault.TRACESTATE_BAD_VALUE_CHARACTER,
        "a tracestate value with characters that are not allowed",
        "A value holds a control character, a tab or something outside ASCII.",
        'Trace Context, "Value": 0x20 to 0x7e without comma and equals sign.',
        "Percent-encode or Base64-encode (without padding) what is not plain ASCII.",
    ),
    Explanation(
        Fault.TRACESTATE_VALUE_TOO_LONG,
        "a tracestate value longer than 256 characters",
        "A value has only characters that are allowed, but too many.",
        'Trace Context, "Value": at most 256 characters.',
        "Shorten it; what the application wants to hand on belongs in baggage.",
    ),
    Explanation(
        Fault.TRACESTATE_MORE_THAN_32_MEMBERS,
        "a tracestate of more than 32 members",
        "The list, over all fields of that name, is too long. The W3C test suite drops the whole; OpenTelemetry JS"
        " and the Datadog tracers keep the first 32, OpenTelemetry Ruby the last. Only the first 32 were judged "
        "here.",
        'Trace Context, "list": at most 32 members; who adds to a full list removes the right-most one.',
        "Find who adds a member with a new key at every hop, and let it replace its own.",
    ),
)

BAGGAGE = (
    Explanation(
        Fault.BAGGAGE_BAD_MEMBER,
        "a baggage member that can't be read",
        "A member has no equals sign, no key, or a key (or the name of a property) with characters that are not "
        "allowed. What receivers do then is not defined: they drop the member or all of it.",
        'W3C Baggage, "Definition": key OWS "=" OWS value, the key a token of RFC 9110 5.6.2.',
        "Set baggage through the SDK. A comma or semicolon in a value must be percent-encoded.",
    ),
    Explanation(
        Fault.BAGGAGE_BAD_VALUE_CHARACTER,
        "a baggage value with characters that are not allowed",
        "A value holds a blank, a quote, a backslash, a control character or something outside ASCII.",
        'W3C Baggage, "value": baggage-octet; everything else must be percent-encoded.',
        "Percent-encode values before they are set, or set them through the SDK, which does.",
    ),
)

FAULTS = TRACEPARENT + TRACESTATE + BAGGAGE + WARNINGS
"""Every word of `Fault` and `WarningWord`, in the order in which a message is read."""
