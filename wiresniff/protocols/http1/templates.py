"""Heads that were met before, recognised without looking at their fields again.

A client's requests on one connection differ in little but the request line and the traceparent, a server's responses
in nothing at all until its clock ticks. What remains equal is remembered with what it means. Recognition is exact: the
bytes that are compared are all the bytes there are, and what they mean was read the long way once.

Where heads never repeat, trying costs more than it gains; so after many misses in a row recognition rests for a while.
"""

import re
from collections import Counter
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from wiresniff.model.exchanges import Fields
from wiresniff.protocols.http1.grammar import END_OF_HEAD, LINE_END, Heads, RequestHead, ResponseHead

if TYPE_CHECKING:
    from collections.abc import Callable

TRACEPARENT_LINES = (b"\r\ntraceparent: ", b"\r\nTraceparent: ")
"""As most libraries write it, and as Go does."""
_VALUE_AT = len(TRACEPARENT_LINES[0])
_LINE_BYTES = _VALUE_AT + 55
_VALUE = rb"(?![ \t])[^\n]{54}[^\n \t]"
REGULAR_VALUE = re.compile(_VALUE).fullmatch
"""A value that ends with its line and has no blanks around it."""
_REQUEST_LINE = rb"(GET|POST|PUT|DELETE|PATCH|OPTIONS) ([^\x00-\x20\x7f]+) HTTP/1\.([01])"
_BEGINS = re.compile(_REQUEST_LINE + rb"\r\n").match
_LINE = re.compile(_REQUEST_LINE).fullmatch
_VERSIONS = {b"1": "1.1", b"0": "1.0"}
HITS_WORTH_AN_EXPRESSION = 8
"""Uses of a template after which it gets an expression of its own: making one costs as much as a hundred uses save."""
PATTERNS = 16
"""Templates looked for at once in columns; the least used makes room. A network has a few clients' forms at a time."""
REMEMBERED = 512
"""Heads remembered; then all are forgotten and learned anew. With 1 KiB each, half a MiB."""
REMEMBERED_BYTES = 1024
LINES_REMEMBERED = 4096
"""Request lines remembered, and operations told apart by number; then all are forgotten."""
LARGEST_BODY = 1 << 40
"""Of heads that are remembered: what claims more never ends within a block, and columns hold numbers of 64 bits."""
MISSES = 16
"""After so many misses in a row ..."""
REST = 256
"""... so many heads are not tried."""


class RequestTemplate:
    """What the bytes around the traceparent's value say; None instead of a value where there is no traceparent."""

    __slots__ = (
        "around", "authority", "auxiliary", "fields_after", "fields_before", "framing", "hits", "is_plain", "match",
        "user_agent",
    )  # fmt: skip

    def __init__(self, before: bytes, after: bytes | None, head: RequestHead, fields: tuple[Fields, Fields]) -> None:
        self.around = (before, after)
        self.hits = 0
        self.framing = head.framing
        """Length of the body."""
        self.fields_before, self.fields_after = fields
        self.is_plain = not self.fields_before and not self.fields_after
        """No field that is kept but the traceparent."""
        self.authority = head.authority
        self.user_agent = head.user_agent
        self.auxiliary = head.auxiliary
        """The same for all: they show that they identify nothing."""
        self.match: Callable[[bytes], re.Match[bytes] | None] | None = None
        """Takes a whole segment apart at once: method, target, version, traceparent."""

    def fields(self, value: bytes | None) -> Fields:
        """Return the fields that are kept, with this traceparent."""
        if value is None:
            return self.fields_before
        if self.is_plain:
            return [(b"traceparent", value)]
        return [*self.fields_before, (b"traceparent", value), *self.fields_after]

    def forget_uses(self) -> None:
        """Take it that it was never used: it is looked for in columns no longer, until it has become frequent anew."""
        self.hits = 0
        self.match = None

    def hit(self) -> None:
        """Count a use; make the expression once that pays."""
        self.hits += 1
        if self.hits == HITS_WORTH_AN_EXPRESSION and not self.framing:
            before, after = self.around
            value = rb"()" if after is None else rb"(" + _VALUE + rb")" + re.escape(after)
            self.match = re.compile(_REQUEST_LINE + re.escape(before) + value).fullmatch


class RequestLine(NamedTuple):
    """A request line."""

    method: bytes
    target: bytes
    version: str
    operation: int
    """A number for method and path, without the query: equal numbers mean equal operations."""


Recognised: TypeAlias = tuple[bytes, bytes, str, Fields, RequestTemplate]
"""A request that follows a template: method, target, version, fields, and the template."""


class RequestTemplates:
    """Templates of requests, by all bytes of the segment before and behind the traceparent's value.

    The empty line at its end is among them, so a second request in the segment is not overlooked.
    """

    def __init__(self, kept_fields: frozenset[bytes]) -> None:
        self._oddities: Counter[str] = Counter()
        self._heads = Heads(kept_fields, self._oddities)
        self._known: dict[tuple[bytes, bytes | None], RequestTemplate] = {}
        self._latest: RequestTemplate | None = None
        self._misses = 0
        self._resting = 0
        self._frequent: list[RequestTemplate] = []
        self._lines: dict[bytes, RequestLine] = {}
        self._operations: dict[tuple[bytes, bytes], int] = {}
        self._operations_met = 0

    def recognise(self, segment: bytes) -> Recognised | None:
        """Read a segment that is one whole request, if its head is of a known form. It ends with an empty line."""
        template = self._latest
        found = template.match(segment) if template is not None and template.match is not None else None
        if template is None or found is None:
            looked_up = self._look_up(segment)
            if looked_up is None:
                return None
            template, (method, target, version, value) = looked_up
        else:
            method, target, version, value = found.groups()
        if template.framing:  # its body must be skipped
            return None
        return method, target, _VERSIONS[version], template.fields(value or None), template

    def meet(self, head: bytes) -> None:
        """Learn from a head that was read the long way, because a body follows it. It ends with an empty line."""
        self._look_up(head)

    def take_frequent(self) -> list[RequestTemplate]:
        """Return templates that have become frequent since the last call, the latest of them."""
        frequent = self._frequent
        if frequent:
            self._frequent = []
        return frequent

    def read_lines(self, lines: list[bytes]) -> list[RequestLine | None]:
        """Read request lines; None for one that is not regular, or too long to be remembered."""
        read = list(map(self._lines.get, lines))
        for row in [row for row, line in enumerate(read) if line is None]:
            read[row] = self._lines.get(lines[row]) or self._read_line(lines[row])
        return read

    def _read_line(self, octets: bytes) -> RequestLine | None:
        found = _LINE(octets) if len(octets) <= REMEMBERED_BYTES else None
        if found is None:
            return None
        method, target, version = found.groups()
        what = (method, target.partition(b"?")[0])
        if len(self._lines) >= LINES_REMEMBERED:
            self._lines.clear()
        if len(self._operations) >= LINES_REMEMBERED:
            self._operations.clear()
            self._operations_met += LINES_REMEMBERED
        number = self._operations.setdefault(what, self._operations_met + len(self._operations))
        line = self._lines[octets] = RequestLine(method, target, _VERSIONS[version], number)
        return line

    def _look_up(self, segment: bytes) -> tuple[RequestTemplate, tuple[bytes, ...]] | None:
        """Find the template of a segment by its bytes, and take it apart; learn the template if there is none."""
        if self._resting:
            self._resting -= 1
            return None
        line_end = segment.find(LINE_END)
        at = segment.find(TRACEPARENT_LINES[0], line_end)
        if at < 0:
            at = segment.find(TRACEPARENT_LINES[1], line_end)
        before = segment[line_end:] if at < 0 else segment[line_end : at + _VALUE_AT]
        after = None if at < 0 else segment[at + _LINE_BYTES :]
        template = self._known.get((before, after))
        if template is None:
            if line_end >= 0:
                self._miss(before, after)
            return None
        line = _BEGINS(segment)
        value = b"" if at < 0 else segment[at + _VALUE_AT : at + _LINE_BYTES]
        if line is None or (value and REGULAR_VALUE(value) is None):
            return None
        self._misses = 0
        if not template.framing:
            self._latest = template
        template.hit()
        if template.hits == HITS_WORTH_AN_EXPRESSION:
            self._frequent.append(template)
            if len(self._frequent) > PATTERNS:
                self._frequent.pop(0).forget_uses()
        return template, (*line.groups(), value)

    def _miss(self, before: bytes, after: bytes | None) -> None:
        """Remember what the lines of a segment mean, if it is one request and nothing about it is unusual."""
        self._misses += 1
        if self._misses > MISSES:
            self._misses, self._resting = MISSES - 1, REST
            return
        rest = after or b""
        if len(before) + len(rest) > REMEMBERED_BYTES or not (after is None or after.startswith(LINE_END)):
            return
        lines = (before + rest).removesuffix(END_OF_HEAD)
        if not _is_regular(lines):
            return
        lines_before = before.removesuffix(END_OF_HEAD) if after is None else before[:-_VALUE_AT]
        first = self._heads.request(_with_start_line(lines_before))
        second = self._heads.request(_with_start_line(rest.removesuffix(END_OF_HEAD)))
        whole = self._heads.request(_with_start_line(lines))
        if self._oddities:  # each head in which something is odd is read, and what is odd is counted
            self._oddities.clear()
            return
        if (
            first is None
            or second is None
            or whole is None
            or whole.is_upgrade
            or whole.is_preflight
            or not 0 <= whole.framing <= LARGEST_BODY
        ):
            return
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[before, after] = RequestTemplate(before, after, whole, (first.fields, second.fields))


UNKNOWN: ResponseHead = (0, 0)
"""Said of a head that was not met before."""


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

    def find_all(self, buffer: bytes, starts: list[int], stops: list[int]) -> tuple[list[int], list[ResponseHead]]:
        """Look for a known head in each segment: where it ends, without its empty line, and what it says, or `UNKNOWN`.

        Whatever was missed before: many at once cost little.
        """
        find, shortest = buffer.find, self._shortest
        segments = zip(starts, stops, strict=True)
        ends = [find(END_OF_HEAD, start + shortest, stop) for start, stop in segments]
        octets = [buffer[start:end] if end >= 0 else b"" for start, end in zip(starts, ends, strict=True)]
        return ends, list(map(self._known.get, octets, repeat(UNKNOWN)))

    def learn(self, octets: bytes, head: ResponseHead) -> None:
        """Remember a whole and regular head that was read."""
        if self._resting or len(octets) > REMEMBERED_BYTES or head[1] > LARGEST_BODY:
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
