"""How quickly the program answers: what is not needed is not imported."""

import subprocess
import sys

import pytest
from cli_running import TOUR, environment

SAY_MODULES = """
import sys
from wiresniff.cli.app import run
status = run(sys.argv[1:])
print(" ".join(sys.modules), file=sys.stderr)
"""


def imported(*arguments: str) -> set[str]:
    """Return the top-level modules that a command imports."""
    done = subprocess.run(
        [sys.executable, "-c", SAY_MODULES, *arguments],
        capture_output=True, text=True, env=environment(), timeout=60, check=True,
    )  # fmt: skip
    return {name.partition(".")[0] for name in done.stderr.split("\n")[-2].split()}


LATE = {"numpy", "rich", "yaml", "zstandard", "pcapy", "prometheus_client"}


@pytest.mark.parametrize("arguments", [("--help",), ("audit", "--help"), ("--version",), ("explain", "--help")])
def test_help_needs_nothing(arguments: tuple[str, ...]) -> None:
    """It comes at once."""
    assert imported(*arguments) & LATE == set()


@pytest.mark.parametrize(
    ("options", "needed"),
    [
        (("--format", "json"), {"numpy"}),
        (("--format", "text"), {"numpy", "rich"}),
        (("--format", "markdown"), {"numpy"}),
        (("--format", "html"), {"numpy"}),
        (("--format", "json", "--filter", "tcp"), {"numpy", "pcapy"}),
        (("--format", "json", "--metrics", "/dev/null"), {"numpy", "prometheus_client"}),
    ],
)
def test_an_audit_imports_what_it_needs(options: tuple[str, ...], needed: set[str]) -> None:
    """Libraries of a format, an option or a kind of file come with it."""
    assert imported("audit", TOUR, *options) & LATE == needed
