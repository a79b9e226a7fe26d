"""The stage: exchanges in, judgements out; totals per service pair."""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Protocol

from wiresniff.audit.carried import FAILED_STATUS, Carried
from wiresniff.audit.exemptions import Exemptions
from wiresniff.audit.hops import Hops
from wiresniff.audit.hops.tally import Tally
from wiresniff.audit.operations import Operations
from wiresniff.audit.own_server import nowhere
from wiresniff.audit.pairs import Naming, PairRecord, Pairs
from wiresniff.audit.repeats import Repeats
from wiresniff.audit.routes import HTTP_2, Key, Route, Routes, named_authority
from wiresniff.audit.witnesses import Witnesses
from wiresniff.model.context import Presence, Reading, WarningWord
from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Alike, Channel, Exchange, Fields, Opened, Traffic
from wiresniff.model.findings import Witness
from wiresniff.model.growth import Growth, Reporter
from wiresniff.model.policy import Keep, Policy
from wiresniff.model.targets import rpc_of
from wiresniff.model.totals import WITNESSES, PairTotals
from wiresniff.model.verdicts import Confidence, Judgement, Verdict

TRACEPARENT = b"traceparent"
ROOT, BARE, EXEMPT = "root:certain", "bare:certain", "exempt:certain"
"""Hops of clients that nobody calls."""
_OF_PRESENCE = {
    Presence.VALID: Verdict.VALID,
    Presence.MALFORMED: Verdict.MALFORMED,
    Presence.ABSENT: Verdict.MISSING,
}


def rpc_service(exchange: Exchange) -> str | None:
    """Return the service that a gRPC request calls, None where it is none or not known."""
    if exchange.protocol != "grpc" or exchange.target is None:
        return None
    rpc = rpc_of(exchange.target.decode("latin-1"))
    return None if rpc is None else rpc[0]


def count_plain(totals: PairTotals, plain: int, sampled: int) -> None:
    """Count requests, of a client that nobody calls, of which nothing is to be said but that they are valid."""
    totals.requests += plain
    totals.valid += plain
    totals.sampled += sampled
    if plain:
        totals.hops.outcomes[ROOT] += plain


def settled(exchange: Exchange) -> int:
    """Return when nothing more was expected of an exchange."""
    known_ns = exchange.end_time_ns or exchange.response_time_ns or exchange.time_ns
    return max(known_ns, exchange.settled_ns or 0)


class Reader(Protocol):
    """What the auditor asks about fields (`wiresniff.tracecontext`)."""

    def read(self, fields: Fields, level: int, *, trimmed: bool) -> Reading:
        """Read the trace context of one message; `trimmed`: its protocol allows blanks around values, which are off."""

    def plain(self, level: int) -> Callable[[bytes], object]:
        """Return what tells whether a traceparent is valid and nothing is to be said of it.

        Its last digit then has the sampled bit, as a number and as a character.
        """


class Auditor:
    """Judges exchanges and keeps the totals. Names are asked for again at the end, when all are learned."""

    def __init__(
        self,
        policy: Policy,
        names: Naming,
        reader: Reader,
        level: int = 2,
        reporter: Callable[[Endpoint, Endpoint], Reporter] | None = None,
        *,
        is_local: Callable[[str], bool] = nowhere,
        keeps: bool = True,
        late_ns: int = 0,
    ) -> None:
        """Make an auditor.

        is_local  whether an address is one of the machine that this program runs on
        keeps     somebody wants all judgements, in order
        late_ns   how much later than it happened a request may be fed, beyond disorder in the capture
        """
        self._policy = policy
        self._names = names
        self._reader = reader
        self._level = level
        self._is_local = is_local
        self._exemptions = Exemptions(policy, is_local)
        self._operations = Operations(show_paths=policy.privacy.paths is Keep.KEEP)
        self._witnesses = Witnesses(policy.privacy)
        self._repeats = Repeats()
        self._pairs = Pairs(names, reporter)
        self._keeps = keeps
        self._tally = Tally(self._totals_of, self._operations, self._witnesses)
        self._hops = Hops(self._describe, names, self._tally.count, late_ns)
        self._routes = Routes(names, self._pairs, self._hops)
        self._carried = Carried(self._operations, self._witnesses, self._pairs.evictions)

    @property
    def evictions(self) -> Counter[str]:
        """What found no room, by table."""
        tables = (self._pairs, self._hops, self._tally, self._routes, self._repeats, self._exemptions)
        return sum((each.evictions for each in tables), Counter())

    # --- hops ---

    def meet(self, exchanges: Iterable[Exchange]) -> None:
        """Learn who calls whom, of all requests of a block before any of them is counted."""
        for exchange in exchanges:
            if not exchange.channel.is_met:
                self._hops.meet(exchange.channel)

    def meetings(self, exchanges: Iterable[Exchange]) -> set[tuple[str, str]]:
        """Return who calls whom on connections of which that is not known yet, for `meet_addresses`."""
        new = {exchange.channel for exchange in exchanges if not exchange.channel.is_met}
        for channel in new:
            channel.is_met = True
        return {(channel.client.address, channel.server.address) for channel in new}

    def meet_addresses(self, meetings: Iterable[tuple[str, str]]) -> None:
        """Learn who calls whom, on all connections wherever they are followed."""
        for client, server in meetings:
            self._hops.meet_addresses(client, server)

    def takes_part(self, channel: Channel) -> bool:
        """Tell whether hops of requests of a connection are judged together with those of other connections."""
        return self._hops.takes_part(channel)

    def lend_hops(self) -> None:
        """Leave hops to another auditor; what it must know of earlier requests is then in `take_recalled`."""
        self._hops.recalled = []

    def recalled(self) -> list[Exchange | Opened]:
        """Return earlier requests that take part since the last `meet_addresses`, where hops are judged elsewhere."""
        recalled, self._hops.recalled = self._hops.recalled or [], []
        return recalled

    def take_recalled(self, earlier: Iterable[Exchange | Opened]) -> None:
        """Take earlier requests of other auditors: those that are open, and the last ones that each server received."""
        settled_ones: list[Exchange] = []
        for each in earlier:
            if isinstance(each, Opened):
                self._hops.open(each.exchange)
            else:
                settled_ones.append(each)
        self._hops.take_recalled(settled_ones)

    def open(self, exchange: Exchange) -> None:
        """Take a request that is not settled yet: what leaves its server meanwhile may be on behalf of it."""
        self._hops.open(exchange)

    def advance(self, now_ns: int) -> list[Judgement]:
        """Judge the hops of what was settled until a second ago; returns their judgements."""
        return list(self._hops.advance(now_ns))

    def close(self) -> list[Judgement]:
        """Judge the hops that are left: nothing more comes."""
        return list(self._hops.close())

    def _describe(self, exchange: Exchange) -> tuple[Reading, bool]:
        """Read a request, and tell whether it owes no trace."""
        names = self._names
        client, authority = names.client(exchange.client), named_authority(exchange)
        server = names.glimpse(exchange.server, authority, names.is_external(exchange.client))
        reading = self._reader.read(exchange.fields, self._level, trimmed=exchange.version != HTTP_2)
        return reading, self._exemption(exchange, client, server) is not None

    def _totals_of(self, exchange: Exchange) -> PairTotals:
        return self._routes.of(exchange).totals

    # --- requests ---

    def count(self, exchanges: Iterable[Exchange]) -> None:
        """Count exchanges, without saying what was found: `feed` for those who keep no records.

        What is common is quick: a whole head, one plain traceparent, an answer, and nothing that exempts.
        """
        is_plain, is_new, valid = self._reader.plain(self._level), self._repeats.is_new, Verdict.VALID
        remember = self._hops.remember
        key: Key | None = None
        route: Route | None = None
        owed: dict[tuple[bytes | None, bytes], Counter[str]] = {}
        plain = sampled = 0
        for exchange in exchanges:
            now = (exchange.channel, exchange.protocol, exchange.authority, exchange.user_agent)
            if now != key:
                if route is not None:
                    count_plain(route.totals, plain, sampled)
                    plain = sampled = 0
                key, route = now, self._routes.known(now)
                owed = route.owed if route is not None and not route.takes_part else {}
            target, status, fields = exchange.target, exchange.status, exchange.fields
            if target is not None and status is not None and status < FAILED_STATUS and len(fields) == 1:
                verdicts = owed.get((exchange.method, target.partition(b"?")[0]))
                if verdicts is not None and exchange.unseen is None and not exchange.preflight:
                    name, value = fields[0]
                    unusual = exchange.inferred or exchange.grpc_status
                    if name == TRACEPARENT and not unusual and is_plain(value) and is_new(exchange, value):
                        plain += 1
                        sampled += value[-1] & 1
                        verdicts[valid] += 1
                        remember(exchange)
                        continue
            self.feed(exchange)
            if route is None or self._routes.known(key) is not route:
                if route is not None:
                    count_plain(route.totals, plain, sampled)
                    plain = sampled = 0
                key = None
        if route is not None:
            count_plain(route.totals, plain, sampled)

    def count_alike(self, alike: Alike) -> None:
        """Count exchanges that are alike: what is found of the first ones holds for all.

        The first ones are the earliest, and no more of them are wanted as witnesses than are judged here.
        """
        exchanges = alike.exchanges()
        first = next(exchanges)
        if not self._names.is_one_place(first.client.address):
            for exchange in (first, *exchanges):
                self.feed(exchange)
            return
        if self._hops.takes_part(first.channel):
            self._feed_alike(first, exchanges)
            return
        judgement = self.feed(first)
        verdict, context, rest = judgement.verdict, judgement.reading.context, alike.requests - 1
        if verdict is Verdict.MISSING:
            for exchange in islice(exchanges, WITNESSES - 1):
                self.feed(exchange)
                rest -= 1
        if not rest:
            return
        self._hops.remember_alike(alike)
        totals = self._routes.of(first).totals
        totals.requests += rest
        if verdict is Verdict.EXEMPT:
            totals.exempt += rest
            totals.reasons[f"exempt:{judgement.reason}"] += rest
            totals.hops.outcomes[EXEMPT] += rest
            return
        self._carried.verdicts(totals, self._operations.of(first))[verdict] += rest
        totals.hops.outcomes[BARE if context is None else ROOT] += rest
        if context is None:
            totals.missing += rest
        else:
            totals.valid += rest
            totals.sampled += alike.sampled - context.sampled

    def _feed_alike(self, first: Exchange, exchanges: Iterable[Exchange]) -> None:
        """Count exchanges that are alike, each of which may be the cause or the consequence of others."""
        judgement, route = self.feed(first), self._routes.of(first)
        totals, verdicts = route.totals, self._carried.verdicts(route.totals, self._operations.of(first))
        is_plain = judgement.verdict is Verdict.VALID and first.status is not None and first.status < FAILED_STATUS
        for exchange in exchanges:
            if not (is_plain and self._repeats.is_new(exchange, exchange.fields[0][1])):
                self.feed(exchange)
                continue
            reading = self._reader.read(exchange.fields, self._level, trimmed=exchange.version != HTTP_2)
            assert reading.context is not None
            totals.requests += 1
            totals.valid += 1
            totals.sampled += reading.context.sampled
            verdicts[Verdict.VALID] += 1
            told = Judgement(exchange, route.client, route.server, reading, Verdict.VALID, judgement.confidence, None)
            self._hops.feed(told, settled(exchange), keeps=self._keeps)

    def feed(self, exchange: Exchange) -> Judgement:
        """Judge one exchange and count it."""
        route = self._routes.of(exchange)
        totals, client, server = route.totals, route.client, route.server
        rule = self._exemption(exchange, client, server)
        reading = self._reader.read(exchange.fields, self._level, trimmed=exchange.version != HTTP_2)
        reason: str | None = None
        confidence = Confidence.CERTAIN
        if rule is not None:
            verdict = Verdict.EXEMPT
            reason = rule
            totals.exempt += 1
            totals.reasons[f"exempt:{rule}"] += 1
        elif exchange.unseen is not None:
            verdict = Verdict.INDETERMINATE
            reason = exchange.unseen.value
            totals.indeterminate += 1
            totals.reasons[f"indeterminate:{reason}"] += 1
        else:
            verdict = _OF_PRESENCE[reading.presence]
            shared = self._repeats.note(exchange, reading.traceparents[0]) if verdict is Verdict.VALID else 0
            if shared:
                reading = reading._replace(warnings=(*reading.warnings, WarningWord.SHARED_PARENT_ID))
                totals.warnings[WarningWord.SHARED_PARENT_ID] += shared - 1
            self._carried.count_judged(route, exchange, reading, verdict)
            if exchange.inferred:
                confidence = Confidence.INFERRED
                totals.inferred_verdicts[verdict] += 1
        totals.requests += 1
        self._carried.count_failure(totals, exchange, reading, verdict)
        judgement = Judgement(exchange, client, server, reading, verdict, confidence, reason)
        self._hops.feed(judgement, settled(exchange), keeps=self._keeps)
        return judgement

    def _exemption(self, exchange: Exchange, client: str, server: str) -> str | None:
        return self._exemptions.match(
            exchange.method, exchange.target, exchange.user_agent, exchange.preflight, exchange.server,
            client, server, rpc_service(exchange),
        )  # fmt: skip

    def count_traffic(self, traffic: Traffic) -> None:
        """Count the bytes of a pair, read and not read."""
        self._pairs.count_traffic(traffic)

    def pairs(self) -> list[PairTotals]:
        """Return the totals of every pair, by the names that are known now."""
        return self._pairs.named()

    def records(self) -> list[PairRecord]:
        """Return all pairs by what they are keyed by, for another auditor to add."""
        return self._pairs.records()

    def absorb(self, records: Iterable[PairRecord]) -> None:
        """Add the pairs of another auditor."""
        self._pairs.absorb(records)

    def adopt(self, policy: Policy) -> None:
        """Judge by another policy from now on; what was counted stays counted."""
        self._policy = policy
        self._pairs.evictions.update(self._exemptions.evictions)
        self._exemptions = Exemptions(policy, self._is_local)
        self._operations = Operations(show_paths=policy.privacy.paths is Keep.KEEP)
        self._witnesses = Witnesses(policy.privacy, self._witnesses.made)
        for each in (self._tally, self._carried):
            each.operations, each.witnesses = self._operations, self._witnesses
        self._routes.forget()

    def names_of(self, exchange: Exchange) -> tuple[str, str]:
        """Return what the client and the server of a request are called, by all that is known now."""
        route = self._routes.of(exchange)
        return route.client, route.server

    def take_witnessed(self) -> list[tuple[Witness, Exchange]]:
        """Return the witnesses made since the last call, with their exchanges; they are remembered from the first."""
        made, self._witnesses.made = self._witnesses.made, []
        return made or []

    def growth(self, now_ns: int) -> list[Growth]:
        """Return what each pair grew by since the last call; pairs that are idle for long make room for others."""
        grown = self._pairs.growth(now_ns)
        if self._pairs.rest(now_ns):
            self._routes.forget()
        return grown
