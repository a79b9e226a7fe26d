"""Live traffic watched by several workers, each of which sees its connections at a time of its own."""

import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

import pytest
from builders import Clock, Conversation, packet_block, request, response, traceparent

from wiresniff.capture.live import POINT, LivePackets, tick
from wiresniff.capture.watched import InterfaceStatistics
from wiresniff.model.audit import Audit
from wiresniff.model.packets import PacketBlock
from wiresniff.pipeline import Pipeline, Totals
from wiresniff.services.locality import Locality
from wiresniff.workers import watcher
from wiresniff.workers.watch import SharedWatch

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


def watched(sources: Sequence[LivePackets], *, seconds: float) -> Audit:
    """Watch for a while; return what was found."""

    def make(_: object) -> Pipeline:
        return Pipeline(judges=False, quarantines=False)

    with SharedWatch(make(None), make, sources) as shared:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            shared.feed(POINT, tick(shared.wait()))
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
