"""What is reported about a service pair."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from wiresniff.model.verdicts import Confidence


class Severity(IntEnum):
    """How bad, in order."""

    INFO = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        """The word used in options, reports and the policy."""
        return self.name.lower()


class Witness(NamedTuple):
    """Where to look. Sorts by time, then capture, then packet, so that the choice of three is the same in any order."""

    time_ns: int
    capture: int
    packet: int
    client_address: str
    client_port: int
    server_address: str
    server_port: int
    request_line: str
    """As privacy allows: `GET /path`."""
    status: int | None
    trace_id: str | None
    values: tuple[str, ...]
    """The offending field values, latin-1."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about a pair (or, without a pair, about the capture), with its witnesses."""

    id: str
    severity: Severity
    confidence: Confidence
    client: str | None
    server: str | None
    count: int
    """Requests (bytes, for findings about the capture) it speaks of."""
    message: str
    witnesses: tuple[Witness, ...]
