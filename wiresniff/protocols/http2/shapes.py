"""What values look like, where their names are not known. Each rule leaves no doubt, or it isn't here."""

import re

from wiresniff.model.delivery import Endpoint

_GRPC = b"application/grpc"
_GRPC_ENDS = (b"", b"+", b";")
"""What may follow: nothing, a message format, a parameter (gRPC over HTTP2, "Content-Type"). `-web` is another one."""
_RPC_PATH = re.compile(rb"/(?:[A-Za-z_]\w*\.)+[A-Z]\w*/[A-Z]\w*", re.ASCII).fullmatch
_HOST_AND_PORT = re.compile(
    rb"(?:[0-9A-Za-z](?:[0-9A-Za-z._-]*[0-9A-Za-z])?|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})"
).fullmatch
_ID = re.compile(rb"[0-9A-Za-z+/=_:;|.~-]{16,512}").fullmatch
_ID_DIGITS = 3
"""Words of 16 characters that have so many digits are no words: of 16 random characters of base64 most have more."""
_NAME_OF_ID = re.compile(
    rb"request|correlation|trac(?:e|ing)|transaction|span|message|operation|invocation|idempotency|b3", re.ASCII
).search
_DIGITS = b"0123456789"


def is_path(value: bytes) -> bool:
    """Tell whether a value is that of `:path`, and of no other field: `/package.Service/Method` of a gRPC call.

    Other paths stand in other fields as well (`x-forwarded-prefix`, `x-original-uri`).
    """
    return bool(_RPC_PATH(value))


def is_authority(value: bytes, server: Endpoint) -> bool:
    """Tell whether a value names the server: a host with the very port that was called."""
    found = _HOST_AND_PORT(value)
    return found is not None and int(found[1]) == server.port


def is_grpc(content_type: bytes) -> bool:
    """Tell whether a message of this type belongs to a gRPC call. No other field has such a value."""
    return content_type.startswith(_GRPC) and content_type[len(_GRPC) : len(_GRPC) + 1] in _GRPC_ENDS


def is_id(value: bytes) -> bool:
    """Tell whether a value may be an id: long, of one piece, not words."""
    return bool(_ID(value)) and len(value) - len(value.translate(None, _DIGITS)) >= _ID_DIGITS


def names_an_id(name: bytes) -> bool:
    """Tell whether fields of this name hold ids of a request, as far as names tell."""
    return bool(_NAME_OF_ID(name))
