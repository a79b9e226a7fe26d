"""Integers and strings as HPACK writes them (RFC 7541 5)."""

from wiresniff.model import limits
from wiresniff.protocols.hpack.huffman import decode_huffman
from wiresniff.protocols.hpack.undecodable import Undecodable, UndecodableError

IS_HUFFMAN = 0x80
LENGTH = 0x7F
"""Bits of the first octet of a string (RFC 7541 5.2)."""
GOES_ON, DIGIT = 0x80, 0x7F
"""Bits of each further octet of an integer (RFC 7541 5.1)."""

_LAST_SHIFT = 7 * (limits.HPACK_INTEGER_OCTETS - 1)


def read_integer(octets: bytes, at: int, prefix: int) -> tuple[int, int]:
    """Read an integer whose prefix was all ones (RFC 7541 5.1): what stands at `at` is added to it.

    Returns the integer and where the octets behind it begin. Raises UndecodableError.
    """
    shift = 0
    for octet in octets[at : at + limits.HPACK_INTEGER_OCTETS]:
        at += 1
        prefix += (octet & DIGIT) << shift
        if octet < GOES_ON:
            return prefix, at
        shift += 7
    raise UndecodableError(Undecodable.INTEGER_TOO_LONG if shift > _LAST_SHIFT else Undecodable.TRUNCATED)


def read_string(octets: bytes, at: int) -> tuple[bytes, int]:
    """Read a string (RFC 7541 5.2). Returns it, and where the octets behind it begin. Raises UndecodableError."""
    if at >= len(octets):
        raise UndecodableError(Undecodable.TRUNCATED)
    first = octets[at]
    at += 1
    length = first & LENGTH
    if length == LENGTH:
        length, at = read_integer(octets, at, LENGTH)
    end = at + length
    if end > len(octets):
        raise UndecodableError(Undecodable.TRUNCATED)
    string = octets[at:end]
    return decode_huffman(string) if first & IS_HUFFMAN else string, end
