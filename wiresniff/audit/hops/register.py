"""Requests that came in, found again by what they carried. Bounded; the oldest go first."""

from collections import Counter, OrderedDict

from wiresniff.audit.hops.inbound import Inbound
from wiresniff.model import limits

HORIZON_NS = limits.HOP_HORIZON_SECONDS * 10**9
PER_TRACE = 4
"""Requests of one trace remembered per instance: a trace enters a service once, rarely twice."""
RIGHT_HALF = 16
"""Digits by which ids are looked up: all that two of them have in common where one has 64 bits."""


def same_trace(one: str, other: str) -> bool:
    """Compare two trace ids; where one is of 64 bits, only their right halves (Trace Context Level 2)."""
    zeros = "0" * RIGHT_HALF
    if len(one) == len(other) == 2 * RIGHT_HALF and zeros in (one[:RIGHT_HALF], other[:RIGHT_HALF]):
        return one[RIGHT_HALF:] == other[RIGHT_HALF:]
    return one == other


class Register:
    """What each instance received, by identifiers."""

    def __init__(self) -> None:
        self._by_trace: OrderedDict[tuple[str, str], list[Inbound]] = OrderedDict()
        self._by_key: OrderedDict[tuple[str, int], Inbound | None] = OrderedDict()
        """None: several requests had it, so it names none of them."""
        self.evictions: Counter[str] = Counter()

    def add(self, instance: str, inbound: Inbound) -> None:
        """Remember what an instance received."""
        for trace in inbound.identity.traces:
            self._add_trace((instance, trace[-RIGHT_HALF:]), inbound)
        for key in inbound.identity.keys:
            self._add_key((instance, key), inbound)

    def _add_trace(self, place: tuple[str, str], inbound: Inbound) -> None:
        known = self._by_trace.get(place)
        if known is None:
            self._by_trace[place] = [inbound]
            if len(self._by_trace) > limits.HOP_TRACES:
                self._evict(self._by_trace, inbound)
        elif inbound not in known:
            known.append(inbound)
            del known[:-PER_TRACE]
            self._by_trace.move_to_end(place)

    def _add_key(self, place: tuple[str, int], inbound: Inbound) -> None:
        if place in self._by_key:
            if self._by_key[place] is not inbound:
                self._by_key[place] = None
                self._by_key.move_to_end(place)
            return
        self._by_key[place] = inbound
        if len(self._by_key) > limits.HOP_KEYS:
            self._by_key.popitem(last=False)

    def _evict(self, table: OrderedDict[tuple[str, str], list[Inbound]], newest: Inbound) -> None:
        """Forget the oldest; it counts if it could still have mattered."""
        _, oldest = table.popitem(last=False)
        if newest.exchange.time_ns - oldest[-1].exchange.time_ns < HORIZON_NS:
            self.evictions["hop-traces"] += 1

    def by_trace(self, instance: str, traces: tuple[str, ...], before_ns: int) -> list[Inbound]:
        """Return what an instance received of any of these traces up to a time, in order of arrival."""
        found: list[Inbound] = []
        for trace in traces:
            for inbound in self._by_trace.get((instance, trace[-RIGHT_HALF:]), ()):
                if (
                    before_ns - HORIZON_NS <= inbound.exchange.time_ns <= before_ns
                    and inbound not in found
                    and any(same_trace(trace, each) for each in inbound.identity.traces)
                ):
                    found.append(inbound)
        return found

    def by_key(self, instance: str, keys: tuple[int, ...], before_ns: int) -> Inbound | None:
        """Return the only request with any of these keys that an instance received up to a time."""
        found = {
            inbound
            for key in keys
            if (inbound := self._by_key.get((instance, key))) is not None
            and before_ns - HORIZON_NS <= inbound.exchange.time_ns <= before_ns
        }
        return found.pop() if len(found) == 1 else None

    def sweep(self, now_ns: int) -> None:
        """Forget what is beyond the horizon."""
        while self._by_trace:
            place, inbounds = next(iter(self._by_trace.items()))
            if now_ns - inbounds[-1].exchange.time_ns <= HORIZON_NS:
                break
            del self._by_trace[place]
