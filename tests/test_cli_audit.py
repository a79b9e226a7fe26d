"""`wiresniff audit` on captures that can be read: where what goes, and how it ends."""

import gzip
import json
import lzma
import os
from collections import Counter
from pathlib import Path

import pytest
import zstandard
from builders import Conversation, pcap_bytes, request, response, traceparent
from cli_running import TOUR, ran, started

from wiresniff.cli.exits import Exit

TOUR_BYTES = Path(TOUR).read_bytes()
JUDGED = "judged 314 requests in 97.4 % of TCP payload bytes; 2.6 % opaque (TLS 2.6 %)"


def test_the_report_is_all_that_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is said on standard error when nothing is wrong and nobody looks on."""
    done = ran(capsys, "audit", TOUR)
    assert done.out.startswith(f"{JUDGED}\n")
    assert (done.status, done.err) == (Exit.DONE, "")


def test_formats(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON is one object, Markdown has tables; both begin with what was judged."""
    report = json.loads(ran(capsys, "audit", TOUR, "--format", "json").out)
    assert report["schema"] == "wiresniff/report/1"
    assert report["judged"]["line"] == JUDGED
    assert ran(capsys, "audit", TOUR, "--format", "markdown").out.startswith(f"{JUDGED}\n\n### Service pairs")
    assert f"<h1>{JUDGED}</h1>" in ran(capsys, "audit", TOUR, "--format", "html").out


def test_a_report_in_a_file_leaves_a_summary_on_standard_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Whoever runs it sees how it went; the file is a hundred columns wide and has no colours."""
    path = tmp_path / "report.txt"
    done = ran(capsys, "audit", TOUR, "--output", path)
    assert done == (Exit.DONE, "", f"wiresniff: {JUDGED}; 3 errors, 2 warnings, 1 info\n")
    assert path.read_text().startswith(f"{JUDGED}\n")
    assert max(map(len, path.read_text().splitlines())) <= 100
    assert [each.name for each in tmp_path.iterdir()] == ["report.txt"]


def test_records_on_standard_output_come_instead_of_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line, one line a request, in order of time."""
    done = ran(capsys, "audit", TOUR, "--exchanges", "-")
    records = [json.loads(line) for line in done.out.splitlines()]
    assert len(records) == 330
    assert [record["time"] for record in records] == sorted(record["time"] for record in records)
    assert Counter(record["wiresniff.verdict"] for record in records)["missing"] == 96
    assert {record["wiresniff.capture"] for record in records} == {TOUR}
    assert done.err == f"wiresniff: {JUDGED}; 3 errors, 2 warnings, 1 info\n"


def test_everything_at_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Records, metrics and the report, each where it belongs."""
    records, metrics, report = tmp_path / "records.jsonl", tmp_path / "wiresniff.prom", tmp_path / "report.json"
    options = ("--exchanges", records, "--metrics", metrics, "--output", report, "--format", "json")
    assert ran(capsys, "audit", TOUR, *options).status == Exit.DONE
    assert len(records.read_text().splitlines()) == 330
    series = 'wiresniff_requests_total{client="shop-web",protocol="http/1",reporter="capture",server="catalog",'
    assert f'{series}verdict="missing"}} 48.0\n' in metrics.read_text()
    assert json.loads(report.read_text())["judged"]["missing"] == 96


def test_metrics_replace_the_file_as_a_whole(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A collector may read at any time: never a half-written file, and none left beside it."""
    path = tmp_path / "wiresniff.prom"
    path.write_text("old")
    before = path.stat().st_ino
    ran(capsys, "audit", TOUR, "--metrics", path)
    assert path.stat().st_ino != before
    assert path.read_text().endswith("\n")
    assert os.listdir(tmp_path) == ["wiresniff.prom"]  # noqa: PTH208


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        ((), Exit.DONE, ""),
        (("--fail-on", "none"), Exit.DONE, ""),
        (("--fail-on", "error"), Exit.FOUND, "2 certain findings of severity error: exit status 1"),
        (("--fail-on", "warning"), Exit.FOUND, "4 certain findings of severity warning or above: exit status 1"),
        (("--fail-on", "info"), Exit.FOUND, "5 certain findings of severity info or above: exit status 1"),
        (("--fail-on", "error", "--min-requests", "314"), Exit.FOUND, "exit status 1"),
        (
            ("--fail-on", "error", "--min-requests", "315"),
            Exit.UNJUDGED,
            "314 requests could be judged, --min-requests asks for 315: exit status 4",
        ),
        (("--min-requests", "315"), Exit.DONE, ""),
    ],
)
def test_the_exit_status_and_why(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], status: Exit, said: str
) -> None:
    """Findings count only with --fail-on, and too few requests only with it."""
    done = ran(capsys, "audit", TOUR, *options)
    assert done.status == status
    assert done.err.startswith("wiresniff: ") if said else done.err == ""
    assert said in done.err


def test_a_healthy_capture_passes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The strictest gate is passed by 20 good requests, and an empty capture does not pass it."""
    talk = Conversation()
    talk.open()
    for number in range(20):
        talk.client_sends(request("GET", "/", fields=[("traceparent", traceparent(number + 1))]))
        talk.server_sends(response(200))
    (tmp_path / "good.pcap").write_bytes(pcap_bytes(talk.packets))
    (tmp_path / "idle.pcap").write_bytes(pcap_bytes(talk.packets[:3]))
    gate = ("--fail-on", "info")
    assert ran(capsys, "audit", tmp_path / "good.pcap", *gate).status == Exit.DONE
    assert ran(capsys, "audit", tmp_path / "idle.pcap", *gate).status == Exit.UNJUDGED


def test_an_unreadable_capture_weighs_more_than_findings(capsys: pytest.CaptureFixture[str]) -> None:
    """The first of 2, 3, 4, 1 that applies."""
    done = ran(capsys, "audit", TOUR, "missing.pcap", "--fail-on", "error", "--min-requests", "1000")
    assert done.status == Exit.CAPTURE
    assert done.out.startswith(JUDGED)


def test_the_level_decides_on_tracestate_keys(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A key that begins with a digit is good in Level 2 and bad in Level 1."""
    talk = Conversation()
    talk.open()
    talk.client_sends(request("GET", "/", fields=[("traceparent", traceparent(1)), ("tracestate", "1a=b")]))
    talk.server_sends(response(200))
    path = tmp_path / "key.pcap"
    path.write_bytes(pcap_bytes(talk.packets))
    states = {}
    for level in ("1", "2"):
        record = json.loads(ran(capsys, "audit", path, "--exchanges", "-", "--level", level).out)
        states[level] = record["wiresniff.tracestate"]
    assert states == {"1": "invalid", "2": "valid"}


def test_the_filter_leaves_the_rest_out_and_counts_it(capsys: pytest.CaptureFixture[str]) -> None:
    """As with tcpdump; packets keep their numbers."""
    done = ran(capsys, "audit", TOUR, "--filter", "host 10.20.0.17", "--format", "json")
    report = json.loads(done.out)
    assert report["accounting"]["filtered_packets"] == 1186 - report["accounting"]["packets"] > 0
    assert {pair["server"] for pair in report["pairs"]} == {"catalog"}
    assert report["findings"][0]["witnesses"][0]["packet"] == 28


def test_a_policy_names_services_and_exempts(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Its names stand in the report, its exemptions in no ratio."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "version: 1\nservices:\n  storefront: {addresses: [10.20.0.11]}\nexempt:\n  - {server: catalog, path: /items}\n"
    )
    report = json.loads(ran(capsys, "audit", TOUR, "--policy", policy, "--format", "json").out)
    pairs = {(pair["client"], pair["server"]): pair for pair in report["pairs"]}
    assert pairs["storefront", "catalog"]["exempt"] == 48
    assert "context-missing" not in {each["id"] for each in report["findings"] if each["server"] == "catalog"}


def test_baggage_is_shown_only_when_asked_for(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Its keys and size otherwise."""
    talk = Conversation()
    talk.open()
    talk.client_sends(request("GET", "/", fields=[("traceparent", traceparent(1)), ("baggage", "user=alice")]))
    talk.server_sends(response(200))
    path = tmp_path / "baggage.pcap"
    path.write_bytes(pcap_bytes(talk.packets))
    assert "alice" not in ran(capsys, "audit", path, "--exchanges", "-").out
    assert "alice" in ran(capsys, "audit", path, "--exchanges", "-", "--show-values", "baggage").out


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress, lzma.compress])
def test_standard_input_may_be_compressed(compress: object) -> None:
    """Told by content; the capture is called standard input."""
    assert callable(compress)
    done = started("audit", "-", stdin=compress(TOUR_BYTES))
    assert done.out.startswith(JUDGED)
    assert "- standard input: pcap" in done.out
    assert (done.status, done.err) == (Exit.DONE, "")


def cut_at(data: bytes, packet: int) -> int:
    """Return where the packet after so many begins in a classic capture."""
    at = 24
    for _ in range(packet):
        at += 16 + int.from_bytes(data[at + 8 : at + 12], "little")
    return at


def test_rotated_captures_are_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Connections go on across files, in whatever order these are named."""
    at = cut_at(TOUR_BYTES, 500)
    (tmp_path / "a.pcap").write_bytes(TOUR_BYTES[:at])
    (tmp_path / "b.pcap").write_bytes(TOUR_BYTES[:24] + TOUR_BYTES[at:])
    whole = json.loads(ran(capsys, "audit", TOUR, "--format", "json").out)
    split = json.loads(ran(capsys, "audit", tmp_path / "b.pcap", tmp_path / "a.pcap", "--format", "json").out)
    assert split["judged"] == whole["judged"]
    assert split["accounting"]["connections"] == whole["accounting"]["connections"]


def test_overlapping_captures_count_a_request_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Two capture points saw the same."""
    (tmp_path / "other.pcap").write_bytes(TOUR_BYTES)
    report = json.loads(ran(capsys, "audit", TOUR, tmp_path / "other.pcap", "--format", "json").out)
    assert report["judged"]["judged"] == 314
    assert report["accounting"]["duplicate_exchanges"] == 330


def test_one_file_given_twice_is_read_once(capsys: pytest.CaptureFixture[str]) -> None:
    """With a word on it."""
    done = ran(capsys, "audit", TOUR, TOUR)
    assert done.out.startswith(JUDGED)
    assert "given twice" in done.err
    assert done.status == Exit.DONE


def test_a_capture_that_cannot_be_read_leaves_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    """It is told in the report and on standard error."""
    done = ran(capsys, "audit", "missing.pcap", TOUR)
    assert done.status == Exit.CAPTURE
    assert done.out.startswith(f"{JUDGED}\n! missing.pcap could not be read: there is no such file\n")
    assert done.err == "wiresniff: missing.pcap: there is no such file\n"
