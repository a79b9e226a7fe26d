"""Hops by plain loops: every request that left is compared with all that came in. Quadratic, and nothing is forgotten.

It says what is judged, of which cause, and whether that is certain. Whether a verdict by time is likely or only
possible depends on how often a service calls by itself, and is not said.
"""

from typing import NamedTuple

SECOND = 10**9
BUSY = 5
QUIET, LONG = 5 * SECOND, 30 * SECOND


class Sent(NamedTuple):
    """A request with at most one trace and one id, of an address that is known to call and to be called."""

    client: str
    server: str
    began: int
    ended: int | None
    trace: str | None
    parent: str | None
    key: str | None

    @property
    def settled(self) -> int:
        """When nothing more was expected of it."""
        return self.began + LONG if self.ended is None else self.ended


class Said(NamedTuple):
    """What is judged."""

    outcome: str
    is_certain: bool = False
    cause: int | None = None


def judge(requests: list[Sent], number: int) -> Said:
    """Judge one request of many."""
    call = requests[number]
    came = [n for n, each in enumerate(requests) if each.server == call.client]
    if all(requests[n].began > call.began for n in came):
        return Said("root" if call.trace else "bare", True)
    earlier = [n for n in came if requests[n].began < call.began]
    return _by_trace(requests, call, earlier) or _by_key(requests, call, came) or _by_time(requests, call, earlier)


def _by_trace(requests: list[Sent], call: Sent, earlier: list[int]) -> Said | None:
    received = [n for n in earlier if call.trace is not None and requests[n].trace == call.trace]
    if not received:
        return None
    first = min(requests[n].began for n in received)
    same = [n for n in received if requests[n].parent == call.parent]
    was_sent_first = any(
        each.client == call.client and each.trace == call.trace and each.began < first for each in requests
    )
    candidates = same or received
    if len(candidates) > 1:
        candidates = [n for n in candidates if _contains(requests[n], call)]
    cause = candidates[0] if len(candidates) == 1 else None
    return Said("passthrough" if same else "propagated", bool(same) or not was_sent_first, cause)


def _by_key(requests: list[Sent], call: Sent, came: list[int]) -> Said | None:
    with_key = [n for n in came if call.key and requests[n].key == call.key and requests[n].began <= call.settled]
    if len(with_key) != 1:
        return None
    cause = requests[with_key[0]]
    if cause.began > call.began or any(
        each.client == call.client and each.key == call.key and each.began < cause.began for each in requests
    ):
        return None
    is_open = cause.ended is None or cause.ended >= call.began or cause.ended > call.settled
    return Said(_outcome(cause, call), is_open, with_key[0])


def _by_time(requests: list[Sent], call: Sent, earlier: list[int]) -> Said:
    is_open = [n for n in earlier if requests[n].settled > call.began]
    over = [requests[n] for n in earlier if requests[n].settled <= call.began]
    if not is_open:
        longest = max(each.settled - each.began for each in requests if _is_over(each, call))
        quiet = call.began - max(each.settled for each in over)
        return Said("root" if call.trace else "bare") if quiet > max(QUIET, longest) else Said("cause-unknown")
    if len(is_open) >= BUSY:
        return Said("busy")
    containing = [n for n in is_open if _contains(requests[n], call)]
    outcomes = {_outcome(requests[n], call) for n in containing}
    if len(outcomes) != 1:
        return Said("busy" if outcomes else "cause-unknown")
    return Said(outcomes.pop(), False, containing[0] if len(containing) == 1 else None)


def _is_over(one: Sent, call: Sent) -> bool:
    return one.server == call.client and one.settled <= call.settled


def _contains(one: Sent, call: Sent) -> bool:
    return one.ended is None or one.ended >= (call.began if call.ended is None else call.ended)


def _outcome(cause: Sent, call: Sent) -> str:
    if cause.trace:
        return "restarted" if call.trace else "dropped"
    return "originated" if call.trace else "bare"
