"""What is known of the dynamic table of one direction: the entries that were seen being added."""

from typing import TypeAlias

from wiresniff.model import limits
from wiresniff.protocols.hpack.table import ENTRY_OVERHEAD, LARGEST_STATIC, NEWEST, STATIC_TABLE
from wiresniff.protocols.hpack.undecodable import Undecodable, UndecodableError

INITIAL_TABLE_BYTES = 4096
"""RFC 9113 6.5.2, SETTINGS_HEADER_TABLE_SIZE."""
NOWHERE = -(1 << 62)
"""A position that no entry has."""

Name: TypeAlias = bytes | int
"""A name, or the position of the entry that has it when that entry was not seen being added."""
Entry: TypeAlias = tuple[Name, bytes]


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
        self._table_bytes = INITIAL_TABLE_BYTES if is_complete else None
        """Size the encoder keeps its table in; None while that is not known."""
        self._most_bytes = INITIAL_TABLE_BYTES if is_complete else limits.HEADER_WINDOW_BYTES
        self._newest_nameless = NOWHERE
        """Position of the newest entry whose name is not known."""

    @property
    def has_nameless(self) -> bool:
        """An entry is here whose name is not known."""
        return self._newest_nameless >= self.added - (len(self.entries) - NEWEST)

    def position(self, index: int) -> int:
        """Return the position of an entry that is not here. Raises UndecodableError: it can't be in the table either.

        For an index to be used, the table must hold all entries up to it, of at least 32 octets each.
        """
        unseen = index - len(self.entries) + 1
        table_bytes = self._table_bytes
        if self.is_complete or (table_bytes is not None and self.octets + unseen * ENTRY_OVERHEAD > table_bytes):
            raise UndecodableError(Undecodable.BEYOND_TABLE)
        return self.added + NEWEST - 1 - index

    def add(self, entry: Entry) -> None:
        """Add an entry, and let go what the table then no longer holds (RFC 7541 4.4).

        One that is larger than the table goes with all others. Where the size of the table is not known it stays and
        counts, which is of no consequence: what it separates from the newer ones is never referred to again.
        """
        size = size_of(entry)
        self.largest = max(self.largest, size)
        self.entries.insert(NEWEST, entry)
        if isinstance(entry[0], int):
            self._newest_nameless = self.added
        self.added += 1
        self.octets += size
        if self.octets + ENTRY_OVERHEAD > self._most_bytes:
            self._let_go()

    def update_size(self, octets: int) -> None:
        """Follow a table size update (RFC 7541 6.3): from now on the size of the table is known."""
        self._table_bytes = octets
        self._most_bytes = min(octets, limits.HEADER_WINDOW_BYTES)
        self._let_go()

    def begin_epoch(self) -> None:
        """Forget what is known."""
        del self.entries[NEWEST:]
        self.octets = self.added = 0
        self.is_complete = False
        self.largest = LARGEST_STATIC
        self._table_bytes = None
        self._most_bytes = limits.HEADER_WINDOW_BYTES
        self._newest_nameless = NOWHERE

    def _let_go(self) -> None:
        """Let go the oldest entries, as far as the table has no room for them or the window has none."""
        table_bytes = self._table_bytes
        if table_bytes is not None and self.octets + ENTRY_OVERHEAD > table_bytes:
            self.is_complete = True  # no room beside what is here for anything older
        while self.octets > self._most_bytes:
            if table_bytes is None or self.octets <= table_bytes:
                self.is_complete = False
                self.dropped += 1
            self.octets -= size_of(self.entries.pop())


def size_of(entry: Entry) -> int:
    """Return what an entry counts, at least: a name that is not known may be empty."""
    name, value = entry
    return (0 if isinstance(name, int) else len(name)) + len(value) + ENTRY_OVERHEAD
