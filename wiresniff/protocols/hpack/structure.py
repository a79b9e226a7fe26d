"""Where fields begin in a header block (RFC 7541 6), without what they say: no table is needed for that."""

from wiresniff.protocols.hpack.primitives import LENGTH, read_integer
from wiresniff.protocols.hpack.undecodable import Undecodable, UndecodableError

# Bits of the first octet of each representation that hold an integer, from the highest octet on (RFC 7541 6); whether
# strings follow: none, or a value, and a name before it where the integer is 0.
_REPRESENTATIONS = (
    (0x80, 0x7F, False),  # indexed field
    (0x40, 0x3F, True),  # literal, added to the table
    (0x20, 0x1F, False),  # table size update
    (0x00, 0x0F, True),  # literal, not added, or never
)


def begins_field(octets: bytes, place: int) -> bool:
    """Tell whether a field begins at this place of a header block, as far as what stands before it can be read."""
    at = 0
    try:
        while at < place:
            at = _end_of_field(octets, at)
    except UndecodableError:
        return False
    return at == place


def _end_of_field(octets: bytes, at: int) -> int:
    """Return where the field that begins at `at` ends. Raises UndecodableError."""
    octet = octets[at]
    mask, has_strings = next((mask, strings) for lowest, mask, strings in _REPRESENTATIONS if octet >= lowest)
    integer, at = _integer(octets, at, mask)
    if has_strings:
        if not integer:
            at = _end_of_string(octets, at)
        at = _end_of_string(octets, at)
    return at


def _end_of_string(octets: bytes, at: int) -> int:
    length, at = _integer(octets, at, LENGTH)
    return at + length


def _integer(octets: bytes, at: int, mask: int) -> tuple[int, int]:
    """Read an integer (RFC 7541 5.1) and where the octets behind it begin. Raises UndecodableError."""
    if at >= len(octets):
        raise UndecodableError(Undecodable.TRUNCATED)
    integer = octets[at] & mask
    return read_integer(octets, at + 1, integer) if integer == mask else (integer, at + 1)
