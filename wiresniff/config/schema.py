"""The table of keys of the policy file: what each is called, what it takes, its default, what it means."""

from dataclasses import dataclass
from enum import StrEnum

VERSION = 1
"""The only version of the file there is."""

RESERVED_NAMES = ("external", "other")
"""Names of services that wiresniff gives itself: addresses outside, and pairs beyond the limit."""


class Kind(StrEnum):
    """What a key takes, in the words of the reference and of error messages."""

    VERSION = "1"
    FLAG = "true or false"
    ADDRESSES = "list of IP addresses and CIDR blocks"
    PORTS = "list of ports"
    HOSTS = "list of host names, `*` allowed"
    WORD = "word, `*` allowed"
    PATH = "path, `*` allowed"
    METHOD = "HTTP method, `*` allowed"
    PORT = "port"
    RULE = "word of letters, digits and hyphens"
    RATIO = "number from 0 to 1"
    COUNT = "whole number from 1"
    CHOICE = "one of"
    SERVICES = "mapping of service names"
    EXEMPTIONS = "list of exemptions"
    THRESHOLDS = "list of thresholds"
    PRIVACY = "mapping"
    FILE = "path of a file"
    SECTION = "mapping of keys"


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a mapping."""

    name: str
    kind: Kind
    default: str
    """As the reference prints it."""
    meaning: str
    choices: tuple[str, ...] = ()
    """For `Kind.CHOICE`."""

    @property
    def takes(self) -> str:
        """What may be written as the value."""
        return " | ".join(self.choices) if self.kind is Kind.CHOICE else self.kind.value


@dataclass(frozen=True, slots=True)
class Section:
    """The keys of one mapping of the file."""

    title: str
    """As error messages speak of it: `in a service`."""
    meaning: str
    keys: tuple[Key, ...]

    def names(self) -> tuple[str, ...]:
        """Every key that may be written."""
        return tuple(key.name for key in self.keys)


FILE = Section(
    "the policy",
    "The whole file.",
    (
        Key("version", Kind.VERSION, "required", "version of this format"),
        Key("services", Kind.SERVICES, "none", "what services are called; without it names are taken from the traffic"),
        Key("exempt", Kind.EXEMPTIONS, "none", "requests that owe no trace, added to the defaults"),
        Key(
            "exempt_defaults",
            Kind.FLAG,
            "true",
            "health checks, scrapes, telemetry export, reflection, CORS preflight, what `watch` itself serves",
        ),
        Key("thresholds", Kind.THRESHOLDS, "none", "when a pair becomes a finding; the first that matches counts"),
        Key("privacy", Kind.PRIVACY, "as below", "what may appear in reports and records"),
    ),
)

SERVICE = Section(
    "a service",
    "services.NAME: addresses, hosts or ports, at least one of them.",
    (
        Key("addresses", Kind.ADDRESSES, "none", "where it is; the most specific block that holds an address counts"),
        Key("ports", Kind.PORTS, "all", "where it listens: of its addresses; of its hosts, or anywhere, without them"),
        Key("hosts", Kind.HOSTS, "none", "what it is asked for as (Host, :authority), where no address says more"),
        Key(
            "role",
            Kind.CHOICE,
            "service",
            "proxy: hands requests on; external: not ours, findings are informative only",
            ("service", "proxy", "external"),
        ),
        Key("boundary", Kind.FLAG, "false", "may restart traces"),
    ),
)

EXEMPTION = Section(
    "an exemption",
    "exempt[]: all keys of an entry must match; `*` stands for any text, also none.",
    (
        Key("rule", Kind.RULE, "policy-N", "what records and reports call it; N counts the entries from 1"),
        Key("path", Kind.PATH, "any", "path of the request, without its query"),
        Key("method", Kind.METHOD, "any", "method of the request"),
        Key("user_agent", Kind.WORD, "any", "User-Agent of the request"),
        Key("port", Kind.PORT, "any", "port of the server"),
        Key("client", Kind.WORD, "any", "name of the client"),
        Key("server", Kind.WORD, "any", "name of the server"),
        Key("rpc_service", Kind.WORD, "any", "gRPC service with its package: grpc.health.v1.Health"),
    ),
)

THRESHOLD = Section(
    "a threshold",
    "thresholds[]: missing_ratio, continuation_ratio, or both.",
    (
        Key("client", Kind.WORD, '"*"', "name of the client"),
        Key("server", Kind.WORD, '"*"', "name of the server"),
        Key("missing_ratio", Kind.RATIO, "none", "a finding above it: missing / (valid + malformed + missing)"),
        Key(
            "continuation_ratio", Kind.RATIO, "none", "a finding below it: of the calls that owe a trace, those with it"
        ),
        Key("min_requests", Kind.COUNT, "20", "no finding before so many requests were judged"),
        Key("severity", Kind.CHOICE, "error", "severity of the finding", ("info", "warning", "error")),
    ),
)

PRIVACY = Section(
    "privacy",
    "privacy: what may appear in reports and records. Metrics never hold any of it.",
    (
        Key("query", Kind.CHOICE, "drop", "query strings", ("drop", "keep")),
        Key("paths", Kind.CHOICE, "keep", "paths of requests", ("keep", "drop")),
        Key(
            "ids",
            Kind.CHOICE,
            "keep",
            "trace and span ids: whole, shortened, or hashed",
            ("keep", "short", "hash"),
        ),
        Key(
            "baggage", Kind.CHOICE, "keys", "baggage: its keys, keys and values, or nothing", ("keys", "values", "drop")
        ),
    ),
)

SECTIONS = (FILE, SERVICE, EXEMPTION, THRESHOLD, PRIVACY)

EXAMPLE = """\
version: 1
services:
  orders: {addresses: [10.0.0.11, 10.0.1.0/24]}
  ledger: {addresses: [10.0.0.11], ports: [50051]}   # ports tell services on one address apart
  edge:   {hosts: [shop.example], role: proxy}
  partner-gate: {addresses: [10.0.9.2], boundary: true}
exempt:
  - {path: /warmup}
  - {user_agent: "synthetic-monitor/*"}
  - {client: batch, server: metrics-store}
thresholds:
  - {client: "*", server: orders, missing_ratio: 0.01, continuation_ratio: 0.99, min_requests: 100, severity: error}
privacy: {query: drop, paths: keep, ids: short, baggage: keys}
"""
