"""Bytes at many positions, against plain slices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import columns as oracle

from wiresniff.columns.gather import enough, gather, is_among, native, pick, scatter
from wiresniff.columns.layout import Bits, layout, unpacker

HEADER = layout(("kind", "u1"), ("length", ">u2"), ("number", ">u4"), ("address", "V3"), ("wide", ">u8"))


def positions(at: list[int]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Return a column."""
    return np.array(at, dtype=np.int64)


@given(st.binary(min_size=18, max_size=80), st.data())
def test_a_gather_is_a_slice_at_each_position(raw: bytes, data: st.DataObject) -> None:
    """Any positions, in any order, also twice, also the very last."""
    at = data.draw(st.lists(st.integers(0, len(raw) - 18)))
    gathered = gather(np.frombuffer(raw, np.uint8), positions(at), HEADER)
    assert [bytes(row) for row in gathered] == oracle.gather(raw, at, 18)
    read = [unpacker(HEADER).unpack_from(raw, position) for position in at]
    assert [tuple(row[name].tobytes() if name == "address" else int(row[name]) for name in HEADER.names or ())
            for row in gathered] == read  # fmt: skip


@given(st.binary(min_size=18, max_size=80), st.data())
def test_what_is_scattered_is_gathered(raw: bytes, data: st.DataObject) -> None:
    """Headers are written where they are to stand, and nothing else is touched."""
    at = data.draw(st.lists(st.integers(0, len(raw) // 18 - 1), unique=True).map(lambda some: [18 * i for i in some]))
    rows = data.draw(st.lists(st.binary(min_size=18, max_size=18), min_size=len(at), max_size=len(at)))
    written = np.frombuffer(bytearray(raw), np.uint8)
    scatter(written, positions(at), np.frombuffer(b"".join(rows), HEADER))
    assert written.tobytes() == oracle.scatter(raw, at, rows)


def test_nothing_is_gathered_from_too_little() -> None:
    """No positions in a buffer shorter than a header: no rows. A position there is a mistake of the caller."""
    raw = np.zeros(3, np.uint8)
    assert len(gather(raw, positions([]), HEADER)) == 0
    with pytest.raises(IndexError):
        gather(raw, positions([0]), HEADER)
    with pytest.raises(IndexError):
        gather(np.zeros(20, np.uint8), positions([3]), HEADER)


def test_enough_counts_up_to_the_end() -> None:
    """A header that ends with the packet is whole; one byte less is not."""
    assert enough(positions([0, 0, 5]), positions([18, 17, 30]), 18).tolist() == [True, False, True]


def test_native_numbers_do_arithmetic() -> None:
    """Big-endian 16-bit fields become 64-bit numbers that do not wrap."""
    column = np.array([65_535], dtype=">u2")
    assert (native(column) * 4).tolist() == [262_140]


def test_picking_every_row_copies_nothing() -> None:
    """All rows: the column itself. Some: a column of those."""
    column = positions([7, 8, 9])
    assert pick(column, positions([0, 1, 2])) is column
    assert pick(column, positions([0, 2])).tolist() == [7, 9]


@given(st.lists(st.integers(-3, 9)), st.lists(st.integers(-3, 9), max_size=4))
def test_among_is_membership(column: list[int], numbers: list[int]) -> None:
    """Each row is looked up."""
    assert is_among(positions(column), numbers).tolist() == oracle.is_among(column, numbers)


@given(st.integers(1, 31), st.integers(0, 20), st.integers(0, 2**32 - 1))
def test_bits_are_shifted_by_their_mask(width: int, shift: int, value: int) -> None:
    """One number and a column alike; the shift is never written down."""
    bits = Bits(((1 << width) - 1) << shift)
    assert bits.of(value) == (value >> shift) % (1 << width)
    assert bits.column(positions([value])).tolist() == [bits.of(value)]
