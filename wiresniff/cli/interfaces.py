"""`wiresniff interfaces`: what can be watched here, and whether permission is enough."""

import sys
from io import StringIO
from typing import TYPE_CHECKING

import typer

from wiresniff.cli.outputs import write_standard_output
from wiresniff.cli.terminal import color_of, width_of

if TYPE_CHECKING:
    from wiresniff.capture.interfaces import LocalInterface

MAY = "they can be watched: `wiresniff watch -i {example}`, or `-i any` for all and those that come later"
PORTABLE = (
    "watching is experimental on this system: `wiresniff watch -i {example}`, as root; whether permission is enough "
    "shows when it begins"
)


def interfaces() -> None:
    """List the interfaces that can be watched here, and say whether permission is enough."""
    from wiresniff.capture.interfaces import local_interfaces
    from wiresniff.capture.rights import is_portable, refusal_to_capture

    found = local_interfaces()
    write_standard_output(_table(found))
    refusal = refusal_to_capture()
    if refusal is not None:
        raise refusal
    example = next((each.name for each in found if each.is_up and each.addresses), "lo")
    typer.echo((PORTABLE if is_portable() else MAY).format(example=example), err=True)


def _table(found: "list[LocalInterface]") -> str:
    """Return the table, a line for each interface, in the colours of a terminal if it is one."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

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
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("interface", "state", "kind", "addresses"):
        table.add_column(heading, no_wrap=heading != "addresses")
    for each in found:
        cells = (each.name, each.state, each.kind, ", ".join(each.addresses))
        table.add_row(*map(Text, cells), style=None if each.is_up else "dim")
    console.print(table)
    return "\n".join(line.rstrip(" ") for line in printed.getvalue().split("\n"))
