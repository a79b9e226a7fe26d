"""What the audit reads of a request's header fields (RFC 9113 8.3.1), put where an exchange has it."""

from collections.abc import Iterable
from typing import Final

from wiresniff.model.exchanges import Exchange
from wiresniff.protocols.auxiliary import AUXILIARY_FIELDS, is_auxiliary, is_kept
from wiresniff.protocols.hpack.fields import Field
from wiresniff.protocols.http2.shapes import is_grpc, is_id, names_an_id

TRACEPARENT: Final = b"traceparent"
METHOD: Final = b":method"
PATH: Final = b":path"
AUTHORITY: Final = b":authority"
CONTENT_TYPE: Final = b"content-type"
GRPC: Final = "grpc"
"""The protocol of an exchange whose content type is that of gRPC."""

NAMES_REMEMBERED = 4096
"""Names of which it is remembered whether they matter; then all are forgotten. A network shows hundreds."""

NAME_BYTES: Final = 64
"""Longer names are looked at anew each time: a hostile one has as many octets as a header block."""

IDS_PER_REQUEST = 8
"""Looked at, of one request."""

_IGNORED, _KEPT, _METHOD, _PATH, _AUTHORITY, _HOST, _USER_AGENT, _CONTENT_TYPE, _PREFLIGHT, _AUXILIARY = range(10)
_READ = {
    METHOD: _METHOD,
    PATH: _PATH,
    AUTHORITY: _AUTHORITY,
    b"host": _HOST,
    b"user-agent": _USER_AGENT,
    CONTENT_TYPE: _CONTENT_TYPE,
    b"access-control-request-method": _PREFLIGHT,
}


class RequestFields:
    """Fills exchanges from header fields. One serves all connections."""

    def __init__(self, kept: frozenset[bytes]) -> None:
        self._known = dict.fromkeys(kept, _KEPT) | _READ
        self._slots = dict(self._known)
        self._hold_ids: dict[bytes, bool] = {}

    def fill(self, asked: Exchange, fields: Iterable[Field]) -> None:
        """Put each field where it belongs, values as sent. Names in upper case are wrong (RFC 9113 8.2.1), yet read."""
        slots = self._slots
        for field in fields:
            name, value = field
            slot = slots.get(name)
            if slot is None:
                slot = self._meet(name)
            if slot:
                if slot == _PATH:
                    asked.target = value
                elif slot == _KEPT:
                    asked.fields.append(field if name in self._known else (name.lower(), value))
                elif slot == _METHOD:
                    asked.method = value
                elif slot == _AUTHORITY:
                    asked.authority = value
                elif slot == _USER_AGENT:
                    asked.user_agent = value
                elif slot == _CONTENT_TYPE:
                    if is_grpc(value):
                        asked.protocol = GRPC
                elif slot == _HOST:
                    asked.authority = asked.authority or value
                elif slot == _PREFLIGHT:
                    asked.preflight = asked.method == b"OPTIONS"
                elif is_kept(value):
                    asked.auxiliary = (*asked.auxiliary, value)[:AUXILIARY_FIELDS]
        self._complete(asked)

    @staticmethod
    def _complete(asked: Exchange) -> None:
        """Name the target of CONNECT, which has no path (RFC 9113 8.5)."""
        if asked.target is None and asked.method == b"CONNECT":
            asked.target = asked.authority

    def _meet(self, name: bytes) -> int:
        """Remember of a new name where its values belong."""
        folded = name.lower()
        slot = self._known.get(folded, _AUXILIARY if is_auxiliary(folded) else _IGNORED)
        if len(name) <= NAME_BYTES:
            if len(self._slots) >= NAMES_REMEMBERED:
                self._slots = dict(self._known)
            self._slots[name] = slot
        return slot

    def ids(self, fields: Iterable[Field], values: Iterable[bytes]) -> frozenset[bytes]:
        """Return what identifies a request to all who have to do with it.

        That is the value of fields whose names say so, and of those of `values`, whose names are not known.
        """
        found = [value for name, value in fields if self._holds_ids(name) and is_id(value)]
        found += filter(is_id, values)
        return frozenset(found[:IDS_PER_REQUEST])

    def _holds_ids(self, name: bytes) -> bool:
        known = self._hold_ids.get(name)
        if known is None:
            known = self._known.get(name) == _KEPT or names_an_id(name)
            if len(name) <= NAME_BYTES:
                if len(self._hold_ids) >= NAMES_REMEMBERED:
                    self._hold_ids.clear()
                self._hold_ids[name] = known
        return known
