"""SharedAudit: captures audited by several processes, with the same result as by one."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from mmap import mmap
from types import TracebackType
from typing import NamedTuple, Self

from wiresniff.model.audit import Audit, CaptureSummary
from wiresniff.model.exchanges import Exchange, Opened
from wiresniff.model.packets import PacketBlock
from wiresniff.model.segments import SegmentBlock
from wiresniff.model.spans import SPAN_BYTES
from wiresniff.model.verdicts import Judgement
from wiresniff.pipeline import Meeting, Pipeline, Totals
from wiresniff.protocols import Event
from wiresniff.workers.events import Receiver, Sender, Sent, Snapshot, snapshot
from wiresniff.workers.links import Link, Worker, fork, readable, send_to_all
from wiresniff.workers.shares import Shares
from wiresniff.workers.slots import Slot, Written, fits, halves

SLOTS = 5
"""Blocks on their way at once: workers need not wait for each other, nor for reading, at every block."""


@dataclass(slots=True, frozen=True)
class Block:
    """To a worker: dissect its share of a slot."""

    slot: int
    written: Written
    point: int
    now_ns: int
    """Capture time behind it."""
    is_last: bool
    """Nothing of the same block of packets follows."""


@dataclass(slots=True, frozen=True)
class End:
    """To a worker: the input of a capture point is over."""

    point: int
    now_ns: int


@dataclass(slots=True, frozen=True)
class Met:
    """Both ways: who calls whom on connections that are new in a block; from the parent, on those of all workers."""

    meetings: set[Meeting]


@dataclass(slots=True, frozen=True)
class Brought:
    """From a worker: what a block brought that is judged in one place. The worker is done with the block."""

    events: Sent
    recalled: Sent
    """Earlier requests that were counted, and take part in hops from now on."""


@dataclass(slots=True, frozen=True)
class Enough:
    """To a worker: nothing more comes; send what was counted."""


@dataclass(slots=True)
class Outstanding:
    """A block that workers have not finished."""

    point: int
    now_ns: int
    is_last: bool
    meetings: dict[int, set[Meeting]] = field(default_factory=dict)
    """By number of the worker."""
    brought: dict[int, Brought] = field(default_factory=dict)


class SharedAudit:
    """What `Pipeline` does, done by several processes; the first to call `feed` and the last to be told is this one.

    pipeline  decodes, and judges what must be judged in one place
    make      makes a pipeline like it, in each worker
    jobs      how many workers follow connections
    in_order  judge everything in one place, though nothing else asks for it
    is_prompt wait at each block until it is judged: somebody reads along, and nobody knows when the next one comes
    """

    def __init__(
        self,
        pipeline: Pipeline,
        make: Callable[[], Pipeline],
        jobs: int,
        *,
        is_prompt: bool = False,
        in_order: bool = False,
    ) -> None:
        self._pipeline = pipeline
        self._jobs = jobs
        self._is_prompt = is_prompt
        self._counts_apart = not (pipeline.is_in_order or in_order)
        self._slots = [Slot() for _ in range(SLOTS)]
        self._shares = Shares(jobs)
        self._published = 0
        self._outstanding: deque[Outstanding] = deque()
        self._brought: list[Event] = []
        """By blocks of which more follows."""
        self._points: dict[int, int] = {}
        """Capture time of each capture point."""
        self._receivers = [Receiver() for _ in range(jobs)]
        follow = partial(_follow, make, self._slots, counts_apart=self._counts_apart)
        self._workers: list[Worker] = fork(jobs, follow)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for worker in self._workers:
            worker.kill()

    def feed(self, point: int, block: PacketBlock) -> list[Judgement]:
        """Read a block; returns judgements, of earlier ones most often. Raises CaptureError where a worker died."""
        segments, now_ns = self._pipeline.decode(point, block)
        self._points[point] = now_ns
        judgements = self._publish(segments, point, now_ns)
        return judgements + self._settle(0 if self._is_prompt else SLOTS - 1)

    def memory(self) -> mmap:
        """Return the memory of a slot that no worker reads, for a block that is fed before another one is read."""
        return self._next_slot.buffer

    def close(self) -> list[Judgement]:
        """Every capture is at its end."""
        self._pipeline.close_entrances()
        judgements: list[Judgement] = []
        for point, now_ns in sorted(self._points.items()):
            judgements += self._tell(End(point, now_ns), Outstanding(point, now_ns, is_last=True))
        judgements += self._settle(0)
        judgements += self._pipeline.close_judging()
        send_to_all(self._workers, Enough())
        for worker in self._workers:
            totals = worker.receive()
            assert isinstance(totals, Totals)
            self._pipeline.absorb(totals)
        return judgements

    def audit(self, captures: list[CaptureSummary], span_bytes: int = SPAN_BYTES) -> Audit:
        """Return the audit of everything that was fed; see `Pipeline.audit`."""
        return self._pipeline.audit(captures, span_bytes)

    @property
    def _next_slot(self) -> Slot:
        """The one after those of `SLOTS` - 1 blocks, of which no more are outstanding."""
        return self._slots[self._published % SLOTS]

    def _publish(self, segments: SegmentBlock, point: int, now_ns: int, *, is_last: bool = True) -> list[Judgement]:
        """Give a block to the workers, in parts if it is too large for a slot."""
        if not fits(segments):
            first, second = halves(segments)
            judgements = self._publish(first, point, now_ns, is_last=False)
            return judgements + self._publish(second, point, now_ns, is_last=is_last)
        judgements = self._settle(SLOTS - 1)
        share = self._shares.of(segments.endpoints)
        written = self._next_slot.write(segments, share, self._jobs)
        order = Block(self._published % SLOTS, written, point, now_ns, is_last)
        self._published += 1
        return judgements + self._tell(order, Outstanding(point, now_ns, is_last))

    def _tell(self, order: Block | End, outstanding: Outstanding) -> list[Judgement]:
        judgements = self._settle(SLOTS - 1)
        self._outstanding.append(outstanding)
        send_to_all(self._workers, order)
        return judgements

    def _settle(self, most: int) -> list[Judgement]:
        """Take what workers sent, and wait until no more than `most` blocks are with them; judge what is complete."""
        judgements: list[Judgement] = []
        while self._outstanding:
            ready = readable(self._workers, None if len(self._outstanding) > most else 0)
            if not ready:
                break
            for worker in ready:
                self._take(worker.number, worker.receive())
            while self._outstanding and len(self._outstanding[0].brought) == self._jobs:
                judgements += self._judge(self._outstanding.popleft())
        return judgements

    def _take(self, number: int, message: object) -> None:
        """Take one message of a worker, which sends those of one block after those of another."""
        if isinstance(message, Met):
            block = next(each for each in self._outstanding if number not in each.meetings)
            block.meetings[number] = message.meetings
            if len(block.meetings) == self._jobs:
                send_to_all(self._workers, Met(set().union(*block.meetings.values())))
        else:
            assert isinstance(message, Brought)
            block = next(each for each in self._outstanding if number not in each.brought)
            block.brought[number] = message

    def _judge(self, block: Outstanding) -> list[Judgement]:
        """Take the last step with a block that all workers are done with."""
        recalled: list[Event] = []
        for number, receiver in enumerate(self._receivers):
            recalled += receiver.events(block.brought[number].recalled)
            self._brought += receiver.events(block.brought[number].events)
        if self._counts_apart:
            self._pipeline.meet(set().union(*block.meetings.values()))
            self._pipeline.take_recalled(each for each in recalled if isinstance(each, Exchange | Opened))
        if not block.is_last:
            return []
        events, self._brought = self._brought, []
        return self._pipeline.judge(block.point, events, block.now_ns)


def _follow(
    make: Callable[[], Pipeline],
    slots: list[Slot],
    number: int,
    link: Link,
    *,
    counts_apart: bool,
) -> None:
    """Do the work of a worker: dissect its share of every block."""
    follower = Follower(make(), slots, number, link, counts_apart=counts_apart)
    while not follower.has_ended:
        follower.take(link.receive())


class Follower:
    """A worker: follows the connections of its share.

    counts_apart  it counts what needs no other connections itself, and sends the rest; else it sends everything
    """

    def __init__(
        self,
        pipeline: Pipeline,
        slots: list[Slot],
        number: int,
        link: Link,
        *,
        counts_apart: bool,
    ) -> None:
        self._pipeline = pipeline
        self._slots = slots
        self._number = number
        self._link = link
        self._counts_apart = counts_apart
        self._sender = Sender()
        self._waiting: deque[Waiting] = deque()
        self.has_ended = False
        if counts_apart:
            pipeline.lend_hops()

    def take(self, message: object) -> None:
        """Do what the parent says."""
        if isinstance(message, Block):
            segments = self._slots[message.slot].read(message.written, self._number)
            events = self._pipeline.dissect(message.point, segments)
            if message.is_last:
                events += self._pipeline.pass_time(message.point, message.now_ns)
            self._bring(message, events)
        elif isinstance(message, End):
            self._bring(message, self._pipeline.close_point(message.point))
        elif isinstance(message, Met):
            self._count(self._waiting.popleft(), message.meetings)
        else:
            assert isinstance(message, Enough)
            self._link.send(self._pipeline.totals())
            self.has_ended = True

    def _bring(self, order: Block | End, events: list[Event]) -> None:
        if not self._counts_apart:
            self._link.send(Brought(self._sender.sent(events), self._sender.sent(())))
            return
        self._link.send(Met(self._pipeline.meetings(events)))
        opened = {event.exchange: snapshot(event) for event in events if isinstance(event, Opened)}
        self._waiting.append(Waiting(order.point, order.now_ns, events, opened))

    def _count(self, block: "Waiting", meetings: set[Meeting]) -> None:
        """Count what a block brought, now that it is known who calls whom on all connections."""
        recalled = self._pipeline.meet(meetings)
        together, apart = self._pipeline.share_out(block.events)
        self._pipeline.judge(block.point, apart, block.now_ns)
        told = [block.opened[event.exchange] if isinstance(event, Opened) else event for event in together]
        earlier = self._sender.sent(recalled)
        self._link.send(Brought(self._sender.sent(told), earlier))


class Waiting(NamedTuple):
    """A block that is dissected, and may be counted when it is known who calls whom."""

    point: int
    now_ns: int
    events: list[Event]
    opened: dict[Exchange, Snapshot]
