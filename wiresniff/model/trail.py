"""Trail: one trace as it went through the wire, request by request."""

from dataclasses import dataclass, field

from wiresniff.model.findings import Witness
from wiresniff.model.hops import Hop


@dataclass(slots=True, eq=False)
class Step:
    """One request of the trace, or one that should have been of it."""

    witness: Witness
    client: str
    server: str
    protocol: str
    duration_ns: int | None
    """From the request's head to the end of its response; None without one."""
    hop: Hop | None
    carries: bool
    """It carries the trace; else a request of the trace caused it, and it doesn't."""
    failed: bool
    """5xx, non-zero gRPC status, or no response."""
    formats: tuple[str, ...]
    """In which the trace is carried: `w3c`, `b3`, ..."""
    is_certain: bool = True
    """What it hangs under is proved by identifiers; else it was open at the time, and nothing else of the trace was."""
    children: list["Step"] = field(default_factory=list)
    is_first_failure: bool = False
    """It failed, and nothing below it did: among those, the earliest."""
    calls_meanwhile: int = 0
    """Requests that left its server while it was open and carry no trace, or another: whether it caused them is not
    known."""

    @property
    def time_ns(self) -> int:
        """When its head was there."""
        return self.witness.time_ns


@dataclass(slots=True)
class Trail:
    """One trace."""

    trace_id: str
    roots: list[Step]
    """What hangs under nothing that was seen, in order of time."""
    requests: int
    """That carry the trace."""
    services: int
    first_ns: int
    last_ns: int

    def steps(self) -> list[Step]:
        """Return all steps, each before what hangs under it."""
        found: list[Step] = []
        waiting = self.roots[::-1]
        while waiting:
            step = waiting.pop()
            found.append(step)
            waiting += step.children[::-1]
        return found
