"""Totals of one service pair. Two audits add up to one: every total is a sum or a choice of the earliest."""

from collections import Counter
from dataclasses import dataclass, field

from wiresniff.model.findings import Witness
from wiresniff.model.hops import HopTotals

OTHER = "other"
"""The pair in which further pairs are counted when the table is full; further operations likewise."""
PATH_UNKNOWN = "(path unknown)"
"""What the name of an operation ends with whose path was not seen."""
WITNESSES = 3
"""Witnesses kept per pair and word: a person looks at one, rarely at two."""


def earliest(witnesses: list[Witness], witness: Witness) -> None:
    """Keep the `WITNESSES` that come first in time, capture and packet."""
    if len(witnesses) == WITNESSES:
        if witness.order() >= witnesses[-1].order():
            return
        witnesses.pop()
    witnesses.append(witness)
    witnesses.sort(key=Witness.order)


@dataclass(slots=True)
class PairTotals:
    """What was counted of the requests from one client service to one server service over one protocol."""

    client: str
    server: str
    protocol: str
    external: bool = False
    """One end is outside: findings are informative only."""
    requests: int = 0
    valid: int = 0
    missing: int = 0
    malformed: int = 0
    indeterminate: int = 0
    exempt: int = 0
    sampled: int = 0
    """Of the valid ones."""
    failed: int = 0
    """5xx, non-zero gRPC status, or no response."""
    failed_untraced: int = 0
    """Failed, and judged to be without a usable context."""
    baggage_requests: int = 0
    """Requests with any baggage."""
    baggage_bytes: int = 0
    inferred_verdicts: Counter[str] = field(default_factory=Counter)
    """Of the judged ones, those whose verdict was concluded rather than read, per verdict."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Of `indeterminate` and `exempt`: `indeterminate:gap`, `exempt:health-check`, ..."""
    faults: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    carriers: Counter[str] = field(default_factory=Counter)
    """Other formats present on any request."""
    carriers_instead: Counter[str] = field(default_factory=Counter)
    """Other formats present on requests whose verdict is `missing`."""
    operations: dict[str, Counter[str]] = field(default_factory=dict)
    """Verdicts per `METHOD /path` (first path segments), of gRPC per `/service/method`; bounded by
    `limits.OPERATIONS_PER_PAIR`."""
    witnesses: dict[str, list[Witness]] = field(default_factory=dict)
    """Per verdict (`missing`), fault, warning or finding id: the first few."""
    hops: HopTotals = field(default_factory=HopTotals)
    """What the client made of the traces that it was called with."""
    parsed_bytes: int = 0
    opaque_bytes: Counter[str] = field(default_factory=Counter)
    """Per reason."""

    @property
    def judged(self) -> int:
        """Requests on which the missing ratio rests."""
        return self.valid + self.malformed + self.missing

    @property
    def inferred(self) -> int:
        """Judged requests whose verdict was concluded rather than read."""
        return self.inferred_verdicts.total()

    @property
    def inferred_ratio(self) -> float | None:
        """Return inferred / judged; None when nothing was judged."""
        return self.inferred / self.judged if self.judged else None

    @property
    def missing_ratio(self) -> float | None:
        """Return missing / (valid + malformed + missing); None when nothing was judged."""
        return self.missing / self.judged if self.judged else None

    @property
    def malformed_ratio(self) -> float | None:
        """Return malformed / (valid + malformed + missing); None when nothing was judged."""
        return self.malformed / self.judged if self.judged else None

    @property
    def indeterminate_ratio(self) -> float | None:
        """Return indeterminate / (all but exempt); None when there are none."""
        owed = self.requests - self.exempt
        return self.indeterminate / owed if owed else None

    @property
    def sampled_ratio(self) -> float | None:
        """Return sampled / valid; None when none is valid."""
        return self.sampled / self.valid if self.valid else None

    def witness(self, word: str, witness: Witness) -> None:
        """Offer a witness for `word`."""
        earliest(self.witnesses.setdefault(word, []), witness)

    def add(self, other: "PairTotals") -> None:
        """Add the totals of the same pair from elsewhere."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in COUNTERS:
            getattr(self, name).update(getattr(other, name))
        self.external = self.external or other.external
        self.hops.add(other.hops)
        for operation, verdicts in other.operations.items():
            self.operations.setdefault(operation, Counter()).update(verdicts)
        for word, witnesses in other.witnesses.items():
            for witness in witnesses:
                self.witness(word, witness)


COUNTS = (
    "requests", "valid", "missing", "malformed", "indeterminate", "exempt", "sampled", "failed", "failed_untraced",
    "baggage_requests", "baggage_bytes", "parsed_bytes",
)  # fmt: skip
COUNTERS = ("inferred_verdicts", "reasons", "faults", "warnings", "carriers", "carriers_instead", "opaque_bytes")
