"""Turns of which every byte is known: recognised in columns, without parsing.

Theory of operation. A client's heads differ in request line and traceparent, and end alike: so the last bytes of many
heads are compared with a template at once, as words, the value of the traceparent left out. A server's heads are few:
each is looked up whole. A turn is known when its request is of a template, its response's head was read before, and
both bodies end where TCP says that the turn ends. Recognition is exact: all bytes of both heads are compared or read.

Nothing is remembered of a connection here, and nothing is counted; whoever asks decides whether a turn may be taken
as known (`conversation.is_at_rest`), and parses it otherwise.
"""

import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wiresniff.columns.gather import gather
from wiresniff.model.delivery import Data
from wiresniff.protocols.http1.body import ChunkedBody, Chunks
from wiresniff.protocols.http1.pairing import EXPIRY_NS
from wiresniff.protocols.http1.templates import RequestTemplate
from wiresniff.protocols.http1.turns import Ints, Mask, Rows, Turns

VALUE_BYTES = 55
"""Length of a traceparent of version 00."""
WORD = 8
NONE = -1

END_OF_LINE = b" HTTP/1."
"""Behind it a request line has one digit: a head whose lines go on before those of a template is another one's."""
SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n").match
END_OF_CHUNKS = b"\r\n0\r\n\r\n"

_VALUE = np.dtype(f"V{VALUE_BYTES}")


class Pattern:
    """The end of a head as words to compare: all its lines but the first, and the end of that."""

    __slots__ = ("care", "reach", "template", "uses", "value_from_end", "width", "words")

    def __init__(self, template: RequestTemplate) -> None:
        before, after = template.around
        wanted = END_OF_LINE + b"\0" + before
        care = b"\xff" * len(END_OF_LINE) + b"\0" + b"\xff" * len(before)
        self.value_from_end: int | None = None
        """Where the traceparent's value begins, counted back from the end of the head."""
        if after is not None:
            wanted += bytes(VALUE_BYTES) + after
            care += bytes(VALUE_BYTES) + b"\xff" * len(after)
            self.value_from_end = VALUE_BYTES + len(after)
        self.reach = len(wanted) - len(END_OF_LINE) - 1
        """Length of the lines, from the line end before them on."""
        self.width = -(-len(wanted) // WORD) * WORD
        self.words = np.frombuffer(wanted.rjust(self.width, b"\0"), dtype=np.uint64)
        self.care = np.frombuffer(care.rjust(self.width, b"\0"), dtype=np.uint64)
        self.template = template
        self.uses = 0

    def matches(self, raw: NDArray[np.uint8], head_stop: Ints) -> Mask:
        """Tell which heads end with the template's lines: (k,) positions behind their ends -> (k,)."""
        found = gather(raw, head_stop - self.width, np.dtype(f"V{self.width}"))
        words = found.view(np.uint64).reshape(-1, self.width // WORD)
        differs: NDArray[np.uint64] = np.bitwise_or.reduce((words ^ self.words) & self.care, axis=1)
        is_match: Mask = differs == 0
        return is_match


class Requests(NamedTuple):
    """What is known of the requests of some turns, one row each."""

    pattern: Ints
    """Which pattern; `NONE` when it is not known."""
    line_stop: Ints
    """In the buffer: behind the request line."""
    value_at: Ints
    """In the buffer: where the traceparent's value begins; `NONE` without one."""


def find_requests(raw: NDArray[np.uint8], rows: Rows, turns: Turns, chosen: Ints, patterns: list[Pattern]) -> Requests:
    """Recognise the requests of the chosen turns.   oracle: `RequestTemplates.recognise`, one by one.

    raw     (bytes,) u1
    chosen  (k,) turns, each clear
    """
    first_row = turns.request_row[chosen]
    start, stop = rows.starts[first_row], rows.stops[first_row]
    length = turns.request_stop[chosen] - turns.request_at[chosen]
    pattern_of = np.full(len(chosen), NONE, dtype=np.int64)
    line_stop = np.zeros(len(chosen), dtype=np.int64)
    value_at = np.full(len(chosen), NONE, dtype=np.int64)
    left = np.arange(len(chosen))
    for number, pattern in enumerate(patterns):
        head_stop = start[left] + length[left] - pattern.template.framing
        fits = (head_stop <= stop[left]) & (head_stop - pattern.reach > start[left]) & (head_stop >= pattern.width)
        candidates, head_stop = left[fits], head_stop[fits]
        is_match = pattern.matches(raw, head_stop)
        found, head_stop = candidates[is_match], head_stop[is_match]
        pattern_of[found] = number
        line_stop[found] = head_stop - pattern.reach
        if pattern.value_from_end is not None:
            value_at[found] = head_stop - pattern.value_from_end
        pattern.uses += len(found)
        left = left[pattern_of[left] == NONE]
        if not len(left):
            break
    return Requests(pattern_of, line_stop, value_at)


ArePlain: TypeAlias = Callable[[NDArray[np.uint8]], Mask]
"""Tells which traceparents, (n, 55) u1, are valid with nothing to be said of them."""


def values_at(raw: NDArray[np.uint8], value_at: Ints) -> NDArray[np.uint8]:
    """Return the values of traceparents: (n,) positions -> (n, 55) u1."""
    return gather(raw, value_at, _VALUE).view(np.uint8).reshape(-1, VALUE_BYTES)


def ends_chunked(run: Data, position: int, stop: int, first: int, last: int) -> bool:
    """Tell whether a chunked body that begins at `position` ends at `stop`; rows `first` to `last` are its message.

    The run is any that shares its columns with the message.
    """
    buffer, columns = run.buffer, run.columns
    start = columns.starts[first] + position - columns.cuts[first]
    first_stop, last_start, last_stop = columns.stops[first], columns.starts[last - 1], columns.stops[last - 1]
    size = SIZE_LINE(buffer, start, first_stop) if start < first_stop else None
    if size is not None:
        # one chunk without extensions and trailers: nearly all there are
        octets = int(size[1], 16)
        rest = stop - position - (size.end() - start) - octets
        is_whole = rest == len(END_OF_CHUNKS) <= last_stop - last_start
        if octets and is_whole and buffer[last_stop - rest : last_stop] == END_OF_CHUNKS:
            return True
    chunks = ChunkedBody()
    message = Data(columns.cuts[first], stop, buffer, columns, first, last, run.capture)
    return position < stop and chunks.feed(message, position) == stop and chunks.expects is Chunks.DONE


def is_timely(rows: Rows, turns: Turns, chosen: Ints) -> Mask:
    """Tell which turns end before an exchange is reported without its end."""
    ended = rows.times[turns.response_last[chosen] - 1]
    is_soon: Mask = ended - rows.times[turns.request_row[chosen]] <= EXPIRY_NS
    return is_soon
