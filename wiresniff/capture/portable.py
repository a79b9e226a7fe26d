"""PortableSource: live packets by way of scapy's sockets, where there are no packet sockets of Linux (macOS, BSD).

Experimental. Packets are taken one by one, some ten thousand a second, and the filter is applied here, since each
system has another way to apply it in the kernel. What the kernel drops is not known.
"""

import select
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from wiresniff.capture.filter import Filter
from wiresniff.capture.interfaces import ANY
from wiresniff.capture.kernel_filter import without_shed
from wiresniff.capture.watched import InterfaceStatistics
from wiresniff.model.errors import CaptureError, UsageError
from wiresniff.model.limits import MAX_PACKET_BYTES, PORTABLE_PACKETS, TICK_SECONDS
from wiresniff.model.packets import PacketBlock

if TYPE_CHECKING:
    from numpy.typing import NDArray

ETHERNET = 1
NANOSECONDS = 1_000_000_000


class Taken(NamedTuple):
    """One packet."""

    data: bytes
    time_ns: int
    interface: int
    """Row of the interfaces."""


class PortableSource:
    """Watches interfaces through scapy. It does what `live.LiveSource` does. Raises CaptureError."""

    def __init__(self, names: Sequence[str], filter: Filter | None) -> None:  # noqa: A002 (as everywhere)
        self._filter = self._watched = filter
        """As asked for, and without what is left out."""
        self._is_stopping = False
        self.backlog = 0.0
        """Not known here."""
        self._statistics = [InterfaceStatistics(name, is_up=True) for name in names]
        self._sockets: list[Any] = []
        if ANY in names:
            raise UsageError("`any` can't be watched on this system; `wiresniff interfaces` lists names")
        try:
            import scapy.arch  # noqa: PLC0415 (it takes nearly a second, and is wanted here only)
            import scapy.layers.inet  # noqa: F401, PLC0415 (makes link types known)
            from scapy.config import conf  # noqa: PLC0415

            for name in names:
                self._sockets.append(conf.L2listen(iface=name))
        except ImportError as error:
            raise CaptureError("watching on this system needs scapy: `pip install scapy`") from error
        except Exception as error:  # scapy raises what its systems raise, and exceptions of its own
            self.close()
            raise CaptureError(f"{', '.join(names)}: can't be watched: {error}; it needs root here") from error
        self._link_types = tuple(_link_type(each) for each in self._sockets)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close all sockets."""
        for each in self._sockets:
            each.close()

    def stop(self) -> None:
        """Take no more packets."""
        self._is_stopping = True

    def shed(self, share: float) -> None:
        """Leave out a share of the connections; they are not counted here."""
        wanted = without_shed(share, None if self._filter is None else self._filter.expression)
        self._watched = None if wanted is None else Filter(wanted)

    def left_out(self) -> list[float]:
        """Return nothing: whoever watches decides."""
        return []

    def statistics(self) -> list[InterfaceStatistics]:
        """Return what is known of each interface since the beginning."""
        return self._statistics

    def __iter__(self) -> Iterator[tuple[int, PacketBlock]]:
        """Give (0, block or tick) without end, or until `stop`."""
        while not self._is_stopping:
            asked_ns = time.time_ns()
            taken = self._take(time.monotonic() + TICK_SECONDS)
            block = self._block(taken, asked_ns)
            wanted = (
                block if self._watched is None or not len(block) else self._watched.apply(block, where_possible=True)
            )
            wanted.tick_ns = block.now_ns  # should the filter want none of them
            yield 0, wanted

    def _take(self, until: float) -> list[Taken]:
        """Take packets for a moment, or until there are many."""
        taken: list[Taken] = []
        while len(taken) < PORTABLE_PACKETS and (left := until - time.monotonic()) > 0:
            ready, _, _ = select.select(self._sockets, [], [], left)
            for each in ready:
                taken += self._taken_of(each)
        return taken

    def _taken_of(self, opened: Any) -> Iterator[Taken]:  # noqa: ANN401 (a socket of scapy, which has no types)
        """Take what a socket has: on BSD it reads many packets and keeps them, and is not ready for those."""
        is_more = True
        while is_more:
            _, data, seconds = opened.recv_raw(MAX_PACKET_BYTES)
            is_more = hasattr(opened, "buffered_frames") and opened.buffered_frames() > 0
            if data is not None:
                time_ns = time.time_ns() if seconds is None else int(seconds * NANOSECONDS)
                yield Taken(bytes(data), time_ns, self._sockets.index(opened))

    def _block(self, taken: list[Taken], now_ns: int) -> PacketBlock:
        """Make a block of packets."""
        length: NDArray[np.int64] = np.array([len(packet.data) for packet in taken], dtype=np.int64)
        for packet in taken:
            self._statistics[packet.interface].packets += 1
            self._statistics[packet.interface].bytes += len(packet.data)
        return PacketBlock(
            buffer=b"".join(packet.data for packet in taken),
            offset=np.cumsum(length) - length,
            captured_length=length,
            wire_length=length.copy(),
            timestamp_ns=np.array([packet.time_ns for packet in taken], dtype=np.int64),
            number=np.zeros(len(taken), dtype=np.int64),
            interface=np.array([packet.interface for packet in taken], dtype=np.int64),
            link_types=self._link_types,
            tick_ns=now_ns,
        )


def _link_type(opened: Any) -> int:  # noqa: ANN401 (a socket of scapy, which has no types)
    """Return the link type of a socket's packets."""
    from scapy.config import conf  # noqa: PLC0415

    kind: Any = getattr(opened, "guessed_cls", None) or getattr(opened, "LL", None)
    return int(conf.l2types.layer2num.get(kind, ETHERNET))
