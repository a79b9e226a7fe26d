"""What a person gets wrong: one sentence on standard error, the exit status, and the rest of the work done."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from capture_files import block, interface, section
from cli_running import TOUR, environment, ran, started

from wiresniff.cli.exits import Exit

TOUR_BYTES = Path(TOUR).read_bytes()
USER0, BLUETOOTH = 147, 201
HUGE = block(6, bytes(28))[:4] + (0xFFFFFFFC).to_bytes(4, "little") + bytes(200)
"""An enhanced packet block that claims 4 GiB."""


def with_link_type(link_type: int) -> bytes:
    """Return the tour with another link type in its file header."""
    return TOUR_BYTES[:20] + link_type.to_bytes(4, "little") + TOUR_BYTES[24:]


UNREADABLE = {
    "empty": (b"", "it is empty"),
    "picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
    "json": (b'{"a": 1}', "JSON"),
    "text": (b"Dear all,\nthe trace is gone.\n", "text"),
    "header cut": (TOUR_BYTES[:20], "cut short in its file header"),
    "user link type": (with_link_type(USER0), "link type 147 (USER0)"),
    "bluetooth": (with_link_type(BLUETOOTH), "link type 201 (BLUETOOTH_HCI_H4_WITH_PHDR)"),
}


@pytest.mark.parametrize("kind", list(UNREADABLE))
def test_what_cannot_be_read_is_told_and_the_rest_is_audited(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str
) -> None:
    """On standard error and in the report; status 3."""
    data, words = UNREADABLE[kind]
    path = tmp_path / "capture"
    path.write_bytes(data)
    done = ran(capsys, "audit", path, TOUR)
    assert done.status == Exit.CAPTURE
    assert done.err.startswith(f"wiresniff: {path}: ")
    assert words in done.err
    assert done.err.count("\n") == 1
    assert words in " ".join(done.out.split())
    assert "judged 314 requests" in done.out


@pytest.mark.parametrize(("name", "words"), [("missing.pcap", "there is no such file"), (".", "it is a directory")])
def test_what_is_no_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    """Nothing, or a directory."""
    monkeypatch.chdir(tmp_path)
    done = ran(capsys, "audit", name)
    assert (done.status, done.out.split("\n")[0]) == (
        Exit.CAPTURE,
        "judged 0 requests: no TCP payload bytes were seen",
    )
    assert words in done.err


def test_a_file_that_may_not_be_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever runs the tests may be allowed everything, so the system is made to say no."""
    path = tmp_path / "secret.pcap"
    path.write_bytes(TOUR_BYTES)
    really = os.open

    def refuse(name: str, flags: int, *rest: int, **more: int) -> int:
        if name == str(path):
            raise PermissionError(13, "Permission denied")
        return really(name, flags, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    done = ran(capsys, "audit", path)
    assert (done.status, done.err) == (
        Exit.CAPTURE,
        f"wiresniff: {path}: it may not be read by this user (permission denied)\n",
    )


def test_a_capture_cut_in_a_packet_is_audited_as_far_as_it_goes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """With a warning, and no bad status: it happens whenever a capture is copied while it is written."""
    path = tmp_path / "cut.pcap"
    path.write_bytes(TOUR_BYTES[:100_000])
    done = ran(capsys, "audit", path)
    assert done.status == Exit.DONE
    assert done.out.startswith("judged 142 requests")
    assert done.err.startswith(f"wiresniff: {path}: warning: it is cut short")
    assert "after packet 537" in done.err


def test_a_block_that_claims_four_gigabytes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Nothing of that size is asked for; what came before is audited."""
    path = tmp_path / "huge.pcapng"
    path.write_bytes(section() + interface() + HUGE)
    done = ran(capsys, "audit", path)
    assert done.status == Exit.DONE
    assert "damaged" in done.err
    assert "claims 4,294,967,292 bytes" in done.err


POLICIES = {
    "unknown key": ("version: 1\nservces: {}\n", ':2: the policy has no key "servces"; did you mean "services"?'),
    "wrong type": ("version: 1\nservices:\n  a: {ports: many}\n", ":3: "),
    "no YAML": ("version: 1\nservices: [\n", "not valid YAML"),
    "empty": ("", "the policy is empty"),
}


@pytest.mark.parametrize("kind", list(POLICIES))
def test_a_policy_with_a_mistake(capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str) -> None:
    """File, line, and what is probably meant; nothing is audited."""
    text, words = POLICIES[kind]
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    done = ran(capsys, "audit", TOUR, "--policy", path)
    assert (done.status, done.out) == (Exit.USAGE, "")
    assert done.err.startswith(f"wiresniff: {path}:")
    assert words in done.err
    assert done.err.count("\n") == 1


CALLS = {
    "no such format": ((TOUR, "--format", "xml"), "'text', 'json', 'html', 'markdown'"),
    "no such severity": ((TOUR, "--fail-on", "loud"), "'none', 'info', 'warning', 'error'"),
    "no such level": ((TOUR, "--level", "3"), "'1', '2'"),
    "no such values": ((TOUR, "--show-values", "all"), "'none', 'baggage'"),
    "negative": ((TOUR, "--min-requests", "-1"), "--min-requests"),
    "no number": ((TOUR, "--min-requests", "few"), "--min-requests"),
    "misspelt option": ((TOUR, "--polcy", "x"), "--policy"),
    "option without value": ((TOUR, "--policy"), "--policy"),
    "no capture": ((), "CAPTURE"),
    "standard input twice": (("-", "-"), "once only"),
    "filter syntax": ((TOUR, "--filter", "tcp prt 80"), "man 7 pcap-filter"),
    "impossible filter": ((TOUR, "--filter", "tcp and udp"), "rejects all packets"),
    "no folder": ((TOUR, "--output", "nowhere/report.txt"), "there is no folder nowhere"),
    "output is a directory": ((TOUR, "--output", "."), "it is a directory"),
    "metrics nowhere": ((TOUR, "--metrics", "nowhere/m.prom"), "there is no folder nowhere"),
    "metrics to standard output": ((TOUR, "--metrics", "-"), "metrics go to a file"),
    "records are a directory": ((TOUR, "--exchanges", "."), "it is a directory"),
    "two in one file": ((TOUR, "--output", "x", "--metrics", "./x"), "name two files"),
    "two on standard output": ((TOUR, "--output", "-", "--exchanges", "-"), "standard output; name two files"),
    "policy is missing": ((TOUR, "--policy", "nowhere.yaml"), "there is no such file"),
}


@pytest.mark.parametrize("kind", list(CALLS))
def test_a_wrong_call_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Status 2 before any work, nothing on standard output, no file made."""
    monkeypatch.chdir(tmp_path)
    arguments, words = CALLS[kind]
    done = ran(capsys, "audit", *arguments)
    assert (done.status, done.out) == (Exit.USAGE, "")
    assert done.err.startswith("wiresniff: ")
    assert words in done.err
    assert done.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_call_weighs_more_than_a_missing_capture(capsys: pytest.CaptureFixture[str]) -> None:
    """The first of 2, 3, 4, 1."""
    assert ran(capsys, "audit", "missing.pcap", "--filter", "tcp prt").status == Exit.USAGE


def test_a_misspelt_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Names the nearest."""
    done = ran(capsys, "adit", TOUR)
    assert done.status == Exit.USAGE
    assert "'audit'" in done.err


@pytest.mark.parametrize("arguments", [(), ("policy",)])
def test_nothing_asked_for_gets_the_help(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    """On standard error, since it is no answer to anything."""
    done = ran(capsys, *arguments)
    assert (done.status, done.out) == (Exit.USAGE, "")
    assert "Commands:" in done.err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")  # noqa: PTH110
@pytest.mark.parametrize("arguments", [("audit", TOUR), ("audit", TOUR, "--exchanges", "-"), ("explain",)])
def test_a_full_disk_is_one_sentence(arguments: tuple[str, ...]) -> None:
    """Also where the shell opened the file."""
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "wiresniff", *arguments],
            stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == Exit.USAGE
    assert done.stderr == b"wiresniff: standard output can't be written: No space left on device\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")  # noqa: PTH110
@pytest.mark.parametrize("window", [10_000, 1], ids=["at the end", "at once"])
def test_records_on_a_full_disk_cost_no_other_result(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    """A file of our own opening: the report and the metrics are what they are without records; status 2 weighs most."""
    monkeypatch.setattr("wiresniff.model.limits.RECORD_WINDOW_RECORDS", window)
    metrics = tmp_path / "m.prom"
    expected = ran(capsys, "audit", TOUR).out
    wanted = ("--metrics", str(metrics), "--fail-on", "error")
    done = ran(capsys, "audit", TOUR, "--exchanges", "/dev/full", *wanted)
    assert (done.status, done.out) == (Exit.USAGE, expected)
    assert done.err.startswith("wiresniff: /dev/full: can't be written: No space left on device")
    assert done.err.count("\n") == 1
    assert "wiresniff_requests_total" in metrics.read_text()


def test_standard_output_that_is_full_costs_no_other_result(tmp_path: Path) -> None:
    """Records go there, the report elsewhere."""
    report = tmp_path / "report.txt"
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "wiresniff", "audit", TOUR, "--exchanges", "-", "--output", str(report)],
            stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == Exit.USAGE
    assert done.stderr.endswith(b"wiresniff: standard output can't be written: No space left on device\n")
    assert report.read_text().startswith("judged")


@pytest.mark.parametrize("arguments", [("audit", TOUR), ("explain",), ("policy", "schema")])
def test_a_reader_that_goes_is_no_mistake(arguments: tuple[str, ...]) -> None:
    """`| head -1`: no traceback, no complaint."""
    with subprocess.Popen(
        [sys.executable, "-m", "wiresniff", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == Exit.DONE


def test_a_gate_holds_when_nobody_reads_the_report() -> None:
    """`--fail-on error | head -1` is no pass."""
    with subprocess.Popen(
        [sys.executable, "-m", "wiresniff", "audit", TOUR, "--fail-on", "error", "--exchanges", "-"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        process.stderr.read()
    assert process.returncode == Exit.FOUND


def test_a_terminal_without_arrows_gets_question_marks() -> None:
    """Not a traceback."""
    done = started("audit", TOUR, PYTHONIOENCODING="ascii")
    assert done.status == Exit.DONE
    assert "shop-web ? catalog" in done.out
