"""What was not seen, and why: every bound of what a report can say, in plain sentences."""

from collections import Counter
from collections.abc import Callable, Iterator

from wiresniff.model.accounting import OVERLOAD
from wiresniff.model.audit import Audit
from wiresniff.model.display import named, percent, quantity, ranked, size
from wiresniff.model.exchanges import Unseen
from wiresniff.model.hops import Doubt
from wiresniff.model.totals import PairTotals
from wiresniff.report.headline import payload_bytes
from wiresniff.report.quoting import pair_name, reason, shown_capture_name

NAMED = 5
"""Names listed in a sentence."""

WHY: dict[str, str] = {
    Unseen.GAP: "packets of the head are not in the capture",
    Unseen.TRUNCATED: "the capture cut the head short or ends within it",
    Unseen.RESYNC: "bytes before it were not seen, so it may be part of a body",
    Unseen.TOO_LONG: "the head is longer than the limit",
    Unseen.HEADER_TABLE: "they name fields by table entries from before the capture",
}
"""Reasons of `indeterminate` in plain words; others stand as they are."""
DOUBTS: dict[str, str] = {
    Doubt.BUSY: "several requests were open at the service",
    Doubt.AMBIGUOUS_ADDRESS: "several services share the address",
    Doubt.NOT_SEEN: "heads that matter were not wholly seen",
    Doubt.CAUSE_UNKNOWN: "no request was open for as long as theirs took",
}
"""Reasons that a hop is undetermined."""


def sentences(audit: Audit) -> list[str]:
    """Return the sentences, or the one that says that nothing is known to be missing."""
    said = [sentence for topic in TOPICS for sentence in topic(audit)]
    nothing = "Nothing is known to be missing: no gaps, no opaque bytes, no request that could not be judged."
    return said or capture_notes(audit) or [nothing]


def capture_notes(audit: Audit) -> list[str]:
    """Return what is wrong with captures: these come before anything else."""
    notes = []
    for capture in audit.captures:
        name = named(shown_capture_name(capture.name))
        if capture.error is not None:
            notes.append(f"{name} could not be read: {named(capture.error, 300)}")
        if capture.warning is not None:
            notes.append(f"{name}: {named(capture.warning, 300)}")
    return notes


def _listing(counts: Counter[str], say: Callable[[str, int], str]) -> str:
    """Return the most common of `counts`, said one by one."""
    there = [(word, count) for word, count in ranked(counts) if count]
    words = [say(word, count) for word, count in there[:NAMED]]
    more = len(there) - NAMED
    return ", ".join(words) + (f" and {more:,} more" if more > 0 else "")


def _number(word: str, count: int) -> str:
    return f"{named(word)} {count:,}"


def _reasons(audit: Audit, verdict: str) -> Counter[str]:
    """Sum the reasons of one verdict over all pairs."""
    prefix = f"{verdict}:"
    reasons: Counter[str] = Counter()
    for pair in audit.pairs:
        for word, count in pair.reasons.items():
            if word.startswith(prefix):
                reasons[word.removeprefix(prefix)] += count
    return reasons


def _indeterminate(audit: Audit) -> Iterator[str]:
    count = sum(pair.indeterminate for pair in audit.pairs)
    if count:
        reasons = _reasons(audit, "indeterminate")
        why = _listing(reasons, lambda word, n: f"{n:,} because {WHY.get(word, named(word))}")
        if len(reasons) == 1 and reasons.total() == count:
            why = WHY.get(next(iter(reasons)), why)
        yield f"{quantity(count, 'request')} could not be judged{f': {why}' if why else ''}."


def _inferred(audit: Audit) -> Iterator[str]:
    count = sum(pair.inferred for pair in audit.pairs)
    if count:
        judged = sum(pair.judged for pair in audit.pairs)
        yield (
            f"Of {quantity(count, 'request')} ({percent(count, judged)} of the judged ones) the verdict is inferred: "
            "their HTTP/2 connections were open already, or lost packets."
        )


def _exempt(audit: Audit) -> Iterator[str]:
    count = sum(pair.exempt for pair in audit.pairs)
    if count:
        rules = _listing(_reasons(audit, "exempt"), _number)
        yield f"Exempt, owing no trace by the policy: {quantity(count, 'request')}{f' ({rules})' if rules else ''}."


def _undetermined(audit: Audit) -> Iterator[str]:
    doubts: Counter[str] = Counter()
    for pair in audit.pairs:
        doubts.update(pair.hops.doubts)
    if doubts.total():
        why = _listing(doubts, lambda word, n: f"{n:,} because {DOUBTS.get(word, named(word))}")
        if len(doubts) == 1:
            why = DOUBTS.get(next(iter(doubts)), why)
        caused = "it" if doubts.total() == 1 else "them"
        yield f"Of {quantity(doubts.total(), 'request')} the capture does not show what caused {caused}: {why}."


def _gaps(audit: Audit) -> Iterator[str]:
    counts = audit.accounting.counts
    lost, cut = counts["gap_bytes"], counts["cut_bytes"]
    parts = [f"{size(lost)} of TCP payload never came"] if lost else []
    parts += [f"{size(cut)} cut off by the capture's snap length"] if cut else []
    if parts:
        gaps = quantity(counts["gaps"], "gap")
        yield f"{', '.join(parts)} ({gaps}): requests that lie wholly in such gaps are not in this report."


def _one_direction(audit: Audit) -> Iterator[str]:
    counts = audit.accounting.counts
    if counts["one_direction_connections"]:
        some = f"{counts['one_direction_connections']:,} of {quantity(counts['connections'], 'connection')}"
        yield (
            f"Of {some} only one direction passes here; {size(counts['one_direction_bytes'])} went the other way. "
            "Requests are judged where theirs does, their answers unknown."
        )


def _opaque(audit: Audit) -> Iterator[str]:
    opaque, whole = audit.accounting.opaque_bytes, payload_bytes(audit)
    count = opaque.total()
    if not count:
        return
    connections = audit.accounting.counts["opaque_connections"]
    on = f" on {quantity(connections, 'connection')}" if connections else ""
    reasons = _listing(opaque, lambda word, n: f"{reason(word)} {size(n)}")
    yield f"{size(count)} ({percent(count, whole)}) of TCP payload could not be read{on}: {reasons}."


def _hidden_pairs(audit: Audit) -> Iterator[str]:
    hidden = [pair for pair in audit.pairs if not pair.requests and pair.opaque_bytes]
    if hidden:
        names = [f"{pair_name(pair)} ({_most_opaque(pair)})" for pair in hidden[:NAMED]]
        more = f" and {len(hidden) - NAMED:,} more" if len(hidden) > NAMED else ""
        yield f"Of {quantity(len(hidden), 'service pair')} no request could be read: {', '.join(names)}{more}."


def _most_opaque(pair: PairTotals) -> str:
    word, count = ranked(pair.opaque_bytes)[0]
    return f"{reason(word)}, {size(count)}"


def _remaining(audit: Audit) -> Iterator[str]:
    seen, whole = audit.accounting, payload_bytes(audit)
    rest = whole - seen.parsed_bytes - seen.opaque_bytes.total() - seen.counts["cut_bytes"]
    if rest > 0:
        yield (
            f"{size(rest)} ({percent(rest, whole)}) of TCP payload were neither read nor given up: sent or captured "
            "twice, or still incomplete when the capture ended."
        )


def _late(audit: Audit) -> Iterator[str]:
    counts = audit.accounting.counts
    late = counts["connections_joined_late"]
    if late:
        yield (
            f"Open already when the capture began: {late:,} of {quantity(counts['connections'], 'connection')}; "
            "what they carried before is unknown."
        )


PACKETS = {
    "fragments": "{} that were fragments",
    "filtered_packets": "{} left out by the filter",
}
"""Packets that made no segment, beside those of other protocols."""


def _overload(audit: Audit) -> Iterator[str]:
    packets, began = audit.accounting.counts["left_out_packets"], audit.accounting.evictions[OVERLOAD]
    if packets or began:
        yield (
            "More came than could be read, so connections were left out whole, for the others to be seen whole: "
            f"{quantity(packets, 'packet')} of theirs, {quantity(began, 'connection')} that began meanwhile."
        )


NOT_TCP = ("not_tcp_packets", "not_ip_packets", "unknown_link_packets")


def _packets(audit: Audit) -> Iterator[str]:
    seen = audit.accounting
    # The names cover packets without IP, and of unknown link types, as well.
    count = max(seen.not_tcp.total(), sum(seen.counts[name] for name in NOT_TCP))
    if count:
        names = _listing(seen.not_tcp, _number)
        yield f"Without TCP: {quantity(count, 'packet')}{f' ({names})' if names else ''}."
    others = [
        words.format(quantity(seen.counts[name], "packet")) for name, words in PACKETS.items() if seen.counts[name]
    ]
    if others:
        yield f"Also not judged: {', '.join(others)}."


def _twice(audit: Audit) -> Iterator[str]:
    counts = audit.accounting.counts
    twice = [
        quantity(counts[name], noun)
        for name, noun in (("duplicate_segments", "segment"), ("duplicate_exchanges", "request"))
        if counts[name]
    ]
    if twice:
        yield f"Captured more than once, counted once: {' and '.join(twice)}."


def _anomalies(audit: Audit) -> Iterator[str]:
    if audit.accounting.anomalies.total():
        yield f"Trouble on the wire that blames no service: {_listing(audit.accounting.anomalies, _number)}."


def _evictions(audit: Audit) -> Iterator[str]:
    losses = audit.accounting.losses()
    if losses.total():
        yield f"Limits were reached, and the oldest entries of these tables forgotten: {_listing(losses, _number)}."


def _internal_errors(audit: Audit) -> Iterator[str]:
    count = audit.accounting.counts["internal_errors"]
    if count:
        yield f"Given up because of a defect of wiresniff, please report it: {quantity(count, 'connection')}."


TOPICS: tuple[Callable[[Audit], Iterator[str]], ...] = (
    _overload, _indeterminate, _inferred, _undetermined, _gaps, _one_direction, _opaque, _hidden_pairs, _remaining,
    _late, _packets, _twice, _exempt, _anomalies, _evictions, _internal_errors,
)  # fmt: skip
"""In the order in which they weigh."""
