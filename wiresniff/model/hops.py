"""Hop: what became of the trace at a service, judged at a request that leaves it (CONTRACT "Hops")."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from wiresniff.model.confidence import Confidence
from wiresniff.model.exchanges import Exchange


class Outcome(StrEnum):
    """What a service made of the context that it was called with."""

    PROPAGATED = "propagated"
    """Same trace id, new parent-id."""
    PASSTHROUGH = "passthrough"
    """Same trace id, same parent-id."""
    RESTARTED = "restarted"
    """Its cause had a usable context; this has one of another trace."""
    DROPPED = "dropped"
    """Its cause had a usable context; this has none."""
    ORIGINATED = "originated"
    """Its cause had no usable context; this has one."""
    BARE = "bare"
    """No usable context, and none to hand on: its cause had none either, or nothing caused it."""
    ROOT = "root"
    """A context of its own, and nothing caused it: a timer, start-up, a front door."""
    EXEMPT = "exempt"
    UNDETERMINED = "undetermined"


class Change(StrEnum):
    """What a service did to a context that it handed on (spec rules F and M), beside what it may do."""

    ILLEGAL_MUTATION = "illegal-mutation"
    """Version raised, or flags changed that nobody may change."""
    SAMPLED_WITHOUT_NEW_PARENT = "sampled-changed-without-new-parent"
    SAMPLED_FLAG_FLIP = "sampled-flag-flip"
    """With a new parent-id: allowed, but spans of one trace are then kept here and not there."""
    RANDOM_FLAG_FLIP = "random-flag-flip"
    TRACESTATE_DROPPED = "tracestate-dropped"
    """Received, and not sent on; or foreign members gone."""
    TRACESTATE_CUT = "tracestate-cut"
    """A member was cut in its middle."""
    TRACESTATE_REORDERED = "tracestate-reordered"
    TRACESTATE_ALTERED = "tracestate-altered"
    """Changed though the traceparent was not, or a foreign value changed."""
    RESTART_KEPT_TRACESTATE = "restart-kept-tracestate"
    BAGGAGE_DROPPED = "baggage-dropped"
    BAGGAGE_CUT = "baggage-cut"


class Doubt(StrEnum):
    """Why nothing can be said of a hop."""

    BUSY = "busy"
    """Several requests were open at the service, any of which may be the cause: judged as a share of the pair."""
    AMBIGUOUS_ADDRESS = "instance-ambiguous"
    """Several services share the address that it came from."""
    NOT_SEEN = "not-seen"
    """A head was not wholly seen: this one, or one that may be the cause."""
    CAUSE_UNKNOWN = "cause-unknown"
    """Nothing is open that may be the cause, and nothing shows that there is none."""


class Hop(NamedTuple):
    """The judgement of one request as one that leaves its client."""

    outcome: Outcome
    confidence: Confidence
    cause: Exchange | None = None
    """The request that caused it, where identifiers prove it (`certain`) or nothing else was open."""
    changes: tuple[Change, ...] = ()
    doubt: Doubt | None = None
    """Exactly when the outcome is `undetermined`."""


class Kind(StrEnum):
    """What a request carries, seen from the service that it leaves: all that is known of it without its cause."""

    KEPT = "kept"
    """The trace of something that came in."""
    BARE = "bare"
    """No context of any format."""
    FRESH = "fresh"
    """A context of a trace that did not come in."""


MIXED = "mixed"
"""Of connections: they carried requests of more than one kind."""
Sender: TypeAlias = tuple[str, str]
"""User agent (empty where there is none) and operation."""


@dataclass(slots=True)
class Around:
    """What was open at a service when requests of one kind left it, as far as no identifier decided about them."""

    calls: int = 0
    requests: int = 0
    """Open, summed over the calls,"""
    usable: int = 0
    """and what of it had a context to hand on."""
    all_usable: int = 0
    """Calls while everything that was open had one,"""
    none_usable: int = 0
    """and while nothing had."""

    def add(self, other: "Around") -> None:
        """Add what was counted elsewhere."""
        for name in ("calls", "requests", "usable", "all_usable", "none_usable"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class HopTotals:
    """What was counted of the hops from one client service to one server service. Sums, like those of a pair."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """Per `outcome:confidence`."""
    doubts: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    caused: Counter[str] = field(default_factory=Counter)
    """Per kind: requests that left while something was open, or that continue something."""
    idle: Counter[str] = field(default_factory=Counter)
    """Per kind: requests that left while nothing was open."""
    idle_ns: int = 0
    watched_ns: int = 0
    """How long nothing was open at the client, and how long it was watched."""
    open_requests: int = 0
    """What was open when requests left, summed,"""
    open_usable: int = 0
    """and what of it had a context to hand on."""
    senders: dict[Sender, Counter[str]] = field(default_factory=dict)
    """Kinds, per user agent and operation; bounded by `limits.HOP_SENDERS`."""
    connections: Counter[str] = field(default_factory=Counter)
    """Connections per kind of what they carried, `mixed` for several."""
    fresh_sampled: int = 0
    """Traces begun, with the sampled flag."""
    failed_discontinued: int = 0
    """Failed requests that do not carry the trace of their cause,"""
    failed_restarted: int = 0
    """and what of them carries another."""
    settled: Counter[str] = field(default_factory=Counter)
    """Of the requests in `caused` and `idle`: how many have each outcome, per `outcome:confidence`."""
    quiet: Counter[str] = field(default_factory=Counter)
    """Per kind: requests that left after nothing had been open for long. They are in `idle` as well."""
    around: dict[str, Around] = field(default_factory=dict)
    """Per kind. Of kept ones: those whose cause was open."""
    proxied: int = 0
    """Requests that left a proxy, learned or configured."""
    first_ns: int = 0
    last_ns: int = 0
    """When the first and the last request left; 0 where none did."""

    def add(self, other: "HopTotals") -> None:
        """Add the totals of the same pair from elsewhere."""
        for name in ("outcomes", "doubts", "changes", "caused", "idle", "connections", "settled", "quiet"):
            getattr(self, name).update(getattr(other, name))
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for kind, around in other.around.items():
            self.around.setdefault(kind, Around()).add(around)
        self.first_ns = min(self.first_ns or other.first_ns, other.first_ns or self.first_ns)
        self.last_ns = max(self.last_ns, other.last_ns)
        for sender, kinds in other.senders.items():
            self.senders.setdefault(sender, Counter()).update(kinds)

    def count(self, *outcomes: Outcome, least: Confidence = Confidence.POSSIBLE) -> int:
        """Return how many requests had one of these outcomes, with this confidence at least."""
        return _count(self.outcomes, outcomes, least)

    def count_settled(self, *outcomes: Outcome, least: Confidence = Confidence.POSSIBLE) -> int:
        """Return the same of requests in `caused` and `idle` only."""
        return _count(self.settled, outcomes, least)


def _count(counts: Counter[str], outcomes: tuple[Outcome, ...], least: Confidence) -> int:
    words = [word for word in CONFIDENCES if CONFIDENCES[word] >= CONFIDENCES[least]]
    return sum(counts[f"{outcome}:{word}"] for outcome in outcomes for word in words)


SUMS = (
    "idle_ns", "watched_ns", "open_requests", "open_usable", "fresh_sampled", "failed_discontinued",
    "failed_restarted", "proxied",
)  # fmt: skip
CONFIDENCES = {
    Confidence.UNDETERMINED: 0,
    Confidence.POSSIBLE: 1,
    Confidence.LIKELY: 2,
    Confidence.CERTAIN: 3,
}
"""Words of confidence of a hop, the least first."""
