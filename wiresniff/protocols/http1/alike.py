"""From known turns to exchanges: those that are alike together, without making them."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wiresniff.columns.ranges import ranges
from wiresniff.model.delivery import Data
from wiresniff.model.exchanges import Alike, Exchange
from wiresniff.protocols.http1.conversation import Conversation
from wiresniff.protocols.http1.known import NONE, VALUE_BYTES
from wiresniff.protocols.http1.templates import PATTERNS, RequestLine, RequestTemplate
from wiresniff.protocols.http1.turns import Ints, Mask, Rows, Turns

FAILED_STATUS = 500
SAMPLED = 0x01
OPERATION_BITS = 40
"""Operations are numbered as they are met: a million a second for ten days."""


class Talk(NamedTuple):
    """What a block brought to one connection."""

    conversation: Conversation
    requests: Data
    responses: Data


class KnownTurns(NamedTuple):
    """Turns of which all is known, one row each, in the order of `Turns`."""

    turn: Ints
    """(k,) row of `Turns`"""
    templates: list[RequestTemplate]
    template: Ints
    """(k,) row of `templates`"""
    lines: list[RequestLine]
    """(k,)"""
    value_at: Ints
    """(k,) where in the buffer the traceparent's value begins; `NONE` without one"""
    is_plain: Mask
    """(k,) the value, if there is one, is valid with nothing to be said of it"""
    status: Ints
    """(k,)"""


class Block(NamedTuple):
    """The runs of one block, and what is known of them."""

    talks: list[Talk]
    buffer: bytes
    raw: NDArray[np.uint8]
    capture: int
    rows: Rows
    turns: Turns
    known: KnownTurns

    def exchange(self, row: int) -> Exchange:
        """Make the exchange of a known turn, by its row of `KnownTurns`."""
        known, turns, rows = self.known, self.turns, self.rows
        turn = known.turn[row]
        conversation = self.talks[turns.talk[turn]].conversation
        template, line, value_at = known.templates[known.template[row]], known.lines[row], int(known.value_at[row])
        value = None if value_at == NONE else self.buffer[value_at : value_at + VALUE_BYTES]
        first = turns.request_row[turn]
        exchange = Exchange(
            conversation.channel, "http/1", line.version, int(rows.times[first]), self.capture,
            int(rows.packets[first]), conversation.sequence_at(int(turns.request_at[turn])), line.method, line.target,
            template.fields(value), template.authority, template.user_agent,
        )  # fmt: skip
        exchange.auxiliary = template.auxiliary
        exchange.status = int(known.status[row])
        exchange.response_time_ns = int(rows.times[turns.response_row[turn]])
        exchange.end_time_ns = int(rows.times[turns.response_last[turn] - 1])
        exchange.complete = True
        return exchange


def exchanges_of(block: Block, taken: list[tuple[int, int]]) -> Iterator[Exchange | Alike]:
    """Return the exchanges of the turns that were taken: ranges of `Turns`."""
    known = block.known
    bounds = np.array(taken, dtype=np.int64)
    row = np.flatnonzero(np.isin(known.turn, ranges(bounds[:, 0], bounds[:, 1])))
    has_no_more = np.array([each.is_plain for each in known.templates])
    is_alike = has_no_more[known.template[row]] & known.is_plain[row] & (known.status[row] < FAILED_STATUS)
    for each in row[~is_alike].tolist():
        yield block.exchange(each)
    yield from _groups(block, row[is_alike])


def _groups(block: Block, row: Ints) -> Iterator[Alike]:
    """Group rows of `KnownTurns` by who asks whom for what, in which form."""
    if not len(row):
        return
    known, turns, rows = block.known, block.turns, block.rows
    peers: dict[object, int] = {}
    channels = [talk.conversation.channel for talk in block.talks]
    peer_of_talk = np.array([
        peers.setdefault((channel.client.address, channel.server), len(peers)) for channel in channels
    ])  # fmt: skip
    turn = known.turn[row]
    who = peer_of_talk[turns.talk[turn]] * PATTERNS + known.template[row]
    lines = known.lines
    what = np.fromiter((lines[each].operation for each in row.tolist()), dtype=np.int64, count=len(row))
    key = (who << OPERATION_BITS) | what
    first_row = turns.request_row[turn]
    order = np.lexsort((rows.packets[first_row], rows.times[first_row], key))
    row, key = row[order], key[order]
    starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
    is_traced = known.value_at[row] != NONE
    last_digit = block.raw[known.value_at[row] + VALUE_BYTES - 1]
    sampled = np.add.reduceat(is_traced & (last_digit & SAMPLED == 1), starts, dtype=np.int64).tolist()
    traced = is_traced[starts].tolist()
    numbers = row.tolist()
    bounds = starts.tolist()
    for first, last, count, is_traced in zip(bounds, [*bounds[1:], len(numbers)], sampled, traced, strict=True):
        yield Alike(numbers[first:last], block.exchange, count, is_traced=is_traced)
