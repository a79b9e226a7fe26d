"""IP fragments put together (RFC 791 3.2, RFC 8200 4.5), within bounds."""

from bisect import bisect_right, insort
from collections import Counter, OrderedDict
from operator import attrgetter
from typing import NamedTuple

from wiresniff.decode.headers import FRAGMENT_UNIT
from wiresniff.model import limits
from wiresniff.model.anomalies import Anomaly

LARGEST_DATAGRAM = 0xFFFF
"""Bytes of a datagram's payload that an offset and a length can reach together (RFC 791 3.1)."""
NANOSECONDS = 1_000_000_000


class FragmentKey(NamedTuple):
    """What fragments of one datagram have in common (RFC 791 3.2, RFC 8200 4.5), and where they were seen."""

    source: bytes
    destination: bytes
    protocol: int
    """Of IPv4; -1 for IPv6, whose fragments may differ in it."""
    identification: int
    domain: int
    interface: int
    """A datagram seen on two interfaces is put together twice, as it would be without fragments."""


class Fragment(NamedTuple):
    """Part of a datagram's payload."""

    start: int
    stop: int
    """One behind its last byte on the wire."""
    payload: bytes
    """What was captured of it: shorter than stop - start when the packet was cut."""


class Whole(NamedTuple):
    """The payload of a datagram whose fragments all came."""

    payload: bytes
    """As much as was captured without a hole."""
    length: int
    """As it was on the wire."""
    protocol: int
    """Of its first fragment."""


START = attrgetter("start")


class Datagram:
    """A datagram that waits for its missing parts: fragments in order, none overlapping another."""

    __slots__ = ("began_ns", "cost", "covered", "fragments", "is_refused", "length", "packets", "protocol")

    def __init__(self, began_ns: int, *, is_refused: bool = False) -> None:
        self.began_ns = began_ns
        self.is_refused = is_refused
        """Its first fragment showed that nobody wants it: nothing is kept but this."""
        self.fragments: list[Fragment] = []
        self.length: int | None = None
        """Of the whole payload; None until the last fragment came. No fragment lies behind it."""
        self.covered = 0
        """Bytes of it, as on the wire, that the fragments hold."""
        self.protocol = 0
        self.packets = 0
        self.cost = limits.FRAGMENT_COST_BYTES if is_refused else 0

    def add(self, fragment: Fragment) -> bool:
        """Insert what no earlier fragment holds; return whether bytes that both hold differ.

        The work is linear in the fragments overlapped, each of which is at least a unit long.
        """
        differs = False
        first = max(bisect_right(self.fragments, fragment.start, key=START) - 1, 0)
        last = bisect_right(self.fragments, fragment.stop - 1, key=START)
        at = fragment.start
        for held in self.fragments[first:last]:
            differs = differs or overlap_differs(held, fragment)
            if at < held.start:
                self._insert(part(fragment, at, held.start))
            at = max(at, held.stop)
        if at < fragment.stop:
            self._insert(part(fragment, at, fragment.stop))
        return differs

    def _insert(self, fragment: Fragment) -> None:
        insort(self.fragments, fragment, key=START)
        self.covered += fragment.stop - fragment.start
        self.cost += len(fragment.payload) + limits.FRAGMENT_COST_BYTES

    @property
    def holds_start(self) -> bool:
        """The first fragment came."""
        return bool(self.fragments) and self.fragments[0].start == 0

    def contradicts(self, fragment: Fragment, *, is_last: bool) -> bool:
        """Say whether the fragment and those before it can't be parts of one datagram: it would end in two places."""
        if self.length is not None:
            return fragment.stop > self.length or (is_last and fragment.stop < self.length)
        return is_last and bool(self.fragments) and fragment.stop < self.fragments[-1].stop

    def whole(self) -> Whole | None:
        """Return the payload if nothing is missing on the wire."""
        if self.length is None or self.covered < self.length:
            return None
        return Whole(b"".join(self._captured()), self.length, self.protocol)

    def _captured(self) -> list[bytes]:
        """Return the captured bytes up to the first that were cut off."""
        pieces = []
        for fragment in self.fragments:
            pieces.append(fragment.payload)
            if len(fragment.payload) < fragment.stop - fragment.start:
                break
        return pieces


def part(fragment: Fragment, start: int, stop: int) -> Fragment:
    """Return a stretch of a fragment."""
    return Fragment(start, stop, fragment.payload[start - fragment.start : stop - fragment.start])


def overlap_differs(held: Fragment, fragment: Fragment) -> bool:
    """Say whether two fragments have different bytes in a place that both captured."""
    start = max(held.start, fragment.start)
    stop = min(held.start + len(held.payload), fragment.start + len(fragment.payload))
    return start < stop and part(held, start, stop).payload != part(fragment, start, stop).payload


class FragmentTable:
    """Datagrams that wait for their missing parts, the oldest first.

    Bounded by `limits.FRAGMENT_TABLE_BYTES` (the oldest goes first) and `limits.FRAGMENT_SECONDS`; every fragment of a
    datagram that is given up counts as `fragment-dropped`. Time is the latest capture time so far, so what comes out
    depends on the order of packets alone, not on how they were cut into blocks.
    """

    def __init__(self) -> None:
        self._datagrams: OrderedDict[FragmentKey, Datagram] = OrderedDict()  # finds its oldest in constant time
        self._cost = 0
        self.anomalies: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._datagrams)

    @property
    def cost(self) -> int:
        """Bytes charged for what waits."""
        return self._cost

    def add(self, key: FragmentKey, fragment: Fragment, protocol: int, now_ns: int, *, is_last: bool) -> Whole | None:
        """Take a fragment; return the datagram's payload if it was the last one missing.

        protocol  of this fragment; that of the first one (start 0) is the datagram's
        is_last   no fragment follows it in the datagram
        """
        self.expire(now_ns)
        if not is_possible(fragment, is_last=is_last):
            self.anomalies[Anomaly.FRAGMENT_DROPPED] += 1
            return None
        if self.is_refused(key, now_ns):
            self._remove(key)  # the number is in use again
        datagram = self._datagrams.setdefault(key, Datagram(now_ns))
        if datagram.contradicts(fragment, is_last=is_last):
            self.anomalies[Anomaly.FRAGMENT_DROPPED] += 1
            return None
        if is_last:
            datagram.length = fragment.stop
        if fragment.start == 0 and not datagram.holds_start:
            datagram.protocol = protocol
        self._insert(datagram, fragment)
        whole = datagram.whole()
        if whole is not None:
            self._remove(key)
        self._make_room()
        return whole

    def refuse(self, key: FragmentKey, now_ns: int) -> None:
        """Forget the fragments of a datagram, those that came and those that will."""
        self.expire(now_ns)
        if key in self._datagrams:
            self._remove(key)
        self._datagrams[key] = Datagram(now_ns, is_refused=True)
        self._cost += limits.FRAGMENT_COST_BYTES
        self._make_room()

    def is_refused(self, key: FragmentKey, now_ns: int) -> bool:
        """Say whether fragments of a datagram are not wanted."""
        self.expire(now_ns)
        datagram = self._datagrams.get(key)
        return datagram is not None and datagram.is_refused

    def _insert(self, datagram: Datagram, fragment: Fragment) -> None:
        before = datagram.cost
        datagram.packets += 1
        if datagram.add(fragment):
            self.anomalies[Anomaly.FRAGMENT_OVERLAP] += 1
        self._cost += datagram.cost - before

    def expire(self, now_ns: int) -> None:
        """Give up datagrams that waited too long."""
        oldest_ns = now_ns - limits.FRAGMENT_SECONDS * NANOSECONDS
        while self._datagrams:
            key = next(iter(self._datagrams))
            if self._datagrams[key].began_ns >= oldest_ns:
                break
            self._drop(key)

    def clear(self) -> None:
        """Give up all that waits: no more packets come."""
        for key in list(self._datagrams):
            self._drop(key)

    def _make_room(self) -> None:
        while self._cost > limits.FRAGMENT_TABLE_BYTES:
            self._drop(next(iter(self._datagrams)))

    def _drop(self, key: FragmentKey) -> None:
        self.anomalies[Anomaly.FRAGMENT_DROPPED] += self._remove(key).packets

    def _remove(self, key: FragmentKey) -> Datagram:
        datagram = self._datagrams.pop(key)
        self._cost -= datagram.cost
        return datagram


def is_possible(fragment: Fragment, *, is_last: bool) -> bool:
    """Say whether a datagram can hold the fragment: not empty, in units of 8 unless the last, within 64 KiB."""
    length = fragment.stop - fragment.start
    return length > 0 and fragment.stop <= LARGEST_DATAGRAM and (is_last or length % FRAGMENT_UNIT == 0)
