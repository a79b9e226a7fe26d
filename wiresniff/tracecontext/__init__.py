"""Header fields of one message -> Reading: the trace context, its faults, and other formats beside it.

Theory of operation. `read` takes the fields of a request that the audit keeps (`KEPT_FIELDS`), as ordered pairs of
bytes, because duplicates and their order are evidence. It sorts them into the four that W3C defines and the rest:

    traceparent   judged by the grammar of Trace Context; a value is used or it is not, with every reason why not
    tracestate    judged only beside a traceparent that is used (Trace Context, "tracestate Header")
    baggage       judged by itself: it belongs to no trace (W3C Baggage)
    carriers      other formats: read as far as a trace id can be compared, never judged

What is common is quick: one traceparent of version 00 costs one regular expression and two tuples, and many at once are
looked at as arrays (`plain`, the only module that knows them). Everything else falls through to code that names faults.
Nothing here raises because of bytes, and all work is linear in their number: expressions use `fullmatch` over explicit
classes, with bounded or possessive repeats.

What it refuses to do: to compare messages (that is the audit's work), to remember anything between calls, and to
accept what a lenient library would accept. The verdict is what a receiver that follows the text will do.
"""

from wiresniff.tracecontext.names import KEPT_FIELDS
from wiresniff.tracecontext.plain import are_plain
from wiresniff.tracecontext.reader import plain, read
from wiresniff.tracecontext.shape import is_traceparent_shaped

__all__ = ["KEPT_FIELDS", "are_plain", "is_traceparent_shaped", "plain", "read"]
