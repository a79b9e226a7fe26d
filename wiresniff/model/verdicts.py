"""The judgement of one exchange."""

from enum import StrEnum
from typing import NamedTuple

from wiresniff.model.confidence import Confidence
from wiresniff.model.context import Reading
from wiresniff.model.exchanges import Exchange
from wiresniff.model.hops import Hop


class Verdict(StrEnum):
    """What is said of one request."""

    VALID = "valid"
    MISSING = "missing"
    MALFORMED = "malformed"
    INDETERMINATE = "indeterminate"
    EXEMPT = "exempt"


class Judgement(NamedTuple):
    """One exchange with its names, its reading and its verdict: what an exchange record says."""

    exchange: Exchange
    client: str
    server: str
    reading: Reading
    verdict: Verdict
    confidence: Confidence
    reason: str | None
    """For `indeterminate`: why. For `exempt`: which rule."""
    hop: Hop | None = None
    """What its client made of the trace; None until that is judged."""


__all__ = ["Confidence", "Judgement", "Verdict"]
