"""What a capture format makes of bytes: columns of packets, and how far it came."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.int64]


class Interface(NamedTuple):
    """Where packets were taken from, as the file describes it."""

    link_type: int
    """LINKTYPE_ value (https://www.tcpdump.org/linktypes.html)."""
    name: str = ""
    """Empty in classic pcap files, which name none."""
    snap_length: int = 0
    """Packets are cut behind so many bytes; 0 where that is not said."""


@dataclass(frozen=True, slots=True)
class Records:
    """The whole packet records at the head of a buffer, (k,) each, in file order."""

    offset: Column
    captured_length: Column
    wire_length: Column
    timestamp_ns: Column
    interface: Column
    number: Column
    """The number that Wireshark shows."""
    used: int
    """Bytes of the buffer that are done with."""
    needed: int
    """Bytes from there on without which reading again is useless."""
    damage: str | None = None
    """What is wrong with the bytes from `used` on; nothing after them can be believed."""

    def __len__(self) -> int:
        return len(self.offset)


def no_records(needed: int, damage: str | None = None) -> Records:
    """Return no rows: all bytes are wanted again, with more behind them."""
    nothing = np.empty(0, dtype=np.int64)
    return Records(nothing, nothing, nothing, nothing, nothing, nothing, used=0, needed=needed, damage=damage)


def rows_before(is_bad: NDArray[np.bool_]) -> int:
    """Count the rows before the first bad one."""
    return int(is_bad.argmax()) if is_bad.any() else len(is_bad)


class RecordFormat(Protocol):
    """A machine without I/O that is fed the bytes of one file, each time from where it stopped on."""

    word: str
    """What people call the format."""
    interfaces: list[Interface]
    """As far as described yet; rows are never changed."""

    def read(self, buffer: bytes) -> Records:
        """Read the whole records that `buffer` begins with."""
        ...
