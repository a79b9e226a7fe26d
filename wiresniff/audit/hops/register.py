"""What came in and went out of each instance, found again by identifiers. Bounded; the oldest go first."""

from collections import Counter, OrderedDict
from typing import NamedTuple

from wiresniff.audit.hops.inbound import Identity, Inbound, parent_of
from wiresniff.model import limits
from wiresniff.model.exchanges import Exchange

HORIZON_NS = limits.HOP_HORIZON_SECONDS * 10**9
NEVER_NS = -(1 << 62)
"""Before all capture time."""
RIGHT_HALF = 16
"""Digits by which ids are looked up: all that two of them have in common where one has 64 bits."""


def same_trace(one: str, other: str) -> bool:
    """Compare two trace ids; where one is of 64 bits, only their right halves (Trace Context Level 2)."""
    if one == other:
        return True
    zeros = "0" * RIGHT_HALF
    if len(one) == len(other) == 2 * RIGHT_HALF and zeros in (one[:RIGHT_HALF], other[:RIGHT_HALF]):
        return one[RIGHT_HALF:] == other[RIGHT_HALF:]
    return False


def shares_trace(one: Identity, other: Identity) -> bool:
    """Tell whether two requests have a trace in common."""
    return any(same_trace(trace, each) for trace in one.traces for each in other.traces)


class Outlines:
    """Traces that came in, and were forgotten but for that. Two generations: the older one goes as a whole."""

    def __init__(self) -> None:
        self._newer: set[int] = set()
        self._older: set[int] = set()
        self._newer_ns = self._older_ns = NEVER_NS
        self.lost_ns = NEVER_NS
        """Of the newest request that was forgotten altogether: a trace that goes on from then looks like a new one."""
        self.forgotten = 0

    def add(self, place: tuple[str, str], inbounds: list[Inbound]) -> None:
        """Keep that requests of a trace came in."""
        if len(self._newer) >= limits.HOP_TRACES_IN_OUTLINE:  # two of each trace, in two generations
            # It counts if it could still have mattered.
            if self._newer_ns - self._older_ns < HORIZON_NS:
                self.forgotten += len(self._older)
            self.lost_ns, self._older_ns, self._newer_ns = self._older_ns, self._newer_ns, NEVER_NS
            self._newer, self._older = set(), self._newer
        self._newer_ns = max(self._newer_ns, *(each.exchange.time_ns for each in inbounds), NEVER_NS)
        self._newer.add(hash(place))
        for inbound in inbounds:
            self._newer.add(hash((place, parent_of(inbound.reading))))

    def has(self, place: tuple[str, str]) -> bool:
        """Tell whether a trace came in; of 2^64 values of a hash, none is met twice by chance."""
        key = hash(place)
        return key in self._newer or key in self._older

    def has_parent(self, place: tuple[str, str], parent_id: str | None) -> bool:
        """Tell whether it came in with this parent-id."""
        key = hash((place, parent_id))
        return parent_id is not None and (key in self._newer or key in self._older)


class Sent(NamedTuple):
    """When and where an instance first sent a trace."""

    time_ns: int
    capture_point: int


class Register:
    """What each instance received and sent, by identifiers.

    skew_ns   how much the clocks of capture points may differ: what came in may seem to be so much later than it was
    """

    def __init__(self, skew_ns: int = 0) -> None:
        self._skew_ns = skew_ns
        self._by_trace: OrderedDict[tuple[str, str], list[Inbound]] = OrderedDict()
        self._by_key: OrderedDict[tuple[str, int], Inbound | None] = OrderedDict()
        """None: several requests had it, or the instance itself did, so it names none of them."""
        self._outlines = Outlines()
        self._sent: OrderedDict[tuple[str, str], Sent] = OrderedDict()
        """Traces that an instance sent before it received them: it may have begun them."""
        self._evictions: Counter[str] = Counter()
        self.keys_lost_ns = NEVER_NS
        """Of the newest request of which a key was forgotten: up to then a key that is known once may be another's."""

    @property
    def evictions(self) -> Counter[str]:
        """What found no room, by table."""
        return self._evictions + Counter({"hop-outlines": self._outlines.forgotten})

    # --- what came in ---

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
                gone, oldest = self._by_trace.popitem(last=False)
                self._outlines.add(gone, oldest)
                # It counts if it could still have mattered.
                if inbound.exchange.time_ns - oldest[-1].exchange.time_ns < HORIZON_NS:
                    self._evictions["hop-traces"] += 1
        elif inbound not in known:
            known.append(inbound)
            if len(known) > limits.HOP_REQUESTS_PER_TRACE:
                del known[0]
                self._evictions["hop-requests-per-trace"] += 1
            self._by_trace.move_to_end(place)

    def _add_key(self, place: tuple[str, int], inbound: Inbound | None) -> None:
        keys = self._by_key
        if place in keys:
            if keys[place] is not inbound:
                keys[place] = None
                keys.move_to_end(place)
            return
        keys[place] = inbound
        if len(keys) > limits.HOP_KEYS:
            _, oldest = keys.popitem(last=False)
            if oldest is not None:
                self.keys_lost_ns = max(self.keys_lost_ns, oldest.exchange.time_ns)
                self._evictions["hop-keys"] += 1

    # --- what went out ---

    def send(self, instance: str, identity: Identity, call: Exchange) -> None:
        """Remember what an instance sends without having received it: it is nobody else's."""
        for trace in identity.traces:
            place = (instance, trace[-RIGHT_HALF:])
            if place not in self._by_trace and place not in self._sent and not self._outlines.has(place):
                self._sent[place] = Sent(call.time_ns, call.channel.capture_point)
                if len(self._sent) > limits.HOP_TRACES:
                    _, first = self._sent.popitem(last=False)
                    if call.time_ns - first.time_ns < HORIZON_NS:
                        self._evictions["hop-sent"] += 1
        for key in identity.keys:
            if (instance, key) not in self._by_key:
                self._add_key((instance, key), None)

    # --- what belongs together ---

    def by_trace(self, instance: str, traces: tuple[str, ...], call: Exchange) -> list[Inbound]:
        """Return what an instance received of any of these traces before a call, in order of arrival.

        As many as are remembered of a trace: there may have been more.
        """
        found: list[Inbound] = []
        for trace in traces:
            for inbound in self._by_trace.get((instance, trace[-RIGHT_HALF:]), ()):
                if (
                    self._may_precede(inbound, call)
                    and inbound not in found
                    and any(same_trace(trace, each) for each in inbound.identity.traces)
                ):
                    found.append(inbound)
        return found

    def came_long_before(self, instance: str, traces: tuple[str, ...], parent_id: str | None) -> bool | None:
        """Tell whether one of these traces came so long before that no more is known of it; None if not.

        True: with this parent-id.
        """
        places = [(instance, trace[-RIGHT_HALF:]) for trace in traces]
        if not any(map(self._outlines.has, places)):
            return None
        return any(self._outlines.has_parent(place, parent_id) for place in places)

    def may_have_forgotten(self, time_ns: int) -> bool:
        """Tell whether a trace that came in within the horizon before may be forgotten altogether."""
        return self._outlines.lost_ns > time_ns - HORIZON_NS

    def _may_precede(self, inbound: Inbound, call: Exchange) -> bool:
        one = inbound.exchange
        if one is call:
            return False
        skew_ns = 0 if one.channel.capture_point == call.channel.capture_point else self._skew_ns
        return call.time_ns - HORIZON_NS <= one.time_ns <= call.time_ns + skew_ns

    def was_sent_first(self, instance: str, traces: tuple[str, ...], received: Inbound) -> bool:
        """Tell whether an instance sent one of these traces before it received it: then it may have begun it."""
        exchange = received.exchange
        for trace in traces:
            sent = self._sent.get((instance, trace[-RIGHT_HALF:]))
            if sent is not None:
                skew_ns = 0 if sent.capture_point == exchange.channel.capture_point else self._skew_ns
                if sent.time_ns + skew_ns < exchange.time_ns:
                    return True
        return False

    def by_key(self, instance: str, keys: tuple[int, ...], call: Exchange) -> Inbound | None:
        """Return the only request with any of these keys that an instance received before a call."""
        inbounds = (self._by_key.get((instance, key)) for key in keys)
        found = {inbound for inbound in inbounds if inbound is not None and self._may_precede(inbound, call)}
        return found.pop() if len(found) == 1 else None

    def sweep(self, now_ns: int) -> None:
        """Forget what is beyond the horizon."""
        while self._by_trace:
            place, inbounds = next(iter(self._by_trace.items()))
            if now_ns - inbounds[-1].exchange.time_ns <= HORIZON_NS:
                break
            del self._by_trace[place]
        while self._sent:
            place, sent = next(iter(self._sent.items()))
            if now_ns - sent.time_ns <= HORIZON_NS:
                break
            del self._sent[place]
