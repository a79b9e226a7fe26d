"""Every capture that comes with the project is audited as its expectation says."""

import copy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from capture_auditing import CAPTURES, PCAPS, Audited, audited, fed
from scoring import Request, Score, read_truth, score

from wiresniff.capture import CaptureFile
from wiresniff.model.packets import PacketBlock

HTTP_2 = {
    "grpc", "grpc-go", "grpc-go-midstream", "grpc-headless", "grpc-midstream", "h2", "h2-midstream", "envoy",
    "envoy-midstream",
}  # fmt: skip
"""Captures that are about HTTP/2."""
TUNNELS = {"geneve", "gre", "six-in-four", "vxlan", "vxlan-fragments"}
"""Captures that are about tunnels."""
TRUTHS = {path: PCAPS / f"{path.name.partition('.')[0]}.truth.json" for path in CAPTURES}
SCORED = [
    path for path, truth in TRUTHS.items() if truth.exists() and path.name.partition(".")[0] not in HTTP_2 | TUNNELS
]
DAMAGED = {"h1-clients-headless.pcap"}
"""Captures in which not everything can be seen."""


def http1(path: Path) -> list[Request]:
    """Return the requests of HTTP/1."""
    return [request for request in read_truth(TRUTHS[path]) if request["protocol"].startswith("http/1")]


def scored(path: Path, result: Audited) -> Score:
    """Compare an audit with what was sent."""
    records = [record for record in result.records if record["network.protocol.version"] != "2"]
    return score(http1(path), records)


@pytest.mark.parametrize("capture", [path for path in SCORED if path.name not in DAMAGED], ids=lambda path: path.name)
def test_whole_captures_are_judged_without_an_error(capture: Path) -> None:
    """Every request, every value, every status; nothing that was not sent, nothing unsure."""
    result = scored(capture, audited(capture))
    assert result.complaints == []
    assert (result.requests, result.indeterminate) == (result.right, 0)
    assert result.requests > 50


@pytest.mark.parametrize("capture", [path for path in SCORED if path.name in DAMAGED], ids=lambda path: path.name)
def test_damaged_captures_accuse_nobody(capture: Path) -> None:
    """What can't be seen is unsure: never missing, never another request's."""
    result = scored(capture, audited(capture))
    assert (result.wrong, result.false_missing, result.wrong_value, result.wrong_status) == (0, 0, 0, 0)
    assert (result.unseen, result.extra, result.no_status) == (0, 0, 0)
    assert result.indeterminate <= sum(bool(request.get("lost_head_bytes")) for request in http1(capture)) + 1
    assert result.right >= 0.95 * result.requests


def thinned(path: Path, *, every: int, first: int) -> Audited:
    """Audit a capture without every so-manieth packet."""
    capture = CaptureFile(str(path), 0)

    def without(block: PacketBlock) -> PacketBlock:
        rows = block.number % every != first
        kept = copy.copy(block)
        for column in ("offset", "captured_length", "wire_length", "timestamp_ns", "number", "interface"):
            setattr(kept, column, getattr(block, column)[rows])
        return kept

    return fed((without(block) for block in capture), capture)


@pytest.mark.parametrize("every", [3, 10, 50])
@pytest.mark.parametrize("capture", [path for path in SCORED if "any" not in path.name], ids=lambda path: path.name)
def test_captures_with_lost_packets_accuse_nobody(capture: Path, every: int) -> None:
    """A third, a tenth, a fiftieth of the packets is not there."""
    for first in (0, 1):
        result = scored(capture, thinned(capture, every=every, first=first))
        assert (result.false_missing, result.wrong_status, result.wrong_value) == (0, 0, 0), result.complaints
        assert result.wrong == 0
        # Where a head is lost whole, nobody can tell that there was a request.
        assert result.right > 0


def test_the_tour_is_audited_as_written_down() -> None:
    """Pairs, verdicts, gaps, opaque bytes and findings of tour.yaml, and nothing else."""
    expected = yaml.safe_load((PCAPS / "tour.yaml").read_text())
    report = audited(PCAPS / "tour.pcap").report()
    assert pairs_of(report) == {
        (pair["client"], pair["server"]): Counter({key: value for key, value in pair.items() if type(value) is int})
        for pair in expected["pairs"]
    }
    accounting = report["accounting"]
    assert (accounting["packets"], accounting["not_tcp_packets"]) == (expected["packets"], expected["not_tcp_packets"])
    assert (accounting["gaps"], accounting["gap_bytes"]) == (expected["gaps"]["count"], expected["gaps"]["bytes"])
    assert accounting["opaque_bytes"] == {opaque["reason"]: opaque["bytes"] for opaque in expected["opaque"]}
    assert findings_of(report["findings"]) == findings_of(expected["findings"])
    pairs = {(pair["client"], pair["server"]): pair for pair in report["pairs"]}
    for finding in expected["findings"]:
        pair = pairs[finding["client"], finding["server"]]
        assert finding.get("faults", {}) == (pair["faults"] if "faults" in finding else {})
        assert dict.fromkeys(finding.get("formats", []), finding["count"]).items() <= pair["carriers"].items()


def findings_of(findings: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what findings say, in an order of their own."""
    keys = ("id", "severity", "client", "server", "count")
    return sorted(tuple(finding[key] for key in keys) for finding in findings)


def pairs_of(report: dict[str, Any]) -> dict[tuple[str, str], Counter[str]]:
    """Return the counts of each pair, without zeros, under the names of tour.yaml."""
    names = ("requests", "valid", "missing", "malformed", "indeterminate", "exempt", "failed", "failed_untraced")
    return {
        (pair["client"], pair["server"]): +Counter({name: pair[name] for name in names if pair.get(name)})
        for pair in report["pairs"]
        if pair["requests"]
    }
