"""Why a header block can't be decoded to its end."""

from enum import StrEnum


class Undecodable(StrEnum):
    """The words of `HeaderBlock.error`."""

    TRUNCATED = "truncated"
    """The octets end within a field: the rest was lost, or a length is a lie."""
    INDEX_ZERO = "index-zero"
    """A reference to entry 0, which there is none of (RFC 7541 6.1)."""
    BEYOND_TABLE = "beyond-table"
    """A reference to an entry that is certainly not, or no longer, in the table (RFC 7541 2.3.3)."""
    INTEGER_TOO_LONG = "integer-too-long"
    """An integer of more octets than anything real needs (`limits.HPACK_INTEGER_OCTETS`)."""
    BAD_HUFFMAN = "bad-huffman"
    """A string that holds EOS, or whose padding is not 0 to 7 ones (RFC 7541 5.2)."""
    LATE_SIZE_UPDATE = "late-size-update"
    """A table size update behind a field (RFC 7541 4.2)."""
    SIZE_UPDATE_TOO_LARGE = "size-update-too-large"
    """A table size update above what the peer allowed (RFC 7541 6.3)."""
    HEADER_LIST_TOO_LARGE = "header-list-too-large"
    """More decoded octets than `limits.HEADER_LIST_BYTES`; the only error that leaves the table known."""


class UndecodableError(Exception):
    """Ends the decoding of a block; caught by the decoder, never seen outside."""

    def __init__(self, reason: Undecodable) -> None:
        super().__init__(reason)
        self.reason = reason
