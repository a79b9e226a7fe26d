"""Requests that are alike are counted together; what their hops are must not show it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_running import ROOT, ran

REQUESTS = 12_000
"""Of four seconds and several blocks: long enough for most of them to be known by their form."""


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a capture in which every request is the cause or the consequence of another."""
    path = tmp_path_factory.mktemp("load") / "chains.pcap"
    script = ROOT / "tests" / "bench" / "make_chain_load.py"
    subprocess.run([sys.executable, str(script), str(path), "--requests", str(REQUESTS)], check=True)
    return path


def test_hops_are_the_same_counted_and_judged(chains: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without records exchanges are counted in groups and out of order; with them each is judged in its turn."""
    counted = json.loads(ran(capsys, "audit", chains, "--format", "json").out)
    judged = json.loads(ran(capsys, "audit", chains, "--format", "json", "--exchanges", tmp_path / "records").out)
    assert sum(pair["requests"] for pair in counted["pairs"]) > REQUESTS * 0.99
    assert counted["pairs"] == judged["pairs"]
    assert counted["findings"] == judged["findings"]
