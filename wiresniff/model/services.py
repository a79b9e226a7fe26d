"""Totals of one service: what calls it and what it calls, over all pairs that it is an end of."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from wiresniff.model.hops import HopTotals, Kind, Outcome
from wiresniff.model.totals import OTHER, PairTotals

TELEMETRY_EXPORT = "exempt:telemetry-export"
"""The reason under which a pair counts spans on their way to a collector."""
LEARNING_CALLS = 20
"""Calls before which no service is taken for a proxy: they are not counted as those of one."""


@dataclass(slots=True)
class ServiceTotals:
    """What one service received and sent."""

    name: str
    inbound: list[PairTotals] = field(default_factory=list)
    outbound: list[PairTotals] = field(default_factory=list)

    @property
    def hops(self) -> list[HopTotals]:
        """The hops at this service, per pair that it is the client of."""
        return [pair.hops for pair in self.outbound]

    @property
    def sends_context(self) -> bool:
        """Some request that it sends carries a context, one that came in or one that it made."""
        return any(carried(hops) for hops in self.hops)

    @property
    def makes_spans(self) -> bool:
        """Some request that it sends carries a trace that came in, with a parent-id of its own: that is known of ids.

        Whatever forwards headers as they are sends no parent-id of its own.
        """
        return any(hops.count(Outcome.PROPAGATED) for hops in self.hops)

    @property
    def exports_spans(self) -> bool:
        """It sends telemetry to a collector."""
        return any(pair.reasons[TELEMETRY_EXPORT] for pair in self.outbound)

    @property
    def is_called_with_context(self) -> bool:
        """Some request that comes in carries a context, as far as anything comes in."""
        return any(pair.valid or pair.carriers_instead for pair in self.inbound)


def calls(hops: HopTotals) -> int:
    """Return how many requests left a service that is called itself, were seen whole and owe a trace."""
    return hops.caused.total() + hops.idle.total()


def carried(hops: HopTotals) -> int:
    """Return how many of them carry a context, whichever."""
    return sum(counts[kind] for counts in (hops.caused, hops.idle) for kind in (Kind.KEPT, Kind.FRESH))


def is_proxy(hops: HopTotals) -> bool:
    """Tell whether the service was found, or configured, to hand on what it is asked."""
    return hops.proxied > 0 and 2 * hops.proxied >= calls(hops) - LEARNING_CALLS


def by_service(pairs: Iterable[PairTotals]) -> dict[str, ServiceTotals]:
    """Gather pairs by the services at their ends. What found no room in the table of pairs is no service."""
    services: dict[str, ServiceTotals] = {}
    for pair in pairs:
        if pair.client == OTHER:
            continue
        services.setdefault(pair.client, ServiceTotals(pair.client)).outbound.append(pair)
        services.setdefault(pair.server, ServiceTotals(pair.server)).inbound.append(pair)
    return services
