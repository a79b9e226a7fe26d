"""Connections found to be one on both sides of an address translation, by packets seen on both.

On a node that is watched on all its interfaces a packet passes twice where it is translated: with the address of a
service before, with that of a pod behind (DNAT); from its sender before, from the node behind (SNAT). Translation
changes addresses and ports, and keeps sequence numbers. Two connections are one if packets prove it:

    question  a segment is seen on one, and then, within a moment, on the other with the same numbers
    answer    the segment that acknowledges just that is seen on the other first, and then on the one, with the same
              numbers again

A question is a SYN, or data; numbers are sequence, acknowledgement, length and flags. For two connections that are not
one, the numbers of a SYN and its answer are 64 random bits (RFC 9293 3.4.1), so of a million pairs of connections that
begin within the same tenth of a second one is mistaken once in 10^13 times; and what a proxy sends on has numbers of
its own. Captures made by hand, where every connection begins with the same numbers, are told apart by these, since they
are small or on many connections at a time, and by the order: who answers later was asked later, unless one stands
behind the other.

From the proof on, rows of both have one key: the client as it is before any translation, the server as it is behind
them all. What reassembly then gets is one connection, some packets twice, as from any capture. Of connections that were
open before the capture one segment in 256 is looked at, and the first of each capture, so they are found one a little
later. Translations that change sequence numbers (SYN proxies) are not found.

Nothing is looked at in Python where no two connections show the same numbers.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wiresniff.decode.endpoints import hash_endpoints
from wiresniff.decode.samples import is_sample
from wiresniff.decode.segments import Segments
from wiresniff.model import limits
from wiresniff.model.anomalies import Anomaly
from wiresniff.model.segments import ACK, ENDPOINTS, FIN, RST, SYN

CONTROL = SYN | ACK | FIN | RST
SEQUENCE_BITS = 32
SEQUENCE_MASK = 0xFFFF_FFFF
WITHIN_NS = 10**8
"""A packet passes a node within microseconds, and waits in a queue for some ten milliseconds."""
ANSWER_WITHIN_NS = 10 * 10**9
"""An answer comes within a round trip and a delay; to a repeated SYN, within seconds."""
ENDED_NS = 30 * 10**9
"""Behind a FIN or RST a connection is remembered for so long: its last packets are still to come."""
ALL_LOOKED_AT = 512
"""Segments with payload that are all looked at, at the beginning of a capture."""
SAMPLE_BITS = 8
"""Of the further ones, one in 256."""
TRANSLATED = 0x4000_0000
"""In the domain of a key of which no packet is: beyond VLAN tags, and not a tunnel's."""

ADDRESS_BYTES = 16
LOW_ADDRESS, HIGH_ADDRESS = slice(0, 16), slice(16, 32)
LOW_PORT, HIGH_PORT, DOMAIN = slice(32, 34), slice(34, 36), slice(36, 40)
"""Of the bytes of ENDPOINTS."""

Ints = NDArray[np.int64]


class Sight(NamedTuple):
    """A segment that was looked at, since its numbers were seen on another connection as well."""

    row: int
    """Of its block; -1 in an earlier one."""
    time_ns: int
    connection: int
    """Its hash."""
    key: bytes
    from_high: bool
    sequence: int
    acknowledgement: int
    octets: int
    flags: int

    @property
    def acknowledged_by(self) -> int:
        """Return the acknowledgement of its answer."""
        return (self.sequence + self.octets + bool(self.flags & SYN)) & SEQUENCE_MASK


class Looked(NamedTuple):
    """Segments that are looked at, as columns: (k,) each."""

    row: Ints
    time_ns: Ints
    connection: NDArray[np.uint64]
    key: NDArray[np.void]
    """Opaque bytes of ENDPOINTS."""
    from_high: NDArray[np.bool_]
    number: NDArray[np.uint64]
    """Sequence and acknowledgement as one."""
    octets: Ints
    """Of payload, on the wire."""
    flags: NDArray[np.uint8]

    def sights(self, rows: Ints) -> Iterator[Sight]:
        """Return some as plain values."""
        for row, time_ns, connection, key, from_high, number, octets, flags in zip(
            *(column[rows].tolist() for column in self), strict=True
        ):
            sequence, acknowledgement = number >> SEQUENCE_BITS, number & SEQUENCE_MASK
            yield Sight(row, time_ns, connection, key, from_high, sequence, acknowledgement, octets, flags)


class Question(NamedTuple):
    """A segment on the way from its sender to its receiver, before and behind a translation."""

    before: Sight
    behind: Sight


class Entry(NamedTuple):
    """What is made of one of the connections that are one."""

    key: bytes
    connection: int
    """The hash of the key."""
    is_turned: bool
    """The endpoint that sorts first sorts second in the key."""
    opened: int | None
    """Sequence number of the client's SYN, if that was seen."""


class Stretch(NamedTuple):
    """Rows of a block that an entry is for."""

    entry: Entry
    first: int
    last: int
    """One behind the last."""


class Translations:
    """Joins connections of one capture point, in capture order; bounded by `limits.TRANSLATIONS`."""

    def __init__(self, secret: NDArray[np.uint64]) -> None:
        self._secret = secret
        self._known: OrderedDict[int, Entry] = OrderedDict()
        """By the hash of a connection; what was seen last is last."""
        self._ended: deque[tuple[int, int, Entry]] = deque()
        """When, which, and its entry: it is forgotten some time after."""
        self._questions: OrderedDict[tuple[int, int, int], Question] = OrderedDict()
        """By both connections, the one before the translation first, and the acknowledgement of the answer."""
        self._before: Looked | None = None
        """Of earlier blocks."""
        self._payload_rows = 0
        self.anomalies: Counter[str] = Counter()
        self.evictions: Counter[str] = Counter()
        """What was forgotten although it could still have proven something, or was still to come."""

    def join(self, segments: Segments, time_ns: Ints) -> None:
        """Learn from segments, and give both sides of a translation one key.

        segments  (k,) columns in capture order; keys, hashes and directions are written to
        time_ns   (k,) i8
        ->        oracle: tests/oracles/translations.py
        """
        if not len(time_ns):
            return
        found = self._look(segments, time_ns)
        if not (found or self._known):
            return
        connections, places = np.unique(segments.connection_hash, return_inverse=True)
        stretches = self._stretches(connections.tolist(), found, len(time_ns))
        if not stretches:
            return
        self._cut(segments, stretches)
        self._note_ends(segments, stretches, time_ns)
        order = {connection: place for place, connection in enumerate(connections.tolist())}
        for turn in range(max(map(len, stretches.values()))):
            some = {
                order[connection]: each[turn]
                for connection, each in stretches.items()
                if turn < len(each) and connection in order  # else all its packets were in earlier blocks
            }
            self._write(segments, places, len(connections), some)
        self._remember(stretches, len(time_ns))
        self._forget(int(time_ns[-1]))

    # --- what is looked at ---

    def _look(self, segments: Segments, time_ns: Ints) -> list[tuple[int, int, Entry]]:
        """Return what is proven by this block: from which row on, for which connection, and what is made of it."""
        now = self._rows_of_interest(segments, time_ns)
        if not len(now.row):
            return []
        looked = _joined([*self._recent(int(time_ns[0])), now])
        self._before = looked._replace(row=np.full(len(looked.row), -1))
        found: list[tuple[int, int, Entry]] = []
        for pair in _pairs(looked):
            found += self._learn(*pair)
        return found

    def _recent(self, now_ns: int) -> list[Looked]:
        """Return what was looked at within `WITHIN_NS`, if anything was; where that is too much, the last of it."""
        if self._before is None:
            return []
        rows = np.flatnonzero(now_ns - self._before.time_ns <= WITHIN_NS)
        self.evictions["translation-sights"] += max(len(rows) - limits.TRANSLATION_SIGHTS, 0)
        rows = rows[-limits.TRANSLATION_SIGHTS :]
        return [Looked._make(column[rows] for column in self._before)] if len(rows) else []

    def _rows_of_interest(self, segments: Segments, time_ns: Ints) -> Looked:
        """Return what opens connections, and a sample of what has payload: the same wherever it is seen."""
        octets = segments.payload_length + segments.cut_length
        is_looked_at = (segments.flags & (SYN | RST)) == SYN
        has_payload = octets > 0
        ordinal = np.cumsum(has_payload) + self._payload_rows
        self._payload_rows = min(int(ordinal[-1]), ALL_LOOKED_AT + 1)
        numbers = (segments.sequence, segments.acknowledgement, segments.sequence + octets.astype(np.uint32))
        is_sampled = np.logical_or.reduce([is_sample(each, SAMPLE_BITS) for each in numbers])
        is_sampled |= ordinal <= ALL_LOOKED_AT
        is_sampled &= (segments.flags & (SYN | ACK | RST)) == ACK
        rows = np.flatnonzero(is_looked_at | (is_sampled & has_payload))
        flags = segments.flags[rows] & np.uint8(CONTROL)
        acknowledgement = np.where(flags & ACK, segments.acknowledgement[rows], 0).astype(np.uint64)
        return Looked(
            rows, time_ns[rows], segments.connection_hash[rows], segments.endpoints[rows].view(KEY),
            segments.from_high[rows],
            segments.sequence[rows].astype(np.uint64) << np.uint64(SEQUENCE_BITS) | acknowledgement,
            octets[rows], flags,
        )  # fmt: skip

    def _learn(self, first: Sight, second: Sight) -> list[tuple[int, int, Entry]]:
        """Take a segment that was seen on two connections; return what that proves."""
        asked = self._questions.get((second.connection, first.connection, first.acknowledgement))
        if asked is not None and _answers(asked, first, second):
            return list(self._entries(asked, second.row))
        question = (first.connection, second.connection, first.acknowledged_by)
        self._questions[question] = Question(first, second)
        self._questions.move_to_end(question)
        if len(self._questions) > limits.TRANSLATION_SIGHTS:
            _, forgotten = self._questions.popitem(last=False)
            self.evictions["translation-questions"] += second.time_ns - forgotten.behind.time_ns <= ANSWER_WITHIN_NS
        return []

    def _entries(self, question: Question, row: int) -> Iterator[tuple[int, int, Entry]]:
        """Say what is made of both connections, as far as they become another one, and from which row on."""
        before, behind = question
        is_opening = bool(before.flags & SYN)
        opened = before.sequence if is_opening else None
        key, client_is_high = key_of(before, behind)
        connection = int(hash_endpoints(np.frombuffer(key, dtype=ENDPOINTS), self._secret)[0])
        for sight in question:
            if sight.key != key:
                entry = Entry(key, connection, sight.from_high != client_is_high, opened)
                first = max(sight.row, 0) if is_opening else row + 1
                known = self._known.get(sight.connection)
                if known is None or known.key != key or (is_opening and known.opened != opened):
                    yield first, sight.connection, entry

    # --- what is made of it ---

    def _stretches(
        self, connections: list[int], found: list[tuple[int, int, Entry]], rows: int
    ) -> dict[int, list[Stretch]]:
        """Return the entries for each connection of a block, one behind the other."""
        stretches: dict[int, list[Stretch]] = {}
        for connection in connections if self._known else ():
            entry = self._known.get(connection)
            if entry is not None:
                stretches[connection] = [Stretch(entry, 0, rows)]
        for first, connection, entry in found:
            earlier = stretches.setdefault(connection, [])
            if earlier:
                earlier[-1] = earlier[-1]._replace(last=min(first, earlier[-1].last))
            earlier.append(Stretch(entry, first, rows))
        return stretches

    def _cut(self, segments: Segments, stretches: dict[int, list[Stretch]]) -> None:
        """End the entries of connections whose ports are used again."""
        rows = np.flatnonzero((segments.flags & (SYN | ACK)) == SYN)
        columns = (rows, segments.connection_hash[rows], segments.sequence[rows])
        for row, connection, sequence in zip(*(column.tolist() for column in columns), strict=True):
            for number, each in enumerate(stretches.get(connection, ())):
                if each.first <= row < each.last and each.entry.opened != sequence:
                    stretches[connection][number] = each._replace(last=row)

    def _note_ends(self, segments: Segments, stretches: dict[int, list[Stretch]], time_ns: Ints) -> None:
        """Note which connections end, so that they can be forgotten."""
        rows = np.flatnonzero(segments.flags & (FIN | RST))
        for connection, at_ns in zip(segments.connection_hash[rows].tolist(), time_ns[rows].tolist(), strict=True):
            if connection in stretches:
                self._ended.append((at_ns, connection, stretches[connection][-1].entry))

    def _write(self, segments: Segments, places: Ints, count: int, some: dict[int, Stretch]) -> None:
        """Write keys, hashes and directions of the rows that entries are for.

        places  (k,) which connection of the block each row is of
        count   connections of the block
        some    at most one stretch for each
        """
        number, first, last = np.full(count, -1), np.zeros(count, np.int64), np.zeros(count, np.int64)
        for at, (place, (_, begin, end)) in enumerate(some.items()):
            number[place], first[place], last[place] = at, begin, end
        row = np.arange(len(places))
        rows = np.flatnonzero((row >= first[places]) & (row < last[places]))
        entries = [each.entry for each in some.values()]
        chosen = number[places[rows]]
        segments.endpoints[rows] = np.frombuffer(b"".join(each.key for each in entries), dtype=ENDPOINTS)[chosen]
        segments.connection_hash[rows] = np.array([each.connection for each in entries], dtype=np.uint64)[chosen]
        segments.from_high[rows] ^= np.array([each.is_turned for each in entries], dtype=np.bool_)[chosen]

    def _remember(self, stretches: dict[int, list[Stretch]], rows: int) -> None:
        """Keep what is in force at the end of a block."""
        for connection, some in stretches.items():
            self._known.pop(connection, None)
            if some[-1].last == rows:
                self._known[connection] = some[-1].entry
        while len(self._known) > limits.TRANSLATIONS:
            self._known.popitem(last=False)
            self.anomalies[Anomaly.TOO_MANY_TRANSLATIONS] += 1

    def _forget(self, now_ns: int) -> None:
        """Forget connections that ended a while ago."""
        while self._ended and (now_ns - self._ended[0][0] > ENDED_NS or len(self._ended) > limits.TRANSLATIONS):
            ended_ns, connection, entry = self._ended.popleft()
            self.evictions["translations-ended"] += now_ns - ended_ns <= ENDED_NS
            if self._known.get(connection) == entry:
                del self._known[connection]


KEY = np.dtype(f"V{ENDPOINTS.itemsize}")


def key_of(before: Sight, behind: Sight) -> tuple[bytes, bool]:
    """Return the key of the client as it is before and the server as it is behind, and whether the client sorts second.

    Both sights are of one segment that the client sent.
    """
    client = _low_end(before.key) if not before.from_high else _high_end(before.key)
    server = _high_end(behind.key) if not behind.from_high else _low_end(behind.key)
    low, high = sorted((client, server))
    ends = low[:ADDRESS_BYTES] + high[:ADDRESS_BYTES] + low[ADDRESS_BYTES:] + high[ADDRESS_BYTES:]
    for sight in (behind, before):
        if ends == sight.key[: DOMAIN.start]:
            return sight.key, client == high
    domain = int.from_bytes(behind.key[DOMAIN]) | TRANSLATED
    return ends + domain.to_bytes(4), client == high


def _low_end(key: bytes) -> bytes:
    return key[LOW_ADDRESS] + key[LOW_PORT]


def _high_end(key: bytes) -> bytes:
    return key[HIGH_ADDRESS] + key[HIGH_PORT]


def _answers(question: Question, first: Sight, second: Sight) -> bool:
    """Say whether a segment that was seen on two connections answers one that was seen on them the other way round."""
    before, behind = question
    if before.from_high == second.from_high or behind.from_high == first.from_high:
        return False
    if min(first.sequence, first.acknowledgement) < limits.LEAST_RANDOM_SEQUENCE:
        return False
    if not (first.flags & ACK and 0 <= first.time_ns - behind.time_ns <= ANSWER_WITHIN_NS):
        return False
    if before.flags & SYN:
        return first.flags & (SYN | ACK) == SYN | ACK
    return first.sequence == before.acknowledgement


def _joined(looked: list[Looked]) -> Looked:
    """Put blocks one behind the other; one, a common case, is returned as it is."""
    return (
        looked[0] if len(looked) == 1 else Looked(*(np.concatenate(columns) for columns in zip(*looked, strict=True)))
    )


def _pairs(looked: Looked) -> Iterator[tuple[Sight, Sight]]:
    """Give the segments of this block that were just seen on another connection: the first sight on each, in order."""
    order = np.argsort(looked.number, kind="stable")
    number, connection = looked.number[order], looked.connection[order]
    twins_at = np.flatnonzero((number[1:] == number[:-1]) & (connection[1:] != connection[:-1]))
    if not len(twins_at):
        return
    here = looked.number[looked.row >= 0]
    twin_numbers = number[twins_at]
    rows = np.sort(order[np.isin(number, twin_numbers[np.isin(twin_numbers, here)])])
    latest: dict[tuple[int, int, int, int], dict[int, Sight]] = {}
    for sight in looked.sights(rows):
        twins = latest.setdefault((sight.sequence, sight.acknowledgement, sight.octets, sight.flags), {})
        if sight.connection in twins and sight.time_ns - twins[sight.connection].time_ns <= WITHIN_NS:
            continue  # the same packet at another interface
        twins.pop(sight.connection, None)
        previous = next(reversed(twins.values()), None)
        twins[sight.connection] = sight
        if previous is None or sight.row < 0:
            continue
        is_soon = 0 <= sight.time_ns - previous.time_ns <= WITHIN_NS
        if is_soon and len(twins) <= limits.TRANSLATION_SIDES:
            yield previous, sight
