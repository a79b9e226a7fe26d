"""The connections of a block, read together as far as their turns are known; the parsers read the rest.

`look` finds the known turns of all connections at once and gives, for each connection, stretches of them. The stage
goes through a connection stretch by stretch, lets the parsers read what lies between, and takes a stretch as known
only where both parsers are at rest exactly where it begins. `events` then tells what was taken.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wiresniff.model.delivery import Data
from wiresniff.model.exchanges import Alike, Exchange
from wiresniff.protocols.http1.alike import Block, KnownTurns, Talk, exchanges_of
from wiresniff.protocols.http1.conversation import Conversation
from wiresniff.protocols.http1.grammar import CHUNKED, END_OF_HEAD, ResponseHead
from wiresniff.protocols.http1.heads import UNKNOWN as UNKNOWN_HEAD
from wiresniff.protocols.http1.heads import KnownHeads
from wiresniff.protocols.http1.known import (
    NONE,
    VALUE_BYTES,
    ArePlain,
    Pattern,
    ends_chunked,
    find_requests,
    is_timely,
    values_at,
)
from wiresniff.protocols.http1.shared import Readers
from wiresniff.protocols.http1.templates import LARGEST_BODY, PATTERNS, REGULAR_VALUE, UNKNOWN
from wiresniff.protocols.http1.turns import Ints, Mask, Rows, Turns, find_turns, rows_of

ROWS_TOGETHER = 256
"""Fewer segments are quicker parsed than put in columns: measured at 100 requests a second, by half."""


class Stretch(NamedTuple):
    """Known turns of one connection that follow each other."""

    first: int
    """Row of `Turns`."""
    last: int
    """One behind the last."""
    request_row: int
    request_last: int
    request_at: int
    response_row: int
    response_last: int
    response_at: int
    authority: bytes | None
    """That was asked for last."""


class Blockwise:
    """Reads known turns of many connections at once."""

    def __init__(self, readers: Readers, are_plain: ArePlain) -> None:
        self._readers = readers
        self._are_plain = are_plain
        self._patterns: list[Pattern] = []
        self._known_heads = KnownHeads()
        self._seen: Block | None = None
        self._stretches: dict[Conversation, list[Stretch]] = {}
        self._taken: list[tuple[int, int]] = []

    # --- before the connections are read ---

    def look(self, talks: list[Talk]) -> None:
        """Find the known turns of connections, as far as their runs share their columns."""
        columns = talks[0].requests.columns if talks else None
        talks = [talk for talk in talks if talk.requests.columns is talk.responses.columns is columns]
        rows_in_all = sum(run.last - run.first for talk in talks for run in (talk.requests, talk.responses))
        if not talks or rows_in_all < ROWS_TOGETHER:
            return
        self._learn_patterns()
        if not self._patterns:
            return
        run = talks[0].requests
        rows = rows_of(run.columns)
        turns = find_turns(rows, [(talk.requests, talk.responses) for talk in talks])
        raw = np.frombuffer(run.buffer, dtype=np.uint8)
        known = self._find_known(run, raw, rows, turns)
        self._seen = Block(talks, run.buffer, raw, run.capture, rows, turns, known)
        for stretch in stretches_of(turns, known):
            talk = talks[int(turns.talk[stretch.first])]
            self._stretches.setdefault(talk.conversation, []).append(stretch)

    def _learn_patterns(self) -> None:
        """Take templates in that have become frequent, in place of the least used; the most used are tried first."""
        patterns = self._patterns
        patterns.sort(key=lambda pattern: -pattern.uses)
        frequent = self._readers.request_templates.take_frequent()
        for pattern in patterns[PATTERNS - len(frequent) :]:
            pattern.template.forget_uses()
        del patterns[PATTERNS - len(frequent) :]
        patterns += map(Pattern, frequent)
        for pattern in patterns:
            pattern.uses //= 2  # what was used lately counts

    def _find_known(self, run: Data, raw: NDArray[np.uint8], rows: Rows, turns: Turns) -> KnownTurns:
        chosen = np.flatnonzero(turns.is_clear)
        chosen = chosen[is_timely(rows, turns, chosen)]
        found = find_requests(raw, rows, turns, chosen, self._patterns)
        is_found = found.pattern != NONE
        chosen, pattern, line_stop, value_at = (
            chosen[is_found], found.pattern[is_found], found.line_stop[is_found], found.value_at[is_found],
        )  # fmt: skip
        buffer = run.buffer
        line_start = rows.starts[turns.request_row[chosen]]
        bounds = zip(line_start.tolist(), line_stop.tolist(), strict=True)
        lines = self._readers.request_templates.read_lines([buffer[start:stop] for start, stop in bounds])
        is_plain, is_regular = self._judge_values(buffer, raw, value_at)
        status = self._find_statuses(run, raw, rows, turns, chosen)
        is_known = is_regular & (status != 0) & np.array([line is not None for line in lines], dtype=np.bool_)
        templates = [each.template for each in self._patterns]
        return KnownTurns(
            chosen[is_known], templates, pattern[is_known],
            [line for line, known in zip(lines, is_known.tolist(), strict=True) if known and line is not None],
            value_at[is_known], is_plain[is_known], status[is_known],
        )  # fmt: skip

    def _judge_values(self, buffer: bytes, raw: NDArray[np.uint8], value_at: Ints) -> tuple[Mask, Mask]:
        """Tell of which values nothing is to be said, and which are one value as it was sent."""
        is_plain = np.ones(len(value_at), dtype=np.bool_)
        is_traced = value_at != NONE
        is_plain[is_traced] = self._are_plain(values_at(raw, value_at[is_traced]))
        is_regular = is_plain.copy()
        for row in np.flatnonzero(~is_plain).tolist():
            at = int(value_at[row])
            is_regular[row] = REGULAR_VALUE(buffer, at, at + VALUE_BYTES) is not None
        return is_plain, is_regular

    def _find_statuses(self, run: Data, raw: NDArray[np.uint8], rows: Rows, turns: Turns, chosen: Ints) -> Ints:
        """Return the status of each chosen turn's response; 0 where it is not known, or does not end with the turn."""
        buffer = run.buffer
        first_row = turns.response_row[chosen]
        start, stop = rows.starts[first_row], rows.stops[first_row]
        length, says = self._known_heads.find(raw, start, stop)
        self._read_responses(buffer, start, stop, length, says)
        status, framing = says.T
        body = turns.response_at[chosen] + length + len(END_OF_HEAD)
        is_over = body + framing == turns.response_stop[chosen]
        for row in np.flatnonzero(framing == CHUNKED).tolist():
            turn = chosen[row]
            first, last = int(turns.response_row[turn]), int(turns.response_last[turn])
            is_over[row] = ends_chunked(run, int(body[row]), int(turns.response_stop[turn]), first, last)
        return np.where(is_over, status, 0)

    def _read_responses(self, buffer: bytes, start: Ints, stop: Ints, length: Ints, says: Ints) -> None:
        """Fill in the heads that are not known in columns, one by one."""
        rows = np.flatnonzero(length == UNKNOWN_HEAD).tolist()
        if not rows:
            return
        starts, stops = start[rows].tolist(), stop[rows].tolist()
        ends, heads = self._readers.response_templates.find_all(buffer, starts, stops)
        for number, head in enumerate(heads):
            if head is UNKNOWN:
                heads[number], ends[number] = self._read_response(buffer, starts[number], stops[number])
        length[rows] = np.array(ends) - start[rows]
        says[rows] = heads
        met = [(at, end, head) for at, end, head in zip(starts, ends, heads, strict=True) if head is not UNKNOWN]
        self._known_heads.meet((buffer[at:end], head) for at, end, head in met)

    def _read_response(self, buffer: bytes, start: int, stop: int) -> tuple[ResponseHead, int]:
        """Read a head that was not met before, if it is a plain one."""
        templates = self._readers.response_templates
        (end,), (known,) = templates.find_all(buffer, [start], [stop])
        if known is not UNKNOWN:  # met in this very block
            return known, end
        end = buffer.find(END_OF_HEAD, start, stop)
        octets = buffer[start:end] if end >= 0 else b""
        head = self._readers.heads.plain_response(octets)
        if head is None or head[1] > LARGEST_BODY:
            return UNKNOWN, end
        templates.learn(octets, head)
        return head, end

    # --- while they are read ---

    def stretches(self, conversation: Conversation) -> Sequence[Stretch]:
        """Return the known turns of one connection."""
        return self._stretches.get(conversation, ())

    def take(self, stretch: Stretch) -> None:
        """Take turns as known."""
        self._taken.append((stretch.first, stretch.last))

    # --- and after ---

    def events(self) -> list[Exchange | Alike]:
        """Return the exchanges of all turns that were taken, and forget the block."""
        seen, taken = self._seen, self._taken
        self._seen = None
        self._stretches = {}
        self._taken = []
        if seen is None or not taken:
            return []
        return list(exchanges_of(seen, taken))


def stretches_of(turns: Turns, known: KnownTurns) -> Iterator[Stretch]:
    """Join known turns of one connection that follow each other."""
    turn = known.turn
    if not len(turn):
        return
    talk = turns.talk[turn]
    breaks = np.flatnonzero((turn[1:] != turn[:-1] + 1) | (talk[1:] != talk[:-1]))
    begins, ends = np.concatenate(([0], breaks + 1)), np.concatenate((breaks, [len(turn) - 1]))
    first, last = turn[begins], turn[ends]
    columns = (
        first, last + 1, turns.request_row[first], turns.request_last[last], turns.request_at[first],
        turns.response_row[first], turns.response_last[last], turns.response_at[first],
    )  # fmt: skip
    authorities = [known.templates[template].authority for template in known.template[ends].tolist()]
    yield from map(Stretch._make, zip(*(column.tolist() for column in columns), authorities, strict=True))
