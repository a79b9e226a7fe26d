"""What a live watch itself serves: exempt by where it is asked, and nobody else's service is."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from live_running import CLIENTS, END_SECONDS, INTERFACE, SERVER, fetched, running, wait_for, wire
from namespaces import needs_namespaces

PORT = 9795
"""Of `watch`, and of another service on another machine."""
LISTEN = (f"{SERVER}:{PORT}", f":{PORT}")


@needs_namespaces
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("listen", LISTEN)
def test_whoever_reads_the_metrics_owes_no_trace(tmp_path: Path, listen: str, jobs: str) -> None:
    """Page, metrics and whatever browsers ask for are `own-server`; the same port elsewhere is judged."""
    report = tmp_path / "report.json"
    with wire() as (servers, clients):
        serves = (sys.executable, "-m", "http.server", PORT, "--bind", CLIENTS[0], "--directory", tmp_path)
        watches = (
            sys.executable, "-m", "wiresniff", "watch", "-i", INTERFACE, "--listen", listen, "--page", "--jobs", jobs,
            "--format", "json", "--output", report,
        )  # fmt: skip
        with (
            running(clients, *serves, log=tmp_path / "serves.log"),
            running(servers, *watches, log=tmp_path / "watch.log") as watching,
        ):
            log = tmp_path / "watch.log"
            wait_for("watching", lambda: "capture-up" in log.read_text(), 20)
            page = wait_for("the page", lambda: fetched(clients, f"http://{SERVER}:{PORT}/"), 20)
            assert fetched(clients, f"http://{SERVER}:{PORT}/favicon.ico") is None
            assert fetched(clients, f"http://{SERVER}:{PORT}/metrics") is not None
            wait_for("the other service", lambda: fetched(servers, f"http://{CLIENTS[0]}:{PORT}/"), 20)
            watching.terminate()
            watching.wait(2 * END_SECONDS)
    assert "<title>wiresniff</title>" in page
    pairs: dict[str, dict[str, Any]] = {pair["server"]: pair for pair in json.loads(report.read_text())["pairs"]}
    own = pairs[SERVER]
    assert own["requests"] == own["exempt"] >= 3
    assert own["reasons"] == {"exempt:own-server": own["exempt"]}
    other = pairs[CLIENTS[0]]
    assert other["requests"] == other["missing"] >= 1
