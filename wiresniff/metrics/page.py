"""The page at `/`: pairs as they are now, worst first, and what is not seen. No script, nothing from elsewhere.

Every word on it that comes from the wire or the policy goes through `named` (nothing hides, nothing fills the screen)
and is escaped.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from operator import gt
from typing import NamedTuple

import wiresniff
from wiresniff.metrics.series import PairSeries
from wiresniff.metrics.snapshot import Snapshot
from wiresniff.model.continuity import UNTOLD, Column, Continuity, continuity_of
from wiresniff.model.display import named, percent, quantity, ranked, size
from wiresniff.model.growth import Numbers
from wiresniff.model.verdicts import Verdict

REFRESH_SECONDS = 15
PAIRS_SHOWN = 200
"""Worst first: nobody reads further; metrics have all."""
WORST_RATIO = 0.05
"""From here on a pair is as bad as findings call a warning."""
REASONS_SHOWN = 6

PAGE_FIELDS = (
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
)

STYLE = """
:root{color-scheme:light dark;--line:#8884;--bad:#b3261e;--poor:#9a6700;--good:#1a7f37;--soft:#6a737d}
@media(prefers-color-scheme:dark){:root{--bad:#ff8a80;--poor:#f0b849;--good:#7ee08f;--soft:#a0a8b0}}
*{box-sizing:border-box}
body{font:16px/1.45 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}
h1{font-size:1.3rem;margin:.2rem 0}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}
p{margin:.3rem 0}.soft{color:var(--soft);font-size:.9rem}
ul{padding-left:1.2rem;margin:.3rem 0}li{margin:.2rem 0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:right;white-space:nowrap;padding:.4rem .5rem;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;font-size:.85rem;color:var(--soft)}
th{white-space:normal}
th:first-child,td:first-child{text-align:left;white-space:normal;overflow-wrap:anywhere;padding-left:0}
.bad{color:var(--bad);font-weight:600}.poor{color:var(--poor);font-weight:600}.good{color:var(--good)}
@media(max-width:40rem){
thead{position:absolute;clip-path:inset(50%);height:1px;overflow:hidden}
tr{display:flex;flex-wrap:wrap;gap:0 .9rem;padding:.5rem 0;border-bottom:1px solid var(--line)}
td{border:0;padding:0;font-size:.9rem}td.none{display:none}td:first-child{flex:1 0 100%;font-size:1rem}
td[data-is]::after{content:" " attr(data-is);color:var(--soft);font-weight:400}}
"""


class _Row(NamedTuple):
    """One pair over the last minutes."""

    pair: PairSeries
    counts: dict[Verdict, int]
    hops: Continuity

    @property
    def judged(self) -> int:
        return sum(self.counts[verdict] for verdict in (Verdict.VALID, Verdict.MISSING, Verdict.MALFORMED))

    @property
    def bad(self) -> int:
        return self.counts[Verdict.MISSING] + self.counts[Verdict.MALFORMED]

    @property
    def ratio(self) -> float:
        return self.bad / self.judged if self.judged else 0.0

    @property
    def requests(self) -> int:
        return sum(self.counts.values())

    @property
    def owed(self) -> int:
        return self.requests - self.counts[Verdict.EXEMPT]

    def order(self) -> tuple[float, int, int, int, str, str]:
        """Return what rows are sorted by: how bad, how many, then what could not be judged, then size."""
        bad, unjudged = self.bad + self.hops.surely_lost, self.counts[Verdict.INDETERMINATE]
        grade = max(self.grade, GOOD)
        return -grade, -bad, -unjudged, -self.requests, self.pair.client, self.pair.server

    @property
    def grade(self) -> int:
        """How bad: an index of `GRADES`."""
        lost = self.hops.surely_lost
        if self.ratio > WORST_RATIO or (lost and lost / self.hops.owed > WORST_RATIO):
            return BAD
        if self.bad or lost:
            return POOR
        # What is possibly lost, and what can't be told, is no reason for a warning, nor for praise.
        is_known = self.hops.is_told and self.counts[Verdict.INDETERMINATE] <= UNTOLD * self.owed
        return GOOD if self.judged and is_known and not self.hops.lost else SOFT


GRADES = ("soft", "good", "poor", "bad")
"""Classes of the style."""
SOFT, GOOD, POOR, BAD = range(len(GRADES))


def render_page(snapshot: Snapshot) -> str:
    """Return the page."""
    rows = sorted(_rows(snapshot), key=_Row.order)
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8"><title>wiresniff</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}"><style>{STYLE}</style></head><body>\n'
        f"<h1>wiresniff: who hands the trace on</h1>\n{_summary(snapshot, rows)}"
        f"<h2>Pairs, worst first</h2>\n{_table(rows)}"
        f"<h2>Not seen since the start</h2>\n<ul>{''.join(f'<li>{line}</li>' for line in _unseen(snapshot))}</ul>\n"
        f'<p class="soft">wiresniff {escape(wiresniff.__version__)} · <a href="/metrics">metrics</a></p>\n'
        "</body></html>\n"
    )


def _rows(snapshot: Snapshot) -> Iterator[_Row]:
    for pair in snapshot.pairs:
        before = snapshot.earlier.numbers.get((pair.client, pair.server, pair.reporter), Numbers())
        if any(map(gt, before.verdicts, pair.numbers.verdicts)):  # it expired, came back, and began anew
            before = Numbers()
        new = pair.numbers.minus(before)
        if new.requests:
            yield _Row(pair, dict(zip(Verdict, new.verdicts, strict=True)), continuity_of(new.hops))


def _summary(snapshot: Snapshot, rows: list[_Row]) -> str:
    minutes = max(round(snapshot.earlier.seconds / 60), 1)
    span = "minute" if minutes == 1 else f"{minutes} minutes"
    judged, bad = sum(row.judged for row in rows), sum(row.bad for row in rows)
    said = (
        f"In the last {span}: judged {quantity(judged, 'request')} of {quantity(len(rows), 'pair')}, "
        f"{percent(bad, judged)} without a usable trace context."
    )
    at = datetime.fromtimestamp(snapshot.live.time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if snapshot.live else ""
    return f'<p>{escape(said)}</p>\n<p class="soft">{at}, renewed every {REFRESH_SECONDS} s</p>\n'


LEGEND = (
    "Handed on, lost, new trace, can't tell: what the one who calls made of the trace that it got. New traces "
    "also begin where none came in. Requests that carry none and had none to hand on, and exempt ones, are in none of "
    "these. The share is of those that had a trace to hand on."
)
COLUMNS = ("requests", "missing", "malformed", "not judged", "exempt", *Column)


def _table(rows: list[_Row]) -> str:
    if not rows:
        return "<p>No request was seen in the last minutes.</p>\n"
    head = "".join(f"<th>{word}</th>" for word in ("from → to", *COLUMNS))
    body = "\n".join(map(_row, rows[:PAIRS_SHOWN]))
    more = len(rows) - PAIRS_SHOWN
    rest = f'<p class="soft">and {quantity(more, "pair")} more, in the metrics</p>\n' if more > 0 else ""
    rest += f'<p class="soft">{escape(LEGEND)}</p>\n'
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>\n{rest}"


def _row(row: _Row) -> str:
    pair, counts = row.pair, row.counts
    hops = row.hops
    protocols = ", ".join(named(protocol) for protocol in sorted(pair.verdicts))
    ends = f"{escape(named(pair.client))} → {escape(named(pair.server))}"
    cells = (
        f"{row.requests:,}",
        _share(counts[Verdict.MISSING], row.judged),
        _share(counts[Verdict.MALFORMED], row.judged),
        _share(counts[Verdict.INDETERMINATE], row.owed),
        _share(counts[Verdict.EXEMPT], row.requests),
        _number(hops.handed_on),
        f"{hops.lost:,} ({_share(hops.lost, hops.owed)})" if hops.lost else NONE,
        _number(hops.new_trace),
        _number(hops.cant_tell),
    )
    return (
        f'<tr><td><span class="{GRADES[row.grade]}">{ends}</span> <span class="soft">{escape(protocols)}</span></td>'
        + "".join(
            f'<td data-is="{word}"{NO_CLASS if cell == NONE else ""}>{cell}</td>'
            for word, cell in zip(COLUMNS, cells, strict=True)
        )
        + "</tr>"
    )


NONE = "\N{EN DASH}"
NO_CLASS = ' class="none"'
"""Left out where there is no room for columns."""


def _share(part: int, whole: int) -> str:
    return escape(percent(part, whole)) if part else NONE


def _number(count: int) -> str:
    return f"{count:,}" if count else NONE


def _unseen(snapshot: Snapshot) -> list[str]:
    """Return sentences, since the start; escaped."""
    return [escape(line) for line in _sentences(snapshot)] or ["Nothing is known to be missing."]


def _sentences(snapshot: Snapshot) -> Iterator[str]:
    seen = snapshot.seen
    for interface in snapshot.live.interfaces if snapshot.live else ():
        name = named(interface.name)
        if not interface.is_up:
            yield f"{name} is not captured{f': {named(interface.reason, 300)}' if interface.reason else ''}."
        if interface.dropped_packets:
            lost = percent(interface.dropped_packets, interface.packets)
            yield f"{name}: the kernel dropped {quantity(interface.dropped_packets, 'packet')} ({lost})."
        if interface.left_out_packets:
            yield f"{name}: {quantity(interface.left_out_packets, 'packet')} of connections left out at overload."
    whole = seen.payload_bytes
    if seen.opaque_bytes.total():
        why = _listed(seen.opaque_bytes, whole)
        yield f"{percent(seen.opaque_bytes.total(), whole)} of TCP payload bytes could not be read: {why}."
    if seen.counts["gap_bytes"]:
        yield f"{size(seen.counts['gap_bytes'])} in {quantity(seen.counts['gaps'], 'gap')} were sent and not captured."
    if seen.counts["internal_errors"]:
        errors = quantity(seen.counts["internal_errors"], "connection")
        yield f"Given up because of a defect of wiresniff, please report it: {errors}."
    losses = seen.losses()
    if losses.total():
        tables = ", ".join(f"{named(word)} {count:,}" for word, count in ranked(losses)[:REASONS_SHOWN])
        yield f"Limits were reached: {tables}."


def _listed(counts: Counter[str], whole: int) -> str:
    return ", ".join(f"{named(word)} {percent(count, whole)}" for word, count in ranked(counts)[:REASONS_SHOWN])
