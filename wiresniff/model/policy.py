"""What the person said: services, exemptions, thresholds, privacy. Plain data; `config` reads it from YAML."""

from dataclasses import dataclass, field
from enum import StrEnum

from wiresniff.model.delivery import Endpoint
from wiresniff.model.findings import Severity


class Role(StrEnum):
    """What a service is to the trace."""

    SERVICE = "service"
    PROXY = "proxy"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class Service:
    """A named service: any of its addresses (and, if given, ports) or hosts."""

    name: str
    addresses: tuple[str, ...] = ()
    """Addresses and CIDR blocks."""
    ports: tuple[int, ...] = ()
    hosts: tuple[str, ...] = ()
    """Host names, `*` allowed."""
    role: Role = Role.SERVICE
    boundary: bool = False
    """May restart traces."""


@dataclass(frozen=True, slots=True)
class Exemption:
    """Requests that owe no trace: all keys that are given must match (`*` allowed in words)."""

    rule: str
    """The word that records and reports show."""
    path: str | None = None
    method: str | None = None
    user_agent: str | None = None
    port: int | None = None
    client: str | None = None
    server: str | None = None
    rpc_service: str | None = None


@dataclass(frozen=True, slots=True)
class Threshold:
    """When a pair becomes a finding. The first that matches client and server counts."""

    client: str = "*"
    server: str = "*"
    missing_ratio: float | None = None
    continuation_ratio: float | None = None
    min_requests: int = 20
    severity: Severity = Severity.ERROR


class Keep(StrEnum):
    """What is shown of something private."""

    KEEP = "keep"
    DROP = "drop"
    SHORT = "short"
    HASH = "hash"
    KEYS = "keys"
    VALUES = "values"


@dataclass(frozen=True, slots=True)
class Privacy:
    """What leaves the program. The defaults drop query strings and baggage values."""

    query: Keep = Keep.DROP
    paths: Keep = Keep.KEEP
    ids: Keep = Keep.KEEP
    baggage: Keep = Keep.KEYS


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy file; without one, the defaults."""

    services: tuple[Service, ...] = ()
    exempt: tuple[Exemption, ...] = ()
    exempt_defaults: bool = True
    thresholds: tuple[Threshold, ...] = ()
    privacy: Privacy = field(default_factory=Privacy)
    own_server: tuple[Endpoint, ...] = ()
    """Where this program itself serves, as its sockets say; 0.0.0.0 and :: are all addresses of this machine."""
