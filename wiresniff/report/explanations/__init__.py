"""Explanations: what every word of a report, a record or a metric means.

One module per kind of word; `KINDS` is the table of all. A word may stand for two things (`duplicate-header` is a
fault of one request and a finding about a pair): `meanings` gives both, `EXPLANATIONS` the one a report shows first.
Causes and fixes per stack are in `stacks`; findings and kinds of cause quote them.
"""

from difflib import get_close_matches

from wiresniff.report.explanations.anomalies import ANOMALIES
from wiresniff.report.explanations.causes import CAUSES
from wiresniff.report.explanations.changes import CHANGES
from wiresniff.report.explanations.entry import Explanation, Fix
from wiresniff.report.explanations.faults import FAULTS as FAULTS_AND_WARNINGS
from wiresniff.report.explanations.findings import FINDINGS
from wiresniff.report.explanations.hops import CARRIED, COLUMNS, DOUBTS, OUTCOMES
from wiresniff.report.explanations.stacks import STACKS
from wiresniff.report.explanations.verdicts import CONFIDENCES, EXEMPT_RULES, OPAQUE, REASONS, VERDICTS
from wiresniff.report.explanations.warnings import WARNINGS

__all__ = [
    "EXPLANATIONS",
    "KINDS",
    "STACK_KIND",
    "Explanation",
    "Fix",
    "meanings",
    "nearest",
    "of_stack",
    "stacks_of",
]

STACK_KIND = "stacks, what each does by default"

KINDS: dict[str, tuple[Explanation, ...]] = {
    "findings": FINDINGS,
    "causes that findings name": CAUSES,
    "verdicts": VERDICTS,
    "reasons that a request is indeterminate": REASONS,
    "rules by which a request is exempt": EXEMPT_RULES,
    "columns that outcomes are counted in": COLUMNS,
    "outcomes of a hop, a request that leaves a service": OUTCOMES,
    "changes to a context that was handed on": CHANGES,
    "reasons that a hop is undetermined": DOUBTS,
    "kinds of request, by what senders and connections are told apart": CARRIED,
    "confidences": CONFIDENCES,
    "faults of a request": tuple(entry for entry in FAULTS_AND_WARNINGS if entry not in WARNINGS),
    "warnings about a request": WARNINGS,
    "reasons that bytes are opaque": OPAQUE,
    "anomalies, trouble on the wire that blames no service": ANOMALIES,
    STACK_KIND: STACKS,
}
"""In the order in which a reader meets them."""

EXPLANATIONS: dict[str, Explanation] = {
    str(entry.word): entry for entries in reversed(KINDS.values()) for entry in reversed(entries)
}
"""By word; of two meanings the first in the order of `KINDS`."""


def meanings(word: str) -> list[tuple[str, Explanation]]:
    """Return the meanings of a word, each with its kind; none for a word that is not known."""
    return [(kind, entry) for kind, entries in KINDS.items() for entry in entries if _typed(entry.word) == _typed(word)]


def of_stack(entry: Explanation, stack: str) -> Explanation | None:
    """Return an explanation with the fixes for one stack only; None where it has none."""
    fixes = {fix for each in STACKS if _typed(each.word) == _typed(stack) for fix in each.fixes}
    kept = tuple(fix for fix in entry.fixes if fix in fixes)
    return entry._replace(fixes=kept) if kept else None


def stacks_of(entry: Explanation) -> list[str]:
    """Return the stacks that an explanation has fixes for."""
    return [each.word for each in STACKS if of_stack(entry, each.word) is not None]


def nearest(word: str, at_most: int = 3) -> list[str]:
    """Return known words that look like `word`, the most alike first; else words that contain it."""
    close = get_close_matches(word.lower(), EXPLANATIONS, at_most)
    return close or sorted(known for known in EXPLANATIONS if word and word.lower() in known)[:at_most]


def _typed(word: str) -> str:
    """Return a word as it is typed where blanks and quotes need care: `can't tell` is also `cant-tell`."""
    return word.lower().replace("'", "").replace(" ", "-")
