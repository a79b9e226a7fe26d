"""The report as Markdown (GitHub's dialect), for a pull request: tables, findings, and a folded end.

Names and values are put into code spans, sentences are escaped: nothing from the wire makes a heading, a link, an
image, a tag, a mention or another column.
"""

import re
from collections.abc import Callable

from wiresniff.model.audit import Audit
from wiresniff.report.document import FindingText, Style, Table, WitnessText, Words, document_of, said

INERT = {
    **{character: f"\\{character}" for character in "\\`*_[]|~$"},
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "@": "@&#8203;",
    "#": "\\#&#8203;",
    "://": "&#58;//",
    "www.": "www&#46;",
}
"""What means something, and what to write instead. Mentions, issue numbers and addresses become links without any
mark-up: a blank of no width, or an entity, stops them."""
MEANINGFUL = re.compile("|".join(map(re.escape, INERT)))
BACKTICKS = re.compile(r"`+")


def render_markdown(audit: Audit) -> str:
    """Return the report; its first line is what was judged."""
    document = document_of(audit)
    lines = [escaped(document.headline)]
    notes = [f"- :warning: {escaped(note)}" for note in document.notes]
    lines += ["", *notes] if notes else []
    for table in document.tables:
        lines += _table(table)
    lines += [] if document.tables else ["", "No request was seen."]
    lines += ["", f"### {document.findings_title}", ""]
    for finding in document.findings:
        lines += _finding(finding)
    lines += [] if document.findings else ["none"]
    lines += ["", document.findings_left_out] if document.findings_left_out else []
    lines += ["", "<details><summary>Not seen, and why</summary>", ""]
    lines += [f"- {escaped(sentence)}" for sentence in document.unseen]
    read = [f"- {escaped(capture)}" for capture in document.captures]
    lines += ["", "Captures:", "", *read] if read else []
    lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def escaped(sentence: str) -> str:
    """Return a sentence that reads in Markdown as it stands."""
    return MEANINGFUL.sub(lambda found: INERT[found[0]], sentence)


def written(words: Words) -> str:
    """Return words with their styles, every part made safe."""
    return "".join(WRITE[span.style](span.text) for span in words)


def code(text: str) -> str:
    """Return text, already visible, as a code span (CommonMark 6.1)."""
    if not text:
        return '`""`'
    fence = "`" * (1 + max((len(ticks) for ticks in BACKTICKS.findall(text)), default=0))
    # A blank at either end is taken off by the reader: it keeps backticks of the text away from the fence.
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{pad}{text}{pad}{fence}"


WRITE: dict[Style, Callable[[str], str]] = {
    Style.PLAIN: escaped,
    Style.CODE: code,
    Style.STRONG: lambda text: f"**{escaped(text)}**",
}


def in_cell(words: Words) -> str:
    """Return words for a cell of a table, where a pipe ends the cell even within code (GFM 4.10)."""
    return "".join(
        code(span.text).replace("|", "\\|") if span.style is Style.CODE else WRITE[span.style](span.text)
        for span in words
    )


def _table(table: Table) -> list[str]:
    rules = ["---:" if at in table.numbers else "---" for at in range(len(table.headings))]
    below = [line for sentence in table.below for line in ("", written(said(sentence)))]
    return [
        "",
        f"### {table.title}",
        "",
        f"| {' | '.join(table.headings)} |",
        f"| {' | '.join(rules)} |",
        *(f"| {' | '.join(map(in_cell, row))} |" for row in table.rows),
        *below,
    ]


def _finding(finding: FindingText) -> list[str]:
    head = f"- **{finding.severity.word}** {code(finding.id)} ({finding.confidence}): {written(finding.message)}"
    return [head, *(line for witness in finding.witnesses for line in _witness(witness))]


def _witness(witness: WitnessText) -> list[str]:
    """Return where to look; values in a block of their own, one above the other. No line of it can end the block."""
    proof = ["    ```text", *(f"    {line}" for line in witness.proof), "    ```"] if witness.proof else []
    return [f"  - {written(witness.place)}", *proof]
