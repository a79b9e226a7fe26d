"""Plain-loop twins of wiresniff.reassembly.grouping: one row after the other, nothing decided at once."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

FIN, SYN, RST, ACK, OPENS_OR_CLOSES = 0x01, 0x02, 0x04, 0x10, 0x01 | 0x02 | 0x04
COPIES_BEHIND = 4
COPIES_WITHIN_NS = 10**9


class Row(NamedTuple):
    """One segment."""

    key: bytes
    hash: int
    direction: int
    """1: from the endpoint that sorts second."""
    sequence: int
    acknowledgement: int
    flags: int
    length: int
    cut_length: int
    time_ns: int = 0


Group = tuple[bytes, list[int]]
"""A key and the numbers of its rows in the block, in capture order."""


def group(rows: Sequence[Row]) -> list[Group]:
    """Sort by hash; begin a group wherever the key changes."""
    groups: list[Group] = []
    for number in sorted(range(len(rows)), key=lambda number: rows[number].hash):
        if not groups or groups[-1][0] != rows[number].key:
            groups.append((rows[number].key, []))
        groups[-1][1].append(number)
    return groups


def distance(ahead: int, behind: int) -> int:
    """Find the one number of -2^31 to 2^31-1 that leads from `behind` to `ahead`, modulo 2^32 (RFC 9293 3.4)."""
    (found,) = [
        candidate
        for candidate in (ahead - behind - 2**32, ahead - behind, ahead - behind + 2**32)
        if -(2**31) <= candidate < 2**31
    ]
    return found


class Standing(NamedTuple):
    """How a row stands against what was captured before it."""

    own_before: int
    """Payload bytes of its own flow."""
    peer_before: int
    acknowledged: int
    """Counted from where the peer's flow stood."""
    is_ok: bool
    """It follows on, acknowledges nothing unseen, opens and breaks off nothing, is not cut."""


def opens(rows: Sequence[Row]) -> bool:
    """Say whether a connection's rows begin with SYN and SYN+ACK, without data, the one answering the other."""
    if len(rows) < 2:
        return False
    syn, answer = rows[:2]
    return (
        syn.flags & (FIN | SYN | RST | ACK) == SYN
        and answer.flags & (FIN | SYN | RST | ACK) == SYN | ACK
        and syn.direction != answer.direction
        and answer.acknowledgement == (syn.sequence + 1) % 2**32
        and syn.length == syn.cut_length == answer.length == answer.cut_length == 0
    )


def standings(rows: Iterable[Row], expected: tuple[int, int]) -> list[Standing]:
    """Go through the rows of one connection; `expected` is the next sequence number of each direction."""
    captured, closed = [0, 0], [0, 0]
    found = []
    for row in rows:
        own, peer = captured[row.direction], captured[1 - row.direction]
        acknowledged = distance(row.acknowledgement, expected[1 - row.direction])
        says_more = row.length > 0 or bool(row.flags & FIN)
        follows_on = distance(row.sequence, expected[row.direction]) == own and not closed[row.direction]
        opens_or_breaks_off = bool(row.flags & (SYN | RST))
        acknowledges_seen = bool(row.flags & ACK) and acknowledged <= peer + closed[1 - row.direction]
        is_ok = (follows_on or not says_more) and acknowledges_seen and not opens_or_breaks_off and row.cut_length == 0
        found.append(Standing(own, peer, acknowledged, is_ok))
        captured[row.direction] += row.length
        closed[row.direction] += bool(row.flags & FIN)
    return found


def are_smooth(rows: Sequence[Row], expected: tuple[int, int], *, opened: bool = False) -> list[bool]:
    """Each row of the connection, and every one before it, is as it should be, or one of the two that open it."""
    found = []
    is_smooth = True
    for number, standing in enumerate(standings(rows, expected)):
        is_smooth = is_smooth and (standing.is_ok or (opened and number < 2))
        found.append(is_smooth)
    return found


def is_copy(rows: Sequence[Row], number: int) -> bool:
    """Say whether row `number` of one connection is the same as one of the last before it."""
    row = rows[number]
    if row.length == 0 or row.flags & OPENS_OR_CLOSES:
        return False
    for other in reversed(rows[max(number - COPIES_BEHIND, 0) : number]):
        if other.flags & SYN:
            return False  # what was before may be another connection
        if (
            row._replace(time_ns=0) == other._replace(time_ns=0)
            and abs(row.time_ns - other.time_ns) <= COPIES_WITHIN_NS
        ):
            return True
    return False


def runs(rows: Sequence[Row], groups: Sequence[Group], smooth: Sequence[bool]) -> list[tuple[int, int, list[int]]]:
    """Per group and direction: the places (counted through all groups) of its smooth rows that have payload.

    Groups come in the order in which they appear in the capture.
    """
    found = []
    place = 0
    for number, (_, members) in enumerate(groups):
        for direction in (0, 1):
            has_payload = [rows[member].direction == direction and rows[member].length > 0 for member in members]
            places = [place + at for at, is_ours in enumerate(has_payload) if is_ours and smooth[place + at]]
            if places:
                found.append((members[0], (number, direction, places)))
        place += len(members)
    return [run for _, run in sorted(found)]
