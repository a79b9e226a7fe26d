"""The tables of the report for a terminal: who sends a trace context to whom, and what becomes of the trace on the way.

Names stand in the first column, with notes below them; numbers are as wide as they need to be, and names take the rest.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from wiresniff.model.audit import Audit
from wiresniff.model.continuity import UNTOLD, continuation_ratio
from wiresniff.model.display import named, percent, quantity, ranked, shortened, size, visible
from wiresniff.model.hops import Kind
from wiresniff.model.policy import Threshold
from wiresniff.model.services import calls
from wiresniff.model.totals import PairTotals
from wiresniff.report import hop_notes
from wiresniff.report.hop_notes import folded

PAIRS_SHOWN = 30
"""Of the pairs: a screen or two; JSON has all."""
NOTES_SHOWN = 3
"""Of the faults, or of the changes, under a pair."""
WIDE = 116
"""From so many columns on there is room for more numbers."""
NARROWEST_NAME = 12
NONE = "·"
"""Instead of 0: in a column of counts the others stand out."""
HTTP_1 = "http/1"


class Column(NamedTuple):
    """A column of numbers."""

    heading: str
    cell: Callable[[PairTotals, Audit], str]
    wide_only: bool = False
    style: Callable[[PairTotals, Audit], str] = lambda _pair, _audit: ""


class Layout(NamedTuple):
    """One table: what stands above names, its columns of numbers, and what is said below names."""

    heading: str
    columns: tuple[Column, ...]
    notes: Callable[[PairTotals, Audit], list[str]]


def _table(layout: Layout, pairs: Sequence[PairTotals], audit: Audit, width: int) -> Table:
    protocols = {pair.protocol for pair in pairs} != {HTTP_1}
    wide = width >= WIDE
    gap = 2 if wide else 1
    columns = [column for column in layout.columns if wide or not column.wide_only]
    rows = [[column.cell(pair, audit) for column in columns] for pair in pairs]
    widths = [
        max(map(len, [*column.heading.split("\n"), *(row[at] for row in rows)])) for at, column in enumerate(columns)
    ]
    name_width = max(width - sum(widths) - gap * len(widths), NARROWEST_NAME)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap - 1, 0, 0), header_style="bold")
    table.add_column(layout.heading, width=name_width, no_wrap=True, overflow="ellipsis")
    for column, column_width in zip(columns, widths, strict=True):
        table.add_column(column.heading, width=column_width, justify="right", no_wrap=True)
    for pair, row in zip(pairs, rows, strict=True):
        cells = [
            Text(cell, style="dim" if cell == NONE else column.style(pair, audit))
            for cell, column in zip(row, columns, strict=True)
        ]
        notes = ([pair.protocol] if protocols else []) + layout.notes(pair, audit)
        table.add_row(_pair_cell(pair, name_width, notes), *cells)
    return table


def _pair_cell(pair: PairTotals, width: int, notes: list[str]) -> Text:
    """Return who calls whom, in one line or two, and what else is to be known of them."""
    client, server = named(pair.client, width), named(pair.server, width - 2)
    one_line = f"{client} → {server}"
    lines = [one_line] if len(one_line) <= width else [client, f"→ {server}"]
    cell = Text("\n".join(lines), style="bold")
    for note in notes:
        cell.append(f"\n  {shortened(note, width - 2)}", style="not bold dim")
    return cell


def _below(notes: list[str]) -> list[RenderableType]:
    return [Text(), *(Text(note, style="dim") for note in notes)]


def _share(part: int, whole: int) -> str:
    return percent(part, whole) if whole else "-"


def _number(count: int) -> str:
    """Return a count in at most six characters: JSON has the digits."""
    if count < 100_000:  # noqa: PLR2004 - the last that fits as it is
        return f"{count:,}" if count else NONE
    return f"{count / 1e6:,.1f}M" if count >= 10**6 else f"{count // 1000}k"


# what is sent


def pairs_table(audit: Audit, width: int) -> list[RenderableType]:
    """Return the table of pairs by what their requests carry, and what is to be said below."""
    seen = [pair for pair in audit.pairs if pair.requests]
    if not seen:
        return [Text("No request was seen.")]
    return [_table(SENT, seen[:PAIRS_SHOWN], audit, width), *_after_pairs(seen)]


def _style(pair: PairTotals, _audit: Audit) -> str:
    """Return the colour of the missing ratio: only pairs that can be a finding get a loud one."""
    if not pair.missing:
        is_known = pair.indeterminate <= UNTOLD * (pair.requests - pair.exempt)
        return "dim" if pair.judged <= pair.malformed else "green" if is_known else ""
    return _loud(pair, _audit)


def _loud(pair: PairTotals, _audit: Audit) -> str:
    return "yellow" if pair.external or pair.judged < Threshold().min_requests else "bold red"


def _notes(pair: PairTotals, _audit: Audit) -> list[str]:
    notes = ["one end is outside"] if pair.external else []
    if pair.failed_untraced:
        notes.append(f"{pair.failed:,} failed, {pair.failed_untraced:,} without trace")
    elif pair.failed:
        notes.append(f"{pair.failed:,} failed")
    notes += [f"{count:,} send {visible(word)} instead" for word, count in ranked(pair.carriers_instead)[:1]]
    notes += [f"{count:,} {visible(word)}" for word, count in ranked(pair.faults)[:NOTES_SHOWN]]
    if pair.inferred:
        notes.append(f"{percent(pair.inferred, pair.judged)} inferred")
    hidden = sum(pair.opaque_bytes.values())
    if hidden:
        notes.append(f"{size(hidden)} opaque")
    return notes


SENT = Layout(
    "client → server",
    (
        Column("missing\nratio", lambda pair, _: _share(pair.missing, pair.judged), style=_style),
        Column("indet.\nratio", lambda pair, _: _share(pair.indeterminate, pair.requests - pair.exempt)),
        Column("requests", lambda pair, _: _number(pair.requests), wide_only=True),
        Column("valid", lambda pair, _: _number(pair.valid)),
        Column("missing", lambda pair, _: _number(pair.missing)),
        Column("mal-\nformed", lambda pair, _: _number(pair.malformed), style=_loud),
        Column("indet.", lambda pair, _: _number(pair.indeterminate)),
        Column("exempt", lambda pair, _: _number(pair.exempt)),
        Column("failed", lambda pair, _: _number(pair.failed), wide_only=True),
        Column("sampled", lambda pair, _: _share(pair.sampled, pair.valid), wide_only=True),
    ),
    _notes,
)
"""The ratio that is sought stands first, and beside it, always, the share of which nothing can be said."""


def _after_pairs(seen: list[PairTotals]) -> list[RenderableType]:
    notes = []
    rest = seen[PAIRS_SHOWN:]
    if rest:
        bad = sum(pair.missing + pair.malformed for pair in rest)
        notes.append(f"{quantity(len(rest), 'further pair')} with {quantity(bad, 'bad request')}: see --format json")
    least = Threshold().min_requests
    if any(0 < pair.judged < least for pair in seen):
        notes.append(f"Pairs with few judged requests (below {least}, or what the policy says) get no finding.")
    notes.append("missing ratio = missing / (valid + missing + malformed); indet. = indeterminate, not wholly seen")
    if any(pair.inferred for pair in seen):
        notes.append("inferred: concluded, since HTTP/2 connections were joined late; `wiresniff explain inferred`")
    return _below(notes)


# what becomes of the trace


def hops_table(audit: Audit, width: int) -> list[RenderableType]:
    """Return the table of what services did with the traces that they were called with; nothing where none did."""
    judged = hop_notes.judged_worst_first(audit.pairs)
    if not judged:
        return []
    below = hop_notes.legend(audit, judged)
    rest = judged[PAIRS_SHOWN:]
    if rest:
        lost = quantity(sum(folded(pair).lost for pair in rest), "lost request")
        below.insert(0, f"{quantity(len(rest), 'further pair')} with {lost}: see --format json")
    return [_table(BECOMES, judged[:PAIRS_SHOWN], audit, width), *_below(below)]


LOUD_SHARE = 0.05
"""Of its calls: what a busy service loses at least, for findings to call it an error."""


def _lost_style(pair: PairTotals, audit: Audit) -> str:
    """Return the colour of what is lost: only what is likely at least, and may be a finding, is loud.

    Where nothing was found and much can't be told, there is no colour: it is neither bad news nor good.
    """
    share = hop_notes.share_of(pair, audit)
    if share is not None and round(share.about) and not pair.external:
        return "bold red" if share.least > LOUD_SHARE * share.calls else "yellow"
    hops = folded(pair)
    if not hops.lost:
        return "green" if hop_notes.is_good(pair) else "" if hops.cant_tell or hops.restarted else "dim"
    is_quiet = pair.external or not hops.surely_lost or hops.owed < Threshold().min_requests
    return "yellow" if is_quiet else "bold red"


def _continuation(pair: PairTotals, _audit: Audit) -> str:
    hops = pair.hops
    return "-" if continuation_ratio([hops]) is None else percent(hops.caused[Kind.KEPT], calls(hops))


BECOMES = Layout(
    "service → what it calls",
    (
        Column("lost\nshare", hop_notes.lost_share, style=_lost_style),
        Column("handed\non", lambda pair, _: _number(folded(pair).handed_on)),
        Column("lost", lambda pair, _: _number(folded(pair).lost), style=_lost_style),
        Column("new\ntrace", lambda pair, _: _number(folded(pair).new_trace)),
        Column("can't\ntell", lambda pair, _: _number(folded(pair).cant_tell)),
        Column("handed on\nof all", _continuation, wide_only=True),
    ),
    lambda pair, audit: (["one end is outside"] if pair.external else []) + hop_notes.notes(pair, audit),
)
