"""The report for a terminal.

Read from the top: what was judged, what is wrong with the captures, the pairs with the worst one first, the findings
with the requests that prove them, and what was not seen. No line is longer than the terminal is wide.
"""

import re
from io import StringIO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wiresniff.model.audit import Audit
from wiresniff.model.display import named, quantity
from wiresniff.model.findings import Finding, Severity, Witness
from wiresniff.report import hop_notes
from wiresniff.report.headline import headline, severities
from wiresniff.report.quoting import between, captured, caused_by, moment, received_and_sent, request, values, where
from wiresniff.report.text_tables import hops_table, pairs_table
from wiresniff.report.unseen import capture_notes, sentences

FINDINGS_SHOWN = 50

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
    parts += _section("Service pairs, the worst first", pairs_table(audit, width))
    parts += _section(hop_notes.TITLE, hops_table(audit, width))
    parts += _findings(audit, width)
    parts.append(_heading("Not seen, and why"))
    parts += [_item(sentence) for sentence in sentences(audit)]
    parts += _captures(audit)
    return parts


def _heading(words: str) -> Text:
    return Text(f"\n{words}", style="bold underline")


def _section(words: str, parts: list[RenderableType]) -> list[RenderableType]:
    return [_heading(words), Text(), *parts] if parts else []


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
    place = [moment(witness.time_ns), where(witness, audit.captures), request(witness), between(witness)]
    if witness.cause is not None:
        place.append(caused_by(witness, witness.cause, audit.captures))
        return [*_packed(place, width), *received_and_sent(witness, witness.cause)]
    trace = [f"trace {named(witness.trace_id)}"] if witness.trace_id else []
    return [*_packed([*place, *trace], width), *values(witness)]


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
