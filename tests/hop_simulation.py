"""A service under load whose causes are known: how much of it hops get right, and how much they leave open.

Requests come in at random (Poisson), each asks two other services for something, one call after the other, and the
service calls by itself as well, at random whatever is open. In a share of the calls nothing is left of the trace: they
carry no context, or begin a trace anew. In others it is handed on. All goes through an auditor.

    python tests/hop_simulation.py --runs 20

prints the table, next to what was measured on recorded traces (`MEASURED`).
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import NamedTuple

from wiresniff import tracecontext
from wiresniff.audit import Auditor
from wiresniff.audit.auditor import settled
from wiresniff.audit.findings.bounds import shares_of
from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Channel, Exchange
from wiresniff.model.hops import Outcome
from wiresniff.model.policy import Policy
from wiresniff.services.names import Names

SECOND = 10**9
START_NS = 1_700_000_000 * SECOND
BLOCK_NS = SECOND // 2
WEB, SHOP, PEERS = "10.0.0.1", "10.0.0.2", ("10.0.0.3", "10.0.0.4")
CALL_SECONDS, GAP_SECONDS = 0.02, 0.005
"""On average: of a call, and of the work between two."""
MOST_CALLS = 3

MEASURED = {
    # open requests: one candidate, and right when one, without and with 10 % of all calls in the background
    0.1: (0.95, 1.0, 0.994),
    0.5: (0.78, 1.0, 0.973),
    1: (0.64, 1.0, 0.954),
    2: (0.44, 1.0, 0.932),
    5: (0.20, 1.0, 0.901),
    10: (0.10, 1.0, 0.867),
    20: (0.04, 0.997, 0.849),
}
"""Ids hidden from 1,000 traces a load of DeathStarBench's hotel, published with TraceWeaver (SIGCOMM 2024, Apache-2.0),
laid over each other: what time alone finds, with any call that one request was open around taken as caused by it."""


class Load(NamedTuple):
    """What a service has to do."""

    open_requests: float
    """On average."""
    background: float
    """Of all calls, the share that nothing caused."""
    covered: float = 1.0
    """Of requests that come in, the share with a context."""
    hidden: float = 0.3
    """Of calls caused by those, the share that lost the trace; half of them carry another."""
    late: float = 0.0
    """Of calls, the share that leaves when the response is out."""
    requests: int = 1000


@dataclass
class Result:
    """What came of a run, or of several."""

    verdicts: Counter[tuple[str, bool]] = field(default_factory=Counter)
    """Per confidence, and whether it was right: calls of the service."""
    hidden: int = 0
    """Calls that lost the trace, or of background: what no identifier tells."""
    by_time: int = 0
    """Of these, those that got a verdict."""
    alone: Counter[bool] = field(default_factory=Counter)
    """Of these, those of which one candidate was left: whether they are right."""
    bounds: Counter[bool] = field(default_factory=Counter)
    """Whether the truth of a pair was within its bounds, for each of what may be lost."""

    def add(self, other: "Result") -> None:
        """Add other runs."""
        self.verdicts.update(other.verdicts)
        self.bounds.update(other.bounds)
        self.alone.update(other.alone)
        self.hidden += other.hidden
        self.by_time += other.by_time

    def precision(self, *words: str) -> float:
        """Return which share of verdicts with one of these confidences is right; 1 where there are none."""
        right = sum(self.verdicts[word, True] for word in words)
        return right / self.judged(*words) if self.judged(*words) else 1.0

    def judged(self, *words: str) -> int:
        """Return how many verdicts have one of these confidences."""
        return sum(number for (word, _), number in self.verdicts.items() if word in words)


class Story(NamedTuple):
    """What happened: every request, and what became of the trace in each that left the service."""

    exchanges: list[Exchange]
    truth: dict[Exchange, Outcome]


class _Wire:
    """Makes requests."""

    def __init__(self, draw: Random) -> None:
        self.draw = draw
        self.exchanges: list[Exchange] = []
        self._packets = count(1)
        self._channels = {
            (client, server): [Channel(Endpoint(client, 40_000 + n), Endpoint(server, 80), 0) for n in range(8)]
            for client, server in ((WEB, SHOP), *((SHOP, peer) for peer in PEERS))
        }

    def request(self, client: str, server: str, began: float, lasts: float, trace: int | None) -> Exchange:
        """Send a request, with a context of a trace or without."""
        fields = []
        if trace is not None:
            value = f"00-{trace:032x}-{self.draw.getrandbits(63) + 1:016x}-01"
            fields.append((b"traceparent", value.encode()))
        channel = self.draw.choice(self._channels[client, server])
        time_ns = START_NS + round(began * SECOND)
        packet = next(self._packets)
        # Ids in paths: a service is no proxy, and asks for something else than it was asked.
        target = b"/%s/%d" % (server.encode(), packet)
        exchange = Exchange(channel, "http/1", "1.1", time_ns, 0, packet, packet, b"GET", target, fields)
        exchange.status, exchange.complete = 200, True
        exchange.response_time_ns = exchange.end_time_ns = time_ns + round(lasts * SECOND)
        self.exchanges.append(exchange)
        return exchange

    def trace(self) -> int:
        """Begin a trace."""
        return self.draw.getrandbits(127) + 1


def simulate(load: Load, seed: int) -> Story:
    """Let a service work."""
    draw = Random(seed)
    wire = _Wire(draw)
    truth: dict[Exchange, Outcome] = {}
    calls = (1 + MOST_CALLS) / 2
    lasting = calls * CALL_SECONDS + (calls + 1) * GAP_SECONDS
    rate = load.open_requests / lasting
    now = 0.0
    for _ in range(load.requests):
        now += draw.expovariate(rate)
        _serve(wire, load, now, truth)
    if load.background:
        background_rate = rate * calls * load.background / (1 - load.background)
        for began in _random_times(draw, background_rate, now):
            has_context = draw.random() < 0.5
            call = wire.request(SHOP, draw.choice(PEERS), began, _call(draw), wire.trace() if has_context else None)
            truth[call] = Outcome.ROOT if has_context else Outcome.BARE
    return Story(wire.exchanges, truth)


def _random_times(draw: Random, rate: float, end: float) -> Iterator[float]:
    now = draw.expovariate(rate)
    while now < end:
        yield now
        now += draw.expovariate(rate)


def _call(draw: Random) -> float:
    return 0.002 + draw.expovariate(1 / (CALL_SECONDS - 0.002))


def _serve(wire: _Wire, load: Load, began: float, truth: dict[Exchange, Outcome]) -> None:
    """Answer one request."""
    draw = wire.draw
    came = wire.trace() if draw.random() < load.covered else None
    now, late = began + draw.expovariate(1 / GAP_SECONDS), 0
    for _ in range(draw.randint(1, MOST_CALLS)):
        if draw.random() < load.late:
            late += 1
            continue
        lasts = _call(draw)
        _make_call(wire, load, now, lasts, came, truth)
        now += lasts + draw.expovariate(1 / GAP_SECONDS)
    wire.request(WEB, SHOP, began, now - began, came)
    for _ in range(late):
        _make_call(wire, load, now + draw.expovariate(1 / CALL_SECONDS), _call(draw), came, truth)


def _make_call(
    wire: _Wire, load: Load, began: float, lasts: float, came: int | None, truth: dict[Exchange, Outcome]
) -> None:
    """Call one of the peers on behalf of a request."""
    draw = wire.draw
    is_lost, is_traced = draw.random() < load.hidden, draw.random() < 0.5
    outcome = {
        (True, False): Outcome.PROPAGATED,
        (True, True): Outcome.RESTARTED if is_traced else Outcome.DROPPED,
        (False, False): Outcome.BARE,
        (False, True): Outcome.ORIGINATED if is_traced else Outcome.BARE,
    }[came is not None, is_lost]
    trace = {Outcome.PROPAGATED: came, Outcome.DROPPED: None, Outcome.BARE: None}.get(outcome, wire.trace())
    truth[wire.request(SHOP, draw.choice(PEERS), began, lasts, trace)] = outcome


def judge(story: Story) -> Result:
    """Judge a story, and compare."""
    policy = Policy()
    auditor = Auditor(policy, Names(policy), tracecontext)
    exchanges = sorted(story.exchanges, key=settled)
    auditor.meet(exchanges)
    judgements, now_ns = [], START_NS
    for exchange in exchanges:
        while settled(exchange) > now_ns:
            now_ns += BLOCK_NS
            judgements += auditor.advance(now_ns)
        auditor.feed(exchange)
    result = Result()
    for judgement in (*judgements, *auditor.close()):
        outcome, hop = story.truth.get(judgement.exchange), judgement.hop
        if outcome is None or hop is None:
            continue
        result.verdicts[str(hop.confidence), hop.outcome == outcome] += 1
        if outcome is not Outcome.PROPAGATED:
            result.hidden += 1
            result.by_time += hop.outcome is not Outcome.UNDETERMINED
            if hop.cause is not None:
                result.alone[hop.outcome == outcome] += 1
    lost: Counter[tuple[str, Outcome]] = Counter()
    for exchange, outcome in story.truth.items():
        lost[exchange.server.address, outcome] += 1
    for (_, server, _), shares in shares_of(auditor.pairs()).items():
        for outcome, share in shares.items():
            result.bounds[share.least <= lost[server, outcome] <= share.most] += 1
    return result


def run(load: Load, seeds: range) -> Result:
    """Simulate a load several times."""
    result = Result()
    for seed in seeds:
        result.add(judge(simulate(load, seed)))
    return result


HEADER = """\
                     by id     likely           possible         can't   one candidate    measured         truth within
open  back-   ids    right     share   right    share   right    tell    share   right    share   right    its bounds
      ground  hidden"""


def percent(part: float, whole: float) -> str:
    """Write a share; there is none of nothing."""
    return f"{part / whole:.1%}" if whole else "-"


def table(runs: int) -> Iterator[str]:
    """Say what came of every load, a line each."""
    yield HEADER
    for hidden in (1.0, 0.3):
        for background in (0.0, 0.1, 0.3):
            for open_requests in MEASURED:
                yield row(Load(open_requests, background, hidden=hidden), runs)


def row(load: Load, runs: int) -> str:
    """Say what came of one load."""
    result = run(load, range(runs))
    one, right, right_with_background = MEASURED[load.open_requests]
    measured = {0.0: (one, right), 0.1: (one, right_with_background)}.get(load.background, (0, 0))
    if load.hidden < 1:
        measured = (0, 0)
    columns = [percent(result.verdicts["certain", True], result.judged("certain"))]
    for word in ("likely", "possible"):
        columns += [percent(result.judged(word), result.hidden)]
        columns += [percent(result.verdicts[word, True], result.judged(word))]
    columns += [percent(result.hidden - result.by_time, result.hidden)]
    columns += [percent(result.alone.total(), result.hidden), percent(result.alone[True], result.alone.total())]
    columns += [f"{share:.1%}" if share else "-" for share in measured]
    columns += [percent(result.bounds[True], result.bounds.total())]
    widths = (10, 8, 9, 8, 9, 8, 8, 9, 8, 9, 8)
    said = "".join(f"{column:<{width}}" for column, width in zip(columns, widths, strict=True)).rstrip()
    return f"{load.open_requests:<6}{load.background:<8.0%}{load.hidden:<7.0%}{said}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="of 1,000 requests, for each load")
    for line in table(parser.parse_args().runs):
        print(line, flush=True)
