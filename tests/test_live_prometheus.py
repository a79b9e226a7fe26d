"""The whole way, live: real traffic, a real `watch`, a real Prometheus with the rules of deploy/prometheus.

One client never sends a traceparent, another always does. What alerts look back on and wait for is shortened from
minutes to seconds; nothing else of the rules is changed.
"""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from live_running import CLIENTS, INTERFACE, SERVER, fetched, lacking, running, wait_for, wire
from namespaces import Namespace, needs_namespaces

ROOT = Path(__file__).resolve().parents[1]
RULES = ROOT / "deploy" / "prometheus" / "wiresniff.rules.yaml"
SERVICES = Path(__file__).parent / "live_services.py"
EXPORTER, PROMETHEUS = "127.0.0.1:9795", "127.0.0.1:9090"
WINDOW_SECONDS = 10

REASON = lacking(("nginx", "prometheus"), ("grpc",))
pytestmark = [needs_namespaces, pytest.mark.skipif(REASON is not None, reason=REASON or "")]

POLICY = f"""
version: 1
services:
  orders: {{addresses: [{SERVER}], ports: [8080]}}
  ledger: {{addresses: [{SERVER}], ports: [50051]}}
  shop: {{addresses: [{CLIENTS[0]}]}}
  batch: {{addresses: [{CLIENTS[1]}]}}
"""
NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen {address}:8080; location / {{ return 200 "ok"; }} }}
}}
"""
SCRAPING = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: wiresniff
    static_configs: [{{targets: ["{target}"]}}]
"""


class Watched(NamedTuple):
    """What runs, once the first request has been counted."""

    servers: Namespace
    watch: "subprocess.Popen[str]"

    def queried(self, path: str) -> Any:  # noqa: ANN401 (JSON)
        """Ask Prometheus."""
        answer = fetched(self.servers, f"http://{PROMETHEUS}/api/v1/{path}")
        return None if answer is None else json.loads(answer)["data"]

    def value(self, expression: str) -> float:
        """Return the value of an expression with one result now; nan where there is none."""
        result = self.queried(f"query?query={quote(expression)}")["result"]
        return float(result[0]["value"][1]) if result else float("nan")

    def firing(self) -> list[dict[str, Any]]:
        """Return the alerts that fire."""
        data = self.queried("alerts") or {"alerts": []}
        return [alert for alert in data["alerts"] if alert["state"] == "firing"]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Start servers, `watch`, clients and Prometheus."""
    folder = tmp_path_factory.mktemp("live")
    for name, text in {
        "policy.yaml": POLICY,
        "nginx.conf": NGINX.format(folder=folder, address=SERVER),
        "rules.yaml": shortened(RULES.read_text()),
        "prometheus.yaml": SCRAPING.format(rules=folder / "rules.yaml", target=EXPORTER),
    }.items():
        (folder / name).write_text(text)
    with ExitStack() as stack:
        servers, clients = stack.enter_context(wire())

        def run(place: Namespace, name: str, *arguments: object, **options: Any) -> "subprocess.Popen[str]":  # noqa: ANN401
            return stack.enter_context(running(place, *arguments, log=folder / f"{name}.log", **options))

        run(servers, "nginx", "nginx", "-p", folder, "-c", folder / "nginx.conf")
        run(servers, "grpc", sys.executable, SERVICES, "serve", SERVER)
        watch = run(
            servers, "watch", sys.executable, "-m", "wiresniff", "watch", "-i", INTERFACE, "--listen", EXPORTER,
            "--policy", folder / "policy.yaml", stdout=subprocess.PIPE,
        )  # fmt: skip
        wait_for("watch", lambda: fetched(servers, f"http://{EXPORTER}/readyz"), 10)
        run(
            servers, "prometheus", "prometheus", f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address={PROMETHEUS}",
        )  # fmt: skip
        wait_for("Prometheus", lambda: fetched(servers, f"http://{PROMETHEUS}/-/ready"), 20)
        run(clients, "clients", sys.executable, SERVICES, "call", SERVER, *CLIENTS)
        yield Watched(servers, watch)


def shortened(rules: str) -> str:
    """Make seconds of minutes: what alerts look back on, and how long they wait."""
    assert "[10m]" in rules
    return re.sub(r"\bfor: [0-9]+m\b", "for: 1s", rules.replace("[10m]", f"[{WINDOW_SECONDS}s]"))


def test_the_broken_pair_alerts_and_the_healthy_ones_stay_silent(watched: Watched) -> None:
    """The alert names the pair; nothing else fires, although all pairs are seen and judged."""
    judged = "client_server:wiresniff_judged_requests:increase10m"
    for pair in ('client="shop",server="orders"', 'client="shop",server="ledger"', 'client="batch",server="orders"'):
        wait_for(pair, lambda pair=pair: watched.value(f"{judged}{{{pair}}}") >= 20, 20)
    (alert,) = wait_for("the alert", watched.firing, 20)
    time.sleep(1)
    assert [other["labels"] for other in watched.firing()] == [alert["labels"]]
    assert alert["labels"] == {
        "alertname": "WiresniffContextMissing", "client": "batch", "server": "orders", "severity": "critical",
    }  # fmt: skip
    assert alert["annotations"]["summary"].startswith("batch calls orders without a traceparent in 100%")
    assert alert["annotations"]["capture"] == "Nothing was lost where this pair is watched."
    missing = "client_server:wiresniff_missing_requests:ratio10m"
    assert watched.value(f'{missing}{{client="shop",server="orders"}}') == 0
    assert watched.value(f'{missing}{{client="shop",server="ledger"}}') == 0
    reporters = watched.queried("query?query=" + quote("count by (reporter) (wiresniff_requests_total)"))["result"]
    assert [each["metric"]["reporter"] for each in reporters] == ["server"], "it runs where the servers are"
    assert watched.value('sum(wiresniff_requests_total{server="ledger",protocol="grpc",verdict="valid"})') >= 20


def test_it_ends_with_a_report_and_prometheus_notices(watched: Watched) -> None:
    """Within five seconds of SIGTERM; the report says what the alert said."""
    watched.watch.send_signal(signal.SIGTERM)
    began = time.monotonic()
    report, _ = watched.watch.communicate(timeout=10)
    assert time.monotonic() - began < 5
    assert watched.watch.returncode == 0
    assert "batch calls orders without a traceparent" in report
    assert "shop calls" not in report
    wait_for(
        "WiresniffDown",
        lambda: [alert for alert in watched.firing() if alert["labels"]["alertname"] == "WiresniffDown"],
        20,
    )
