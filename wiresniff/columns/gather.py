"""Bytes at many positions as columns. No other module uses stride tricks or indexes raw bytes by arrays."""

from collections.abc import Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item", bound=np.generic)


def gather(raw: NDArray[np.uint8], at: NDArray[np.int64], header: "np.dtype[np.void]") -> NDArray[np.void]:
    """Read the header that begins at each position; every one of them must lie wholly in `raw` (see `enough`).

    raw     (bytes,) u1
    at      (k,) i8, not negative
    header  a packed dtype, one of `layout`
    ->      (k,) header, a copy; oracle: tests/oracles/columns.py

    The view has one overlapping opaque item per byte position, so taking items is one small copy a row: measured, 3
    times quicker than taking rows of a sliding window of bytes, 10 times quicker than taking structured items.
    """
    size = header.itemsize
    if len(raw) < size:
        if len(at):
            raise IndexError(f"headers of {size} bytes in a buffer of {len(raw)}")
        return np.empty(0, dtype=header)
    taken: NDArray[np.void] = everywhere(raw, np.dtype(f"V{size}"))[at].view(header)
    return taken


def everywhere(raw: NDArray[np.uint8], item: "np.dtype[Item]") -> NDArray[Item]:
    """Return the item that begins at every byte: a view, for taking few items many times, each from where one led.

    raw   (bytes,) u1, at least one item
    item  a dtype without fields
    ->    (bytes - size of an item + 1,) item, neither contiguous nor aligned
    """
    return np.ndarray((len(raw) - item.itemsize + 1,), dtype=item, buffer=raw, strides=(1,))


def scatter(raw: NDArray[np.uint8], at: NDArray[np.int64], header: NDArray[np.void]) -> None:
    """Write the header of each row at its position; every one of them must lie wholly in `raw`.

    raw     (bytes,) u1, changed
    at      (k,) i8, not negative; no two headers overlap
    header  (k,) of a packed dtype; oracle: tests/oracles/columns.py
    """
    size = header.dtype.itemsize
    if not len(at):
        return
    everywhere(raw, np.dtype(f"V{size}"))[at] = header.view(f"V{size}")


def enough(at: NDArray[np.int64], end: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """Say which rows have `size` bytes between position and end: the mask to apply before `gather`.

    at    (k,) i8  positions of the first byte wanted
    end   (k,) i8  one behind the last byte that is there
    ->    (k,) bool
    """
    return at + size <= end


def native(column: NDArray[np.generic]) -> NDArray[np.int64]:
    """Return a field of any integer type and byte order as int64, for arithmetic.

    column  (k,) any integer
    ->      (k,) i8
    """
    return column.astype(np.int64)


def pick(column: NDArray[Item], rows: NDArray[np.int64]) -> NDArray[Item]:
    """Return the given rows of a column; the column itself when that is all of them.

    column  (n,)
    rows    (k,) i8, ascending, each once: so k == n means every row, the common case, and nothing is copied
    ->      (k,)
    """
    return column if len(rows) == len(column) else column[rows]


def is_among(column: NDArray[np.int64], numbers: Iterable[int]) -> NDArray[np.bool_]:
    """Say which rows hold one of a few numbers; quicker than np.isin, which sorts.

    column   (k,) i8
    numbers  few
    ->       (k,) bool
    """
    is_found = np.zeros(len(column), dtype=np.bool_)
    for number in numbers:
        is_found |= column == number
    return is_found
