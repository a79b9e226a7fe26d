"""How something is known."""

from enum import StrEnum


class Confidence(StrEnum):
    """How a verdict, a hop or a finding is known."""

    CERTAIN = "certain"
    INFERRED = "inferred"
    LIKELY = "likely"
    POSSIBLE = "possible"
    UNDETERMINED = "undetermined"
    """Of hops: nothing can be said."""
