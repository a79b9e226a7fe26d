"""The heads of HTTP/1 messages (RFC 9112): start lines, field lines, and what they say of the body's length.

A head arrives whole and without the empty line that ends it. Lines repeat endlessly on the wire (Host, User-Agent,
Accept ...), so what a line means is remembered; only lines that carry a context are read anew each time.
"""

import re
from collections import Counter
from enum import IntEnum
from typing import NamedTuple

from wiresniff.model.anomalies import Anomaly
from wiresniff.model.exchanges import Fields

CHUNKED = -1
UNTIL_CLOSE = -2
UNKNOWABLE = -3
"""Framings beside a length in octets (RFC 9112 6.3)."""

END_OF_HEAD = b"\r\n\r\n"
EMPTY_LINE = re.compile(rb"\n\r?\n")
"""RFC 9112 2.2: a recipient may take a bare LF for the end of a line, and common servers do."""
_LINE_END = re.compile(rb"\r?\n")
_FOLD = re.compile(rb"[ \t]*\r?\n[ \t]+")
"""obs-fold (RFC 9112 5.2): read as one blank."""
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VERSIONS = {b"HTTP/1.1": "1.1", b"HTTP/1.0": "1.0"}
_VERSION = re.compile(rb"HTTP/1\.([0-9])")
_TARGET = re.compile(rb"[^\x00-\x20\x7f]+")
_STATUS_LINE = re.compile(rb"HTTP/1\.([0-9]) ([1-9][0-9][0-9])(?: [^\r\n\x00]*)?")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_OWS = b" \t"

REMEMBERED_LINES = 4096
REMEMBERED_LINE_BYTES = 256


class _Kind(IntEnum):
    """What a field line is to the parser."""

    IGNORED = 0
    KEPT = 1
    HOST = 2
    USER_AGENT = 3
    LENGTH = 4
    ENCODING = 5
    UPGRADE = 6
    PREFLIGHT = 7


_KINDS = {
    b"host": _Kind.HOST,
    b"user-agent": _Kind.USER_AGENT,
    b"content-length": _Kind.LENGTH,
    b"transfer-encoding": _Kind.ENCODING,
    b"upgrade": _Kind.UPGRADE,
    b"access-control-request-method": _Kind.PREFLIGHT,
}


class _Line(NamedTuple):
    kind: _Kind
    name: bytes
    value: bytes


class RequestHead(NamedTuple):
    """What the audit reads of a request's head."""

    method: bytes
    target: bytes
    version: str
    fields: Fields
    authority: bytes | None
    user_agent: bytes | None
    framing: int
    is_upgrade: bool
    is_preflight: bool


class ResponseHead(NamedTuple):
    """What the audit reads of a response's head; `framing` without regard to the request and the status."""

    status: int
    framing: int


class Heads:
    """Reads heads; remembers lines; counts what is odd."""

    def __init__(self, kept_fields: frozenset[bytes], anomalies: Counter[str]) -> None:
        self._anomalies = anomalies
        self._kinds = dict.fromkeys(kept_fields, _Kind.KEPT) | _KINDS
        self._lines: dict[bytes, _Line] = {}
        self._statuses: dict[bytes, int] = {}

    def request(self, head: bytes) -> RequestHead | None:
        """Read the head of a request; None when its first line is not a request line."""
        lines = iter(self._split(head))
        first = next(lines)
        parts = first.split(b" ")
        if len(parts) != 3:  # noqa: PLR2004  # method, target, version
            return None
        method, target, version_text = parts
        version = _VERSIONS.get(version_text) or _odd_version(version_text)
        if version is None or not _TOKEN.fullmatch(method) or not _TARGET.fullmatch(target):
            return None
        fields: Fields = []
        authority = user_agent = length = encoding = None
        is_upgrade = is_preflight = False
        remembered = self._lines
        for text in lines:
            line = remembered.get(text) or self._read(text)
            kind = line.kind
            if kind == 0:
                continue
            if kind == _Kind.KEPT:
                fields.append((line.name, line.value))
            elif kind == _Kind.HOST:
                authority = line.value
            elif kind == _Kind.USER_AGENT:
                user_agent = line.value
            elif kind == _Kind.LENGTH:
                length = self._one_length(length, line.value)
            elif kind == _Kind.ENCODING:
                encoding = line.value if encoding is None else encoding + b"," + line.value
            elif kind == _Kind.UPGRADE:
                is_upgrade = True
            elif kind == _Kind.PREFLIGHT:
                is_preflight = method == b"OPTIONS"
        framing = 0 if length is None and encoding is None else self._framing(length, encoding, 0)
        return RequestHead(
            method, target, version, fields, authority, user_agent, framing, is_upgrade, is_preflight
        )

    def response(self, head: bytes) -> ResponseHead | None:
        """Read the head of a response; None when its first line is not a status line."""
        lines = iter(self._split(head))
        first = next(lines)
        status = self._statuses.get(first)
        if status is None:
            match = _STATUS_LINE.fullmatch(first)
            if match is None:
                return None
            status = int(match[2])
            self._remember_status(first, status)
        length = encoding = None
        remembered = self._lines
        for text in lines:
            line = remembered.get(text) or self._read(text)
            kind = line.kind
            if kind == _Kind.LENGTH:
                length = self._one_length(length, line.value)
            elif kind == _Kind.ENCODING:
                encoding = line.value if encoding is None else encoding + b"," + line.value
        if length is not None and encoding is None and length.isdigit():
            return ResponseHead(status, int(length))
        return ResponseHead(status, self._framing(length, encoding, UNTIL_CLOSE))

    def partial_request(self, head: bytes) -> RequestHead | None:
        """Read a head that is cut short: what was seen, if its request line is whole."""
        lines = _LINE_END.split(head)
        if len(lines) < 2:  # noqa: PLR2004  # the last line is never whole
            return None
        return self.request(b"\r\n".join(lines[:-1]))

    def partial_status(self, head: bytes) -> int | None:
        """Read the status of a head that is cut short, if its status line is whole."""
        line, end, _ = head.partition(b"\n")
        match = _STATUS_LINE.fullmatch(line.removesuffix(b"\r")) if end else None
        return int(match[2]) if match else None

    def _split(self, head: bytes) -> list[bytes]:
        lines = head.split(b"\r\n")
        if head.count(b"\n") != len(lines) - 1:
            self._anomalies[Anomaly.BARE_LF] += 1
            lines = _LINE_END.split(head)
        if b"\n " in head or b"\n\t" in head:
            self._anomalies[Anomaly.OBS_FOLD] += 1
            lines = _LINE_END.split(_FOLD.sub(b" ", head))
        return lines

    def _read(self, text: bytes) -> _Line:
        """Say what a field line is, and remember it unless it will not come again."""
        name, colon, value = text.partition(b":")
        kind = self._kinds.get(name.lower(), _Kind.IGNORED)
        if kind == _Kind.IGNORED and not (colon and _TOKEN.fullmatch(name)):
            self._anomalies[Anomaly.BAD_FIELD_LINE] += 1
        line = _Line(kind, name.lower(), value.strip(_OWS)) if kind else _IGNORED_LINE
        if kind != _Kind.KEPT and len(text) <= REMEMBERED_LINE_BYTES:
            if len(self._lines) >= REMEMBERED_LINES:
                self._lines.clear()
            self._lines[text] = line
        return line

    def _remember_status(self, line: bytes, status: int) -> None:
        if len(line) <= REMEMBERED_LINE_BYTES:
            if len(self._statuses) >= REMEMBERED_LINES:
                self._statuses.clear()
            self._statuses[line] = status

    def _one_length(self, before: bytes | None, value: bytes) -> bytes:
        """RFC 9112 6.3 item 5: equal values may be repeated, also as a list; anything else is no length."""
        values = {part.strip(_OWS) for part in value.split(b",")} | ({before} if before is not None else set())
        if len(values) == 1:
            return values.pop()
        self._anomalies[Anomaly.CONFLICTING_LENGTHS] += 1
        return b"?"

    def _framing(self, length: bytes | None, encoding: bytes | None, otherwise: int) -> int:
        """RFC 9112 6.3: how long the body is."""
        if encoding is not None:
            if length is not None:
                self._anomalies[Anomaly.CONFLICTING_LENGTHS] += 1
            last = encoding.rpartition(b",")[2].strip(_OWS).lower()
            if last == b"chunked":
                return CHUNKED
            return UNTIL_CLOSE if otherwise == UNTIL_CLOSE else UNKNOWABLE
        if length is None:
            return otherwise
        return int(length) if _LENGTH.fullmatch(length) else UNKNOWABLE


_IGNORED_LINE = _Line(_Kind.IGNORED, b"", b"")


def _odd_version(text: bytes) -> str | None:
    match = _VERSION.fullmatch(text)
    return "1." + match[1].decode() if match else None
