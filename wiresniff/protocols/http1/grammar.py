"""The heads of HTTP/1 messages (RFC 9112): start lines, field lines, and what they say of the body's length.

A head arrives as lines, without the empty line that ends it. The names of fields repeat endlessly on the wire, in the
spelling of their senders, so what a name means is remembered by its very bytes; the values are looked at only where
the name matters.
"""

import re
from collections import Counter
from typing import NamedTuple, TypeAlias

from wiresniff.model.anomalies import Anomaly
from wiresniff.model.exchanges import Fields
from wiresniff.protocols.auxiliary import AUXILIARY_FIELDS, is_auxiliary, is_kept

CHUNKED = -1
UNTIL_CLOSE = -2
UNKNOWABLE = -3
"""Framings beside a length in octets (RFC 9112 6.3)."""

LINE_END = b"\r\n"
END_OF_HEAD = b"\r\n\r\n"
EMPTY_LINE = re.compile(rb"\n\r?\n")
"""RFC 9112 2.2: a recipient may take a bare LF for the end of a line, and common servers do."""
_ANY_LINE_END = re.compile(rb"\r?\n")
_BLANKS = (b" ", b"\t")
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VERSIONS = {b"HTTP/1.1": "1.1", b"HTTP/1.0": "1.0"}
_VERSION = re.compile(rb"HTTP/1\.([0-9])")
_TARGET = re.compile(rb"[^\x00-\x20\x7f]+")
_STATUS_LINE = re.compile(rb"HTTP/1\.([0-9]) ([1-9][0-9][0-9])(?: [^\r\n\x00]*)?")
_LENGTH = re.compile(rb"0{0,64}[0-9]{1,20}")
"""RFC 9110 8.6: any number of digits. Leading zeros are legal; 2^64 has 20 digits, and longer ones are no length."""
_OWS = b" \t"

REMEMBERED = 4096
"""Spellings of names, and status lines, that are remembered; then all are forgotten and learned anew."""
REMEMBERED_BYTES = 64
"""Longer ones are read anew each time."""

_LENGTH_LINE = b"\ncontent-length:"
_FOLDED_NEXT = (b"\n ", b"\n\t")
_LEAST_FINAL = 200
_BODYLESS = (204, 304)
"""RFC 9110 6.4.1: no content, whatever the fields say."""

IGNORED, KEPT, HOST, USER_AGENT, LENGTH, ENCODING, UPGRADE, PREFLIGHT, AUXILIARY = range(9)
"""What a field is to the parser."""

_KINDS = {
    b"host": HOST,
    b"user-agent": USER_AGENT,
    b"content-length": LENGTH,
    b"transfer-encoding": ENCODING,
    b"upgrade": UPGRADE,
    b"access-control-request-method": PREFLIGHT,
}


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
    is_h2c: bool
    """It asks to go on in HTTP/2 (RFC 7540 3.2)."""
    auxiliary: tuple[bytes, ...]
    """Values that may identify it (`protocols.auxiliary`)."""


ResponseHead: TypeAlias = tuple[int, int]
"""Status, and framing without regard to the request and the status."""


class _FoldedError(Exception):
    """A line continues the one before it."""


class Heads:
    """Reads heads; remembers names; counts what is odd."""

    def __init__(self, kept_fields: frozenset[bytes], anomalies: Counter[str]) -> None:
        self._anomalies = anomalies
        self._known = dict.fromkeys(kept_fields, KEPT) | _KINDS
        self._kinds: dict[bytes, int] = {}
        """By the name as it was spelled."""
        self._statuses: dict[bytes, int] = {}

    def request(self, lines: list[bytes]) -> RequestHead | None:
        """Read the head of a request; None when its first line is not a request line."""
        try:
            return self._request(lines)
        except _FoldedError:
            return self._request(self._unfold(lines))

    def response(self, lines: list[bytes]) -> ResponseHead | None:
        """Read the head of a response; None when its first line is not a status line."""
        try:
            return self._response(lines)
        except _FoldedError:
            return self._response(self._unfold(lines))

    def _request(self, lines: list[bytes]) -> RequestHead | None:
        parts = lines[0].split(b" ")
        if len(parts) != 3:  # noqa: PLR2004  # method, target, version
            return None
        method, target, version_text = parts
        version = _VERSIONS.get(version_text) or _odd_version(version_text)
        if version is None or not _TOKEN.fullmatch(method) or not _TARGET.fullmatch(target):
            return None
        fields: Fields = []
        auxiliary: list[bytes] = []
        authority = user_agent = length = encoding = None
        is_upgrade = is_preflight = is_h2c = False
        kinds = self._kinds
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            kind = kinds.get(name)
            if kind == IGNORED:
                continue
            if kind is None:
                kind = self._learn(name, colon)
            if kind == KEPT:
                fields.append((name.lower(), value.strip(_OWS)))
            elif kind == AUXILIARY:
                auxiliary.append(value.strip(_OWS))
            elif kind == HOST:
                authority = value.strip(_OWS)
            elif kind == USER_AGENT:
                user_agent = value.strip(_OWS)
            elif kind == LENGTH:
                length = self._one_length(length, value.strip(_OWS))
            elif kind == ENCODING:
                encoding = value if encoding is None else encoding + b"," + value
            elif kind == UPGRADE:
                is_upgrade = True
                is_h2c = is_h2c or b"h2c" in [token.strip(_OWS).lower() for token in value.split(b",")]
            elif kind == PREFLIGHT:
                is_preflight = method == b"OPTIONS"
        framing = 0 if length is None and encoding is None else self._framing(length, encoding, 0)
        return RequestHead(
            method, target, version, fields, authority, user_agent, framing, is_upgrade, is_preflight, is_h2c,
            tuple(filter(is_kept, auxiliary))[:AUXILIARY_FIELDS],
        )  # fmt: skip

    def _response(self, lines: list[bytes]) -> ResponseHead | None:
        status = self._statuses.get(lines[0]) or self._learn_status(lines[0])
        if status is None:
            return None
        length = encoding = None
        kinds = self._kinds
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            kind = kinds.get(name)
            if kind == IGNORED:
                continue
            if kind is None:
                kind = self._learn(name, colon)
            if kind == LENGTH:
                length = self._one_length(length, value.strip(_OWS))
            elif kind == ENCODING:
                encoding = value if encoding is None else encoding + b"," + value
        return status, self._framing(length, encoding, UNTIL_CLOSE)

    def plain_response(self, octets: bytes) -> ResponseHead | None:
        """Read a response that has one Content-Length and nothing that could overrule it; None for any other.

        Octets of a head, without the empty line that ends it. Three searches instead of a look at every line.
        """
        line = octets[: octets.find(b"\r")]
        status = self._statuses.get(line) or self._learn_status(line)
        if status is None or status < _LEAST_FINAL or status in _BODYLESS:
            return None
        folded_case = octets.lower()
        at = folded_case.find(_LENGTH_LINE)
        if at < 0 or folded_case.find(_LENGTH_LINE, at + 1) >= 0 or b"\ntransfer-encoding" in folded_case:
            return None
        value_stop = folded_case.find(b"\r", at)
        value = folded_case[at + len(_LENGTH_LINE) : value_stop if value_stop >= 0 else None].strip(_OWS)
        is_whole = value_stop < 0 or (folded_case[value_stop + 1 : value_stop + 3] not in _FOLDED_NEXT)
        if not (is_whole and _LENGTH.fullmatch(value) and octets.count(b"\n") == octets.count(LINE_END)):
            return None
        return status, int(value)

    def split(self, head: bytes) -> list[bytes]:
        """Split a head whose lines may end in LF alone."""
        lines = head.split(LINE_END)
        if head.count(b"\n") != len(lines) - 1:
            self._anomalies[Anomaly.BARE_LF] += 1
            lines = _ANY_LINE_END.split(head)
        return lines

    def partial_request(self, head: bytes) -> RequestHead | None:
        """Read a head that is cut short: what was seen, if its request line is whole."""
        whole_lines = self.split(head)[:-1]  # the last line is never whole
        return self.request(whole_lines) if whole_lines else None

    def partial_status(self, head: bytes) -> int | None:
        """Read the status of a head that is cut short, if its status line is whole."""
        line, end, _ = head.partition(b"\n")
        return self._learn_status(line.removesuffix(b"\r")) if end else None

    def _unfold(self, lines: list[bytes]) -> list[bytes]:
        """Read obs-fold as one blank (RFC 9112 5.2)."""
        self._anomalies[Anomaly.OBS_FOLD] += 1
        unfolded = lines[:1]
        pieces: list[bytes] = []
        for line in lines[1:]:
            if pieces and line[:1] in _BLANKS:
                pieces.append(line.strip(_OWS))
                continue
            if pieces:
                unfolded.append(b" ".join(pieces))
            pieces = [line.rstrip(_OWS) if line[:1] not in _BLANKS else line.strip(_OWS)]
        return [*unfolded, b" ".join(pieces)] if pieces else unfolded

    def _learn(self, name: bytes, colon: bytes) -> int:
        """Say what a name is that was not met in this spelling."""
        if name[:1] in _BLANKS:
            raise _FoldedError
        kind = self._known.get(name.lower(), IGNORED)
        if kind == IGNORED and not (colon and _TOKEN.fullmatch(name)):
            self._anomalies[Anomaly.BAD_FIELD_LINE] += 1
            return IGNORED
        if kind == IGNORED and is_auxiliary(name.lower()):
            kind = AUXILIARY
        if len(name) <= REMEMBERED_BYTES:
            if len(self._kinds) >= REMEMBERED:
                self._kinds.clear()
            self._kinds[name] = kind
        return kind

    def _learn_status(self, line: bytes) -> int | None:
        match = _STATUS_LINE.fullmatch(line)
        if match is None:
            return None
        status = int(match[2])
        if len(line) <= REMEMBERED_BYTES:
            if len(self._statuses) >= REMEMBERED:
                self._statuses.clear()
            self._statuses[line] = status
        return status

    def _one_length(self, before: bytes | None, value: bytes) -> bytes:
        """RFC 9112 6.3 item 5: equal values may be repeated, also as a list; anything else is no length."""
        if before is None and value.isdigit():
            return value
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
            if encoding.rpartition(b",")[2].strip(_OWS).lower() == b"chunked":
                return CHUNKED
            return UNTIL_CLOSE if otherwise == UNTIL_CLOSE else UNKNOWABLE
        if length is None:
            return otherwise
        return int(length) if _LENGTH.fullmatch(length) else UNKNOWABLE


def _odd_version(text: bytes) -> str | None:
    match = _VERSION.fullmatch(text)
    return "1." + match[1].decode() if match else None
