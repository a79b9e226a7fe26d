"""Explanations: what every word of a report, a record or a metric means.

One module per kind of word; `KINDS` is the table of all. A word may stand for two things (`duplicate-header` is a
fault of one request and a finding about a pair): `meanings` gives both, `EXPLANATIONS` the one a report shows first.
"""

from difflib import get_close_matches

from wiresniff.report.explanations.anomalies import ANOMALIES
from wiresniff.report.explanations.entry import Explanation
from wiresniff.report.explanations.faults import FAULTS as FAULTS_AND_WARNINGS
from wiresniff.report.explanations.findings import FINDINGS
from wiresniff.report.explanations.verdicts import CONFIDENCES, EXEMPT_RULES, OPAQUE, REASONS, VERDICTS
from wiresniff.report.explanations.warnings import WARNINGS

__all__ = ["EXPLANATIONS", "KINDS", "Explanation", "meanings", "nearest"]

KINDS: dict[str, tuple[Explanation, ...]] = {
    "findings": FINDINGS,
    "verdicts": VERDICTS,
    "reasons that a request is indeterminate": REASONS,
    "rules by which a request is exempt": EXEMPT_RULES,
    "confidences": CONFIDENCES,
    "faults of a request": tuple(entry for entry in FAULTS_AND_WARNINGS if entry not in WARNINGS),
    "warnings about a request": WARNINGS,
    "reasons that bytes are opaque": OPAQUE,
    "anomalies, trouble on the wire that blames no service": ANOMALIES,
}
"""In the order in which a reader meets them."""

EXPLANATIONS: dict[str, Explanation] = {
    str(entry.word): entry for entries in reversed(KINDS.values()) for entry in reversed(entries)
}
"""By word; of two meanings the first in the order of `KINDS`."""


def meanings(word: str) -> list[tuple[str, Explanation]]:
    """Return the meanings of a word, each with its kind; none for a word that is not known."""
    return [(kind, entry) for kind, entries in KINDS.items() for entry in entries if entry.word == word]


def nearest(word: str, at_most: int = 3) -> list[str]:
    """Return known words that look like `word`, the most alike first; else words that contain it."""
    close = get_close_matches(word.lower(), EXPLANATIONS, at_most)
    return close or sorted(known for known in EXPLANATIONS if word and word.lower() in known)[:at_most]
