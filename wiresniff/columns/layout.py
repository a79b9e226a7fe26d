"""A wire header as a table: a big-endian dtype in wire order, and masks for packed bits."""

from dataclasses import dataclass
from struct import Struct
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Field: TypeAlias = tuple[str, str]
"""A field's name and its type on the wire: `u1`, `>u2`, `>u4`, `V16`, ..."""


CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
"""Struct's codes of unsigned integers, by size in bytes."""


def layout(*fields: Field) -> "np.dtype[np.void]":
    """Return the dtype of a header whose `fields` follow each other on the wire without padding."""
    return np.dtype(list(fields))


def unpacker(header: "np.dtype[np.void]") -> Struct:
    """Return a Struct that reads one header of the layout: the same table for one packet as for thousands."""
    assert header.names is not None
    return Struct(">" + "".join(_code(header[name]) for name in header.names))


def _code(field: "np.dtype[np.generic]") -> str:
    """Struct's code of a field: `B`, `H`, `I`, `Q` for integers, `6s` for opaque bytes."""
    return f"{field.itemsize}s" if field.kind == "V" else CODES[field.itemsize]


@dataclass(frozen=True, slots=True)
class Bits:
    """Neighbouring bits of a field.

    The header length of IPv4 is the low half of the first byte, the version the high half::

        IHL = Bits(0b0000_1111)
        IHL.of(0x45) == 5
        Bits(0b1111_0000).of(0x45) == 4
    """

    mask: int

    @property
    def shift(self) -> int:
        """Zero bits below the mask."""
        return (self.mask & -self.mask).bit_length() - 1

    def of(self, value: int) -> int:
        """Return the bits of one value, as a number."""
        return (value & self.mask) >> self.shift

    def column(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the bits of each row, as numbers."""
        return (values & self.mask) >> self.shift
