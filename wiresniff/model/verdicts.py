"""The judgement of one exchange."""

from enum import StrEnum
from typing import NamedTuple

from wiresniff.model.context import Reading
from wiresniff.model.exchanges import Exchange


class Verdict(StrEnum):
    """What is said of one request."""

    VALID = "valid"
    MISSING = "missing"
    MALFORMED = "malformed"
    INDETERMINATE = "indeterminate"
    EXEMPT = "exempt"


class Confidence(StrEnum):
    """How a verdict or a finding is known."""

    CERTAIN = "certain"
    INFERRED = "inferred"
    LIKELY = "likely"
    POSSIBLE = "possible"
    UNDETERMINED = "undetermined"
    """Of hops: nothing can be said."""


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
