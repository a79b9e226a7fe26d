"""Exchanges -> judgements and totals, as HTTP/2 and gRPC bring them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiresniff import tracecontext
from wiresniff.audit import Auditor
from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Alike, Channel, Exchange, Traffic, Unseen
from wiresniff.model.policy import Exemption, Keep, Policy, Privacy, Role, Service
from wiresniff.model.totals import PairTotals
from wiresniff.model.verdicts import Confidence, Verdict
from wiresniff.services.names import Names

TRACEPARENT = (b"traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
BROKEN = (b"traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01")
CHANNELS = [Channel(Endpoint("10.0.0.11", 40_000 + n), Endpoint("10.0.0.12", 50_051), 0) for n in range(2)]


def call(
    path: bytes | None = b"/cart.Cart/Flush",
    *fields: tuple[bytes, bytes],
    protocol: str = "grpc",
    channel: Channel = CHANNELS[0],
    **known: object,
) -> Exchange:
    """Answer one call of HTTP/2, each of its own stream."""
    method = b"GET" if protocol == "http/2" else b"POST"
    one = Exchange(channel, protocol, "2", 1_000, 0, 7, 1, method, path, list(fields), b"cart:50051", b"grpc-go/1.60")
    one.status, one.grpc_status, one.complete, one.stream = 200, 0, True, 1
    for name, value in known.items():
        setattr(one, name, value)
    return one


def auditor(policy: Policy | None = None) -> Auditor:
    """Judge by a policy."""
    used = policy or Policy()
    return Auditor(used, Names(used), tracecontext)


def totals(*exchanges: Exchange, policy: Policy | None = None) -> dict[str, PairTotals]:
    """Feed exchanges, and return the totals by protocol."""
    judge = auditor(policy)
    for exchange in exchanges:
        judge.feed(exchange)
    return {pair.protocol: pair for pair in judge.pairs()}


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [((TRACEPARENT,), Verdict.VALID), ((), Verdict.MISSING), ((BROKEN,), Verdict.MALFORMED)],
)
def test_what_was_inferred_is_said_to_be(fields: tuple[tuple[bytes, bytes], ...], verdict: Verdict) -> None:
    """The verdict stands, its confidence is `inferred`, and the pair counts it."""
    judge = auditor()
    judgement = judge.feed(call(b"/a.B/C", *fields, inferred=True))
    assert (judgement.verdict, judgement.confidence, judgement.reason) == (verdict, Confidence.INFERRED, None)
    assert judge.feed(call(b"/a.B/C", *fields)).confidence is Confidence.CERTAIN
    (pair,) = judge.pairs()
    assert pair.inferred_verdicts == {verdict: 1}
    assert (pair.inferred, pair.judged, pair.inferred_ratio) == (1, 2, 0.5)


def test_entries_nobody_saw_are_a_reason() -> None:
    """Not missing, not inferred: the table of the connection is not known."""
    judge = auditor()
    judgement = judge.feed(call(None, unseen=Unseen.HEADER_TABLE, inferred=True))
    assert (judgement.verdict, judgement.reason) == (Verdict.INDETERMINATE, "header-table")
    assert judgement.confidence is Confidence.CERTAIN
    (pair,) = judge.pairs()
    assert (pair.indeterminate, pair.inferred, pair.reasons) == (1, 0, {"indeterminate:header-table": 1})


def test_the_authority_of_a_block_read_in_part_is_a_name() -> None:
    """It stood in a frame of HTTP/2, so it is no text of a body."""
    assert auditor().feed(call(None, unseen=Unseen.HEADER_TABLE)).server == "cart"


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        (b"/grpc.health.v1.Health/Check", "health-check"),
        (b"/grpc.health.v1.Health/Watch", "health-check"),
        (b"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "reflection"),
        (b"/opentelemetry.proto.collector.trace.v1.TraceService/Export", "telemetry-export"),
        (b"/opencensus.proto.agent.trace.v1.TraceService/Export", "telemetry-export"),
        (b"/grpc.health.v1.HealthInsurance/Check", None),
        (b"/cart.Cart/grpc.health.v1.Health", None),
        (None, None),
    ],
)
def test_services_that_owe_no_trace_are_exempt(path: bytes | None, rule: str | None) -> None:
    """By the service that a gRPC call names."""
    judgement = auditor().feed(call(path))
    assert judgement.reason == rule
    assert judgement.verdict is (Verdict.EXEMPT if rule else Verdict.MISSING)


def test_a_policy_exempts_by_service() -> None:
    """Of gRPC calls; a path of plain HTTP/2 that looks like one names no service."""
    policy = Policy(exempt=(Exemption("ours", rpc_service="cart.*"),))
    assert auditor(policy).feed(call()).reason == "ours"
    assert auditor(policy).feed(call(protocol="http/2")).verdict is Verdict.MISSING


def test_blanks_around_a_value_are_warned_of() -> None:
    """RFC 9113 8.2.1 forbids them, so nobody took them off; the value within is judged."""
    name, value = TRACEPARENT
    judgement = auditor().feed(call(b"/a.B/C", (name, b" " + value + b"\t")))
    assert judgement.verdict is Verdict.VALID
    assert "surrounding-blanks" in judgement.reading.warnings


def test_calls_and_other_requests_of_a_connection_are_pairs_of_their_own() -> None:
    """One HTTP/2 connection may carry both."""
    pairs = totals(call(), call(b"/", TRACEPARENT, protocol="http/2"), call())
    assert {protocol: pair.requests for protocol, pair in pairs.items()} == {"grpc": 2, "http/2": 1}
    assert (pairs["grpc"].missing, pairs["http/2"].valid) == (2, 1)


def test_an_operation_of_grpc_is_its_method() -> None:
    """Nothing is taken for an id; what was not seen of a request is one operation more."""
    pairs = totals(call(b"/shop.v2.Cart9/Get1"), call(None), call(b"/items/17", protocol="http/2"))
    assert set(pairs["grpc"].operations) == {"/shop.v2.Cart9/Get1", "(path unknown)"}
    assert set(pairs["http/2"].operations) == {"GET /items/{}"}


def test_long_methods_are_told_apart() -> None:
    """What comes last tells them apart, so it stays."""
    package = b"/" + b"very.long.package." * 20 + b"v1.Service/"
    (pair,) = totals(call(package + b"Get"), call(package + b"Put")).values()
    assert [operation.rpartition("/")[2] for operation in pair.operations] == ["Get", "Put"]
    assert all(len(operation) <= 200 for operation in pair.operations)


def test_paths_that_are_not_shown_make_no_operations() -> None:
    """Neither does a method of gRPC, which is a path."""
    pairs = totals(
        call(), call(None), call(protocol="http/2"), policy=Policy(privacy=Privacy(paths=Keep.DROP))
    )  # fmt: skip
    assert set(pairs["grpc"].operations) == {"POST", "(path unknown)"}
    assert set(pairs["http/2"].operations) == {"GET"}


def test_a_failed_call_is_a_failure() -> None:
    """Whatever HTTP says: gRPC answers 200 with a status of its own."""
    (pair,) = totals(call(grpc_status=14), call(b"/a.B/C", TRACEPARENT, grpc_status=4), call()).values()
    assert (pair.failed, pair.failed_untraced) == (2, 1)


def test_a_witness_names_its_stream() -> None:
    """One packet may hold the heads of many requests."""
    (pair,) = totals(call(stream=5, grpc_status=14), call(None, stream=3)).values()
    first, second = pair.witnesses["missing"]
    assert (first.stream, first.request_line) == (3, "POST ?")
    assert (second.stream, second.request_line, second.grpc_status) == (5, "POST /cart.Cart/Flush", 14)


def test_witnesses_of_one_packet_have_an_order() -> None:
    """Also where one was answered and the other not: the choice is the same in either order."""
    calls = [call(stream=None, status=status, grpc_status=code) for status in (None, 200) for code in (None, 0)]
    (there,) = totals(*calls).values()
    (back,) = totals(*reversed(calls)).values()
    assert there.witnesses == back.witnesses


@pytest.mark.parametrize("protocol", ["http/1", "http/2", "grpc"])
def test_bytes_count_for_the_pair_whose_requests_they_are(protocol: str) -> None:
    """A connection of gRPC is reported as HTTP/2 while no call tells more; no pair is made up for it."""
    judge = auditor()
    exchange = call(protocol=protocol)
    judge.feed(exchange)
    spoken = "http/1" if protocol == "http/1" else "http/2"
    judge.count_traffic(Traffic(exchange.client, exchange.server, "cart:50051", 900, 0, None, spoken))
    (pair,) = judge.pairs()
    assert (pair.protocol, pair.parsed_bytes) == (protocol, 900)


PLAIN = st.sampled_from([b"/cart.Cart/Flush", b"/cart.Cart/Get", b"/grpc.health.v1.Health/Check", b"/x?y=1", None])
KNOWN = st.fixed_dictionaries(
    {
        "protocol": st.sampled_from(["grpc", "http/2"]),
        "channel": st.sampled_from(CHANNELS),
        "inferred": st.booleans(),
        "unseen": st.sampled_from([None, None, Unseen.GAP, Unseen.HEADER_TABLE]),
        "status": st.sampled_from([200, 200, 503, None]),
        "grpc_status": st.sampled_from([0, None, 14]),
        "preflight": st.booleans(),
        "stream": st.sampled_from([None, 1, 1, 1]),
        "time_ns": st.sampled_from([0, 12 * 10**9]),
    }
)
OTHER_VALUE = (b"traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-00")


def shared(*exchanges: Exchange) -> int:
    """Return how many requests share one traceparent."""
    return sum(pair.warnings["shared-parent-id"] for pair in totals(*exchanges).values())


def repeated(requests: int, seconds: float, **known: object) -> list[Exchange]:
    """Call with the same traceparent, at equal times apart."""
    whole_ns, steps = int(seconds * 10**9), requests - 1
    times = [number * whole_ns // steps for number in range(requests)]
    return [call(b"/a.B/C", TRACEPARENT, time_ns=time_ns, **known) for time_ns in times]


def test_one_traceparent_on_all_requests_is_shared() -> None:
    """Eight over ten seconds are shown to share it, all of them; every further one as well."""
    assert shared(*repeated(7, 20)) == 0
    assert shared(*repeated(8, 9.9)) == 0
    assert shared(*repeated(8, 10)) == 8
    assert shared(*repeated(20, 30)) == 20


def test_a_shared_traceparent_has_a_warning_and_a_witness() -> None:
    """From the request on that shows it."""
    judge = auditor()
    words = [judge.feed(exchange).reading.warnings for exchange in repeated(9, 16)]
    assert words == [()] * 7 + [("shared-parent-id",)] * 2
    (pair,) = judge.pairs()
    assert [witness.time_ns for witness in pair.witnesses["shared-parent-id"]] == [14 * 10**9, 16 * 10**9]


def test_what_another_request_carries_ends_the_sharing() -> None:
    """A client that hands contexts on repeats each for a while; a request without one says nothing."""
    calls = repeated(8, 20)
    assert shared(*calls[:5], call(b"/a.B/C", OTHER_VALUE), *calls[5:]) == 0
    assert shared(*calls[:5], call(b"/a.B/C"), *calls[5:]) == 8


def test_connections_share_nothing() -> None:
    """A value on two connections is on each half as often; HTTP/1 is not looked at."""
    calls = repeated(14, 30)
    for exchange in calls[::2]:
        exchange.channel = CHANNELS[1]
    assert shared(*calls) == 0
    assert shared(*repeated(20, 30, stream=None)) == 0


FIELDS = st.sampled_from([(TRACEPARENT,), (TRACEPARENT,), (OTHER_VALUE,), (), (BROKEN,), (TRACEPARENT,) * 2])


@given(st.lists(st.tuples(PLAIN, FIELDS, KNOWN), max_size=30))
def test_counting_is_judging_without_the_judgements(
    calls: list[tuple[bytes | None, tuple[tuple[bytes, bytes], ...], dict[str, Any]]],
) -> None:
    """Whatever is alike and counted quickly, the totals are those of judging one by one."""
    exchanges = [call(path, *fields, **known) for path, fields, known in calls]
    counted, judged = auditor(), auditor()
    counted.count(exchanges)
    counted.count(exchanges[:20])
    for exchange in exchanges + exchanges[:20]:
        judged.feed(exchange)
    counted.close()
    judged.close()
    assert counted.pairs() == judged.pairs()


PORTS_OUTSIDE = Policy(
    services=(
        Service("partner", ("10.0.0.11",), (40_001, 40_003), role=Role.EXTERNAL),
        Service("front", ("10.0.0.11",), (40_000,)),
    )
)


@pytest.mark.parametrize("requests", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("policy", [Policy(), PORTS_OUTSIDE], ids=["one place", "ports outside"])
@pytest.mark.parametrize("flags", [None, b"00", b"01", b"03"])
@pytest.mark.parametrize("path", [b"/cart", b"/healthz"])
def test_counting_what_is_alike_is_counting_each(
    requests: int, policy: Policy, flags: bytes | None, path: bytes
) -> None:
    """Totals and the earliest witnesses, from one client address and several of its ports."""
    fields = [] if flags is None else [(TRACEPARENT[0], TRACEPARENT[1][:-2] + flags)]
    exchanges = []
    for number in range(requests):
        channel = Channel(Endpoint("10.0.0.11", 40_000 + number), Endpoint("10.0.0.12", 50_051), 0)
        target = path + b"?%d" % number
        one = Exchange(channel, "http/1", "1.1", 1_000, 0, number, 1, b"GET", target, fields, b"cart:80")
        one.status, one.complete = 200, True
        exchanges.append(one)
    sampled = 0 if flags is None else requests * (flags[-1] & 1)
    alike = Alike(range(requests), exchanges.__getitem__, sampled, is_traced=flags is not None)
    one_by_one, together = auditor(policy), auditor(policy)
    for judge in (one_by_one, together):  # clients outside are not believed, and its endpoint has several names
        judge.feed(call(authority=b"basket:80"))
        judge.feed(call(authority=b"cart:80"))
    for exchange in exchanges:
        one_by_one.feed(exchange)
    together.count_alike(alike)
    together.close()
    one_by_one.close()
    assert together.pairs() == one_by_one.pairs()
