"""The program: its commands, and how mistakes of a person are told."""

import sys
from typing import Annotated

import typer

from wiresniff.cli import policy
from wiresniff.cli.audit import audit
from wiresniff.cli.exits import Exit
from wiresniff.cli.explain import explain
from wiresniff.model.errors import CaptureError, WiresniffError

app = typer.Typer(
    name="wiresniff",
    help="Audit W3C trace context on the wire: who hands the trace on, who drops it, which requests prove it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(audit)
app.command()(explain)
app.add_typer(policy.app)


def _print_version(value: bool) -> None:
    if value:
        from wiresniff import __version__

        typer.echo(f"wiresniff {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Run the program; exit with its status."""
    try:
        app()
    except WiresniffError as error:
        typer.echo(f"wiresniff: {error}", err=True)
        sys.exit(Exit.CAPTURE if isinstance(error, CaptureError) else Exit.USAGE)
    except BrokenPipeError:  # the reader of the report has gone: `wiresniff audit ... | head`
        sys.stdout = None  # nothing more can be said there
        sys.exit(Exit.DONE)
