"""Frames (RFC 9113 4 and 6): their header, what each type may look like, and the header fragment that some carry."""

import struct
from typing import NamedTuple

from wiresniff.model import limits

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client sends first (RFC 9113 3.4)."""

HEADER = struct.Struct(">IBi")
"""Length (24 bits) and type (8) as one number, flags, and the stream: negative with the reserved bit before it set."""
HEADER_BYTES = HEADER.size

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
"""Types (RFC 9113 6)."""
ALTSVC, ORIGIN, PRIORITY_UPDATE = 0x0A, 0x0C, 0x10
"""Registered extensions (RFC 7838, RFC 8336, RFC 9218)."""

END_STREAM = 0x01
ACK = 0x01
END_HEADERS = 0x04
PADDED = 0x08
PRIORITISED = 0x20

HEADER_TABLE_SIZE = 0x01
"""Of the settings the one that matters here (RFC 9113 6.5.2)."""
DEFAULT_TABLE_BYTES = 4096
LARGEST_SETTING = 0xFFFF_FFFF

MAX_STREAM = 0x7FFF_FFFF
DEFAULT_FRAME_BYTES = 16_384
"""SETTINGS_MAX_FRAME_SIZE, unless the receiver says more (RFC 9113 6.5.2)."""
SOUGHT_DATA_BYTES = 1 << 20
"""Longest DATA frame believed where frames are looked for: the largest that servers in use announce."""

_PRIORITY_BYTES = 5


class Rule(NamedTuple):
    """What a type of frame looks like."""

    flags: int
    """Those that mean something; others must be unset by the sender, and are ignored by the receiver."""
    shortest: int
    longest: int
    step: int
    """Its length is a multiple of that."""
    on_stream: bool | None
    """It belongs to a stream, to the connection, or (None) to either."""


RULES = {
    DATA: Rule(END_STREAM | PADDED, 0, (1 << 24) - 1, 1, on_stream=True),
    HEADERS: Rule(END_STREAM | END_HEADERS | PADDED | PRIORITISED, 0, (1 << 24) - 1, 1, on_stream=True),
    PRIORITY: Rule(0, 5, 5, 1, on_stream=True),
    RST_STREAM: Rule(0, 4, 4, 1, on_stream=True),
    SETTINGS: Rule(ACK, 0, DEFAULT_FRAME_BYTES, 6, on_stream=False),
    PUSH_PROMISE: Rule(END_HEADERS | PADDED, 4, (1 << 24) - 1, 1, on_stream=True),
    PING: Rule(ACK, 8, 8, 1, on_stream=False),
    GOAWAY: Rule(0, 8, 1 << 20, 1, on_stream=False),
    WINDOW_UPDATE: Rule(0, 4, 4, 1, on_stream=None),
    CONTINUATION: Rule(END_HEADERS, 0, (1 << 24) - 1, 1, on_stream=True),
    ALTSVC: Rule(0, 2, DEFAULT_FRAME_BYTES, 1, on_stream=None),
    ORIGIN: Rule(0, 0, DEFAULT_FRAME_BYTES, 1, on_stream=False),
    PRIORITY_UPDATE: Rule(0, 4, DEFAULT_FRAME_BYTES, 1, on_stream=False),
}
UNKNOWN_TYPE = Rule(0xFF, 0, DEFAULT_FRAME_BYTES, 1, on_stream=None)
"""Types that nobody knows must be ignored (RFC 9113 4.1). A long one is more likely no frame at all."""

WITHOUT_MEANING = frozenset((4 << 8 | WINDOW_UPDATE, 8 << 8 | PING, 5 << 8 | PRIORITY))
"""Length and type of the frames that are passed over most often, as the first number of their header has it."""
WITH_HEADERS = frozenset((HEADERS, PUSH_PROMISE, CONTINUATION))
READ_WHOLE = frozenset((*WITH_HEADERS, RST_STREAM, SETTINGS))
"""Types whose payload, or whose last byte, says something to the audit."""


def is_legal(kind: int, length: int, stream: int) -> bool:
    """Tell whether a frame may look so, flags apart; `stream` without the reserved bit, which receivers ignore."""
    rule = RULES.get(kind, UNKNOWN_TYPE)
    if not rule.shortest <= length <= rule.longest or length % rule.step:
        return False
    return rule.on_stream is None or rule.on_stream == (stream != 0)


def is_likely(kind: int, length: int, flags: int, stream: int) -> bool:
    """Tell whether nine bytes look like the header of a frame that is in use: where frames are looked for.

    `stream` is negative with the reserved bit, which senders leave unset.
    """
    rule = RULES.get(kind)
    if rule is None or flags & ~rule.flags or not is_legal(kind, length, stream) or stream < 0:
        return False
    if stream and not stream & 1:  # only servers that push have even ones
        return False
    if kind == DATA:
        return length <= SOUGHT_DATA_BYTES and (length > 0 or bool(flags & END_STREAM))
    if kind == SETTINGS:
        return length == 0 if flags & ACK else True
    if kind == HEADERS:
        return 0 < length <= limits.HEAD_BYTES
    return length <= DEFAULT_FRAME_BYTES


def fragment(kind: int, flags: int, payload: bytes) -> bytes | None:
    """Return the header fragment within the payload of HEADERS or PUSH_PROMISE; None when the padding is no padding."""
    first, last = 0, len(payload)
    if flags & PADDED:
        if not payload:
            return None
        first, last = 1, last - payload[0]
    if kind == PUSH_PROMISE:
        first += 4
    elif flags & PRIORITISED:
        first += _PRIORITY_BYTES
    return payload[first:last] if first <= last else None


def beginning_of_fragment(kind: int, flags: int, payload: bytes, length: int) -> bytes:
    """Return what is there of a header fragment whose frame of `length` bytes of payload is cut short."""
    first, last = 0, len(payload)
    if flags & PADDED:
        first = 1
        if payload:
            last = min(last, length - payload[0])
    if kind == PUSH_PROMISE:
        first += 4
    elif kind == HEADERS and flags & PRIORITISED:
        first += _PRIORITY_BYTES
    return payload[first:last]


def table_size(payload: bytes) -> int | None:
    """Return the last HEADER_TABLE_SIZE among settings, None when there is none."""
    size = None
    for at in range(0, len(payload) - 5, 6):
        if payload[at] == 0 and payload[at + 1] == HEADER_TABLE_SIZE:
            size = int.from_bytes(payload[at + 2 : at + 6], "big")
    return size
