"""Operations: requests of one pair that are alike, `GET /orders/{}`; what tells which call is the bad one."""

import re

from wiresniff.model.display import shortened, visible
from wiresniff.model.exchanges import Exchange
from wiresniff.model.targets import path_and_query
from wiresniff.model.totals import PATH_UNKNOWN

REMEMBERED = 4096
SEGMENTS = 4
"""Path segments that tell operations apart; what follows is one operation."""
CHARACTERS = 80
RPC_CHARACTERS = 200
"""Of a gRPC method with its package and service, longer than any in use; what is longer loses its middle."""
_VARIABLE = re.compile(r"[^/]*[0-9][^/]*")
"""A segment with a digit in it is taken for an id, unless it is a version."""
_VERSION = re.compile(r"v[0-9]{1,2}(?:\.[0-9]{1,2})?")


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


def rpc_operation_of(path: str) -> str:
    """Return the operation of a gRPC call: `/service/method`, of which no part is an id."""
    return shortened(visible(shortened(path, RPC_CHARACTERS)), RPC_CHARACTERS)


class Operations:
    """Remembers the operation of a path: paths repeat."""

    def __init__(self, *, show_paths: bool) -> None:
        self._show_paths = show_paths
        self._known: dict[tuple[str, bytes | None, bytes | None], str] = {}

    def of(self, exchange: Exchange) -> str:
        """Return the operation of an exchange; what was not seen of it is said to be unknown."""
        target = exchange.target
        key = (exchange.protocol, exchange.method, None if target is None else target.partition(b"?")[0])
        operation = self._known.get(key)
        if operation is None:
            operation = self._work_out(*key)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = operation
        return operation

    def _work_out(self, protocol: str, method: bytes | None, path: bytes | None) -> str:
        shown_method = "?" if method is None else visible(method.decode("latin-1")[:CHARACTERS])
        if path is None:
            return PATH_UNKNOWN if protocol == "grpc" else f"{shown_method} {PATH_UNKNOWN}"
        if not self._show_paths:
            return shown_method
        if protocol == "grpc":
            return rpc_operation_of(path.decode("latin-1"))
        return operation_of(shown_method, path.decode("latin-1"))
