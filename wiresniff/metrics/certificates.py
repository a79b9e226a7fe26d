"""TLS of the server: a context from the web configuration, renewed when its files change."""

import logging
import ssl
from pathlib import Path

from wiresniff.model.display import named
from wiresniff.model.errors import UsageError
from wiresniff.model.web import ClientAuth, TlsConfig, TlsVersion

VERSIONS = {TlsVersion.TLS_12: ssl.TLSVersion.TLSv1_2, TlsVersion.TLS_13: ssl.TLSVersion.TLSv1_3}
CLIENTS = {
    ClientAuth.NONE: ssl.CERT_NONE,
    ClientAuth.IF_GIVEN: ssl.CERT_OPTIONAL,
    ClientAuth.REQUIRED: ssl.CERT_REQUIRED,
}

log = logging.getLogger(__name__)


class Certificates:
    """The context of a TLS server. The certificates of who signs clients are read once."""

    def __init__(self, config: TlsConfig) -> None:
        """Raise UsageError where a file can't be used."""
        self._config = config
        self._read = self._stamps()
        try:
            self.context = context_of(config)
        except (OSError, ValueError) as error:
            raise UsageError(f"the web configuration's {_culprit(config)}: {_reason(error)}") from None

    def renew(self) -> None:
        """Read the certificate again if its files have changed; one that can't be used leaves the old one there."""
        stamps = self._stamps()
        if stamps == self._read:
            return
        self._read = stamps
        try:
            context_of(self._config)  # a pair that doesn't fit must not get into the context that is in use
            _load(self.context, self._config)
        except (OSError, ValueError) as error:
            log.warning("the certificate stays the old one: %s: %s", _culprit(self._config), _reason(error))
        else:
            log.info("the certificate was read again")

    def _stamps(self) -> list[tuple[int, int, int] | None]:
        return [_stamp(path) for path in (self._config.cert_file, self._config.key_file)]


def context_of(config: TlsConfig) -> ssl.SSLContext:
    """Return a context for connections of clients. Raises OSError (ssl.SSLError is one) or ValueError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[config.min_version]
    context.maximum_version = VERSIONS[config.max_version]
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    _load(context, config)
    context.verify_mode = CLIENTS[config.client_auth]
    if config.client_ca_file is not None:
        context.load_verify_locations(config.client_ca_file)
    return context


def _load(context: ssl.SSLContext, config: TlsConfig) -> None:
    # Without a password OpenSSL would ask for one on the terminal.
    context.load_cert_chain(config.cert_file, config.key_file, password=lambda: "")


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _culprit(config: TlsConfig) -> str:
    """Name the file that is not there or can't be opened; else those that don't fit."""
    for path in filter(None, (config.cert_file, config.key_file, config.client_ca_file)):
        try:
            Path(path).open("rb").close()
        except OSError:
            return named(path, 200)
    return f"{named(config.cert_file, 200)} and {named(config.key_file, 200)}"


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        return REASONS.get(error.reason or "", "they are no PEM certificate and its unencrypted private key")
    why: str | None = error.strerror if isinstance(error, OSError) else None
    return named(why or str(error))


REASONS = {"KEY_VALUES_MISMATCH": "the key does not belong to the certificate"}
