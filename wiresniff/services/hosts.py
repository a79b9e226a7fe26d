"""Host and `:authority` to a name: the plausible ones, normalised."""

import re

HOST_CHARACTERS = 253
"""Longest host name in text form (RFC 1035 2.3.4)."""
AUTHORITY_BYTES = HOST_CHARACTERS + len(".:65535")
"""Longest Host worth looking at."""

AUTHORITY = re.compile(rb"([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)\.?(?::[0-9]{0,5})?")
"""uri-host [":" port] of RFC 9110 7.2, with the names that are in use: underscores yes, escapes and userinfo no."""
NUMBER_LAST = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
"""A host whose last label is a number is an IPv4 address in some spelling (WHATWG URL, 3.5)."""

CLUSTER_SERVICE = re.compile(r"([^.]+(?:\.[^.]+)+)\.svc(?:\.cluster\.local)?")
"""The DNS name of a Kubernetes service, in full or up to `svc`; what is left names service and namespace."""

NAMELESS_HOSTS = frozenset({"localhost", "localhost.localdomain", "external", "other"})
"""What every machine calls itself (RFC 6761 6.3), and the names that wiresniff gives: they name no service."""


def asked_host(authority: bytes) -> str | None:
    """Return the host of a Host field or `:authority`: case folded, without port and trailing dot.

    None when it can't be the name of a host: an IP literal, other bytes than [a-z0-9._-], too long.
    """
    if len(authority) > AUTHORITY_BYTES:
        return None
    match = AUTHORITY.fullmatch(authority)
    if match is None or len(match[1]) > HOST_CHARACTERS:
        return None
    host = match[1].decode("ascii").lower()
    return None if NUMBER_LAST.fullmatch(host) else host


def without_cluster_suffix(host: str) -> str:
    """Return `orders.shop` for `orders.shop.svc.cluster.local` and `orders.shop.svc`."""
    match = CLUSTER_SERVICE.fullmatch(host)
    return match[1] if match else host
