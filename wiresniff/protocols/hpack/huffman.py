"""Strings in the Huffman code of HPACK (RFC 7541 5.2, Appendix B), decoded by zlib.

The code is canonical: the lengths alone define it. Deflate (RFC 1951) has canonical codes too, of at most 15 bits; so
have, in HPACK, all octets that people write in header fields, and the longer codes all begin with fifteen ones. So a
deflate block is begun whose literals have the lengths of Appendix B, and whose end-of-block symbol has a code of 15
bits: the last of its length, it gets exactly those fifteen ones. What follows are the string's own bits (deflate packs
them from the other end of the octet, which a translation mends).

If zlib sees the end of the block, a longer code is there (control characters, non-ASCII, EOS), and the string is walked
bit by bit instead. If not, what the codes of the decoded octets leave over must be padding.
"""

import zlib
from collections.abc import Iterator
from functools import cache
from typing import TypeAlias

from wiresniff.protocols.hpack.undecodable import Undecodable, UndecodableError

CODE_LENGTHS = (
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
)  # fmt: skip
"""Bits of the code of each octet, and of EOS behind them (RFC 7541 Appendix B)."""
EOS = 256

LONGEST_IN_DEFLATE = 15
"""RFC 1951 3.2.7."""
END_OF_BLOCK = 256
_FIXED, _DYNAMIC = 1, 2
"""Types of deflate blocks (RFC 1951 3.2.3)."""
CODE_LENGTH_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
"""RFC 1951 3.2.7."""
SMALLEST_WINDOW = -9
"""Raw deflate with 512 bytes of history; nothing ever refers to any."""

OCTET_REVERSED = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))
LENGTH_OF_CODE = bytes(CODE_LENGTHS[:EOS])
LONGEST_PADDING = 7

Node: TypeAlias = "list[Node | int]"
"""What a further 0 or 1 leads to: another node, or a symbol."""


def codes() -> Iterator[tuple[int, int, int]]:
    """Yield symbol, code and length: codes count up within a length, symbols in order (RFC 1951 3.2.2)."""
    code, length = 0, 0
    for next_length, symbol in sorted((length, symbol) for symbol, length in enumerate(CODE_LENGTHS)):
        code <<= next_length - length
        length = next_length
        yield symbol, code, length
        code += 1


def _low_bit_first(number: int, width: int) -> list[int]:
    return [number >> place & 1 for place in range(width)]


def _high_bit_first(number: int, width: int) -> list[int]:
    return _low_bit_first(number, width)[::-1]


def _block_beginning() -> list[int]:
    """Return the bits that begin a deflate block with our code (RFC 1951 3.2.7)."""
    literals = [length if length <= LONGEST_IN_DEFLATE else 0 for length in CODE_LENGTHS[:EOS]]
    bits = [1, *_low_bit_first(_DYNAMIC, 2)]  # the last block: behind its end zlib stops
    bits += [*_low_bit_first(0, 5), *_low_bit_first(0, 5), *_low_bit_first(len(CODE_LENGTH_ORDER) - 4, 4)]
    for length in CODE_LENGTH_ORDER:  # lengths 0 to 15 are written with 4 bits each, repetitions are not used
        bits += _low_bit_first(4 if length <= LONGEST_IN_DEFLATE else 0, 3)
    for length in (*literals, LONGEST_IN_DEFLATE, 0):  # end of block; no distances
        bits += _high_bit_first(length, 4)
    return bits


@cache
def _begun() -> "zlib._Decompress":
    """Return a decompressor that waits for the first bit of a string; it is only ever copied."""
    empty_block = [0, *_low_bit_first(_FIXED, 2), *_high_bit_first(0, 7)]  # 10 bits each: they shift by two
    bits = _block_beginning()
    while len(bits) % 8:
        bits = empty_block + bits
    octets = bytes(sum(bit << place for place, bit in enumerate(bits[at : at + 8])) for at in range(0, len(bits), 8))
    decompressor = zlib.decompressobj(SMALLEST_WINDOW)
    decompressor.decompress(octets)
    return decompressor


@cache
def _tree() -> Node:
    """Return the root of the code."""
    root: Node = [-1, -1]
    for symbol, code, length in codes():
        node = root
        for bit in _high_bit_first(code, length)[:-1]:
            below = node[bit]
            if isinstance(below, int):
                below = node[bit] = [-1, -1]
            node = below
        node[code & 1] = symbol
    return root


def decode_huffman(octets: bytes) -> bytes:
    """Decode a string. Raises UndecodableError: EOS, or padding that is longer than 7 bits or not all ones."""
    if not octets:
        return b""
    decompressor = _begun().copy()
    string = decompressor.decompress(octets.translate(OCTET_REVERSED), 2 * len(octets))
    if decompressor.eof:
        return _walk(octets)
    # Fewer than 15 bits are left over, so their number is known from its remainder; 256 is 1 modulo 255, so the number
    # whose digits are the lengths has the same remainder as their sum, and is made at once.
    padding = (8 * len(octets) - int.from_bytes(string.translate(LENGTH_OF_CODE))) % 255
    if padding > LONGEST_PADDING or ~octets[-1] & (1 << padding) - 1:
        raise UndecodableError(Undecodable.BAD_HUFFMAN)
    return string


def _walk(octets: bytes) -> bytes:
    """Decode a string bit by bit."""
    root = node = _tree()
    string = bytearray()
    for octet in octets:
        for place in (7, 6, 5, 4, 3, 2, 1, 0):
            below = node[octet >> place & 1]
            if not isinstance(below, int):
                node = below
            elif below == EOS:
                raise UndecodableError(Undecodable.BAD_HUFFMAN)
            else:
                string.append(below)
                node = root
    if not any(node is end for end in _ends()):
        raise UndecodableError(Undecodable.BAD_HUFFMAN)
    return bytes(string)


def _ends() -> Iterator["Node | int"]:
    """Yield the nodes at which a string may end: 0 to 7 ones behind the last symbol."""
    node: Node | int = _tree()
    for _ in range(LONGEST_PADDING + 1):
        yield node
        assert not isinstance(node, int)
        node = node[1]
