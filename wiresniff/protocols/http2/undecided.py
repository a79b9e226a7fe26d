"""Requests whose verdict waits for what later ones show, and how many may."""

from collections import Counter
from itertools import chain

from wiresniff.model import limits
from wiresniff.model.exchanges import Exchange
from wiresniff.protocols.http2.entries import Entry

REQUEST_BYTES = 1024
FIELD_BYTES = 128
"""Charged for what waits, about what it takes."""

Literal = tuple[Entry, bytes]
"""A field whose name is that of an entry, and its value."""


class Undecided:
    """One request without a traceparent, as far as its fields are known."""

    __slots__ = ("asked", "contested", "cost_bytes", "fields", "literals", "names", "time_ns")

    def __init__(self, asked: Exchange, fields: list[Entry], literals: list[Literal], time_ns: int) -> None:
        self.asked = asked
        self.literals = literals
        """All of unknown name, in wire order."""
        self.fields = {entry for entry in fields if not (entry.is_not_traceparent or entry.recurs)}
        """Referred to whole, and may be the traceparent."""
        self.names: set[Entry] = set()
        """Of literals that may be the traceparent, though they don't look like one."""
        self.contested: set[Entry] = set()
        """Of literals that look like one."""
        self.time_ns = time_ns
        kept = (*(value for _, value in asked.fields), asked.target, asked.authority, asked.user_agent)
        values = chain((value for _, value in literals), filter(None, kept))
        count = len(self.fields) + len(literals) + len(asked.fields)
        self.cost_bytes = REQUEST_BYTES + FIELD_BYTES * count + sum(map(len, values))

    def is_open(self) -> bool:
        """Tell whether something is left that may be the traceparent."""
        return bool(self.fields or self.names or self.contested)

    def awaited(self) -> set[Entry]:
        """Return the entries on which the verdict depends."""
        return self.fields | self.names | self.contested

    def exclude(self, entry: Entry) -> None:
        """Exclude an entry, wherever it stands."""
        self.fields.discard(entry)
        self.names.discard(entry)
        self.contested.discard(entry)


class Patience:
    """What all connections together may remember while they wait for evidence."""

    def __init__(self) -> None:
        self.waiting_bytes = 0
        self.entries = 0
        self.ids = 0
        """Of requests, remembered per entry."""
        self.evictions: Counter[str] = Counter()
        """Per bounded table: `waiting-verdicts`, settled before their time; `table-entries`, of which nothing is
        remembered; `recurrence-ids`, requests that did not count because there was no room for their ids."""

    def meet(self, entries: dict[int, Entry], position: int) -> Entry | None:
        """Begin to remember one more of a connection's entries; None when there is no room."""
        if len(entries) >= limits.TABLE_ENTRIES or self.entries >= limits.TABLE_ENTRIES_TOTAL:
            self.evictions["table-entries"] += 1
            return None
        entry = entries[position] = Entry()
        self.entries += 1
        return entry

    def count(self, entry: Entry, time_ns: int, ids: frozenset[bytes]) -> bool:
        """Count a request that uses an entry whole, if there is room for its ids; tell whether the entry recurs."""
        if entry.needs_ids() and self.ids + len(ids) > limits.RECURRENCE_IDS_TOTAL:
            self.evictions["recurrence-ids"] += 1
            return False
        held = len(entry.ids)
        recurs = entry.count(time_ns, ids)
        self.ids += len(entry.ids) - held
        return recurs

    def forget(self, entries: dict[int, Entry]) -> None:
        """Give back the room of a connection's entries."""
        self.entries -= len(entries)
        self.ids -= sum(len(entry.ids) for entry in entries.values())
