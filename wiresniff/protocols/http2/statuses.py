"""What the audit reads of a response: its status (RFC 9113 8.3.2) and that of gRPC, which trailers hold."""

import re

from wiresniff.protocols.hpack.fields import Field

STATUS = b":status"
GRPC_STATUS = b"grpc-status"

_STATUS = re.compile(rb"[1-9][0-9][0-9]")
_GRPC_STATUS = re.compile(rb"[0-9]{1,9}")
_COMMON = {b"%d" % status: status for status in range(100, 600)}


def status_of(fields: list[Field]) -> int | None:
    """Read the status. Pseudo-fields come before all others."""
    for name, value in fields:
        if name == STATUS:
            return _COMMON.get(value) or (int(value) if _STATUS.fullmatch(value) else None)
        if name[:1] != b":":
            break
    return None


def grpc_status_of(fields: list[Field]) -> int | None:
    """Read the gRPC status of trailers, or of a response that has nothing but them."""
    for name, value in fields:
        if name == GRPC_STATUS:
            return int(value) if _GRPC_STATUS.fullmatch(value) else None
    return None
