"""Explanation: what one word of a report means."""

from typing import NamedTuple


class Explanation(NamedTuple):
    """What `wiresniff explain WORD` prints."""

    word: str
    """As it stands in records, reports and metrics."""
    title: str
    """One line, no full stop."""
    meaning: str
    """What was seen, in plain sentences."""
    standard: str
    """What the standard says, with its section; or why there is none."""
    remedy: str
    """What to do."""
