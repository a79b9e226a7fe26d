"""The program on a terminal: progress, Ctrl-C, colours, width; and what it must not do elsewhere."""

import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path

import pytest
from cli_running import TOUR, environment, started

from wiresniff.cli.exits import Exit

TOUR_BYTES = Path(TOUR).read_bytes()
WAIT_SECONDS = 20
INTERRUPTED = "wiresniff: interrupted; the report covers what was read so far\n"


def packets(count: int) -> bytes:
    """Return the file header and the first packets of the tour."""
    at = 24
    for _ in range(count):
        at += 16 + int.from_bytes(TOUR_BYTES[at + 8 : at + 12], "little")
    return TOUR_BYTES[:at]


@contextmanager
def terminal(columns: int = 100) -> Iterator[tuple[int, int]]:
    """Give both ends of a terminal: ours, and the one that a program takes for a person's."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    try:
        yield ours, theirs
    finally:
        os.close(ours)
        os.close(theirs)


def shown(ours: int, until: str = "", seconds: float = WAIT_SECONDS) -> str:
    """Return what a terminal shows from now on, up to `until`, or to where nothing more comes at once."""
    text = ""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([ours], [], [], 0.1)[0]:
            text += os.read(ours, 65536).decode()
        elif not until:
            break
        if until and until in text:
            break
    return text


def audit(*arguments: str, stdout: int, stderr: int, columns: str | None = None) -> "subprocess.Popen[bytes]":
    """Start an audit whose standard input is a pipe."""
    variables = environment(TERM="xterm") | ({"COLUMNS": columns} if columns else {})
    return subprocess.Popen(
        [sys.executable, "-m", "wiresniff", "audit", *arguments],
        stdin=subprocess.PIPE, stdout=stdout, stderr=stderr, env=variables,
    )  # fmt: skip


def test_a_line_of_counters_lives_while_standard_input_is_read() -> None:
    """It counts packets while they come, is right while none come, and is gone when the report is printed."""
    with (
        terminal() as (ours, theirs),
        audit("-", stdout=subprocess.PIPE, stderr=theirs) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(packets(50))
        process.stdin.flush()
        assert "50 packets in 0:0" in shown(ours, until="50 packets")
        process.stdin.write(packets(80)[len(packets(50)) :])
        process.stdin.flush()
        assert "Ctrl-C ends the input and prints the report" in shown(ours, until="80 packets in")
        process.stdin.close()
        report = process.stdout.read().decode()
        process.wait(WAIT_SECONDS)
        assert shown(ours).endswith("\r\x1b[2K")
    assert report.startswith("judged ")
    assert "\x1b" not in report
    assert process.returncode == Exit.DONE


def test_ctrl_c_ends_silent_input_and_prints_the_report_at_once() -> None:
    """Everything that came before it is in the report; standard input stays open all the time."""
    with (
        terminal() as (ours, theirs),
        audit("-", "--format", "json", stdout=subprocess.PIPE, stderr=theirs) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(packets(100))
        process.stdin.flush()
        shown(ours, until="100 packets in")
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        report = process.stdout.read().decode()
        assert process.wait(WAIT_SECONDS) == Exit.DONE
        assert time.monotonic() - begun < WAIT_SECONDS / 2
        assert INTERRUPTED.strip() in shown(ours)
    assert '"packets": 100' in report


def test_elsewhere_nothing_is_shown_meanwhile() -> None:
    """Standard error that is no terminal holds the one sentence about Ctrl-C."""
    with audit("-", "--exchanges", "-", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(TOUR_BYTES)
        process.stdin.flush()
        assert select.select([process.stdout], [], [], WAIT_SECONDS)[0]  # records come while input is open
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        said = process.stderr.read().decode()
    assert said.startswith(INTERRUPTED + "wiresniff: judged ")
    assert said.count("\n") == 2


def test_records_come_while_input_is_open() -> None:
    """Whoever reads along need not wait for the end; only the last second and a half is held back."""
    with audit("-", "--exchanges", "-", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(TOUR_BYTES)
        process.stdin.flush()
        assert select.select([process.stdout], [], [], WAIT_SECONDS)[0]
        assert process.stdout.readline().startswith(b'{"time":"2026-01-15T03:00:00.000480000Z"')
        process.stdin.close()
        process.stdout.read()


def test_a_terminal_as_standard_input_is_a_mistake() -> None:
    """Nobody types a capture; it says what to pipe."""
    with terminal() as (_, theirs):
        done = subprocess.run(
            [sys.executable, "-m", "wiresniff", "audit", "-"],
            stdin=theirs, capture_output=True, env=environment(), timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == Exit.USAGE
    assert b"tcpdump -i any -U -w - tcp | wiresniff audit -" in done.stderr


@pytest.mark.parametrize("columns", [80, 120])
def test_the_report_is_as_wide_as_the_terminal(columns: int) -> None:
    """And has colours there."""
    with terminal(columns) as (ours, theirs):
        process = audit(TOUR, stdout=theirs, stderr=subprocess.PIPE)
        text = shown(ours, until="03:00:01 UTC" if columns > 100 else "UTC\r\n")
        process.communicate(timeout=WAIT_SECONDS)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).split("\r\n")
    assert "\x1b[1;31mERROR\x1b[0m" in text
    assert max(map(len, lines)) == columns


@pytest.mark.parametrize(
    ("variables", "is_coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colours_elsewhere_only_by_force(variables: dict[str, str], is_coloured: bool) -> None:
    """https://no-color.org wins."""
    done = started("audit", TOUR, **variables)
    assert ("\x1b[" in done.out) == is_coloured


def test_columns_decide_elsewhere() -> None:
    """A pipe is as wide as it is said to be; a hundred columns else."""
    assert max(map(len, started("audit", TOUR, COLUMNS="80").out.splitlines())) == 80
    assert max(map(len, started("audit", TOUR).out.splitlines())) == 100
