"""Watch connections come, stay and go for long, and see what that takes: memory and CPU over time.

    sudo python tests/bench/soak.py --minutes 60 > soak.csv

Two namespaces are joined by a veth pair; nothing outside them is contacted. Connections are opened and kept until there
are `--open` of them, each asked something now and then; beside them `--churn` a second live for one request. Nine
requests in ten carry a fresh traceparent. Every ten seconds a line says what `wiresniff watch` takes by then; at the
end, on standard error, how much memory grew from a third of the time on, when all tables are as full as they become,
and whether every request was counted.

It needs root and the programs ip and ethtool.
"""

import argparse
import contextlib
import itertools
import json
import math
import os
import resource
import secrets
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

from make_load import SERVER, namespaces, process, run

CLIENTS = [f"10.99.0.{number}" for number in range(10, 26)]
"""Enough addresses that ports of connections that ended are not wanted again at once."""
PORT = 80
SAMPLE_SECONDS = 10
KEPT_REQUESTS = 50
"""A second of each process, on the connections that are kept, in turn."""
OPENED = 400
"""A second of each process, until there are enough of them."""
IP_BIND_ADDRESS_NO_PORT = 24
SO_REUSEPORT = 15
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'
FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
"""Sockets that a process may have: where they are fewer than connections, there are several processes on each side."""
SHARE = 0.7
"""Of that, what a process is meant to have."""
ROUND_SECONDS = 0.1


class Said(TypedDict):
    """What a process that asked says at its end."""

    requests: int
    kept: int
    visits: int
    seconds: float


def request(number: int, *, keeps: bool) -> bytes:
    """Return a request; nine in ten have a traceparent."""
    traceparent = f"traceparent: 00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01\r\n" if number % 10 else ""
    connection = "" if keeps else "Connection: close\r\n"
    line = f"GET /api/orders?page={number % 50} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: soak/1\r\n"
    return f"{line}{connection}{traceparent}\r\n".encode()


def serve() -> None:
    """Answer whatever comes, until terminated."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, SO_REUSEPORT, 1)
    listener.bind((SERVER, PORT))
    listener.listen(4096)
    listener.setblocking(False)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    open_now: dict[int, socket.socket] = {}
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == listener.fileno():
                with contextlib.suppress(BlockingIOError):
                    while True:
                        peer, _ = listener.accept()
                        open_now[peer.fileno()] = peer
                        poll.register(peer, select.EPOLLIN)
                continue
            peer = open_now[descriptor]
            asked = b""
            with contextlib.suppress(ConnectionError):
                asked = peer.recv(4096)
                if asked:
                    peer.sendall(ANSWER)
            if not asked or b"Connection: close" in asked:
                poll.unregister(peer)
                del open_now[descriptor]
                peer.close()


class Asking:
    """Who opens connections and asks."""

    def __init__(self) -> None:
        self._address = itertools.cycle(CLIENTS)
        self.requests = 0

    def open(self) -> socket.socket:
        """Open a connection from the next address."""
        connection = socket.socket()
        connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        connection.bind((next(self._address), 0))
        connection.connect((SERVER, PORT))
        return connection

    def ask(self, connection: socket.socket, *, keeps: bool) -> None:
        """Ask, and wait for the answer."""
        connection.sendall(request(self.requests, keeps=keeps))
        assert connection.recv(4096) == ANSWER
        self.requests += 1

    def visit(self) -> None:
        """Open a connection, ask once, close."""
        with self.open() as connection:
            self.ask(connection, keeps=False)


def ask(open_at_once: int, churn: int, seconds: float) -> None:
    """Ask for so long; say at the end how many requests and connections there were."""
    asking = Asking()
    kept: deque[socket.socket] = deque()
    visits = 0
    began = time.monotonic()
    for number in itertools.count():
        due = began + number * ROUND_SECONDS
        if due - began >= seconds:
            break
        time.sleep(max(due - time.monotonic(), 0))
        for _ in range(min(round(OPENED * ROUND_SECONDS), open_at_once - len(kept))):
            kept.append(asking.open())
            asking.ask(kept[-1], keeps=True)
        for _ in range(round(churn * ROUND_SECONDS)):
            asking.visit()
            visits += 1
        for _ in range(min(round(KEPT_REQUESTS * ROUND_SECONDS), len(kept))):
            asking.ask(kept[0], keeps=True)
            kept.rotate(-1)
    took = time.monotonic() - began
    print(json.dumps({"requests": asking.requests, "kept": len(kept), "visits": visits, "seconds": took}))


def sampled(watch: "subprocess.Popen[str]", seconds: float) -> Iterator[tuple[float, int, float]]:
    """Give (seconds, resident KiB, seconds of CPU) of a process for so long."""
    began = time.monotonic()
    tick = os.sysconf("SC_CLK_TCK")
    for number in range(1, round(seconds / SAMPLE_SECONDS) + 1):
        time.sleep(max(began + number * SAMPLE_SECONDS - time.monotonic(), 0))
        status = Path(f"/proc/{watch.pid}/status").read_text()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))
        fields = Path(f"/proc/{watch.pid}/stat").read_text().rsplit(")", 1)[1].split()
        yield time.monotonic() - began, resident, (int(fields[11]) + int(fields[12])) / tick


def soak(chosen: argparse.Namespace) -> None:
    """Run it all."""
    seconds = chosen.minutes * 60
    me = (sys.executable, str(Path(__file__).resolve()))
    shares = math.ceil(chosen.open / (FILES * SHARE))
    with contextlib.ExitStack() as stack:
        report = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wiresniff-soak-"))) / "report.json"
        client, server = stack.enter_context(namespaces())
        for address in CLIENTS:
            run("ip", "-n", client, "address", "add", f"{address}/24", "dev", "wire0")
        in_client, in_server = ("ip", "netns", "exec", client), ("ip", "netns", "exec", server)
        for _ in range(shares):
            stack.enter_context(process(*in_server, *me, "--serve"))
        options = ("--format", "json", "--output", str(report), "--ring-mib", str(chosen.ring_mib), "--listen", "none")
        with process(*in_server, sys.executable, "-m", "wiresniff", "watch", "-i", "wire0", *options) as watch:
            time.sleep(2)
            share = ("--open", str(chosen.open // shares), "--churn", str(chosen.churn // shares))
            asking = (*in_client, *me, "--ask", *share, "--minutes", str(chosen.minutes))
            asked = [subprocess.Popen(asking, stdout=subprocess.PIPE, text=True) for _ in range(shares)]
            samples = []
            print("seconds,resident_mb,cpu_percent", flush=True)
            before = 0.0
            for at, resident, cpu in sampled(watch, seconds):
                samples.append((at, resident))
                print(f"{at:.0f},{resident / 1024:.1f},{100 * (cpu - before) / SAMPLE_SECONDS:.1f}", flush=True)
                before = cpu
            said = [json.loads(each.communicate()[0]) for each in asked]
            time.sleep(1)
        tell(said, json.loads(report.read_text()), samples, seconds)


def tell(said: list[Said], report: dict[str, Any], samples: list[tuple[float, int]], seconds: float) -> None:
    """Say what came of it."""
    counted = sum(pair["requests"] for pair in report["pairs"])
    settled = [resident / 1024 for at, resident in samples if at >= seconds / 3]
    requests, kept, visits = (sum(each[name] for each in said) for name in ("requests", "kept", "visits"))
    rate = visits / max(each["seconds"] for each in said)
    print(
        f"{visits:,} connections came and went ({rate:,.0f} a second) beside {kept:,} that stayed; {requests:,} "
        f"requests, {counted:,} counted; resident from a third of the time on: {settled[0]:.1f} MB to "
        f"{settled[-1]:.1f} MB, at most {max(settled):.1f} MB",
        file=sys.stderr,
    )
    for capture in report["captures"]:
        print(capture["name"], capture["packets"], capture.get("warning") or "nothing was lost", file=sys.stderr)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Watch connections come, stay and go for long.")
    parser.add_argument("--minutes", type=float, default=60, help="for so long (60)")
    parser.add_argument("--churn", type=int, default=1000, help="connections a second that come and go (1000)")
    parser.add_argument("--open", type=int, default=50_000, help="connections that stay open (50000)")
    parser.add_argument("--ring-mib", type=int, default=32, help="of watch (32)")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--ask", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("soak.py makes network namespaces, which needs root: run it with sudo")
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    if chosen.serve:
        serve()
    elif chosen.ask:
        ask(chosen.open, chosen.churn, chosen.minutes * 60)
    else:
        soak(chosen)


if __name__ == "__main__":
    main()
