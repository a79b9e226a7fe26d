"""The report for a terminal.

Read from the top: what was judged, what is wrong with the captures, the pairs with the worst one first, the findings
with the requests that prove them, and what was not seen. No line is longer than the terminal is wide.
"""

import re
from collections.abc import Callable
from io import StringIO
from typing import NamedTuple

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wiresniff.model.audit import Audit
from wiresniff.model.display import named, percent, quantity, ranked, shortened, size, visible
from wiresniff.model.findings import Finding, Severity, Witness
from wiresniff.model.policy import Threshold
from wiresniff.model.totals import PairTotals
from wiresniff.report.headline import headline, severities
from wiresniff.report.quoting import between, captured, moment, request, values, where
from wiresniff.report.unseen import capture_notes, sentences

PAIRS_SHOWN = 30
"""Of the pairs: a screen or two; JSON has all."""
FINDINGS_SHOWN = 50
FAULTS_SHOWN = 3
"""Of the faults under a pair."""

WIDE = 116
"""From so many columns on the table of pairs has room for more numbers."""
NARROWEST = 40
"""Below, numbers no longer fit beside names: such a terminal gets lines of this width."""

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold blue"}


def render_text(audit: Audit, *, width: int, color: bool) -> str:
    """Return the report in lines of at most `width` columns (40 at least), with terminal colours or without."""
    out = StringIO()
    console = Console(
        file=out,
        width=max(width, NARROWEST),
        color_system="standard" if color else None,
        force_terminal=color,
        no_color=not color,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        _environ={},  # the caller decides, not COLUMNS or TERM
    )
    for part in _parts(audit, console.width):
        console.print(part)
    # Tables fill their rows with blanks, which nobody misses in a file.
    return "\n".join(line.rstrip() for line in out.getvalue().replace(KEPT_BLANK, " ").split("\n"))


def _parts(audit: Audit, width: int) -> list[RenderableType]:
    parts: list[RenderableType] = [Text(_kept(headline(audit)), style="bold")]
    parts += [Text(f"! {note}", style="yellow") for note in capture_notes(audit)]
    parts += _pairs(audit, width)
    parts += _findings(audit, width)
    parts.append(_heading("Not seen, and why"))
    parts += [_item(sentence) for sentence in sentences(audit)]
    parts += _captures(audit)
    return parts


def _heading(words: str) -> Text:
    return Text(f"\n{words}", style="bold underline")


def _item(sentence: str, mark: str = "-") -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row(Text(mark), Text(_kept(sentence)))
    return grid


def _kept(sentence: str) -> str:
    """Keep numbers and their units in one line: a blank between them becomes `KEPT_BLANK` until all is laid out."""
    return NUMBER_AND_UNIT.sub(KEPT_BLANK, sentence)


KEPT_BLANK = "\ue000"
"""For private use, so it never comes from the wire: `visible` escapes it there."""
NUMBER_AND_UNIT = re.compile(r"(?<=[0-9]) (?=%|[kMGT]B|bytes)")


# pairs


class Column(NamedTuple):
    """A column of numbers in the table of pairs."""

    heading: str
    cell: Callable[[PairTotals], str]
    wide_only: bool = False


def _share(part: int, whole: int) -> str:
    return percent(part, whole) if whole else "-"


def _number(count: int) -> str:
    """Return a count in at most six characters: JSON has the digits."""
    if count < 100_000:  # noqa: PLR2004 - the last that fits as it is
        return f"{count:,}" if count else NONE
    return f"{count / 1e6:,.1f}M" if count >= 10**6 else f"{count // 1000}k"


NONE = "·"
"""Instead of 0: in a column of counts the others stand out."""

MALFORMED = "mal-\nformed"

COLUMNS = (
    Column("missing\nratio", lambda pair: _share(pair.missing, pair.judged)),
    Column("indet.\nratio", lambda pair: _share(pair.indeterminate, pair.requests - pair.exempt)),
    Column("requests", lambda pair: _number(pair.requests), wide_only=True),
    Column("valid", lambda pair: _number(pair.valid)),
    Column("missing", lambda pair: _number(pair.missing)),
    Column(MALFORMED, lambda pair: _number(pair.malformed)),
    Column("indet.", lambda pair: _number(pair.indeterminate)),
    Column("exempt", lambda pair: _number(pair.exempt)),
    Column("failed", lambda pair: _number(pair.failed), wide_only=True),
    Column("sampled", lambda pair: _share(pair.sampled, pair.valid), wide_only=True),
)
"""The ratio that is sought stands first, and beside it, always, the share of which nothing can be said."""


def _pairs(audit: Audit, width: int) -> list[RenderableType]:
    seen = [pair for pair in audit.pairs if pair.requests]
    if not seen:
        return [Text("\nNo request was seen.")]
    shown, wide = seen[:PAIRS_SHOWN], width >= WIDE
    gap = 2 if wide else 1
    columns = [column for column in COLUMNS if wide or not column.wide_only]
    rows = [[column.cell(pair) for column in columns] for pair in shown]
    widths = [
        max(map(len, [*column.heading.split("\n"), *(row[at] for row in rows)])) for at, column in enumerate(columns)
    ]
    name_width = max(width - sum(widths) - gap * len(widths), NARROWEST_NAME)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap - 1, 0, 0), header_style="bold")
    table.add_column("client → server", width=name_width, no_wrap=True, overflow="ellipsis")
    for column, column_width in zip(columns, widths, strict=True):
        table.add_column(column.heading, width=column_width, justify="right", no_wrap=True)
    malformed_at = [column.heading for column in columns].index(MALFORMED)
    protocols = {pair.protocol for pair in seen} != {"http/1"}
    for pair, row in zip(shown, rows, strict=True):
        cells = [Text(cell, style="dim" if cell == NONE else "") for cell in row]
        cells[0].stylize(_style(pair))
        if pair.malformed:
            cells[malformed_at].stylize(_loud(pair))
        table.add_row(_pair_cell(pair, name_width, protocol=protocols), *cells)
    return [_heading("Service pairs, the worst first"), Text(), table, *_after_pairs(seen)]


NARROWEST_NAME = 12


def _style(pair: PairTotals) -> str:
    """Return the colour of the missing ratio: only pairs that can be a finding get a loud one."""
    if not pair.missing:
        return "green" if pair.judged > pair.malformed else "dim"
    return _loud(pair)


def _loud(pair: PairTotals) -> str:
    return "yellow" if pair.external or pair.judged < Threshold().min_requests else "bold red"


def _pair_cell(pair: PairTotals, width: int, *, protocol: bool) -> Text:
    """Return who calls whom, in one line or two, and what else is to be known of them."""
    client, server = named(pair.client, width), named(pair.server, width - 2)
    one_line = f"{client} → {server}"
    lines = [one_line] if len(one_line) <= width else [client, f"→ {server}"]
    cell = Text("\n".join(lines), style="bold")
    for note in _notes(pair, protocol=protocol):
        cell.append(f"\n  {shortened(note, width - 2)}", style="not bold dim")
    return cell


def _notes(pair: PairTotals, *, protocol: bool) -> list[str]:
    notes = [pair.protocol] if protocol else []
    notes += ["one end is outside"] if pair.external else []
    if pair.failed_untraced:
        notes.append(f"{pair.failed:,} failed, {pair.failed_untraced:,} without trace")
    elif pair.failed:
        notes.append(f"{pair.failed:,} failed")
    notes += [f"{count:,} send {visible(word)} instead" for word, count in ranked(pair.carriers_instead)[:1]]
    notes += [f"{count:,} {visible(word)}" for word, count in ranked(pair.faults)[:FAULTS_SHOWN]]
    if pair.inferred:
        notes.append(f"{percent(pair.inferred, pair.judged)} inferred")
    hidden = sum(pair.opaque_bytes.values())
    if hidden:
        notes.append(f"{size(hidden)} opaque")
    return notes


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
    return [Text(), *(Text(note, style="dim") for note in notes)]


# findings


def _findings(audit: Audit, width: int) -> list[RenderableType]:
    if not audit.findings:
        return [_heading("Findings"), Text("none")]
    parts: list[RenderableType] = [_heading(f"Findings: {severities(audit)}")]
    proved: dict[tuple[Witness, ...], str] = {}
    for finding in audit.findings[:FINDINGS_SHOWN]:
        parts += _sentence(finding)
        if finding.witnesses in proved:
            parts.append(_indented(Text(f"the same requests as {proved[finding.witnesses]} above", style="dim")))
        elif finding.witnesses:
            proved[finding.witnesses] = finding.id
            parts += [_witness(witness, audit, width) for witness in finding.witnesses]
    rest = len(audit.findings) - FINDINGS_SHOWN
    if rest > 0:
        parts.append(Text(f"\n{quantity(rest, 'further finding')}: see --format json"))
    parts.append(Text("\n`wiresniff explain ID` says what a finding means and what to do.", style="dim"))
    return parts


def _sentence(finding: Finding) -> list[RenderableType]:
    head = Text("\n")
    head.append(finding.severity.word.upper(), style=STYLES[finding.severity])
    head.append(f" {finding.id}", style="bold")
    head.append(f" ({finding.confidence})", style="dim")
    return [head, _indented(Text(_kept(finding.message)))]


def _indented(part: RenderableType) -> RenderableType:
    return Padding(part, (0, 0, 0, INDENT))


INDENT = 2


def _witness(witness: Witness, audit: Audit, width: int) -> RenderableType:
    lines = _witness_lines(witness, audit, width - INDENT - 2)
    return _indented(_item("\n".join(lines), "*"))


def _witness_lines(witness: Witness, audit: Audit, width: int) -> list[str]:
    """Return where to look, then what is to be seen there."""
    place = [moment(witness.time_ns), where(witness, audit.captures), request(witness)]
    trace = [f"trace {named(witness.trace_id)}"] if witness.trace_id else []
    return [*_packed([*place, between(witness), *trace], width), *values(witness)]


def _packed(items: list[str], width: int) -> list[str]:
    """Put items into as few lines as hold them, none of them broken."""
    lines = [items[0]]
    for item in items[1:]:
        joined = f"{lines[-1]}  {item}"
        if len(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(item)
    return lines


# captures


def _captures(audit: Audit) -> list[RenderableType]:
    items = [_item(captured(capture)) for capture in audit.captures if capture.error is None]
    return [_heading("Captures"), *items] if items else []
