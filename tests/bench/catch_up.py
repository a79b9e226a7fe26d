"""Measure how quickly `watch` reads what waits in its rings, with one job and with several.

    sudo python tests/bench/catch_up.py load.pcap --jobs 1 2

How much live traffic a process can follow is hard to measure on the machine that makes the traffic: both want the same
cores. So `watch` is stopped while the packets of a capture are sent over a veth pair into its rings, which are large
enough for all of them, and goes on when the sender is done. From then until it has nothing more to do, it has the
machine for itself.

Packets are sent as fast as it goes, and have the times at which they are sent. It needs root and the programs ip and
ethtool.
"""

import argparse
import contextlib
import json
import os
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
SAMPLE_SECONDS = 0.02
QUIET_SAMPLES = 25
"""For so long a process that waits for packets takes less than"""
QUIET_CPU_SECONDS = 0.03


class Run(NamedTuple):
    """What one run took until all was read, and what it counted."""

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


def cpu_seconds(group: int) -> float:
    """Return what the processes of a group have taken so far."""
    ticks = 0
    for each in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(each.name)) == group:
                fields = (each / "stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[USER_TICKS]) + int(fields[SYSTEM_TICKS])
    return ticks / os.sysconf("SC_CLK_TCK")


def until_quiet(group: int, began: float) -> tuple[float, float]:
    """Wait until a group of processes does nothing any more; return the seconds until then, and its CPU seconds."""
    samples = [(0.0, cpu_seconds(group))]
    while len(samples) <= QUIET_SAMPLES or samples[-1][1] - samples[-QUIET_SAMPLES][1] > QUIET_CPU_SECONDS:
        time.sleep(SAMPLE_SECONDS)
        samples.append((time.monotonic() - began, cpu_seconds(group)))
    return samples[-QUIET_SAMPLES]


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
        spent = cpu_seconds(process.pid)
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGCONT)
        seconds, cpu = until_quiet(process.pid, began)
        process.send_signal(signal.SIGTERM)
        process.wait()
        found = json.loads(report.read_text())
        return Run(seconds, cpu - spent, found["judged"]["requests"], found["accounting"].get("dropped_packets", 0))


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
