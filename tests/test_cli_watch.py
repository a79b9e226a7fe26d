"""`wiresniff watch`: what it does on bad options, without rights, on signals, and while it runs."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from namespaces import needs_namespaces

WATCH = (sys.executable, "-m", "wiresniff", "watch")
PATIENCE_SECONDS = 20


def run(*options: str) -> "subprocess.CompletedProcess[str]":
    """Run a watch that ends by itself."""
    return subprocess.run([*WATCH, *options], capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-i", "lo", "--for", "soon"), "--for soon: not a duration"),
        (("-i", "any", "-i", "lo"), "name it alone"),
        (("-i", "lp", "--for", "60s"), "did you mean lo?"),
        (("-i", "lo,lo", "--for", "60s"), "there is no interface 'lo,lo' here"),
        (("-i", ""), "there is no interface '' here"),
        (("-i", "an-interface-of-a-long-name"), "there is no interface 'an-interface-of' here"),
        (("-i", "a b"), "there is no interface 'a b' here"),
        (("-i", "lo", "--listen", "nowhere"), "--listen nowhere"),
        (("-i", "lo", "--policy", "/nonexistent.yaml"), "/nonexistent.yaml"),
        (("-i", "lo", "--web-config", "/nonexistent.yaml"), "/nonexistent.yaml"),
        (("-i", "lo", "--filter", "tcp and and"), "tcp and and"),
    ],
)
def test_a_mistake_is_one_sentence(options: tuple[str, ...], words: str) -> None:
    """What, where, and no traceback; exit status 2."""
    done = run(*options)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@contextmanager
def watching(*options: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a watch of the loopback until the block is left."""
    process = subprocess.Popen(
        [*WATCH, "-i", "lo", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: "subprocess.Popen[str]", word: str) -> str:
    """Return the line of the log that has a word."""
    assert process.stderr is not None
    for line in process.stderr:
        if word in line:
            return line
    raise AssertionError(f"{word} was never said")


@needs_namespaces
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_it_counts_serves_reloads_reports_and_ends(tmp_path: Path, jobs: str) -> None:
    """One life: a request is counted, a wrong policy refused, another adopted, and a report by that one at the end."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nservices:\n  front: {ports: [9876]}\n")
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", "9876", "--bind", "127.0.0.1", "--directory", str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        options = ("--policy", str(policy), "--listen", "127.0.0.1:9877", "--log-format", "json", "--jobs", jobs)
        with watching(*options) as process:
            assert json.loads(read_until(process, "watching"))["rights"].startswith("no capability is kept")
            read_until(process, "capture-up")
            wait_for("http://127.0.0.1:9876/")
            metrics = "http://127.0.0.1:9877/metrics"
            wait_for(metrics, 'client="localhost",server="front",protocol="http/1",verdict="missing"')
            policy.write_text("version: 1\nservises: []\n")
            process.send_signal(signal.SIGHUP)
            assert "services" in json.loads(read_until(process, "policy-refused"))["why"]
            wait_for(metrics, "wiresniff_policy_last_reload_successful 0")
            policy.write_text("version: 1\nservices:\n  shop: {ports: [9876]}\n")
            process.send_signal(signal.SIGHUP)
            read_until(process, "policy-reloaded")
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            report, _ = process.communicate(timeout=PATIENCE_SECONDS)
            assert time.monotonic() - began < 5
            assert process.returncode == 0
            assert "localhost → shop" in report
            assert "- lo: live" in report
    finally:
        server.kill()
        server.wait()


@needs_namespaces
def test_a_reload_without_a_policy_is_none() -> None:
    """SIGHUP finds no file to read again, and the log says that."""
    with watching("--listen", "none", "--log-format", "json") as process:
        read_until(process, "capture-up")
        process.send_signal(signal.SIGHUP)
        assert json.loads(read_until(process, "policy-"))["event"] == "policy-absent"


@needs_namespaces
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")  # noqa: PTH110
def test_records_on_a_full_disk_cost_no_report(tmp_path: Path) -> None:
    """A request is counted and served; at the end the report is printed, and status 2 says that records lack."""
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", "9873", "--bind", "127.0.0.1", "--directory", str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with watching("--listen", "127.0.0.1:9874", "--exchanges", "/dev/full") as process:
            read_until(process, "capture-up")
            wait_for("http://127.0.0.1:9873/")
            wait_for("http://127.0.0.1:9874/metrics", 'protocol="http/1",verdict="missing"')
            process.terminate()
            report, last = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 2
        assert report.startswith("judged 1 request ")
        assert "wiresniff: /dev/full: can't be written: No space left on device" in last
    finally:
        server.kill()
        server.wait()


def fetch(address: str) -> str:
    """Return what a server answers."""
    assert address.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(address, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
        octets: bytes = answer.read()
    return octets.decode()


def wait_for(address: str, words: str = "") -> None:
    """Ask until somebody answers, and these words are in the answer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError):
            if words in fetch(address):
                return
        time.sleep(0.1)
    raise AssertionError(f"{address} never said {words!r}")


@needs_namespaces
def test_it_ends_by_itself_and_prints_what_it_saw() -> None:
    """`--for`: the report on standard output, nothing else there."""
    done = run("-i", "lo", "--for", "500ms", "--listen", "none", "--format", "json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert [(capture["name"], capture["format"]) for capture in report["captures"]] == [("lo", "live")]


@pytest.mark.skipif(os.geteuid() != 0, reason="gives up rights that only root has")
def test_without_the_right_it_lives_and_says_so() -> None:
    """A sidecar must not take its pod down; the log has the advice once. `--require-capture` ends it with status 3."""
    without = ("setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw")
    done = subprocess.run(
        [*without, *WATCH, "-i", "lo", "--require-capture", "--listen", "none"],
        capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    assert done.returncode == 3
    process = subprocess.Popen(
        [*without, *WATCH, "-i", "lo", "--listen", "127.0.0.1:9878"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        refused = read_until(process, "capture-refused")
        assert "interfaces=lo" in refused
        assert "NET_RAW" in refused
        read_until(process, "watching")
        assert 'wiresniff_capture_up{interface="lo"} 0' in fetch("http://127.0.0.1:9878/metrics")
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
        assert process.stdout is not None
        assert process.stderr is not None
        assert "NET_RAW" in process.stdout.read()
        assert process.stderr.read() == ""
