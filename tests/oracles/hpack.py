"""The encoder's table as RFC 7541 has it, in plain loops, and what somebody who saw only some of it can know.

Each entry has a serial number for its whole life. Huffman strings and the static table come from the `hpack` library.
"""

from typing import NamedTuple

from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

STATIC = [(bytes(name), bytes(value)) for name, value in HeaderTable.STATIC_TABLE]


class Sight(NamedTuple):
    """One field as it is written."""

    name: bytes
    value: bytes
    entry: int | None
    """Serial number of the entry it refers to; None for a static one and for literals."""
    name_entry: int | None
    """Of a literal: serial number of the entry that its name is taken from."""
    added: int | None
    """Of a literal: the serial number it gets as an entry."""


class Entry(NamedTuple):
    """One entry of the table."""

    serial: int | None
    name: bytes
    value: bytes


class Table:
    """The encoder's table."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.size = 4096
        self.serial = 0

    def entry(self, index: int) -> Entry:
        """Look up an index."""
        if index <= len(STATIC):
            return Entry(None, *STATIC[index - 1])
        return self.entries[index - len(STATIC) - 1]

    def add(self, name: bytes, value: bytes) -> int:
        """Add an entry; one that is too large gets a number too, and empties the table."""
        self.serial += 1
        self.entries.insert(0, Entry(self.serial, name, value))
        self.evict()
        return self.serial

    def evict(self) -> None:
        """Remove the oldest entries until the others fit."""
        while self.octets > self.size:
            self.entries.pop()

    @property
    def octets(self) -> int:
        """The size of the table."""
        return sum(len(entry.name) + len(entry.value) + 32 for entry in self.entries)


class Reader:
    """Takes a valid block apart."""

    def __init__(self, octets: bytes, table: Table) -> None:
        self.octets = octets
        self.table = table
        self.at = 0

    def integer(self, bits: int) -> int:
        """Read an integer with a prefix of so many bits."""
        most = (1 << bits) - 1
        number = self.octets[self.at] & most
        self.at += 1
        shift = 0
        while number >= most:
            octet = self.octets[self.at]
            self.at += 1
            number += (octet & 127) << shift
            shift += 7
            if octet < 128:
                break
        return number

    def string(self) -> bytes:
        """Read a string."""
        is_huffman = self.octets[self.at] >= 128
        length = self.integer(7)
        self.at += length
        octets = self.octets[self.at - length : self.at]
        return decode_huffman(octets) if is_huffman else octets

    def sights(self) -> list[Sight]:
        """Read all fields."""
        found = []
        while self.at < len(self.octets):
            octet = self.octets[self.at]
            if octet >= 0x80:
                entry = self.table.entry(self.integer(7))
                found.append(Sight(entry.name, entry.value, entry.serial, None, None))
            elif 0x20 <= octet < 0x40:
                self.table.size = self.integer(5)
                self.table.evict()
            else:
                index = self.integer(6 if octet >= 0x40 else 4)
                named = self.table.entry(index) if index else Entry(None, self.string(), b"")
                value = self.string()
                added = self.table.add(named.name, value) if octet >= 0x40 else None
                found.append(Sight(named.name, value, None, named.serial, added))
        return found


class Known(NamedTuple):
    """A field that somebody who came late can name."""

    name: bytes
    value: bytes


class Unknown(NamedTuple):
    """A field of which an entry must have been seen: its own, or the one with its name."""

    serial: int
    value: bytes | None


class Listener:
    """What can be known of the fields by somebody who sees blocks from now on."""

    def __init__(self) -> None:
        self.seen: dict[int, Known | Unknown] = {}

    def hear(self, sights: list[Sight]) -> list[Known | Unknown]:
        """Tell what is known of each field of the next block."""
        return [self._hear(sight) for sight in sights]

    def _hear(self, sight: Sight) -> Known | Unknown:
        if sight.entry is not None:
            return self.seen.get(sight.entry, Unknown(sight.entry, None))
        field: Known | Unknown = Known(sight.name, sight.value)
        if sight.name_entry is not None:
            named = self.seen.get(sight.name_entry, Unknown(sight.name_entry, None))
            if isinstance(named, Unknown):
                field = Unknown(named.serial, sight.value)
        if sight.added is not None:
            self.seen[sight.added] = field
        return field
