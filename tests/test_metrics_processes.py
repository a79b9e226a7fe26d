"""What processes cost, together."""

import subprocess
import sys

import pytest

from wiresniff.metrics.processes import Processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

BUSY = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"


def values(processes: Processes) -> dict[str, float]:
    """Return what is collected, by the name of the sample."""
    return {sample.name: sample.value for metric in processes.collect() for sample in metric.samples}


def test_workers_cost_too() -> None:
    """Processor time, memory and files are sums; when it began is said of the first alone."""
    with subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        processes = Processes()
        alone = values(processes)
        processes.add([worker.pid])
        together = values(processes)
        assert together["process_cpu_seconds_total"] >= alone["process_cpu_seconds_total"] + 0.25
        assert together["process_resident_memory_bytes"] > alone["process_resident_memory_bytes"] + 1_000_000
        assert together["process_open_fds"] > alone["process_open_fds"]
        assert together["process_start_time_seconds"] == alone["process_start_time_seconds"]


def test_a_worker_that_is_gone_costs_nothing() -> None:
    """It is no reason not to answer."""
    with subprocess.Popen([sys.executable, "-c", ""]) as worker:
        worker.wait()
    processes = Processes()
    processes.add([worker.pid])
    assert values(processes)["process_cpu_seconds_total"] > 0
