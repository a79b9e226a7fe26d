"""The stage: requests in, in any order; hops out, in order of time."""

from bisect import bisect_right
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from wiresniff.audit.hops.inbound import Identity, Inbound, identity_of
from wiresniff.audit.hops.instance import LATE, LONG_NS, Instance, Sight
from wiresniff.audit.hops.judge import Call, Judged, front_door, judge
from wiresniff.audit.hops.register import Register
from wiresniff.audit.hops.roles import Roles
from wiresniff.model import limits
from wiresniff.model.context import Reading
from wiresniff.model.exchanges import Alike, Channel, Exchange, Opened
from wiresniff.model.verdicts import Judgement, Verdict

ORDER_NS = 500 * 10**6
"""What happened is judged so much later, in order of time: captures are disordered by less."""
SWEEP_NS = 60 * 10**9
SKEW_NS = 2 * 10**9
"""Clocks of several capture points differ by less than this where they are kept by NTP at all."""
INSTANCE_NS = limits.HOP_INSTANCE_SECONDS * 10**9

ENTER, LEAVE, SETTLE, SETTLE_CALL = range(4)
"""What happens, in this order where it happens at once. A call is a request whose client is called by others."""


class Place(Protocol):
    """What is asked about the ends of a request (`wiresniff.services.Names`)."""

    def is_shared(self, address: str) -> bool:
        """Tell whether several services use an address."""

    def is_proxy(self, name: str) -> bool:
        """Tell whether the policy says that a service is a proxy."""


class Parts(NamedTuple):
    """How a request takes part."""

    is_received: bool
    """Its server calls others: it may be the cause of something."""
    is_call: bool
    """Its client is called by others: something may be its cause."""

    def without(self, known: "Parts") -> "Parts":
        """Return what is new."""
        return Parts(self.is_received and not known.is_received, self.is_call and not known.is_call)


PARTS = {(received, call): Parts(received, call) for received in (False, True) for call in (False, True)}
NO_PARTS, BOTH_PARTS = PARTS[False, False], PARTS[True, True]

Happening: TypeAlias = tuple[int, int, int, int, Exchange, "Inbound | Judgement | None"]
"""Time, what happens, packet, a number to tell equal ones apart, to which request, and what is known of it."""
_T = TypeVar("_T")
Describe: TypeAlias = Callable[[Exchange], tuple[Reading, bool]]
Count: TypeAlias = Callable[[Judgement, Judged, "Call | None"], None]


class Hops:
    """Judges the hops of one audit.

    describe   reads a request that is not settled yet: its context, and whether it owes none
    place      tells what is at an address
    count      is told each judged hop: the outcome, and the call where one was made
    late_ns    how much later than it happened a request may come, beyond disorder in the capture
    """

    def __init__(self, describe: Describe, place: Place, count: Count, late_ns: int = 0) -> None:
        self._wait_ns = ORDER_NS + late_ns
        self._skew_ns = SKEW_NS if late_ns else 0
        self.version = 0
        """Changes whenever an address is met in its second role: more requests take part from then on."""
        self._evictions: Counter[str] = Counter()
        self._describe = describe
        self._place = place
        self._count = count
        self._roles = Roles()
        self.takes_part = self._roles.takes_part
        self._opened: OrderedDict[Exchange, Parts] = OrderedDict()
        """Requests that are open and take part in one way or none so far."""
        self._recent: OrderedDict[str, deque[Exchange]] = OrderedDict()
        """What servers received, last and settled, that called nobody so far."""
        self._received_before: dict[str, list[Exchange]] = {}
        """Of these, those whose servers call others after all."""
        self._instances: dict[str, Instance] = {}
        self._register = Register(self._skew_ns)
        self._happenings: list[Happening] = []
        self._number = 0
        self._inbounds: dict[Exchange, Inbound] = {}
        """Requests that are open, at instances that take part, in order of arrival; so are the following."""
        self._sights: dict[Exchange, tuple[Identity, Sight]] = {}
        """Requests that left such instances and are not judged."""
        self._reached_ns = 0
        """What happened was taken up to here."""
        self._swept_ns = 0
        self.recalled: list[Exchange | Opened] | None = None
        """Where hops are judged elsewhere: what is to be taken there of what was remembered here."""

    @property
    def evictions(self) -> Counter[str]:
        """What found no room, by table."""
        return self._evictions + self._roles.evictions + self._register.evictions

    # --- who calls whom ---

    def meet(self, channel: Channel) -> None:
        """Learn of a connection who calls whom. Comes before any request of the same block is fed."""
        channel.is_met = True
        self.meet_addresses(channel.client.address, channel.server.address)

    def meet_addresses(self, client: str, server: str) -> None:
        """Learn that an address calls another, here or where other connections are followed."""
        for address in self._roles.meet(client, server):
            self.version += 1
            self._recall(address)

    def remember(self, exchange: Exchange) -> None:
        """Remember a settled request to a server that called nobody so far: its first call may be on behalf of it."""
        address = exchange.server.address
        recent = self._recent.get(address)
        if recent is None:
            if len(self._recent) >= limits.HOP_RECENT_SERVERS:
                self._recent.popitem(last=False)
                self._evictions["hop-recent-servers"] += 1
            recent = self._recent[address] = deque(maxlen=limits.HOP_RECENT)
        recent.append(exchange)

    def remember_alike(self, alike: Alike) -> None:
        """Remember the last ones of many."""
        for exchange in alike.latest(limits.HOP_RECENT):
            self.remember(exchange)

    def _recall(self, address: str) -> None:
        """Take what was remembered of an address that takes part from now on."""
        for exchange in [each for each in self._opened if address in (each.client.address, each.server.address)]:
            known = self._opened.pop(exchange)
            if self.recalled is None:
                self._open(exchange, known)
            else:
                exchange.is_announced = True
                self.recalled.append(Opened(exchange))
        recent = self._recent.pop(address, ())
        if self.recalled is None:
            self.take_recalled(recent)
        else:
            self.recalled += recent

    def take_recalled(self, exchanges: Iterable[Exchange]) -> None:
        """Take what was received, and settled, before its server was known to call others, here or elsewhere."""
        for exchange in exchanges:
            self._received_before.setdefault(exchange.server.address, []).append(exchange)

    def _enter_recalled(self) -> None:
        """Let happen, late, what servers received last before they were known to call others."""
        for exchanges in self._received_before.values():
            exchanges.sort(key=_ended)
            for exchange in exchanges[-limits.HOP_RECENT :]:
                self._enter(exchange, *self._describe(exchange), Parts(is_received=True, is_call=False))
                self._leave(exchange)
        self._received_before.clear()

    # --- what happens ---

    def open(self, exchange: Exchange) -> None:
        """Take a request that is not settled."""
        self._open(exchange, NO_PARTS)

    def _open(self, exchange: Exchange, known: Parts) -> None:
        """Let the head of a request happen, as far as it takes part and that did not happen before."""
        parts = self._parts(exchange.channel)
        if parts != known:
            self._enter(exchange, *self._describe(exchange), parts.without(known))
        exchange.is_announced = parts != NO_PARTS
        if parts == BOTH_PARTS:
            return
        self._opened[exchange] = parts
        if len(self._opened) > limits.HOPS_OPENED:
            self._opened.popitem(last=False)
            self._evictions["hops-opened"] += 1

    def feed(self, judgement: Judgement, settled_ns: int, *, keeps: bool) -> None:
        """Take a settled request. `keeps`: whoever reads judgements wants all, in order."""
        exchange = judgement.exchange
        parts, known = self._parts(exchange.channel), NO_PARTS
        if exchange.is_announced:
            known = self._opened.pop(exchange, BOTH_PARTS)
        elif self._opened:
            self._opened.pop(exchange, None)
        if parts != known:
            is_exempt = judgement.verdict is Verdict.EXEMPT
            self._enter(exchange, judgement.reading, is_exempt, parts.without(known))
        if parts.is_received:
            self._leave(exchange)
        else:
            self.remember(exchange)
        is_call = parts.is_call
        if is_call or keeps:
            self._push(settled_ns + self._skew_ns, SETTLE_CALL if is_call else SETTLE, exchange, judgement)
        else:
            identity = identity_of(exchange, judgement.reading)
            self._count(judgement, Judged(front_door(judgement, identity), None), None)

    def _parts(self, channel: Channel) -> Parts:
        return PARTS[channel.server.address in self._roles.calling, channel.client.address in self._roles.called]

    def _enter(self, exchange: Exchange, reading: Reading, is_exempt: bool, parts: Parts) -> None:
        """Let a head happen."""
        inbound = Inbound(exchange, reading, identity_of(exchange, reading), is_exempt=is_exempt)
        inbound.is_received, inbound.is_call = parts
        self._push(exchange.time_ns, ENTER, exchange, inbound)

    def _leave(self, exchange: Exchange) -> None:
        self._push(_ended(exchange)[0], LEAVE, exchange, None)

    def _push(self, time_ns: int, what: int, exchange: Exchange, more: "Inbound | Judgement | None") -> None:
        self._number += 1
        self._happenings.append((time_ns, what, exchange.packet, self._number, exchange, more))

    # --- in order of time ---

    def advance(self, now_ns: int) -> Iterator[Judgement]:
        """Judge what happened until half a second ago."""
        until_ns = now_ns - self._wait_ns
        if self._received_before:
            self._enter_recalled()
        happenings = self._happenings
        if happenings:
            happenings.sort()
            due = bisect_right(happenings, until_ns, key=_time_of)
            if len(happenings) - due > limits.HOPS_WAITING:
                self._evictions["hops-waiting"] += len(happenings) - due - limits.HOPS_WAITING
                due = len(happenings) - limits.HOPS_WAITING
            if due:
                self._happenings = happenings[due:]
                yield from self._go_through(happenings[:due])
        if until_ns - self._swept_ns > SWEEP_NS:
            self._swept_ns = until_ns
            self._sweep(until_ns)

    def close(self) -> Iterator[Judgement]:
        """Judge what is left."""
        self._enter_recalled()
        happenings = sorted(self._happenings)
        self._happenings = []
        yield from self._go_through(happenings)

    def _sweep(self, now_ns: int) -> None:
        """Forget what has been silent for so long that nothing more comes of it."""
        self._register.sweep(now_ns)
        for exchange, inbound in _older(self._inbounds, now_ns - 2 * self._wait_ns - LONG_NS):
            del self._inbounds[exchange]  # its connection was given up
            self._instances[exchange.server.address].leave(inbound, now_ns)
        for exchange, _ in _older(self._sights, now_ns - 2 * self._wait_ns - LONG_NS):
            del self._sights[exchange]
        for address in [each for each, at in self._instances.items() if now_ns - at.heard_ns > INSTANCE_NS]:
            if not self._instances[address].open:
                del self._instances[address]
                self._roles.forget(address)

    def _go_through(self, happenings: list[Happening]) -> Iterator[Judgement]:
        for time_ns, what, _, _, exchange, more in happenings:
            if what == ENTER:
                assert isinstance(more, Inbound)
                self._take_head(exchange, more)
            elif what == LEAVE:
                self._take_end(time_ns, exchange)
            else:
                assert isinstance(more, Judgement)
                yield self._take_settled(more, is_call=what == SETTLE_CALL)
        if happenings:
            self._reached_ns = max(self._reached_ns, happenings[-1][0])

    def _instance(self, address: str, now_ns: int) -> Instance:
        instance = self._instances.get(address)
        if instance is None:
            instance = self._instances[address] = Instance(now_ns, self._evictions)
        return instance

    def _take_head(self, exchange: Exchange, inbound: Inbound) -> None:
        channel = exchange.channel
        if inbound.is_call:  # first, lest it is open for itself at an address that calls itself
            self._take_call(exchange, channel.client.address, inbound.identity)
        if not inbound.is_received:
            return
        server = channel.server.address
        instance = self._instance(server, exchange.time_ns)
        if len(self._inbounds) < limits.HOPS_OPEN and instance.enter(inbound):
            self._inbounds[exchange] = inbound
        else:
            instance.overlook(inbound)
            self._evictions["hop-open"] += 1
        if inbound.is_known:
            self._register.add(server, inbound)

    def _take_call(self, exchange: Exchange, client: str, identity: Identity) -> None:
        sight = self._instance(client, exchange.time_ns).look(exchange, is_late=exchange.time_ns < self._reached_ns)
        self._register.send(client, identity, exchange)
        if len(self._sights) < limits.HOPS_OPEN:
            self._sights[exchange] = (identity, sight)
        else:
            self._evictions["hop-open"] += 1

    def _take_end(self, time_ns: int, exchange: Exchange) -> None:
        inbound = self._inbounds.pop(exchange, None)
        if inbound is None:
            return
        if exchange.complete or exchange.unanswered:
            inbound.end_ns = time_ns
        server = exchange.server.address
        instance = self._instance(server, time_ns)
        if not inbound.is_known and exchange.unseen is None:
            self._revise(inbound, instance, server)
        instance.leave(inbound, time_ns)

    def _revise(self, inbound: Inbound, instance: Instance, server: str) -> None:
        """Take what became known of a request after it was announced."""
        reading, is_exempt = self._describe(inbound.exchange)
        identity = identity_of(inbound.exchange, reading)
        instance.revise(inbound, Inbound(inbound.exchange, reading, identity, is_exempt=is_exempt))
        self._register.add(server, inbound)

    def _take_settled(self, judgement: Judgement, *, is_call: bool) -> Judgement:
        exchange = judgement.exchange
        identity, sight = self._sights.pop(exchange, (None, None))
        if exchange.is_announced or identity is None:
            identity = identity_of(exchange, judgement.reading)
        call: Call | None = None
        address = exchange.client.address
        instance = self._instances.get(address) if is_call else None
        if instance is None or instance.first_ns is None or exchange.time_ns < instance.first_ns - self._skew_ns:
            judged = Judged(front_door(judgement, identity), None)
        else:
            is_shared = self._roles.calls_itself(address) or self._place.is_shared(address)
            call = Call(
                judgement, identity, instance, address, judgement.server, sight or LATE, is_shared,
                self._place.is_proxy(judgement.client),
            )  # fmt: skip
            judged = judge(call, self._register)
            if sight is not None and not sight.is_late:
                instance.count_call(sight, judged.cause)
        self._count(judgement, judged, call)
        return Judgement(*judgement[:-1], judged.hop)  # `_replace` takes three times as long


def _ended(exchange: Exchange) -> tuple[int, int]:
    """Return when a request was over, and a number to tell equal times apart."""
    ended_ns = exchange.end_time_ns or exchange.settled_ns or exchange.time_ns
    return max(ended_ns, exchange.time_ns), exchange.packet


def _time_of(happening: Happening) -> int:
    return happening[0]


def _older(table: dict[Exchange, _T], than_ns: int) -> list[tuple[Exchange, _T]]:
    """Return what is at the beginning of a table, in order of arrival, and older than a time."""
    return list(takewhile(lambda item: item[0].time_ns < than_ns, table.items()))
