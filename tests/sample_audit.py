"""A realistic Audit: a shop at night, with one service that drops the trace, one that breaks it, and TLS."""

from collections import Counter

from wiresniff.audit.findings import find, worst_first
from wiresniff.model.accounting import Accounting
from wiresniff.model.anomalies import Anomaly
from wiresniff.model.audit import Audit, CaptureSummary
from wiresniff.model.context import Fault, WarningWord
from wiresniff.model.findings import Finding, Severity, Witness
from wiresniff.model.hops import HopTotals, Outcome
from wiresniff.model.policy import Policy
from wiresniff.model.shares import Share
from wiresniff.model.totals import PairTotals
from wiresniff.model.verdicts import Confidence

NIGHT = 1_760_000_000_000_000_000
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def witness(
    at: int, line: str = "GET /price", status: int | None = 200, trace_id: str | None = None, *values: str
) -> Witness:
    """One request `at` nanoseconds after the start of the night, in packet `at + 1`."""
    return Witness(
        NIGHT + at * 1_000_003, 0, at + 1, "10.0.0.11", 40_000 + at, "10.0.0.12", 8080, line, status, trace_id, values
    )


def dropping() -> PairTotals:
    """Pair whose client sends b3 instead of traceparent for one operation."""
    pair = PairTotals("orders", "pricing", "http/1", requests=465, valid=40, missing=412, indeterminate=3, exempt=10)
    pair.sampled, pair.failed, pair.failed_untraced = 4, 5, 3
    pair.reasons = Counter({"indeterminate:gap": 2, "indeterminate:truncated": 1, "exempt:health-check": 10})
    pair.carriers = pair.carriers_instead = Counter({"b3": 412})
    pair.operations = {"GET /price": Counter(missing=412), "POST /quote": Counter(valid=40)}
    for at in (17, 400, 9000):
        pair.witness("missing", witness(at, "GET /price", 503 if at == 400 else 200))
    pair.parsed_bytes = 2_000_000
    return pair


def malforming() -> PairTotals:
    """Pair whose client sends ids of zeros, and some in upper case."""
    pair = PairTotals("checkout", "payments", "http/1", requests=220, valid=180, malformed=40)
    pair.sampled = 180
    pair.faults = Counter({Fault.ZERO_TRACE_ID: 31, Fault.UPPERCASE_TRACE_ID: 9, "tracestate-traceparent-invalid": 2})
    value = "00-00000000000000000000000000000000-00f067aa0ba902b7-01"
    for at in (55, 56):
        pair.witness("malformed", witness(at, "POST /v1/charges", 201, None, value))
    pair.parsed_bytes = 1_000_000
    return pair


def healthy() -> list[PairTotals]:
    """Pairs that hand the trace on, with what else such pairs show."""
    twice = PairTotals("gateway", "checkout", "http/1", requests=900, valid=899, malformed=1)
    twice.faults = Counter({Fault.DUPLICATE_HEADER: 1})
    value = f"00-{TRACE}-00f067aa0ba902b7-01"
    for word in ("malformed", Fault.DUPLICATE_HEADER):
        twice.witness(word, witness(77, "GET /cart", None, None, value, value))
    fine = PairTotals("gateway", "orders", "http/1", requests=12_345, valid=12_300, sampled=1_230, exempt=45)
    fine.reasons = Counter({"exempt:health-check": 40, "exempt:metrics-scrape": 5})
    fine.warnings = Counter({WarningWord.TRACESTATE_KEY_NOT_LEVEL_1: 20})
    fine.witness(
        WarningWord.TRACESTATE_KEY_NOT_LEVEL_1, witness(80, "GET /orders/17", 200, TRACE, value, "0day@x=1,dd=s:1")
    )
    fine.parsed_bytes = 60_000_000
    long_name = "recommendation-engine-blue-7d9c6bdf5-x2x7q.shopping-production"
    long = PairTotals(long_name, "user-profile-cache-eu-central-1.shopping-production", "http/1", requests=31, valid=31)
    few = PairTotals("cron", "orders", "http/1", requests=3, missing=3)
    few.witness("missing", witness(90, "POST /jobs/nightly", 202))
    return [twice, fine, long, few]


def outside() -> list[PairTotals]:
    """Pairs with an external end, and one of which only TLS was seen."""
    front = PairTotals("external", "gateway", "http/1", external=True, requests=500, missing=490, valid=10)
    front.witness("missing", witness(2, "GET /", 200))
    away = PairTotals("orders", "api.partner.example", "http/1", external=True, requests=30, valid=30)
    away.baggage_requests, away.baggage_bytes = 30, 2_400
    away.witness("baggage-to-outside", witness(60, "POST /v2/ship", 200, TRACE, "user.id,plan"))
    hidden = PairTotals("orders", "ledger", "http/1")
    hidden.opaque_bytes = Counter({"tls": 9_400_000})
    return [front, away, hidden]


def joined_late() -> Audit:
    """Return calls of gRPC over connections that were open already; one method drops the trace."""
    pair = PairTotals("web", "cart", "grpc", requests=104, valid=60, missing=40, indeterminate=4)
    pair.failed = pair.failed_untraced = 1
    pair.inferred_verdicts = Counter(missing=30, valid=20)
    pair.reasons = Counter({"indeterminate:header-table": 4})
    pair.operations = {"/cart.Cart/Flush": Counter(missing=40), "/cart.Cart/Get": Counter(valid=60)}
    pair.witness("missing", witness(17, "POST /cart.Cart/Flush")._replace(stream=5, grpc_status=14))
    captures = [CaptureSummary("night.pcap", "pcap", 900, NIGHT, NIGHT + 60_000_000_000)]
    return Audit(captures, [pair], find([pair], Accounting(), Policy()), Accounting())


def received(at: int, trace_id: str = TRACE) -> Witness:
    """Return what caused a request `at` nanoseconds after the start of the night."""
    value = f"00-{trace_id}-00f067aa0ba902b7-01"
    return witness(at, "POST /checkout", 201, trace_id, value)


def losing() -> PairTotals:
    """Pair whose client hands the trace on with one library, and loses it with another."""
    pair = PairTotals("orders", "pricing", "http/1", requests=75, valid=24, missing=48, exempt=3)
    pair.hops = HopTotals(
        outcomes=Counter({"propagated:certain": 24, "dropped:likely": 29, "dropped:possible": 19, "exempt:certain": 3}),
        caused=Counter(kept=24, bare=48),
        open_requests=72, open_usable=72, watched_ns=10**10,
        senders={
            ("python-requests/2.32", "GET /price"): Counter(bare=48),
            ("python-httpx/0.27", "POST /quote"): Counter(kept=24),
        },
        connections=Counter(bare=4, kept=2),
        failed_discontinued=3,
    )  # fmt: skip
    return pair


def restarting() -> PairTotals:
    """Pair whose client is too busy to judge most of its requests one by one, and begins some traces anew."""
    pair = PairTotals("pricing", "rates", "grpc", requests=200, valid=200, sampled=200)
    pair.hops = HopTotals(
        outcomes=Counter({
            "propagated:certain": 120, "restarted:certain": 20, "undetermined:undetermined": 59, "root:likely": 1,
        }),
        doubts=Counter({"busy": 58, "cause-unknown": 1}),
        changes=Counter({"tracestate-dropped": 17}),
        caused=Counter(kept=120, fresh=79), idle=Counter(fresh=1),
        open_requests=1_500, open_usable=1_200, idle_ns=10**9, watched_ns=10**10,
        senders={("grpc-go/1.70", "/rates.Rates/Get"): Counter(kept=120, fresh=80)},
        connections=Counter(mixed=2),
        fresh_sampled=80, failed_discontinued=1,
    )  # fmt: skip
    return pair


def front_door() -> PairTotals:
    """Pair whose client nobody was seen to call."""
    pair = PairTotals("edge", "orders", "http/1", requests=80, valid=72, missing=8)
    pair.hops = HopTotals(outcomes=Counter({"root:certain": 72, "bare:certain": 8}))
    return pair


def chain() -> Audit:
    """Return a chain of calls in which one service loses the trace and another begins it anew."""
    lost, anew = received(3), received(30, "0af7651916cd43dd8448eb211c80319c")
    value = "00-a3ce929d0e0e47364bf92f3577b34da6-b7ad6b7169203331-01"
    dropped = Finding(
        "context-dropped", Severity.ERROR, Confidence.LIKELY, "orders", "pricing", 48,
        "`orders` drops the trace on 66.7 % of its calls to `pricing`",
        (witness(5, "GET /price", 200)._replace(cause=lost),),
    )  # fmt: skip
    restarted = Finding(
        "trace-restarted", Severity.WARNING, Confidence.CERTAIN, "pricing", "rates", 20,
        "`pricing` begins a new trace on 10.0 % of its calls to `rates`",
        (witness(31, "POST /rates.Rates/Get", 200, value[3:35], value)._replace(stream=7, cause=anew),),
    )  # fmt: skip
    pairs = [losing(), restarting(), front_door()]
    summaries = [CaptureSummary("night.pcapng", "pcapng", 400_000, NIGHT, NIGHT + 600_000_000_000)]
    shares = {
        ("orders", "pricing", "http/1"): {Outcome.DROPPED: Share(72, 46.0, 48.0, 48.0, 0)},
        ("pricing", "rates", "grpc"): {
            Outcome.DROPPED: Share(200, 6.4, 8.2, 9.8, 0), Outcome.RESTARTED: Share(200, 24.5, 50.0, 76.2, 20),
        },
    }  # fmt: skip
    return Audit(summaries, pairs, [dropped, restarted], accounting(), shares=shares)


def accounting() -> Accounting:
    """Count what the capture let through, and what not."""
    return Accounting(
        counts=Counter(
            packets=412_345,
            captured_bytes=98_000_000,
            wire_bytes=98_500_000,
            segments=400_010,
            tcp_payload_bytes=74_100_000,
            connections=2_310,
            connections_joined_late=120,
            gaps=14,
            gap_bytes=20_440,
            cut_bytes=512,
            duplicate_segments=1_200,
            retransmitted_segments=310,
            reordered_segments=44,
            not_tcp_packets=12_335,
            opaque_connections=61,
            duplicate_exchanges=7,
        ),
        anomalies=Counter({Anomaly.BARE_LF: 3, Anomaly.RESPONSE_WITHOUT_REQUEST: 12}),
        evictions=Counter({"connections": 2}),
        opaque_bytes=Counter({"tls": 9_400_000, "unknown-protocol": 130_000}),
        not_tcp=Counter({"udp": 12_000, "arp": 300, "icmp": 35}),
        parsed_bytes=64_300_000,
    )


def captures() -> list[CaptureSummary]:
    """Three captures of the command line: a good one, one cut short, one that can't be read."""
    return [
        CaptureSummary("night.pcapng", "pcapng (gzip)", 400_000, NIGHT, NIGHT + 600_000_000_000),
        CaptureSummary(
            "rest.pcap", "pcap", 12_345, NIGHT + 600_000_000_000, NIGHT + 660_000_000_000,
            warning="it ends in the middle of packet 12346, audited as far as it goes",
        ),
        CaptureSummary("notes.txt", "", error="it is neither pcap nor pcapng: it begins with 'Dear '"),
    ]  # fmt: skip


def audit(policy: Policy | None = None) -> Audit:
    """Put the whole night together."""
    pairs = [*outside(), *healthy(), malforming(), dropping()]
    seen = accounting()
    return Audit(captures(), worst_first(pairs), find(pairs, seen, policy or Policy()), seen)


def hostile_audit() -> Audit:
    """Names and values that want to do harm: markup, terminal sequences, newlines, pipes, tags, 10 kB."""
    names = [
        "\x1b[31mred\x1b[0m\nnew line\r\x00\x9b1m",
        "[red]markup[/red][/] :boom: [link=http://x]y[/link]",
        "| a | b | <script>alert(1)</script> `code` **bold** [x](http://y) # @everyone",
        "x" * 10_000,
        "\u202edesrever\u2028line\ud800",
        "",
        '"quote" \\ back {brace}',
    ]
    pairs = []
    for name in names:
        pair = PairTotals(name, name, "http/1", requests=100, missing=50, malformed=50, faults=Counter({name: 50}))
        pair.carriers_instead = Counter({name: 50})
        pair.reasons = Counter({f"exempt:{name}": 1})
        pair.operations = {f"GET {name}": Counter(missing=50), "GET /": Counter(malformed=50)}
        pair.opaque_bytes = Counter({name: 1})
        pair.hops = HopTotals(
            outcomes=Counter({"dropped:likely": 50, f"{name}:{name}": 1}), caused=Counter(bare=50),
            doubts=Counter({name: 1}), changes=Counter({name: 1}), senders={(name, name): Counter(bare=50)},
        )  # fmt: skip
        for word in ("missing", "malformed", "foreign-format-only"):
            cause = witness(4, f"GET {name}", 200, name, name)
            pair.witness(word, witness(5, f"GET {name}", 200, name, name, name)._replace(cause=cause))
        pairs.append(pair)
    seen = accounting()
    seen.not_tcp = Counter(names)
    seen.evictions = Counter(names)
    seen.opaque_bytes = Counter(names)
    seen.anomalies = Counter(names)
    summaries = [CaptureSummary(name, "pcap", 1, NIGHT, NIGHT, warning=name) for name in names]
    return Audit(summaries, worst_first(pairs), find(pairs, seen, Policy()), seen)
