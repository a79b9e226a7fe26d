"""Plain-loop twins of wiresniff.columns: slow, and true by reading."""

from collections.abc import Sequence


def gather(raw: bytes, at: Sequence[int], size: int) -> list[bytes]:
    """Return the bytes of each header."""
    return [raw[position : position + size] for position in at]


def is_among(column: Sequence[int], numbers: Sequence[int]) -> list[bool]:
    """Say which rows hold one of the numbers."""
    return [value in numbers for value in column]
