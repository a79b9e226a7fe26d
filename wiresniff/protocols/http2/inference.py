"""What may be said of requests whose header blocks refer to table entries that nobody saw being added.

Theory of operation. A field that refers to such an entry, whole or for its name, is *unresolved*, but the entry has an
identity (`hpack.fields.Unresolved`), and the requests of a connection tell about each other's entries:

  - A literal of unknown name that looks like a traceparent is one. Its entry is identified, and names all later
    literals, whatever they look like, and those of requests that still wait. Likewise `:path`, `:authority` and
    `content-type`, by shapes that leave no doubt (`shapes`). A request has exactly one `:path` (RFC 9113 8.3.1): where
    it has not been read, and but one unresolved field can be it, that is it.
  - An entry that a request uses beside a traceparent is not the traceparent, here and elsewhere.
  - An entry that many requests use whole for a long time is not the value of one request. Requests that share an id
    count once; and where a client was seen to send one traceparent twice, this proves nothing.

A request without a traceparent whose unresolved fields are all excluded so lacks it, by inference. One whose fields are
not all excluded waits for later requests of its connection, within bounds; then it can't be judged.

Two literals that look like a traceparent in one request, under different entries, are not two traceparents
(`elastic-apm-traceparent` looks the same): if both have one value it is taken, else neither, until one is excluded. A
request with a literal that looks like one is never said to lack it unless that entry is excluded.

A request of which not all was seen, or with more entries than are remembered, has what it shows, and lacks nothing.

What is said of a request depends on the requests of its connection and their times alone, not on when the question is
asked: evidence counts if it comes within `limits.VERDICT_SECONDS`.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Final

from wiresniff.model import limits
from wiresniff.model.exchanges import Exchange, Unseen
from wiresniff.protocols.hpack.fields import HeaderBlock
from wiresniff.protocols.http2.entries import Entry
from wiresniff.protocols.http2.fields import AUTHORITY, CONTENT_TYPE, GRPC, PATH, TRACEPARENT, RequestFields
from wiresniff.protocols.http2.shapes import is_authority, is_grpc, is_path
from wiresniff.protocols.http2.undecided import Literal, Patience, Undecided

_PATIENCE_NS: Final = limits.VERDICT_SECONDS * 10**9
_GRACE_NS: Final = limits.VERDICT_GRACE_SECONDS * 10**9


def _age(exchange: Exchange) -> tuple[int, int]:
    return exchange.time_ns, exchange.stream or 0


class Inference:
    """The requests of one connection."""

    def __init__(
        self, request_fields: RequestFields, is_traceparent_shaped: Callable[[bytes], bool], patience: Patience
    ) -> None:
        self._request_fields = request_fields
        self._is_shaped = is_traceparent_shaped
        self._patience = patience
        self._epoch = 0
        self._entries: dict[int, Entry] = {}
        """By position in this epoch."""
        self._traceparent: Entry | None = None
        """Whose name is `traceparent`."""
        self._names_inferred = 0
        self._last_value = b""
        """Of the last traceparent in a request with unresolved fields."""
        self._repeats = False
        """Two such requests in a row had the same."""
        self._waiting: OrderedDict[Undecided, None] = OrderedDict()
        self._settled: list[Exchange] = []

    def take(self, asked: Exchange, block: HeaderBlock, time_ns: int) -> bool:
        """Fill a request from its header block; tell whether what it says of the traceparent is decided.

        If not, it will be among the `settled`. A reason why it can't be judged that is set already stays.
        """
        self._request_fields.fill(asked, block.fields)
        if block.error is not None and asked.unseen is None:
            asked.unseen = Unseen.HEADER_TABLE
        return not block.unresolved or self._weigh(asked, block, time_ns)

    def settled(self, now_ns: int, *, is_over: bool) -> list[Exchange]:
        """Return requests that waited and are decided since the last call: all of them when the connection is over."""
        if is_over:
            self._give_up(list(self._waiting))
            self._forget_entries()
        elif self._waiting:
            self._expire(now_ns - _PATIENCE_NS - _GRACE_NS)
        if not self._settled:
            return []
        settled, self._settled = self._settled, []
        settled.sort(key=_age)
        return settled

    # --- one request ---

    def _weigh(self, asked: Exchange, block: HeaderBlock, time_ns: int) -> bool:
        if self._waiting:
            self._expire(time_ns - _PATIENCE_NS)
        fields: list[Entry] = []
        literals: list[Literal] = []
        is_plain = asked.target is not None
        is_remembered = True
        for epoch, position, value in block.unresolved:
            if epoch != self._epoch:
                self._begin_epoch(epoch)
            entry = self._entries.get(position) or self._patience.meet(self._entries, position)
            if entry is None:
                is_remembered = False
            elif value is None:
                fields.append(entry)
                is_plain &= entry.is_plain
            else:
                literals.append((entry, value))
                is_plain &= entry.is_plain or entry is self._traceparent
        if not is_remembered:
            self._take_crowded(asked, fields, literals)
            return True
        if is_plain:
            if not self._has_traceparent(asked, (), literals) and asked.unseen is None:
                asked.inferred = True
            return True
        self._read_named(asked, literals)
        self._look_for_path(asked, fields, literals)
        if self._has_traceparent(asked, fields, literals):
            return True
        if not self._repeats and asked.unseen is None:  # what it shares with others may be where it was not seen
            self._count(fields, block, literals, time_ns)
        return self._is_decided(asked, fields, literals, time_ns)

    def _take_crowded(self, asked: Exchange, fields: list[Entry], literals: list[Literal]) -> None:
        """Take a request with entries of which nothing can be remembered: any of them may be the traceparent."""
        known: list[Literal] = []
        others = fields
        for entry, value in literals:
            if entry is self._traceparent:
                known.append((entry, value))
            else:
                others.append(entry)
                if entry.name is not None:
                    self._put(asked, entry.name, value)
        if not self._has_traceparent(asked, others, known) and asked.unseen is None:
            asked.unseen = Unseen.HEADER_TABLE

    def _read_named(self, asked: Exchange, literals: list[Literal]) -> None:
        """Read literals whose name is inferred, and infer names of those that leave no doubt."""
        if any(self._may_be_it(entry) for entry, _ in literals):
            self._name_by_shape(asked, literals)
        for entry, value in literals:
            if entry.name is not None:
                self._put(asked, entry.name, value)

    def _name_by_shape(self, asked: Exchange, literals: list[Literal]) -> None:
        """Infer names of fields that a request has not, and that only one of its literals can be."""
        server = asked.server
        if asked.target is None:
            self._name_only([entry for entry, value in literals if is_path(value) and not entry.is_not_path], PATH)
        if asked.authority is None:
            self._name_only([entry for entry, value in literals if is_authority(value, server)], AUTHORITY)
        if asked.protocol != GRPC:
            self._name_only([entry for entry, value in literals if is_grpc(value)], CONTENT_TYPE)

    def _name_only(self, entries: list[Entry], name: bytes) -> None:
        if len(entries) == 1 and self._may_be_it(entries[0]):
            self._name(entries[0], name)

    def _put(self, asked: Exchange, name: bytes, value: bytes) -> None:
        """Put a field of inferred name where it belongs, unless that was read."""
        is_read = (name == PATH and asked.target is not None) or (name == AUTHORITY and asked.authority is not None)
        if name != TRACEPARENT and not is_read:
            self._request_fields.fill(asked, [(name, value)])

    def _look_for_path(self, asked: Exchange, fields: list[Entry], literals: list[Literal]) -> None:
        """Learn which entries are not the path: all but one, or all of a request whose path was read."""
        if asked.target is not None or any(entry.name == PATH for entry in fields):
            for entry in chain(fields, (entry for entry, _ in literals)):
                if not entry.is_not_path and entry.name != PATH:
                    entry.exclude(path=True)
        elif asked.unseen is None and asked.method not in (None, b"CONNECT"):
            maybe = dict.fromkeys(entry for entry in fields if not entry.is_not_path)
            maybe |= {entry: None for entry, value in literals if not entry.is_not_path and value.startswith(b"/")}
            if len(maybe) == 1:
                (entry,) = maybe
                self._name_path(asked, entry, literals)

    def _name_path(self, asked: Exchange, entry: Entry, literals: list[Literal]) -> None:
        if entry.name is None and self._name(entry, PATH):
            for other, value in literals:
                if other is entry:
                    self._put(asked, PATH, value)

    def _has_traceparent(self, asked: Exchange, fields: Iterable[Entry], literals: list[Literal]) -> bool:
        """Find the traceparent of a request, read or inferred; learn from it, if the whole head was seen."""
        is_whole = asked.unseen is None
        read = [value for name, value in asked.fields if name == TRACEPARENT]
        own: set[Entry] = set()
        values = read
        if not read and literals:
            own, values = self._infer(literals, is_whole=is_whole)
            asked.fields += [(TRACEPARENT, value) for value in values]
            asked.inferred = bool(values)
        if not values:
            return False
        if len(values) == 1:  # who sends two may send a third
            self._repeats = self._repeats or values[0] == self._last_value
            self._last_value = values[0]
            if is_whole:
                self._exclude(entry for entry in fields if entry not in own)
                self._exclude(entry for entry, _ in literals if entry not in own)
        return True

    def _infer(self, literals: list[Literal], *, is_whole: bool) -> tuple[set[Entry], list[bytes]]:
        """Return which entries name the traceparent of a request, and its values; or may, when all have one value.

        Where the head was not wholly seen, another literal may look like one as well: then no entry is identified.
        """
        known = self._traceparent
        if known is not None:
            values = [value for entry, value in literals if entry is known]
            return ({known}, values) if values else (set(), [])
        shaped = [(entry, value) for entry, value in literals if self._may_be_it(entry) and self._is_shaped(value)]
        entries = list(dict.fromkeys(entry for entry, _ in shaped))
        if len(entries) == 1 and not entries[0].has_rivals():
            if not is_whole:
                return set(entries), [value for _, value in shaped]
            self._identify(entries[0])
            return self._infer(literals, is_whole=True) if self._traceparent is not None else (set(), [])
        if len(entries) > 1:
            if len({value for _, value in shaped}) == 1:
                return set(entries), [shaped[0][1]]
            for entry in entries:
                entry.dispute(entries)
        return set(), []

    @staticmethod
    def _may_be_it(entry: Entry) -> bool:
        return entry.name is None and not entry.is_not_traceparent

    def _count(self, fields: list[Entry], block: HeaderBlock, literals: list[Literal], time_ns: int) -> None:
        """Count a request without a traceparent for the entries that it uses whole."""
        unknown = {entry for entry in fields if not (entry.recurs or entry.is_not_traceparent or entry.name)}
        if not unknown:
            return
        ids = self._request_fields.ids(block.fields, (value for _, value in literals))
        for entry in unknown:
            if self._patience.count(entry, time_ns, ids):
                self._recur(entry)

    def _is_decided(self, asked: Exchange, fields: list[Entry], literals: list[Literal], time_ns: int) -> bool:
        """Decide of a request without a traceparent whether it lacks it, can't be judged, or has to wait."""
        if asked.unseen is not None:
            return True
        undecided = Undecided(asked, fields, literals, time_ns)
        for entry, value in literals:
            if self._may_be_it(entry):
                if self._is_shaped(value):
                    undecided.contested.add(entry)
                elif self._traceparent is None:
                    undecided.names.add(entry)
        if not undecided.is_open():
            asked.inferred = True
            return True
        if self._traceparent in undecided.fields or not self._wait(undecided):
            asked.unseen = Unseen.HEADER_TABLE
            return True
        return False

    # --- what requests tell about entries ---

    def _name(self, entry: Entry, name: bytes) -> bool:
        """Remember the inferred name of an entry, which is not the traceparent's; False when there are too many."""
        if self._names_inferred >= limits.NAMES_INFERRED:
            return False
        self._names_inferred += 1
        entry.name = name
        for undecided in self._waiting:
            for other, value in undecided.literals:
                if other is entry:
                    self._put(undecided.asked, name, value)
        self._exclude([entry])
        return True

    def _identify(self, entry: Entry) -> None:
        """Remember whose name is `traceparent`."""
        if self._names_inferred >= limits.NAMES_INFERRED:
            return
        self._names_inferred += 1
        self._traceparent = entry
        entry.name = TRACEPARENT
        entry.recurs = False
        for undecided in list(self._waiting):
            if undecided not in self._waiting:
                continue
            values = [value for other, value in undecided.literals if other is entry]
            if values:
                self._give(undecided, values)
            elif entry in undecided.fields:
                self._give_up([undecided])
            else:
                for other in undecided.names - undecided.fields:
                    other.awaited_by.pop(undecided, None)
                undecided.names.clear()
                self._settle_if_closed(undecided)

    def _give(self, undecided: Undecided, values: list[bytes]) -> None:
        """Give its traceparent to a request that waited; its other entries are something else."""
        undecided.asked.fields += [(TRACEPARENT, value) for value in values]
        undecided.asked.inferred = True
        others = undecided.awaited()
        self._finish(undecided)
        if len(values) == 1:
            self._exclude(other for other in others if other is not self._traceparent)

    def _exclude(self, entries: Iterable[Entry]) -> None:
        """Remember that entries are not the traceparent, neither whole nor by name."""
        for entry in entries:
            if entry.is_not_traceparent:
                continue
            if entry is self._traceparent:
                self._traceparent = entry.name = None
            self._patience.ids -= len(entry.ids)
            entry.exclude(traceparent=True)
            awaited_by, entry.awaited_by = entry.awaited_by, {}
            for undecided in awaited_by:
                undecided.exclude(entry)
                self._settle_if_closed(undecided)
            for rival in entry.rivals:
                if self._traceparent is None and self._may_be_it(rival) and not rival.has_rivals():
                    self._identify(rival)

    def _recur(self, entry: Entry) -> None:
        """Exclude an entry where it is used whole: it is not the value of one request."""
        for undecided in list(entry.awaited_by):
            undecided.fields.discard(entry)
            if entry not in undecided.awaited():
                del entry.awaited_by[undecided]
            self._settle_if_closed(undecided)

    # --- bounds ---

    def _begin_epoch(self, epoch: int) -> None:
        """Begin anew after lost bytes: old entries are not referred to any more, and what waits can't be decided."""
        self._give_up(list(self._waiting))
        self._forget_entries()
        self._epoch = epoch
        self._traceparent = None
        self._names_inferred = 0

    def _forget_entries(self) -> None:
        self._patience.forget(self._entries)
        self._entries = {}

    def _wait(self, undecided: Undecided) -> bool:
        """Let a request wait; False where too much waits already."""
        patience = self._patience
        if patience.waiting_bytes + undecided.cost_bytes > limits.VERDICTS_WAITING_BYTES:
            patience.evictions["waiting-verdicts"] += 1
            return False
        if len(self._waiting) >= limits.VERDICTS_WAITING:
            patience.evictions["waiting-verdicts"] += 1
            self._give_up([next(iter(self._waiting))])
        patience.waiting_bytes += undecided.cost_bytes
        self._waiting[undecided] = None
        for entry in undecided.awaited():
            entry.awaited_by[undecided] = None
        return True

    def _expire(self, before_ns: int) -> None:
        """End the waiting of requests from before this time."""
        while self._waiting:
            oldest = next(iter(self._waiting))
            if oldest.time_ns >= before_ns:
                return
            self._give_up([oldest])

    def _give_up(self, waiting: Iterable[Undecided]) -> None:
        for undecided in waiting:
            undecided.asked.unseen = Unseen.HEADER_TABLE
            self._finish(undecided)

    def _settle_if_closed(self, undecided: Undecided) -> None:
        """Nothing is left that may be the traceparent: the request lacks it."""
        if undecided in self._waiting and not undecided.is_open():
            undecided.asked.inferred = True
            self._finish(undecided)

    def _finish(self, undecided: Undecided) -> None:
        for entry in undecided.awaited():
            entry.awaited_by.pop(undecided, None)
        del self._waiting[undecided]
        self._patience.waiting_bytes -= undecided.cost_bytes
        self._settled.append(undecided.asked)
