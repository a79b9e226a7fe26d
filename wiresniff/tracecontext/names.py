"""Names of header fields, in lower case: which are kept, and which are misspelled.

Trace Context, "Header Name": the name is one word without a delimiter, in any case. Another spelling is another
field, which a conforming receiver does not read (rule N3).
"""

from wiresniff.tracecontext.carriers import FIELDS

TRACEPARENT = b"traceparent"
TRACESTATE = b"tracestate"
BAGGAGE = b"baggage"

MISSPELLED_TRACEPARENT = frozenset(
    [b"trace-parent", b"trace_parent", b"trace.parent", b"x-traceparent", b"x-trace-parent", b"http_traceparent"]
)
"""`HTTP_TRACEPARENT` is what CGI and WSGI make of the name; sent as a field it is a copied environment variable."""
MISSPELLED_TRACESTATE = frozenset(
    [b"trace-state", b"trace_state", b"trace.state", b"x-tracestate", b"x-trace-state", b"http_tracestate"]
)

KEPT_FIELDS = frozenset([TRACEPARENT, TRACESTATE, BAGGAGE]) | MISSPELLED_TRACEPARENT | MISSPELLED_TRACESTATE | FIELDS
"""Every field that `read` looks at. Nothing else of a message needs to be kept for it: no other format's baggage
(`uberctx-*`, `ot-baggage-*` and the like), and no ids of requests that are no trace ids (`x-request-id`)."""
