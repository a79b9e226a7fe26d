"""Plain-loop twin of wiresniff.decode.networks: every segment against all before it, nothing bounded."""

from collections.abc import Sequence

from oracles.decode import Row

SECOND = 10**9
SYN, RST, ACK = 2, 4, 16
CONTROL = 0b1_0111


class Seen:
    """A segment that was looked at, and the domain it was taken to be in."""

    def __init__(self, row: Row, time_ns: int, domain: int) -> None:
        self.row, self.time_ns, self.domain = row, time_ns, domain


def joined(rows: Sequence[Row], times_ns: Sequence[int]) -> list[Row]:
    """Return the segments of a capture with the domains that stand for networks."""
    tunnelled = [place for place, row in enumerate(rows) if row.key[4] >> 31]
    if not tunnelled:
        return list(rows)
    same_as: dict[int, int] = {}
    seen: list[Seen] = []
    joined_rows, payloads = [], 0
    for place, (row, time_ns) in enumerate(zip(rows, times_ns, strict=True)):
        domain = same_as.get(row.key[4], row.key[4])
        if place >= tunnelled[0]:
            payloads += octets(row) > 0
        if place >= tunnelled[0] - 64 and (place < tunnelled[0] or is_looked_at(row, payloads)):
            now = Seen(row, time_ns, domain)
            pair = copy(now, seen, same_as) or answer(now, seen, same_as)
            if pair is not None:
                kept, other = sorted(pair, key=lambda each: each >> 31)  # stable: of two tunnels, the first
                same_as = {each: kept if same == other else same for each, same in same_as.items()} | {other: kept}
            seen.append(now)
        joined_rows.append(row._replace(key=(*row.key[:4], same_as.get(row.key[4], row.key[4]))))
    return joined_rows


def octets(row: Row) -> int:
    """Return the payload's size on the wire."""
    return len(row.payload) + row.cut_length


def is_looked_at(row: Row, payloads: int) -> bool:
    """Say yes to openings; else to the first 512 with payload, then to one in 1024 by numbers both sights have."""
    if row.flags & SYN:
        return True
    if row.flags & RST or not row.flags & ACK:
        return False
    numbers = [row.acknowledgement, *([row.sequence, (row.sequence + octets(row)) % 2**32] if octets(row) else [])]
    return payloads <= 512 or any((number * 0x9E3779B1 % 2**32) >> 22 == 0 for number in numbers)


def copy(now: Seen, seen: Sequence[Seen], same_as: dict[int, int]) -> tuple[int, int] | None:
    """Return domains of which one is a tunnel's, if the segment's last sight was in the other, within a second."""
    if not octets(now.row) and not now.row.flags & SYN:
        return None
    for before in reversed(seen):
        if numbers_of(before.row) == numbers_of(now.row):
            domain = same_as.get(before.domain, before.domain)
            is_soon = now.time_ns - before.time_ns <= SECOND
            return (domain, now.domain) if is_soon and (domain ^ now.domain) >> 31 else None
    return None


def numbers_of(row: Row) -> tuple[object, ...]:
    """Return what two sights of a segment have in common."""
    return row.key[:4], row.from_high, row.sequence, row.acknowledgement, octets(row), row.flags & CONTROL


def answer(now: Seen, seen: Sequence[Seen], same_as: dict[int, int]) -> tuple[int, int] | None:
    """Return the one domain in which something was sent that the segment answers, and its own."""
    if not now.row.flags & ACK:
        return None
    latest = {before.domain: before for before in seen if asks_for(before.row, now.row)}
    asked = [
        before
        for before in latest.values()
        if now.time_ns - before.time_ns <= 10 * SECOND
        and (not before.row.flags & ACK or before.row.acknowledgement == now.row.sequence)
    ]
    domains = {same_as.get(before.domain, before.domain) for before in asked}
    if len(domains) != 1 or now.domain in domains:
        return None
    (domain,) = domains
    return (domain, now.domain) if (domain | now.domain) >> 31 else None


def asks_for(before: Row, row: Row) -> bool:
    """Say whether a segment with something to acknowledge is acknowledged by another of the other direction."""
    size = octets(before) + bool(before.flags & SYN)
    is_back = before.key[:4] == row.key[:4] and before.from_high != row.from_high
    return is_back and size > 0 and (before.sequence + size) % 2**32 == row.acknowledgement
