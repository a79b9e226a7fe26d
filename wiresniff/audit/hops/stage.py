"""The stage: requests in, in any order; hops out, in order of time."""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, TypeAlias

from wiresniff.audit.hops.inbound import Identity, Inbound, identity_of
from wiresniff.audit.hops.instance import Instance, Sight
from wiresniff.audit.hops.judge import Call, Judged, front_door, judge
from wiresniff.audit.hops.register import Register
from wiresniff.model import limits
from wiresniff.model.context import Reading
from wiresniff.model.exchanges import Alike, Channel, Exchange
from wiresniff.model.verdicts import Judgement, Verdict

ORDER_NS = 10**9
"""What happened is judged so much later, in order of time: captures are disordered by less."""
SWEEP_NS = 60 * 10**9

ENTER, LEAVE, SETTLE = range(3)
"""What happens, in this order where it happens at once."""


class Place(Protocol):
    """What is asked about the ends of a request (`wiresniff.services.Names`)."""

    def is_shared(self, address: str) -> bool:
        """Tell whether several services use an address."""

    def is_proxy(self, name: str) -> bool:
        """Tell whether the policy says that a service is a proxy."""


class Settled(NamedTuple):
    """A judgement whose hop is to be judged."""

    judgement: Judgement
    takes_part: bool
    """Its client is called by others; else its hop is known."""


Happening: TypeAlias = tuple[int, int, int, Exchange, "Inbound | Settled | None"]
"""Time, what happens, a number to tell equal ones apart, to which request, and what is known of it."""
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
        self.version = 0
        """Changes whenever an address is met in its second role: more requests take part from then on."""
        self.evictions: Counter[str] = Counter()
        self._describe = describe
        self._place = place
        self._count = count
        self._called: dict[str, None] = {}
        self._calling: dict[str, None] = {}
        self._talks_to_itself: set[str] = set()
        self._recent: OrderedDict[str, deque[Exchange]] = OrderedDict()
        """What servers received that called nobody so far."""
        self._instances: dict[str, Instance] = {}
        self._register = Register()
        self._happenings: list[Happening] = []
        self._number = 0
        self._inbounds: dict[Exchange, Inbound] = {}
        """Requests that are open, at instances that take part."""
        self._sights: dict[Exchange, tuple[Identity, Sight]] = {}
        """Requests that left such instances and are not judged."""
        self._swept_ns = 0

    # --- who calls whom ---

    def meet(self, channel: Channel) -> None:
        """Learn of a connection who calls whom. Comes before any request of the same block is fed."""
        channel.is_met = True
        client, server = channel.client.address, channel.server.address
        if client == server:
            self._talks_to_itself.add(client)
        for address, role, other in ((client, self._calling, self._called), (server, self._called, self._calling)):
            if address in role:
                continue
            if len(role) >= limits.HOP_ADDRESSES:
                self.evictions["hop-addresses"] += 1
                continue
            role[address] = None
            if address in other:
                self.version += 1
                self._recall(address)

    def takes_part(self, channel: Channel) -> bool:
        """Tell whether requests of a connection may be the cause or the consequence of others."""
        return channel.client.address in self._called or channel.server.address in self._calling

    def remember(self, exchange: Exchange) -> None:
        """Remember a request to a server that called nobody so far: its first call may be on behalf of it."""
        address = exchange.server.address
        recent = self._recent.get(address)
        if recent is None:
            if len(self._recent) >= limits.HOP_RECENT_SERVERS:
                self._recent.popitem(last=False)
            recent = self._recent[address] = deque(maxlen=limits.HOP_RECENT)
        recent.append(exchange)

    def remember_alike(self, alike: Alike) -> None:
        """Remember the last ones of many."""
        for exchange in alike.latest(limits.HOP_RECENT):
            self.remember(exchange)

    def _recall(self, address: str) -> None:
        for exchange in self._recent.pop(address, ()):
            reading, is_exempt = self._describe(exchange)
            self._enter(exchange, reading, is_exempt=is_exempt)
            self._leave(exchange)

    # --- what happens ---

    def open(self, exchange: Exchange) -> None:
        """Take a request that is not settled."""
        if self.takes_part(exchange.channel):
            reading, is_exempt = self._describe(exchange)
            self._enter(exchange, reading, is_exempt=is_exempt)
        else:
            exchange.is_announced = False

    def feed(self, judgement: Judgement, settled_ns: int, *, keeps: bool) -> None:
        """Take a settled request. `keeps`: whoever reads judgements wants all, in order."""
        exchange = judgement.exchange
        takes_part = self.takes_part(exchange.channel)
        if takes_part:
            if not exchange.is_announced:
                is_exempt = judgement.verdict is Verdict.EXEMPT
                self._enter(exchange, judgement.reading, is_exempt=is_exempt)
            self._leave(exchange)
        else:
            self.remember(exchange)
        is_called = exchange.client.address in self._called
        if is_called or keeps:
            self._push(settled_ns, SETTLE, exchange, Settled(judgement, is_called))
        else:
            identity = identity_of(exchange, judgement.reading)
            self._count(judgement, Judged(front_door(judgement, identity), None), None)

    def _enter(self, exchange: Exchange, reading: Reading, *, is_exempt: bool) -> None:
        inbound = Inbound(exchange, reading, identity_of(exchange, reading), is_exempt=is_exempt)
        self._push(exchange.time_ns, ENTER, exchange, inbound)

    def _leave(self, exchange: Exchange) -> None:
        ended_ns = exchange.end_time_ns or exchange.settled_ns or exchange.time_ns
        self._push(max(ended_ns, exchange.time_ns), LEAVE, exchange, None)

    def _push(self, time_ns: int, what: int, exchange: Exchange, more: "Inbound | Settled | None") -> None:
        self._number += 1
        self._happenings.append((time_ns, what, self._number, exchange, more))

    # --- in order of time ---

    def advance(self, now_ns: int) -> Iterator[Judgement]:
        """Judge what happened until a second ago."""
        until_ns = now_ns - self._wait_ns
        happenings = self._happenings
        if happenings:
            happenings.sort(key=_order)
            due = _first_after(happenings, until_ns)
            if len(happenings) - due > limits.HOPS_WAITING:
                self.evictions["hops-waiting"] += len(happenings) - due - limits.HOPS_WAITING
                due = len(happenings) - limits.HOPS_WAITING
            if due:
                self._happenings = happenings[due:]
                yield from self._go_through(happenings[:due])
        if until_ns - self._swept_ns > SWEEP_NS:
            self._swept_ns = until_ns
            self._register.sweep(until_ns)

    def close(self) -> Iterator[Judgement]:
        """Judge what is left."""
        happenings = sorted(self._happenings, key=_order)
        self._happenings = []
        yield from self._go_through(happenings)

    def _go_through(self, happenings: list[Happening]) -> Iterator[Judgement]:
        for time_ns, what, _, exchange, more in happenings:
            if what == ENTER:
                assert isinstance(more, Inbound)
                self._take_head(exchange, more)
            elif what == LEAVE:
                self._take_end(time_ns, exchange)
            else:
                assert isinstance(more, Settled)
                yield self._take_settled(more)

    def _instance(self, address: str, now_ns: int) -> Instance:
        instance = self._instances.get(address)
        if instance is None:
            instance = self._instances[address] = Instance(now_ns)
        return instance

    def _take_head(self, exchange: Exchange, inbound: Inbound) -> None:
        client, server = exchange.client.address, exchange.server.address
        if server in self._calling:
            instance = self._instance(server, exchange.time_ns)
            if instance.enter(inbound):
                self._inbounds[exchange] = inbound
            else:
                self.evictions["hop-open"] += 1
            if inbound.is_known:
                self._register.add(server, inbound)
        if client in self._called:
            sight = self._instance(client, exchange.time_ns).look(exchange)
            self._sights[exchange] = (inbound.identity, sight)

    def _take_end(self, time_ns: int, exchange: Exchange) -> None:
        inbound = self._inbounds.pop(exchange, None)
        if inbound is None:
            return
        if exchange.complete or exchange.unanswered:
            inbound.end_ns = time_ns
        server = exchange.server.address
        instance = self._instances[server]
        if not inbound.is_known and exchange.unseen is None:
            self._revise(inbound, instance, server)
        instance.leave(inbound, time_ns)

    def _revise(self, inbound: Inbound, instance: Instance, server: str) -> None:
        """Take what became known of a request after it was announced."""
        reading, is_exempt = self._describe(inbound.exchange)
        identity = identity_of(inbound.exchange, reading)
        instance.revise(inbound, Inbound(inbound.exchange, reading, identity, is_exempt=is_exempt))
        self._register.add(server, inbound)

    def _take_settled(self, settled: Settled) -> Judgement:
        judgement = settled.judgement
        exchange = judgement.exchange
        identity, sight = self._sights.pop(exchange, (None, None))
        if exchange.is_announced or identity is None:
            identity = identity_of(exchange, judgement.reading)
        call: Call | None = None
        address = exchange.client.address
        instance = self._instances.get(address)
        if sight is None or instance is None or not instance.has_received:
            judged = Judged(front_door(judgement, identity), None)
        else:
            is_shared = address in self._talks_to_itself or self._place.is_shared(address)
            call = Call(
                judgement, identity, instance, address, judgement.server, sight, is_shared,
                self._place.is_proxy(judgement.client),
            )  # fmt: skip
            judged = judge(call, self._register)
            instance.count_call(sight, judged.cause)
        self._count(judgement, judged, call)
        return judgement._replace(hop=judged.hop)


def _order(happening: Happening) -> tuple[int, int, int]:
    return happening[:3]


def _first_after(happenings: list[Happening], time_ns: int) -> int:
    """Return the row of the first that happened after a time; they are in order."""
    low, high = 0, len(happenings)
    while low < high:
        middle = (low + high) // 2
        if happenings[middle][0] > time_ns:
            high = middle
        else:
            low = middle + 1
    return low
