"""Snapshot: everything that one scrape shows. Nobody changes it, so it is read without a lock."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wiresniff.metrics.series import Earlier, HopSeries, PairSeries, empty_pair, label
from wiresniff.model.accounting import Accounting
from wiresniff.model.audit import Audit
from wiresniff.model.capture_state import InterfaceState
from wiresniff.model.growth import Reporter, numbers_of

COUNTS = ("gap_bytes", "internal_errors")
"""Of `Accounting.counts`, those that are metrics."""


NO_TIME = Earlier(0, {})


@dataclass(frozen=True, slots=True)
class Live:
    """What only live capture has."""

    interfaces: tuple[InterfaceState, ...]
    policy_is_good: bool
    """The last time that it was read."""
    policy_time: float
    """When one was put in force, in seconds since 1970."""
    time: float
    """When this snapshot was taken, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Counters, at one moment between two blocks."""

    pairs: tuple[PairSeries, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    """Per word of `COUNTS`."""
    anomalies: Mapping[str, int] = field(default_factory=dict)
    evictions: Mapping[str, int] = field(default_factory=dict)
    connections: int = 0
    """Followed now."""
    seen: Accounting = field(default_factory=Accounting)
    """For the page: as the report counts."""
    live: Live | None = None
    earlier: Earlier = NO_TIME
    """For the page: what is new is the difference."""
    hops: tuple[HopSeries, ...] = ()


def snapshot_of(audit: Audit) -> Snapshot:
    """Return the snapshot of capture files: pairs as the report names them, nothing about an interface.

    A capture file doesn't say which end of a connection it was taken at.
    """
    pairs: dict[tuple[str, str], PairSeries] = {}
    for totals in audit.pairs:
        ends = label(totals.client), label(totals.server)
        before = pairs.get(ends) or empty_pair(*ends, Reporter.CAPTURE)
        pairs[ends] = before.grown(totals.protocol, numbers_of(totals))
    seen = audit.accounting
    counts = {word: seen.counts[word] for word in COUNTS}
    return Snapshot(
        tuple(pairs.values()), counts, seen.anomalies, seen.evictions, seen.counts["connections"], seen,
        hops=tuple(HopSeries(*ends, pair.numbers.hops) for ends, pair in pairs.items() if pair.verdicts),
    )  # fmt: skip
