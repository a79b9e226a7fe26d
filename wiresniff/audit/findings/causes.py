"""Kinds of cause: what calls without the trace have in common says what to mend. Each word is explained elsewhere."""

from wiresniff.audit.findings.bounds import at_most
from wiresniff.audit.findings.phrases import ends
from wiresniff.audit.findings.senders import (
    Group,
    apart,
    have_connections_of_their_own,
    names_of,
    never_carried,
    routes_of,
    split_of,
)
from wiresniff.model.display import named, percent
from wiresniff.model.hops import Kind
from wiresniff.model.services import ServiceTotals, calls
from wiresniff.model.totals import PairTotals

UNINSTRUMENTED_CLIENT = "uninstrumented-client"
NO_PROPAGATOR = "no-propagator"
LOST_ASYNC_CONTEXT = "lost-async-context"
BACKGROUND_CONTEXT = "background-context"
PROXY_ROUTE = "proxy-route"
EXPORTS_ONLY = "exports-only"
CAUSES = (UNINSTRUMENTED_CLIENT, NO_PROPAGATOR, LOST_ASYNC_CONTEXT, BACKGROUND_CONTEXT, PROXY_ROUTE, EXPORTS_ONLY)
"""Every word that a message names in brackets."""


def cause_of_dropped(pair: PairTotals, service: ServiceTotals) -> str:
    """Say what calls that dropped the trace share, and what that points at."""
    if not service.sends_context:
        return _nothing_sent(pair, service)
    split = split_of(pair.hops, Kind.BARE)
    if not split.carried:
        return (
            f"; {_none_carries(pair)}, while {named(pair.client)} sends it to others: "
            f"a client that is not instrumented ({UNINSTRUMENTED_CLIENT})"
        )
    own = " on their own connections" if have_connections_of_their_own(pair.hops, Kind.BARE) else ""
    agents, operations = apart(split.agents), apart(split.operations)
    if agents:
        lost = [group for group in split.operations if group.lost]
        where = f"{names_of(lost)}, " if len(lost) == 1 else ""
        carriers = names_of(group for group in split.agents if group.carried)
        return (
            f"; all of them {where}sent by {names_of(agents)}{own}: a client that is not instrumented "
            f"({UNINSTRUMENTED_CLIENT}); calls by {carriers} carry one"
        )
    if operations:
        return (
            f"; all of them {names_of(operations)}{own}, which never {_verb(operations, 'carries')} one: "
            f"a client that is not instrumented ({UNINSTRUMENTED_CLIENT})"
        )
    mixed = [group for group in split.operations if group.lost and group.carried]
    return (
        f"; {_at_times(mixed or split.operations, 'without one')}, with one at other times: lost between threads, "
        f"tasks or callbacks ({LOST_ASYNC_CONTEXT})"
    )


def cause_of_restarted(pair: PairTotals) -> str:
    """Say what calls that began a new trace share."""
    split = split_of(pair.hops, Kind.FRESH)
    operations, agents = apart(split.operations), apart(split.agents)
    where = ""
    if operations:
        where = f"; only {names_of(operations)}"
    elif agents:
        where = f"; only calls sent by {names_of(agents)}"
    return f"{where}; new traces begin while requests are served ({BACKGROUND_CONTEXT})"


def cause_of_stripped(pair: PairTotals, lost: Kind) -> str:
    """Say on which routes a proxy removes the trace."""
    split = split_of(pair.hops, lost)
    if not split.carried:
        return f"; {_none_carries(pair)}"
    # Callers without a trace are on all routes: what tells is where it never comes out.
    routes = routes_of(split.operations)
    never = never_carried(split.operations)
    by_route = never_carried(routes)
    if by_route and sum(group.lost for group in by_route) >= sum(group.lost for group in never):
        never = by_route
    if never:
        return f"; it never comes out on {names_of(never)}, and does elsewhere ({PROXY_ROUTE})"
    return f"; {_at_times(routes, 'without one')} ({PROXY_ROUTE})"


def _nothing_sent(pair: PairTotals, service: ServiceTotals) -> str:
    nothing = f"nothing that {named(pair.client)} sends carries one"
    if service.exports_spans:
        return f"; {nothing}, and yet it exports spans: an SDK that never injects ({EXPORTS_ONLY})"
    return f"; {_none_carries(pair)}, and {nothing}: no propagator is set, or no SDK runs ({NO_PROPAGATOR})"


def _none_carries(pair: PairTotals) -> str:
    made = calls(pair.hops)
    return f"none of {made:,} calls to {ends(pair)[1]} carries one (so at most {percent_of(at_most(0, made))} ever do)"


def percent_of(share: float) -> str:
    """Return a share as a person says it: whole from 1 % on, `<1 %` below; 0 and 100 are never rounded to."""
    if 0 < share < SMALL:
        return percent(max(round(share * 1000), 1), 1000)
    return f"{min(max(round(100 * share), 1 if share > 0 else 0), 99 if share < 1 else 100)} %"


SMALL = 0.01


def _at_times(groups: list[Group], how: str) -> str:
    worst = groups[0]
    total = worst.lost + worst.carried
    return f"`{named(worst.name)}` goes out {how} on {worst.lost:,} of {total:,}"


def _verb(groups: list[Group], verb: str) -> str:
    return verb if len(groups) == 1 else verb.removesuffix("ies") + "y"
