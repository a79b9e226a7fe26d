"""Which calls of a pair lost the trace, and which did not: what they share names the kind of cause."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from wiresniff.audit.findings.phrases import listing
from wiresniff.model.hops import MIXED, HopTotals, Kind
from wiresniff.model.totals import OTHER

ROUTES = 3
"""So many operations are named one by one; more are named by the first segment of their paths, where that tells."""

CALLS_OF_KEPT = 2
"""Calls a connection, on average, from which on connections are kept and used again."""


class Group(NamedTuple):
    """Calls that have a user agent, an operation or a route in common."""

    name: str
    lost: int
    carried: int


class Split(NamedTuple):
    """The calls of a pair, in groups of one user agent, and in groups of one operation."""

    agents: list[Group]
    operations: list[Group]

    @property
    def lost(self) -> int:
        """Calls without the trace."""
        return sum(group.lost for group in self.agents)

    @property
    def carried(self) -> int:
        """Calls with one."""
        return sum(group.carried for group in self.agents)


def split_of(hops: HopTotals, lost: Kind) -> Split:
    """Group the calls of a pair. To calls that went on with another trace, only those with the right one are others."""
    agents: dict[str, Counter[str]] = {}
    operations: dict[str, Counter[str]] = {}
    for (agent, operation), kinds in hops.senders.items():
        agents.setdefault(agent, Counter()).update(kinds)
        operations.setdefault(operation, Counter()).update(kinds)
    return Split(_groups(agents, lost), _groups(operations, lost))


def _groups(kinds_by_name: dict[str, Counter[str]], lost: Kind) -> list[Group]:
    carried = (Kind.KEPT, Kind.FRESH) if lost is Kind.BARE else (Kind.KEPT,)
    groups = [
        Group(name, kinds[lost], sum(kinds[kind] for kind in carried)) for name, kinds in kinds_by_name.items()
    ]  # fmt: skip
    return sorted(groups, key=lambda group: (-group.lost, group.name))


def apart(groups: list[Group]) -> list[Group]:
    """Return the groups that lost the trace, if none of them ever carries it and others do; else nothing."""
    lost = [group for group in groups if group.lost]
    # What is in no group of its own may be of any.
    if any(group.carried or group.name in ("", OTHER) for group in lost):
        return []
    return lost if any(group.carried for group in groups) else []


def never_carried(groups: list[Group]) -> list[Group]:
    """Return the groups that never carry the trace, the others may or may not."""
    return [group for group in groups if group.lost and not group.carried and group.name not in ("", OTHER)]


def routes_of(operations: list[Group]) -> list[Group]:
    """Gather operations, `GET /old/a`, by the first segment of their paths, `/old`: how proxies tell routes apart."""
    routes: dict[str, tuple[int, int]] = {}
    for name, lost, carried in operations:
        path = name.partition(" ")[2] or name
        segments = path.split("/")
        route = f"/{segments[1]}" if len(segments) > 1 else name
        before_lost, before_carried = routes.get(route, (0, 0))
        routes[route] = (before_lost + lost, before_carried + carried)
    groups = [Group(name, *counts) for name, counts in routes.items()]
    return sorted(groups, key=lambda group: (-group.lost, group.name))


def names_of(groups: Iterable[Group]) -> str:
    """List the names of groups."""
    return listing(group.name for group in groups)


def have_connections_of_their_own(hops: HopTotals, lost: Kind) -> bool:
    """Tell whether calls without the trace never share a connection with others, although connections are kept."""
    connections = hops.connections
    made = sum(kinds.total() for kinds in hops.senders.values())
    # Where each call has a connection of its own, that tells them apart from nothing.
    if made < CALLS_OF_KEPT * connections.total():
        return False
    others = sum(count for kind, count in connections.items() if kind not in (lost, MIXED))
    return bool(connections[lost]) and not connections[MIXED] and bool(others)
