"""The grammar of tracestate as a plain loop, to be read beside the text.

W3C Trace Context Level 2 (branch level-2, spec/20-http_request_header_format.md) and Level 1 (branch level-1,
spec/20-http_header_format.md), sections "list", "Key" and "Value".
"""

LCALPHA = b"abcdefghijklmnopqrstuvwxyz"
DIGIT = b"0123456789"
BLANKS = b" \t"


def is_key_level_2(key: bytes) -> bool:
    """Read key = ( lcalpha / DIGIT ) 0*255 ( keychar ), keychar = lcalpha / DIGIT / "_" / "-"/ "*" / "/" / "@"."""
    if not 1 <= len(key) <= 256 or key[0] not in LCALPHA + DIGIT:
        return False
    return all(character in LCALPHA + DIGIT + b"_-*/@" for character in key)


def is_key_level_1(key: bytes) -> bool:
    """Read simple-key = lcalpha 0*255( ... ), or tenant (241) "@" system (14), without another "@"."""
    if not is_key_level_2(key):
        return False
    tenant, at, system = key.partition(b"@")
    if not at:
        return key[0] in LCALPHA
    return len(tenant) <= 241 and 1 <= len(system) <= 14 and system[0] in LCALPHA and b"@" not in system


def is_value(value: bytes) -> bool:
    """Read value = 0*255(chr) nblk-chr."""
    if not 1 <= len(value) <= 256 or value.endswith(b" "):
        return False
    return all(0x20 <= character <= 0x7E and character not in b",=" for character in value)


def trim(member: bytes) -> bytes:
    """Blanks that surround list-members are ignored."""
    while member and member[0] in BLANKS:
        member = member[1:]
    while member and member[-1] in BLANKS:
        member = member[:-1]
    return member


def is_valid(fields: list[bytes], level: int) -> bool:
    """Several fields are one list; empty members are allowed, more than 32 others are not."""
    keys = []
    for part in b",".join(fields).split(b","):
        member = trim(part)
        if not member:
            continue
        key, equals, value = member.partition(b"=")
        if not equals or not is_value(value):
            return False
        if not (is_key_level_1(key) if level == 1 else is_key_level_2(key)):
            return False
        keys.append(key)
    if len(keys) > 32:
        return False
    return level == 2 or len(set(keys)) == len(keys)
