"""`--jobs`: the same result, whoever does the work."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_running import ROOT, TOUR, ran, started
from live_running import END_SECONDS, fetched, running, wait_for
from namespaces import Namespace, needs_namespaces

PATIENCE_SECONDS = 30
PCAPS = ROOT / "fixtures" / "pcaps"
CAPTURES = sorted(path.name for path in PCAPS.iterdir() if {".pcap", ".pcapng"} & set(path.suffixes[:1]))


def results(
    capsys: pytest.CaptureFixture[str], folder: Path, jobs: int, *arguments: object, records: bool
) -> list[str]:
    """Return everything that an audit writes: report, metrics, and records if they are wanted."""
    report, metrics, exchanges = folder / "report", folder / "metrics", folder / "exchanges"
    wanted = ("--exchanges", exchanges, "--format", "markdown") if records else ("--format", "json")
    done = ran(capsys, "audit", *arguments, "--jobs", jobs, "--output", report, "--metrics", metrics, *wanted)
    return [
        str(done.status),
        done.err,
        report.read_text(),
        metrics.read_text(),
        exchanges.read_text() if records else "",
    ]


@pytest.mark.parametrize("records", [False, True], ids=["counted", "records"])
@pytest.mark.parametrize("name", CAPTURES)
def test_a_capture_is_audited_alike(
    name: str, records: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Report, metrics and records are equal to the byte for one, two and three jobs."""
    assert name
    one, *others = (results(capsys, tmp_path, jobs, PCAPS / name, records=records) for jobs in (1, 2, 3))
    assert others == [one, one]


def test_text_is_alike_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    """The usual format, with findings and what each service does with the trace."""
    texts = [ran(capsys, "audit", TOUR, "--jobs", jobs).out for jobs in (1, 2)]
    assert texts[0] == texts[1]
    assert "Findings" in texts[0]


def test_several_capture_points_are_joined_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One request that two captures saw counts once, whoever dissected it."""
    copy = tmp_path / "elsewhere.pcap"
    copy.write_bytes(Path(TOUR).read_bytes())
    one, two = (results(capsys, tmp_path, jobs, TOUR, copy, records=False) for jobs in (1, 2))
    assert one == two
    assert json.loads(one[2])["accounting"]["duplicate_exchanges"] > 0


def test_exemptions_that_name_services_are_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names are learned from all connections, and may exempt requests of any."""
    policy = tmp_path / "policy.yaml"
    policy.write_text('version: 1\nexempt:\n  - {client: orders, server: "*"}\n')
    one, two = (results(capsys, tmp_path, jobs, TOUR, "--policy", policy, records=False) for jobs in (1, 2))
    assert one == two
    assert json.loads(one[2])["judged"]["exempt"] > 0


def test_a_filter_holds_for_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it drops is counted once."""
    one, two = (results(capsys, tmp_path, jobs, TOUR, "--filter", "tcp port 8080", records=False) for jobs in (1, 2))
    assert one == two


def test_standard_input_is_shared_too() -> None:
    """What comes through a pipe can't be read by several; it is given to them."""
    capture = Path(TOUR).read_bytes()
    one, two = (started("audit", "-", "--jobs", jobs, "--format", "json", stdin=capture) for jobs in (1, 2))
    assert one == two
    assert one.status == 0


def test_a_capture_that_can_not_be_read_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, status 3."""
    done = ran(capsys, "audit", tmp_path / "nothing.pcap", "--jobs", 2)
    assert done.status == 3
    assert done.err.count("there is no such file") == 1


def test_the_number_of_jobs_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody means 0 of them."""
    done = ran(capsys, "audit", TOUR, "--jobs", 0)
    assert done.status == 2
    assert "--jobs" in done.err


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the workers in /proc")
def test_a_job_that_is_killed_ends_the_audit_with_a_sentence() -> None:
    """Its share would be missing: that is no report."""
    process = subprocess.Popen(
        [sys.executable, "-m", "wiresniff", "audit", "-", "--jobs", "2"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with process:
        assert process.stdin is not None
        os.kill(children_of(process.pid)[0], signal.SIGKILL)
        _, said = process.communicate(Path(TOUR).read_bytes(), timeout=60)
        assert process.returncode == 3
        assert said.startswith(b"wiresniff: job 1 was killed (signal 9)")


def children_of(parent: int) -> list[int]:
    """Wait until a process has two children; return them, the oldest first."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        if len(children) == 2:
            return [int(child) for child in children]
        time.sleep(0.02)
    raise AssertionError("there were no workers")


# --- live ---


def test_witness_files_need_one_process(capsys: pytest.CaptureFixture[str]) -> None:
    """The packets pass in several: said before anything is opened."""
    done = ran(capsys, "watch", "-i", "lo", "--jobs", 2, "--witnesses", "proof.pcapng", "--listen", "none")
    assert done.status == 2
    assert "leave out --jobs" in done.err


@needs_namespaces
def test_two_jobs_watch_as_one(tmp_path: Path) -> None:
    """Each connection is followed by one of them; metrics and report tell of all."""
    place = Namespace()
    (tmp_path / "index.html").write_text("hello")
    log, report = tmp_path / "log", tmp_path / "report.json"
    server = (sys.executable, "-m", "http.server", "9876", "--bind", "127.0.0.1", "--directory", tmp_path)
    watch = (
        sys.executable, "-m", "wiresniff", "watch", "-i", "lo", "--jobs", "2", "--listen", "127.0.0.1:9877",
        "--filter", "port 9876", "--format", "json", "--output", report, "--log-format", "json",
    )  # fmt: skip
    with running(place, *server, log=tmp_path / "server"), running(place, *watch, log=log) as process:
        wait_for("capture", lambda: "capture-up" in log.read_text(), PATIENCE_SECONDS)
        wait_for("server", lambda: fetched(place, "http://127.0.0.1:9876/"), PATIENCE_SECONDS)
        for _ in range(40):
            assert fetched(place, "http://127.0.0.1:9876/") is not None
        counted = 'server="localhost:9876",protocol="http/1",verdict="missing",reporter="server"} 41'
        metrics = "http://127.0.0.1:9877/metrics"
        wait_for("count", lambda: counted in (fetched(place, metrics) or ""), PATIENCE_SECONDS)
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_SECONDS) == 0
    told = json.loads(report.read_text())
    assert [pair["missing"] for pair in told["pairs"]] == [41]
    assert told["accounting"]["connections"] >= 41


@needs_namespaces
def test_a_job_that_dies_ends_the_watch(tmp_path: Path) -> None:
    """What it would have seen is nobody's: whoever runs the watch starts it anew."""
    place = Namespace()
    log = tmp_path / "log"
    watch = (sys.executable, "-m", "wiresniff", "watch", "-i", "lo", "--jobs", "2", "--listen", "none")
    with running(place, *watch, log=log) as process:
        wait_for("capture", lambda: "capture-up" in log.read_text(), PATIENCE_SECONDS)
        os.kill(children_of(process.pid)[1], signal.SIGKILL)
        assert process.wait(END_SECONDS) == 3
    assert "job 2 was killed (signal 9)" in log.read_text()
