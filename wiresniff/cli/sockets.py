"""Sockets of `wiresniff watch`, which are opened while it has the right to: interfaces, and the port of the metrics."""

from collections.abc import Sequence
from contextlib import ExitStack
from secrets import randbelow
from typing import TYPE_CHECKING, NamedTuple

from wiresniff.capture.blind import BlindSource
from wiresniff.capture.live import open_live
from wiresniff.model.delivery import Endpoint
from wiresniff.model.errors import CaptureError

if TYPE_CHECKING:
    from wiresniff.capture import Filter
    from wiresniff.capture.live import LivePackets
    from wiresniff.cli.log import Log
    from wiresniff.metrics.exporter import Exporter

FANOUT_GROUPS = 1 << 16
NOWHERE = "none"
"""In place of an address: no metrics are served."""


class Wanted(NamedTuple):
    """What is to be captured, and how."""

    interfaces: list[str]
    filter: "Filter | None"
    ring_bytes: int
    promiscuous: bool
    must_be_permitted: bool
    """Else nothing is watched where capturing is not permitted, and that is said."""
    may_be_absent: bool
    """An interface that is not there yet is waited for."""


def open_interfaces(stack: ExitStack, wanted: Wanted, jobs: int, log: "Log") -> "list[LivePackets]":
    """Open the interfaces, once for each job."""
    fanout = randbelow(FANOUT_GROUPS) if jobs > 1 else None
    opened = stack.enter_context(ExitStack())
    try:
        return [
            opened.enter_context(
                open_live(
                    wanted.interfaces, ring_bytes=wanted.ring_bytes, filter=wanted.filter, fanout=fanout,
                    promiscuous=wanted.promiscuous, may_be_absent=wanted.may_be_absent,
                )
            )
            for _ in range(jobs)
        ]  # fmt: skip
    except CaptureError as refusal:
        opened.close()
        if wanted.must_be_permitted:
            raise
        log.tell("error", "capture-refused", interfaces=",".join(wanted.interfaces), why=refusal)
        return [stack.enter_context(BlindSource(wanted.interfaces, str(refusal)))]


class Serving(NamedTuple):
    """What serves metrics, once it is started, and where."""

    exporter: "Exporter | None"
    endpoints: tuple[Endpoint, ...] = ()

    def start(self, workers: Sequence[int]) -> None:
        """Serve from now on: after rights are given up and processes, `workers`, are forked: this makes a thread."""
        if self.exporter is not None:
            self.exporter.add_workers(workers)
            self.exporter.start()


def open_exporter(stack: ExitStack, listen: str, web_config: str | None, *, shows_page: bool) -> Serving:
    """Open the port of the metrics."""
    if listen == NOWHERE:
        return Serving(None)
    from wiresniff.config.web import load_web_config
    from wiresniff.metrics.exporter import Exporter
    from wiresniff.metrics.listen import parse_listen

    exporter = Exporter(shows_page=shows_page)
    web = load_web_config(web_config) if web_config is not None else None
    bound = exporter.bind(parse_listen(listen), web)
    stack.callback(exporter.close)
    return Serving(exporter, tuple(Endpoint(address.partition("%")[0], port) for address, port in bound))
