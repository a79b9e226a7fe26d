"""Requests that owe no trace; the oracle tries every rule with fnmatch."""

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiresniff.audit.exemptions import DEFAULT_EXEMPTIONS, Exemptions
from wiresniff.model import limits
from wiresniff.model.delivery import Endpoint
from wiresniff.model.policy import Exemption, Policy


def at(port: int) -> Endpoint:
    """Return where a server listens."""
    return Endpoint("10.0.0.7", port)


def matched(
    exemptions: Exemptions,
    method: bytes | None = b"GET",
    target: bytes | None = b"/api/orders/7",
    user_agent: bytes | None = b"python-requests/2.31.0",
    *,
    preflight: bool = False,
    port: int = 8080,
    client: str = "web",
    server: str = "orders",
    rpc_service: str | None = None,
) -> str | None:
    """Match an ordinary request that differs in what is given."""
    return exemptions.match(method, target, user_agent, preflight, at(port), client, server, rpc_service)


DEFAULTS = Exemptions(Policy())


def test_an_ordinary_request_owes_a_trace() -> None:
    """The default rules say nothing of it."""
    assert matched(DEFAULTS) is None
    assert matched(DEFAULTS, None, None, None) is None


@pytest.mark.parametrize(
    ("method", "target", "word"),
    [
        (b"GET", b"/healthz", "health-check"),
        (b"HEAD", b"/healthz?verbose", "health-check"),
        (b"GET", b"/readyz/etcd", "health-check"),
        (b"GET", b"http://orders:8080/livez?x=1", "health-check"),
        (b"GET", b"/actuator/health/liveness", "health-check"),
        (b"GET", b"/metrics", "metrics-scrape"),
        (b"POST", b"/v1/traces", "telemetry-export"),
        (b"POST", b"/api/v2/spans", "telemetry-export"),
        (b"PUT", b"/v0.4/traces", "telemetry-export"),
        (b"POST", b"/grpc.health.v1.Health/Check", "health-check"),
        (b"POST", b"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "reflection"),
        (b"OPTIONS", b"/", "load-balancer-probe"),
    ],
)
def test_known_paths_are_exempt(method: bytes, target: bytes, word: str) -> None:
    """With the method that goes with them, with or without a query, in absolute form too."""
    assert matched(DEFAULTS, method, target) == word


@pytest.mark.parametrize(
    ("method", "target"),
    [
        (b"POST", b"/healthz"),
        (b"POST", b"/metrics"),
        (b"GET", b"/v1/traces"),
        (b"GET", b"/api/traces"),
        (b"PUT", b"/api/traces"),
        (b"GET", b"/health/claims"),
        (b"GET", b"/healthzz"),
        (b"GET", b"/v1/metrics/daily"),
        (b"GET", b"/api/metrics"),
        (b"GET", b"/x?/healthz"),
        (b"GET", b"//healthz"),
        (b"get", b"/healthz"),
        (None, b"/healthz"),
        (b"CONNECT", b"/healthz:443"),
        (b"CONNECT", b"healthz:443"),
        (b"OPTIONS", b"/orders"),
        (b"OPTIONS", b"*"),
        (b"GET", b""),
        (b"GET", b"/healthz\n"),
        (b"POST", b"/api/v1/write"),
    ],
)
def test_what_only_looks_like_it_owes_a_trace(method: bytes | None, target: bytes) -> None:
    """An exemption hides faults: other methods, longer paths and parts of paths are not exempt."""
    assert matched(DEFAULTS, method, target) is None


@pytest.mark.parametrize(
    ("user_agent", "word"),
    [
        (b"kube-probe/1.29", "health-check"),
        (b"Consul Health Check", "health-check"),
        (b"Envoy/HC", "health-check"),
        (b"ELB-HealthChecker/2.0", "load-balancer-probe"),
        (b"GoogleHC/1.0", "load-balancer-probe"),
        (b"Load Balancer Agent", "load-balancer-probe"),
        (b"Edge Health Probe", "load-balancer-probe"),
        (
            (
                b"Mozilla/5.0 (compatible; Cloudflare-Traffic-Manager/1.0; +https://www.cloudflare.com/traffic-manager/;"
                b" pool-id: 0123456789abcdef)"
            ),
            "load-balancer-probe",
        ),
        (b"Amazon-Route53-Health-Check-Service (ref 1; report http://amzn.to/1vsZADi)", "load-balancer-probe"),
        (b"Apache/2.4.58 (Ubuntu) OpenSSL/3.0.13 (internal dummy connection)", "self-connection"),
        (b"Prometheus/2.53.0", "metrics-scrape"),
        (b"my kube-probe/1.29", None),
        (b"Envoy/HCX", None),
        (b"Mozilla/5.0 (X11; Linux x86_64)", None),
    ],
)
def test_known_probes_are_exempt_whatever_they_ask_for(user_agent: bytes, word: str | None) -> None:
    """Their user agents are whole words, not parts of others."""
    assert matched(DEFAULTS, b"GET", b"/login", user_agent) == word


def test_prometheus_is_exempt_for_scrapes_and_remote_write_only() -> None:
    """It sends alerts and discovers services under the same user agent."""
    assert matched(DEFAULTS, b"GET", b"/probe?target=x", b"Prometheus/3.0.1") == "metrics-scrape"
    assert matched(DEFAULTS, b"POST", b"/api/v1/write", b"Prometheus/3.0.1") == "telemetry-export"
    assert matched(DEFAULTS, b"POST", b"/api/v2/alerts", b"Prometheus/3.0.1") is None


@pytest.mark.parametrize(
    ("rpc_service", "word"),
    [
        ("grpc.health.v1.Health", "health-check"),
        ("grpc.reflection.v1alpha.ServerReflection", "reflection"),
        ("opentelemetry.proto.collector.trace.v1.TraceService", "telemetry-export"),
        ("grpc.health.v1.HealthInsurance", None),
        ("shop.Orders", None),
        ("", None),
    ],
)
def test_known_grpc_services_are_exempt(rpc_service: str, word: str | None) -> None:
    """By the name of the service, whatever the method."""
    assert matched(DEFAULTS, b"POST", b"/x/Y", rpc_service=rpc_service) == word


def test_a_preflight_is_exempt_by_default() -> None:
    """Browsers send no trace with it; other OPTIONS requests owe one."""
    assert matched(DEFAULTS, b"OPTIONS", b"/orders", preflight=True) == "cors-preflight"


def test_the_defaults_can_be_turned_off() -> None:
    """Then only the policy exempts."""
    exemptions = Exemptions(Policy(exempt_defaults=False, exempt=(Exemption("mine", path="/metrics"),)))
    assert matched(exemptions, b"GET", b"/healthz", b"kube-probe/1") is None
    assert matched(exemptions, b"OPTIONS", b"/x", preflight=True) is None
    assert matched(exemptions, b"POST", b"/metrics") == "mine"


def test_all_keys_of_an_entry_must_match() -> None:
    """One that differs, or was not seen, and the request owes a trace."""
    rule = Exemption(
        "mine", path="/w*", method="P*T", user_agent="s*/1", port=80, client="b*", server="*-store", rpc_service="a.*"
    )
    exemptions = Exemptions(Policy(exempt=(rule,)))

    def ask(**change: object) -> str | None:
        facts = {"method": b"POST", "target": b"/warm?x", "user_agent": b"syn/1", "preflight": False,
                 "endpoint": at(80), "client": "batch", "server": "metrics-store", "rpc_service": "a.B"}  # fmt: skip
        return exemptions.match(**{**facts, **change})  # type: ignore[arg-type]

    assert ask() == "mine"
    for change in (
        {"method": b"GET"}, {"method": None}, {"target": b"/x"}, {"target": None}, {"user_agent": b"syn/2"},
        {"user_agent": None}, {"endpoint": at(81)}, {"client": "web"}, {"server": "metrics"}, {"rpc_service": "b.B"},
        {"rpc_service": None},
    ):  # fmt: skip
        assert ask(**change) is None


def test_a_pair_can_be_exempt() -> None:
    """Client and server by name, port by number."""
    rules = (Exemption("batch", client="batch", server="metrics-*"), Exemption("admin", port=9000))
    exemptions = Exemptions(Policy(exempt=rules))
    for _ in range(2):
        assert matched(exemptions, client="batch", server="metrics-store") == "batch"
        assert matched(exemptions, client="batch", server="orders") is None
        assert matched(exemptions, client="web", port=9000) == "admin"


def test_what_was_not_seen_matches_no_star() -> None:
    """`user_agent: "*"` means any user agent, not none."""
    exemptions = Exemptions(Policy(exempt=(Exemption("any", user_agent="*"),), exempt_defaults=False))
    assert matched(exemptions, user_agent=b"") == "any"
    assert matched(exemptions, user_agent=None) is None


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Endless user agents and services are forgotten again; long ones are never remembered."""
    monkeypatch.setattr(limits, "EXEMPTION_MEMORY", 10)
    exemptions = Exemptions(Policy(exempt=(Exemption("pair", client="x"),)))
    for number in range(100):
        assert (
            matched(exemptions, user_agent=b"agent/%d" % number, rpc_service=f"a.S{number}", client=f"c{number}")
            is None
        )
    assert matched(exemptions, user_agent=None) is None
    assert matched(exemptions, user_agent=b"ELB-HealthChecker/" + b"x" * 5000) == "load-balancer-probe"
    caches = (exemptions._of_agent, exemptions._of_service, exemptions._of_pair)
    assert all(0 < len(cache) <= 10 for cache in caches)
    assert b"ELB-HealthChecker/" + b"x" * 5000 not in exemptions._of_agent
    assert exemptions.evictions["exemption-cache"] > 200


WORDS = st.sampled_from(["*", "a", "a*", "*a", "ab", "/a", "/a*", "/*b", "/a/b", "G*T", "GET"])
OPTIONAL = st.none() | WORDS
RULES = st.builds(
    Exemption, st.sampled_from(["r1", "r2", "r3"]), path=OPTIONAL, method=OPTIONAL, user_agent=OPTIONAL,
    port=st.none() | st.integers(1, 2), client=OPTIONAL, server=OPTIONAL, rpc_service=OPTIONAL,
)  # fmt: skip
TEXTS = st.sampled_from(["", "a", "ab", "ba", "/a", "/ab", "/a/b", "GET", "GOT", "b"])


def oracle(rule: Exemption, facts: dict[str, str | int | None]) -> bool:
    """Match one rule the long way."""
    for key, value in facts.items():
        word = getattr(rule, key)
        if word is None:
            continue
        if value is None or not (word == value if key == "port" else fnmatch.fnmatchcase(str(value), word)):
            return False
    return True


@given(
    rules=st.lists(RULES, max_size=6),
    path=st.none() | TEXTS.filter(lambda text: text.startswith("/")),
    method=st.none() | TEXTS,
    user_agent=st.none() | TEXTS,
    rpc_service=st.none() | TEXTS,
    port=st.integers(1, 3),
    client=TEXTS,
    server=TEXTS,
)
def test_a_request_is_exempt_exactly_when_some_rule_matches(rules: list[Exemption], **facts: str | int | None) -> None:
    """Filing rules by what they give changes nothing, asked once or again."""
    words = {rule.rule for rule in rules if oracle(rule, facts)} or {None}
    exemptions = Exemptions(Policy(exempt=tuple(rules), exempt_defaults=False))
    method, path, user_agent = (
        None if facts[key] is None else str(facts[key]).encode() for key in ("method", "path", "user_agent")
    )
    for _ in range(2):
        assert exemptions.match(
            method, path, user_agent, False, at(facts["port"]), facts["client"], facts["server"], facts["rpc_service"]  # type: ignore[arg-type]
        ) in words  # fmt: skip


@given(target=st.binary(max_size=40), method=st.binary(max_size=8), user_agent=st.binary(max_size=20))
def test_any_bytes_can_be_matched(target: bytes, method: bytes, user_agent: bytes) -> None:
    """Hostile requests are exempt or not; nothing fails."""
    assert matched(DEFAULTS, method, target, user_agent) in {None, *(rule.rule for rule in DEFAULT_EXEMPTIONS)}
