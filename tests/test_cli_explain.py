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
    explain([" Duplicate-Header"])
    printed = capsys.readouterr().out
    assert printed.count("What to do") == 2
    assert max(map(len, printed.split("\n"))) <= 60
    assert EXPLANATIONS["duplicate-header"].remedy.split()[-1] in printed


def test_every_explanation_fits_80_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Prose is wrapped, code is short enough; only addresses may be longer, since a broken one is of no use."""
    monkeypatch.setenv("COLUMNS", "80")
    for word in EXPLANATIONS:
        explain([word])
        printed = capsys.readouterr().out.split("\n")
        assert [line for line in printed if len(line) > 80 and not line.startswith("https://")] == [], word


def test_a_word_of_two_is_typed_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns of a report have blanks and quotes in their names; a shell has its own use for both."""
    for typed in (["handed", "on"], ["handed on"], ["Handed-On"]):
        explain(typed)
        assert capsys.readouterr().out.startswith("handed on: ")
    explain(["cant-tell"])
    assert capsys.readouterr().out.startswith("can't tell: ")


def test_causes_are_shown_with_code_and_where_it_is_from(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines of code stand as they are typed, each stack under its name, with the address of its document."""
    explain(["lost-async-context"])
    printed = capsys.readouterr().out.split("\n")
    assert {"Go", "Python", "Node.js", "Java", ".NET", "Ruby"} <= set(printed)
    assert "    ctx := context.WithoutCancel(r.Context())" in printed
    assert "https://pkg.go.dev/context#WithoutCancel" in printed


def test_a_stack_behind_a_word_shows_its_fixes_only(capsys: pytest.CaptureFixture[str]) -> None:
    """Who runs Python does not want to read Java at night."""
    explain(["lost-async-context", "python"])
    printed = capsys.readouterr().out
    assert "\nPython\n" in printed
    assert "\nJava\n" not in printed
    assert "What to do" in printed


def test_a_stack_behind_a_finding_shows_the_fixes_of_its_causes(capsys: pytest.CaptureFixture[str]) -> None:
    """The finding is what a report begins with; what to mend depends on the kind of cause."""
    explain(["context-dropped", "python"])
    printed = capsys.readouterr().out
    assert "\nPython\n" in printed
    assert "\nJava\n" not in printed
    assert "uninstrumented-client: " in printed
    assert "lost-async-context: " in printed


def test_a_stack_tells_all_of_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """What it does by default, and its fixes."""
    explain(["nginx"])
    printed = capsys.readouterr().out
    assert "What it does by default" in printed
    assert "otel_trace_context propagate;" in printed


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("context-mising", "context-missing"),
        ("qqq", "lists them all"),
        ("proxy-route go", "fixes for nginx, .*haproxy"),
        ("busy go", "no fixes per stack"),
        ("context-dropped cobol", "fixes for go, python"),
    ],
)
def test_an_unknown_word_gets_one_sentence(word: str, hint: str) -> None:
    """With the nearest words, or where to find them all."""
    with pytest.raises(UsageError, match=hint) as caught:
        explain(word.split(" "))
    assert "\n" not in str(caught.value)


def test_an_unknown_word_is_quoted_safely() -> None:
    """It came from a keyboard or a script, and may be anything."""
    with pytest.raises(UsageError) as caught:
        explain(["\x1b[31m" * 1000])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
