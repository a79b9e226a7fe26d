"""`wiresniff policy`: check and schema."""

import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from wiresniff.cli.policy import app
from wiresniff.config.reference import policy_reference
from wiresniff.config.schema import EXAMPLE
from wiresniff.model.errors import PolicyError


def test_check_says_what_a_policy_contains(tmp_path: Path) -> None:
    """One line on standard output."""
    path = tmp_path / "policy.yaml"
    path.write_text(EXAMPLE)
    result = CliRunner().invoke(app, ["check", str(path)])
    assert result.exit_code == 0
    assert result.stdout == f"{path}: valid; 4 services, 3 exemptions besides the defaults, 1 threshold\n"


def test_check_lets_a_mistake_escape_as_a_sentence(tmp_path: Path) -> None:
    """The command line turns it into a line on standard error and exit status 2."""
    path = tmp_path / "policy.yaml"
    path.write_text("version: 3")
    result = CliRunner().invoke(app, ["check", str(path)])
    assert isinstance(result.exception, PolicyError)
    assert str(result.exception).startswith(f'{path}:1: version "3" is not known')
    assert not result.stdout


def test_schema_prints_the_reference() -> None:
    """The same text that the loader works by."""
    result = CliRunner().invoke(app, ["schema"])
    assert (result.exit_code, result.stdout) == (0, policy_reference())


def test_importing_the_command_reads_no_yaml() -> None:
    """Help is quick: what a command needs is imported when it runs."""
    code = "import sys, wiresniff.cli.policy; print(*sorted({'yaml', 'numpy', 'wiresniff.config'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
