"""`wiresniff explain [ID]`: what a word of a report means, what the standard says, what to do."""

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

TEXT_COLUMNS = 88
"""Prose is read in lines of this length, however wide the terminal is."""


def explain(
    word: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            help="Finding, verdict, fault, warning, reason or anomaly, as reports name it; without it, all are listed.",
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
    if word is None:
        _print_list(console)
    else:
        _print_meanings(console, word)
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


def _print_meanings(console: "Console", word: str) -> None:
    from rich.text import Text

    from wiresniff.report.explanations import meanings

    found = meanings(word.strip(" ").lower())
    if not found:
        raise UsageError(_unknown(word))
    width = min(console.width, TEXT_COLUMNS)
    for number, (kind, entry) in enumerate(found):
        head = Text("\n" if number else "")
        head.append(entry.word, style="bold")
        head.append(f": {entry.title}\n")
        head.append(f"one of the {kind}", style="dim")
        console.print(head, width=width)
        for heading, prose in (
            ("What was seen", entry.meaning),
            ("What the standard says", entry.standard),
            ("What to do", entry.remedy),
        ):
            console.print(Text(f"\n{heading}", style="bold"))
            console.print(Text(prose), width=width)


def _unknown(word: str) -> str:
    from wiresniff.report.explanations import nearest

    near = nearest(word)
    if near:
        return f"no finding, fault, verdict or anomaly is called '{named(word)}'; did you mean {' or '.join(near)}?"
    return f"no finding, fault, verdict or anomaly is called '{named(word)}'; `wiresniff explain` lists them all"
