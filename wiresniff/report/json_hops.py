"""What became of traces, as JSON: of a pair, and of a service."""

from collections import Counter
from collections.abc import Iterable

from wiresniff.model.continuity import by_outcome, continuation_ratio, continuity_of, service_continuity
from wiresniff.model.display import ranked
from wiresniff.model.hops import MIXED, HopTotals, Kind, Outcome
from wiresniff.model.shares import Share, Shares
from wiresniff.model.totals import PairTotals

Object = dict[str, object]


def hops_object(hops: HopTotals, shares: Shares) -> Object:
    """Return every outcome, those that did not occur too, with what they rest on; and bounds of what was lost."""
    outcomes, folded = by_outcome(hops.outcomes), continuity_of(hops.outcomes)
    return {
        **{outcome.value: outcomes[outcome] for outcome in Outcome},
        "confidences": _confidences(hops.outcomes),
        "handed_on": folded.handed_on,
        "lost": folded.lost,
        "new_trace": folded.new_trace,
        "cant_tell": folded.cant_tell,
        "lost_ratio": folded.lost_ratio,
        "continuation_ratio": continuation_ratio([hops]),
        "bounds": {outcome.value: _share(share) for outcome, share in shares.items()},
        "doubts": dict(ranked(hops.doubts)),
        "changes": dict(ranked(hops.changes)),
        "kinds": {"caused": _kinds(hops.caused), "idle": _kinds(hops.idle)},
        "senders": [
            {"user_agent": agent or None, "operation": operation, **_kinds(kinds)}
            for (agent, operation), kinds in sorted(hops.senders.items())
        ],
        "connections": {word: hops.connections[word] for word in (*Kind, MIXED)},
        "failed_discontinued": hops.failed_discontinued,
    }


def service_object(sent: Iterable[PairTotals]) -> Object:
    """Return what a service does with traces, from the pairs that it is the client of."""
    return dict(service_continuity(sent)._asdict())


def _confidences(outcomes: Counter[str]) -> Object:
    """Return counts per outcome and confidence, of what occurred."""
    known: dict[str, dict[str, int]] = {}
    for word, count in ranked(outcomes):
        outcome, _, confidence = word.partition(":")
        known.setdefault(outcome, {})[confidence] = count
    return dict(known)


def _share(share: Share) -> Object:
    """Return requests, as numbers that may lie between two."""
    return dict(share._asdict())


def _kinds(counts: Counter[str]) -> dict[str, int]:
    return {kind.value: counts[kind] for kind in Kind}
