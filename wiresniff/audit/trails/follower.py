"""Keeps what belongs to one trace, out of all judgements."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from wiresniff.audit.hops.inbound import identity_of
from wiresniff.audit.hops.register import same_trace
from wiresniff.audit.trails.query import Query
from wiresniff.audit.trails.tree import grown
from wiresniff.audit.witnesses import Witnesses
from wiresniff.model import limits
from wiresniff.model.context import Reading
from wiresniff.model.exchanges import Exchange
from wiresniff.model.hops import Outcome
from wiresniff.model.policy import Privacy
from wiresniff.model.trail import Step, Trail
from wiresniff.model.verdicts import Judgement, Verdict

FAILED_STATUS = 500
W3C = "w3c"
TRACES_NAMED = 10
ZEROS = "0" * 16
_BROKEN = (Outcome.DROPPED, Outcome.RESTARTED)


class Aside(NamedTuple):
    """A request that carries no trace, or another, and whose cause is not known."""

    time_ns: int
    client: str
    """Address."""


class Follower:
    """Follows one trace. `read` reads the context of a request that was not judged yet."""

    def __init__(self, query: Query, privacy: Privacy, read: Callable[[Exchange], Reading]) -> None:
        self._query = query
        self._witnesses = Witnesses(privacy)
        self._read = read
        self._steps: dict[Exchange, Step] = {}
        self._traces: dict[str, int] = {}
        self._asides: deque[Aside] = deque()
        self._lost: list[tuple[Exchange, Step]] = []
        self.dropped = 0
        """Requests of the trace that there was no room for."""
        self.asides_forgotten = 0
        """Requests without a known cause that there was no room for: as many may have left a service meanwhile."""

    def feed(self, judgements: Iterable[Judgement]) -> None:
        """Look at judgements."""
        for judgement in judgements:
            exchange, hop = judgement.exchange, judgement.hop
            matched = self._matched(exchange, judgement.reading)
            if matched:
                for trace_id in matched:
                    if trace_id in self._traces or len(self._traces) <= TRACES_NAMED:
                        self._traces[trace_id] = self._traces.get(trace_id, 0) + 1
                self._keep(exchange, self._step(judgement, matched))
            elif hop is not None and hop.cause is not None:
                if hop.outcome in _BROKEN and self._matched(hop.cause, self._read(hop.cause)):
                    self._keep(exchange, self._step(judgement, ()))
            elif judgement.verdict is not Verdict.EXEMPT and hop is not None and hop.outcome is Outcome.UNDETERMINED:
                self._keep_aside(Aside(exchange.time_ns, exchange.client.address))

    def _keep_aside(self, aside: Aside) -> None:
        self._asides.append(aside)
        if len(self._asides) > limits.TRAIL_ASIDES:
            self._asides.popleft()
            self.asides_forgotten += 1

    def _keep(self, exchange: Exchange, step: Step) -> None:
        if len(self._steps) >= limits.TRAIL_STEPS:
            self.dropped += 1
            return
        self._steps[exchange] = step

    def _matched(self, exchange: Exchange, reading: Reading) -> tuple[str, ...]:
        if reading.context is None and not reading.carriers:
            return ()
        traces = dict.fromkeys(identity_of(exchange, reading).traces)
        return tuple(trace_id for trace_id in traces if self._query.matches(trace_id))

    def _step(self, judgement: Judgement, matched: tuple[str, ...]) -> Step:
        exchange, reading = judgement.exchange, judgement.reading
        status = exchange.status
        formats = [W3C] if reading.context is not None and reading.context.trace_id in matched else []
        formats += [carrier.format for carrier in reading.carriers if carrier.trace_id in matched]
        end_ns = exchange.end_time_ns
        return Step(
            witness=self._witnesses.make(exchange, reading),
            client=judgement.client,
            server=judgement.server,
            protocol=exchange.protocol,
            duration_ns=None if end_ns is None else max(end_ns - exchange.time_ns, 0),
            hop=judgement.hop,
            carries=bool(matched),
            failed=(status is not None and status >= FAILED_STATUS)
            or bool(exchange.grpc_status)
            or exchange.unanswered,
            formats=tuple(formats),
        )

    def distinct(self) -> list[str]:
        """Return the traces that were meant: ids that don't name the same one. A few, where there are many."""
        found: list[str] = []
        for trace_id in sorted(self._traces, key=lambda each: each.startswith(ZEROS)):
            if not any(same_trace(trace_id, other) for other in found):
                found.append(trace_id)
        return found

    def trail(self, names_of: Callable[[Exchange], tuple[str, str]]) -> Trail | None:
        """Return the trace; None where nothing of it was seen. `names_of`: client and server by what is known now."""
        steps = {
            exchange: step
            for exchange, step in self._steps.items()
            if step.carries or (step.hop is not None and step.hop.cause in self._steps)
        }
        carrying = [step for step in steps.values() if step.carries]
        if not carrying:
            return None
        for exchange, step in steps.items():
            step.client, step.server = names_of(exchange)
        roots = grown(steps)
        self._count_asides(steps)
        ends = [step.time_ns + (step.duration_ns or 0) for step in steps.values()]
        services = {name for step in carrying for name in (step.client, step.server)}
        trace_id = max(self._traces, key=lambda each: (len(each.lstrip("0")), self._traces[each]))
        first_ns = min(step.time_ns for step in steps.values())
        return Trail(trace_id, roots, len(carrying), len(services), first_ns, max(ends))

    def _count_asides(self, steps: dict[Exchange, Step]) -> None:
        by_client: dict[str, list[Aside]] = {}
        for aside in self._asides:
            by_client.setdefault(aside.client, []).append(aside)
        for exchange, step in steps.items():
            if step.duration_ns is not None and not step.children and step.carries:
                within = range(step.time_ns, step.time_ns + step.duration_ns + 1)
                asides = by_client.get(exchange.server.address, ())
                step.calls_meanwhile = sum(1 for aside in asides if aside.time_ns in within)
