"""The report as HTML: one page that needs nothing else, for a mail, a ticket or an artifact of a build.

It has no script, fetches nothing, and says so to the browser. Every word goes in as text: nothing from the wire makes a
tag. It is light or dark as its reader has it, and prints.
"""

from collections.abc import Callable
from html import escape

import wiresniff
from wiresniff.model.audit import Audit
from wiresniff.report.document import FindingText, Style, Table, WitnessText, Words, document_of, said

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Content security policy: whatever were to get into the page, it loads and runs nothing."""
STYLE = """
:root{color-scheme:light dark;--line:#8884;--ground:#8881}
:root{--error:#b3261e;--warning:#9a6700;--info:#1a5fb4;--soft:#6a737d}
@media(prefers-color-scheme:dark){:root{--error:#ff8a80;--warning:#f0b849;--info:#8ab4f8;--soft:#a0a8b0}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;max-width:80rem;margin:0 auto;padding:1rem}
h1,p{overflow-wrap:anywhere}h1{font-size:1.25rem;margin:.2rem 0 1rem}h2{font-size:1.05rem;margin:2rem 0 .5rem}
p{margin:.4rem 0;max-width:60rem}.soft{color:var(--soft);font-size:.9rem}.note{color:var(--warning)}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.35rem .4rem;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600}
th:first-child,td:first-child{min-width:15rem}th:last-child,td:last-child{min-width:10rem}
.number{text-align:right}td.number{white-space:nowrap}td strong{color:var(--error)}
code,pre{font:.85em/1.5 ui-monospace,monospace;background:var(--ground);border-radius:.2rem}
code{padding:.1rem .25rem;overflow-wrap:anywhere}pre{padding:.5rem .7rem;overflow-x:auto;margin:.4rem 0}
.finding{border-left:.25rem solid;padding:.1rem 0 .1rem .8rem;margin:1rem 0}
.error{border-color:var(--error)}.warning{border-color:var(--warning)}.info{border-color:var(--info)}
.error b{color:var(--error)}.warning b{color:var(--warning)}.info b{color:var(--info)}
ul{padding-left:1.2rem;margin:.4rem 0}li{margin:.25rem 0;overflow-wrap:anywhere}
@media print{body{max-width:none;padding:0}.finding{break-inside:avoid}}
"""


def render_html(audit: Audit) -> str:
    """Return the page; it says what the report in Markdown says."""
    document = document_of(audit)
    tables = "".join(map(_table, document.tables)) or "<p>No request was seen.</p>\n"
    findings = "".join(map(_finding, document.findings)) or "<p>none</p>\n"
    left_out = (
        f'<p class="soft">{written(said(document.findings_left_out))}</p>\n' if document.findings_left_out else ""
    )
    captures = f"<h2>Captures</h2>\n{_list(document.captures)}" if document.captures else ""
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8"><title>wiresniff: who hands the trace on</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{STYLE}</style></head><body>\n"
        f"<h1>{escape(document.headline)}</h1>\n"
        + "".join(f'<p class="note">{escape(note)}</p>\n' for note in document.notes)
        + tables
        + f"<h2>{escape(document.findings_title)}</h2>\n{findings}{left_out}"
        + '<p class="soft"><code>wiresniff explain ID</code> says what a finding means and what to do.</p>\n'
        + f"<h2>Not seen, and why</h2>\n{_list(document.unseen)}{captures}"
        + f'<p class="soft">wiresniff {escape(wiresniff.__version__)}</p>\n</body></html>\n'
    )


NOTHING = '""'
"""A name that is empty."""
WRITE: dict[Style, Callable[[str], str]] = {
    Style.PLAIN: escape,
    Style.CODE: lambda text: f"<code>{escape(text or NOTHING)}</code>",
    Style.STRONG: lambda text: f"<strong>{escape(text)}</strong>",
}


def written(words: Words) -> str:
    """Return words with their styles, every part escaped."""
    return "".join(WRITE[span.style](span.text) for span in words)


def _list(sentences: tuple[str, ...]) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>\n" for sentence in sentences)
    return f"<ul>\n{items}</ul>\n"


def _table(table: Table) -> str:
    head = "".join(f"<th{_class(table, at)}>{escape(heading)}</th>" for at, heading in enumerate(table.headings))
    rows = "".join(
        "<tr>" + "".join(f"<td{_class(table, at)}>{written(cell)}</td>" for at, cell in enumerate(row)) + "</tr>\n"
        for row in table.rows
    )
    below = "".join(f'<p class="soft">{written(said(sentence))}</p>\n' for sentence in table.below)
    return (
        f'<h2>{escape(table.title)}</h2>\n<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n'
        f"{rows}</tbody></table></div>\n{below}"
    )


def _class(table: Table, at: int) -> str:
    return ' class="number"' if at in table.numbers else ""


def _finding(finding: FindingText) -> str:
    witnesses = "".join(map(_witness, finding.witnesses))
    word = finding.severity.word
    return (
        f'<div class="finding {word}"><p><b>{word}</b> <code>{escape(finding.id)}</code> '
        f'<span class="soft">({escape(finding.confidence)})</span>: {written(finding.message)}</p>\n'
        f"{f'<ul>{witnesses}</ul>' if witnesses else ''}</div>\n"
    )


def _witness(witness: WitnessText) -> str:
    proof = "\n".join(map(escape, witness.proof))
    return f"<li>{written(witness.place)}{f'<pre>{proof}</pre>' if proof else ''}</li>\n"
