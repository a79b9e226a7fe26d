r"""The values of `baggage` (W3C Baggage, "Definition"), several fields combined to one list (RFC 9110 5.3).

    baggage-string = list-member 0*179( OWS "," OWS list-member )
    list-member    = key OWS "=" OWS value *( OWS ";" OWS property )
    property       = key OWS "=" OWS value / key OWS
    key            = token                                            ; RFC 9110 5.6.2
    value          = *baggage-octet
    baggage-octet  = %x21 / %x23-2B / %x2D-3A / %x3C-5B / %x5D-7E     ; no blank, '"', ",", ";" or "\"

Repeats are possessive: an octet that doesn't fit is never tried twice.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from wiresniff.model.context import Fault, WarningWord
from wiresniff.model.limits import BAGGAGE_MEMBERS

OWS = rb"[ \t]*+"
TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
VALUE = rb"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*+"
PROPERTY = b";" + OWS + TOKEN + OWS + b"(?:=" + OWS + VALUE + OWS + b")?+"
MEMBER = re.compile(
    b"(" + TOKEN + b")" + OWS + b"=" + OWS + b"(" + VALUE + b")" + OWS + b"(?:" + PROPERTY + b")*+"
).fullmatch
"""A member without blanks round it: its key and its value."""
IS_TOKEN = re.compile(TOKEN).fullmatch
BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})").search

GUARANTEED_MEMBERS = 64
GUARANTEED_BYTES = 8192
"""Up to both, a platform MUST propagate baggage whole ("Limits"). These are minima, not maxima."""


class Baggage(NamedTuple):
    """What the baggage fields of one message are."""

    faults: tuple[str, ...]
    warnings: tuple[str, ...]
    keys: tuple[str, ...]
    """Of well-formed members, in wire order, latin-1."""
    size_bytes: int
    """Of the combined field."""


NONE = Baggage((), (), (), 0)


def read_baggage(values: tuple[bytes, ...]) -> Baggage:
    """Judge the combined fields; of a list longer than `limits.BAGGAGE_MEMBERS`, that many members."""
    if not values:
        return NONE
    combined = values[0] if len(values) == 1 else b",".join(values)
    parts = combined.split(b",")
    members = [member for part in parts if (member := part.strip(b" \t"))]
    faults: list[str] = []
    keys: list[bytes] = []
    bad_escape = False
    for member in members[:BAGGAGE_MEMBERS]:
        if found := MEMBER(member):
            keys.append(found[1])
            bad_escape = bad_escape or (b"%" in found[2] and is_badly_escaped(found[2]))
        else:
            faults.append(member_fault(member))
    words: list[str] = []
    if len(members) > GUARANTEED_MEMBERS or len(combined) > GUARANTEED_BYTES:
        words.append(WarningWord.BAGGAGE_OVER_GUARANTEED_SIZE)
    if bad_escape:
        words.append(WarningWord.BAGGAGE_BAD_PERCENT_ESCAPE)
    if len(set(keys)) < len(keys):
        words.append(WarningWord.BAGGAGE_DUPLICATE_KEY)
    if len(parts) > len(members):
        words.append(WarningWord.BAGGAGE_EMPTY_MEMBER)
    names = tuple([key.decode("latin-1") for key in keys])
    return Baggage(tuple(dict.fromkeys(faults)), tuple(words), names, len(combined))


def is_badly_escaped(value: bytes) -> bool:
    """Rule B4: a percent sign without two digits, or octets that are no UTF-8 once decoded."""
    if BAD_ESCAPE(value):
        return True
    try:
        unquote_to_bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def member_fault(member: bytes) -> Fault:
    """Say what is wrong with a member that is not well-formed: its keys (rule B2) or a value (rule B3)."""
    first, *properties = member.split(b";")
    key, equals, _ = first.partition(b"=")
    names = [key, *(each.partition(b"=")[0] for each in properties)]
    if equals and all(IS_TOKEN(name.strip(b" \t")) for name in names):
        return Fault.BAGGAGE_BAD_VALUE_CHARACTER
    return Fault.BAGGAGE_BAD_MEMBER
