"""The decoder of one direction."""

from typing import Any

from wiresniff.model import limits
from wiresniff.protocols.hpack.fields import Field, HeaderBlock, Unresolved
from wiresniff.protocols.hpack.primitives import read_integer, read_string
from wiresniff.protocols.hpack.undecodable import Undecodable, UndecodableError
from wiresniff.protocols.hpack.window import Entry, Window, size_of

# The first octet of a field tells what it is (RFC 7541 6). From the highest on: a reference to an entry; a literal that
# is added to the table; a table size update; a literal that is not added, whether it never may be or just is not.
REFERENCE, ADDED, SIZE_UPDATE = 0x80, 0x40, 0x20
REFERENCE_INDEX, ADDED_NAME, TABLE_SIZE, NAME = 0x7F, 0x3F, 0x1F, 0x0F
"""Bits of the first octet that hold the integer; when all are ones it goes on behind."""
LONG_REFERENCE = REFERENCE | REFERENCE_INDEX


class Decoder:
    """Decodes the header blocks of one direction of a connection, in wire order."""

    def __init__(self, *, is_complete: bool) -> None:
        """`is_complete`: decoding begins with the connection. False: entries may have been added before."""
        self.epoch = 0
        self._window = Window(is_complete=is_complete)
        self._size_updates = 0
        self._allowed_bytes: int | None = None
        self._names: dict[tuple[int, int], bytes] = {}
        self._unseen: dict[int, Unresolved] = {}
        """What stands for entries that are not in the window, by entries added less index (which stays the same while
        indices move on). Empty when the table's size is known: then it must be asked whether there is room for them."""
        self._has_unresolved = False
        """A field of the block at hand may have a name or a value that is not known."""

    @property
    def window_bytes(self) -> int:
        """Size of the entries in the window (RFC 7541 4.1)."""
        return self._window.octets

    @property
    def table_state(self) -> tuple[int, int, int]:
        """Epoch, entries added in it, size updates: as long as this stays, a reference means what it meant."""
        return self.epoch, self._window.added, self._size_updates

    @property
    def dropped_entries(self) -> int:
        """Entries that the window had no room for, though the encoder may still refer to them."""
        return self._window.dropped

    def decode(self, octets: bytes) -> HeaderBlock:
        """Decode a header block, or the beginning of one. Never raises: what can't be decoded ends it.

        After any error but `HEADER_LIST_TOO_LARGE` a new epoch begins, because what the rest of the block would have
        added to the table is not known. For the same reason call `begin_epoch` after a block that was cut.
        """
        window = self._window
        entries = window.entries
        fields: list[Any] = []
        at, end = 0, len(octets)
        error: Undecodable | None = None
        self._has_unresolved = window.nameless > 0
        known = len(entries)
        try:
            while at < end:
                octet = octets[at]
                at += 1
                if REFERENCE < octet < LONG_REFERENCE and octet - REFERENCE < known:  # as most fields
                    fields.append(entries[octet - REFERENCE])
                elif octet > REFERENCE:
                    at = self._read_reference(octets, at, octet, fields)
                else:
                    at = self._read_other(octets, at, octet, fields)
                    known = len(entries)
        except UndecodableError as undecodable:
            error = undecodable.reason
        if len(fields) * window.largest + 2 * end > limits.HEADER_LIST_BYTES and _cut_to_limit(fields):
            error = error or Undecodable.HEADER_LIST_TOO_LARGE
        unresolved = self._set_apart(fields) if self._has_unresolved else []
        if error is not None and error is not Undecodable.HEADER_LIST_TOO_LARGE:
            self.begin_epoch()
        return HeaderBlock(fields, unresolved, error)

    def begin_epoch(self) -> None:
        """Forget the window: something was not seen that may have added entries, or changed the table's size."""
        self.epoch += 1
        self._allowed_bytes = None
        self._unseen.clear()
        self._window.begin_epoch()

    def resize(self, octets: int) -> None:
        """Note the SETTINGS_HEADER_TABLE_SIZE that the encoder acknowledged: later size updates must not exceed it.

        Until this is called any size is taken, because the peer's settings may not have been seen.
        """
        self._allowed_bytes = octets

    def name(self, epoch: int, position: int) -> bytes | None:
        """Return the name of an entry that was not seen being added, if it was learned."""
        return self._names.get((epoch, position))

    def learn_name(self, epoch: int, position: int, name: bytes) -> None:
        """Name an entry that was not seen being added: literals that take their name from it are fields from now on.

        Beyond `limits.LEARNED_NAMES` the one learned first is forgotten.
        """
        self._names[epoch, position] = name
        if len(self._names) > limits.LEARNED_NAMES:
            del self._names[next(iter(self._names))]

    def _read_reference(self, octets: bytes, at: int, octet: int, fields: list[Any]) -> int:
        """Read a reference that is longer or goes further back; return where the octets behind it begin."""
        window = self._window
        index = octet & REFERENCE_INDEX
        if octet == LONG_REFERENCE:
            index, at = read_integer(octets, at, index)
            if index < len(window.entries):
                fields.append(window.entries[index])
                return at
        self._has_unresolved = True
        fields.append(self._unseen.get(window.added - index) or self._see(index))
        return at

    def _read_other(self, octets: bytes, at: int, octet: int, fields: list[Any]) -> int:
        """Read a literal or a size update; return where the octets behind it begin."""
        if SIZE_UPDATE <= octet < ADDED:
            return self._read_size_update(octets, at, octet, is_late=bool(fields))
        if octet == REFERENCE:
            raise UndecodableError(Undecodable.INDEX_ZERO)
        mask = ADDED_NAME if octet >= ADDED else NAME
        index = octet & mask
        if not index:
            name, at = read_string(octets, at)
            value, at = read_string(octets, at)
            field: Entry = (name, value)
        else:
            if index == mask:
                index, at = read_integer(octets, at, index)
            value, at = read_string(octets, at)
            entries = self._window.entries
            entry = entries[index] if index < len(entries) else self._see(index)
            field = self._named(entry, value) if isinstance(entry, Unresolved) else (entry[0], value)
        if octet >= ADDED:
            self._window.add(field)
        fields.append(field)
        return at

    def _read_size_update(self, octets: bytes, at: int, octet: int, *, is_late: bool) -> int:
        """Read and follow a size update; return where the octets behind it begin."""
        size = octet & TABLE_SIZE
        if size == TABLE_SIZE:
            size, at = read_integer(octets, at, size)
        if is_late:
            raise UndecodableError(Undecodable.LATE_SIZE_UPDATE)
        if self._allowed_bytes is not None and size > self._allowed_bytes:
            raise UndecodableError(Undecodable.SIZE_UPDATE_TOO_LARGE)
        self._unseen.clear()
        self._size_updates += 1
        self._window.update_size(size)
        return at

    def _see(self, index: int) -> Unresolved:
        """Return what stands for an entry that is not in the window."""
        window = self._window
        unresolved = Unresolved(self.epoch, window.position(index), None)
        if window.table_bytes is None:
            if len(self._unseen) >= limits.UNSEEN_ENTRIES:
                self._unseen.clear()
            self._unseen[window.added - index] = unresolved
        return unresolved

    def _named(self, entry: Unresolved, value: bytes) -> Entry:
        """Give a value the name of an entry whose name is not known, unless it was learned."""
        name = self._names.get((entry.epoch, entry.position))
        if name is not None:
            return name, value
        self._has_unresolved = True
        return entry._replace(value=value)

    def _set_apart(self, fields: list[Any]) -> list[Unresolved]:
        """Take out of a block's fields those that are not known, and return them."""
        unresolved: list[Unresolved] = []
        resolved: list[Field] = []
        for field in fields:
            named = field
            if isinstance(field, Unresolved) and field.value is not None:
                named = self._named(field, field.value)
            if isinstance(named, Unresolved):
                unresolved.append(named)
            else:
                resolved.append(named)
        fields[:] = resolved
        return unresolved


def _cut_to_limit(fields: list[Entry]) -> bool:
    """Remove what exceeds `limits.HEADER_LIST_BYTES` (counted as RFC 9113 6.5.2 does); tell whether anything did."""
    octets = 0
    for number, field in enumerate(fields):
        octets += size_of(field)
        if octets > limits.HEADER_LIST_BYTES:
            del fields[number:]
            return True
    return False
