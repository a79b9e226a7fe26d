"""Record the gRPC load capture: real calls between grpcio clients and a grpcio server, in namespaces of their own.

    python tests/bench/make_grpc_load.py OUT.pcap --calls 100000

The same two namespaces as `make_load.py`, without segmentation offload, MTU 1500. Several channels live as long as the
recording, each a connection; calls are unary, a few server-streaming, to the methods of a shop, with the metadata that
real callers send. Four calls in five carry a traceparent of their own, one method never does. What was sent is written
to OUT.json by the clients.

It needs root, the programs tcpdump, ip and ethtool, and the package grpcio.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

from make_load import SERVER, namespaces, process

PROGRAMS = {"tcpdump": "tcpdump", "ip": "iproute2", "ethtool": "ethtool"}
"""Each program and the Debian package that has it."""
PORT = 50051

METHODS = {
    "/shop.v1.Cart/Get": (40, 400),
    "/shop.v1.Cart/Add": (60, 30),
    "/shop.v1.Cart/Flush": (30, 10),
    "/shop.v1.Catalog/List": (20, 2500),
    "/shop.v1.Catalog/GetItem": (24, 700),
    "/shop.v1.Orders/Place": (300, 80),
    "/shop.v1.Orders/Watch": (24, 200),
}
"""Bytes of request and response per method."""
STREAMS = "/shop.v1.Orders/Watch"
"""Answered with three messages."""
UNTRACED = "/shop.v1.Cart/Flush"
"""Called by something that was never instrumented."""
NOT_FOUND = 0.02
"""Of the calls, the part that fails."""

IN_FLIGHT = 16
"""Calls that wait for their answer, per channel."""


def serve() -> None:
    """Answer calls until interrupted."""
    import grpc  # noqa: PLC0415 - told in `main` if it is not installed

    class Shop(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
            method, size = call.method, METHODS[call.method][1]

            def answer(_request: bytes, context: grpc.ServicerContext) -> bytes:
                if random.random() < NOT_FOUND:
                    context.abort(grpc.StatusCode.NOT_FOUND, "no such item")
                return bytes(random.randrange(size // 2, size + 1))

            def stream(_request: bytes, _context: grpc.ServicerContext) -> Iterator[bytes]:
                yield from (bytes(size),) * 3

            if method == STREAMS:
                return grpc.unary_stream_rpc_method_handler(stream)
            return grpc.unary_unary_rpc_method_handler(answer)

    server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[Shop()])
    server.add_insecure_port(f"{SERVER}:{PORT}")
    server.start()
    signal.sigwait([signal.SIGINT])
    server.stop(1).wait()


def metadata(method: str, chance: random.Random) -> list[tuple[str, str]]:
    """Return what a caller sends beside the path: some of it is new each time, some always the same."""
    fields: list[tuple[str, str | bytes]] = [
        ("x-tenant", "shop-eu"),
        ("x-request-id", f"{chance.getrandbits(128):032x}"),
    ]
    if method != UNTRACED and chance.random() < 0.93:
        ids = f"{chance.getrandbits(128) | 1:032x}-{chance.getrandbits(64) | 1:016x}"
        fields.append(("traceparent", f"00-{ids}-0{chance.getrandbits(1)}"))
        if chance.random() < 0.25:
            fields.append(("tracestate", f"shop={chance.getrandbits(64):016x}"))
    if chance.random() < 0.1:
        fields.append(("baggage", f"user.id={chance.randrange(500)}"))
    return fields


def call(calls: int, channels: int, seed: int) -> None:
    """Make so many calls over so many connections, and print how many were traced, by method."""
    import grpc  # noqa: PLC0415

    chance = random.Random(seed)
    sent: Counter[str] = Counter()
    options = [("grpc.use_local_subchannel_pool", 1)]
    open_channels = [grpc.insecure_channel(f"{SERVER}:{PORT}", options=options) for _ in range(channels)]
    unary = [{method: channel.unary_unary(method) for method in METHODS} for channel in open_channels]
    streams = [channel.unary_stream(STREAMS) for channel in open_channels]
    waiting: deque[Any] = deque()
    names = list(METHODS)
    for number in range(calls):
        at, method = number % channels, chance.choices(names, (30, 15, 12, 15, 15, 10, 3))[0]
        fields = metadata(method, chance)
        traced = any(name == "traceparent" for name, _ in fields)
        sent[f"{method} {'traced' if traced else 'untraced'}"] += 1
        request = bytes(METHODS[method][0])
        if method == STREAMS:
            deque(streams[at](request, metadata=fields), maxlen=0)
        else:
            waiting.append(unary[at][method].future(request, metadata=fields))
        if len(waiting) >= IN_FLIGHT * channels:
            waiting.popleft().exception()
    for answer in waiting:
        answer.exception()
    for channel in open_channels:
        channel.close()
    print(json.dumps(sent))


def record(out: Path, calls: int, channels: int, seed: int) -> int:
    """Write a capture of so many calls; return how many packets the kernel dropped."""
    script = str(Path(__file__).resolve())
    with namespaces() as (client, server):
        in_client, in_server = ("ip", "netns", "exec", client), ("ip", "netns", "exec", server)
        tcpdump = (*in_server, "tcpdump", "-i", "wire0", "-n", "-s", "0", "-B", "262144", "-Z", "root", "-w", str(out))
        with process(*in_server, sys.executable, script, "serve"), process(*tcpdump, "tcp") as sniffer:
            time.sleep(2.0)
            caller = (*in_client, sys.executable, script, "call", str(calls), str(channels), str(seed))
            done = subprocess.run(caller, check=False, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"the calls ended early: {done.stderr.strip()}")
            time.sleep(1.0)  # the last packets are on their way
            sniffer.send_signal(signal.SIGINT)
            _, summary = sniffer.communicate(timeout=60)
    out.with_suffix(".json").write_text(done.stdout)
    dropped = re.search(r"(\d+) packets? dropped by kernel", summary)
    return int(dropped[1]) if dropped else 0


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Record real gRPC load between grpcio clients and a grpcio server.")
    parser.add_argument("out", type=Path, metavar="OUT.pcap")
    parser.add_argument("--calls", type=int, default=100_000, help="calls made (100000)")
    parser.add_argument("--channels", type=int, default=8, help="connections (8)")
    parser.add_argument("--seed", type=int, default=1, help="of ids and of the choice of methods (1)")
    return parser.parse_args()


def main() -> None:
    """Record, once more if packets were dropped."""
    if sys.argv[1:2] == ["serve"]:
        return serve()
    if sys.argv[1:2] == ["call"]:
        return call(*map(int, sys.argv[2:5]))
    chosen = options()
    absent = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if absent:
        sys.exit(f"make_grpc_load.py needs programs that are not installed: apt-get install {' '.join(absent)}")
    if os.geteuid() != 0:
        sys.exit("make_grpc_load.py makes network namespaces, which needs root: run it with sudo")
    try:
        import grpc  # noqa: F401, PLC0415
    except ImportError:
        sys.exit(f"make_grpc_load.py needs grpcio: {sys.executable} -m pip install grpcio")
    for _ in range(2):
        dropped = record(chosen.out.absolute(), chosen.calls, chosen.channels, chosen.seed)
        if not dropped:
            print(f"{chosen.out}: {chosen.calls:,} calls, {chosen.out.stat().st_size:,} bytes, no packet dropped")
            return None
        print(f"{dropped} packets were dropped: again", file=sys.stderr)
    sys.exit("this machine is too busy to record without drops: try fewer --channels")


if __name__ == "__main__":
    main()
