"""Measure how quickly `watch` reads what waits in its rings, with one job and with several.

    sudo python tests/bench/catch_up.py load.pcap --jobs 1 2

How much live traffic a process can follow is hard to measure on the machine that makes the traffic: both want the same
cores. So `watch` is stopped while the packets of a capture are sent over a veth pair into its rings, which are large
enough for all of them, and goes on when the sender is done, with the wish to end. From then until it has ended, its
report written, it has the machine for itself.

Packets are sent as fast as it goes, and have the times at which they are sent. It needs root and the programs ip and
ethtool.
"""

import argparse
import json
import os
import resource
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from make_load import namespaces

PCAP_MAGIC = bytes.fromhex("d4c3b2a1")
FILE_HEADER_BYTES, RECORD_HEADER_BYTES = 24, 16
LENGTH_AT = 8
USER_TICKS, SYSTEM_TICKS = 11, 12
"""Behind the name, in /proc/PID/stat."""
RING_MIB = 1536


class Run(NamedTuple):
    """What one run took, from going on to the end, and what it counted."""

    seconds: float
    cpu_seconds: float
    requests: int
    dropped: int


def frames(path: Path, most: int) -> Iterator[memoryview]:
    """Give the packets of a capture file."""
    data = memoryview(path.read_bytes()[: most * 2048])
    if bytes(data[:4]) != PCAP_MAGIC:
        sys.exit(f"{path}: a little-endian pcap file is wanted, as make_load.py writes it")
    at = FILE_HEADER_BYTES
    for _ in range(most):
        if at + RECORD_HEADER_BYTES > len(data):
            return
        (length,) = struct.unpack_from("<I", data, at + LENGTH_AT)
        at += RECORD_HEADER_BYTES + length
        yield data[at - length : at]


def send(path: Path, most: int) -> None:
    """Send the packets of a capture out of this namespace's interface: what a sender in it does."""
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    out.bind(("wire0", 0))
    count = 0
    for frame in frames(path, most):
        out.send(frame)
        count += 1
    print(count)


def members(group: int) -> list[int]:
    """Return the processes of a group."""
    numbers = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
    return [number for number in numbers if os.getpgid(number) == group]


def cpu_seconds(process: int) -> float:
    """Return what a process has taken so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[USER_TICKS]) + int(fields[SYSTEM_TICKS])) / os.sysconf("SC_CLK_TCK")


def watch(jobs: int, sender: list[str], namespace: str) -> Run:
    """Watch, stopped while something is sent."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            *("ip", "netns", "exec", namespace, sys.executable, "-m", "wiresniff", "watch", "-i", "wire0"),
            *("--promiscuous", "--ring-mib", str(RING_MIB), "--listen", "none", "--jobs", str(jobs)),
            *("--format", "json", "--output", str(report)),
        ]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        assert process.stderr is not None
        while "capture-up" not in (said := process.stderr.readline()):
            if not said:
                sys.exit("watch did not begin")
        os.killpg(process.pid, signal.SIGSTOP)
        subprocess.run(sender, check=True, stdout=subprocess.DEVNULL)
        spent = sum(map(cpu_seconds, members(process.pid)))
        sent = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        os.killpg(process.pid, signal.SIGCONT)
        process.wait()
        seconds = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - sent.ru_utime - sent.ru_stime - spent
        found = json.loads(report.read_text())
        return Run(seconds, cpu, found["judged"]["requests"], found["accounting"].get("dropped_packets", 0))


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("capture", type=Path)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--packets", type=int, default=1_000_000, help="sent at most")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--send", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure all numbers of jobs in turn, several times."""
    chosen = options()
    if chosen.send:
        send(chosen.capture, chosen.packets)
        return
    runs: dict[int, list[Run]] = {jobs: [] for jobs in chosen.jobs}
    with namespaces() as (client, server):
        sender = [
            *("ip", "netns", "exec", client, sys.executable, __file__, str(chosen.capture.absolute())),
            *("--send", "--packets", str(chosen.packets)),
        ]
        for _ in range(chosen.rounds):
            for jobs, done in runs.items():
                done.append(watch(jobs, sender, server))
    first = statistics.median(run.seconds for run in runs[chosen.jobs[0]])
    for jobs, done in runs.items():
        seconds = statistics.median(run.seconds for run in done)
        cpu = statistics.median(run.cpu_seconds for run in done)
        requests = statistics.median(run.requests for run in done)
        dropped = max(run.dropped for run in done)
        best = min(run.seconds for run in done)
        print(
            f"--jobs {jobs}: {requests:,.0f} requests in {seconds:.2f} s ({best:.2f} at best), "
            f"{cpu * 1e6 / requests:.1f} us of CPU a request, {dropped} packets dropped, {first / seconds:.2f} x"
        )


if __name__ == "__main__":
    main()
