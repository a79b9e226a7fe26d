"""Audit: everything a report is rendered from."""

from dataclasses import dataclass, field

from wiresniff.model.accounting import Accounting
from wiresniff.model.findings import Finding
from wiresniff.model.shares import PairName, Shares
from wiresniff.model.totals import PairTotals


@dataclass(slots=True)
class CaptureSummary:
    """One capture of the command line."""

    name: str
    format: str
    """`pcap`, `pcapng`, with ` (gzip)` and the like; empty when it could not be read."""
    packets: int = 0
    first_time_ns: int | None = None
    last_time_ns: int | None = None
    error: str | None = None
    """Why it could not be read."""
    warning: str | None = None
    """For one: it is cut short in the middle of a packet."""


@dataclass(slots=True)
class Audit:
    """The result of a run: pairs worst first, findings most severe first."""

    captures: list[CaptureSummary] = field(default_factory=list)
    pairs: list[PairTotals] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    accounting: Accounting = field(default_factory=Accounting)
    level: int = 2
    """Trace Context level that was judged by."""
    shares: dict[PairName, Shares] = field(default_factory=dict)
    """Of pairs whose client is called itself: how many calls lost the trace, between and about."""
