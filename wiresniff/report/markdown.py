"""The report as Markdown (GitHub's dialect), for a pull request: tables, findings, and a folded end.

Names and values are put into code spans, sentences are escaped: nothing from the wire makes a heading, a link, an
image, a tag, a mention or another column.
"""

import re

from wiresniff.model.audit import Audit
from wiresniff.model.display import named, percent, quantity, ranked
from wiresniff.model.findings import Finding, Witness
from wiresniff.model.totals import PairTotals
from wiresniff.report.headline import headline
from wiresniff.report.quoting import between, captured, moment, request, values, where
from wiresniff.report.unseen import capture_notes, sentences

PAIRS_SHOWN = 30
"""A comment has a limit (65,536 characters at GitHub), and a reader too."""
FINDINGS_SHOWN = 30
FAULTS_SHOWN = 3

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
    lines = [escaped(headline(audit))]
    notes = [f"- :warning: {escaped(note)}" for note in capture_notes(audit)]
    lines += ["", *notes] if notes else []
    lines += [*_pairs(audit), *_findings(audit)]
    lines += ["", "<details><summary>Not seen, and why</summary>", ""]
    lines += [f"- {escaped(sentence)}" for sentence in sentences(audit)]
    read = [f"- {escaped(captured(capture))}" for capture in audit.captures if capture.error is None]
    lines += ["", "Captures:", "", *read] if read else []
    lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def escaped(sentence: str) -> str:
    """Return a sentence that reads in Markdown as it stands."""
    return MEANINGFUL.sub(lambda found: INERT[found[0]], sentence)


def said(message: str) -> str:
    """Return a message of a finding, with what it has between backticks as code spans. Every part is made safe."""
    parts = message.split("`")
    if len(parts) % 2 == 0:  # a name with a backtick in it
        return escaped(message)
    return "".join(code(part) if at % 2 else escaped(part) for at, part in enumerate(parts))


def code(text: str) -> str:
    """Return text, already visible, as a code span (CommonMark 6.1)."""
    if not text:
        return '`""`'
    fence = "`" * (1 + max((len(ticks) for ticks in BACKTICKS.findall(text)), default=0))
    # A blank at either end is taken off by the reader: it keeps backticks of the text away from the fence.
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def in_cell(text: str) -> str:
    """Return a name as a code span for a table, where a pipe ends the cell even within code (GFM 4.10)."""
    return code(named(text)).replace("|", "\\|")


HEADINGS = (
    "client → server", "protocol", "missing ratio", "valid", "missing", "malformed", "inferred", "indeterminate",
    "exempt", "failed", "top faults",
)  # fmt: skip


def _pairs(audit: Audit) -> list[str]:
    seen = [pair for pair in audit.pairs if pair.requests]
    if not seen:
        return ["", "No request was seen."]
    lines = [
        "",
        "### Service pairs, the worst first",
        "",
        f"| {' | '.join(HEADINGS)} |",
        f"| --- | --- |{' ---: |' * (len(HEADINGS) - 3)} --- |",
        *(_row(pair) for pair in seen[:PAIRS_SHOWN]),
    ]
    if len(seen) > PAIRS_SHOWN:
        lines += ["", f"{quantity(len(seen) - PAIRS_SHOWN, 'further pair')}: see `--format json`"]
    return lines


def _row(pair: PairTotals) -> str:
    ratio = percent(pair.missing, pair.judged) if pair.judged else "-"
    owed = pair.requests - pair.exempt
    unclear = f"{pair.indeterminate:,} ({percent(pair.indeterminate, owed)})"
    inferred = f"{pair.inferred:,} ({percent(pair.inferred, pair.judged)})" if pair.inferred else "0"
    failed = f"{pair.failed:,}" + (f" ({pair.failed_untraced:,} without trace)" if pair.failed_untraced else "")
    cells = [
        f"{in_cell(pair.client)} → {in_cell(pair.server)}{' (outside)' if pair.external else ''}",
        pair.protocol,
        f"**{ratio}**" if pair.missing else ratio,
        *(f"{count:,}" for count in (pair.valid, pair.missing, pair.malformed)),
        inferred,
        unclear,
        f"{pair.exempt:,}",
        failed,
        ", ".join(_faults(pair)),
    ]
    return f"| {' | '.join(cells)} |"


def _faults(pair: PairTotals) -> list[str]:
    faults = [f"{in_cell(word)} {count:,}" for word, count in ranked(pair.faults)[:FAULTS_SHOWN]]
    instead = [f"{in_cell(word)} instead {count:,}" for word, count in ranked(pair.carriers_instead)[:1]]
    return faults + instead


def _findings(audit: Audit) -> list[str]:
    if not audit.findings:
        return ["", "### Findings", "", "none"]
    lines = ["", f"### {quantity(len(audit.findings), 'finding')}", ""]
    for finding in audit.findings[:FINDINGS_SHOWN]:
        lines += _finding(finding, audit)
    if len(audit.findings) > FINDINGS_SHOWN:
        lines += ["", f"{quantity(len(audit.findings) - FINDINGS_SHOWN, 'further finding')}: see `--format json`"]
    return lines


def _finding(finding: Finding, audit: Audit) -> list[str]:
    return [
        f"- **{finding.severity.word}** {code(finding.id)} ({finding.confidence}): {said(finding.message)}",
        *(_witness(witness, audit) for witness in finding.witnesses),
    ]


def _witness(witness: Witness, audit: Audit) -> str:
    shown = [where(witness, audit.captures), request(witness), between(witness)]
    shown += [f"trace {named(witness.trace_id)}"] if witness.trace_id else []
    return f"  - {moment(witness.time_ns)} UTC, {', '.join(code(words) for words in (*shown, *values(witness)))}"
