"""What a process that runs for long is made of: signals, a log without floods, durations."""

import json
import os
import signal

import pytest

from wiresniff.cli.durations import seconds_of
from wiresniff.cli.log import REPEATED_SECONDS, Log, LogFormat
from wiresniff.cli.signals import Signals
from wiresniff.model.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("60s", 60), ("5m", 300), ("1.5h", 5400), ("1d", 86_400), (" 250ms ", 0.25)]
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    """Seconds without a unit."""
    assert seconds_of(text, "--for") == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "-5s", "1h30m", "five", "5 minutes", "inf", "1e3"])
def test_anything_else_is_no_duration(text: str) -> None:
    """The sentence says what to write instead."""
    with pytest.raises(UsageError, match="for example 60s"):
        seconds_of(text, "--for")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_to_end_is_noted(number: signal.Signals) -> None:
    """The loop ends when it looks; what was done before is put back."""
    before = signal.getsignal(number)
    with Signals() as signals:
        assert not signals.ends
        os.kill(os.getpid(), number)
        assert signals.ends
    assert signal.getsignal(number) is before


def test_reload_and_report_are_asked_for_once() -> None:
    """Each signal is one request, however often it is looked at."""
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        assert (signals.take_reload(), signals.take_reload(), signals.take_report()) == (True, False, False)
        os.kill(os.getpid(), signal.SIGUSR1)
        assert (signals.take_report(), signals.take_report(), signals.ends) == (True, False, False)


def test_a_line_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    """Time, level, event, particulars; what is several words stands in quotes."""
    Log(LogFormat.CONSOLE).tell("warning", "policy-refused", file="a b.yaml", line=3)
    _, level, *words = capsys.readouterr().err.split()
    assert [level, *words] == ["WARNING", "policy-refused", 'file="a', 'b.yaml"', "line=3"]


def test_a_line_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON, one object a line, whatever the values hold."""
    Log(LogFormat.JSON).tell("info", "watching", interfaces="eth0\nlo")
    line = json.loads(capsys.readouterr().err)
    assert line.pop("time").endswith("Z")
    assert line == {"level": "info", "event": "watching", "interfaces": "eth0\nlo"}


def test_an_event_that_goes_on_is_told_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same about another thing is another event; what was left out is counted."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    log = Log(LogFormat.JSON)
    for _ in range(50):
        log.tell("warning", "capture-drops", "eth0", packets=7)
    log.tell("warning", "capture-drops", "eth1", packets=7)
    now[0] += REPEATED_SECONDS
    log.tell("warning", "capture-drops", "eth0", packets=7)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line.get("repeated") for line in lines] == [None, None, 49]
