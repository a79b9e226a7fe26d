"""`wiresniff explain [ID [STACK]]`: what a word of a report means, what the standard says, what to do, per stack."""

import sys
from io import StringIO
from typing import TYPE_CHECKING, Annotated

import typer

from wiresniff.cli.outputs import write_standard_output
from wiresniff.cli.terminal import color_of, width_of
from wiresniff.model.display import named
from wiresniff.model.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from wiresniff.report.explanations import Explanation, Fix

TEXT_COLUMNS = 80
"""Prose is read in lines of this length, however wide the terminal is."""


def explain(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID [STACK]",
            help="Finding, cause, outcome, verdict, fault, warning, reason or anomaly, as reports name it, or a stack "
            "(go, nginx); with a stack behind it, only the fixes for that; without any, all are listed.",
        ),
    ] = None,
) -> None:
    """Say what a word of a report means and what to do."""
    from rich.console import Console

    color = color_of(sys.stdout)
    printed = StringIO()
    console = Console(
        file=printed,
        width=width_of(sys.stdout),
        color_system="standard" if color else None,
        force_terminal=color,
        no_color=not color,
        markup=False,
        highlight=False,
        emoji=False,
        _environ={},  # `terminal` decides
    )
    if words:
        _print_meanings(console, " ".join(words).strip(" "))
    else:
        _print_list(console)
    write_standard_output("\n".join(line.rstrip(" ") for line in printed.getvalue().split("\n")))


def _print_list(console: "Console") -> None:
    from rich.table import Table
    from rich.text import Text

    from wiresniff.report.explanations import KINDS

    for kind, entries in KINDS.items():
        console.print(Text(f"\n{kind}", style="bold underline"))
        table = Table.grid(padding=(0, 2, 0, 0))
        for entry in entries:
            table.add_row(Text(f"  {entry.word}", style="bold"), Text(entry.title))
        console.print(table)


def _print_meanings(console: "Console", typed: str) -> None:
    from rich.text import Text

    from wiresniff.report.explanations import STACK_KIND, stacks_of

    found = _found(typed)
    for number, (kind, entry) in enumerate(found):
        if number:
            console.print()
        head = Text(entry.word, style="bold")
        head.append(f": {entry.title}\n", style="not bold")
        head.append(f"one of the {kind}", style="dim not bold")
        _print_prose(console, head)
        for heading, prose in (
            ("What it does by default" if kind == STACK_KIND else "What was seen", entry.meaning),
            ("What the standard says", entry.standard),
            ("What to do", entry.remedy),
        ):
            _print_prose(console, Text(f"\n{heading}", style="bold"))
            _print_prose(console, Text(prose))
        if len(entry.fixes) > 1 and kind != STACK_KIND:
            _print_prose(console, Text("\nPer stack", style="bold"))
            hint = f"`wiresniff explain {entry.word} {stacks_of(entry)[0]}` shows one alone."
            _print_prose(console, Text(hint, style="dim"))
        for fix in entry.fixes:
            _print_fix(console, fix)
        if entry.see:
            _print_prose(console, Text(f"\nSee also: {', '.join(entry.see)}", style="dim"))


def _print_fix(console: "Console", fix: "Fix") -> None:
    from rich.text import Text

    _print_prose(console, Text(f"\n{fix.stack}", style="bold"))
    _print_prose(console, Text(fix.prose))
    _print_as_typed(console, ("", *(f"    {line}" for line in fix.lines), ""))
    for source in fix.sources:
        _print_prose(console, Text(f"{source.title}:", style="dim"))
        _print_as_typed(console, (source.url,))


def _print_prose(console: "Console", text: "Text") -> None:
    console.print(text, width=min(console.width, TEXT_COLUMNS))


def _print_as_typed(console: "Console", lines: tuple[str, ...]) -> None:
    """Print what is copied: a line or an address that was broken is of no use."""
    for line in lines:
        console.print(line, soft_wrap=True)


def _found(typed: str) -> "list[tuple[str, Explanation]]":
    """Return the meanings of what was typed: a word, or a word and the stack whose fixes are wanted."""
    from wiresniff.report.explanations import meanings, of_stack

    found = meanings(typed)
    if found:
        return found
    word, _, stack = typed.rpartition(" ")
    every = meanings(word)
    if not every:
        raise UsageError(_unknown(typed))
    found = [(kind, narrowed) for kind, entry in every if (narrowed := of_stack(entry, stack)) is not None]
    if not found:  # a finding has its fixes under its causes
        causes = [meaning for _, entry in every for other in entry.see for meaning in meanings(other)]
        found = [(kind, narrowed) for kind, entry in causes if (narrowed := of_stack(entry, stack)) is not None]
    if not found:
        raise UsageError(_unsaid(every[0][1], stack))
    return found


def _unsaid(entry: "Explanation", stack: str) -> str:
    from wiresniff.report.explanations import stacks_of

    known = stacks_of(entry) or list(dict.fromkeys(name for each in entry.see for name in _stacks_under(each)))
    if known:
        return f"nothing is said of '{named(stack)}' under {entry.word}; it has fixes for {', '.join(known)}"
    return f"{entry.word} has no fixes per stack; `wiresniff explain {entry.word}` says what it has"


def _stacks_under(word: str) -> list[str]:
    from wiresniff.report.explanations import meanings, stacks_of

    return [stack for _, entry in meanings(word) for stack in stacks_of(entry)]


def _unknown(word: str) -> str:
    from wiresniff.report.explanations import nearest

    near = nearest(word)
    if near:
        return f"no word of a report is called '{named(word)}'; did you mean {' or '.join(near)}?"
    return f"no word of a report is called '{named(word)}'; `wiresniff explain` lists them all"
