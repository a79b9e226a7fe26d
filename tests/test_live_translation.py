"""Address translation as a kernel does it: a node between a client and a pod, watched on all its interfaces."""

import http.client
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from builders import traceparent
from live_running import lacking
from namespaces import Namespace, ip, needs_namespaces, watched

from wiresniff.capture.live import open_live
from wiresniff.pipeline import Pipeline

REASON = lacking(("iptables",))
pytestmark = [needs_namespaces, pytest.mark.skipif(REASON is not None, reason=REASON or "")]

CLIENT, NODE_OUTSIDE, NODE_INSIDE, POD = "10.1.0.2", "10.1.0.1", "10.2.0.1", "10.2.0.2"
SERVICE, SERVICE_PORT, POD_PORT, NODE_PORT = "10.96.0.10", 80, 8080, 30_080
CONNECTIONS, REQUESTS = 5, 4

TO_POD = (
    "PREROUTING",
    "-p",
    "tcp",
    "-d",
    SERVICE,
    "--dport",
    "80",
    "-j",
    "DNAT",
    "--to-destination",
    f"{POD}:{POD_PORT}",
)
TO_POD_BY_NODE = (
    "PREROUTING", "-p", "tcp", "-d", NODE_OUTSIDE, "--dport", str(NODE_PORT), "-j", "DNAT", "--to-destination",
    f"{POD}:{POD_PORT}",
)  # fmt: skip
AS_NODE = ("POSTROUTING", "-p", "tcp", "-d", POD, "-j", "MASQUERADE", "--random")


class Pod(BaseHTTPRequestHandler):
    """Answers every request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def networks() -> Iterator[tuple[Namespace, Namespace, Namespace]]:
    """Make a client, a node and a pod, wired in this order."""
    with ExitStack() as stack:
        client, node, pod = (Namespace() for _ in range(3))
        for place in (client, node, pod):
            stack.callback(place.close)
        with node.entered():
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
            for name, other, address in (("outside", client, NODE_OUTSIDE), ("inside", pod, NODE_INSIDE)):
                ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", other.path)
                ip("address", "add", f"{address}/24", "dev", name)
                ip("link", "set", name, "up")
        for place, address, way in ((client, CLIENT, NODE_OUTSIDE), (pod, POD, NODE_INSIDE)):
            with place.entered():
                ip("address", "add", f"{address}/24", "dev", "eth0")
                ip("link", "set", "eth0", "up")
                ip("route", "add", "default", "via", way)
        yield client, node, pod


@pytest.mark.parametrize(
    ("rules", "asked", "port"),
    [
        ((TO_POD,), SERVICE, SERVICE_PORT),
        ((AS_NODE,), POD, POD_PORT),
        ((TO_POD, AS_NODE), SERVICE, SERVICE_PORT),
        ((TO_POD_BY_NODE, AS_NODE), NODE_OUTSIDE, NODE_PORT),
        ((), POD, POD_PORT),
    ],
    ids=["destination", "source", "both", "node port", "none"],
)
def test_every_request_counts_once(
    networks: tuple[Namespace, Namespace, Namespace], rules: tuple[tuple[str, ...], ...], asked: str, port: int
) -> None:
    """As the client's own and the pod's, whatever was made of addresses between them."""
    client, node, pod = networks
    with pod.entered():
        server = ThreadingHTTPServer((POD, POD_PORT), Pod)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def ask() -> None:
        with client.entered():
            for _ in range(CONNECTIONS):
                connection = http.client.HTTPConnection(asked, port, timeout=5)
                for number in range(REQUESTS):
                    connection.request("GET", f"/{number}", headers={"traceparent": traceparent(number + 1)})
                    connection.getresponse().read()
                connection.close()

    pipeline = Pipeline(quarantines=False)
    with node.entered():
        for rule in rules:
            subprocess.run(["iptables", "-w", "-t", "nat", "-A", *rule], check=True, capture_output=True)
        source = open_live(["any"])
    with source:
        judgements = [judgement for block in watched(source, ask) for judgement in pipeline.feed(0, block)]
    judgements += pipeline.close()
    server.shutdown()
    server.server_close()
    ends = {(each.exchange.client.address, *each.exchange.server) for each in judgements}
    assert ends == {(CLIENT, POD, POD_PORT)}
    assert len(judgements) == CONNECTIONS * REQUESTS
    assert pipeline.accounting().counts["gaps"] == 0
