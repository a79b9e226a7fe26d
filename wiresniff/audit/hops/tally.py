"""Counts hops for the pair of services that a request belongs to, with what tells the causes apart."""

from collections import Counter, OrderedDict
from collections.abc import Callable

from wiresniff.audit.hops.judge import Call, Judged
from wiresniff.audit.operations import Operations
from wiresniff.audit.witnesses import Witnesses
from wiresniff.model import limits
from wiresniff.model.confidence import Confidence
from wiresniff.model.display import shortened, visible
from wiresniff.model.exchanges import Channel, Exchange
from wiresniff.model.hops import MIXED, Around, HopTotals, Kind, Outcome, Sender
from wiresniff.model.totals import OTHER, PairTotals
from wiresniff.model.verdicts import Judgement

FAILED_STATUS = 500
AGENT_CHARACTERS = 80

_BROKEN = (Outcome.DROPPED, Outcome.RESTARTED)
_JUDGED_BY_CAUSE = (*_BROKEN, Outcome.ORIGINATED)
_UNCAUSED = (Outcome.ROOT, Outcome.BARE)
_KEPT = (Outcome.PROPAGATED, Outcome.PASSTHROUGH)
_WORDS = {(outcome, confidence): f"{outcome}:{confidence}" for outcome in Outcome for confidence in Confidence}
AGENTS_REMEMBERED = 1024


class Tally:
    """Counts hops. `totals_of` finds the pair of a request."""

    def __init__(
        self, totals_of: Callable[[Exchange], PairTotals], operations: Operations, witnesses: Witnesses
    ) -> None:
        self._totals_of = totals_of
        self.operations = operations
        self.witnesses = witnesses
        self._kinds: OrderedDict[Channel, str] = OrderedDict()
        self._agents: dict[bytes, str] = {}
        self.evictions: Counter[str] = Counter()

    def count(self, judgement: Judgement, judged: Judged, call: Call | None) -> None:
        """Count one hop."""
        exchange, hop = judgement.exchange, judged.hop
        pair = self._totals_of(exchange)
        totals = pair.hops
        totals.outcomes[_WORDS[hop.outcome, hop.confidence]] += 1
        if hop.doubt is not None:
            totals.doubts[hop.doubt] += 1
        for change in hop.changes:
            totals.changes[change] += 1
            self._offer(pair, change, judgement, judged)
        if call is None or exchange.unseen is not None or hop.outcome is Outcome.EXEMPT:
            return
        kind = _kind(judged, call)
        self._count_kind(totals, kind, judged, call)
        _count_settled(totals, kind, judged, call)
        self._count_sender(totals, kind, judgement)
        if kind is Kind.FRESH and judgement.reading.context is not None:
            totals.fresh_sampled += judgement.reading.context.sampled
        if hop.outcome in _JUDGED_BY_CAUSE or hop.outcome is Outcome.PASSTHROUGH:
            # A witness of what is only possible is shown where there is no better one.
            is_sure = hop.confidence is not Confidence.POSSIBLE
            self._offer(pair, hop.outcome if is_sure else f"{hop.outcome}-possible", judgement, judged)
        if _failed(exchange) and hop.outcome in _BROKEN and hop.confidence is not Confidence.POSSIBLE:
            totals.failed_discontinued += 1
            totals.failed_restarted += hop.outcome is Outcome.RESTARTED
            self._offer(pair, "failed", judgement, judged)
        elif hop.outcome is Outcome.UNDETERMINED and kind is not Kind.KEPT:
            self._offer(pair, f"undetermined-{kind}", judgement, judged)

    def _count_kind(self, totals: HopTotals, kind: Kind, judged: Judged, call: Call) -> None:
        sight, instance = call.sight, call.instance
        is_idle = not (sight.requests or sight.is_late) and judged.cause is None and kind is not Kind.KEPT
        (totals.idle if is_idle else totals.caused)[kind] += 1
        totals.open_requests += sight.requests
        totals.open_usable += sight.usable
        spent = instance.spent(call.peer)
        if spent is not None:
            totals.watched_ns += spent.watched_ns
            totals.idle_ns += spent.idle_ns

    def _count_sender(self, totals: HopTotals, kind: Kind, judgement: Judgement) -> None:
        exchange = judgement.exchange
        sender: Sender = (self._agent(exchange.user_agent or b""), self.operations.of(exchange))
        kinds = totals.senders.get(sender)
        if kinds is None:
            if len(totals.senders) >= limits.HOP_SENDERS:
                sender = ("", OTHER)
                self.evictions["hop-senders"] += 1
            kinds = totals.senders.setdefault(sender, Counter())
        kinds[kind] += 1
        self._count_connection(totals, kind, exchange.channel)

    def _agent(self, value: bytes) -> str:
        """Return a user agent as it is shown; they repeat."""
        agent = self._agents.get(value)
        if agent is None:
            agent = visible(shortened(value.decode("latin-1"), AGENT_CHARACTERS))
            if len(self._agents) >= AGENTS_REMEMBERED:
                self.evictions["user-agent-cache"] += len(self._agents)
                self._agents.clear()
            self._agents[value] = agent
        return agent

    def _count_connection(self, totals: HopTotals, kind: Kind, channel: Channel) -> None:
        known = self._kinds.get(channel)
        if known is None:
            if len(self._kinds) >= limits.HOP_CHANNELS:
                self._kinds.popitem(last=False)
                self.evictions["hop-channels"] += 1
            self._kinds[channel] = kind
            totals.connections[kind] += 1
        elif known not in (kind, MIXED):
            self._kinds[channel] = MIXED
            totals.connections[known] -= 1
            totals.connections[MIXED] += 1

    def _offer(self, pair: PairTotals, word: str, judgement: Judgement, judged: Judged) -> None:
        cause = judged.cause or judged.supposed
        self.witnesses.offer_chain(
            pair, word, (judgement.exchange, judgement.reading),
            (cause.exchange, cause.reading) if cause is not None else None,
        )  # fmt: skip


def _count_settled(totals: HopTotals, kind: Kind, judged: Judged, call: Call) -> None:
    """Count what estimates of shares rest on."""
    hop, sight, cause, time_ns = judged.hop, call.sight, judged.cause, call.judgement.exchange.time_ns
    if hop.outcome is not Outcome.UNDETERMINED:
        totals.settled[_WORDS[hop.outcome, hop.confidence]] += 1
    if not sight.requests and hop.outcome in _UNCAUSED and hop.confidence is Confidence.LIKELY:
        totals.quiet[kind] += 1
    totals.proxied += call.is_proxy or call.instance.is_proxy
    totals.first_ns = min(totals.first_ns or time_ns, time_ns)
    totals.last_ns = max(totals.last_ns, time_ns)
    # What one of several services on an address has open says nothing of the others; what was not seen, of nobody.
    if call.is_shared or sight.unknown or not sight.requests:
        return
    if kind is Kind.KEPT:
        if cause is not None and cause.end_ns is not None and cause.end_ns < time_ns:
            return
    elif hop.confidence is Confidence.CERTAIN:
        return
    around = totals.around.setdefault(kind, Around())
    around.calls += 1
    around.requests += sight.requests
    around.usable += sight.usable
    around.all_usable += sight.usable == sight.requests
    around.none_usable += not sight.usable


def _kind(judged: Judged, call: Call) -> Kind:
    if judged.hop.outcome in _KEPT:
        return Kind.KEPT
    return Kind.FRESH if call.identity.traces else Kind.BARE


def _failed(exchange: Exchange) -> bool:
    status = exchange.status
    return (status is not None and status >= FAILED_STATUS) or bool(exchange.grpc_status) or exchange.unanswered
