"""What is said of hops, of causes and of stacks."""

from enum import StrEnum

import pytest

from wiresniff.model.continuity import FOLDED, Column
from wiresniff.model.hops import MIXED, Change, Doubt, Kind, Outcome
from wiresniff.model.verdicts import Confidence
from wiresniff.report.explanations import EXPLANATIONS, KINDS, Explanation, Fix, of_stack, stacks_of
from wiresniff.report.explanations.causes import CAUSES
from wiresniff.report.explanations.changes import CHANGES
from wiresniff.report.explanations.hop_findings import OF_HOPS
from wiresniff.report.explanations.hops import CARRIED, COLUMNS, DOUBTS, OUTCOMES
from wiresniff.report.explanations.stacks import STACKS
from wiresniff.report.explanations.verdicts import CONFIDENCES

ALL = [entry for entries in KINDS.values() for entry in entries]
FIXES = {fix for entry in ALL for fix in entry.fixes}
WIDEST_LINE = 76
"""Of code: with its indentation it fits 80 columns."""


@pytest.mark.parametrize(
    ("words", "entries"),
    [(Outcome, OUTCOMES), (Change, CHANGES), (Doubt, DOUBTS), (Column, COLUMNS), (Confidence, CONFIDENCES)],
)
def test_every_word_of_hops_has_one_explanation_of_its_own_kind(
    words: type[StrEnum], entries: tuple[Explanation, ...]
) -> None:
    """Also those that mean something else elsewhere: `exempt` is a verdict, `undetermined` a confidence."""
    assert [entry.word for entry in entries] == list(words)


def test_kinds_of_request_are_explained() -> None:
    """With the word for connections that carried several."""
    assert [entry.word for entry in CARRIED] == [*Kind, MIXED]


def test_causes_and_findings_are_explained() -> None:
    """The words that reports use of hops, beside those of the model."""
    assert {entry.word for entry in CAUSES} == {
        "uninstrumented-client",
        "no-propagator",
        "lost-async-context",
        "background-context",
        "proxy-route",
        "exports-only",
    }
    assert {entry.word for entry in OF_HOPS} == {
        "context-dropped",
        "trace-restarted",
        "context-stripped",
        "illegal-mutation",
        "sampled-flag-flip",
        "random-flag-flip",
        "tracestate-dropped",
        "tracestate-cut",
        "tracestate-reordered",
        "tracestate-altered",
        "restart-kept-tracestate",
        "baggage-dropped",
        "baggage-cut",
        "passthrough-service",
        "ghost-roots",
        "failure-untraced",
    }


@pytest.mark.parametrize("entry", COLUMNS, ids=lambda entry: entry.word)
def test_a_column_names_the_outcomes_that_are_folded_into_it(entry: Explanation) -> None:
    """As reports fold them, and no others."""
    named = {outcome for outcome in Outcome if outcome in entry.meaning.split(". ")[0].replace(",", "").split(" ")}
    assert named == set(FOLDED[Column(entry.word)])
    assert named <= set(entry.see)


def test_a_change_sends_to_the_finding_of_its_name() -> None:
    """Where it says so, there is one."""
    findings = {entry.word for entry in OF_HOPS}
    sent = {entry.word for entry in CHANGES if "finding of the same name" in entry.remedy}
    assert sent
    assert sent <= findings


def test_what_is_pointed_at_exists() -> None:
    """No explanation sends anybody to a word that is not known, or to itself."""
    assert [(entry.word, word) for entry in ALL for word in entry.see if word not in EXPLANATIONS] == []
    assert [entry.word for entry in ALL if entry.word in entry.see] == []


def test_every_cause_has_fixes() -> None:
    """A kind of cause without one helps nobody."""
    assert [entry.word for entry in CAUSES if len(entry.fixes) < 5] == []


@pytest.mark.parametrize("fix", sorted(FIXES), ids=lambda fix: f"{fix.stack}: {fix.prose[:30]}")
def test_a_fix_is_short_and_says_where_it_is_from(fix: Fix) -> None:
    """Prose in sentences, code that fits a terminal, and the document that says so."""
    assert fix.prose.endswith((".", ":"))
    assert len(fix.prose) <= 360
    assert 1 <= len(fix.lines) <= 8
    assert [line for line in fix.lines if len(line) > WIDEST_LINE or line != line.rstrip()] == []
    assert fix.sources
    assert [source for source in fix.sources if not source.title or not source.url.startswith("https://")] == []


def test_every_fix_is_gathered_under_its_stack() -> None:
    """Whoever runs a stack finds all that is said of it in one place."""
    gathered = {fix for entry in STACKS for fix in entry.fixes}
    assert {fix.stack for fix in FIXES - gathered} == set()


def test_an_explanation_is_narrowed_to_one_stack() -> None:
    """Its fixes and no others; None where it has none for that stack."""
    cause = EXPLANATIONS["uninstrumented-client"]
    narrowed = of_stack(cause, "Go")
    assert narrowed is not None
    assert narrowed.meaning == cause.meaning
    assert {fix.stack for fix in narrowed.fixes} == {"Go"}
    assert of_stack(cause, "nginx") is None
    assert of_stack(EXPLANATIONS["busy"], "go") is None
    assert stacks_of(cause) == ["go", "python", "node", "java", "dotnet", "ruby"]
