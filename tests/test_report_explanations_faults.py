"""Every fault and warning word is explained."""

from wiresniff.model.context import INFORMATIVE, Fault, WarningWord
from wiresniff.report.explanations.faults import FAULTS


def test_every_word_has_one_explanation() -> None:
    """None is missing, none is left over, none is explained twice."""
    words = [each.word for each in FAULTS]
    assert set(words) == {*map(str, Fault), *map(str, WarningWord)}
    assert len(words) == len(set(words))


def test_every_explanation_is_whole() -> None:
    """Title on one line without a full stop; meaning, standard and remedy in sentences."""
    for each in FAULTS:
        assert 0 < len(each.title) <= 72, each.word
        assert not each.title.endswith("."), each.word
        assert all(text.endswith((".", ".)")) for text in (each.meaning, each.standard, each.remedy)), each.word
        assert not any("  " in text for text in each), each.word


def test_the_standard_is_cited() -> None:
    """The text that a word rests on is named, with its section."""
    for each in FAULTS:
        assert any(text in each.standard for text in ("Trace Context", "Baggage", "RFC", "OpenTelemetry")), each.word


def test_informative_words_are_warnings() -> None:
    """A fault is never mere information."""
    assert set(WarningWord) > INFORMATIVE
    assert not (INFORMATIVE & set(Fault)) - {"tracestate-key-not-level-1"}
