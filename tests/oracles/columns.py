"""Plain-loop twins of wiresniff.columns: slow, and true by reading."""

from collections.abc import Sequence


def gather(raw: bytes, at: Sequence[int], size: int) -> list[bytes]:
    """Return the bytes of each header."""
    return [raw[position : position + size] for position in at]


def scatter(raw: bytes, at: Sequence[int], headers: Sequence[bytes]) -> bytes:
    """Return the bytes with each header written over them."""
    written = bytearray(raw)
    for position, header in zip(at, headers, strict=True):
        written[position : position + len(header)] = header
    return bytes(written)


def is_among(column: Sequence[int], numbers: Sequence[int]) -> list[bool]:
    """Say which rows hold one of the numbers."""
    return [value in numbers for value in column]


def ranges(firsts: Sequence[int], lasts: Sequence[int]) -> list[int]:
    """Return the rows of all ranges."""
    return [row for first, last in zip(firsts, lasts, strict=True) for row in range(first, last)]


def which(firsts: Sequence[int], lasts: Sequence[int]) -> list[int]:
    """Return the number of the range of each of these rows."""
    bounds = enumerate(zip(firsts, lasts, strict=True))
    return [number for number, (first, last) in bounds for _ in range(first, last)]
