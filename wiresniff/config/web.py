"""The web configuration file that Prometheus exporters share (exporter-toolkit, "Web configuration") to a WebConfig.

Keys of that format that this program can't follow are refused rather than passed over: they are there to protect
something.
"""

import re
from pathlib import Path

import yaml

from wiresniff.config.load import read_document
from wiresniff.config.nodes import Document, Node
from wiresniff.config.schema import Key, Kind, Section
from wiresniff.config.values import entries, is_null, mapping, read
from wiresniff.model.display import named
from wiresniff.model.errors import PolicyError
from wiresniff.model.web import ClientAuth, TlsConfig, TlsVersion, WebConfig

VERSIONS = tuple(TlsVersion)

TLS = Section(
    "tls_server_config",
    "tls_server_config: the certificate, and what is asked of clients.",
    (
        Key("cert_file", Kind.FILE, "required", "certificate of the server, PEM"),
        Key("key_file", Kind.FILE, "required", "its private key, PEM"),
        Key("client_auth_type", Kind.CHOICE, "NoClientCert", "certificates of clients", tuple(ClientAuth)),
        Key("client_ca_file", Kind.FILE, "none", "who signs the certificates of clients, PEM"),
        Key("min_version", Kind.CHOICE, "TLS12", "oldest TLS spoken", VERSIONS),
        Key("max_version", Kind.CHOICE, "TLS13", "newest TLS spoken", VERSIONS),
        Key("prefer_server_cipher_suites", Kind.FLAG, "true", "without effect: suites of TLS 1.2 and 1.3 are all good"),
    ),
)
HTTP = Section(
    "http_server_config",
    "http_server_config: how HTTP is spoken.",
    (Key("http2", Kind.FLAG, "false", "without effect: HTTP/1.1 is spoken"),),
)
FILE = Section(
    "the web configuration",
    "The whole file.",
    (
        Key("tls_server_config", Kind.SECTION, "none", "TLS instead of plain HTTP"),
        Key("http_server_config", Kind.SECTION, "none", "how HTTP is spoken"),
        Key("basic_auth_users", Kind.SECTION, "none", "names, and bcrypt hashes of passwords"),
    ),
)
SECTIONS = (FILE, TLS, HTTP)

REFUSED = {
    "cipher_suites": "leave it out: those of OpenSSL's defaults are used",
    "curve_preferences": "leave it out: those of OpenSSL's defaults are used",
    "client_allowed_sans": "let client_ca_file sign nobody else",
    "cert": "write the certificate to a file, and its path as cert_file",
    "key": "write the key to a file, and its path as key_file",
    "client_ca": "write the certificate to a file, and its path as client_ca_file",
    "headers": "let a proxy add headers",
    "rate_limit": "leave it out: connections are bounded and few",
}
"""Keys of the format that can't be followed here, and what to do instead."""

BCRYPT = re.compile(r"\$2[aby]?\$([0-9]{2})\$[./A-Za-z0-9]{53}")
COSTS = range(4, 16)
"""Of bcrypt: 10 takes a tenth of a second, and each step doubles it."""


def load_web_config(path: str) -> WebConfig:
    """Read the web configuration file at `path`; paths in it begin where it is.

    Raises PolicyError with one sentence: the file and the line, what is wrong, what to type instead.
    """
    document = Document(path, noun="web configuration")
    root = read_document(document)
    if root is None:
        return WebConfig()
    _refuse(document, root)
    nodes = {name: node for name, node in mapping(document, root, FILE, SECTIONS).items() if not is_null(node)}
    if "http_server_config" in nodes:
        _refuse(document, nodes["http_server_config"])
        read(document, nodes["http_server_config"], HTTP, SECTIONS)
    tls, users = nodes.get("tls_server_config"), nodes.get("basic_auth_users")
    return WebConfig(
        _tls(document, tls) if tls is not None else None, _users(document, users) if users is not None else {}
    )


def _refuse(document: Document, node: Node) -> None:
    for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
        if isinstance(key, yaml.ScalarNode) and key.value in REFUSED:
            raise document.error(key, f'"{key.value}" can\'t be followed here', REFUSED[key.value])


def _tls(document: Document, node: Node) -> TlsConfig:
    _refuse(document, node)
    given = read(document, node, TLS, SECTIONS)
    for name in ("cert_file", "key_file"):
        if name not in given:
            raise document.error(node, f'tls_server_config has no "{name}"', f"write {name}: and a path")
    folder = Path(document.file).parent
    files = {name: str(folder / given[name]) for name in ("cert_file", "key_file", "client_ca_file") if name in given}
    auth = ClientAuth(given.get("client_auth_type", ClientAuth.NONE))
    if auth is not ClientAuth.NONE and "client_ca_file" not in given:
        raise document.error(node, f"{auth} needs to know who signs", "write client_ca_file: and a path")
    if auth is ClientAuth.NONE and "client_ca_file" in given:
        raise document.error(
            node, "client_ca_file asks nobody for a certificate", f"write client_auth_type: {ClientAuth.REQUIRED}"
        )
    oldest, newest = TlsVersion(given.get("min_version", "TLS12")), TlsVersion(given.get("max_version", "TLS13"))
    if oldest > newest:
        raise document.error(node, "min_version is above max_version", "exchange them")
    return TlsConfig(**files, client_auth=auth, min_version=oldest, max_version=newest)


def _users(document: Document, node: Node) -> dict[str, str]:
    if not isinstance(node, yaml.MappingNode):
        raise document.error(node, '"basic_auth_users" must be a mapping', "write alice: and a bcrypt hash")
    return {name: _hash(document, name, value) for name, value in entries(document, node, 'in "basic_auth_users"')}


def _hash(document: Document, name: str, node: Node) -> str:
    if not name or ":" in name or not name.isprintable():
        raise document.error(
            node, f'"{named(name)}" can\'t be the name of a user', "use printable characters, no colon"
        )
    hashed = BCRYPT.fullmatch(str(node.value)) if isinstance(node, yaml.ScalarNode) else None
    if hashed is None:
        # What was written may be the password itself: it is not repeated.
        raise _not_bcrypt(document, node, name)
    if int(hashed[1]) not in COSTS:
        raise document.error(
            node, f"the bcrypt cost of {named(name)} is {int(hashed[1])}", f"use {COSTS.start} to {COSTS.stop - 1}"
        )
    return hashed[0]


def _not_bcrypt(document: Document, node: Node, name: str) -> PolicyError:
    return document.error(
        node, f"what stands for {named(name)} is no bcrypt hash", "make one with `htpasswd -nBC 10 NAME`"
    )
