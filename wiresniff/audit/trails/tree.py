"""Hangs each request of a trace under the one that caused it."""

from wiresniff.model.exchanges import Exchange
from wiresniff.model.hops import Outcome
from wiresniff.model.trail import Step
from wiresniff.model.verdicts import Confidence

_SAME = (Outcome.PROPAGATED, Outcome.PASSTHROUGH)


def grown(steps: dict[Exchange, Step]) -> list[Step]:
    """Hang steps under each other; returns those that hang under nothing, in order of time."""
    ordered = sorted(steps.items(), key=lambda item: item[1].witness.order())
    received: dict[str, list[tuple[Exchange, Step]]] = {}
    roots: list[Step] = []
    for exchange, step in ordered:
        cause = step.hop.cause if step.hop is not None else None
        parent = steps.get(cause) if cause is not None else None
        if parent is None and step.carries:
            parent = _open_at(received.get(exchange.client.address, []), exchange, step)
            step.is_certain = False
        elif step.hop is not None:
            step.is_certain = step.hop.confidence is Confidence.CERTAIN
        if parent is None or parent is step or parent.time_ns > step.time_ns:
            roots.append(step)
        else:
            parent.children.append(step)
        if step.carries:
            received.setdefault(exchange.server.address, []).append((exchange, step))
    _mark_first_failure(roots)
    return roots


def _open_at(received: list[tuple[Exchange, Step]], exchange: Exchange, step: Step) -> Step | None:
    """Return what the client of a request received of the trace and had not answered; the latest, if several."""
    for other, candidate in reversed(received):
        is_open = candidate.duration_ns is None or candidate.time_ns + candidate.duration_ns >= step.time_ns
        if is_open and other.server != exchange.server:
            return candidate
    return None


def _mark_first_failure(roots: list[Step]) -> None:
    """Mark the earliest of the failed requests under which none failed: where failure came from."""
    origins: list[Step] = []
    waiting = list(roots)
    while waiting:
        step = waiting.pop()
        waiting += step.children
        if step.failed and not any(child.failed for child in step.children):
            origins.append(step)
    if origins:
        min(origins, key=lambda step: step.time_ns + (step.duration_ns or 0)).is_first_failure = True
