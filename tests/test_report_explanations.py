"""Every word of a report is explained."""

from collections import Counter

import pytest

from wiresniff.audit import exemptions
from wiresniff.audit.findings import RULES
from wiresniff.model.anomalies import Anomaly
from wiresniff.model.context import Fault, WarningWord
from wiresniff.model.exchanges import Unseen
from wiresniff.model.hops import Change, Doubt, Outcome
from wiresniff.model.verdicts import Confidence, Verdict
from wiresniff.report.explanations import EXPLANATIONS, KINDS, meanings, nearest
from wiresniff.report.explanations.findings import FINDINGS
from wiresniff.report.explanations.hop_findings import OF_HOPS
from wiresniff.report.unseen import WHY


def test_findings_and_their_explanations_belong_together() -> None:
    """Every rule has one, and none is left over but of hops."""
    explained = {entry.word for entry in FINDINGS}
    assert {rule.id for rule in RULES} <= explained
    assert explained - {rule.id for rule in RULES} <= {entry.word for entry in OF_HOPS}


@pytest.mark.parametrize("words", [Anomaly, Fault, WarningWord, Verdict, Unseen, Confidence, Outcome, Change, Doubt])
def test_every_word_of_the_model_is_explained(words: type[Anomaly]) -> None:
    """Whatever a report can name, `explain` knows."""
    assert [word for word in words if word not in EXPLANATIONS] == []


def test_every_exempt_rule_of_the_defaults_is_explained() -> None:
    """Reports name the rule by which a request was exempt."""
    rules = {
        value
        for name, value in vars(exemptions).items()
        if name.isupper() and isinstance(value, str) and value == name.lower().replace("_", "-")
    }
    assert len(rules) >= 5
    assert rules <= set(EXPLANATIONS)


def test_every_reason_has_plain_words() -> None:
    """Reports say why requests could not be judged without a dictionary."""
    assert set(WHY) == set(Unseen)


def test_explanations_are_complete() -> None:
    """A title without full stop, and sentences for the rest."""
    for entries in KINDS.values():
        assert [word for word, count in Counter(entry.word for entry in entries).items() if count > 1] == []
        for entry in entries:
            assert entry.title
            assert not entry.title.endswith(".")
            assert all(part.endswith((".", ")")) for part in (entry.meaning, entry.standard, entry.remedy)), entry.word


def test_a_word_may_mean_two_things() -> None:
    """Both are told, the finding first."""
    assert [kind for kind, _ in meanings("duplicate-header")] == ["findings", "faults of a request"]
    assert EXPLANATIONS["duplicate-header"] is meanings("duplicate-header")[0][1]
    assert meanings("no-such-word") == []


def test_misspelt_words_find_their_neighbours() -> None:
    """By likeness, else by a part of the word."""
    assert nearest("context-mising")[0] == "context-missing"
    assert nearest("Zero-Trace-ID")[0] == "zero-trace-id"
    assert "baggage-large" in nearest("baggage")
    assert nearest("qqqqqqqqq") == []
    assert nearest("") == []
