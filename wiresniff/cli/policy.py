"""`wiresniff policy`: check a policy file, print the reference of its keys."""

from typing import TYPE_CHECKING, Annotated

import typer

from wiresniff.cli.outputs import write_standard_output

if TYPE_CHECKING:
    from wiresniff.model.policy import Policy

app = typer.Typer(name="policy", help="Check a policy file, or print its reference.", no_args_is_help=True)


@app.command()
def check(file: Annotated[str, typer.Argument(metavar="FILE", help="The policy file.")]) -> None:
    """Check a policy file and say what it contains."""
    from wiresniff.config.load import load_policy
    from wiresniff.model.display import named

    write_standard_output(f"{named(file, 200)}: {_contents(load_policy(file))}\n")


@app.command()
def schema() -> None:
    """Print the reference of the policy file: every key."""
    from wiresniff.config.reference import policy_reference

    write_standard_output(policy_reference())


def _contents(policy: "Policy") -> str:
    defaults = "besides the defaults" if policy.exempt_defaults else "without the defaults"
    counts = (
        (len(policy.services), "service", ""),
        (len(policy.exempt), "exemption", f" {defaults}"),
        (len(policy.thresholds), "threshold", ""),
    )
    return "valid; " + ", ".join(f"{count} {noun}{'' if count == 1 else 's'}{more}" for count, noun, more in counts)
