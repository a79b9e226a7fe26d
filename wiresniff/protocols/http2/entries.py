"""What is known of table entries that were added before anyone listened, learned from the requests that use them."""

from typing import TYPE_CHECKING, Final

from wiresniff.model import limits

if TYPE_CHECKING:
    from wiresniff.protocols.http2.undecided import Undecided

RIVALS = 8
"""Remembered per entry: two occur, more are a game."""
_RECURRENCE_NS = limits.RECURRENCE_SECONDS * 10**9
_NO_VALUES: Final[frozenset[bytes]] = frozenset()


class Entry:
    """One entry, which a field refers to whole or for its name alone."""

    __slots__ = (
        "awaited_by", "first_ns", "ids", "is_not_path", "is_not_traceparent", "is_plain", "name", "recurs", "requests",
        "rivals",
    )  # fmt: skip

    def __init__(self) -> None:
        self.name: bytes | None = None
        """As inferred; None as long as it is not."""
        self.is_not_traceparent = False
        """Its name is another one: a request used it beside a traceparent, or its name is inferred."""
        self.is_not_path = False
        """A request used it beside a path; a request has but one (RFC 9113 8.3.1)."""
        self.is_plain = False
        """It is neither of the two, and no name was inferred: nothing more is to be learned of it, or from it."""
        self.recurs = False
        """So many requests used it, for so long, that it is not the value of one."""
        self.rivals: dict[Entry, None] = {}
        """Other entries whose literals looked like a traceparent in the same request, with another value."""
        self.awaited_by: dict[Undecided, None] = {}
        """Requests whose verdict depends on what this is."""
        self.requests = 0
        """That used it whole and share no id of a request."""
        self.first_ns = 0
        self.ids = _NO_VALUES
        """Ids that the first of these requests had, as long as it matters who they are."""

    def needs_ids(self) -> bool:
        """Tell whether the ids of the next request that counts will be remembered."""
        return self.requests + 1 < limits.RECURRENCE_REQUESTS

    def count(self, time_ns: int, ids: frozenset[bytes]) -> bool:
        """Count a request that uses it whole, by the ids in it; tell whether it is now known to recur.

        Of requests that share an id only the first counts: they may be one request handed on.
        """
        if not self.ids.isdisjoint(ids):
            return False
        if not self.requests:
            self.first_ns = time_ns
        self.requests += 1
        if self.requests >= limits.RECURRENCE_REQUESTS:
            self.recurs = time_ns - self.first_ns >= _RECURRENCE_NS
            if self.recurs:
                self.ids = _NO_VALUES
        else:
            self.ids |= ids
        return self.recurs

    def exclude(self, *, path: bool = False, traceparent: bool = False) -> None:
        """Remember what it is not."""
        self.is_not_path |= path
        self.is_not_traceparent |= traceparent
        if traceparent:
            self.ids = _NO_VALUES
        self.is_plain = self.is_not_path and self.is_not_traceparent and self.name is None

    def dispute(self, candidates: "list[Entry]") -> None:
        """Remember who else looked like a traceparent in the same request."""
        if len(self.rivals) < RIVALS:
            self.rivals |= {entry: None for entry in candidates[:RIVALS] if entry is not self}

    def has_rivals(self) -> bool:
        """Tell whether another entry may as well be the traceparent of a request that has both."""
        return any(not rival.is_not_traceparent for rival in self.rivals)
