"""Handshakes of connections: SYN, its answer, and the acknowledgement of that; bounded."""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wiresniff.model import limits
from wiresniff.model.segments import ACK, FIN, RST, SYN
from wiresniff.reassembly.sequence import advance, distance
from wiresniff.witnesses.captured import Captured, Located

CONTROL = SYN | ACK | FIN | RST
PACKETS = 3
PER_CONNECTION = 4
"""Handshakes remembered of one pair of ports, which may be used again."""


class Handshakes:
    """The handshakes seen lately, by the connection's key."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, list[list[Captured]]] = OrderedDict()
        self._unfinished: dict[int, bytes] = {}
        """By connection hash: what waits for its last acknowledgement."""
        self.dropped = 0
        """Because of `limits.WITNESS_HANDSHAKES`."""

    def see(self, located: Located, rows: NDArray[np.int64] | None = None) -> None:
        """Look for handshakes among some rows, or (None) all of them."""
        segments = located.segments
        among = np.arange(len(segments)) if rows is None else rows
        flags = segments.flags[among]
        for row in among[(flags & SYN) != 0].tolist():
            self._open(located, row)
        if not self._unfinished:
            return
        is_plain = ((flags & CONTROL) == ACK) & (segments.payload_length[among] == 0)
        waiting = np.fromiter(self._unfinished, dtype=np.uint64, count=len(self._unfinished))
        is_plain &= np.isin(segments.connection_hash[among], waiting)
        for row in among[is_plain].tolist():
            self._finish(located, row)

    def of(self, key: bytes, sequence: int, time_ns: int) -> Sequence[Captured]:
        """Return the handshake of the connection in which its opener sent this number at that time; none if unknown."""
        for packets in reversed(self._known.get(key, [])):
            opening = packets[0]
            if opening.time_ns <= time_ns and distance(sequence, opening.sequence) > 0:
                return packets
        return ()

    def _open(self, located: Located, row: int) -> None:
        key, captured = located.key(row), located.captured(row)
        known = self._known.setdefault(key, [])
        if not captured.flags & ACK:
            if not any(packets[0].sequence == captured.sequence for packets in known):
                known.append([captured])
                del known[:-PER_CONNECTION]
        else:
            for packets in known:
                if len(packets) == 1 and captured.acknowledgement == advance(packets[0].sequence, 1):
                    packets.append(captured)
                    self._unfinished[int(located.segments.connection_hash[row])] = key
        if not known:  # an answer to what was not seen
            del self._known[key]
        self._keep_bound()

    def _finish(self, located: Located, row: int) -> None:
        number = int(located.segments.connection_hash[row])
        key, captured = located.key(row), located.captured(row)
        if self._unfinished.get(number) != key:
            return
        for packets in self._known.get(key, []):
            if (
                len(packets) == PACKETS - 1
                and captured.source == packets[0].source
                and captured.sequence == advance(packets[0].sequence, 1)
                and captured.acknowledgement == advance(packets[1].sequence, 1)
            ):
                packets.append(captured)
                del self._unfinished[number]
                return

    def _keep_bound(self) -> None:
        while len(self._known) > limits.WITNESS_HANDSHAKES:
            self._known.popitem(last=False)
            self.dropped += 1
        while len(self._unfinished) > limits.WITNESS_HANDSHAKES:
            del self._unfinished[next(iter(self._unfinished))]
