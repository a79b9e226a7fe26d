"""Memory that several processes share: segments of some blocks, written by one process and read by all."""

from mmap import mmap
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from wiresniff.model.limits import MIB, SHARED_READ_BYTES
from wiresniff.model.segments import ENDPOINTS, SegmentBlock

BUFFER_BYTES = SHARED_READ_BYTES + MIB
"""Of a slot, for packets: what is read at a time, with a record that was not finished before."""
COLUMNS_BYTES = 32 * MIB
"""And for columns. Only what is written to takes memory: usually a tenth."""
ALIGNMENT = 64
ENDPOINT_WORDS = ENDPOINTS.itemsize // 8

COLUMNS = (
    ("number", np.dtype(np.int64)),
    ("timestamp_ns", np.dtype(np.int64)),
    ("interface", np.dtype(np.int64)),
    ("connection_hash", np.dtype(np.uint64)),
    ("payload_at", np.dtype(np.int64)),
    ("payload_length", np.dtype(np.int64)),
    ("cut_length", np.dtype(np.int64)),
    ("sequence", np.dtype(np.uint32)),
    ("acknowledgement", np.dtype(np.uint32)),
    ("flags", np.dtype(np.uint8)),
    ("from_high", np.dtype(np.bool_)),
)
"""Columns of a segment block beside its endpoints."""
ROW_BYTES = ENDPOINTS.itemsize + sum(dtype.itemsize for _, dtype in COLUMNS)
ROWS = (COLUMNS_BYTES - (len(COLUMNS) + 1) * ALIGNMENT) // ROW_BYTES
"""Segments of a block that a slot has room for: more than a block of the smallest packets has."""

Rows = NDArray[np.int64]


class Written(NamedTuple):
    """What a slot holds."""

    capture: int
    bounds: tuple[int, ...]
    """Share i has the rows from bounds[i] to bounds[i + 1]."""


class Slot:
    """Room for one block of segments, sorted by share. Made before processes are forked.

    buffer  (BUFFER_BYTES,) bytes of packets: files are read into it, so that no process copies or maps them
    """

    def __init__(self) -> None:
        self.buffer = mmap(-1, BUFFER_BYTES)
        self._raw = np.frombuffer(mmap(-1, COLUMNS_BYTES), dtype=np.uint8)

    def write(self, block: SegmentBlock, share: NDArray[np.uint8], shares: int) -> Written:
        """Write a block that `fits`; its bytes too, unless they were read into the slot.

        share  (k,) u1, whose each row is, from 0 to shares - 1
        """
        if cast("object", block.buffer) is not self.buffer:
            self.buffer[: len(block.buffer)] = block.buffer
        order = np.argsort(share, kind="stable")
        rows = len(order)
        endpoints, columns = self._columns(rows)
        np.take(block.endpoints.view(np.uint64).reshape(rows, ENDPOINT_WORDS), order, axis=0, out=endpoints)
        for name, dtype in COLUMNS:
            np.take(getattr(block, name).astype(dtype, copy=False), order, out=columns[name])
        stops = np.cumsum(np.bincount(share, minlength=shares))
        return Written(block.capture, (0, *stops.tolist()))

    def read(self, written: Written, share: int) -> SegmentBlock:
        """Return the rows of a share: views of the slot, which must not be written until they are done with.

        The buffer is the memory itself, which gives what is read of it as bytes, and knows `find`.
        """
        start, stop = written.bounds[share : share + 2]
        endpoints, columns = self._columns(written.bounds[-1])
        return SegmentBlock(
            buffer=cast("bytes", self.buffer),
            capture=written.capture,
            endpoints=endpoints[start:stop].reshape(-1).view(ENDPOINTS),
            **{name: column[start:stop] for name, column in columns.items()},
        )

    def _columns(self, rows: int) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
        """Return where the columns of so many rows are."""
        at = 0
        endpoints = self._column(at, rows * ENDPOINT_WORDS, np.dtype(np.uint64)).reshape(rows, ENDPOINT_WORDS)
        at += _aligned(rows * ENDPOINTS.itemsize)
        columns = {}
        for name, dtype in COLUMNS:
            columns[name] = self._column(at, rows, dtype)
            at += _aligned(rows * dtype.itemsize)
        return endpoints, columns

    def _column(self, at: int, rows: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        return self._raw[at : at + rows * dtype.itemsize].view(dtype)


def _aligned(octets: int) -> int:
    return -(-octets // ALIGNMENT) * ALIGNMENT


def fits(block: SegmentBlock) -> bool:
    """Tell whether a slot has room for a block."""
    return len(block) <= ROWS and len(block.buffer) <= BUFFER_BYTES


def halves(block: SegmentBlock) -> tuple[SegmentBlock, SegmentBlock]:
    """Cut a block in two, each with no more bytes than its segments have: for what does not fit."""
    middle = len(block) // 2
    rows = np.arange(len(block))
    return _packed(block.rows(rows[:middle])), _packed(block.rows(rows[middle:]))


def _packed(block: SegmentBlock) -> SegmentBlock:
    lengths = block.payload_length
    view = memoryview(block.buffer)
    bounds = zip(block.payload_at.tolist(), (block.payload_at + lengths).tolist(), strict=True)
    block.buffer = b"".join([view[start:stop] for start, stop in bounds])
    block.payload_at = np.cumsum(lengths) - lengths
    return block
