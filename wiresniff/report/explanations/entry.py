"""Explanation: what one word of a report means. Fix: what one stack does by default, and what mends it."""

from typing import NamedTuple


class Source(NamedTuple):
    """The document that a claim about a stack was taken from."""

    title: str
    url: str


class Fix(NamedTuple):
    """What one stack does by itself, what goes wrong there, and the lines that mend it."""

    stack: str
    """Language, framework, proxy or gateway, as its people call it."""
    prose: str
    lines: tuple[str, ...]
    """Code, configuration or a command, as typed. They are never wrapped."""
    sources: tuple[Source, ...]
    """At least one: nothing is said of a stack that its own documents or makers don't say."""


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
    fixes: tuple[Fix, ...] = ()
    """Causes and fixes per stack."""
    see: tuple[str, ...] = ()
    """Words that say more."""
