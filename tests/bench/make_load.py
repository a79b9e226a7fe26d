"""Record the load capture: real HTTP/1.1 traffic between wrk and nginx, in network namespaces of their own.

    python tests/bench/make_load.py OUT.pcap --gigabytes 1

Two namespaces are joined by a veth pair; nothing outside them is contacted. Segmentation offload is off on both
ends, so that packets have the size of packets on a wire (MTU 1500). About 50 connections are kept alive, each answered
1000 requests (nginx's default) before it is replaced. An exchange is 4 to 5 packets and 3.7 kB; nine requests in ten
carry a fresh random traceparent.

It needs root and the programs nginx, wrk, tcpdump, ip and ethtool.
"""

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = {"nginx": "nginx", "wrk": "wrk", "tcpdump": "tcpdump", "ip": "iproute2", "ethtool": "ethtool"}
"""Each program and the Debian package that has it."""

CLIENT, SERVER = "10.99.0.1", "10.99.0.2"

RESPONSE_BYTES = {
    "/api/cart": 700,
    "/api/catalog/items": 5500,
    "/api/catalog/search": 4050,
    "/api/orders/recent": 2900,
    "/api/recommendations": 5300,
    "/api/prices": 1900,
}
"""Static answers by path: on average what makes an exchange 3.7 kB."""
CHUNKED_PATH, CHUNKED_BYTES = "/page/home", 2600

NGINX = """\
worker_processes 1;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    default_type application/json;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    server {{
        listen {server}:80;
        root {home}/www;
        {header}
        location = {chunked_path} {{ ssi on; ssi_types *; }}
        location = /api/orders {{ return 201 '{{"id":"7f0c2c8e","state":"accepted"}}'; }}
        location = /api/stock/gone {{ return 404 '{{"error":"no such item"}}'; }}
    }}
}}
"""

WRK = """\
local targets = {{ {targets} }}
local delay_ms = {delay_ms}
local hex = {{}}
for value = 0, 65535 do hex[value] = string.format("%04x", value) end

local function id(words)
  local parts = {{}}
  for word = 1, words do parts[word] = hex[math.random(0, 65535)] end
  parts[1] = hex[math.random(1, 65535)]  -- never all zero
  return table.concat(parts)
end

function init(args)
  math.randomseed({seed})
end

if delay_ms > 0 then
  function delay() return math.random(0, 2 * delay_ms) end
end

local function traced()
  return math.random(10) > 1 and "00-" .. id(8) .. "-" .. id(4) .. "-0" .. math.random(0, 1)
end

"""

SERVICES = """\
-- One service calls another: the same fields in the same order each time, but for the traceparent.
function request()
  local traceparent = traced()
  local fields = " HTTP/1.1\\r\\nHost: shop.example\\r\\nUser-Agent: checkout/2.31 okhttp/4.12.0\\r\\n"
    .. "Accept: application/json\\r\\nAccept-Encoding: identity\\r\\n"
  if traceparent then fields = fields .. "traceparent: " .. traceparent .. "\\r\\n" end
  if math.random(20) == 1 then
    local body = '{{"sku":"' .. id(2) .. '","quantity":' .. math.random(9) .. "}}"
    local kind = "Content-Type: application/json\\r\\nContent-Length: " .. #body
    return "POST /api/orders" .. fields .. kind .. "\\r\\n\\r\\n" .. body
  end
  return "GET " .. targets[math.random(#targets)] .. "?page=" .. math.random(50) .. fields .. "\\r\\n"
end
"""

BROWSERS = """\
-- Every request has a cookie of its own, fields come in any order, and answers carry an id each.
function request()
  local headers = {{
    ["Host"] = "shop.example",
    ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    ["Accept"] = "application/json, text/plain, */*",
    ["Accept-Encoding"] = "identity",
    ["Accept-Language"] = "en-GB,en;q=0.7",
    ["Cookie"] = "session=" .. id(8) .. "; theme=dark",
    ["traceparent"] = traced() or nil,
  }}
  if headers["traceparent"] and math.random(4) == 1 then headers["tracestate"] = "shop=" .. id(4) end
  if math.random(20) == 1 then
    headers["Content-Type"] = "application/json"
    return wrk.format("POST", "/api/orders", headers, '{{"sku":"' .. id(2) .. '","quantity":' .. math.random(9) .. "}}")
  end
  return wrk.format("GET", targets[math.random(#targets)] .. "?page=" .. math.random(50), headers)
end
"""

PLAIN = """\
-- One question over and over.
function request()
  local traceparent = traced()
  local fields = " HTTP/1.1\\r\\nHost: shop.example\\r\\nUser-Agent: checkout/2.31 okhttp/4.12.0\\r\\nAccept: */*\\r\\n"
  if traceparent then fields = fields .. "traceparent: " .. traceparent .. "\\r\\n" end
  return "GET /api/orders/recent" .. fields .. "\\r\\n"
end
"""

VISITS = "-- A connection a request.\n" + SERVICES.replace("Host: ", "Connection: close\\r\\nHost: ", 1)
TRAFFIC = {
    "plain": (PLAIN, ""),
    "services": (SERVICES, ""),
    "visits": (VISITS, ""),
    "browsers": (BROWSERS, "add_header X-Request-Id $request_id;"),
}
"""Who asks, and what the server adds to its answers."""


def run(*command: str) -> None:
    """Run one command that must succeed."""
    subprocess.run(command, check=True, capture_output=True, text=True)


@contextlib.contextmanager
def namespaces() -> Iterator[tuple[str, str]]:
    """Two namespaces joined by a veth pair without offload; gone afterwards."""
    client, server = f"load-client-{os.getpid()}", f"load-server-{os.getpid()}"
    try:
        for namespace in (client, server):
            run("ip", "netns", "add", namespace)
        run("ip", "-n", client, "link", "add", "wire0", "type", "veth", "peer", "name", "wire0", "netns", server)
        for namespace, address in ((client, CLIENT), (server, SERVER)):
            inside = ("ip", "netns", "exec", namespace)
            run(*inside, "sysctl", "-q", "-w", "net.ipv6.conf.all.disable_ipv6=1")
            run(*inside, "ethtool", "-K", "wire0", "tso", "off", "gso", "off", "gro", "off")
            run(*inside, "ip", "address", "add", f"{address}/24", "dev", "wire0")
            run(*inside, "ip", "link", "set", "wire0", "mtu", "1500", "up")
        yield client, server
    finally:
        for namespace in (client, server):
            subprocess.run(("ip", "netns", "delete", namespace), check=False, capture_output=True)


@contextlib.contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process; end it, as Ctrl-C does, when the block is left."""
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield started
    finally:
        if started.poll() is None:
            started.send_signal(signal.SIGINT)
        started.wait(timeout=60)


def write_site(home: Path, traffic: str) -> None:
    """Write what nginx serves, one file per path, and its configuration."""
    for path, size in (*RESPONSE_BYTES.items(), (CHUNKED_PATH, CHUNKED_BYTES)):
        file = home / "www" / path[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        item = b'{"sku":"a81f-%06d","title":"Kettle, enamelled","price":"24.90"},'
        file.write_bytes(b"".join(item % row for row in range(size // len(item % 0) + 1))[:size])
    (home / "www").chmod(0o755)
    home.chmod(0o755)
    (home / "nginx.conf").write_text(
        NGINX.format(home=home, server=SERVER, chunked_path=CHUNKED_PATH, header=TRAFFIC[traffic][1])
    )


def write_script(home: Path, traffic: str, delay_ms: int, seed: int) -> Path:
    """Write what wrk asks for."""
    paths = (*RESPONSE_BYTES, CHUNKED_PATH, "/api/stock/gone")
    targets = ", ".join(f'"{path}"' for path in paths)
    script = home / "load.lua"
    script.write_text((WRK + TRAFFIC[traffic][0]).format(targets=targets, delay_ms=delay_ms, seed=seed))
    return script


def record(out: Path, size: int, traffic: str, connections: int, delay_ms: int, seed: int) -> int:
    """Write a capture of at least `size` bytes; return how many packets the kernel dropped."""
    with tempfile.TemporaryDirectory(prefix="wiresniff-load-") as directory, namespaces() as (client, server):
        home = Path(directory)
        write_site(home, traffic)
        script = write_script(home, traffic, delay_ms, seed)
        in_client, in_server = ("ip", "netns", "exec", client), ("ip", "netns", "exec", server)
        nginx = (*in_server, "nginx", "-c", str(home / "nginx.conf"), "-g", "daemon off;")
        tcpdump = (*in_server, "tcpdump", "-i", "wire0", "-n", "-s", "0", "-B", "262144", "-Z", "root", "-w", str(out))
        wrk = (
            *in_client,
            "wrk",
            "-t",
            "1",
            "-c",
            str(connections),
            "-d",
            "3600s",
            "-s",
            str(script),
            f"http://{SERVER}/",
        )
        with process(*nginx), process(*tcpdump, "tcp") as sniffer:
            time.sleep(1.0)
            with process(*wrk) as load:
                while not out.exists() or out.stat().st_size < size:
                    if load.poll() is not None or sniffer.poll() is not None:
                        _, complaint = (load if load.poll() is not None else sniffer).communicate()
                        sys.exit(f"the load ended before the capture was large enough: {complaint.strip()}")
                    time.sleep(0.1)
            time.sleep(1.0)  # the last packets are on their way
            sniffer.send_signal(signal.SIGINT)
            _, summary = sniffer.communicate(timeout=60)
    dropped = re.search(r"(\d+) packets? dropped by kernel", summary)
    return int(dropped[1]) if dropped else 0


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Record real HTTP/1.1 load between wrk and nginx.")
    parser.add_argument("out", type=Path, metavar="OUT.pcap")
    parser.add_argument("--gigabytes", type=float, default=1.0, help="size of the capture, in units of 10^9 bytes (1)")
    parser.add_argument("--traffic", choices=TRAFFIC, default="plain", help="who asks (plain)")
    parser.add_argument("--connections", type=int, default=50, help="connections kept alive (50)")
    parser.add_argument("--delay", type=int, default=0, metavar="MS", help="mean wait before each request (0)")
    parser.add_argument("--seed", type=int, default=1, help="of the random ids (1)")
    return parser.parse_args()


def main() -> None:
    """Record; on drops, again and slower."""
    chosen = options()
    absent = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if absent:
        sys.exit(f"make_load.py needs programs that are not installed: apt-get install {' '.join(absent)}")
    if os.geteuid() != 0:
        sys.exit("make_load.py makes network namespaces, which needs root: run it with sudo")
    delay_ms = chosen.delay
    for _ in range(3):
        dropped = record(
            chosen.out.absolute(),
            int(chosen.gigabytes * 1e9),
            chosen.traffic,
            chosen.connections,
            delay_ms,
            chosen.seed,
        )
        if not dropped:
            print(f"{chosen.out}: {chosen.out.stat().st_size:,} bytes, no packet dropped")
            return
        delay_ms = delay_ms * 2 or 5
        print(f"{dropped} packets were dropped: again, with a mean wait of {delay_ms} ms", file=sys.stderr)
    sys.exit("this machine is too busy to record without drops: try --delay 40 or a smaller --connections")


if __name__ == "__main__":
    main()
