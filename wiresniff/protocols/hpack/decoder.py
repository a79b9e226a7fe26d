"""The decoder of one direction."""

from typing import Any

from wiresniff.model import limits
from wiresniff.protocols.hpack.fields import Field, HeaderBlock, Unresolved
from wiresniff.protocols.hpack.primitives import read_integer, read_string
from wiresniff.protocols.hpack.table import ENTRY_OVERHEAD
from wiresniff.protocols.hpack.undecodable import Undecodable, UndecodableError
from wiresniff.protocols.hpack.window import Name, Window

# The first octet of a field tells what it is (RFC 7541 6). From the highest on: a reference to an entry; a literal that
# is added to the table; a table size update; a literal that is not added, whether it never may be or just is not.
REFERENCE, ADDED, SIZE_UPDATE = 0x80, 0x40, 0x20
REFERENCE_INDEX, ADDED_NAME, TABLE_SIZE, NAME = 0x7F, 0x3F, 0x1F, 0x0F
"""Bits of the first octet that hold the integer; when all are ones it goes on behind."""


class Decoder:
    """Decodes the header blocks of one direction of a connection, in wire order."""

    def __init__(self, *, is_complete: bool) -> None:
        """`is_complete`: decoding begins with the connection. False: entries may have been added before."""
        self.epoch = 0
        self._window = Window(is_complete=is_complete)
        self._allowed_bytes: int | None = None
        self._names: dict[tuple[int, int], bytes] = {}
        self._is_unresolved = False
        """A field of the block at hand has a name or a value that is not known."""

    @property
    def window_bytes(self) -> int:
        """Size of the entries in the window (RFC 7541 4.1)."""
        return self._window.octets

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
        known = len(entries)
        fields: list[Any] = []  # of pairs; a position stands for a name, and None for a value, that is not known
        at, end = 0, len(octets)
        error: Undecodable | None = None
        self._is_unresolved = window.has_nameless
        try:
            while at < end:
                octet = octets[at]
                at += 1
                if REFERENCE < octet < REFERENCE + REFERENCE_INDEX and octet - REFERENCE < known:
                    fields.append(entries[octet - REFERENCE])
                else:
                    at = self._read(octets, at, octet, fields)
                    known = len(entries)
        except UndecodableError as undecodable:
            error = undecodable.reason
        epoch = self.epoch
        if error is not None:
            self.begin_epoch()
        if len(fields) * window.largest + 2 * end > limits.HEADER_LIST_BYTES and _cut_to_limit(fields):
            error = error or Undecodable.HEADER_LIST_TOO_LARGE
        if self._is_unresolved:
            return HeaderBlock(*self._set_apart(fields, epoch), error)
        return HeaderBlock(fields, [], error)

    def begin_epoch(self) -> None:
        """Forget the window: something was not seen that may have added entries, or changed the table's size."""
        self.epoch += 1
        self._allowed_bytes = None
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

    def _read(self, octets: bytes, at: int, octet: int, fields: list[Any]) -> int:
        """Read what begins with `octet`, unless it is a reference of one octet; return where the next begins."""
        if octet >= REFERENCE:
            index, at = _read_index(octets, at, octet, REFERENCE_INDEX)
            fields.append(self._entry(index))
            return at
        if SIZE_UPDATE <= octet < ADDED:
            size, at = _read_index(octets, at, octet, TABLE_SIZE)
            self._update_size(size, is_late=bool(fields))
            return at
        index, at = _read_index(octets, at, octet, ADDED_NAME if octet >= ADDED else NAME)
        name: Name
        if index:
            name = self._name(index)
        else:
            name, at = read_string(octets, at)
        value, at = read_string(octets, at)
        field = (name, value)
        fields.append(field)
        if octet >= ADDED:
            self._window.add(field)
        return at

    def _entry(self, index: int) -> tuple[Name, bytes | None]:
        """Return an entry, or its position."""
        if not index:
            raise UndecodableError(Undecodable.INDEX_ZERO)
        if index < len(self._window.entries):
            return self._window.entries[index]
        position = self._window.position(index)
        self._is_unresolved = True
        return position, None

    def _name(self, index: int) -> Name:
        """Return the name of an entry, or the position of the entry that has it."""
        entries = self._window.entries
        name = entries[index][0] if index < len(entries) else self._window.position(index)
        if isinstance(name, int):
            name = self._names.get((self.epoch, name), name)
            self._is_unresolved = True
        return name

    def _update_size(self, octets: int, *, is_late: bool) -> None:
        if is_late:
            raise UndecodableError(Undecodable.LATE_SIZE_UPDATE)
        if self._allowed_bytes is not None and octets > self._allowed_bytes:
            raise UndecodableError(Undecodable.SIZE_UPDATE_TOO_LARGE)
        self._window.update_size(octets)

    def _set_apart(self, fields: list[Any], epoch: int) -> tuple[list[Field], list[Unresolved]]:
        """Part the fields that are known from those that are not."""
        resolved: list[Field] = []
        unresolved: list[Unresolved] = []
        for field in fields:
            name, value = field
            if isinstance(name, bytes):
                resolved.append(field)
                continue
            learned = self._names.get((epoch, name))
            if value is None or learned is None:
                unresolved.append(Unresolved(epoch, name, value))
            else:
                resolved.append((learned, value))
        return resolved, unresolved


def _read_index(octets: bytes, at: int, octet: int, mask: int) -> tuple[int, int]:
    """Read the integer that begins in the low bits of `octet` (RFC 7541 5.1)."""
    index = octet & mask
    return read_integer(octets, at, mask) if index == mask else (index, at)


def _cut_to_limit(fields: list[Any]) -> bool:
    """Remove what exceeds `limits.HEADER_LIST_BYTES` (counted as RFC 9113 10.5.1 does); tell whether anything did."""
    octets = 0
    for number, (name, value) in enumerate(fields):
        octets += ENTRY_OVERHEAD + len(value or b"") + (len(name) if isinstance(name, bytes) else 0)
        if octets > limits.HEADER_LIST_BYTES:
            del fields[number:]
            return True
    return False
