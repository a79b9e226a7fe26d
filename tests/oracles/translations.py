"""Plain-loop twin of wiresniff.decode.translations: segment by segment, nothing bounded, nothing sampled."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from wiresniff.model.segments import SegmentBlock

FIN, SYN, RST, ACK = 1, 2, 4, 16
ANSWER_WITHIN_NS = 10 * 10**9


class Row(NamedTuple):
    """One segment."""

    key: bytes
    from_high: bool
    sequence: int
    acknowledgement: int
    octets: int
    flags: int
    time_ns: int

    @property
    def ends(self) -> tuple[bytes, bytes]:
        """Return sender and receiver: address and port."""
        low, high = self.key[:16] + self.key[32:34], self.key[16:32] + self.key[34:36]
        return (high, low) if self.from_high else (low, high)

    @property
    def numbers(self) -> tuple[int, int, int, int]:
        """Return what stays the same behind a translation."""
        acknowledgement = self.acknowledgement if self.flags & ACK else 0
        return self.sequence, acknowledgement, self.octets, self.flags & (SYN | ACK | RST | FIN)

    @property
    def following(self) -> int:
        """Return what acknowledges it."""
        return (self.sequence + self.octets + (self.flags & SYN > 0)) % 2**32


class Joined(NamedTuple):
    """What is made of a connection: the key, its client, and the number of its SYN."""

    key: bytes
    client: bytes
    own_client: bytes
    opened: int | None


def rows_of(blocks: Iterable[SegmentBlock]) -> Iterator[Row]:
    """Return segments one by one."""
    for block in blocks:
        for at in range(len(block)):
            yield Row(
                block.endpoints[at].tobytes(), bool(block.from_high[at]), int(block.sequence[at]),
                int(block.acknowledgement[at]), int(block.payload_length[at] + block.cut_length[at]),
                int(block.flags[at]), int(block.timestamp_ns[at]),
            )  # fmt: skip


def joined(rows: Iterable[Row], within_ns: int) -> list[tuple[bytes, bool]]:
    """Return the key and the direction of each segment, if each were a block."""
    known: dict[bytes, Joined] = {}
    seen: dict[tuple[int, int, int, int], list[Row]] = {}
    questions: dict[tuple[bytes, bytes, int], tuple[Row, Row]] = {}
    result = []
    for row in rows:
        if row.flags & (SYN | ACK) == SYN and row.key in known and known[row.key].opened != row.sequence:
            del known[row.key]
        late: list[tuple[bytes, Joined]] = []
        before = first_of_two(row, seen, within_ns) if is_looked_at(row) else None
        if before is not None:
            asked = questions.get((row.key, before.key, before.numbers[1]))
            if asked is not None and is_answer(asked, before, row):
                for key, entry in entries(*asked):
                    if key not in known or known[key].key != entry.key or entry.opened not in {None, known[key].opened}:
                        if entry.opened is None:
                            late.append((key, entry))
                        else:
                            known[key] = entry
            else:
                questions[before.key, row.key, before.following] = before, row
        entry = known.get(row.key)
        if entry is None:
            result.append((row.key, row.from_high))
        else:
            low = entry.key[:16] + entry.key[32:34]
            result.append((entry.key, (row.ends[0] == entry.own_client) == (entry.client != low)))
        known.update(late)
    return result


def is_looked_at(row: Row) -> bool:
    """Look at openings and payload."""
    if row.flags & SYN:
        return not row.flags & RST
    return row.octets > 0 and row.flags & (ACK | RST) == ACK


def first_of_two(row: Row, seen: dict[tuple[int, int, int, int], list[Row]], within_ns: int) -> Row | None:
    """Return the latest sight on another connection, if this is not a copy; remember this one."""
    others = [each for each in seen.get(row.numbers, []) if row.time_ns - each.time_ns <= within_ns]
    if any(each.key == row.key for each in others):
        return None
    seen[row.numbers] = [*others, row]
    return others[-1] if others else None


def is_answer(asked: tuple[Row, Row], first: Row, second: Row) -> bool:
    """Say whether two sights answer two earlier ones, on the same connections in the other order."""
    before, behind = asked
    if before.from_high == second.from_high or behind.from_high == first.from_high or not first.flags & ACK:
        return False
    if min(first.sequence, first.acknowledgement) < 1 << 20:
        return False
    if first.time_ns - behind.time_ns > ANSWER_WITHIN_NS:
        return False
    return bool(first.flags & SYN) if before.flags & SYN else first.sequence == before.numbers[1]


def entries(before: Row, behind: Row) -> Iterator[tuple[bytes, Joined]]:
    """Return what is made of both connections."""
    client, server = before.ends[0], behind.ends[1]
    low, high = min(client, server), max(client, server)
    ends = low[:16] + high[:16] + low[16:] + high[16:]
    key = next((each.key for each in (behind, before) if each.key[:36] == ends), None)
    if key is None:
        key = ends + (int.from_bytes(behind.key[36:]) | 1 << 30).to_bytes(4)
    for row in (before, behind):
        if row.key != key:
            yield row.key, Joined(key, client, row.ends[0], before.sequence if before.flags & SYN else None)
