"""PacketBlock: some thousand captured packets as columns over one buffer."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True)
class PacketBlock:
    """Packets as a capture delivered them, in capture order.

    Three packets of 60, 1514 and 54 bytes in a classic capture file read from byte 24 on::

        buffer           the bytes of the block, record headers included
        offset           [40, 116, 1646]        where each packet's bytes begin in ``buffer``
        captured_length  [60, 1514, 54]         bytes that are there
        wire_length      [60, 1514, 54]         bytes that were on the wire
        timestamp_ns     [17…000, 17…120, …]    nanoseconds since 1970, UTC
        number           [1, 2, 3]              the number that Wireshark shows, from 1 per capture file; 0 live
        interface        [0, 0, 0]              row of ``link_types``

    A block without packets is a tick: it says that capture time has reached ``now_ns``.
    """

    buffer: bytes
    offset: NDArray[np.int64]
    captured_length: NDArray[np.int64]
    wire_length: NDArray[np.int64]
    timestamp_ns: NDArray[np.int64]
    number: NDArray[np.int64]
    interface: NDArray[np.int64]
    link_types: tuple[int, ...]
    """LINKTYPE_ value of each interface of this capture point, as far as it was described yet."""
    capture: int = 0
    """Which of the captures on the command line the packets came from: for witnesses only."""
    tick_ns: int = 0
    """Of a block without packets: what time it is."""
    raw: NDArray[np.uint8] = field(init=False)
    """``buffer`` seen as an array."""

    def __post_init__(self) -> None:
        self.raw = np.frombuffer(self.buffer, dtype=np.uint8)

    def __len__(self) -> int:
        return len(self.offset)

    @property
    def now_ns(self) -> int:
        """The latest packet time of the block; the time of the tick if it has no packets."""
        return int(self.timestamp_ns.max()) if len(self.timestamp_ns) else self.tick_ns

    def check(self) -> None:
        """Assert the invariants (tests call this on every block; production never)."""
        rows = len(self)
        columns = (self.captured_length, self.wire_length, self.timestamp_ns, self.number, self.interface)
        assert all(len(column) == rows for column in columns)
        assert all(column.dtype == np.int64 for column in (self.offset, *columns))
        assert (self.captured_length >= 0).all()
        assert (self.captured_length <= self.wire_length).all()
        assert (self.offset >= 0).all()
        assert (self.offset + self.captured_length <= len(self.buffer)).all()
        assert (self.number >= 0).all()
        assert (self.interface < len(self.link_types)).all()


def tick(now_ns: int, link_types: tuple[int, ...] = ()) -> PacketBlock:
    """Return a block without packets, which says what time it is."""
    nothing = np.empty(0, dtype=np.int64)
    return PacketBlock(b"", nothing, nothing, nothing, nothing, nothing, nothing, link_types, tick_ns=now_ns)
