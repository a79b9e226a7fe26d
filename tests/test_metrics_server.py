"""The server of metrics: what scrapers, probes and people get, and what hostile clients can't do."""

import gzip
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from metrics_serving import get, publish, requests, serving
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from wiresniff.metrics.exporter import Exporter
from wiresniff.model import limits

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def samples(text: str) -> dict[str, float]:
    """Values by name, of samples that count valid requests or have no labels."""
    return {
        sample.name: sample.value
        for family in parse_text(text)
        for sample in family.samples
        if not sample.labels or sample.labels.get("verdict") == "valid"
    }


def raw(port: int, sent: bytes, timeout: float = 10) -> bytes:
    """Send bytes and return all that comes back until the connection ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(sent)
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
        return received


def test_a_scrape_gets_what_was_counted_until_now() -> None:
    """It waits for a snapshot of its own, and the process tells of itself."""
    with serving(Exporter()) as port:
        status, fields, body = get(port, "/metrics")
    found = samples(body.decode())
    assert status == 200
    assert fields["content-type"].startswith("text/plain; version=0.0.4")
    assert found["wiresniff_requests_total"] >= 1
    assert (found["wiresniff_gap_bytes_total"], found["wiresniff_connections"]) == (7, 3)
    assert found["process_resident_memory_bytes"] > 1_000_000
    assert found["process_cpu_seconds_total"] > 0


def test_openmetrics_is_given_to_those_who_accept_it() -> None:
    """As Prometheus does."""
    with serving(Exporter()) as port:
        _, fields, body = get(port, "/metrics", accept=OPENMETRICS)
    assert fields["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert "wiresniff_requests" in {family.name for family in parse_openmetrics(body.decode())}


def test_text_is_compressed_for_those_who_accept_it() -> None:
    """And only for them."""
    with serving(Exporter()) as port:
        _, fields, body = get(port, "/metrics", accept_encoding="gzip")
        _, plain_fields, plain = get(port, "/metrics", accept_encoding="identity")
    assert fields["content-encoding"] == "gzip"
    assert "content-encoding" not in plain_fields
    assert samples(gzip.decompress(body).decode()).keys() == samples(plain.decode()).keys()


def test_scrapes_see_counters_go_up_while_capture_counts() -> None:
    """A snapshot is taken when a scrape asks for one that is not a second old."""
    now = [0.0]
    with serving(Exporter(clock=lambda: now[0])) as port:
        counts = []
        for _ in range(4):
            counts.append(samples(get(port, "/metrics")[2].decode())["wiresniff_requests_total"])
            now[0] += 2
    assert counts == [1, 2, 3, 4]


def test_a_capture_that_has_no_time_does_not_keep_a_scrape_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets the last snapshot, whose time tells how old it is."""
    monkeypatch.setattr("wiresniff.metrics.exporter.PATIENCE_SECONDS", 0.3)
    now = [0.0]
    exporter = Exporter(clock=lambda: now[0])
    publish(exporter, requests(5))
    now[0] += 30
    with serving(exporter, captures=False) as port:
        began = time.monotonic()
        body = get(port, "/metrics")[2].decode()
    assert 0.3 <= time.monotonic() - began < 5
    assert samples(body)["wiresniff_requests_total"] == 5


def test_a_scrape_never_blocks_capture() -> None:
    """Publishing goes on while clients hang in the middle of everything."""
    exporter = Exporter()
    with serving(exporter, captures=False) as port, socket.create_connection(("127.0.0.1", port)) as half:
        half.sendall(b"GET /metrics HTTP/1.1\r\n")
        began = time.monotonic()
        for _ in range(100):
            publish(exporter, requests(1))
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_are_told_that_the_process_is_up(path: str) -> None:
    """Whatever capture does."""
    with serving(Exporter(), captures=False) as port:
        assert get(port, path)[::2] == (200, b"ok\n")


def test_the_policys_last_reload_is_a_metric() -> None:
    """A wrong one leaves the old one in force, and its time."""
    wall = [1.5e9]
    exporter = Exporter(wall_clock=lambda: wall[0])
    found = []
    for is_good in (True, False):
        wall[0] += 100
        exporter.policy_reloaded(is_good=is_good)
        publish(exporter)
        with serving(exporter, captures=False) as port:
            text = samples(get(port, "/metrics")[2].decode())
        found.append(
            [text[f"wiresniff_policy_last_reload_{word}"] for word in ("successful", "success_timestamp_seconds")]
        )
    assert found == [[1, 1.5e9 + 100], [0, 1.5e9 + 100]]


def test_other_paths_and_methods_are_refused() -> None:
    """The page is not there unless asked for; HEAD has a length and no body."""
    with serving(Exporter()) as port:
        assert get(port, "/")[0] == 404
        assert get(port, "/metrics/")[0] == 404
        status, fields, _ = get(port, "/metrics", method="POST")
        assert (status, fields["allow"]) == (405, "GET, HEAD")
        status, fields, body = get(port, "/metrics?x=/healthz", method="HEAD")
        assert (status, body) == (200, b"")
        assert int(fields["content-length"]) > 1000


def test_a_connection_serves_several_requests() -> None:
    """Also pipelined; after `Connection: close` it ends."""
    with serving(Exporter()) as port:
        sent = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 2
        received = raw(port, sent + b"GET /readyz HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert received.count(b"Connection: close\r\n") == 1


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"400 Bad Request"),
        (b"GET /metrics\r\n\r\n", b"400 Bad Request"),
        (b"GET /metrics HTTP/1.1\r\nno colon\r\n\r\n", b"400 Bad Request"),
        (b"GET /metrics HTTP/1.1\r\nHost : x\r\n\r\n", b"400 Bad Request"),
        (b"GET /metrics HTTP/1.1\nHost: x\n\n\r\n\r\n", b"400 Bad Request"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400 Bad Request"),
        (b"GET /metrics HTTP/1.1\r\nCookie: " + b"x" * 100_000, b"431 Request Header Fields Too Large"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", b"405 Method Not Allowed"),
        (b"GET /healthz HTTP/1.0\r\n\r\n", b"200 OK"),
        (b"GET http://there/healthz HTTP/1.1\r\nConnection: close\r\n\r\n", b"200 OK"),
        (b"CONNECT there:80 HTTP/1.1\r\nConnection: close\r\n\r\n", b"404 Not Found"),
    ],
)
def test_whatever_comes_gets_one_answer_and_an_end(sent: bytes, status: bytes) -> None:
    """What is no request ends its connection; nothing is answered twice."""
    with serving(Exporter()) as port:
        received = raw(port, sent)
    assert received.startswith(b"HTTP/1.1 " + status)
    assert received.count(b"HTTP/1.1 ") == 1


GONE = (ConnectionResetError, BrokenPipeError)


def drip(connection: socket.socket) -> None:
    """Send a head that never ends, byte by byte."""
    for _ in range(100):
        connection.sendall(b"G")
        time.sleep(0.05)


def test_half_requests_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence, and a head that comes drop by drop."""
    monkeypatch.setattr(limits, "HTTP_HEAD_SECONDS", 0.3)
    with serving(Exporter()) as port:
        began = time.monotonic()
        assert raw(port, b"") == b""
        with socket.create_connection(("127.0.0.1", port), timeout=10) as slow, pytest.raises(GONE):
            drip(slow)
        assert time.monotonic() - began < 4


def test_clients_that_do_not_read_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much was asked for, and others are served meanwhile."""
    monkeypatch.setattr(limits, "HTTP_WRITE_SECONDS", 0.5)
    growth = [requests(1, client=f"client-{number}") for number in range(1000)]
    with serving(Exporter(), None, *growth) as port, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", port))
        deaf.sendall(b"GET /metrics HTTP/1.1\r\n\r\n" * 8)
        assert get(port, "/healthz")[0] == 200
        time.sleep(1)
        deaf.settimeout(10)
        received = 0
        while piece := deaf.recv(65536):
            received += len(piece)
        assert received < 6_000_000  # of some 13 MB: what the kernel had taken


def test_many_connections_do_not_keep_others_out() -> None:
    """Those that wait longest for their client go; the table does not grow."""
    with serving(Exporter()) as port:
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(5 * limits.HTTP_CONNECTIONS)]
        try:
            assert all(get(port, "/metrics")[0] == 200 for _ in range(3))
            idle[0].settimeout(5)
            assert idle[0].recv(1) == b""
        finally:
            for connection in idle:
                connection.close()


def test_scrapes_at_once_get_the_same_snapshot() -> None:
    """A text is made once, for all who ask for it."""
    with serving(Exporter()) as port:
        get(port, "/metrics")
        bodies: list[bytes] = []
        threads = [threading.Thread(target=lambda: bodies.append(get(port, "/metrics")[2])) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(bodies) == 8
    assert len(set(bodies)) <= 2


def test_closing_ends_connections_and_the_thread() -> None:
    """Within a second, whoever is connected."""
    exporter = Exporter()
    with serving(exporter) as port:
        idle = socket.create_connection(("127.0.0.1", port))
        assert get(port, "/healthz")[0] == 200
    idle.settimeout(5)
    assert idle.recv(1) == b""
    idle.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "wiresniff-metrics"]
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", port), timeout=2)


def test_prometheus_scrapes_it(tmp_path: Path) -> None:
    """A real server, with its own defaults, finds the target up and the counters there."""
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        pytest.skip("Prometheus (Debian's package prometheus) is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        its_port = free.getsockname()[1]
    with serving(Exporter()) as port:
        (tmp_path / "prometheus.yml").write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "1s"},
                    "scrape_configs": [{"job_name": "w", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}],
                }
            )
        )
        server = subprocess.Popen(
            [
                prometheus,
                f"--config.file={tmp_path}/prometheus.yml",
                f"--storage.tsdb.path={tmp_path}/data",
                f"--web.listen-address=127.0.0.1:{its_port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            query = f"http://127.0.0.1:{its_port}/api/v1/query?query=wiresniff_requests_total"
            found: list[dict[str, dict[str, str]]] = []
            deadline = time.monotonic() + 30
            while not found and time.monotonic() < deadline:
                time.sleep(0.3)
                try:
                    with urllib.request.urlopen(query, timeout=5) as response:
                        found = json.load(response)["data"]["result"]
                except OSError:
                    continue
        finally:
            server.terminate()
            server.wait(20)
    assert {series["metric"]["verdict"] for series in found} == {
        "valid", "missing", "malformed", "indeterminate", "exempt",
    }  # fmt: skip
    assert {series["metric"]["client"] for series in found} == {"web"}
