"""Runs the program: within this process where only its words count, as a process of its own where more does."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from wiresniff.cli.app import run

ROOT = Path(__file__).resolve().parents[1]
TOUR = str(ROOT / "fixtures" / "pcaps" / "tour.pcap")
DECIDING = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM", "PYTHONIOENCODING")
"""Variables that decide on colours and width."""


class Ran(NamedTuple):
    """What a command said and how it ended."""

    status: int
    out: str
    err: str


def ran(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ran:
    """Run a command in this process."""
    status = run([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return Ran(status, said.out, said.err)


def environment(**variables: str) -> dict[str, str]:
    """Return the environment without what decides on colours and width, and with `variables`."""
    return {name: value for name, value in os.environ.items() if name not in DECIDING} | variables


def started(*arguments: object, stdin: bytes = b"", **variables: str) -> Ran:
    """Run a command as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "wiresniff", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env=environment(**variables),
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
