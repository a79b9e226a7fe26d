"""Heads that were met before, recognised without looking at their fields again.

A client's requests on one connection differ in little but the request line and the traceparent, a server's responses
in nothing at all until its clock ticks. What remains equal is remembered with what it means. Recognition is exact: the
bytes that are compared are all the bytes there are, and what they mean was read the long way once.

Where heads never repeat, trying costs more than it gains; so after many misses in a row recognition rests for a while.
"""

from typing import NamedTuple, TypeAlias

from wiresniff.model.exchanges import Fields
from wiresniff.protocols.http1.grammar import END_OF_HEAD, LINE_END, Heads, ResponseHead

TRACEPARENT_LINES = (b"\r\ntraceparent: ", b"\r\nTraceparent: ")
"""As most libraries write it, and as Go does."""
_VALUE_AT = len(TRACEPARENT_LINES[0])
_LINE_BYTES = _VALUE_AT + 55
_METHODS = frozenset([b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"HEAD", b"OPTIONS"])
_VERSIONS = {b"HTTP/1.1": "1.1", b"HTTP/1.0": "1.0"}
REMEMBERED = 512
"""Heads remembered; then all are forgotten and learned anew. With 1 KiB each, half a MiB."""
REMEMBERED_BYTES = 1024
MISSES = 16
"""After so many misses in a row ..."""
REST = 256
"""... so many heads are not tried."""


class RequestTemplate(NamedTuple):
    """What the fields around the traceparent say."""

    fields_before: Fields
    fields_after: Fields
    is_plain: bool
    """No field that is kept but the traceparent."""
    authority: bytes | None
    user_agent: bytes | None


Recognised: TypeAlias = tuple[bytes, bytes, str, Fields, RequestTemplate]
"""A request that follows a template: method, target, version, fields, and the template."""


class RequestTemplates:
    """Templates of requests, by all bytes of the segment before and behind the traceparent's line.

    The empty line at its end is among them, so a second request in the segment is not overlooked.
    """

    def __init__(self, heads: Heads) -> None:
        self._heads = heads
        self._known: dict[tuple[bytes, bytes], RequestTemplate] = {}
        self._misses = 0
        self._resting = 0

    def recognise(self, segment: bytes) -> Recognised | None:
        """Read a segment that is one whole request, if its head is of a known form. It ends with an empty line."""
        if self._resting:
            self._resting -= 1
            return None
        line_end = segment.find(LINE_END)
        at = segment.find(TRACEPARENT_LINES[0], line_end)
        if at < 0:
            at = segment.find(TRACEPARENT_LINES[1], line_end)
        if at < 0:
            template = self._known.get((segment[line_end:], b""))
        else:
            template = self._known.get((segment[line_end:at], segment[at + _LINE_BYTES :]))
        if template is None:
            self._miss(segment, line_end, at)
            return None
        try:
            method, target, version = segment[:line_end].split(b" ")
        except ValueError:
            return None
        if method not in _METHODS or version not in _VERSIONS:
            return None
        self._misses = 0
        if at < 0:
            return method, target, _VERSIONS[version], template.fields_before, template
        value = segment[at + _VALUE_AT : at + _LINE_BYTES]
        if b"\n" in value:
            return None
        fields = [(b"traceparent", value)]
        if template.is_plain:
            return method, target, _VERSIONS[version], fields, template
        return method, target, _VERSIONS[version], [*template.fields_before, *fields, *template.fields_after], template

    def _miss(self, segment: bytes, line_end: int, at: int) -> None:
        """Remember what the lines of a segment mean, if it is one request and nothing about it is unusual."""
        self._misses += 1
        if self._misses > MISSES:
            self._misses, self._resting = MISSES - 1, REST
            return
        if line_end < 0 or len(segment) - line_end > REMEMBERED_BYTES:
            return
        before, after = (segment[line_end:], b"") if at < 0 else (segment[line_end:at], segment[at + _LINE_BYTES :])
        lines = (before + after).removesuffix(END_OF_HEAD)
        if not _is_regular(lines) or not (after == b"" or after.startswith(LINE_END)):
            return
        first = self._heads.request(_with_start_line(before.removesuffix(END_OF_HEAD)))
        second = self._heads.request(_with_start_line(after.removesuffix(END_OF_HEAD)))
        whole = self._heads.request(_with_start_line(lines))
        if first is None or second is None or whole is None or whole.is_upgrade or whole.is_preflight or whole.framing:
            return
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        is_plain = not first.fields and not second.fields
        self._known[before, after] = RequestTemplate(
            first.fields, second.fields, is_plain, whole.authority, whole.user_agent
        )


class ResponseTemplates:
    """Whole heads of responses."""

    def __init__(self) -> None:
        self._known: dict[bytes, ResponseHead] = {}
        self._shortest = 0
        """Of the heads that are known: no shorter one need be looked for."""
        self._misses = 0
        self._resting = 0

    def recognise(self, buffer: bytes, start: int, stop: int) -> tuple[int, int, int] | None:
        """Read a known head that begins at `start`: where its body begins in the buffer, its status, its length."""
        if self._resting:
            self._resting -= 1
            return None
        end = buffer.find(END_OF_HEAD, start + self._shortest, stop)
        if end < 0:
            return None
        head = self._known.get(buffer[start:end])
        if head is None:
            self._misses += 1
            if self._misses > MISSES:
                self._misses, self._resting = MISSES - 1, REST
            return None
        self._misses = 0
        status, length = head
        return end + len(END_OF_HEAD), status, length

    def learn(self, octets: bytes, head: ResponseHead) -> None:
        """Remember a whole and regular head that was read."""
        if self._resting or len(octets) > REMEMBERED_BYTES:
            return
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._shortest = min(self._shortest, len(octets)) if self._known else len(octets)
        self._known[octets] = head


def _is_regular(lines: bytes) -> bool:
    """No line ends in LF alone, none is empty, none is folded."""
    return (
        lines.count(b"\n") == lines.count(LINE_END)
        and END_OF_HEAD not in lines
        and b"\n " not in lines
        and b"\n\t" not in lines
    )


def _with_start_line(lines: bytes) -> list[bytes]:
    return (b"OPTIONS * HTTP/1.1" + lines).split(LINE_END)
