"""`wiresniff watch` as a process under load: what it can't read it says, a reload loses nothing, it begins at once."""

import json
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from builders import traceparent
from live_running import CLIENTS, INTERFACE, SERVER, fetched, running, wait_for, wire
from namespaces import Namespace, needs_namespaces

pytestmark = needs_namespaces

PORT, METRICS = 8080, "http://127.0.0.1:9791/metrics"
WATCH = (
    sys.executable,
    "-m",
    "wiresniff",
    "watch",
    "-i",
    INTERFACE,
    "--listen",
    "127.0.0.1:9791",
    "--log-format",
    "json",
)
END_OF_HEAD = b"\r\n\r\n"
SMALL, LARGE = 10, 30_000
"""Bytes of a body."""
START_SECONDS = 1.5


class Server:
    """Answers each request with a body of the size that it names."""

    def __init__(self, place: Namespace) -> None:
        with place.entered():
            self._listener = socket.create_server((SERVER, PORT))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Answer nobody any more."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(peer,), daemon=True).start()

    def _answer(self, peer: socket.socket) -> None:
        asked = b""
        with peer, suppress(OSError):
            while octets := peer.recv(65536):
                *heads, asked = (asked + octets).split(END_OF_HEAD)
                for head in heads:
                    size = int(head[5 : head.index(b" HTTP/1.1")])
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))


class Client:
    """Asks, each time with a traceparent: nothing that it asks is untraced. It counts what was answered."""

    def __init__(self, place: Namespace, connections: int = 4) -> None:
        with place.entered():
            self._connections = [
                socket.create_connection((SERVER, PORT), source_address=(CLIENTS[0], 0)) for _ in range(connections)
            ]
        for each in self._connections:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.requests = 0

    def close(self) -> None:
        """Close the connections."""
        for each in self._connections:
            each.close()

    def ask(self, size: int) -> None:
        """Ask on the next connection; the head comes in two packets, the traceparent in the second."""
        connection = self._connections[self.requests % len(self._connections)]
        self.requests += 1
        connection.sendall(b"GET /%d HTTP/1.1\r\nHost: shop\r\nCookie: %s\r\n" % (size, b"c" * 1000))
        connection.sendall(b"traceparent: %s\r\n\r\n" % traceparent(self.requests).encode())
        answer = b""
        while END_OF_HEAD not in answer:
            answer += connection.recv(65536)
        left = len(END_OF_HEAD) + answer.index(END_OF_HEAD) + size - len(answer)
        while left:
            left -= len(connection.recv(min(left, 65536)))

    @contextmanager
    def asking(self, pause: float) -> Iterator[None]:
        """Ask meanwhile, with a pause after each."""
        is_over = threading.Event()

        def ask() -> None:
            while not is_over.wait(pause):
                self.ask(SMALL)

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            yield
        finally:
            is_over.set()
            asking.join()


@pytest.fixture
def closes() -> Iterator[Callable[[Client], Client]]:
    """Close clients at the end."""
    with ExitStack() as stack:
        yield lambda client: stack.enter_context(closing(client))


@contextmanager
def served() -> Iterator[tuple[Namespace, Namespace]]:
    """Make a wire with a server at its one end; give both ends."""
    with wire() as (servers, clients):
        server = Server(servers)
        try:
            yield servers, clients
        finally:
            server.close()


def number_of(metrics: str | None, name: str, labels: str = "") -> float:
    """Return the sum of the samples of a metric that have these labels; -1 where there is none."""
    lines = re.findall(rf"^{name}{{(.*)}} (\S+)$", metrics or "", re.MULTILINE)
    found = [float(value) for words, value in lines if labels in words]
    return sum(found) if found else -1


def wait_for_requests(place: Namespace, least: int) -> str:
    """Return the metrics once so many requests are counted."""

    def look() -> str | None:
        metrics = fetched(place, METRICS)
        return metrics if number_of(metrics, "wiresniff_requests_total") >= least else None

    return wait_for(f"counting {least} requests", look, 20)


def wait_for_service(place: Namespace, name: str) -> None:
    """Wait until requests are counted for a service of this name."""
    wait_for(name, lambda: f'server="{name}"' in (fetched(place, METRICS) or ""), 20)


def report_of(home: Path) -> dict[str, Any]:
    """Return the report at the end."""
    report: dict[str, Any] = json.loads((home / "report.json").read_text())
    return report


def test_what_was_lost_is_said_and_accuses_nobody(tmp_path: Path, closes: Callable[[Client], Client]) -> None:
    """It stands still under load: the kernel drops packets. Then it goes on, and misses nothing any more."""
    log = tmp_path / "log"
    output = ("--format", "json", "--output", tmp_path / "report.json", "--ring-mib", 1)
    with served() as (servers, clients), running(servers, *WATCH, *output, log=log) as watch:
        wait_for("watching", lambda: "capture-up" in log.read_text(), 20)
        client = closes(Client(clients))
        for _ in range(50):
            client.ask(SMALL)
        wait_for_requests(servers, 50)

        watch.send_signal(signal.SIGSTOP)
        for number in range(400):
            client.ask(LARGE if number % 2 else SMALL)
        watch.send_signal(signal.SIGCONT)
        wait_for("saying so", lambda: "capture-drops" in log.read_text(), 20)
        time.sleep(1)  # what is behind a gap is settled some time after it
        before = fetched(servers, METRICS)
        dropped = number_of(before, "wiresniff_capture_dropped_packets_total")
        assert dropped > 100

        after = closes(Client(clients))
        for _ in range(200):
            after.ask(SMALL)
        counted = int(number_of(before, "wiresniff_requests_total"))
        metrics = wait_for_requests(servers, counted + 200)
        assert number_of(metrics, "wiresniff_requests_total") == counted + 200
        assert number_of(metrics, "wiresniff_requests_total", 'verdict="valid"') >= 50 + 200
        assert number_of(metrics, "wiresniff_requests_total", 'verdict="missing"') == 0
        assert number_of(metrics, "wiresniff_requests_total", 'verdict="malformed"') == 0
        assert number_of(metrics, "wiresniff_capture_dropped_packets_total") == dropped
    report = report_of(tmp_path)
    assert {(pair["missing"], pair["malformed"]) for pair in report["pairs"]} == {(0, 0)}
    assert report["accounting"]["dropped_packets"] == dropped
    assert [each["id"] for each in report["findings"]] == ["capture-lossy"]
    assert f"{dropped:,.0f} packets were dropped" in report["captures"][0]["warning"]


def test_a_reload_of_the_policy_loses_no_request(tmp_path: Path, closes: Callable[[Client], Client]) -> None:
    """Under load, again and again; each policy is in force from then on."""
    log, policy = tmp_path / "log", tmp_path / "policy.yaml"
    policy.write_text("version: 1\n")
    options = ("--format", "json", "--output", tmp_path / "report.json", "--policy", policy)
    with served() as (servers, clients), running(servers, *WATCH, *options, log=log) as watch:
        wait_for("watching", lambda: "capture-up" in log.read_text(), 20)
        client = closes(Client(clients))
        with client.asking(0.001):
            for number in range(1, 6):
                time.sleep(0.2)
                policy.write_text(f"version: 1\nservices: {{shop{number}: {{addresses: [{SERVER}]}}}}\n")
                watch.send_signal(signal.SIGHUP)
                wait_for_service(servers, f"shop{number}")
            time.sleep(0.2)
        wait_for_requests(servers, client.requests)
    report = report_of(tmp_path)
    assert sum(pair["requests"] for pair in report["pairs"]) == client.requests > 200
    assert {pair["server"] for pair in report["pairs"]} == {"shop5"}
    assert report["captures"][0].get("warning") is None


@pytest.mark.parametrize("interface", [INTERFACE, "any"])
def test_the_first_verdict_comes_soon(tmp_path: Path, closes: Callable[[Client], Client], interface: str) -> None:
    """From the start of the process to a request in the metrics; the best of three, since other tests run as well."""
    took = []
    with served() as (servers, clients), closes(Client(clients)).asking(0.01):
        for number in range(3):
            began = time.monotonic()
            words = (interface if word == INTERFACE else word for word in WATCH)
            with running(servers, *words, log=tmp_path / f"log{number}"):
                wait_for_requests(servers, 1)
                took.append(time.monotonic() - began)
            if took[-1] < START_SECONDS:
                return
    raise AssertionError(f"the first verdict came after {min(took):.2f} s")
