"""What leaves the program of ids, paths, queries and baggage, as the policy's `privacy` says."""

import hashlib

from wiresniff.model.policy import Keep, Privacy
from wiresniff.model.targets import path_and_query

SHORT_DIGITS = 8
"""Of an id that is shown short: enough to find it again among those of an hour."""
HASH_DIGITS = 16
"""Of an id that is hashed: two ids that look equal are equal, for all that one capture can hold."""


def shown_id(identifier: str, keep: Keep) -> str | None:
    """Return a trace or span id as it may be shown; equal ids stay equal. None: not at all."""
    if keep is Keep.KEEP:
        return identifier
    if keep is Keep.SHORT:
        return identifier[:SHORT_DIGITS]
    if keep is Keep.HASH:
        return hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_DIGITS]
    return None


def shows_values(privacy: Privacy) -> bool:
    """Tell whether fields that hold ids may be shown as they were sent."""
    return privacy.ids is Keep.KEEP


def shown_target(method: str | None, target: str, privacy: Privacy) -> tuple[str | None, str | None]:
    """Return the path and the query of a request target, each None when it is not there or not shown."""
    path, query = path_and_query(method, target)
    return path if privacy.paths is Keep.KEEP else None, query if privacy.query is Keep.KEEP else None


def shows_baggage_keys(privacy: Privacy) -> bool:
    """Tell whether keys and size of baggage may be shown."""
    return privacy.baggage is not Keep.DROP


def shows_baggage_values(privacy: Privacy, *, asked: bool) -> bool:
    """Tell whether baggage is shown whole: when asked for or configured, and never when the policy drops it."""
    return privacy.baggage is Keep.VALUES or (asked and privacy.baggage is not Keep.DROP)
