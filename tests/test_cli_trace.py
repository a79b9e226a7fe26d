"""`wiresniff trace`: one trace, hop by hop."""

import json
from pathlib import Path
from typing import Any

import pytest
from builders import Conversation, pcap_bytes, request, response
from cli_running import TOUR, ran

from wiresniff.cli.exits import Exit
from wiresniff.model import limits

BROKEN = "be94b770ad92e0757ece16f482d65ae3"
"""A checkout of the tour in which orders asks pricing twice without the trace, and payments answers 502."""


def test_a_trace_is_a_tree_of_its_hops(capsys: pytest.CaptureFixture[str]) -> None:
    """Who called whom on whose behalf, when, for how long; where it broke, and what failed first."""
    done = ran(capsys, "trace", BROKEN, TOUR)
    assert (done.status, done.err) == (Exit.DONE, "")
    lines = done.out.splitlines()
    assert lines[0].startswith(f"trace {BROKEN}: 7 requests between 8 services, 23.2 ms, from 2026-01-15")
    tree = [line.strip() for line in lines if " → " in line and "first to fail was" not in line]
    assert tree == [
        "edge → shop-web  POST /checkout → 200",
        "├── shop-web → catalog  GET /items → 200",
        "└── shop-web → orders  POST /orders → 201",
        "├── orders → pricing  GET /price → 200",
        "├── orders → pricing  GET /price → 503  ← the first to fail",
        "├── orders → pricing  POST /quote → 200",
        "├── orders → inventory  POST /reservations → 200",
        "└── orders → payments  POST /charges → 502",
        "└── payments → legacy-billing  POST /invoices → 201",
    ]
    said = " ".join(done.out.split())
    assert "The trace breaks at orders: 2 calls of its to pricing carry no trace (possible)" in said
    assert "The first to fail was pricing: GET /price → 503." in said


def test_no_line_is_wider_than_a_file_is(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A tree in a file has a hundred columns."""
    path = tmp_path / "trace.txt"
    assert ran(capsys, "trace", BROKEN, TOUR, "--output", path) == (Exit.DONE, "", "")
    assert max(map(len, path.read_text().splitlines())) <= 100


def paths(steps: list[dict[str, Any]], above: str = "") -> list[str]:
    """Return every way down the tree."""
    found = []
    for step in steps:
        way = f"{above}{step['client']}>" + ("" if step["children"] else step["server"])
        found += paths(step["children"], way) if step["children"] else [way]
    return found


def test_json_has_what_the_text_has(capsys: pytest.CaptureFixture[str]) -> None:
    """And where to look for each step."""
    trail = json.loads(ran(capsys, "trace", BROKEN[:8], TOUR, "--format", "json").out)
    assert (trail["schema"], trail["trace_id"], trail["requests"]) == ("wiresniff/trace/1", BROKEN, 7)
    assert "edge>shop-web>orders>payments>legacy-billing" in paths(trail["steps"])
    (root,) = trail["steps"]
    assert (root["propagation"], root["witness"]["packet"], root["carries_trace"]) == ("root", 24, True)


def test_a_trace_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Not a pass: a script that sends a request and follows it must learn that it got lost."""
    done = ran(capsys, "trace", "f" * 32, TOUR)
    assert (done.status, done.out) == (Exit.UNJUDGED, "")
    assert done.err == f"wiresniff: no request carries the trace {'f' * 32}, of 330 that were seen\n"


def test_a_beginning_that_several_traces_have(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Say which ones; guess none."""
    path = tmp_path / "two.pcap"
    one, other = "abcd" + "1" * 28, "abcd" + "2" * 28
    talk = Conversation()
    talk.open()
    for trace_id in (one, other):
        talk.client_sends(request("GET", "/", fields=[("traceparent", f"00-{trace_id}-{'3' * 16}-01")]))
        talk.server_sends(response(200))
    path.write_bytes(pcap_bytes(talk.packets))
    done = ran(capsys, "trace", "ABCD", path)
    assert done == (
        Exit.USAGE,
        "",
        f"wiresniff: TRACE_ID: ABCD is the beginning of several trace ids; type more digits, of {one}, {other}\n",
    )


def test_a_capture_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """The others are read all the same."""
    done = ran(capsys, "trace", BROKEN, TOUR, "nowhere.pcap")
    assert done.status == Exit.CAPTURE
    assert "nowhere.pcap" in done.err
    assert done.out.startswith(f"trace {BROKEN}")


def test_what_was_forgotten_of_the_rest_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many requests left a service meanwhile is then not known."""
    monkeypatch.setattr(limits, "TRAIL_ASIDES", 1)
    done = ran(capsys, "trace", BROKEN, TOUR)
    assert done.status == Exit.DONE
    assert "requests whose cause is not known were forgotten: more may have left a service meanwhile" in done.err
