"""`wiresniff explain`."""

import pytest

from wiresniff.cli.explain import explain
from wiresniff.model.errors import UsageError
from wiresniff.report.explanations import EXPLANATIONS


def test_without_a_word_it_lists_all(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Grouped by kind, each with its line."""
    monkeypatch.setenv("COLUMNS", "100")
    explain()
    printed = capsys.readouterr().out
    assert printed.index("findings") < printed.index("verdicts") < printed.index("anomalies")
    assert [word for word in EXPLANATIONS if word not in printed] == []


def test_a_word_is_explained_in_full(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What was seen, what the standard says, what to do; both meanings of a word that has two."""
    monkeypatch.setenv("COLUMNS", "60")
    explain(" Duplicate-Header")
    printed = capsys.readouterr().out
    assert printed.count("What to do") == 2
    assert max(map(len, printed.split("\n"))) <= 60
    assert EXPLANATIONS["duplicate-header"].remedy.split()[-1] in printed


@pytest.mark.parametrize(("word", "hint"), [("context-mising", "context-missing"), ("qqq", "lists them all")])
def test_an_unknown_word_gets_one_sentence(word: str, hint: str) -> None:
    """With the nearest words, or where to find them all."""
    with pytest.raises(UsageError, match=hint) as caught:
        explain(word)
    assert "\n" not in str(caught.value)


def test_an_unknown_word_is_quoted_safely() -> None:
    """It came from a keyboard or a script, and may be anything."""
    with pytest.raises(UsageError) as caught:
        explain("\x1b[31m" * 1000)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
