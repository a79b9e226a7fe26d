"""LiveSource: what passes the interfaces of this machine now, as packet blocks.

All interfaces of a call are one capture point: connections are followed over all of them, and a packet that passes
several of them is known by its `interface`. What the rings of several interfaces hold at one time is put in order; the
kernel hands over one a little later than another, so that order between interfaces is exact with `any` only, which has
one ring. Of `any`, packets that have a VLAN interface to themselves are taken there, and not again with their tag.

Packets are taken from the rings and kept for a moment, until there are enough to be worth reading together
(`limits.RING_GATHER_BYTES`); the rings have room meanwhile. On an idle machine they are read a few times a second.

Silence passes time too: without packets there is a tick every `limits.TICK_SECONDS`. It says a little less than what
time it is, since the kernel keeps a block back until it is full or `limits.RING_BLOCK_SECONDS` have passed, twice at
most.
"""

import select
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self, TypeVar

import numpy as np

from wiresniff.capture import rights
from wiresniff.capture.filter import Filter, with_rows
from wiresniff.capture.interfaces import ANY, check_names, may_come, read_vlans
from wiresniff.capture.packet_socket import check_ring_bytes, refusal
from wiresniff.capture.records import Column
from wiresniff.capture.ring import LINK_COOKED, LINK_ETHERNET, VLAN_NUMBER, RingPackets, joined
from wiresniff.capture.watched import InterfaceStatistics, WatchedInterface, Wish
from wiresniff.model.errors import UsageError
from wiresniff.model.limits import (
    INTERFACE_SECONDS,
    INTERFACES,
    RING_BLOCK_SECONDS,
    RING_BLOCK_SECONDS_OF_SEVERAL,
    RING_BYTES,
    RING_GATHER_BYTES,
    RING_GATHER_SECONDS,
    RING_PAUSE_SECONDS,
    RING_QUIET_PAUSE_SECONDS,
    RING_ROOM,
    TICK_SECONDS,
)
from wiresniff.model.packets import PacketBlock

NANOSECONDS = 1_000_000_000
POINT = 0
"""The number of the capture point."""


def block_seconds_of(rings: int) -> float:
    """Return after how long, to twice that, the kernel is to hand over any block, by how many rings are read."""
    return RING_BLOCK_SECONDS if rings == 1 else RING_BLOCK_SECONDS_OF_SEVERAL


class LivePackets(Protocol):
    """A live capture, whatever takes its packets."""

    backlog: float
    """How much of what packets wait in was full when it was last looked at, from 0 to 1."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...

    def __iter__(self) -> Iterator[tuple[int, PacketBlock]]:
        """Give (number of the capture point, block or tick) without end, or until `stop`."""
        ...

    def stop(self) -> None:
        """Take no more packets; iterating ends when those taken by now were given. Safe in a signal handler."""
        ...

    def shed(self, share: float) -> None:
        """Leave out a share of the connections, from 0 (the usual) to 1, whole and always the same ones."""
        ...

    def left_out(self) -> list[float]:
        """Return the share that each job leaves out, where jobs decide that themselves; empty elsewhere."""
        ...

    def statistics(self) -> list[InterfaceStatistics]:
        """Return what is known of each interface since the beginning. For the thread that iterates."""
        ...

    def close(self) -> None:
        """Close all sockets."""
        ...


class Rows:
    """Numbers the interfaces that packets come from, as `PacketBlock.interface` does."""

    def __init__(self) -> None:
        self._row_of: dict[tuple[int, int], int] = {}
        self.link_types: tuple[int, ...] = ()
        self.forgotten = 0
        """How often there were more than `limits.INTERFACES`, and counting began anew."""

    def of(self, interface: int, link_type: int) -> int:
        """Return the row of an interface, by a number of the caller's, for packets of a link type."""
        row = self._row_of.get((interface, link_type))
        if row is None:
            row = self._row_of[interface, link_type] = len(self.link_types)
            self.link_types += (link_type,)
        return row

    def make_room(self) -> None:
        """Begin anew if there are too many: pods come and go for months, and each has an interface of its own."""
        if len(self._row_of) > INTERFACES:
            self._row_of, self.link_types = {}, ()
            self.forgotten += 1


class LiveSource:
    """Watches interfaces through rings of packet sockets (Linux). See `open_live`."""

    def __init__(self, watched: list[WatchedInterface], filter: Filter | None) -> None:  # noqa: A002 (as everywhere)
        self._watched = watched
        self._filter = filter
        self._rows = Rows()
        self._is_stopping = False
        self._look_at = self._taken_at = 0.0
        self._held: list[list[RingPackets]] = [[] for _ in watched]
        """Taken from each ring and not given yet."""
        self._held_bytes = 0
        self._ring_bytes = max(each.ring.bytes for each in watched)
        self._block_seconds = block_seconds_of(len(watched))
        self._seen_elsewhere = np.empty(0, dtype=np.int64)
        """Interface and VLAN of packets that have an interface of their own as well, as `vlan_key` has them."""
        self.backlog = 0.0
        """How full the fullest ring was when it was last looked at, from 0 to 1."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close all sockets."""
        for each in self._watched:
            each.close()

    def stop(self) -> None:
        """Take no more packets; iterating ends when those taken by now were given. Safe in a signal handler."""
        self._is_stopping = True

    def shed(self, share: float) -> None:
        """Leave out a share of the connections, from 0 (the usual) to 1, whole and always the same ones.

        What is left out is counted in `InterfaceStatistics`. Only what has TCP right behind its IP header is.
        """
        for each in self._watched:
            each.shed(min(max(share, 0.0), 1.0))

    def left_out(self) -> list[float]:
        """Return nothing: whoever watches decides."""
        return []

    def statistics(self) -> list[InterfaceStatistics]:
        """Return what is known of each interface since the beginning. For the thread that iterates."""
        return [each.statistics() for each in self._watched]

    def __iter__(self) -> Iterator[tuple[int, PacketBlock]]:
        """Give (0, block or tick) without end, or until `stop`. Packets are taken from this call on."""
        for each in self._watched:
            each.start()
        return self._blocks()

    def _blocks(self) -> Iterator[tuple[int, PacketBlock]]:
        poll = select.poll()
        by_descriptor = {each.descriptor: each for each in self._watched}
        for descriptor in by_descriptor:
            poll.register(descriptor, select.POLLIN)
        end_at = None
        while end_at is None or time.monotonic() < end_at:
            if self._is_stopping and end_at is None:
                end_at = time.monotonic() + 2 * self._block_seconds
                for each in self._watched:
                    each.stop()
            self._look()
            yield from self._taken()
            asked_ns = time.time_ns()
            left = TICK_SECONDS if end_at is None else max(end_at - time.monotonic(), 0)
            events = poll.poll(left * 1000)
            self.backlog = self._fullest()  # what came while the last packets were audited
            if events:
                self._gather()
            for descriptor, event in events:
                if event & ~select.POLLIN:
                    by_descriptor[descriptor].note_error()
            if not events:
                yield POINT, tick(asked_ns - int(2 * self._block_seconds * NANOSECONDS))
        while any(each.ring.waiting() for each in self._watched):  # nothing is added to it any more
            yield from self._taken()

    def _gather(self) -> None:
        """Wait until there are enough packets to be worth reading, or the last ones were given some time ago.

        The rings are kept nearly empty meanwhile, and whatever happens then they have room.
        """
        until = self._taken_at + RING_GATHER_SECONDS
        while not self._is_stopping and (left := until - time.monotonic()) > 0:
            fullest = self._fullest()
            if self._held_bytes + fullest * self._ring_bytes >= RING_GATHER_BYTES:
                return
            if fullest >= RING_ROOM:
                self._take()
            is_quiet = not self._held_bytes and fullest < RING_ROOM / 2
            time.sleep(min(left, RING_QUIET_PAUSE_SECONDS if is_quiet else RING_PAUSE_SECONDS))

    def _fullest(self) -> float:
        """Return how full the fullest ring is, from 0 to 1."""
        return max(each.ring.waiting() / each.ring.blocks for each in self._watched)

    def _take(self) -> None:
        """Take what is in the rings, as far as it is read together."""
        for held, each in zip(self._held, self._watched, strict=True):
            packets = each.ring.take()
            if packets is not None:
                each.count(packets)
                held.append(packets)
                self._held_bytes += len(packets.buffer)

    def _look(self) -> None:
        """Look for interfaces that came or went, now and then."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + INTERFACE_SECONDS
            for each in self._watched:
                each.look()
            if self._watched[0].name == ANY:
                self._seen_elsewhere = np.array([vlan_key(*each) for each in read_vlans()], dtype=np.int64)

    def _taken(self) -> Iterator[tuple[int, PacketBlock]]:
        """Give what was taken from the rings, and what is in them."""
        self._take()
        self._rows.make_room()
        blocks = []
        last_ns = 0
        for number, (each, held) in enumerate(zip(self._watched, self._held, strict=True)):
            if not held:
                continue
            packets = joined(held)
            held.clear()
            if len(packets):
                last_ns = max(last_ns, int(packets.timestamp_ns.max()))
                blocks.append(self._block(number, each, packets))
        self._held_bytes = 0
        if blocks:
            self._taken_at = time.monotonic()
        block = in_order([block for block in blocks if len(block)], self._rows.link_types)
        if block is not None:
            yield POINT, block
        elif last_ns:  # the filter wants none of them; their time has passed all the same
            yield POINT, tick(last_ns)

    def _block(self, number: int, watched: WatchedInterface, packets: RingPackets) -> PacketBlock:
        """Make a block of what a ring gave."""
        # Of `any`, each interface has a row; one that is watched by its name has one, however often it is made again.
        seen = packets.interface if watched.name == ANY else np.full(len(packets), -1 - number)
        keys = seen * 2 + packets.is_cooked
        distinct, inverse = (keys[:1], None) if (keys == keys[:1]).all() else np.unique(keys, return_inverse=True)
        rows = np.array(
            [self._rows.of(key >> 1, LINK_COOKED if key & 1 else LINK_ETHERNET) for key in distinct.tolist()],
            dtype=np.int64,
        )
        block = PacketBlock(
            buffer=packets.buffer,
            offset=packets.offset,
            captured_length=packets.captured_length,
            wire_length=packets.wire_length,
            timestamp_ns=packets.timestamp_ns,
            number=np.zeros(len(packets), dtype=np.int64),
            interface=np.repeat(rows, len(packets)) if inverse is None else rows[inverse],
            link_types=self._rows.link_types,
        )
        if len(self._seen_elsewhere) and packets.vlan.any():
            is_here = ~np.isin(vlan_key(packets.interface, packets.vlan), self._seen_elsewhere)
            block = with_rows(block, np.flatnonzero(is_here))
        if self._filter is None or not watched.leaves_filtering or not len(block):
            return block
        return self._filter.apply(block, where_possible=True)


Number = TypeVar("Number", int, Column)


def vlan_key(interface: Number, vlan: Number) -> Number:
    """Return one number for an interface and the VLAN of a tag on it."""
    return interface * (VLAN_NUMBER + 1) + vlan


def in_order(blocks: list[PacketBlock], link_types: tuple[int, ...]) -> PacketBlock | None:
    """Join blocks of several interfaces in order of time; None of none."""
    if len(blocks) < 2:  # noqa: PLR2004 (one, the common case, is in order as it is)
        return blocks[0] if blocks else None
    lengths = np.array([len(block.buffer) for block in blocks])
    moved = np.repeat(np.cumsum(lengths) - lengths, [len(block) for block in blocks])
    order = np.argsort(np.concatenate([block.timestamp_ns for block in blocks]), kind="stable")
    return PacketBlock(
        buffer=b"".join(block.buffer for block in blocks),
        offset=(np.concatenate([block.offset for block in blocks]) + moved)[order],
        captured_length=np.concatenate([block.captured_length for block in blocks])[order],
        wire_length=np.concatenate([block.wire_length for block in blocks])[order],
        timestamp_ns=np.concatenate([block.timestamp_ns for block in blocks])[order],
        number=np.concatenate([block.number for block in blocks])[order],
        interface=np.concatenate([block.interface for block in blocks])[order],
        link_types=link_types,
    )


def tick(time_ns: int) -> PacketBlock:
    """Return a block without packets that says what time it is."""
    nothing = np.empty(0, dtype=np.int64)
    return PacketBlock(b"", nothing, nothing, nothing, nothing, nothing, nothing, (LINK_ETHERNET,), tick_ns=time_ns)


def open_live(
    names: Sequence[str],
    *,
    ring_bytes: int = RING_BYTES,
    filter: Filter | None = None,  # noqa: A002 (named like the option)
    fanout: int | None = None,
    promiscuous: bool = False,
    may_be_absent: bool = False,
) -> LivePackets:
    """Open interfaces by name for watching, `any` for all; nothing is taken before they are iterated over.

    ring_bytes     of memory for each
    fanout         a number from 0 to 65535 that several processes agree upon: the connections are shared between
                   them. Three numbers are used up for each name. All should be open before the first one iterates,
                   since the shares change when another joins.
    promiscuous    also take what is addressed to other machines: for mirror ports; bridges are always watched so
    may_be_absent  an interface that is not there yet is waited for

    Raises UsageError for names that aren't here and sizes that can't be, CaptureError where this process may not watch,
    or the system can't.
    """
    distinct = list(dict.fromkeys(names))
    if not distinct:
        raise UsageError("no interface is named; `wiresniff interfaces` lists what can be watched, and `any` is all")
    if ANY in distinct and len(distinct) > 1:
        raise UsageError("`any` is all interfaces: name it alone, or name the others without it")
    if promiscuous and ANY in distinct:
        raise UsageError("`any` can't be promiscuous: name the interface that the mirrored packets come in on")
    check_ring_bytes(ring_bytes)
    check_names([name for name in distinct if not (may_be_absent and may_come(name))])
    if rights.is_portable():
        from wiresniff.capture.portable import PortableSource  # noqa: PLC0415 (imports scapy)

        return PortableSource(distinct, filter)
    missing = rights.refusal_to_capture()
    if missing is not None:
        raise missing
    wish = Wish(ring_bytes, block_seconds_of(len(distinct)), filter, fanout, promiscuous)
    watched: list[WatchedInterface] = []
    name = ""
    try:
        for number, name in enumerate(distinct):
            watched.append(WatchedInterface(name, number, wish))
    except OSError as error:
        for each in watched:
            each.close()
        raise refusal(name, ring_bytes, error) from error
    return LiveSource(watched, filter)
