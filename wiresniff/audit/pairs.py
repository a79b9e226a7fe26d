"""Pairs: who asks whom over what, as far as addresses tell; by name at the end, when all names are learned.

What is counted is kept by what never changes: addresses, what the policy says, what was asked for. So totals are the
same in whatever order requests come, and however much of the traffic had taught when they came.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol, TypeAlias

from wiresniff.model import limits
from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Traffic
from wiresniff.model.growth import Growth, Numbers, Reporter, numbers_of
from wiresniff.model.totals import OTHER, PairTotals

HTTP_1 = "http/1"
SPOKEN = {
    HTTP_1: (HTTP_1, "http/2", "grpc"),
    "http/2": ("http/2", "grpc", "http/1"),
    "grpc": ("grpc", "http/2", "http/1"),
}
"""Which pair of two services the bytes of a connection are counted for: the first of these protocols that it has."""
RAW_PAIRS = 8 * limits.PAIRS
"""Pairs by address, before names join them: an autoscaled client has many addresses and one name."""
IDLE_NS = limits.PAIR_SECONDS * 10**9


class Naming(Protocol):
    """What the auditor asks about names (`wiresniff.services.Names`)."""

    version: int
    """Changes whenever an answer may have changed."""

    def server(self, endpoint: Endpoint, authority: bytes | None, client_is_external: bool) -> str:
        """Name a server."""

    def asked(self, endpoint: Endpoint, authority: bytes | None, client_is_external: bool) -> str:
        """Name a server by what never changes; empty where nothing does."""

    def glimpse(self, endpoint: Endpoint, authority: bytes | None, client_is_external: bool) -> str:
        """Name a server, and learn nothing."""

    def client(self, endpoint: Endpoint) -> str:
        """Name a client."""

    def is_external(self, endpoint: Endpoint) -> bool:
        """Tell whether an endpoint is outside."""

    def is_one_place(self, address: str) -> bool:
        """Tell whether all ports of an address are outside, or none is."""

    def is_shared(self, address: str) -> bool:
        """Tell whether several services use an address."""

    def is_proxy(self, name: str) -> bool:
        """Tell whether the policy says that a service is a proxy."""


_Key: TypeAlias = tuple[str, str | Endpoint, str, Reporter]
"""Client, server, protocol, which of them is local."""


class _Told:
    """How much of a pair's totals `Pairs.growth` handed over, and when there was last something."""

    __slots__ = ("_bytes", "_hops", "_numbers", "_requests", "changed_ns")

    def __init__(self) -> None:
        self._numbers = Numbers()
        self._requests = self._bytes = self._hops = self.changed_ns = 0

    def news(self, totals: PairTotals, now_ns: int) -> Numbers | None:
        """Return what is new; None where nothing is. Whatever is counted comes with a request, with bytes or a hop."""
        seen_bytes, hops = totals.parsed_bytes + sum(totals.opaque_bytes.values()), totals.hops.outcomes.total()
        if totals.requests == self._requests and seen_bytes == self._bytes and hops == self._hops:
            return None
        self._requests, self._bytes, self._hops, self.changed_ns = totals.requests, seen_bytes, hops, now_ns
        before, self._numbers = self._numbers, numbers_of(totals)
        return self._numbers.minus(before)


class _Pair(NamedTuple):
    """Totals of one pair as it is known by address, and how to ask for its names at the end."""

    totals: PairTotals
    client: Endpoint
    server: Endpoint
    authority: bytes | None
    client_is_external: bool
    is_other: bool
    """It is what remains of pairs for which there was no room."""
    reporter: Reporter
    told: _Told


class PairRecord(NamedTuple):
    """Totals of one pair as it is known by address: plain data, so that a worker can send it."""

    key: _Key | None
    """None: the pair has rested, and `totals` has the names that it got then."""
    totals: PairTotals
    client: Endpoint | None = None
    server: Endpoint | None = None
    authority: bytes | None = None
    client_is_external: bool = False
    is_other: bool = False


class Pairs:
    """The totals of all pairs."""

    def __init__(self, names: Naming, reporter: Callable[[Endpoint, Endpoint], Reporter] | None = None) -> None:
        self._names = names
        self._reporter = reporter or (lambda _client, _server: Reporter.CAPTURE)
        self._pairs: dict[_Key, _Pair] = {}
        self._rested: dict[tuple[str, str, str], PairTotals] = {}
        """By name: pairs that were idle for so long that they left the table."""
        self.evictions: Counter[str] = Counter()

    def totals(self, client: Endpoint, server: Endpoint, authority: bytes | None, protocol: str) -> PairTotals:
        """Return the totals of the pair that a request or a connection belongs to, to be counted in."""
        names = self._names
        client_is_external = names.is_external(client)
        # All that is outside is one client; an address that is outside by some of its ports may be called otherwise.
        is_one = client_is_external and names.is_one_place(client.address)
        who = names.client(client) if is_one else client.address
        key: _Key = (
            who,
            names.asked(server, authority, client_is_external) or server,
            protocol,
            self._reporter(client, server),
        )
        is_other = key not in self._pairs and len(self._pairs) >= RAW_PAIRS
        if is_other:
            self.evictions["pairs"] += 1
            key = (OTHER, OTHER, protocol, key[3])
        pair = self._pairs.get(key)
        if pair is None:
            totals = PairTotals(OTHER, OTHER, protocol)
            pair = _Pair(totals, client, server, authority, client_is_external, is_other, key[3], _Told())
            self._pairs[key] = pair
        if client_is_external or names.is_external(server):
            pair.totals.external = True
        return pair.totals

    def count_traffic(self, traffic: Traffic) -> None:
        """Count the bytes of a pair, read and not read."""
        authority = traffic.name.encode("latin-1", "replace") if traffic.name else None
        protocol = traffic.protocol or traffic.reason or HTTP_1
        totals = self.totals(traffic.client, traffic.server, authority, protocol)
        totals.parsed_bytes += traffic.parsed_bytes
        if traffic.reason is not None:
            totals.opaque_bytes[traffic.reason] += traffic.opaque_bytes

    def named(self) -> list[PairTotals]:
        """Return the totals of every pair, by the names that are known now."""
        named: dict[tuple[str, str, str], PairTotals] = {}
        for key, totals in sorted(self._with_names(), key=lambda named: not named[1].requests):
            self._add(named, key if totals.requests else _with_requests(named, key), totals)
        return list(named.values())

    def _add(
        self, named: dict[tuple[str, str, str], PairTotals], key: tuple[str, str, str], totals: PairTotals
    ) -> None:
        if key not in named and len(named) >= limits.PAIRS:
            self.evictions["pairs"] += 1
            key = (OTHER, OTHER, totals.protocol)
        named.setdefault(key, PairTotals(*key)).add(totals)

    def _with_names(self) -> Iterator[tuple[tuple[str, str, str], PairTotals]]:
        for pair in self._pairs.values():
            yield (*self._ends(pair), pair.totals.protocol), pair.totals
        yield from self._rested.items()

    def _ends(self, pair: _Pair) -> tuple[str, str]:
        """Return the names of client and server that are known now."""
        if pair.is_other:
            return OTHER, OTHER
        server = self._names.server(pair.server, pair.authority, pair.client_is_external)
        return self._names.client(pair.client), server

    def records(self) -> list[PairRecord]:
        """Return all pairs, for another table to add."""
        records = [
            PairRecord(
                key, pair.totals, pair.client, pair.server, pair.authority, pair.client_is_external, pair.is_other
            )
            for key, pair in self._pairs.items()
        ]
        return records + [PairRecord(None, totals) for totals in self._rested.values()]

    def absorb(self, records: Iterable[PairRecord]) -> None:
        """Add the pairs of another table."""
        for record in records:
            totals = record.totals
            if record.key is None or record.client is None or record.server is None:
                self._add(self._rested, (totals.client, totals.server, totals.protocol), totals)
                continue
            pair = self._pairs.get(record.key)
            if pair is None:
                self._pairs[record.key] = _Pair(
                    totals, record.client, record.server, record.authority, record.client_is_external,
                    record.is_other, record.key[3], _Told(),
                )  # fmt: skip
            else:
                pair.totals.add(totals)

    def growth(self, now_ns: int) -> list[Growth]:
        """Return what every pair grew by since the last call, by the names that are known now."""
        grown = []
        for pair in self._pairs.values():
            news = pair.told.news(pair.totals, now_ns)
            if news is not None:
                totals = pair.totals
                grown.append(Growth(*self._ends(pair), totals.protocol, pair.reporter, totals.external, news))
        return grown

    def rest(self, now_ns: int) -> bool:
        """Put pairs that have not grown for `limits.PAIR_SECONDS` under the names they have; tell whether any was.

        Totals that `totals` returned before are then no longer those to count in.
        """
        idle = [key for key, pair in self._pairs.items() if now_ns - pair.told.changed_ns >= IDLE_NS]
        for key in idle:
            pair = self._pairs.pop(key)
            self._add(self._rested, (*self._ends(pair), pair.totals.protocol), pair.totals)
        return bool(idle)


def _with_requests(named: dict[tuple[str, str, str], PairTotals], key: tuple[str, str, str]) -> tuple[str, str, str]:
    """Return the pair for whose requests the bytes of a connection are counted; itself where there is none."""
    client, server, protocol = key
    for word in SPOKEN.get(protocol, SPOKEN[HTTP_1]):
        other = named.get((client, server, word))
        if other is not None and other.requests:
            return client, server, word
    return key
