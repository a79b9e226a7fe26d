"""Rows on their way through the kernels: datagrams, and the TCP segments in them.

Row spaces: `packet_rows` are rows of the packet block; everything else in a bundle has one row a datagram or segment.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wiresniff.columns.gather import pick
from wiresniff.decode.cursor import Found
from wiresniff.model.segments import ENDPOINTS, SegmentBlock

BLOCK_COLUMNS: Final = (
    np.int64, np.int64, np.int64, ENDPOINTS, np.uint64, np.bool_, np.uint32, np.uint32, np.uint8, np.int64, np.int64,
    np.int64,
)  # fmt: skip
NOTHING: Final = SegmentBlock(b"", 0, *(np.empty(0, dtype=kind) for kind in BLOCK_COLUMNS))
"""What a tick brings; the columns are of the types of `SegmentBlock`."""


@dataclass(slots=True)
class Datagrams:
    """Some datagrams of one transport protocol, one row each, in capture order."""

    packet_rows: NDArray[np.int64]
    transport_at: NDArray[np.int64]
    captured_end: NDArray[np.int64]
    end: NDArray[np.int64]
    """Where the datagram ends on the wire."""
    source: NDArray[np.generic]
    """IPv4: >u4, else V16."""
    destination: NDArray[np.generic]
    domain: NDArray[np.uint32]
    is_ipv4: bool

    def only(self, is_wanted: NDArray[np.bool_]) -> "Datagrams":
        """Return some of the rows."""
        rows = np.flatnonzero(is_wanted)
        return Datagrams(
            pick(self.packet_rows, rows),
            pick(self.transport_at, rows),
            pick(self.captured_end, rows),
            pick(self.end, rows),
            pick(self.source, rows),
            pick(self.destination, rows),
            pick(self.domain, rows),
            self.is_ipv4,
        )

    def of_block(self, rows: NDArray[np.int64]) -> "Datagrams":
        """Return the same datagrams, whose packets were rows of something that has the block's `rows`."""
        return replace(self, packet_rows=rows[self.packet_rows])


@dataclass(slots=True)
class Segments:
    """Some segments, one row each, in capture order; positions as in SegmentBlock."""

    packet_rows: NDArray[np.int64]
    endpoints: NDArray[np.void]
    from_high: NDArray[np.bool_]
    connection_hash: NDArray[np.uint64]
    sequence: NDArray[np.uint32]
    acknowledgement: NDArray[np.uint32]
    flags: NDArray[np.uint8]
    payload_at: NDArray[np.int64]
    payload_length: NDArray[np.int64]
    cut_length: NDArray[np.int64]


COLUMNS: dict[str, "np.dtype[Any]"] = {
    "packet_rows": np.dtype(np.int64),
    "endpoints": ENDPOINTS,
    "from_high": np.dtype(np.bool_),
    "connection_hash": np.dtype(np.uint64),
    "sequence": np.dtype(np.uint32),
    "acknowledgement": np.dtype(np.uint32),
    "flags": np.dtype(np.uint8),
    "payload_at": np.dtype(np.int64),
    "payload_length": np.dtype(np.int64),
    "cut_length": np.dtype(np.int64),
}
"""Of Segments."""


def in_order(bundles: list[Segments]) -> Segments:
    """Put bundles together in capture order. One bundle, the common case, is returned as it is."""
    if len(bundles) == 1:
        return bundles[0]
    if not bundles:
        return Segments(**{name: np.empty(0, dtype) for name, dtype in COLUMNS.items()})
    # Without a type, concatenate turns the big-endian fields of endpoints into native ones.
    joined = {
        name: np.concatenate([getattr(bundle, name) for bundle in bundles], dtype=dtype)
        for name, dtype in COLUMNS.items()
    }
    order = np.argsort(joined["packet_rows"], kind="stable")
    return Segments(**{name: column[order] for name, column in joined.items()})


def join(buffer: bytes, packet_rows: list[int], found: list[Found]) -> tuple[bytes, Datagrams]:
    """Turn what the scalar path found into columns.

    buffer       the block's
    packet_rows  one for each found
    ->           the buffer, longer by the datagrams that came in fragments (the same object when there are none), and
                 the columns, whose positions refer to it
    """
    pieces = [buffer]
    shifts = []
    length = len(buffer)
    for datagram in found:
        if datagram.reassembled is None:
            shifts.append(0)
            continue
        shifts.append(length)
        pieces.append(datagram.reassembled)
        length += len(datagram.reassembled)
    shift = np.array(shifts, dtype=np.int64)
    datagrams = Datagrams(
        np.array(packet_rows, dtype=np.int64),
        np.array([datagram.at for datagram in found], dtype=np.int64) + shift,
        np.array([datagram.captured_end for datagram in found], dtype=np.int64) + shift,
        np.array([datagram.end for datagram in found], dtype=np.int64) + shift,
        np.frombuffer(b"".join(datagram.source for datagram in found), dtype="V16"),
        np.frombuffer(b"".join(datagram.destination for datagram in found), dtype="V16"),
        np.array([datagram.domain for datagram in found], dtype=np.uint32),
        is_ipv4=False,
    )
    return (b"".join(pieces) if len(pieces) > 1 else buffer), datagrams
