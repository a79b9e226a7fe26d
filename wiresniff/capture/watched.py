"""WatchedInterface: one interface, or all of them, with the sockets that take its packets."""

from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import NamedTuple

from wiresniff.capture import interfaces
from wiresniff.capture.filter import Filter, Program
from wiresniff.capture.interfaces import ANY
from wiresniff.capture.kernel_filter import (
    NOT_TWICE,
    TAKE_EVERYTHING,
    TAKE_NOTHING,
    kernel_program,
    only_interface,
    shed_expression,
    without_shed,
)
from wiresniff.capture.packet_socket import ANY_INTERFACE, PacketSocket
from wiresniff.capture.ring import WITH_ETHERNET_HEADERS, RingPackets
from wiresniff.model.errors import UsageError

ABSENT = "there is no interface of this name"
DOWN = "the interface is down"
FANOUT_GROUPS = 3
"""Of one interface: the packets that are read, and two kinds that are only counted."""
LARGEST_FANOUT_GROUP = 0xFFFF


@dataclass(slots=True)
class InterfaceStatistics:
    """What is known of an interface since watching began."""

    name: str
    is_up: bool = False
    reason: str | None = None
    """Why nothing comes from it; None when it is up."""
    packets: int = 0
    """That the filter let through, dropped ones included: from the kernel."""
    bytes: int = 0
    """On the wire, of the packets that were read."""
    dropped: int = 0
    """Packets that the kernel dropped for want of room in the ring."""
    freezes: int = 0
    """How often the ring was full."""
    damaged: int = 0
    """Packets of the ring that could not be read."""
    reopened: int = 0
    """How often the interface was gone and came again."""
    shed_packets: int = 0
    """Left out on purpose, at overload."""
    shed_connections: int = 0
    """Those that began while they were left out."""


class Wish(NamedTuple):
    """What is to be watched of an interface."""

    ring_bytes: int
    block_seconds: float
    """After so long, to twice that, the kernel hands over a block of the ring that isn't full."""
    filter: Filter | None
    fanout: int | None
    """The group of the first interface."""
    promiscuous: bool


class Tally:
    """A socket that nobody reads: the kernel counts what its program lets through, which is cheap.

    begins  only beginnings of connections
    """

    def __init__(self, group: int | None, *, begins: bool) -> None:
        self._socket = PacketSocket(TAKE_NOTHING)
        self._group = group
        self._interface: int | None = None
        """Bound to this, once there was something to count."""
        self.begins = begins
        self._packets = 0

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def count(self) -> int:
        """Return how many there were."""
        self._packets += self._socket.counts().packets
        return self._packets

    def follow(self, interface: int) -> None:
        """Count on an interface, by its index, if anything is counted; else at the next `attach`."""
        if self._interface is not None:
            self._socket.bind(interface)

    def stop(self) -> None:
        """Count nothing until the next `attach`."""
        self._socket.attach(TAKE_NOTHING)

    def attach(self, program: Program, interface: int) -> None:
        """Count what a program lets through on an interface."""
        self._socket.attach(program)
        if self._interface is None and program is not TAKE_NOTHING:
            self._interface = ANY_INTERFACE if self._group is not None else interface
            self._socket.bind(self._interface)
            if self._group is not None:
                self._socket.join(self._group)


class WatchedInterface:
    """Takes the packets of an interface by name while it is there. Opening it needs the right to capture.

    Nothing is taken before `start`, so that a group of processes is complete before shares are decided. A member of a
    group can't be bound to another interface, so it is bound to all of them, and its program looks at the index.
    """

    def __init__(self, name: str, number: int, wish: Wish) -> None:
        self.name = name
        self._wish = wish
        self._is_taking = False
        self._share = 0.0
        self._index: int | None = None
        """Of the interface while it is there; 0 for all."""
        self._last_index: int | None = None
        self._is_cooked = name == ANY
        self._statistics = InterfaceStatistics(name)
        self.leaves_filtering = False
        """The kernel can't apply the filter: it is to be applied to what comes."""
        group, *tally_groups = _groups(wish.fanout, number)
        self._has_group = group is not None
        with ExitStack() as opened:
            self._socket = PacketSocket(TAKE_NOTHING)
            opened.callback(self._socket.close)
            self.ring = self._socket.map_ring(wish.ring_bytes, wish.block_seconds)
            opened.callback(self.ring.close)
            if group is not None:
                self._socket.bind(ANY_INTERFACE)
                self._socket.join(group)
            self._tallies = [
                Tally(each, begins=begins) for each, begins in zip(tally_groups, (False, True), strict=True)
            ]
            for tally in self._tallies:
                opened.callback(tally.close)
            self.look()
            self._opened = opened.pop_all()

    @property
    def descriptor(self) -> int:
        """Return what to poll."""
        return self._socket.descriptor

    def close(self) -> None:
        """Close the sockets."""
        self._opened.close()

    def start(self) -> None:
        """Take packets from now on."""
        self._is_taking = True
        self._attach()

    def stop(self) -> None:
        """Take no more packets; those in the ring can still be read."""
        self._is_taking = False
        self._attach()

    def shed(self, share: float) -> None:
        """Leave out a share of the connections, and count it."""
        self._share = share
        self._attach()

    def note_error(self) -> None:
        """Take notice that the kernel has something to say of the socket: the interface went down, or away."""
        if self._socket.clear_error() and self.name != ANY:
            self._leave()  # if it has the same index when it comes again, it must be bound all the same
        self.look()

    def look(self) -> None:
        """Look what has become of the interface; follow it where it was made again."""
        statistics = self._statistics
        index = ANY_INTERFACE if self.name == ANY else interfaces.index_of(self.name)
        if index is not None and index != self._index:
            with suppress(OSError):  # it has gone again
                self._follow(index)
        if index is None:
            statistics.reason = ABSENT
            if self._index is not None:
                self._leave()
        elif self.name != ANY and not interfaces.is_up(self.name):
            statistics.reason = DOWN
        else:
            statistics.reason = None
        statistics.is_up = statistics.reason is None

    def count(self, packets: RingPackets) -> None:
        """Count what was read."""
        self._statistics.bytes += int(packets.wire_length.sum())
        self._statistics.damaged += packets.damaged

    def statistics(self) -> InterfaceStatistics:
        """Return what is known by now: one object that grows."""
        counted = self._socket.counts()
        statistics = self._statistics
        statistics.packets += counted.packets
        statistics.dropped += counted.dropped
        statistics.freezes += counted.freezes
        statistics.shed_packets, statistics.shed_connections = (tally.count() for tally in self._tallies)
        return statistics

    def _leave(self) -> None:
        """Take nothing more of what was followed: it may be there still, under another name."""
        self._index = None
        self._attach()

    def _follow(self, index: int) -> None:
        """Watch the interface of this index from now on."""
        if self.name != ANY:
            self._is_cooked = interfaces.hardware_type_of(self.name) not in WITH_ETHERNET_HEADERS
        self._index = index
        self._attach()
        if not self._has_group:
            self._socket.bind(index)
            for tally in self._tallies:
                tally.follow(index)
        # A bridge shows what passes between its ports to those only who also want what is addressed to others.
        if self.name != ANY and (self._wish.promiscuous or interfaces.is_bridge(self.name)):
            self._socket.take_others(index)
        if self._last_index not in {None, index}:
            self._statistics.reopened += 1
        self._last_index = index

    def _attach(self) -> None:
        """Attach the programs that fit what is wanted now."""
        if not self._is_taking or self._index is None:
            self._socket.attach(TAKE_NOTHING)
            for tally in self._tallies:
                tally.stop()
            return
        expression = None if self._wish.filter is None else self._wish.filter.expression
        self.leaves_filtering = expression is not None and self._program(expression) is None
        if self.leaves_filtering:
            expression = None
        wanted = without_shed(self._share, expression)
        self._socket.attach(self._complete(TAKE_EVERYTHING if wanted is None else self._program(wanted)))
        for tally in self._tallies:
            left_out = shed_expression(self._share, expression, begins=tally.begins)
            tally.attach(self._complete(self._program(left_out)) if self._share else TAKE_NOTHING, self._index)

    def _program(self, expression: str) -> Program | None:
        """Compile an expression for this interface; None where the kernel can't tell."""
        try:
            return kernel_program(Filter(expression), is_cooked=self._is_cooked)
        except UsageError:  # with what is to be left out besides, it matches nothing
            return TAKE_NOTHING

    def _complete(self, program: Program | None) -> Program:
        """Put before a program what every one needs."""
        assert self._index is not None
        before = only_interface(self._index) if self._has_group and self.name != ANY else []
        return [*before, *NOT_TWICE, *(program or TAKE_NOTHING)]


def _groups(first: int | None, number: int) -> tuple[int | None, int | None, int | None]:
    """Return the fanout groups of the sockets of an interface: of what is read, of the two that only count."""
    if first is None:
        return None, None, None
    at = first + number * FANOUT_GROUPS
    return at & LARGEST_FANOUT_GROUP, (at + 1) & LARGEST_FANOUT_GROUP, (at + 2) & LARGEST_FANOUT_GROUP
