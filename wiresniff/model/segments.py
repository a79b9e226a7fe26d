"""SegmentBlock: the TCP segments of a packet block as columns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
"""Control bits of the TCP header (RFC 9293 3.1)."""

ENDPOINTS = np.dtype(
    [
        ("low_address", "V16"),
        ("high_address", "V16"),
        ("low_port", ">u2"),
        ("high_port", ">u2"),
        ("domain", ">u4"),
    ]
)
"""The undirected key of a connection. Addresses are 16 bytes, IPv4 mapped into ::ffff:0:0/96 (RFC 4291 2.5.5.2); *low*
is the endpoint that sorts first. *domain* keeps equal addresses apart that are not the same: 0, VLAN ids, or the
hash of a tunnel's identity."""


@dataclass(slots=True)
class SegmentBlock:
    """TCP segments in capture order, one row each; positions refer to ``buffer``."""

    buffer: bytes
    capture: int
    number: NDArray[np.int64]
    timestamp_ns: NDArray[np.int64]
    interface: NDArray[np.int64]
    endpoints: NDArray[np.void]
    """(k,) ENDPOINTS"""
    connection_hash: NDArray[np.uint64]
    """Keyed hash of ``endpoints``: groups rows; equality is decided by ``endpoints``."""
    from_high: NDArray[np.bool_]
    """Sent by the endpoint that sorts second."""
    sequence: NDArray[np.uint32]
    acknowledgement: NDArray[np.uint32]
    flags: NDArray[np.uint8]
    payload_at: NDArray[np.int64]
    payload_length: NDArray[np.int64]
    """Payload bytes that were captured."""
    cut_length: NDArray[np.int64]
    """Payload bytes that were on the wire but not captured (snap length)."""

    def __len__(self) -> int:
        return len(self.number)

    def rows(self, rows: NDArray[np.int64]) -> "SegmentBlock":
        """Return some rows, in the order given."""
        return SegmentBlock(
            self.buffer,
            self.capture,
            self.number.take(rows),
            self.timestamp_ns.take(rows),
            self.interface.take(rows),
            self.endpoints.take(rows),
            self.connection_hash.take(rows),
            self.from_high.take(rows),
            self.sequence.take(rows),
            self.acknowledgement.take(rows),
            self.flags.take(rows),
            self.payload_at.take(rows),
            self.payload_length.take(rows),
            self.cut_length.take(rows),
        )

    def check(self) -> None:
        """Assert the invariants (tests call this on every block; production never)."""
        rows = len(self)
        columns = (
            self.timestamp_ns, self.interface, self.endpoints, self.connection_hash, self.from_high, self.sequence,
            self.acknowledgement, self.flags, self.payload_at, self.payload_length, self.cut_length,
        )  # fmt: skip
        assert all(len(column) == rows for column in columns)
        assert self.endpoints.dtype == ENDPOINTS
        assert (self.payload_length >= 0).all()
        assert (self.cut_length >= 0).all()
        assert (self.payload_at + self.payload_length <= len(self.buffer)).all()
