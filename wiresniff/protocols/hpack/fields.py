"""What a header block says: fields that are read, and fields whose table entry was added before anyone listened."""

from typing import NamedTuple

Field = tuple[bytes, bytes]
"""Name and value as sent."""


class Unresolved(NamedTuple):
    """A field that refers to an entry which was added before the window of known entries began.

    Epoch and position are its identity: the same entry has the same two as long as it is referred to.
    """

    epoch: int
    """Counts the beginnings of the window: 0 when decoding begins, one more after each gap."""
    position: int
    """Of the entry, counted from the beginning of the epoch: -1 is the newest entry added before it, -2 the next.
    From 0 on: added within the epoch, but the window had no room to keep it."""
    value: bytes | None
    """Of a literal whose name alone is unresolved; None when the whole field is."""


class HeaderBlock(NamedTuple):
    """One decoded header block."""

    fields: list[Field]
    """In wire order, without the unresolved ones."""
    unresolved: list[Unresolved]
    """In wire order; empty unless decoding began late."""
    error: str | None
    """Why decoding stopped before the end of the block (a word of `Undecodable`); what stands before is right."""
