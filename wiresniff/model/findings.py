"""What is reported about a service pair."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, TypeAlias

from wiresniff.model.confidence import Confidence


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
    """Where to look. Ordered by `order`, so that the choice of three is the same whatever comes first."""

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
    """Of the traceparent that is used; in findings about hops, without one, that of another format."""
    values: tuple[str, ...]
    """The offending field values, latin-1."""
    stream: int | None = None
    """HTTP/2 stream id: one packet may hold the heads of many requests."""
    grpc_status: int | None = None
    sequence: int = 0
    """TCP sequence number of the head's first byte: where in its packet the request begins."""
    cause: "Witness | None" = None
    """The request that came in and caused this one, where the finding is about that and it is known."""

    def order(self) -> "WitnessOrder":
        """Return what witnesses are sorted by: time, capture, packet, stream, then whatever else tells them apart."""
        return (
            self.time_ns,
            self.capture,
            self.packet,
            self.stream or 0,
            self[3:8],
            -1 if self.status is None else self.status,
            -1 if self.grpc_status is None else self.grpc_status,
            self.trace_id or "",
            self.values,
            self.sequence,
        )


WitnessOrder: TypeAlias = tuple[int, int, int, int, tuple[str, int, str, int, str], int, int, str, tuple[str, ...], int]


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about a pair or a service (or, without either, about the capture), with its witnesses."""

    id: str
    severity: Severity
    confidence: Confidence
    client: str | None
    server: str | None
    count: int
    """Requests (bytes, for findings about the capture) it speaks of."""
    message: str
    witnesses: tuple[Witness, ...]
    service: str | None = None
    """Instead of client and server, where it is about one service."""
