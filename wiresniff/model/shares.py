"""Share: how many calls of a pair lost the trace, where that can be bounded only."""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from wiresniff.model.hops import Outcome


class Share(NamedTuple):
    """How many of a pair's calls lost the trace in one way."""

    calls: int
    least: float
    about: float
    most: float
    proven: int
    """Of `least`: by identifiers."""
    likely: float = 0
    """At least so many, with 95 of 100, where both ends together hold in 99: what a `likely` finding rests on."""

    @property
    def is_known(self) -> bool:
        """Every such call has a verdict of its own, by identifiers."""
        return self.most - self.least < 1 and self.proven == round(self.about)


PairName: TypeAlias = tuple[str, str, str]
"""Client, server, protocol."""
Shares: TypeAlias = Mapping[Outcome, Share]
"""Of `dropped` and `restarted`."""
