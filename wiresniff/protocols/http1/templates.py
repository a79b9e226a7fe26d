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
    authority: bytes | None
    user_agent: bytes | None
    framing: int


Recognised: TypeAlias = tuple[bytes, bytes, str, Fields, RequestTemplate]
"""A request that follows a template: method, target, version, fields, and the template."""


class RequestTemplates:
    """Templates of requests, by the bytes before and behind the traceparent's line."""

    def __init__(self, heads: Heads) -> None:
        self._heads = heads
        self._known: dict[tuple[bytes, bytes], RequestTemplate] = {}
        self._misses = 0
        self._resting = 0

    def recognise(self, octets: bytes) -> Recognised | None:
        """Read a whole head (without the empty line that ends it) if it follows a known template."""
        if self._resting:
            self._resting -= 1
            return None
        line_end = octets.find(LINE_END)
        at = octets.find(TRACEPARENT_LINES[0], line_end)
        if at < 0:
            at = octets.find(TRACEPARENT_LINES[1], line_end)
        if at < 0:
            before, after = octets[line_end:], b""
        else:
            before, after = octets[line_end:at], octets[at + _LINE_BYTES :]
        template = self._known.get((before, after))
        parts = octets[:line_end].split(b" ")
        if template is None or len(parts) != 3 or parts[0] not in _METHODS:  # noqa: PLR2004
            if line_end >= 0:
                self._miss(before, after)
            return None
        version = _VERSIONS.get(parts[2])
        if version is None:
            return None
        fields = template.fields_before
        if at >= 0:
            value = octets[at + _VALUE_AT : at + _LINE_BYTES]
            if b"\r" in value or b"\n" in value:
                return None
            fields = [*fields, (b"traceparent", value), *template.fields_after]
        self._misses = 0
        return parts[0], parts[1], version, fields, template

    def _miss(self, before: bytes, after: bytes) -> None:
        """Remember what some lines mean, unless there is anything unusual about them."""
        self._misses += 1
        if self._misses > MISSES:
            self._misses, self._resting = MISSES - 1, REST
            return
        if len(before) + len(after) > REMEMBERED_BYTES or not (after == b"" or after.startswith(LINE_END)):
            return
        if not (_is_regular(before) and _is_regular(after)):
            return
        first = self._heads.request(_with_start_line(before))
        second = self._heads.request(_with_start_line(after))
        whole = self._heads.request(_with_start_line(before + after))
        if first is None or second is None or whole is None or whole.is_upgrade or whole.is_preflight:
            return
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[before, after] = RequestTemplate(
            first.fields, second.fields, whole.authority, whole.user_agent, whole.framing
        )


class ResponseTemplates:
    """Whole heads of responses."""

    def __init__(self) -> None:
        self._known: dict[bytes, ResponseHead] = {}
        self._shortest = 0
        """Of the heads that are known: no shorter one need be looked for."""
        self._misses = 0
        self._resting = 0

    def recognise(self, buffer: bytes, start: int, stop: int) -> tuple[int, ResponseHead] | None:
        """Return where a known head that begins at `start` ends in the buffer, and what it says."""
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
        return end, head

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
