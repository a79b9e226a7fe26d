"""Traffic between services, told as a story, and what is made of each request as a hop.

One line tells of one request::

    traffic = Traffic()
    came = traffic.request("web", "shop", 0, 1, traceparent(1, 1))
    went = traffic.request("shop", "store", 0.2, 0.8, traceparent(1, 2))
    assert traffic.hops()[went] == "propagated, certain, because of 0"

Times are in seconds. What is told goes through an auditor as the pipeline brings it: cut into blocks, heads that are
not answered within theirs first, then what is settled, then the time.
"""

from collections.abc import Iterable
from itertools import count

from wiresniff import tracecontext
from wiresniff.audit import Auditor
from wiresniff.audit.auditor import settled
from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Channel, Exchange, Unseen
from wiresniff.model.hops import Hop
from wiresniff.model.policy import Policy
from wiresniff.model.totals import PairTotals
from wiresniff.protocols.auxiliary import is_auxiliary, is_kept
from wiresniff.services.names import Names

Field = tuple[bytes, bytes]
SECOND = 10**9
START_NS = 1_700_000_000 * SECOND
LONG_SECONDS = 30
"""A request without an end is reported after so long."""


def trace_id(number: int) -> str:
    """Make the trace id of a number, like no other in both halves."""
    return f"{number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128) | 1:032x}"


def parent_id(number: int) -> str:
    """Make the parent-id of a number."""
    return f"{number * 0x9E3779B97F4A7C15 % (1 << 64) | 1:016x}"


def traceparent(trace: int, parent: int, flags: int = 1, version: str = "00") -> Field:
    """Write a traceparent by numbers."""
    return b"traceparent", f"{version}-{trace_id(trace)}-{parent_id(parent)}-{flags:02x}".encode()


class Traffic:
    """Requests between services that are named by what they do; each has an address of its own."""

    def __init__(self, policy: Policy | None = None, *, late_ns: int = 0) -> None:
        self.policy = policy or Policy()
        self.exchanges: list[Exchange] = []
        self._late_ns = late_ns
        self._addresses: dict[str, str] = {}
        self._channels: dict[tuple[str, str, int, int, int], Channel] = {}
        self._ports = count(40_000)
        self.auditor: Auditor | None = None

    def address(self, name: str) -> str:
        """Return the address of a service; what looks like one is one."""
        if "." in name:
            return name
        number = len(self._addresses)
        return self._addresses.setdefault(name, f"10.{number // 65_536}.{number // 256 % 256}.{number % 256}")

    def channel(self, client: str, server: str, connection: int, port: int, point: int) -> Channel:
        """Return a connection between two services, one of several."""
        key = (client, server, connection, port, point)
        if key not in self._channels:
            ends = Endpoint(self.address(client), next(self._ports)), Endpoint(self.address(server), port)
            self._channels[key] = Channel(*ends, point)
        return self._channels[key]

    def request(
        self,
        client: str,
        server: str,
        began: float,
        ended: float | None,
        *fields: Field,
        target: bytes | None = b"/",
        status: int | None = 200,
        connection: int = 0,
        port: int = 8080,
        point: int = 0,
        unseen: Unseen | None = None,
        agent: bytes | None = b"agent/1",
    ) -> int:
        """Tell of a request; returns its number. `ended`: when its response was complete, None where it never was."""
        channel = self.channel(client, server, connection, port, point)
        time_ns = START_NS + round(began * SECOND)
        number = len(self.exchanges)
        kept = [field for field in fields if field[0] in tracecontext.KEPT_FIELDS]
        exchange = Exchange(
            channel, "http/1", "1.1", time_ns, point, number + 1, number, b"GET", target, kept, None, agent
        )
        exchange.auxiliary = tuple(value for name, value in fields if is_auxiliary(name) and is_kept(value))
        exchange.unseen = unseen
        if ended is None:
            exchange.settled_ns = time_ns + LONG_SECONDS * SECOND
        else:
            exchange.status, exchange.complete = status, True
            exchange.response_time_ns = exchange.end_time_ns = START_NS + round(ended * SECOND)
        self.exchanges.append(exchange)
        return number

    def hops(self, block_seconds: float | None = None, *, order: Iterable[int] | None = None) -> dict[int, str]:
        """Judge everything, in blocks of so many seconds or all in one; returns the words of each request."""
        return {number: words(hop, self.exchanges) for number, hop in self.judged(block_seconds, order=order).items()}

    def judged(self, block_seconds: float | None = None, *, order: Iterable[int] | None = None) -> dict[int, Hop]:
        """Judge everything. `order`: in which requests of one block are fed, by number."""
        auditor = self.auditor = Auditor(self.policy, Names(self.policy), tracecontext, late_ns=self._late_ns)
        exchanges = [self.exchanges[number] for number in order] if order is not None else list(self.exchanges)
        for exchange in exchanges:
            exchange.is_announced = exchange.channel.is_met = False
        end_ns = max(map(settled, exchanges), default=START_NS) + 1
        step_ns = end_ns - START_NS + 1 if block_seconds is None else round(block_seconds * SECOND)
        judgements = []
        for now_ns in range(START_NS + step_ns, end_ns + step_ns, step_ns):
            began_ns = now_ns - step_ns
            opened = [each for each in exchanges if began_ns <= each.time_ns < now_ns <= settled(each)]
            done = [each for each in exchanges if began_ns <= settled(each) < now_ns]
            if order is None:
                done.sort(key=settled)
            auditor.meet(opened)
            auditor.meet(done)
            for exchange in opened:
                exchange.is_announced = True
                auditor.open(exchange)
            for exchange in done:
                auditor.feed(exchange)
            judgements += auditor.advance(now_ns)
        judgements += auditor.close()
        numbers = {exchange: number for number, exchange in enumerate(self.exchanges)}
        assert len(judgements) == len(exchanges), "every request is judged once"
        return {numbers[each.exchange]: each.hop for each in judgements if each.hop is not None}

    def pair(self, client: str, server: str) -> PairTotals:
        """Return the totals of a pair, of what was judged last."""
        assert self.auditor is not None
        ends = (self.address(client), self.address(server))
        return next(pair for pair in self.auditor.pairs() if (pair.client, pair.server) == ends)

    @property
    def evictions(self) -> dict[str, int]:
        """What found no room, of what was judged last."""
        assert self.auditor is not None
        return dict(self.auditor.evictions)


def words(hop: Hop, exchanges: list[Exchange]) -> str:
    """Say what was judged in one line."""
    said = [f"{hop.outcome}: {hop.doubt}" if hop.doubt is not None else f"{hop.outcome}, {hop.confidence}"]
    if hop.cause is not None:
        said.append(f"because of {exchanges.index(hop.cause)}")
    return ", ".join((*said, *hop.changes))
