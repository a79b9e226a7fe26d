"""WebConfig: who may read metrics, and over what. `config` reads it from the web configuration file of exporters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ClientAuth(StrEnum):
    """Whether clients show a certificate, in the words of the file (those of Go's crypto/tls)."""

    NONE = "NoClientCert"
    IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRED = "RequireAndVerifyClientCert"


class TlsVersion(StrEnum):
    """Versions of TLS, in the words of the file."""

    TLS_12 = "TLS12"
    TLS_13 = "TLS13"


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """What a server needs to speak TLS. Paths are as they can be opened."""

    cert_file: str
    """The certificate, with those between it and the root behind it; PEM."""
    key_file: str
    client_ca_file: str | None = None
    client_auth: ClientAuth = ClientAuth.NONE
    min_version: TlsVersion = TlsVersion.TLS_12
    max_version: TlsVersion = TlsVersion.TLS_13


@dataclass(frozen=True, slots=True)
class WebConfig:
    """A whole web configuration file; without one, plain HTTP for everybody who can connect."""

    tls: TlsConfig | None = None
    users: Mapping[str, str] = field(default_factory=dict)
    """Name to bcrypt hash. Empty: no password is asked for."""
