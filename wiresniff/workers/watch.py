"""SharedWatch: live traffic watched by several processes; the kernel shares the connections between their rings.

Each worker has sockets of its own, which this process opened while it had the right to, and does with what comes in
them what one process alone would do, but for what must be judged in one place. Every `ROUND_SECONDS` there is a round:
workers tell who calls whom, and how far they have come; are told what others saw, and how far all have come; and bring
what takes part in hops until then: a ring that hands its packets over late may hold who called the service that another
ring shows calling. What the kernel counted comes along.

A worker may be slow, where more comes than can be read or others have the processors. Nobody waits for it: messages to
it are kept until it takes them, and what it is asked for is taken when it comes. Until then, what others told is shown.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import fields
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from wiresniff.capture.live import POINT, LivePackets, tick
from wiresniff.capture.watched import InterfaceStatistics
from wiresniff.model.accounting import Accounting
from wiresniff.model.audit import Audit, CaptureSummary
from wiresniff.model.exchanges import Exchange, Opened
from wiresniff.model.growth import Growth
from wiresniff.model.packets import PacketBlock
from wiresniff.model.policy import Policy
from wiresniff.model.spans import SPAN_BYTES
from wiresniff.model.verdicts import Judgement
from wiresniff.pipeline import Meeting, Pipeline, Totals
from wiresniff.services.locality import Locality
from wiresniff.workers.events import Receiver
from wiresniff.workers.links import fork, post_to_all, readable
from wiresniff.workers.watcher import Adopt, Brought, Grow, Grown, Met, Round, Stop, Tell, watch

if TYPE_CHECKING:
    from wiresniff.protocols import Event

ROUND_SECONDS = 0.2
"""Between rounds: hops are judged a second later anyway."""
PATIENCE_SECONDS = 1.0
"""For what all workers are asked for: one that keeps up looks at what it is told twice in this time."""


class SharedWatch:
    """What a pipeline does, with the packets of `SharedSource`: they stay in the workers, and so does most of the work.

    pipeline  judges what must be judged in one place
    make      makes a pipeline like it, in each worker, of addresses that are local
    sources   one live capture for each worker, members of one fanout group

    Raises CaptureError where a worker died: what it saw would be missing for good.
    """

    def __init__(
        self, pipeline: Pipeline, make: Callable[[Locality], Pipeline], sources: Sequence[LivePackets]
    ) -> None:
        self._pipeline = pipeline
        self._make = make
        self._adopted: Policy | None = None
        """The policy in force, once it is another than that of `make`."""
        self._jobs = len(sources)
        self._counts_apart = not pipeline.is_in_order
        self._receivers = [Receiver() for _ in sources]
        self._met: dict[int, Met] = {}
        self._round_at = 0.0
        self._in_round: set[int] = set()
        """Workers that have not brought what they have, of a round that goes on."""
        self._working = set(range(self._jobs))
        """Workers that have not told their last totals."""
        self._growing: set[int] = set()
        """Those that were asked what pairs grew by, and have not said it."""
        self._telling: set[int] = set()
        """Those that were asked for totals meanwhile, and have not told them."""
        self._brought: list[Event] = []
        self._times = [0] * self._jobs
        self._statistics: list[list[InterfaceStatistics]] = [each.statistics() for each in sources]
        self._accounting = [Accounting() for _ in sources]
        self._connections = [0] * self._jobs
        self._totals: dict[int, Totals] = {}
        self._grown: list[Growth] = []
        """Told, and not handed on."""
        self.left_out = [0.0] * self._jobs
        """Of its connections, what each worker leaves out at overload."""
        self._workers = fork(self._jobs, partial(watch, make, sources, counts_apart=self._counts_apart))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for worker in self._workers:
            worker.kill()

    @property
    def processes(self) -> list[int]:
        """Process ids of the workers."""
        return [worker.process for worker in self._workers]

    def wait(self) -> int:
        """Take what workers send for a while, in rounds; return what time it is in all of them."""
        self._begin_round()
        self._take(ROUND_SECONDS / 2)
        return min(self._times)

    def statistics(self) -> list[InterfaceStatistics]:
        """Return what is known of each interface: sums over all workers."""
        return [_sum(same) for same in zip(*self._statistics, strict=True)]

    def feed(self, point: int, block: PacketBlock) -> list[Judgement]:
        """Judge what the workers brought by now."""
        events, self._brought = self._brought, []
        return self._pipeline.judge(point, events, block.now_ns)

    def close(self) -> list[Judgement]:
        """End the workers, and judge what is left: waits for all of them."""
        post_to_all(self._workers, Stop())
        while self._working:
            self._take(None)
        events, self._brought = self._brought, []
        return self._pipeline.judge(POINT, events, max(self._times)) + self._pipeline.close_judging()

    @property
    def now_ns(self) -> int:
        """Capture time."""
        return max(self._times)

    @property
    def connections(self) -> int:
        """Connections that are followed."""
        return sum(self._connections)

    def adopt(self, policy: Policy) -> None:
        """Judge by another policy from now on."""
        self._adopted = policy
        self._pipeline.adopt(policy)
        post_to_all(self._workers, Adopt(policy))

    def settle_traffic(self) -> bool:
        """Have the workers count the bytes of connections that are open, and tell what they counted.

        Returns False where one has not done so within `PATIENCE_SECONDS`: the next call goes on waiting for it.
        """
        if not self._telling and self._working:
            self._telling = set(self._working)
            post_to_all(self._workers, Tell())
        self._wait_for(self._telling)
        return not self._telling

    def growth(self) -> list[Growth]:
        """Return what pairs grew by since the last call, as far as workers say so within `PATIENCE_SECONDS`.

        What one says later is of a later call, and it isn't asked again before.
        """
        growth = self._pipeline.growth()
        asked = [worker for worker in self._workers if worker.number in self._working - self._growing]
        self._growing |= {worker.number for worker in asked}
        post_to_all(asked, Grow(self._pipeline.learned()))
        self._wait_for(self._growing)
        told, self._grown = self._grown, []
        return growth + told

    def accounting(self) -> Accounting:
        """Return everything that was counted, as far as workers told; nobody else's to change."""
        accounting = self._pipeline.accounting()
        for each in self._accounting:
            accounting.add(each)
        return accounting

    def audit(
        self, captures: list[CaptureSummary], span_bytes: int = SPAN_BYTES, accounting: Accounting | None = None
    ) -> Audit:
        """Return the audit of everything that was counted when traffic was settled; see `Pipeline.audit`."""
        merged = self._make(Locality())
        if self._adopted is not None:
            merged.adopt(self._adopted)
        for _, totals in sorted(self._totals.items()):
            merged.absorb(deepcopy(totals))
        merged.absorb(deepcopy(self._pipeline.totals()))
        return merged.audit(captures, span_bytes, accounting)

    # --- workers ---

    def _begin_round(self) -> None:
        now = time.monotonic()
        if not self._in_round and now >= self._round_at:
            self._round_at, self._in_round = now + ROUND_SECONDS, set(range(self._jobs))
            post_to_all(self._workers, Round())

    def _wait_for(self, awaited: set[int]) -> None:
        """Wait until all of these have answered, but not for long."""
        until = time.monotonic() + PATIENCE_SECONDS
        while awaited and (left := until - time.monotonic()) > 0:
            self._take(left)

    def _take(self, seconds: float | None) -> None:
        """Take what workers sent; wait so long for it (None: until there is something)."""
        for worker in readable([worker for worker in self._workers if worker.number in self._working], seconds):
            self._receive(worker.number, worker.receive())

    def _receive(self, number: int, message: object) -> None:
        if isinstance(message, Met):
            self._met[number] = message
            if len(self._met) == self._jobs:
                meetings: set[Meeting] = set().union(*(each.meetings for each in self._met.values()))
                now_ns = min(each.now_ns for each in self._met.values())
                self._met.clear()
                self._pipeline.meet(meetings)
                post_to_all(self._workers, Met(meetings, now_ns))
        elif isinstance(message, Brought):
            if message.ends_round:
                self._in_round.discard(number)
            self._times[number] = max(self._times[number], message.now_ns)
            self._statistics[number], self.left_out[number] = message.statistics, message.share
            receiver = self._receivers[number]
            recalled = receiver.events(message.recalled)
            self._pipeline.take_recalled(each for each in recalled if isinstance(each, Exchange | Opened))
            self._brought += receiver.events(message.events)
        elif isinstance(message, Grown):
            self._growing.discard(number)
            self._grown += message.growth
            self._pipeline.absorb_names(message.learned)
            self._accounting[number], self._connections[number] = message.accounting, message.connections
        else:
            assert isinstance(message, Totals)
            self._totals[number] = message
            self._accounting[number] = message.accounting
            if number in self._telling:
                self._telling.discard(number)
            else:
                self._working.discard(number)


class SharedSource:
    """The packets that workers take, as a live capture: here, only time comes out of it."""

    backlog = 0.0

    def __init__(self, shared: SharedWatch) -> None:
        self._shared = shared
        self._is_stopping = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Iterator[tuple[int, PacketBlock]]:
        """Give ticks until `stop`."""
        while not self._is_stopping:
            yield POINT, tick(self._shared.wait())

    def stop(self) -> None:
        """Take no more packets. Those that wait in rings are counted when the shared watch is closed."""
        self._is_stopping = True

    def shed(self, share: float) -> None:
        """Leave that to the workers, each of which knows its own ring."""

    def statistics(self) -> list[InterfaceStatistics]:
        """Return what is known of each interface."""
        return self._shared.statistics()

    def left_out(self) -> list[float]:
        """Return the share of its connections that each worker leaves out at overload."""
        return self._shared.left_out

    def close(self) -> None:
        """Close nothing: the sockets are closed by who opened them."""


def _sum(same: Sequence[InterfaceStatistics]) -> InterfaceStatistics:
    """Add what several sockets say of one interface."""
    reason = next((each.reason for each in same if each.reason is not None), None)
    numbers = {
        field.name: sum(getattr(each, field.name) for each in same)
        for field in fields(InterfaceStatistics)
        if field.name not in {"name", "is_up", "reason", "reopened"}
    }
    return InterfaceStatistics(
        same[0].name, all(each.is_up for each in same), reason, reopened=max(each.reopened for each in same), **numbers
    )
