"""Rule: one finding id, and how it is judged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from wiresniff.model.accounting import Accounting
from wiresniff.model.findings import Severity
from wiresniff.model.policy import Threshold
from wiresniff.model.services import ServiceTotals
from wiresniff.model.totals import PairTotals
from wiresniff.model.verdicts import Confidence


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule says of one pair (or of the capture), before the bounds that hold for all rules are applied."""

    severity: Severity
    count: int
    """Requests it speaks of; bytes, for a rule about the capture."""
    message: str
    words: tuple[str, ...] = ()
    """Where its witnesses are in `PairTotals.witnesses`; empty for a rule about the capture."""
    confidence: Confidence = Confidence.CERTAIN
    is_ranked: bool = False
    """Witnesses of the first word are better than those of the second."""


NOBODY = ServiceTotals("")


class Side(NamedTuple):
    """What the policy says of one pair, beside the threshold's number of requests."""

    threshold: Threshold | None
    """The first of the policy that matches the pair; None: the defaults."""
    client_is_outside: bool
    """The client is no service of ours."""
    service: ServiceTotals = NOBODY
    """All that the client receives and sends."""
    is_boundary: bool = False
    """The client may restart traces."""

    @property
    def min_requests(self) -> int:
        """Requests from which on a pair speaks."""
        return (self.threshold or Threshold()).min_requests


class PairRule(NamedTuple):
    """A finding about a service pair. It needs a witness."""

    id: str
    title: str
    """What it says, in one line without a full stop."""
    judged: str
    """When it is found, and how severe it then is."""
    judge: Callable[[PairTotals, Side], Case | None]


class ServiceRule(NamedTuple):
    """A finding about one service, over all that it calls. It needs a witness."""

    id: str
    title: str
    judged: str
    judge: Callable[[ServiceTotals, int], Case | None]
    """Is told how many bytes a span takes."""


class CaptureRule(NamedTuple):
    """A finding about what could be seen at all. Its witness is the accounting: no packet proves an absence."""

    id: str
    title: str
    judged: str
    judge: Callable[[Accounting], Case | None]


Rule: TypeAlias = PairRule | ServiceRule | CaptureRule
