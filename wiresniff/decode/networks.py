"""Domains found to be one network, by packets seen in both.

A tunnel's number does not always tell a network. Cilium puts the identity of the sender there, so the two directions of
a connection have different ones; routing between networks of an overlay (OVN, asymmetric routing of EVPN) has the same
effect, and a balancer's tunnel (IP in IP) is for one direction only. And on a node that is watched on all interfaces a
packet passes twice, inside its tunnel and without. Two domains are one if packets prove it:

    copy    a segment seen without a tunnel is seen in one, within a second: same ends, same numbers
    answer  a segment in one domain acknowledges exactly what was sent in another and follows on exactly what that one
            acknowledged, and nothing in its own domain was sent that it could answer

Equal addresses of different tenants have different numbers (32 random bits each way), so they stay apart. From the
proof on, rows of the tunnel have the domain of the other: of the network without a tunnel, or of the tunnel that spoke
first. What reassembly then gets is one connection with both its directions, some packets twice, as from any capture.

Not every packet is looked at: those that open connections, the first of each capture (long-lived connections show on
them), and of the others those whose numbers hash to few values: the same ones, wherever they are seen.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wiresniff.decode.domains import TUNNELLED
from wiresniff.decode.endpoints import DOMAIN, hash_endpoints
from wiresniff.decode.samples import is_sample
from wiresniff.decode.segments import Segments
from wiresniff.model import limits
from wiresniff.model.anomalies import Anomaly
from wiresniff.model.segments import ACK, FIN, RST, SYN

CONTROL = SYN | ACK | FIN | RST
ENDS_BYTES = DOMAIN * 4
"""Of a key: addresses and ports, without the domain."""
SEQUENCE_MASK = 0xFFFF_FFFF
COPY_WITHIN_NS = 10**9
"""A packet passes the interfaces of a node within milliseconds."""
ANSWER_WITHIN_NS = 10 * 10**9
"""An acknowledgement comes within a round trip and a delay; a repeated SYN, within seconds."""
LOOKED_BACK = 64
"""Segments from before the first tunnel: a packet that is put into one has just been seen without."""
ALL_LOOKED_AT = 512
"""Segments with payload that are all looked at, since the first tunnel."""
SAMPLE_BITS = 10
"""Of the further ones, one in 1024."""

SightKey: TypeAlias = tuple[bytes, bool, int, int, int, int]


class Sight(NamedTuple):
    """A segment that is looked at."""

    ends: bytes
    from_high: bool
    domain: int
    sequence: int
    acknowledgement: int
    octets: int
    """Of payload, on the wire."""
    flags: int
    """Those of CONTROL."""
    time_ns: int


class Asked(NamedTuple):
    """A segment that awaits its acknowledgement."""

    domain: int
    next_sequence: int
    """Of the answer; -1: any, since it answers a SYN."""
    time_ns: int


class Networks:
    """Joins domains of one capture, in capture order; bounded by `limits.TUNNELS` and `limits.TUNNEL_SIGHTS`."""

    def __init__(self, secret: NDArray[np.uint64]) -> None:
        self._secret = secret
        self._same_as: dict[int, int] = {}
        """Domain of a tunnel -> the domain that stands for it and others."""
        self._known = np.empty((0, 2), dtype=np.int64)
        """The same as columns, in order."""
        self._seen: OrderedDict[SightKey, tuple[int, int]] = OrderedDict()
        """Segment -> the domain in which it was seen last, and when."""
        self._asked: OrderedDict[tuple[bytes, bool, int], list[Asked]] = OrderedDict()
        """Ends, direction and acknowledgement of an answer -> what it would answer."""
        self._payload_rows = 0
        self._before: deque[tuple[Segments, NDArray[np.int64], int]] = deque()
        """What came before the first tunnel, and how many rows of it: `LOOKED_BACK` or a few more."""
        self._is_met = False
        """A segment in a tunnel came."""
        self.anomalies: Counter[str] = Counter()
        self.evictions: Counter[str] = Counter()

    def join(self, segments: Segments, time_ns: NDArray[np.int64]) -> None:
        """Learn from segments, and put the domain that stands for a network in place of the others'.

        segments  (k,) columns in capture order; keys and hashes are written to
        time_ns   (k,) i8
        ->        oracle: tests/oracles/networks.py
        """
        domain = segments.endpoints["domain"].astype(np.int64)
        first = 0
        if not self._is_met:
            is_tunnelled = (domain & TUNNELLED) != 0
            if not is_tunnelled.any():
                self.remember(segments, time_ns, len(domain))
                return
            first = int(is_tunnelled.argmax())
            self.remember(segments, time_ns, first)
            self._look_back()
        rows = self._rows_of_interest(segments, first)
        for row, sight in zip(rows.tolist(), sights(segments, time_ns, rows), strict=True):
            pair = self._learn(sight)
            if pair is not None and self._has_room():
                self._rewrite(segments, domain, first, row)
                first = row
                self._unite(*pair)
        self._rewrite(segments, domain, first, len(domain))

    def remember(self, segments: Segments, time_ns: NDArray[np.int64], count: int) -> None:
        """Keep the first `count` rows as what came before any tunnel: nothing is copied or looked at."""
        if not count:
            return
        self._before.append((segments, time_ns, count))
        while sum(rows for *_, rows in self._before) - self._before[0][2] >= LOOKED_BACK:
            self._before.popleft()

    def _look_back(self) -> None:
        """Look at the last segments before the first in a tunnel: one of them may be the same packet."""
        self._is_met = True
        skipped = sum(rows for *_, rows in self._before) - LOOKED_BACK
        for segments, time_ns, count in self._before:
            for sight in sights(segments, time_ns, np.arange(min(max(skipped, 0), count), count)):
                self._learn(sight)
            skipped -= count
        self._before.clear()

    def _rows_of_interest(self, segments: Segments, first: int) -> NDArray[np.int64]:
        """Return the rows from the first on that are looked at."""
        octets = segments.payload_length + segments.cut_length
        is_opening = (segments.flags & SYN) != 0
        has_payload = octets > 0
        has_payload[:first] = False
        ordinal = np.cumsum(has_payload) + self._payload_rows
        self._payload_rows = min(int(ordinal[-1]), ALL_LOOKED_AT + 1) if len(ordinal) else self._payload_rows
        ends = segments.sequence + octets.astype(np.uint32)
        is_sampled = has_payload & (is_sample(segments.sequence, SAMPLE_BITS) | is_sample(ends, SAMPLE_BITS))
        is_sampled |= is_sample(segments.acknowledgement, SAMPLE_BITS) | (ordinal <= ALL_LOOKED_AT)
        is_sampled &= (segments.flags & (SYN | ACK | RST)) == ACK
        return np.flatnonzero((is_opening | is_sampled)[first:]) + first

    def _learn(self, sight: Sight) -> tuple[int, int] | None:
        """Look at one segment; return two domains, each standing for a network, that are proven to be one."""
        ends, from_high, domain, sequence, acknowledgement, octets, flags, now_ns = sight
        domain = self._same_as.get(domain, domain)
        pair = None
        if octets or flags & SYN:
            pair = self._copy((ends, from_high, sequence, acknowledgement, octets, flags), domain, now_ns)
        if pair is None and flags & ACK:
            pair = self._answer((ends, from_high, acknowledgement), sequence, domain, now_ns)
        if octets or flags & SYN:
            following = (sequence + octets + bool(flags & SYN)) & SEQUENCE_MASK
            expects = acknowledgement if flags & ACK else -1
            self._ask((ends, not from_high, following), Asked(domain, expects, now_ns))
        return pair

    def _copy(self, key: SightKey, domain: int, now_ns: int) -> tuple[int, int] | None:
        """Remember a sight; return it and an earlier one if one is in a tunnel and the other is not."""
        before = self._seen.pop(key, None)
        self._seen[key] = domain, now_ns
        if len(self._seen) > limits.TUNNEL_SIGHTS:
            _, (_, seen_ns) = self._seen.popitem(last=False)
            self._count_forgotten(now_ns - seen_ns <= COPY_WITHIN_NS)
        if before is None or now_ns - before[1] > COPY_WITHIN_NS:
            return None
        other = self._same_as.get(before[0], before[0])
        return (other, domain) if (other ^ domain) & TUNNELLED else None

    def _answer(
        self, key: tuple[bytes, bool, int], sequence: int, domain: int, now_ns: int
    ) -> tuple[int, int] | None:  # fmt: skip
        """Return the domain of the one segment that this one answers and its own, if they differ."""
        asked = [
            each
            for each in self._asked.get(key, ())
            if each.next_sequence in {-1, sequence} and now_ns - each.time_ns <= ANSWER_WITHIN_NS
        ]
        domains = {self._same_as.get(each.domain, each.domain) for each in asked}
        if len(domains) != 1 or domain in domains:
            return None
        (other,) = domains
        return (other, domain) if (other | domain) & TUNNELLED else None

    def _ask(self, key: tuple[bytes, bool, int], asked: Asked) -> None:
        """Remember what a segment would be answered by: of each domain, the latest."""
        others = [each for each in self._asked.pop(key, ()) if each.domain != asked.domain]
        self._asked[key] = [*others[1 - limits.TUNNEL_SIGHT_DOMAINS :], asked]
        if len(self._asked) > limits.TUNNEL_SIGHTS:
            _, forgotten = self._asked.popitem(last=False)
            self._count_forgotten(asked.time_ns - forgotten[-1].time_ns <= ANSWER_WITHIN_NS)

    def _count_forgotten(self, is_recent: bool) -> None:
        """Count what made room for another, if it could still have proven something."""
        self.evictions["tunnel-sights"] += is_recent

    def _has_room(self) -> bool:
        """Say whether one more proof can be remembered; count it if not."""
        if len(self._same_as) < limits.TUNNELS:
            return True
        self.anomalies[Anomaly.TOO_MANY_TUNNELS] += 1
        return False

    def _unite(self, first: int, second: int) -> None:
        """Let one domain stand for both: that of no tunnel, else the first."""
        kept, other = (second, first) if first & TUNNELLED and not second & TUNNELLED else (first, second)
        for domain, same in self._same_as.items():
            if same == other:
                self._same_as[domain] = kept
        self._same_as[other] = kept
        self._known = np.array(sorted(self._same_as.items()), dtype=np.int64)

    def _rewrite(self, segments: Segments, domain: NDArray[np.int64], first: int, last: int) -> None:
        """Write the domains that stand for others into rows, as far as it is known now."""
        if not self._same_as or first == last:
            return
        own = domain[first:last]
        places = np.minimum(self._known[:, 0].searchsorted(own), len(self._known) - 1)
        is_other = self._known[places, 0] == own
        rows = np.flatnonzero(is_other) + first
        if len(rows):
            segments.endpoints["domain"][rows] = self._known[places[is_other], 1]
            segments.connection_hash[rows] = hash_endpoints(segments.endpoints[rows], self._secret)


def sights(segments: Segments, time_ns: NDArray[np.int64], rows: NDArray[np.int64]) -> Iterator[Sight]:
    """Return some segments as plain values; taken together, since one by one costs ten times as much."""
    keys = segments.endpoints[rows]
    octets = segments.payload_length[rows] + segments.cut_length[rows]
    raw, size = keys.tobytes(), keys.itemsize
    return map(
        Sight,
        (raw[at : at + ENDS_BYTES] for at in range(0, len(raw), size)),
        segments.from_high[rows].tolist(),
        keys["domain"].tolist(),
        segments.sequence[rows].tolist(),
        segments.acknowledgement[rows].tolist(),
        octets.tolist(),
        (segments.flags[rows] & CONTROL).tolist(),
        time_ns[rows].tolist(),
    )
