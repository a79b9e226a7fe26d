"""Compare `wiresniff audit` with what people use now, on one capture: ratios from one run.

    python tests/bench/compare.py CAPTURE.pcap
    python tests/bench/compare.py CAPTURE.pcap --grpc 50051

Whole processes, start-up included, all on the same core: what is compared is the time that this core worked for each,
pipes and children included, so that neighbours on the machine count for little. Each round runs every program once, so
that whatever else the machine does hits all of them alike; the medians are compared. The capture is read once before,
so that it comes from memory. Programs that are not installed are skipped, and it says so.
"""

import argparse
import os
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

DECODE_ONLY = Path(__file__).with_name("decode_only.py")
HPACK_ONLY = Path(__file__).with_name("hpack_only.py")
SUBJECT = "wiresniff audit"


@dataclass
class Contestant:
    """One program: a shell command line, and what it must print or count to have done its work."""

    name: str
    command: str
    """`{capture}` is the capture, quoted; `{python}` this interpreter; `{port}` that of gRPC."""
    does: str
    needs: str | None = None
    """A program that must be installed."""
    tells_seconds: bool = False
    """Its last line of output is the time that counts, instead of that of the whole process."""
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.seconds)


AUDIT = Contestant(SUBJECT, "{python} -m wiresniff audit {capture}", "this program")
COPY = Contestant("tcpdump -w", "tcpdump -r {capture} -w /dev/null", "reads and copies: the floor", "tcpdump")
HTTP_1 = (
    AUDIT,
    Contestant(
        "tshark http.request",
        "tshark -r {capture} -Y http.request -T fields -e http.request.uri",
        "reassembles, dissects, prints the paths",
        "tshark",
    ),
    Contestant(
        "tcpdump -A | grep",
        "tcpdump -A -r {capture} | grep -c traceparent",
        "prints every packet, counts lines",
        "tcpdump",
    ),
    Contestant("dpkt, decode only", "{python} " + shlex.quote(str(DECODE_ONLY)) + " {capture}", "an object per packet"),
    Contestant("httpry", "httpry -r {capture}", "request and status lines, no reassembly", "httpry"),
    Contestant("ngrep", "ngrep -I {capture} -q traceparent", "searches single packets", "ngrep"),
    COPY,
)
GRPC = (
    AUDIT,
    Contestant(
        "tshark http2",
        "tshark -r {capture} -d tcp.port=={port},http2 -Y http2.headers.method -T fields -e http2.headers.path",
        "reassembles, dissects, prints the paths",
        "tshark",
    ),
    Contestant(
        "hpack, decode only",
        "{python} " + shlex.quote(str(HPACK_ONLY)) + " {capture} {port}",
        "the library's time for header blocks",
        tells_seconds=True,
    ),
    COPY,
)


def run(contestant: Contestant, capture: Path, port: int | None, core: int) -> str | None:
    """Run once and note the time; return why it failed, if it did."""
    line = contestant.command.format(capture=shlex.quote(str(capture)), python=shlex.quote(sys.executable), port=port)
    command = ("taskset", "--cpu-list", str(core), "bash", "-o", "pipefail", "-c", line)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.PIPE if contestant.tells_seconds else subprocess.DEVNULL
    done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    if done.returncode == 0:
        contestant.seconds.append(float(done.stdout.split()[-1]) if contestant.tells_seconds else seconds)
        return None
    complaint = done.stderr.decode(errors="replace").strip().splitlines()
    return complaint[-1] if complaint else f"exit status {done.returncode}"


def warm(capture: Path) -> None:
    """Read the capture once."""
    with capture.open("rb") as file:
        while file.read(1 << 24):
            pass


def table(contestants: list[Contestant], size: int) -> str:
    """Render medians, spread, and how many times as long as wiresniff each takes."""
    subject = next((contestant for contestant in contestants if contestant.name == SUBJECT), None)
    lines = [f"{'program':22}{'cpu s':>10}{'min':>8}{'max':>8}{'MB/s':>8}{'x ' + SUBJECT:>20}   does"]
    for contestant in sorted(contestants, key=lambda contestant: contestant.median):
        ratio = f"{contestant.median / subject.median:.2f}" if subject else "-"
        lines.append(
            f"{contestant.name:22}{contestant.median:10.2f}{min(contestant.seconds):8.2f}{max(contestant.seconds):8.2f}"
            f"{size / 1e6 / contestant.median:8.0f}{ratio:>20}   {contestant.does}"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description="Compare wiresniff audit with what people use now.")
    parser.add_argument("capture", type=Path, help="a classic capture file of Ethernet frames (see make_load.py)")
    parser.add_argument("--grpc", type=int, metavar="PORT", help="a capture of gRPC to this port (make_grpc_load.py)")
    parser.add_argument("--rounds", type=int, default=5, help="times that each program runs (5)")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core they all run on")
    parser.add_argument("--only", metavar="WORD", action="append", help="only programs whose name has WORD; may repeat")
    options = parser.parse_args()
    if not options.capture.is_file():
        sys.exit(f"{options.capture}: no such file; make one with tests/bench/make_load.py {options.capture}")
    if shutil.which("taskset") is None:
        sys.exit("compare.py keeps all programs on one core with taskset: apt-get install util-linux")
    contestants = HTTP_1 if options.grpc is None else GRPC
    running = [c for c in contestants if not options.only or any(word in c.name for word in options.only)]
    for contestant in list(running):
        if contestant.needs and shutil.which(contestant.needs) is None:
            print(f"{contestant.name}: skipped, {contestant.needs} is not installed")
            running.remove(contestant)
    warm(options.capture)
    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        for contestant in list(running):
            failure = run(contestant, options.capture, options.grpc, options.core)
            if failure is not None:
                print(f"{contestant.name}: left out, it failed: {failure}")
                running.remove(contestant)
    if not running:
        sys.exit("nothing was measured")
    size = options.capture.stat().st_size
    print(f"{options.capture.name}: {size:,} bytes, {options.rounds} rounds, core {options.core}")
    print(table(running, size))


if __name__ == "__main__":
    main()
