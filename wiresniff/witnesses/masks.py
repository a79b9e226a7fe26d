"""What a witness file may show of a request head: everything else is overwritten with `x`, byte for byte.

Shown are names of fields, and the values of those that the audit reads, as far as the policy's `privacy` allows. Values
of all others are overwritten, whatever their names: nobody has to guess which hold credentials. That goes for
Content-Length and Transfer-Encoding too, so that no reader waits for the body, which is left out.
"""

import re
from collections.abc import Callable

from wiresniff.model.policy import Keep, Privacy
from wiresniff.model.privacy import shows_baggage_keys, shows_baggage_values, shows_values
from wiresniff.model.targets import SCHEME_AND_AUTHORITY
from wiresniff.tracecontext.names import BAGGAGE, KEPT_FIELDS

MASK = b"x"
SHOWN_FIELDS = frozenset([b"host", b"user-agent"])
"""Beside those of `KEPT_FIELDS`: what names the server and the client."""
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_VERSION = re.compile(rb"HTTP/[0-9]\.[0-9]").fullmatch
_BLANKS = (b" ", b"\t")
_REQUEST_LINE_PARTS = 3


def masked(octets: bytes) -> bytes:
    """Overwrite bytes."""
    return MASK * len(octets)


def mask_head(head: bytes, privacy: Privacy) -> bytes:
    """Overwrite what a request head of HTTP/1 must not show; every byte stays in its place."""
    request_line, *lines = head.split(b"\n")
    shown = [_keeping_end(request_line, lambda text: _mask_request_line(text, privacy))]
    name = b""
    for line in lines:
        if line[:1] not in _BLANKS:  # else it continues the line before (RFC 9112 5.2)
            name = line.partition(b":")[0].lower() if b":" in line else b""
        shown.append(_keeping_end(line, lambda text, name=name: _mask_line(text, name, privacy)))  # type: ignore[misc]
    return b"\n".join(shown)


def _keeping_end(line: bytes, mask: Callable[[bytes], bytes]) -> bytes:
    """Mask a line but for the CR at its end."""
    text = line.removesuffix(b"\r")
    return mask(text) + line[len(text) :]


def _mask_request_line(line: bytes, privacy: Privacy) -> bytes:
    parts = line.split(b" ")
    if len(parts) != _REQUEST_LINE_PARTS or not _VERSION(parts[2]):
        return masked(line)
    method, target, version = parts
    return b" ".join((method, mask_target(method, target, privacy), version))


def _mask_line(line: bytes, name: bytes, privacy: Privacy) -> bytes:
    """Mask the value of a field line, or of one that continues it."""
    if not line:
        return line
    if line[:1] in _BLANKS:
        return line if name and mask_value(name, line, privacy) == line else masked(line)
    spelled, colon, value = line.partition(b":")
    if not colon or not _TOKEN(spelled):
        return masked(line)
    text = value.lstrip(b" \t")
    return spelled + colon + value[: len(value) - len(text)] + mask_value(name, text, privacy)


def mask_target(method: bytes | None, target: bytes, privacy: Privacy) -> bytes:
    """Overwrite what a request target must not show: its query and fragment, its path, who logs in."""
    if method == b"CONNECT":
        return target
    text = target.decode("latin-1")
    absolute = SCHEME_AND_AUTHORITY.match(text)
    origin = target[: absolute.end()] if absolute is not None else b""
    if b"@" in origin:
        scheme, slashes, authority = origin.partition(b"//")
        user, _, host = authority.rpartition(b"@")
        origin = scheme + slashes + masked(user) + b"@" + host
    rest = target[len(origin) :]
    first = min((at for at in (rest.find(b"?"), rest.find(b"#")) if at >= 0), default=len(rest))
    path, behind = rest[:first], rest[first:]
    if privacy.paths is not Keep.KEEP:
        path = path[:1] + masked(path[1:])
    if privacy.query is Keep.KEEP:
        query, mark, fragment = behind.partition(b"#")
        return origin + path + query + mark + masked(fragment)
    return origin + path + behind[:1] + masked(behind[1:])


def mask_value(name: bytes, value: bytes, privacy: Privacy) -> bytes:
    """Overwrite what a field's value must not show; `name` in lower case."""
    if name == BAGGAGE:
        if shows_baggage_values(privacy, asked=False):
            return value
        return _mask_members(value) if shows_baggage_keys(privacy) else masked(value)
    if name in SHOWN_FIELDS or (name in KEPT_FIELDS and shows_values(privacy)):
        return value
    return masked(value)


def _mask_members(baggage: bytes) -> bytes:
    """Leave the keys of a baggage list (W3C Baggage 3.3.1)."""
    members = []
    for member in baggage.split(b","):
        key, equals, rest = member.partition(b"=")
        members.append(key + equals + masked(rest) if equals else masked(member))
    return b",".join(members)
