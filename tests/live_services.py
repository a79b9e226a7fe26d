"""Real clients and servers for live tests, each a process of its own: python tests/live_services.py WHAT ADDRESS...

- `serve ADDRESS`: a gRPC server until it is terminated.
- `call SERVER TRACED UNTRACED`: requests to SERVER, HTTP and gRPC, until terminated: from the address TRACED with a
  traceparent, from the address UNTRACED without (HTTP only).
"""

import http.client
import secrets
import sys
import time
from concurrent import futures
from typing import Any

import grpc

HTTP_PORT, GRPC_PORT = 8080, 50051
METHOD = "/shop.v1.Ledger/Book"
PAUSE_SECONDS = 0.05


def traceparent() -> str:
    """Make one as an instrumented client does."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def serve(address: str) -> None:
    """Answer every call with a few bytes."""

    class Ledger(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, _call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
            def answer(_request: bytes, _context: grpc.ServicerContext) -> bytes:
                return b"booked"

            return grpc.unary_unary_rpc_method_handler(answer)

    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[Ledger()])
    server.add_insecure_port(f"{address}:{GRPC_PORT}")
    server.start()
    server.wait_for_termination()


def ask(server: str, source: str, *, traced: bool) -> None:
    """Send requests over one connection, from `source`."""
    connection = http.client.HTTPConnection(server, HTTP_PORT, source_address=(source, 0))
    while True:
        connection.request("GET", "/orders", headers={"traceparent": traceparent()} if traced else {})
        connection.getresponse().read()
        time.sleep(PAUSE_SECONDS)


def book(server: str) -> None:
    """Make calls over one channel, each with a traceparent."""
    channel: Any = grpc.insecure_channel(f"{server}:{GRPC_PORT}")
    method = channel.unary_unary(METHOD)
    while True:
        method(b"order", metadata=[("traceparent", traceparent())], wait_for_ready=True)
        time.sleep(PAUSE_SECONDS)


def call(server: str, traced: str, untraced: str) -> None:
    """Do all of it at once; end with the first that fails."""
    with futures.ThreadPoolExecutor(3) as pool:
        calls = [
            pool.submit(ask, server, traced, traced=True),
            pool.submit(ask, server, untraced, traced=False),
            pool.submit(book, server),
        ]
        futures.wait(calls, return_when=futures.FIRST_EXCEPTION)
        for each in calls:
            if each.done():
                each.result()


if __name__ == "__main__":
    {"serve": serve, "call": call}[sys.argv[1]](*sys.argv[2:])
