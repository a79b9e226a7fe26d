"""Exemptions: requests that owe no trace, by default and by policy.

An exemption hides faults, so the defaults are narrow: whole paths and not parts of them, with the methods that probes
and exporters use. What is exempt is counted under the word of its rule and shown in every report.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from wiresniff.audit.own_server import OwnServer, nowhere
from wiresniff.model import limits
from wiresniff.model.delivery import Endpoint
from wiresniff.model.globs import glob_regex
from wiresniff.model.policy import Exemption, Policy
from wiresniff.model.targets import path_and_query

HEALTH_CHECK = "health-check"
METRICS_SCRAPE = "metrics-scrape"
TELEMETRY_EXPORT = "telemetry-export"
REFLECTION = "reflection"
CORS_PREFLIGHT = "cors-preflight"
"""Known by its fields, not by a pattern (Fetch standard, 3.2.2): OPTIONS with Access-Control-Request-Method."""
LOAD_BALANCER_PROBE = "load-balancer-probe"
SELF_CONNECTION = "self-connection"
OWN_SERVER = "own-server"
"""Known by where it is asked, whatever for: metrics, health checks and the page that this program itself serves."""

READ = ("GET", "HEAD")

PATHS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    (
        HEALTH_CHECK,
        READ,
        (
            "/healthz", "/healthz/*", "/livez", "/livez/*", "/readyz", "/readyz/*",  # Kubernetes API health endpoints
            "/health", "/health/", "/health/live", "/health/ready", "/health/started",  # MicroProfile Health 4.0
            "/health/liveness", "/health/readiness", "/health/startup", "/health/alive",
            "/healthcheck", "/health-check", "/health_check", "/_health", "/api/health", "/ping", "/ready",
            "/-/healthy", "/-/ready",  # Prometheus, Alertmanager
            "/actuator/health", "/actuator/health/*",  # Spring Boot
            "/q/health", "/q/health/*",  # Quarkus
            "/v1/sys/health",  # Vault
        ),
    ),
    (
        METRICS_SCRAPE,
        READ,
        ("/metrics", "/metrics/", "/metrics/cadvisor", "/actuator/prometheus", "/q/metrics", "/stats/prometheus"),
    ),
    (
        TELEMETRY_EXPORT,
        ("POST",),
        (
            "/v1/traces", "/v1/metrics", "/v1/logs", "/v1development/profiles",  # OTLP/HTTP 1.x
            "/api/v2/spans", "/api/v1/spans",  # Zipkin
            "/api/traces",  # Jaeger collector; GET is the query service, which is an application
            "/intake/v2/events",  # Elastic APM
            "/loki/api/v1/push",  # Loki
            "/opentelemetry.proto.collector.*", "/jaeger.api_v2.CollectorService/*",  # gRPC-Web, Connect
        ),
    ),
    (
        TELEMETRY_EXPORT,
        ("PUT", "POST"),
        ("/v0.3/traces", "/v0.4/traces", "/v0.5/traces", "/v0.7/traces", "/v0.6/stats"),  # Datadog agent
    ),
    (HEALTH_CHECK, ("POST",), ("/grpc.health.v1.Health/*",)),
    (REFLECTION, ("POST",), ("/grpc.reflection.*",)),
    (LOAD_BALANCER_PROBE, ("OPTIONS",), ("/",)),  # HAProxy's `option httpchk` before a URI is configured
)  # fmt: skip
"""Rule, methods, paths."""

USER_AGENTS: tuple[tuple[str, str], ...] = (
    (HEALTH_CHECK, "kube-probe/*"),
    (HEALTH_CHECK, "Consul Health Check"),
    (HEALTH_CHECK, "Envoy/HC"),  # Envoy, http/headers.h; also the gRPC checks of AWS load balancers
    (HEALTH_CHECK, "ReadyForRequest/1.0*"),  # Azure App Service
    (HEALTH_CHECK, "Blackbox Exporter/*"),
    (HEALTH_CHECK, "GoogleStackdriverMonitoring-UptimeChecks*"),
    (LOAD_BALANCER_PROBE, "ELB-HealthChecker/*"),
    (LOAD_BALANCER_PROBE, "Amazon-Route53-Health-Check-Service*"),
    (LOAD_BALANCER_PROBE, "GoogleHC/*"),
    (LOAD_BALANCER_PROBE, "Load Balancer Agent"),  # Azure Load Balancer, from 168.63.129.16
    (LOAD_BALANCER_PROBE, "Edge Health Probe"),  # Azure Front Door
    (LOAD_BALANCER_PROBE, "Mozilla/5.0 (compatible; Cloudflare-Traffic-Manager/1.0;*"),
    (LOAD_BALANCER_PROBE, "Mozilla/5.0 (compatible; Cloudflare-Healthchecks/1.0;*"),
    (LOAD_BALANCER_PROBE, "clb-healthcheck"),  # Tencent Cloud
    (SELF_CONNECTION, "*(internal dummy connection)"),  # Apache httpd wakes its own children
)
"""Rule, user agent of a program that does nothing else."""

SCRAPERS = ("Prometheus/*", "vm_promscrape*")
"""User agents that scrape with GET whatever the path; Prometheus sends alerts and remote writes under the same name."""

RPC_SERVICES: tuple[tuple[str, str], ...] = (
    (HEALTH_CHECK, "grpc.health.v1.Health"),
    (REFLECTION, "grpc.reflection.*"),
    (TELEMETRY_EXPORT, "opentelemetry.proto.collector.*"),
    (TELEMETRY_EXPORT, "opencensus.proto.agent.*"),
    (TELEMETRY_EXPORT, "jaeger.api_v2.CollectorService"),
)
"""Rule, gRPC service."""

DEFAULT_EXEMPTIONS: tuple[Exemption, ...] = (
    *(
        Exemption(rule, method=method, path=path)
        for rule, methods, paths in PATHS
        for path in paths
        for method in methods
    ),
    *(Exemption(rule, user_agent=user_agent) for rule, user_agent in USER_AGENTS),
    *(Exemption(METRICS_SCRAPE, method="GET", user_agent=user_agent) for user_agent in SCRAPERS),
    *(
        Exemption(TELEMETRY_EXPORT, method="POST", path=path, user_agent="Prometheus/*")
        for path in ("/api/v1/write", "/api/v1/push")  # remote write: Prometheus, Mimir
    ),
    *(Exemption(rule, rpc_service=rpc_service) for rule, rpc_service in RPC_SERVICES),
)
"""What is exempt without a policy, besides CORS preflight and what this program itself serves."""


class Facts(NamedTuple):
    """What of one request an exemption may speak of; None when it was not seen or is not there."""

    path: bytes | None
    method: bytes | None
    user_agent: bytes | None
    port: int
    client: str
    server: str
    rpc_service: str | None


Key = TypeVar("Key")
Value = TypeVar("Value")

REMEMBERED_BYTES = 1024
"""Longest user agent or gRPC service that is remembered: real ones are some hundred bytes."""
FILED_BY = ("user_agent", "rpc_service", "path")
"""Keys of an exemption by which its rule is found, the most telling first."""
BYTES_KEYS = ("path", "method", "user_agent")
TEXT_KEYS = ("client", "server", "rpc_service")


class Rule:
    """One exemption, compiled."""

    __slots__ = ("_port", "_tests", "word")

    def __init__(self, exemption: Exemption) -> None:
        self.word = exemption.rule
        self._port = exemption.port
        self._tests: list[tuple[int, Callable[..., object]]] = [
            (Facts._fields.index(key), _fullmatch(exemption, key))
            for key in (*BYTES_KEYS, *TEXT_KEYS)
            if getattr(exemption, key) is not None
        ]

    def matches(self, facts: Facts) -> bool:
        """Whether every key that the exemption gives matches."""
        if self._port is not None and self._port != facts.port:
            return False
        return all(facts[at] is not None and fullmatch(facts[at]) for at, fullmatch in self._tests)


def _fullmatch(exemption: Exemption, key: str) -> Callable[..., object]:
    regex = glob_regex(getattr(exemption, key))
    if key in BYTES_KEYS:
        return re.compile(regex.encode(), re.DOTALL).fullmatch
    return re.compile(regex, re.DOTALL).fullmatch


NO_RULES: tuple[Rule, ...] = ()
ORIGIN_FORM = ord("/")
"""First byte of a request target in origin form (RFC 9112 3.2.1)."""


class Index:
    """The rules that give one key, by what they give."""

    def __init__(self, exemptions: Iterable[Exemption], key: str) -> None:
        exact: dict[bytes, list[Rule]] = {}
        globs: dict[bytes, list[Rule]] = {}
        for exemption in exemptions:
            word = getattr(exemption, key)
            if "*" in word:
                globs.setdefault(glob_regex(word).encode(), []).append(Rule(exemption))
            else:
                exact.setdefault(word.encode(), []).append(Rule(exemption))
        self.exact = {word: tuple(rules) for word, rules in exact.items()}
        self._globs = [(re.compile(regex, re.DOTALL).fullmatch, tuple(rules)) for regex, rules in globs.items()]
        self.any_glob = re.compile(b"|".join(globs) or b"(?!)", re.DOTALL).fullmatch
        """All words with `*` at once: most values match none."""

    def rules(self, value: bytes) -> tuple[Rule, ...]:
        """Return the rules whose word matches `value`."""
        found = self.exact.get(value, NO_RULES)
        if self.any_glob(value):
            for fullmatch, rules in self._globs:
                if fullmatch(value):
                    found += rules
        return found


class Exemptions:
    """The exemptions of one policy. `is_local` tells whether an address is one of this machine's.

    Every rule is filed under the most telling key that it gives (user agent, gRPC service, path), and tried only for
    requests whose value matches. User agents and gRPC services repeat, so their rules are remembered; paths don't.
    """

    def __init__(self, policy: Policy, is_local: Callable[[str], bool] = nowhere) -> None:
        exemptions = (*(DEFAULT_EXEMPTIONS if policy.exempt_defaults else ()), *policy.exempt)
        filed: dict[str, list[Exemption]] = {key: [] for key in (*FILED_BY, "")}
        for exemption in exemptions:
            filed[next((key for key in FILED_BY if getattr(exemption, key) is not None), "")].append(exemption)
        self._preflight = policy.exempt_defaults
        self._own_server = OwnServer(policy.own_server if policy.exempt_defaults else (), is_local)
        self._agents = Index(filed["user_agent"], "user_agent")
        self._services = Index(filed["rpc_service"], "rpc_service")
        self._paths = Index(filed["path"], "path")
        self._exact_path = self._paths.exact.get
        self._any_path_glob = self._paths.any_glob
        self._pairs = tuple(Rule(exemption) for exemption in filed[""])
        """Rules of nothing but method, port, client and server."""
        self._of_agent: dict[bytes | None, tuple[Rule, ...]] = {None: NO_RULES}
        self._of_service: dict[str | None, tuple[Rule, ...]] = {None: NO_RULES}
        self._of_pair: dict[tuple[bytes | None, int, str, str], str | None] = {}
        self.evictions: Counter[str] = Counter()
        """`exemption-cache`: answers that are worked out again."""

    def match(
        self,
        method: bytes | None,
        target: bytes | None,
        user_agent: bytes | None,
        preflight: bool,
        endpoint: Endpoint,
        client: str,
        server: str,
        rpc_service: str | None,
    ) -> str | None:
        """Return the word of a rule that exempts the request, None when it owes a trace.

        What was not seen (None) matches no rule that speaks of it, not even `*`. Where several rules match, the order
        is: own server, preflight, user agent, gRPC service, path, the rest; within each the defaults, then the policy
        in order. `endpoint` is the server's.
        """
        if self._own_server.is_at(endpoint):
            return OWN_SERVER
        if preflight and self._preflight:
            return CORS_PREFLIGHT
        rules = self._of_agent.get(user_agent)
        if rules is None:
            rules = self._remember(self._of_agent, user_agent, self._agents.rules(user_agent or b""))
        if rpc_service is not None:
            rules += self._rules_of_service(rpc_service)
        path = None
        if target:
            path = target.partition(b"?")[0] if target[0] == ORIGIN_FORM else _path(method, target)
            if path is not None and (self._exact_path(path) or self._any_path_glob(path)):
                rules += self._paths.rules(path)
        if rules:
            facts = Facts(path, method, user_agent, endpoint.port, client, server, rpc_service)
            for rule in rules:
                if rule.matches(facts):
                    return rule.word
        return self._pair(method, endpoint.port, client, server) if self._pairs else None

    def _rules_of_service(self, rpc_service: str) -> tuple[Rule, ...]:
        rules = self._of_service.get(rpc_service)
        if rules is None:
            found = self._services.rules(rpc_service.encode(errors="replace"))
            rules = self._remember(self._of_service, rpc_service, found)
        return rules

    def _pair(self, method: bytes | None, port: int, client: str, server: str) -> str | None:
        key = (method, port, client, server)
        try:
            return self._of_pair[key]
        except KeyError:
            facts = Facts(None, method, None, port, client, server, None)
            word = next((rule.word for rule in self._pairs if rule.matches(facts)), None)
            return self._remember(self._of_pair, key, word)

    def _remember(self, cache: dict[Key, Value], key: Key, value: Value) -> Value:
        """Put an answer into a cache, unless its key is unusually long; a full cache is emptied."""
        if isinstance(key, bytes | str) and len(key) > REMEMBERED_BYTES:
            return value
        if len(cache) >= limits.EXEMPTION_MEMORY:
            self.evictions["exemption-cache"] += len(cache)
            cache.clear()
        cache[key] = value
        return value


def _path(method: bytes | None, target: bytes) -> bytes | None:
    """Return the path of a target that is not in origin form: absolute-form, asterisk-form, authority-form."""
    path, _ = path_and_query(method.decode("latin-1") if method else None, target.decode("latin-1"))
    return None if path is None else path.encode("latin-1")
