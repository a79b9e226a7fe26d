"""What is known of the dynamic table of one direction: the entries that were seen being added."""

from typing import TypeAlias

from wiresniff.model import limits
from wiresniff.protocols.hpack.fields import Field, Unresolved
from wiresniff.protocols.hpack.table import ENTRY_OVERHEAD, LARGEST_STATIC, NEWEST, STATIC_TABLE
from wiresniff.protocols.hpack.undecodable import Undecodable, UndecodableError

INITIAL_TABLE_BYTES = 4096
"""RFC 9113 6.5.2, SETTINGS_HEADER_TABLE_SIZE."""

Entry: TypeAlias = Field | Unresolved
"""A name and a value; or a value, and the position of the entry that has the name."""


class Window:
    """Entries seen being added, newest first, behind the static ones: `entries[index]` is RFC 7541 2.3.3.

    Positions count the entries added in this epoch, 0 the first; those added before have -1 (the last), -2, and so on.
    """

    def __init__(self, *, is_complete: bool) -> None:
        self.entries: list[Entry] = [(b"", b""), *STATIC_TABLE]
        """Entry 0 is a placeholder: no index is 0."""
        self.octets = 0
        """Size of the entries seen (RFC 7541 4.1); a name that is not known counts as empty."""
        self.is_complete = is_complete
        """The encoder's table holds nothing that is not here."""
        self.added = 0
        """Position that the next entry gets."""
        self.dropped = 0
        """Entries that went because of `limits.HEADER_WINDOW_BYTES`, not because the encoder's table is smaller."""
        self.largest = LARGEST_STATIC
        """No entry that was here in this epoch is larger."""
        self.nameless = 0
        """Entries here whose name is not known."""
        self.table_bytes = INITIAL_TABLE_BYTES if is_complete else None
        """Size the encoder keeps its table in; None while that is not known."""
        self._most_bytes = INITIAL_TABLE_BYTES if is_complete else limits.HEADER_WINDOW_BYTES

    def position(self, index: int) -> int:
        """Return the position of an entry that is not here. Raises UndecodableError: it can't be in the table either.

        For an index to be used, the table must hold all entries up to it, of at least 32 octets each.
        """
        unseen = index - len(self.entries) + 1
        table_bytes = self.table_bytes
        if self.is_complete or (table_bytes is not None and self.octets + unseen * ENTRY_OVERHEAD > table_bytes):
            raise UndecodableError(Undecodable.BEYOND_TABLE)
        return self.added + NEWEST - 1 - index

    def add(self, entry: Entry) -> None:
        """Add an entry, and let go what the table then no longer holds (RFC 7541 4.4).

        One that is larger than the table goes with all others. Where the size of the table is not known it stays and
        counts, which is of no consequence: what it separates from the newer ones is never referred to again.
        """
        size = size_of(entry)
        if size > self.largest:  # noqa: PLR1730  max() takes four times as long
            self.largest = size
        if isinstance(entry, Unresolved):
            self.nameless += 1
        self.entries.insert(NEWEST, entry)
        self.added += 1
        self.octets += size
        if self.octets > self._most_bytes:
            self._let_go()

    def update_size(self, octets: int) -> None:
        """Follow a table size update (RFC 7541 6.3): from now on the size of the table is known."""
        self.table_bytes = octets
        self._most_bytes = min(octets, limits.HEADER_WINDOW_BYTES)
        self._let_go()

    def begin_epoch(self) -> None:
        """Forget what is known."""
        del self.entries[NEWEST:]
        self.octets = self.added = self.nameless = 0
        self.is_complete = False
        self.largest = LARGEST_STATIC
        self.table_bytes = None
        self._most_bytes = limits.HEADER_WINDOW_BYTES

    def _let_go(self) -> None:
        """Let go the oldest entries, as far as the table has no room for them or the window has none."""
        table_bytes = self.table_bytes
        if table_bytes is not None and self.octets + ENTRY_OVERHEAD > table_bytes:
            self.is_complete = True  # no room beside what is here for anything older
        while self.octets > self._most_bytes:
            if table_bytes is None or self.octets <= table_bytes:
                self.is_complete = False
                self.dropped += 1
            entry = self.entries.pop()
            if isinstance(entry, Unresolved):
                self.nameless -= 1
            self.octets -= size_of(entry)


def size_of(entry: Entry) -> int:
    """Return what an entry counts (RFC 7541 4.1), at least: what is not known of it may be empty."""
    if isinstance(entry, Unresolved):
        return len(entry.value or b"") + ENTRY_OVERHEAD
    name, value = entry
    return len(name) + len(value) + ENTRY_OVERHEAD
