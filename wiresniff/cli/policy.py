"""`wiresniff policy`: check a policy file, print the reference of its keys."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wiresniff.model.policy import Policy

app = typer.Typer(name="policy", help="Check a policy file, or print its reference.", no_args_is_help=True)


@app.command()
def check(file: Annotated[str, typer.Argument(metavar="FILE", help="The policy file.")]) -> None:
    """Check a policy file: prints what it contains, or the first mistake (exit status 2)."""
    from wiresniff.config.load import load_policy
    from wiresniff.model.display import named

    typer.echo(f"{named(file, 200)}: {_contents(load_policy(file))}")


@app.command()
def schema() -> None:
    """Print every key of the policy file: what it takes, its default, its meaning."""
    from wiresniff.config.reference import policy_reference

    typer.echo(policy_reference(), nl=False)


def _contents(policy: "Policy") -> str:
    defaults = "besides the defaults" if policy.exempt_defaults else "without the defaults"
    counts = (
        (len(policy.services), "service", ""),
        (len(policy.exempt), "exemption", f" {defaults}"),
        (len(policy.thresholds), "threshold", ""),
    )
    return "valid; " + ", ".join(f"{count} {noun}{'' if count == 1 else 's'}{more}" for count, noun, more in counts)
