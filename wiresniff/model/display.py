"""How text from the wire is shown to a person: nothing in it moves the cursor, hides, or fills the screen.

Every sentence, table and page that quotes a name or a value goes through here; JSON has escapes of its own.
"""

from collections import Counter

NAME_CHARACTERS = 60
"""Of a name in a sentence: longer than a Kubernetes name with its namespace, shorter than a line."""

ELLIPSIS = "…"


def visible(text: str) -> str:
    r"""Return `text` with everything escaped that does not print as itself: `\n`, `\x1b`, `\xa0`, `\u202e`.

    Values are latin-1, so the C1 control characters (0x9b starts a terminal sequence) and the no-break space that some
    parsers take for a blank come here as characters; both must be seen.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def shortened(text: str, characters: int = NAME_CHARACTERS) -> str:
    """Return `text`, cut in the middle to so many characters: names differ at both ends."""
    if len(text) <= characters:
        return text
    kept = characters - len(ELLIPSIS)
    head = (kept + 1) // 2
    tail = kept - head
    return text[:head] + ELLIPSIS + (text[-tail:] if tail else "")


def named(text: str, characters: int = NAME_CHARACTERS) -> str:
    """Return a name as a sentence may hold it: visible and not too long."""
    # Escapes make text longer: what can't be shown anyway is cut before, so that 10 kB of it cost nothing.
    return shortened(visible(shortened(text, 4 * characters)), characters)


def ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    """Return what was counted, the most first; words decide between equals, so that equal audits read equal."""
    return sorted(((word, count) for word, count in counts.items() if count), key=lambda item: (-item[1], item[0]))


def percent(part: int, whole: int) -> str:
    """Return `12.5 %`; never `0 %` of something, nor `100 %` of less than all."""
    if not whole or not part:
        return "0 %"
    if part >= whole:
        return "100 %"
    share = round(100 * part / whole, 1)
    if share < SMALLEST_SHARE:
        return f"<{SMALLEST_SHARE} %"
    return f">{LARGEST_SHARE} %" if share > LARGEST_SHARE else f"{share} %"


SMALLEST_SHARE = 0.1
LARGEST_SHARE = 99.9


def quantity(count: int, noun: str) -> str:
    """Return `1 gap`, `2,000 gaps`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def size(count: int) -> str:
    """Return bytes in decimal units, as disks and links are sold: `999 bytes`, `1.2 kB`, `3.4 MB`."""
    if count < UNIT:
        return quantity(count, "byte")
    amount, unit = count / UNIT, 0
    while round(amount, 1) >= UNIT and unit + 1 < len(UNITS):
        amount, unit = amount / UNIT, unit + 1
    return f"{amount:,.1f} {UNITS[unit]}"


UNIT = 1000
UNITS = ("kB", "MB", "GB", "TB")
