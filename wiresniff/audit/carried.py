"""Counts, for its pair, what a request carries, and keeps witnesses of what is wrong with it."""

from collections import Counter

from wiresniff.audit.operations import Operations
from wiresniff.audit.routes import Route
from wiresniff.audit.witnesses import Witnesses
from wiresniff.model import limits
from wiresniff.model.context import Reading
from wiresniff.model.exchanges import Exchange
from wiresniff.model.totals import OTHER, PairTotals
from wiresniff.model.verdicts import Verdict

FAILED_STATUS = 500
PATHS_REMEMBERED = 256
"""Paths remembered per route; then all are forgotten and learned anew."""


class Carried:
    """Counts what requests carry. `evictions` takes what found no room."""

    def __init__(self, operations: Operations, witnesses: Witnesses, evictions: Counter[str]) -> None:
        self.operations = operations
        self.witnesses = witnesses
        self._evictions = evictions

    def count_judged(self, route: Route, exchange: Exchange, reading: Reading, verdict: Verdict) -> None:
        """Count a request that was judged by what it carries."""
        totals = route.totals
        operation = self.operations.of(exchange)
        verdicts = self.verdicts(totals, operation)
        verdicts[verdict] += 1
        if exchange.target is not None and not exchange.preflight:
            if len(route.owed) >= PATHS_REMEMBERED:
                route.owed.clear()
            route.owed[exchange.method, exchange.target.partition(b"?")[0]] = verdicts
        context = reading.context
        if context is not None:
            totals.valid += 1
            if context.sampled:
                totals.sampled += 1
        elif verdict is Verdict.MISSING:
            totals.missing += 1
            self.witnesses.offer(totals, Verdict.MISSING, exchange, reading)
        else:
            totals.malformed += 1
            self.witnesses.offer(totals, Verdict.MALFORMED, exchange, reading)
        if reading.carriers:
            for carrier in reading.carriers:
                totals.carriers[carrier.format] += 1
                if verdict is Verdict.MISSING:
                    totals.carriers_instead[carrier.format] += 1
                    self.witnesses.offer(totals, "foreign-format-only", exchange, reading)
        for fault in reading.faults:
            totals.faults[fault] += 1
            self.witnesses.offer(totals, fault, exchange, reading)
        for warning in reading.warnings:
            totals.warnings[warning] += 1
            self.witnesses.offer(totals, warning, exchange, reading)
        if reading.baggage_bytes:
            totals.baggage_requests += 1
            totals.baggage_bytes += reading.baggage_bytes
            self.witnesses.offer(totals, "baggage", exchange, reading)

    def count_failure(self, totals: PairTotals, exchange: Exchange, reading: Reading, verdict: Verdict) -> None:
        """Count a request if it failed."""
        status = exchange.status
        if (status is not None and status >= FAILED_STATUS) or exchange.grpc_status or exchange.unanswered:
            totals.failed += 1
            if verdict in (Verdict.MISSING, Verdict.MALFORMED):
                totals.failed_untraced += 1
                self.witnesses.offer(totals, "failure-untraced", exchange, reading)

    def verdicts(self, totals: PairTotals, operation: str) -> Counter[str]:
        """Return the verdicts of an operation, to be counted in."""
        verdicts = totals.operations.get(operation)
        if verdicts is not None:
            return verdicts
        if len(totals.operations) >= limits.OPERATIONS_PER_PAIR:
            self._evictions["operations"] += 1
            return totals.operations.setdefault(OTHER, Counter())
        return totals.operations.setdefault(operation, Counter())
