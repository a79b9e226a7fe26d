"""Routes: what is the same for all requests of one connection to one authority, looked up once and remembered."""

from collections import Counter
from typing import NamedTuple, TypeAlias

from wiresniff.audit.hops import Hops
from wiresniff.audit.pairs import Naming, Pairs
from wiresniff.model import limits
from wiresniff.model.exchanges import Channel, Exchange
from wiresniff.model.totals import PairTotals

HTTP_2 = "2"

Key: TypeAlias = tuple[Channel, str, bytes | None, bytes | None]
"""Connection, protocol (one HTTP/2 connection may carry gRPC and other requests), authority, user agent."""


class Route(NamedTuple):
    """What is the same for all requests of one connection and protocol to one authority by one user agent."""

    names_version: int
    hops_version: int
    client: str
    server: str
    totals: PairTotals
    owed: dict[tuple[bytes | None, bytes], Counter[str]]
    """Verdicts by method and path, for those that no exemption matches."""
    takes_part: bool
    """Each request may be the cause or the consequence of others."""


def named_authority(exchange: Exchange) -> bytes | None:
    """Return what was asked for. What may be text of a body teaches no name; a frame of HTTP/2 can't be."""
    return exchange.authority if exchange.unseen is None or exchange.version == HTTP_2 else None


class Routes:
    """Remembers routes, as long as nothing is learned of their ends."""

    def __init__(self, names: Naming, pairs: Pairs, hops: Hops) -> None:
        self._names = names
        self._pairs = pairs
        self._hops = hops
        self._known: dict[Key, Route] = {}
        self.evictions: Counter[str] = Counter()

    def known(self, key: Key) -> Route | None:
        """Return the route of exchanges that are alike, unless what is known of their ends has changed since."""
        route = self._known.get(key)
        if route is None or route.names_version != self._names.version or route.hops_version != self._hops.version:
            return None
        return route

    def of(self, exchange: Exchange) -> Route:
        """Name both ends of an exchange and find their totals."""
        authority = named_authority(exchange)
        key = (exchange.channel, exchange.protocol, authority, exchange.user_agent)
        route = self.known(key)
        if route is not None:
            return route
        names = self._names
        server = names.server(exchange.server, authority, names.is_external(exchange.client))
        client = names.client(exchange.client)
        totals = self._pairs.totals(exchange.client, exchange.server, authority, exchange.protocol)
        if len(self._known) >= limits.NAMES:
            self.evictions["route-cache"] += len(self._known)
            self._known.clear()
        takes_part = self._hops.takes_part(exchange.channel)
        route = Route(names.version, self._hops.version, client, server, totals, {}, takes_part)
        self._known[key] = route
        return route

    def forget(self) -> None:
        """Look everything up anew: totals or names are others from now on."""
        self._known.clear()
