"""Operations: requests of one pair that are alike, `GET /orders/{}`; what tells which call is the bad one."""

import re

from wiresniff.model.display import visible
from wiresniff.model.exchanges import Exchange
from wiresniff.model.targets import path_and_query

REMEMBERED = 4096
SEGMENTS = 4
"""Path segments that tell operations apart; what follows is one operation."""
CHARACTERS = 80
_VARIABLE = re.compile(r"[^/]*[0-9][^/]*")
"""A segment with a digit in it is taken for an id, unless it is a version."""
_VERSION = re.compile(r"v[0-9]{1,2}(?:\.[0-9]{1,2})?")
UNKNOWN = "?"


def operation_of(method: str, target: str) -> str:
    """Return the operation of a request: its method and its path with ids left out."""
    path = path_and_query(method, target)[0]
    if path is None:
        return method
    segments = path.split("/")
    shape = ["{}" if _VARIABLE.fullmatch(part) and not _VERSION.fullmatch(part) else part for part in segments]
    if len(shape) > SEGMENTS + 1:
        shape = [*shape[: SEGMENTS + 1], "..."]
    return visible(f"{method} {'/'.join(shape)}"[:CHARACTERS])


class Operations:
    """Remembers the operation of a path: paths repeat."""

    def __init__(self, *, show_paths: bool) -> None:
        self._show_paths = show_paths
        self._known: dict[tuple[bytes | None, bytes], str] = {}

    def of(self, exchange: Exchange) -> str:
        """Return the operation of an exchange; what was not seen of it is `?`."""
        target = exchange.target
        path = target.partition(b"?")[0] if target is not None else b""
        key = (exchange.method, path)
        operation = self._known.get(key)
        if operation is None:
            method = (exchange.method or b"?").decode("latin-1")
            if target is None:
                operation = f"{method} {UNKNOWN}"
            elif not self._show_paths:
                operation = method
            else:
                operation = operation_of(method, path.decode("latin-1"))
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = operation
        return operation
