"""The grammar of traceparent as a plain loop, to be read beside the text.

W3C Trace Context Level 2 (w3c/trace-context, branch level-2, spec/20-http_request_header_format.md).
"""

HEXDIGLC = b"0123456789abcdef"
"""HEXDIGLC = DIGIT / "a" / "b" / "c" / "d" / "e" / "f" ; lowercase hex character"""


def is_hex(value: bytes, start: int, count: int) -> bool:
    """Whether `count` characters from `start` on are there and HEXDIGLC."""
    characters = value[start : start + count]
    return len(characters) == count and all(character in HEXDIGLC for character in characters)


def is_zero(value: bytes) -> bool:
    """All zeroes forbidden."""
    return all(character == ord("0") for character in value)


def read(value: bytes) -> tuple[str, str, str, int] | None:
    """(version, trace-id, parent-id, trace-flags), or None where a receiver ignores the field."""
    # "it's not 2 hex characters followed by a dash": restart
    if not is_hex(value, 0, 2) or value[2:3] != b"-":
        return None
    version = value[0:2]
    if version == b"ff":  # "Version ff is forbidden"
        return None
    # "from the first dash through the next 32 characters ... followed by a dash"
    trace_id = value[3:35]
    if not is_hex(value, 3, 32) or value[35:36] != b"-" or is_zero(trace_id):
        return None
    # "from the second dash at the 35th position through the next 16 characters ... followed by a dash"
    parent_id = value[36:52]
    if not is_hex(value, 36, 16) or value[52:53] != b"-" or is_zero(parent_id):
        return None
    # "2 characters from the third dash ... either at the end of the string or followed by a dash"
    if not is_hex(value, 53, 2):
        return None
    if len(value) > 55 and (version == b"00" or value[55:56] != b"-"):
        return None
    return version.decode(), trace_id.decode(), parent_id.decode(), int(value[53:55], 16)
