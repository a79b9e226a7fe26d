"""Live traffic watched by several workers, each of which sees its connections at a time of its own."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

import pytest
from builders import Clock, Conversation, packet_block, request, response, traceparent

from wiresniff.capture.live import POINT, LivePackets, tick
from wiresniff.capture.watched import InterfaceStatistics
from wiresniff.model.audit import Audit
from wiresniff.model.packets import PacketBlock
from wiresniff.model.policy import Policy, Service
from wiresniff.pipeline import Pipeline, Totals
from wiresniff.services.locality import Locality
from wiresniff.workers import watcher
from wiresniff.workers.watch import PATIENCE_SECONDS, SharedWatch

if TYPE_CHECKING:
    from wiresniff.workers.links import Link

SECOND = 10**9
TRACE = 0x4BF92F3577B34DA6A3CE929D0E0E4736
LATE_SECONDS = 0.6
"""After which a ring hands over what it has, while another did at once."""


class Ring:
    """A live capture whose packets all come at once, some time after they were on the wire."""

    backlog = 0.0

    def __init__(self, late_seconds: float, block: PacketBlock | None) -> None:
        self._late_seconds = late_seconds
        self._block = block
        self._is_stopping = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def __iter__(self) -> Iterator[tuple[int, PacketBlock]]:
        began = time.monotonic()
        while not self._is_stopping or self._block is not None:
            passed = time.monotonic() - began
            if self._block is not None and (passed >= self._late_seconds or self._is_stopping):
                block, self._block = self._block, None
                yield POINT, block
            else:  # as late as the latest packets may be
                yield POINT, tick(START.now_ns + round((passed - LATE_SECONDS - 0.1) * SECOND))
            time.sleep(0.02)

    def stop(self) -> None:
        """End."""
        self._is_stopping = True

    def shed(self, share: float) -> None:
        """Leave nothing out."""

    def left_out(self) -> list[float]:
        """Leave nothing out."""
        return []

    def statistics(self) -> list[InterfaceStatistics]:
        """Say that it is up."""
        return [InterfaceStatistics("lo", is_up=True)]

    def close(self) -> None:
        """Close nothing."""


class Silent(Ring):
    """One of a process that does nothing at all before its packets come, not even answer."""

    def __iter__(self) -> Iterator[tuple[int, PacketBlock]]:
        time.sleep(self._late_seconds)
        return super().__iter__()


START = Clock()


def traffic() -> tuple[PacketBlock, PacketBlock]:
    """Return a request to a service, answered at last, and the one that the service sends because of it."""
    clock = Clock(START.now_ns)
    called = Conversation(("10.0.0.1", 40000), ("10.0.0.2", 80), clock)
    calling = Conversation(("10.0.0.2", 41000), ("10.0.0.3", 80), clock)
    for talk in (called, calling):
        talk.open()
        talk.client_sends(
            request(
                "GET",
                "/",
                host=talk.server[0],
                fields=[("traceparent", traceparent(TRACE, span=1 + (talk is calling)))],
            )
        )
    for talk in (calling, called):
        talk.server_sends(response(200))
        talk.close()
    return packet_block(called.packets), packet_block(calling.packets)


def make(_: object) -> Pipeline:
    """Make the pipeline of a job."""
    return Pipeline(judges=False, quarantines=False)


def go_on(shared: SharedWatch, seconds: float) -> None:
    """Watch for a while."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        shared.feed(POINT, tick(shared.wait()))


def requests_by_server(shared: SharedWatch) -> dict[str, int]:
    """Return what workers counted so far."""
    assert shared.settle_traffic()
    return {pair.server: pair.requests for pair in shared.audit([]).pairs}


def watched(sources: Sequence[LivePackets], *, seconds: float) -> Audit:
    """Watch for a while; return what was found."""
    with SharedWatch(make(None), make, sources) as shared:
        go_on(shared, seconds)
        shared.close()
        return shared.audit([])


def outcomes(audit: Audit) -> dict[tuple[str, str], dict[str, int]]:
    """Return the outcomes of the hops of each pair."""
    return {(pair.client, pair.server): dict(+pair.hops.outcomes) for pair in audit.pairs}


@pytest.mark.parametrize("seconds", [2 * LATE_SECONDS, LATE_SECONDS / 2])
def test_who_calls_a_service_may_be_learned_late(seconds: float) -> None:
    """A ring shows a service calling before another shows who called it: it is no front door, and hands the trace on.

    That is so while watching goes on, and where it ends before the second ring has handed anything over.
    """
    called, calling = traffic()
    audit = watched([Ring(0, calling), Ring(LATE_SECONDS, called)], seconds=seconds)
    assert outcomes(audit) == {
        ("10.0.0.1", "10.0.0.2"): {"root:certain": 1},
        ("10.0.0.2", "10.0.0.3"): {"propagated:certain": 1},
    }
    assert not audit.accounting.evictions


class Line:
    """A parent that says everything that it has to say, whatever it is told."""

    def __init__(self, *says: object) -> None:
        self._says = list(says)
        self.told: list[object] = []

    def is_ready(self) -> bool:
        """Say nothing unless it is waited for."""
        return False

    def receive(self) -> object:
        """Say what comes next."""
        return self._says.pop(0)

    def send(self, message: object) -> None:
        """Remember it."""
        self.told.append(message)


def test_what_waits_for_another_worker_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another worker does not answer, this one does not keep everything until it does; and says so."""
    monkeypatch.setattr(watcher, "WATCHED_EVENTS", 0)
    _, calling = traffic()
    ring = Ring(0, calling)
    ring.stop()
    line = Line(watcher.Met(set(), watcher.NEVER_NS))
    pipeline = Pipeline(judges=False, quarantines=False)
    watcher.Watcher(pipeline, Locality(), ring, cast("Link", line), counts_apart=True).run()
    before, _, last, _, totals = line.told
    assert isinstance(before, watcher.Brought)
    assert isinstance(last, watcher.Brought)
    assert (before.ends_round, last.ends_round) == (False, True)
    assert isinstance(totals, Totals)
    assert totals.accounting.evictions == {"watched-events": 1, "watched-meetings": 1}


def test_a_worker_that_does_not_answer_for_long_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """All requests are counted once in the end."""
    monkeypatch.setattr(watcher, "WATCHED_EVENTS", 0)
    called, calling = traffic()
    audit = watched([Ring(0, calling), Silent(LATE_SECONDS, called)], seconds=2 * LATE_SECONDS)
    assert [pair.requests for pair in audit.pairs] == [1, 1]


@contextmanager
def held_up(process: int) -> Iterator[None]:
    """Let a process not run meanwhile."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_nobody_waits_for_a_worker_that_is_held_up() -> None:
    """What the other one counted is handed on soon, and its own when it comes: each request once.

    A message that is more than the line holds stops nobody either.
    """
    clock = Clock(START.now_ns)
    talks = [Conversation((f"10.0.{number}.1", 40000), (f"10.0.{number}.2", 80), clock) for number in range(2)]
    for talk in talks:
        talk.open()
        talk.client_sends(request("GET", "/", host=talk.server[0]))
        talk.server_sends(response(200))
    grown: Counter[str] = Counter()

    def ask(shared: SharedWatch) -> None:
        for each in shared.growth():
            grown[each.server] += each.numbers.requests

    with SharedWatch(make(None), make, [Ring(0, packet_block(talk.packets)) for talk in talks]) as shared:
        while requests_by_server(shared) != {"10.0.0.2": 1, "10.0.1.2": 1}:
            go_on(shared, 0.1)
        with held_up(shared.processes[1]):
            began = time.monotonic()
            for _ in range(2):
                ask(shared)
                assert grown == {"10.0.0.2": 1}
            shared.adopt(Policy(services=tuple(Service(f"s{n}", (f"10.1.{n >> 8}.{n & 255}",)) for n in range(20_000))))
            assert not shared.settle_traffic()
            go_on(shared, 0.3)
            assert time.monotonic() - began < 4 * PATIENCE_SECONDS
        while not shared.settle_traffic():
            pass
        ask(shared)
        assert grown == {"10.0.0.2": 1, "10.0.1.2": 1}
        shared.close()
        ask(shared)
        assert grown == {"10.0.0.2": 1, "10.0.1.2": 1}
        assert requests_by_server(shared) == grown


def test_totals_that_come_late_are_not_the_last() -> None:
    """Watching ends while a worker still owes what it was asked for: its last totals are awaited all the same."""
    called, calling = traffic()
    with SharedWatch(make(None), make, [Ring(0, calling), Ring(LATE_SECONDS, called)]) as shared:
        go_on(shared, LATE_SECONDS / 2)
        with held_up(shared.processes[1]):
            assert not shared.settle_traffic()
        shared.close()
        assert sum(pair.requests for pair in shared.audit([]).pairs) == 2
