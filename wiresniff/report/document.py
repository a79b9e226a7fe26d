"""The report as a document, before it is Markdown or HTML: both say the same, each with its own signs.

Words are spans of plain text. What is a name or comes from the wire is marked as code; it was made visible and short,
and whoever writes it escapes it.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple, TypeAlias

from wiresniff.model.audit import Audit
from wiresniff.model.display import named, percent, quantity, ranked
from wiresniff.model.findings import Finding, Severity, Witness
from wiresniff.model.totals import PairTotals
from wiresniff.report import hop_notes
from wiresniff.report.headline import headline
from wiresniff.report.hop_notes import folded
from wiresniff.report.quoting import (
    between,
    captured,
    caused_by,
    moment,
    received_and_sent,
    request,
    values,
    where,
)
from wiresniff.report.unseen import capture_notes, sentences

PAIRS_SHOWN = 30
"""A comment has a limit (65,536 characters at GitHub), and a reader too."""
FINDINGS_SHOWN = 30
WORDS_SHOWN = 3
"""Faults, or changes, of a pair."""


class Style(Enum):
    """How a span stands out."""

    PLAIN = "plain"
    CODE = "code"
    STRONG = "strong"


class Span(NamedTuple):
    """Some characters of one style."""

    text: str
    style: Style = Style.PLAIN


Words: TypeAlias = tuple[Span, ...]


class Table(NamedTuple):
    """A table: the first columns are words, numbers follow, and the last may be words again."""

    title: str
    headings: tuple[str, ...]
    numbers: range
    """Columns that are numbers."""
    rows: tuple[tuple[Words, ...], ...]
    below: tuple[str, ...]
    """Sentences."""


class WitnessText(NamedTuple):
    """Where to look, and what was received and sent, line by line, where a cause is known."""

    place: Words
    proof: tuple[str, ...]


class FindingText(NamedTuple):
    """One finding."""

    severity: Severity
    id: str
    confidence: str
    message: Words
    witnesses: tuple[WitnessText, ...]


class Document(NamedTuple):
    """A whole report."""

    headline: str
    notes: tuple[str, ...]
    """What is wrong with captures."""
    tables: tuple[Table, ...]
    """None: no request was seen."""
    findings: tuple[FindingText, ...]
    findings_title: str
    findings_left_out: str
    unseen: tuple[str, ...]
    captures: tuple[str, ...]


def document_of(audit: Audit) -> Document:
    """Return the report as a document."""
    tables = [_pairs(audit), _hops(audit)]
    found = audit.findings
    more = len(found) - FINDINGS_SHOWN
    return Document(
        headline(audit),
        tuple(capture_notes(audit)),
        tuple(table for table in tables if table.rows),
        tuple(_finding(finding, audit) for finding in found[:FINDINGS_SHOWN]),
        quantity(len(found), "finding") if found else "Findings",
        f"{quantity(more, 'further finding')}: see `--format json`" if more > 0 else "",
        tuple(sentences(audit)),
        tuple(captured(capture) for capture in audit.captures if capture.error is None),
    )


def plain(text: str) -> Words:
    """Return text of no style."""
    return (Span(text),)


def code(name: str) -> Span:
    """Return a name as code."""
    return Span(named(name), Style.CODE)


def said(message: str) -> Words:
    """Return a message of a finding, with what it has between backticks as code."""
    parts = message.split("`")
    if len(parts) % 2 == 0:  # a name with a backtick in it
        return plain(message)
    return tuple(Span(part, Style.CODE if at % 2 else Style.PLAIN) for at, part in enumerate(parts) if part or at % 2)


def joined(parts: Sequence[Words]) -> Words:
    """Return parts with commas between them."""
    return tuple(span for at, part in enumerate(parts) for span in ((Span(", "), *part) if at else part))


# tables


def _pairs(audit: Audit) -> Table:
    return _table("Service pairs, the worst first", SENT, [pair for pair in audit.pairs if pair.requests], (), audit)


def _hops(audit: Audit) -> Table:
    judged = hop_notes.judged_worst_first(audit.pairs)
    return _table(hop_notes.TITLE, BECOMES, judged, hop_notes.legend(audit, judged), audit)


class _Column(NamedTuple):
    heading: str
    cell: Callable[[PairTotals, Audit], Words]
    is_number: bool = True


def _table(
    title: str, columns: tuple[_Column, ...], pairs: list[PairTotals], below: Sequence[str], audit: Audit
) -> Table:
    rows = tuple(tuple(column.cell(pair, audit) for column in columns) for pair in pairs[:PAIRS_SHOWN])
    more = len(pairs) - PAIRS_SHOWN
    left_out = [f"{quantity(more, 'further pair')}: see `--format json`"] if more > 0 else []
    are_numbers = [at for at, column in enumerate(columns) if column.is_number]
    headings = tuple(column.heading for column in columns)
    return Table(title, headings, range(are_numbers[0], are_numbers[-1] + 1), rows, (*left_out, *below))


def _ends(pair: PairTotals, _audit: Audit) -> Words:
    return code(pair.client), Span(" → "), code(pair.server), Span(" (outside)" if pair.external else "")


def _count(count: int) -> Words:
    return plain(f"{count:,}")


def _ratio(part: int, whole: int) -> Words:
    """Return a share: loud where there is any, a dash where there is nothing to take it of."""
    return (Span(percent(part, whole) if whole else "-", Style.STRONG if part else Style.PLAIN),)


def _with_share(count: int, whole: int, *, always: bool = False) -> Words:
    return plain(f"{count:,} ({percent(count, whole)})" if count or always else "0")


def _failed(pair: PairTotals, _audit: Audit) -> Words:
    return plain(f"{pair.failed:,}" + (f" ({pair.failed_untraced:,} without trace)" if pair.failed_untraced else ""))


def _faults(pair: PairTotals, _audit: Audit) -> Words:
    faults: list[Words] = [(code(word), Span(f" {count:,}")) for word, count in ranked(pair.faults)[:WORDS_SHOWN]]
    instead = ranked(pair.carriers_instead)[:1]
    return joined([*faults, *((code(word), Span(f" instead {count:,}")) for word, count in instead)])


def _lost_share(pair: PairTotals, audit: Audit) -> Words:
    share = hop_notes.share_of(pair, audit)
    is_lost = folded(pair).lost if share is None else round(share.about)
    return (Span(hop_notes.lost_share(pair, audit), Style.STRONG if is_lost else Style.PLAIN),)


SENT = (
    _Column("client → server", _ends, is_number=False),
    _Column("protocol", lambda pair, _: plain(named(pair.protocol)), is_number=False),
    _Column("missing ratio", lambda pair, _: _ratio(pair.missing, pair.judged)),
    _Column("valid", lambda pair, _: _count(pair.valid)),
    _Column("missing", lambda pair, _: _count(pair.missing)),
    _Column("malformed", lambda pair, _: _count(pair.malformed)),
    _Column("inferred", lambda pair, _: _with_share(pair.inferred, pair.judged)),
    _Column(
        "indeterminate", lambda pair, _: _with_share(pair.indeterminate, pair.requests - pair.exempt, always=True)
    ),
    _Column("exempt", lambda pair, _: _count(pair.exempt)),
    _Column("failed", _failed),
    _Column("top faults", _faults, is_number=False),
)  # fmt: skip

BECOMES = (
    _Column("service → what it calls", _ends, is_number=False),
    _Column("protocol", lambda pair, _: plain(named(pair.protocol)), is_number=False),
    _Column("lost share", _lost_share),
    _Column("handed on", lambda pair, _: _count(folded(pair).handed_on)),
    _Column("lost", lambda pair, _: _count(folded(pair).lost)),
    _Column("new trace", lambda pair, _: _count(folded(pair).new_trace)),
    _Column("can't tell", lambda pair, _: _count(folded(pair).cant_tell)),
    _Column("notes", lambda pair, audit: plain("; ".join(hop_notes.notes(pair, audit))), is_number=False),
)


# findings


def _finding(finding: Finding, audit: Audit) -> FindingText:
    witnesses = tuple(_witness(witness, audit) for witness in finding.witnesses)
    return FindingText(finding.severity, finding.id, finding.confidence, said(finding.message), witnesses)


def _witness(witness: Witness, audit: Audit) -> WitnessText:
    shown = [where(witness, audit.captures), request(witness), between(witness)]
    proof: tuple[str, ...] = ()
    if witness.cause is not None:
        shown.append(caused_by(witness, witness.cause, audit.captures))
        proof = tuple(received_and_sent(witness, witness.cause))
    else:
        shown += [f"trace {named(witness.trace_id)}"] if witness.trace_id else []
        shown += values(witness)
    place = joined([plain(f"{moment(witness.time_ns)} UTC"), *((Span(words, Style.CODE),) for words in shown)])
    return WitnessText(place, proof)
