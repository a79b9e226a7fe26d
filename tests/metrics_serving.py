"""An Exporter that serves, with a capture loop of its own; and a certificate for it."""

import http.client
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wiresniff.metrics.exporter import Exporter
from wiresniff.metrics.listen import ListenAddress
from wiresniff.model.accounting import Accounting
from wiresniff.model.capture_state import CaptureState, InterfaceState
from wiresniff.model.growth import Growth, Numbers, Reporter
from wiresniff.model.web import WebConfig

CAPTURE = CaptureState((InterfaceState("eth0", is_up=True, packets=100, bytes=9_000, dropped_packets=2),))


def requests(valid: int, missing: int = 0, client: str = "web", server: str = "cart") -> Growth:
    """Return some requests of one pair."""
    return Growth(client, server, "http/1", Reporter.SERVER, False, Numbers(verdicts=(valid, missing, 0, 0, 0)))


def hops(client: str = "web", server: str = "cart", **outcomes: int) -> Growth:
    """Return some hops of one pair, `dropped_likely=3`; they come without requests, which were counted before."""
    words = {word.replace("_", ":"): count for word, count in outcomes.items()}
    return Growth(client, server, "http/1", Reporter.SERVER, False, Numbers(hops=words))


def publish(exporter: Exporter, *growth: Growth) -> None:
    """Hand over what grew, and the rest of a capture's numbers."""
    accounting = Accounting(counts=Counter(gap_bytes=7, tcp_payload_bytes=100), opaque_bytes=Counter(tls=40))
    exporter.publish(growth, accounting, CAPTURE, 3)


@contextmanager
def serving(exporter: Exporter, web: WebConfig | None = None, *growth: Growth, captures: bool = True) -> Iterator[int]:
    """Serve at a port of the loopback, with a capture loop whose every turn finds one more valid request."""
    ((_, port),) = exporter.serve(ListenAddress("127.0.0.1", 0), web)
    over = threading.Event()

    def capture() -> None:
        while not over.wait(0.005):
            if exporter.is_due:
                publish(exporter, requests(1), *growth)

    loop = threading.Thread(target=capture)
    if captures:
        loop.start()
    try:
        yield port
    finally:
        over.set()
        exporter.close()
        if captures:
            loop.join()


def get(port: int, path: str, method: str = "GET", **fields: str) -> tuple[int, dict[str, str], bytes]:
    """Ask once; returns status, fields (names in lower case), body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in fields.items()})
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def make_certificate(folder: Path, name: str = "server") -> tuple[str, str]:
    """Make a certificate for 127.0.0.1 that signs itself; returns its file and its key's."""
    certificate, key = str(folder / f"{name}.crt"), str(folder / f"{name}.key")
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-keyout", key, "-out", certificate, "-subj", f"/CN={name}",
            "-addext", "subjectAltName=IP:127.0.0.1",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return certificate, key
