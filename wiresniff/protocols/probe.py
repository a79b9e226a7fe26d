"""What do the first bytes of a flow say? Ports don't decide what is HTTP: bytes do."""

import re
from enum import Enum


class Speech(Enum):
    """What a flow speaks, as far as its first bytes tell."""

    HTTP1_REQUEST = "http/1 request"
    HTTP1_RESPONSE = "http/1 response"
    HTTP2_CLIENT = "http/2"
    HTTP2_SERVER = "http/2 settings"
    HTTP2_FRAMES = "http/2 frames"
    """Found by how its frames tile the bytes, not by its beginning."""
    TLS = "tls"
    UNKNOWN = "unknown-protocol"
    UNSURE = "more bytes are needed"


_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
REQUEST_LINE = re.compile(rb"\r?\n?(" + _TOKEN + rb"{1,32}) ([^\x00-\x20\x7f]+) HTTP/1\.([0-9])\r?\n")
"""RFC 9112 3: method, target, version. Empty lines before it are ignored (RFC 9112 2.2)."""
_REQUEST_START = re.compile(
    rb"[A-Z][A-Z\-_]{0,31} (?:/|\*|[a-zA-Z][a-zA-Z0-9+.\-]*://|[^\x00-\x20\x7f]+(?: HTTP/1\.|\Z))"
)
"""Enough of a request line to wait for the rest."""
STATUS_LINE = re.compile(rb"HTTP/1\.([0-9]) ([1-9][0-9][0-9])(?: [^\r\n\x00]*)?\r?\n")
"""RFC 9112 4; the reason phrase, and the blank before it, may be absent."""
_STATUS_START = b"HTTP/1."
_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""RFC 9113 3.4."""
_SETTINGS_BYTES = 9
_EMPTY_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_SETTINGS = re.compile(rb"\x00\x00[%b]\x04\x00\x00\x00\x00\x00" % re.escape(bytes(range(0, 256, 6))))
"""The first frame of a server (RFC 9113 3.4): other protocols may have the same bytes there."""
_TLS_HANDSHAKE = re.compile(rb"\x16\x03[\x00-\x04]")
_TLS_RECORD = re.compile(rb"[\x14-\x17]\x03[\x00-\x04][\x00-\x48]")
"""RFC 8446 5.1: type, version, length (at most 2^14 + 256, or 2048 in older versions)."""
LINE_BYTES = 8192
"""A request line without an end for so long is none: servers stop at 8 KiB."""


def probe(octets: bytes) -> Speech:
    """Say what the bytes at the beginning of a flow are; `UNSURE` only for a short piece."""
    if REQUEST_LINE.match(octets):
        return Speech.HTTP1_REQUEST
    if STATUS_LINE.match(octets):
        return Speech.HTTP1_RESPONSE
    if _TLS_HANDSHAKE.match(octets) and (len(octets) < 6 or octets[5] in (0x01, 0x02)):  # noqa: PLR2004  # hello
        return Speech.TLS if len(octets) >= 6 else Speech.UNSURE  # noqa: PLR2004
    if octets.startswith(_HTTP2_PREFACE):
        return Speech.HTTP2_CLIENT
    if octets[:1] == b"\x00":
        return _probe_settings(octets)
    return Speech.UNSURE if _may_become(octets.lstrip(b"\r\n")) else Speech.UNKNOWN


def _probe_settings(octets: bytes) -> Speech:
    """Say whether these are, or may become, the SETTINGS of an HTTP/2 server."""
    if _SETTINGS.match(octets):
        return Speech.HTTP2_SERVER
    is_beginning = len(octets) < _SETTINGS_BYTES and _SETTINGS.match(octets + _EMPTY_SETTINGS[len(octets) :])
    return Speech.UNSURE if is_beginning else Speech.UNKNOWN


def _may_become(octets: bytes) -> bool:
    """More bytes could make this a request line, a status line, a preface or a TLS hello."""
    if len(octets) > LINE_BYTES:
        return False
    if _HTTP2_PREFACE.startswith(octets):
        return True
    if _STATUS_START.startswith(octets[: len(_STATUS_START)]):
        return b"\n" not in octets
    if _TLS_HANDSHAKE.match(octets) or b"\x16\x03".startswith(octets):
        return len(octets) < 6  # noqa: PLR2004
    if b"\n" in octets:
        return False
    return bool(_REQUEST_START.match(octets)) or bool(
        re.fullmatch(_TOKEN + rb"{1,32}(?: [^\x00-\x20\x7f]*(?: HTTP/1\.?[0-9]?\r?)?)?", octets)
    )


def begins_request(octets: bytes) -> bool:
    """Whether a segment begins like a request: its request line, or as much of it as the segment holds."""
    if REQUEST_LINE.match(octets):
        return True
    return b"\n" not in octets and _REQUEST_START.match(octets) is not None


def may_begin_request(octets: bytes) -> bool:
    """Whether a segment may begin a request, for one who knows that something begins there."""
    return probe(octets) is Speech.UNSURE


def is_tls_record(octets: bytes) -> bool:
    """Whether the bytes begin like any TLS record: for connections joined late."""
    return bool(_TLS_RECORD.match(octets))
