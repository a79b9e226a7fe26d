"""Totals of hops -> findings: who lost the trace, on which share of its calls, and what those have in common."""

from collections import Counter
from random import Random

import pytest
from sample_audit import witness

from wiresniff.audit.findings import find
from wiresniff.audit.findings.bounds import at_most, share_of
from wiresniff.audit.findings.causes import CAUSES, percent_of
from wiresniff.model.accounting import Accounting
from wiresniff.model.findings import Finding, Severity
from wiresniff.model.hops import MIXED, Around, Change, HopTotals, Kind, Outcome
from wiresniff.model.policy import Policy, Service, Threshold
from wiresniff.model.totals import PairTotals
from wiresniff.model.verdicts import Confidence
from wiresniff.report.explanations import EXPLANATIONS

SECOND = 10**9
KIND = {
    "propagated": Kind.KEPT, "passthrough": Kind.KEPT, "dropped": Kind.BARE, "bare": Kind.BARE,
    "restarted": Kind.FRESH, "originated": Kind.FRESH, "root": Kind.FRESH,
}  # fmt: skip


def hops_of(outcomes: dict[str, int]) -> HopTotals:
    """Hops with these outcomes, `dropped:likely`, each of one request that was the only one open."""
    hops = HopTotals(idle_ns=100 * SECOND, watched_ns=101 * SECOND, first_ns=SECOND, last_ns=101 * SECOND)
    for word, count in outcomes.items():
        outcome, _, confidence = word.partition(":")
        kind = KIND[outcome]
        hops.outcomes[word] = hops.settled[word] = count
        if outcome == "root":
            hops.idle[kind] += count
            hops.quiet[kind] += count
            continue
        hops.caused[kind] += count
        if kind is Kind.KEPT or confidence != "certain":
            usable = 0 if outcome in ("bare", "originated") else count
            hops.around.setdefault(kind, Around()).add(Around(count, count, usable, usable, count - usable))
    return hops


def calling(client: str, server: str, outcomes: dict[str, int], **more: object) -> PairTotals:
    """Pair that makes calls with these outcomes."""
    hops = hops_of(outcomes)
    pair = PairTotals(client, server, "http/1", hops=hops)
    pair.missing, pair.valid = hops.caused[Kind.BARE], hops.caused[Kind.KEPT] + hops.caused[Kind.FRESH]
    pair.requests = pair.judged
    for name, value in more.items():
        setattr(hops if hasattr(hops, name) else pair, name, value)
    words = [word.partition(":")[0] for word in outcomes]
    for at, word in enumerate((*words, "missing", *hops.changes)):
        pair.witness(word, witness(at))
    return pair


def found(*pairs: PairTotals, policy: Policy | None = None, span_bytes: int = 500) -> dict[str, Finding]:
    """Find what there is about the hops of pairs, by id."""
    findings = find(list(pairs), Accounting(), policy or Policy(), span_bytes)
    return {finding.id: finding for finding in findings if finding.server != "orders"}


def senders(**kinds: dict[Kind, int]) -> dict[tuple[str, str], Counter[str]]:
    """Kinds per `agent__operation`."""
    return {(name.partition("__")[0], f"GET /{name.partition('__')[2]}"): Counter(kind) for name, kind in kinds.items()}


# --- who lost it ---


@pytest.mark.parametrize(
    ("lost", "severity"),
    [(51, Severity.ERROR), (50, Severity.WARNING), (6, Severity.WARNING), (5, Severity.INFO), (1, Severity.INFO)],
)
@pytest.mark.parametrize(("outcome", "id_"), [("dropped", "context-dropped"), ("restarted", "trace-restarted")])
def test_losing_the_trace_is_as_severe_as_its_share(outcome: str, id_: str, lost: int, severity: Severity) -> None:
    """Above 5 % of the calls to a peer an error, above 0.5 % a warning, else info."""
    pair = calling("orders", "pricing", {f"{outcome}:certain": lost, "propagated:certain": 1000 - lost})
    finding = found(pair)[id_]
    assert (finding.severity, finding.confidence, finding.count) == (severity, Confidence.CERTAIN, lost)
    assert f"on {lost} of its 1,000 calls to pricing" in finding.message


def test_healthy_calls_make_no_finding() -> None:
    """Handed on, begun where nothing came in, background roots, and calls that had nothing to hand on."""
    outcomes = {"propagated:certain": 500, "originated:certain": 50, "root:likely": 50, "bare:certain": 50}
    pair = calling("orders", "pricing", outcomes)
    assert set(found(pair)) == {"context-missing"}


def test_what_is_only_possible_accuses_nobody() -> None:
    """As many calls leave while nothing is open: they may all be background."""
    pair = calling("orders", "pricing", {"dropped:possible": 30, "propagated:certain": 70}, idle=Counter(bare=3000))
    assert "context-dropped" not in found(pair)


def test_a_service_that_is_never_idle_is_not_accused_by_time() -> None:
    """Without silence nothing shows how many calls are background."""
    pair = calling("orders", "pricing", {"dropped:possible": 30, "propagated:certain": 70}, idle_ns=0)
    assert "context-dropped" not in found(pair)


def test_certain_is_said_only_where_identifiers_make_it_as_severe() -> None:
    """Two proven ones of a hundred are a warning; it is the likely ones that make it an error."""
    outcomes = {"dropped:certain": 2, "dropped:likely": 40, "propagated:certain": 58}
    finding = found(calling("orders", "pricing", outcomes))["context-dropped"]
    assert (finding.severity, finding.confidence) == (Severity.ERROR, Confidence.LIKELY)
    outcomes["dropped:certain"] = 10
    assert found(calling("orders", "pricing", outcomes))["context-dropped"].confidence is Confidence.CERTAIN


def test_few_calls_prove_nothing() -> None:
    """Below 20 there are counts only, also where others of the pair were judged by what they carry."""
    assert "context-dropped" not in found(calling("orders", "pricing", {"dropped:certain": 19}))
    assert "context-dropped" in found(calling("orders", "pricing", {"dropped:certain": 20}))
    watched_late = calling("orders", "pricing", {"dropped:certain": 19}, valid=100)
    assert "context-dropped" not in found(watched_late)


def test_a_pair_with_an_end_outside_never_exceeds_info() -> None:
    """What a partner makes of the trace is theirs."""
    pair = calling("orders", "api.partner.example", {"dropped:certain": 100}, external=True)
    assert found(pair)["context-dropped"].severity is Severity.INFO


def test_a_boundary_may_restart_traces_and_may_not_drop_them() -> None:
    """The policy says which services are boundaries."""
    policy = Policy(services=(Service("gate", boundary=True),))
    pair = calling("gate", "pricing", {"restarted:certain": 60, "dropped:certain": 40})
    assert {"context-dropped", "trace-restarted", "ghost-roots"} <= set(found(pair))
    assert not {"trace-restarted", "ghost-roots"} & set(found(pair, policy=policy))
    assert "context-dropped" in found(pair, policy=policy)


def test_a_proxy_strips() -> None:
    """Learned or configured: it has no reason to touch the trace, and the route is what is to be mended."""
    kinds = senders(
        curl__old={Kind.BARE: 30}, wget__old={Kind.BARE: 2}, curl__api={Kind.KEPT: 60, Kind.BARE: 8}
    )  # fmt: skip
    outcomes = {"dropped:likely": 32, "bare:likely": 8, "passthrough:certain": 60}
    findings = found(calling("edge", "pricing", outcomes, proxied=80, senders=kinds))
    assert "context-dropped" not in findings
    finding = findings["context-stripped"]
    assert (finding.severity, finding.count) == (Severity.ERROR, 32)
    assert "edge takes the trace out of 32 % of the 100 requests that it forwards to pricing" in finding.message
    assert "never comes out on `/old`, and does elsewhere (proxy-route)" in finding.message


def test_a_proxy_that_replaces_traces_strips_as_well() -> None:
    """A tracer that does not read what comes in begins anew."""
    outcomes = {"restarted:certain": 30, "passthrough:certain": 70}
    findings = found(calling("edge", "pricing", outcomes, proxied=100))
    assert "trace-restarted" not in findings
    assert "replaces the trace of 30 of the 100 requests" in findings["context-stripped"].message


def test_the_policy_decides_where_it_asks_for_a_ratio() -> None:
    """A pair that keeps to it is in order, whatever the defaults say; one that does not is as severe as it says."""
    pair = calling("orders", "pricing", {"dropped:certain": 10, "propagated:certain": 90})
    lenient = Policy(thresholds=(Threshold(continuation_ratio=0.9),))
    strict = Policy(thresholds=(Threshold(continuation_ratio=0.95, severity=Severity.WARNING),))
    assert "context-dropped" not in found(pair, policy=lenient)
    finding = found(pair, policy=strict)["context-dropped"]
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.CERTAIN)
    assert "goes on with a trace on 90 % of its 100 calls to pricing, the policy asks for 95 %" in finding.message


def test_the_policy_is_kept_where_nothing_else_can_be_proven() -> None:
    """The ratio is made of identifiers alone: what became of the other calls need not be known."""
    pair = calling("orders", "pricing", {"dropped:possible": 30, "propagated:certain": 70}, idle_ns=0)
    policy = Policy(thresholds=(Threshold(continuation_ratio=0.99),))
    message = found(pair, policy=policy)["context-dropped"].message
    assert "goes on with a trace that came in on 70 % of its 100 calls to pricing" in message


# --- what the calls have in common ---


def test_one_client_library_that_is_always_bare() -> None:
    """The finding names the endpoint, the library, its connections, and the library that is in order."""
    kinds = {
        ("python-requests/2.32", "GET /price"): Counter({Kind.BARE: 48}),
        ("aiohttp/3.9", "POST /quote"): Counter({Kind.KEPT: 24}),
    }
    pair = calling(
        "orders", "pricing", {"dropped:certain": 48, "propagated:certain": 24}, senders=kinds,
        connections=Counter({Kind.BARE: 4, Kind.KEPT: 2}),
    )  # fmt: skip
    assert found(pair)["context-dropped"].message == (
        "orders drops the trace on 48 of its 72 calls to pricing (66.7 %); all of them `GET /price`, sent by "
        "`python-requests/2.32` on their own connections: a client that is not instrumented (uninstrumented-client); "
        "calls by `aiohttp/3.9` carry one."
    )
    pair.hops.connections[MIXED] = 1
    assert "on their own connections" not in found(pair)["context-dropped"].message


def test_connections_of_one_call_each_tell_nothing_apart() -> None:
    """A library that keeps none has a connection of its own for every call, with the trace and without."""
    kinds = {
        ("Python-urllib/3.11", "GET /stock"): Counter({Kind.BARE: 48}),
        ("Python-urllib/3.11", "GET /price"): Counter({Kind.KEPT: 24}),
    }
    pair = calling(
        "orders", "pricing", {"dropped:certain": 48, "propagated:certain": 24}, senders=kinds,
        connections=Counter({Kind.BARE: 48, Kind.KEPT: 24}),
    )  # fmt: skip
    assert "all of them `GET /stock`, which never carries one: " in found(pair)["context-dropped"].message


LOST, MADE = {Kind.BARE: 40}, {Kind.KEPT: 60}


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        (senders(grpc__a=LOST, grpc__b=MADE), "all of them `GET /a`, which never carries one: a client that"),
        (
            senders(grpc__a={Kind.BARE: 40, Kind.KEPT: 60}),
            "`GET /a` goes out without one on 40 of 100, with one at other times: lost between threads, tasks",
        ),
        (senders(__a={Kind.BARE: 40, Kind.KEPT: 60}), "(lost-async-context)"),
        (senders(other__a={Kind.BARE: 40, Kind.KEPT: 20}, curl__a={Kind.KEPT: 40}), "(lost-async-context)"),
    ],
    ids=["operation", "mixture", "no user agent", "many user agents"],
)
def test_the_split_names_the_kind_of_cause(kinds: dict[tuple[str, str], Counter[str]], said: str) -> None:
    """By endpoint, where one client library makes all calls; a mixture is lost between threads."""
    pair = calling("orders", "pricing", {"dropped:certain": 40, "propagated:certain": 60}, senders=kinds)
    assert said in found(pair)["context-dropped"].message


def test_nothing_that_a_service_sends_carries_a_trace() -> None:
    """No propagator; but if spans leave for a collector, there is an SDK, which does not inject."""
    pair = calling("orders", "pricing", {"dropped:certain": 100})
    message = found(pair)["context-dropped"].message
    assert "none of 100 calls to pricing carries one (so at most 3 % ever do)" in message
    assert "(no-propagator)" in message
    export = PairTotals("orders", "collector", "grpc", requests=9, exempt=9)
    export.reasons["exempt:telemetry-export"] = 9
    assert "(exports-only)" in found(pair, export)["context-dropped"].message


def test_a_service_that_sends_the_trace_to_others_has_a_propagator() -> None:
    """Then it is the client for this peer that is not instrumented."""
    pair = calling("orders", "pricing", {"dropped:certain": 100}, senders=senders(curl__a={Kind.BARE: 100}))
    other = calling("orders", "ledger", {"propagated:certain": 100})
    message = found(pair, other)["context-dropped"].message
    assert "while orders sends it to others: a client that is not instrumented (uninstrumented-client)" in message


def test_new_traces_under_load_are_a_background_context() -> None:
    """Those of one endpoint are named, if it never goes on with the trace."""
    kinds = senders(go__a={Kind.FRESH: 40}, go__b={Kind.KEPT: 60})
    pair = calling("orders", "pricing", {"restarted:certain": 40, "propagated:certain": 60}, senders=kinds)
    assert "; only `GET /a`; new traces begin while requests are served (background-context)" in (
        found(pair)["trace-restarted"].message
    )


def test_every_cause_is_explained() -> None:
    """A word in brackets is one that `wiresniff explain` knows."""
    assert [word for word in CAUSES if word not in EXPLANATIONS] == []


# --- what was changed ---

CHANGES = {
    Change.ILLEGAL_MUTATION: "illegal-mutation",
    Change.SAMPLED_WITHOUT_NEW_PARENT: "illegal-mutation",
    Change.SAMPLED_FLAG_FLIP: "sampled-flag-flip",
    Change.RANDOM_FLAG_FLIP: "random-flag-flip",
    Change.TRACESTATE_DROPPED: "tracestate-dropped",
    Change.TRACESTATE_CUT: "tracestate-cut",
    Change.TRACESTATE_REORDERED: "tracestate-reordered",
    Change.TRACESTATE_ALTERED: "tracestate-altered",
    Change.RESTART_KEPT_TRACESTATE: "restart-kept-tracestate",
    Change.BAGGAGE_DROPPED: "baggage-dropped",
    Change.BAGGAGE_CUT: "baggage-cut",
}


@pytest.mark.parametrize("change", Change)
def test_every_change_is_a_warning(change: Change) -> None:
    """Counted against what was handed on, or restarted; identifiers prove it."""
    outcomes = {"propagated:certain": 80, "restarted:certain": 20}
    finding = found(calling("orders", "pricing", outcomes, changes=Counter({change: 5})))[CHANGES[change]]
    assert (finding.severity, finding.confidence, finding.count) == (Severity.WARNING, Confidence.CERTAIN, 5)
    assert (
        f"5 of {20 if change is Change.RESTART_KEPT_TRACESTATE else 100 if 'baggage' in change else 80} requests"
        in (finding.message)
    )


@pytest.mark.parametrize("change", [Change.SAMPLED_FLAG_FLIP, Change.RANDOM_FLAG_FLIP])
@pytest.mark.parametrize(("count", "severity"), [(1, Severity.INFO), (10, Severity.INFO), (11, Severity.WARNING)])
def test_few_flags_that_flip_are_a_curiosity(change: Change, count: int, severity: Severity) -> None:
    """One, or up to 1 %, is info."""
    pair = calling("orders", "pricing", {"propagated:certain": 1000}, changes=Counter({change: count}))
    assert found(pair)[change].severity is severity


def test_a_proxy_may_add_to_tracestate() -> None:
    """Level 3 of the standard lets it, and leaves traceparent as it is."""
    changes = Counter({Change.TRACESTATE_ALTERED: 9})
    pair = calling("edge", "pricing", {"passthrough:certain": 100}, changes=changes, proxied=90)
    assert found(pair)["tracestate-altered"].severity is Severity.INFO


def test_what_is_likely_handed_on_is_likely_changed() -> None:
    """On an address that several services share, identifiers do not say which of them it was."""
    changes = Counter({Change.TRACESTATE_CUT: 9})
    pair = calling("orders", "pricing", {"propagated:likely": 100}, changes=changes)
    assert found(pair)["tracestate-cut"].confidence is Confidence.LIKELY


# --- spans that are missing, and spans that are in vain ---


def test_a_parent_id_that_stays_is_right_for_whoever_makes_no_spans() -> None:
    """Proxies, and services that nobody instrumented."""
    forwards = calling("orders", "pricing", {"passthrough:certain": 50})
    assert found(forwards) == {}
    makes_spans = calling("orders", "ledger", {"propagated:certain": 50})
    assert found(forwards, makes_spans)["passthrough-service"].severity is Severity.INFO
    forwards.hops.proxied = 50
    assert found(forwards, makes_spans) == {}


def test_ghosts_are_told_per_service_with_what_they_cost() -> None:
    """40 of 100 roots in 100 s, half of them sampled: 17,280 spans a day."""
    one = calling("orders", "pricing", {"restarted:certain": 40, "root:likely": 30}, fresh_sampled=35)
    other = calling("orders", "ledger", {"root:likely": 30, "propagated:certain": 9}, fresh_sampled=15)
    finding = found(one, other, span_bytes=1000)["ghost-roots"]
    assert (finding.service, finding.client, finding.severity) == ("orders", None, Severity.INFO)
    assert finding.message == (
        "40 % of the 100 traces that orders begins are pieces of traces that came in (between 40 % and 43 %); stored "
        "at this rate: 17,000 spans a day at least, 17.0 MB at 1,000 bytes a span."
    )


def test_roots_of_timers_are_no_ghosts() -> None:
    """Nothing came in that they could belong to."""
    assert found(calling("orders", "pricing", {"root:likely": 100})) == {}


def test_failures_without_their_trace_are_named() -> None:
    """With request line and status; one with another trace than its cause's is no better than one without."""
    pair = calling(
        "orders", "pricing", {"propagated:certain": 50, "dropped:certain": 2}, failed=9, failed_untraced=2,
        failed_restarted=1,
    )  # fmt: skip
    pair.witness("failed", witness(70, "GET /price", 503))
    pair.witness("failure-untraced", witness(71, "POST /quote", None))
    finding = found(pair)["failure-untraced"]
    assert (finding.severity, finding.count, len(finding.witnesses)) == (Severity.INFO, 3, 2)
    assert finding.message == (
        "3 requests of orders to pricing failed and continue no trace: `GET /price` (status 503), "
        "`POST /quote` (no response)."
    )


# --- one fault is told once ---


def test_a_missing_context_says_where_to_look() -> None:
    """At the finding that names who lost it, or at whoever calls the client."""
    lost = calling("orders", "pricing", {"dropped:certain": 50, "propagated:certain": 50})
    assert found(lost)["context-missing"].message.endswith("carry none; see context-dropped.")
    some = calling("orders", "pricing", {"dropped:certain": 30, "bare:certain": 20, "propagated:certain": 50})
    assert found(some)["context-missing"].message.endswith(
        "; about 30 of them are those of context-dropped; orders was called without one itself on 20 of them."
    )
    bare = calling("orders", "pricing", {"bare:certain": 50})
    above = PairTotals("web", "orders", "http/1", requests=50, missing=50)
    assert found(bare, above)["context-missing"].message.endswith("; nothing that calls orders carries one either.")


def test_sure_witnesses_come_before_possible_ones() -> None:
    """And a request that was offered twice is shown once, with what came in."""
    pair = calling("orders", "pricing", {"dropped:certain": 50, "propagated:certain": 50})
    pair.witnesses = {
        "dropped-possible": [witness(1), witness(3)],
        "dropped": [witness(7), witness(8)],
        "missing": [witness(1)],
    }
    pair.hops.doubts["busy"] = 50
    assert [each.packet for each in found(pair)["context-dropped"].witnesses] == [2, 8, 9]
    pair.witnesses["failure-untraced"] = [witness(7)]
    pair.witnesses["failed"] = [witness(7)._replace(cause=witness(3))]
    pair.failed_untraced = 1
    (shown,) = found(pair)["failure-untraced"].witnesses
    assert shown.cause == witness(3)


# --- bounds ---


def test_a_busy_service_gets_a_share() -> None:
    """Five were open at a time, all with a context: whichever caused a bare call had one to hand on."""
    hops = hops_of({"propagated:certain": 79, "bare:certain": 0})
    hops.caused[Kind.BARE], hops.doubts["busy"] = 21, 21
    hops.around = {Kind.KEPT: Around(79, 395, 395, 79), Kind.BARE: Around(21, 105, 105, 21)}
    share = share_of(hops, Outcome.DROPPED, [hops])
    assert (share.calls, round(share.about), share.most, share.proven) == (100, 21, 21, 0)
    assert share.least > 19
    pair = PairTotals("orders", "pricing", "http/1", requests=100, valid=79, missing=21, hops=hops)
    pair.witness("undetermined-bare", witness(1))
    finding = found(pair)["context-dropped"]
    assert (finding.severity, finding.confidence) == (Severity.ERROR, Confidence.LIKELY)
    assert "told as a share since several requests were open at once" in finding.message
    assert "drops the trace on 21 % of its 100 calls to pricing (between 20 % and 21 %)" in finding.message


def test_callers_without_a_trace_excuse_a_busy_service() -> None:
    """What is open around its new traces has a context less often than what is open around those that go on."""
    hops = HopTotals(idle_ns=100 * SECOND, watched_ns=101 * SECOND)
    hops.caused.update({Kind.KEPT: 600, Kind.FRESH: 400})
    # Five open, of the others 60 % with a context; the cause of each new trace is one without.
    hops.around = {Kind.KEPT: Around(600, 3000, 600 + 1440), Kind.FRESH: Around(400, 2000, 960)}
    share = share_of(hops, Outcome.RESTARTED, [hops])
    assert share.least == 0
    assert share.about == pytest.approx(0, abs=0.01)
    assert share.most < 120


def test_background_calls_are_taken_off() -> None:
    """So many leave in silence that those under load are what is to be expected."""
    hops = HopTotals(idle_ns=100 * SECOND, watched_ns=200 * SECOND)
    hops.caused.update({Kind.KEPT: 100, Kind.BARE: 30})
    hops.idle[Kind.BARE] = 30
    hops.around = {Kind.KEPT: Around(100, 100, 100, 100), Kind.BARE: Around(30, 30, 30, 30)}
    share = share_of(hops, Outcome.DROPPED, [hops])
    assert share.least == 0
    hops.idle[Kind.BARE] = 0
    assert share_of(hops, Outcome.DROPPED, [hops]).least > 20


def test_bounds_hold_what_really_happened() -> None:
    """In 99 of 100 captures of a service that draws its luck for every call, idle or busy, with background calls."""
    inside = told = 0
    for open_requests, background in ((0.5, 0.0), (1, 0.3), (2, 0.1), (5, 0.0), (5, 0.1), (10, 0.1)):
        draw = Random(f"{open_requests} {background}")
        for hops, lost in (simulated(draw, open_requests, background) for _ in range(100)):
            shares = {outcome: share_of(hops, outcome, [hops]) for outcome in lost}
            inside += sum(shares[outcome].least <= lost[outcome] <= shares[outcome].most for outcome in lost)
            told += len(lost)
    assert inside >= 0.99 * told


def simulated(draw: Random, open_requests: float, background: float) -> tuple[HopTotals, dict[Outcome, int]]:
    """One capture of a service: 250 requests come in, seven of eight with a context, and each makes one call."""
    served_s, requests, drops, restarts = 0.03, 250, draw.choice((0, 0.2)), draw.choice((0, 0.1))
    rate = open_requests / served_s
    now, events = 0.0, []
    for _ in range(requests):
        now += draw.expovariate(rate)
        took_s, has_context = draw.gammavariate(2, served_s / 2), draw.random() < 7 / 8
        luck = draw.random()
        kind = Kind.BARE if luck < drops else Kind.FRESH if luck < drops + restarts else Kind.KEPT
        events += [(now, 0, has_context, None), (now + took_s, 1, has_context, None)]
        events += [(now + took_s / 2, 2, has_context, kind if has_context else Kind.FRESH)]
    events += [(draw.random() * now, 2, None, Kind.BARE) for _ in range(round(background * requests))]
    return counted(sorted(events, key=lambda event: event[:2]))


def counted(events: list[tuple[float, int, bool | None, Kind | None]]) -> tuple[HopTotals, dict[Outcome, int]]:
    """Count what a sniffer sees of such events, and beside it what it does not see."""
    hops, truth = HopTotals(), {Outcome.DROPPED: 0, Outcome.RESTARTED: 0}
    is_open = usable = 0
    before = idle_s = 0.0
    for time, what, has_context, kind in events:
        idle_s += 0 if is_open else time - before
        before = time
        if kind is None:
            change = 1 if what == 0 else -1
            is_open, usable = is_open + change, usable + change * bool(has_context)
            continue
        truth[Outcome.DROPPED] += has_context is True and kind is Kind.BARE
        truth[Outcome.RESTARTED] += has_context is True and kind is Kind.FRESH
        (hops.caused if is_open else hops.idle)[kind] += 1
        if is_open:
            around = hops.around.setdefault(kind, Around())
            around.add(Around(1, is_open, usable, int(usable == is_open), int(not usable)))
    hops.idle_ns, hops.watched_ns = round(idle_s * SECOND), round(before * SECOND)
    return hops, truth


def test_none_of_many_is_at_most_three_of_them() -> None:
    """The rule of three, and Wilson's bound where some were seen."""
    assert at_most(0, 100) == 0.03
    assert at_most(0, 2) == at_most(0, 0) == 1.0
    assert at_most(10, 100) == pytest.approx(0.1744, abs=0.0005)


def test_shares_are_never_rounded_to_all_or_nothing() -> None:
    """A tenth of a percent is something, and 99.9 % not all."""
    assert [percent_of(share) for share in (0, 0.0004, 0.004, 0.214, 0.999, 1)] == [
        "0 %", "0.1 %", "0.4 %", "21 %", "99 %", "100 %",
    ]  # fmt: skip


def test_totals_of_two_audits_add_up() -> None:
    """Every count is a sum, times are the first and the last."""
    one, other = hops_of({"dropped:certain": 3}), hops_of({"dropped:likely": 4, "propagated:certain": 5})
    other.first_ns, other.last_ns, other.proxied, other.quiet["bare"] = 5, 500 * SECOND, 2, 1
    one.add(other)
    assert (one.count_settled(Outcome.DROPPED), one.proxied, one.quiet["bare"]) == (7, 2, 1)
    assert one.around[Kind.BARE] == Around(4, 4, 4, 4, 0)
    assert (one.first_ns, one.last_ns) == (5, 500 * SECOND)
    empty = HopTotals()
    empty.add(one)
    assert empty == one
