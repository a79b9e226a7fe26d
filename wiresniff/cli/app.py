"""The program: its commands, and how mistakes of a person are told."""

import sys
from typing import Annotated

import typer

from wiresniff.cli import policy
from wiresniff.cli.audit import audit
from wiresniff.cli.exits import Exit
from wiresniff.cli.explain import explain
from wiresniff.cli.interfaces import interfaces
from wiresniff.cli.trace import trace
from wiresniff.cli.watch import watch
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
app.command()(watch)
app.command()(trace)
app.command()(explain)
app.command()(interfaces)
app.add_typer(policy.app)

BAD_USAGE: tuple[type[Exception], ...] = tuple(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)
"""What the parser of the command line raises. Where it is defined depends on the version of typer."""


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
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without arrows and lines gets question marks
            stream.reconfigure(errors="replace")
    sys.exit(run())


def run(arguments: list[str] | None = None) -> int:
    """Run the program with the arguments of the command line; return the exit status."""
    try:
        return int(app(arguments, standalone_mode=False) or Exit.DONE)
    except WiresniffError as error:
        typer.echo(f"wiresniff: {error}", err=True)
        return Exit.CAPTURE if isinstance(error, CaptureError) else Exit.USAGE
    except BAD_USAGE as error:
        typer.echo(_usage_error(error), err=True)
        return Exit.USAGE
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("wiresniff: interrupted", err=True)
        return Exit.INTERRUPTED


def _usage_error(error: Exception) -> str:
    """Return one sentence for what is wrong on the command line; the help itself where nothing was asked for."""
    message = str(getattr(error, "format_message", error.__str__)())
    if "\n" in message:
        return message
    if message.endswith("?"):
        return f"wiresniff: {message[:1].lower()}{message[1:]}"
    command = getattr(getattr(error, "ctx", None), "command_path", None) or "wiresniff"
    return f"wiresniff: {message[:1].lower()}{message[1:].rstrip('.')}; `{command} --help` says how it is called"
