"""What the processes of a watch cost: the usual `process_...` families, over all of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

SELF = "self"
SUMMED = frozenset(
    {"process_cpu_seconds", "process_resident_memory_bytes", "process_virtual_memory_bytes", "process_open_fds"}
)
"""Memory that processes share counts for each of them. The other families are those of the first process."""


class Processes(Collector):
    """Collects `process_...` of this process and of its workers, as one: whoever watches the cost means all of them."""

    def __init__(self) -> None:
        self._of_each = [_of(SELF)]

    def add(self, workers: Sequence[int]) -> None:
        """Take in workers, by their process ids."""
        self._of_each += map(_of, workers)

    def describe(self) -> Iterable[Metric]:
        """Return nothing: names are not checked against those of other collectors."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Return the families of this process, some with what workers add to them."""
        own, *others = [{metric.name: metric for metric in each()} for each in self._of_each]
        for name, metric in own.items():
            if name in SUMMED:
                more = [sample.value for each in others if name in each for sample in each[name].samples]
                metric.samples = [sample._replace(value=sample.value + sum(more)) for sample in metric.samples]
            yield metric


def _of(process: int | str) -> Callable[[], Iterable[Metric]]:
    return ProcessCollector(pid=lambda: process, registry=None).collect
