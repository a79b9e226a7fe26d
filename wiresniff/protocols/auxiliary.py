"""Auxiliary fields: those that a service may forward as they came, and that may tell one request from all others.

An id that a gateway made (`x-request-id`, `x-correlation-id`, ...) proves which request caused another where the trace
context is gone. Which names hold ids nobody can list, so all fields count, but for two kinds: those that HTTP defines
for something else, and those that may hold a secret, which are not looked at. Whether a value is one of a kind shows
only when it is compared with others; that is the audit's work.
"""

import re

AUXILIARY_FIELDS = 8
"""Of one request; few gateways add more than two."""
AUXILIARY_BYTES = 16, 128
"""Shorter values hold no 64 bits in a usual form; longer ones are no ids."""

_STANDARD = frozenset(
    b"accept age allow alt-used cache-control connection date dnt early-data expect forwarded from host "
    b"http2-settings keep-alive link max-forwards origin pragma prefer priority range referer save-data te trailer "
    b"transfer-encoding upgrade upgrade-insecure-requests user-agent via warning x-real-ip x-requested-with "
    b"grpc-timeout grpc-encoding x-http-method-override x-scheme x-original-uri x-original-url x-rewrite-url".split()
)
_STANDARD_BEGINNINGS = (
    b":", b"accept-", b"access-control-", b"content-", b"grpc-accept-", b"if-", b"proxy-", b"sec-", b"x-forwarded-",
    b"x-envoy-",
)  # fmt: skip
_MAY_BE_SECRET = re.compile(
    rb"auth|cookie|token|secret|passw|session|key|signature|credential|jwt|csrf|xsrf|saml|assertion"
).search


def is_auxiliary(name: bytes) -> bool:
    """Tell whether a field of this name, in lower case, may be forwarded and hold an id."""
    return not (name in _STANDARD or name.startswith(_STANDARD_BEGINNINGS) or _MAY_BE_SECRET(name))


def is_kept(value: bytes) -> bool:
    """Tell whether a value is of the size of an id."""
    least, most = AUXILIARY_BYTES
    return least <= len(value) <= most
