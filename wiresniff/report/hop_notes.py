"""What is said about a pair of services in the table of what became of the trace, and below that table."""

from collections.abc import Iterable, Sequence

from wiresniff.model.audit import Audit
from wiresniff.model.continuity import Continuity, continuity_of, is_busy
from wiresniff.model.display import named, percent, quantity, ranked, visible
from wiresniff.model.hops import CONFIDENCES, HopTotals, Kind, Outcome
from wiresniff.model.services import calls
from wiresniff.model.shares import Share, Shares
from wiresniff.model.totals import PairTotals

TITLE = "What each service does with the trace that it gets"
NAMES_SHOWN = 3
LEGEND = (
    "lost share = lost / those that had a trace to hand on (handed on, lost, or cut off by a new one). Requests that "
    "had none to hand on and carry none, and exempt ones, are in no column."
)
BUSY = (
    "busy: so many requests were open at the service that any may be the cause, so a share of all its calls (~) is "
    "told instead of a verdict per request; `wiresniff explain busy`"
)


DOUBT = (
    "lost share with two ends, like 0-60 %: so many can't be told that of all the calls it is known to lie between "
    "them only; `wiresniff explain undetermined`"
)
SHARED = {Outcome.DROPPED: "lost", Outcome.RESTARTED: "begun anew"}


def folded(pair: PairTotals) -> Continuity:
    """Return what became of the trace on the requests of a pair."""
    return continuity_of(pair.hops.outcomes)


def judged_worst_first(pairs: Iterable[PairTotals]) -> list[PairTotals]:
    """Return the pairs whose client is called itself: those that lose most first, and what is outside last."""
    return sorted((pair for pair in pairs if calls(pair.hops)), key=_order)


def _order(pair: PairTotals) -> tuple[bool, int, int, int, int, str, str, str]:
    """Order by what is lost for certain or likely, or begun anew; then by what may be, and by what can't be told."""
    hops = folded(pair)
    return (
        pair.external, -hops.surely_lost - hops.restarted, -hops.lost, -hops.cant_tell, -hops.handed_on,
        pair.client, pair.server, pair.protocol,
    )  # fmt: skip


def share_of(pair: PairTotals, audit: Audit) -> Share | None:
    """Return about how many of its calls a busy pair loses; None where single requests were judged."""
    return _shares(pair, audit).get(Outcome.DROPPED) if is_busy(pair.hops) else None


def lost_ends(pair: PairTotals, audit: Audit) -> tuple[int, int] | None:
    """Return between which percentages of its calls a pair's loss lies; None where one number says it.

    What was not seen may all be lost.
    """
    numbers, share = folded(pair), _shares(pair, audit).get(Outcome.DROPPED)
    if share is None or numbers.is_told:
        return None
    if round(share.about) if is_busy(pair.hops) else not numbers.owed:
        return None
    unseen = pair.indeterminate
    least, most = _percents(share._replace(calls=share.calls + unseen, most=share.most + unseen))
    return (least, most) if least < most else None


def is_good(pair: PairTotals) -> bool:
    """Tell whether the trace is handed on as far as is known, and that is known of nearly all."""
    numbers = folded(pair)
    return numbers.is_told and numbers.handed_on > 0 and not (numbers.lost or numbers.restarted)


def lost_share(pair: PairTotals, audit: Audit) -> str:
    """Return the share of what had a trace to hand on that lost it: exactly, about (`~`), or between two ends."""
    ends, share, numbers = lost_ends(pair, audit), share_of(pair, audit), folded(pair)
    if ends is not None:
        return f"{ends[0]}-{ends[1]} %"
    if share is not None:
        return f"~{percent(round(share.about), share.calls)}"
    return percent(numbers.lost, numbers.owed) if numbers.owed else "-"


def _percents(share: Share) -> tuple[int, int]:
    """Return least and most, in percent of the calls."""
    return round(100 * share.least / share.calls), round(100 * share.most / share.calls)


def _shares(pair: PairTotals, audit: Audit) -> Shares:
    return audit.shares.get((pair.client, pair.server, pair.protocol), {})


def _between(share: Share) -> str:
    least, most = _percents(share)
    return f"{least} to {most} %" if least < most else f"{most} %"


def _by_confidence(hops: HopTotals, outcome: Outcome) -> str:
    """Return `29 likely, 19 possible`."""
    counts = [(word, hops.outcomes[f"{outcome}:{word}"]) for word in reversed(CONFIDENCES)]
    return ", ".join(f"{count:,} {word}" for word, count in counts if count)


def notes(pair: PairTotals, audit: Audit) -> list[str]:
    """Say what the four numbers of a pair don't: how well they are known, and what else was done to the context."""
    hops, numbers = pair.hops, folded(pair)
    said = []
    if numbers.lost:
        said.append(f"lost: {_by_confidence(hops, Outcome.DROPPED)}")
    if numbers.restarted:
        said.append(f"cut off: {_by_confidence(hops, Outcome.RESTARTED)}")
    if is_busy(hops):
        bounds = [(_shares(pair, audit).get(outcome), word) for outcome, word in SHARED.items()]
        between = [f"{_between(share)} {word}" for share, word in bounds if share is not None and share.most >= 1]
        kept = f"at least {percent(hops.caused[Kind.KEPT], calls(hops))} handed on"
        said.append(f"busy: {', '.join(between) or kept}")
    if hops.failed_discontinued:
        said.append(f"{hops.failed_discontinued:,} failed without the trace")
    return said + [f"{count:,} {visible(word)}" for word, count in ranked(hops.changes)[:NAMES_SHOWN]]


def legend(audit: Audit, judged: Sequence[PairTotals]) -> list[str]:
    """Say what the columns mean, and who is not among the judged."""
    said = [LEGEND]
    if any(is_busy(pair.hops) for pair in judged):
        said.append(BUSY)
    if any(lost_ends(pair, audit) is not None for pair in judged):
        said.append(DOUBT)
    doors = [pair for pair in audit.pairs if pair.requests > pair.exempt and not calls(pair.hops)]
    if doors:
        requests = quantity(sum(pair.requests - pair.exempt for pair in doors), "request")
        names = sorted({named(pair.client).replace("`", "'") for pair in doors})
        more = f" and {len(names) - NAMES_SHOWN:,} more" if len(names) > NAMES_SHOWN else ""
        said.append(f"Front doors, where traces begin: {', '.join(names[:NAMES_SHOWN])}{more} ({requests})")
    return said
