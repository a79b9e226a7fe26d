"""TLS and passwords of the metrics' server, with real files, as Prometheus and people use them."""

import base64
import http.client
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import bcrypt
import pytest
from metrics_serving import get, make_certificate, serving

from wiresniff.config.web import load_web_config
from wiresniff.metrics import server
from wiresniff.metrics.certificates import Certificates
from wiresniff.metrics.exporter import Exporter
from wiresniff.metrics.passwords import Passwords
from wiresniff.model import limits
from wiresniff.model.errors import PolicyError, UsageError
from wiresniff.model.web import ClientAuth, TlsConfig, TlsVersion, WebConfig

HASH = bcrypt.hashpw(b"secret", b"$2b$04$ScmqtxqIaVwCHGDhEr9Tb.").decode()
"""With the same salt always: it stands in the name of a test, by which that is run alone."""


def basic(user: str, password: str) -> str:
    """Return an Authorization field."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def over_tls(port: int, context: ssl.SSLContext, path: str = "/healthz") -> int:
    """Ask once over TLS; returns the status."""
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def trusting(certificate: str) -> ssl.SSLContext:
    """Return a client's context that trusts one certificate."""
    return ssl.create_default_context(cafile=certificate)


def test_metrics_are_served_over_tls_to_those_who_know_the_password(tmp_path: Path) -> None:
    """By the file that Prometheus exporters read, paths beginning where it is."""
    certificate, _ = make_certificate(tmp_path)
    (tmp_path / "web.yml").write_text(
        "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
        f"basic_auth_users: {{alice: '{HASH}'}}\nhttp_server_config: {{http2: true}}\n"
    )
    web = load_web_config(str(tmp_path / "web.yml"))
    with serving(Exporter(), web) as port:
        assert over_tls(port, trusting(certificate)) == 200
        assert over_tls(port, trusting(certificate), "/metrics") == 401


def test_a_password_is_asked_for_everything_but_probes() -> None:
    """Also for what is not there: who doesn't know it learns nothing."""
    with serving(Exporter(), WebConfig(users={"alice": HASH})) as port:
        status, fields, body = get(port, "/metrics")
        assert (status, b"wiresniff_" in body) == (401, False)
        assert fields["www-authenticate"].startswith("Basic realm=")
        assert get(port, "/metrics", authorization=basic("alice", "secret"))[0] == 200
        assert get(port, "/nothing", authorization=basic("alice", "secret"))[0] == 404
        assert [get(port, path)[0] for path in ("/nothing", "/", "/healthz", "/readyz")] == [401, 401, 200, 200]


@pytest.mark.parametrize(
    "authorization",
    [
        basic("alice", "Secret"), basic("bob", "secret"), basic("", ""), "Basic", "Basic !!!", "Basic YWxpY2U=",
        "Bearer secret", basic("alice", ""), basic("alice", "\0"), basic("alice", "x" * 5000),
    ],
)  # fmt: skip
def test_wrong_credentials_are_refused(authorization: str) -> None:
    """However they are wrong, and the second time as well."""
    passwords = Passwords({"alice": HASH})
    assert passwords.check(authorization) is False
    assert passwords.known(authorization) is False


def test_an_answer_is_remembered_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow way is taken once; what stays in memory tells nobody anything."""
    passwords = Passwords({"alice": HASH})
    authorization = basic("alice", "secret")
    assert passwords.known(authorization) is None
    assert passwords.check(authorization)
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: pytest.fail("asked again"))
    assert passwords.known(authorization) is True
    assert b"secret" not in b"".join(passwords._known)
    assert not passwords._known.keys() & Passwords({"alice": HASH})._known.keys()


def test_guesses_do_not_push_out_the_right_password() -> None:
    """And take no more than their share of memory."""
    passwords = Passwords({"alice": HASH})
    assert passwords.check(basic("alice", "secret"))
    for guess in range(limits.PASSWORDS_REMEMBERED + 10):
        assert not passwords.check(basic("alice", str(guess)))
    assert passwords.known(basic("alice", "secret"))
    assert len(passwords._known) == limits.PASSWORDS_REMEMBERED


REFUSED = (ssl.SSLError, ConnectionError)
"""An alert, or the end of the connection."""


def test_clients_show_a_certificate_where_it_is_required(tmp_path: Path) -> None:
    """One that nobody signed is as good as none."""
    certificate, key = make_certificate(tmp_path)
    mine, my_key = make_certificate(tmp_path, "client")
    other, other_key = make_certificate(tmp_path, "stranger")
    tls = TlsConfig(certificate, key, mine, ClientAuth.REQUIRED)
    with serving(Exporter(), WebConfig(tls)) as port:
        known = trusting(certificate)
        known.load_cert_chain(mine, my_key)
        assert over_tls(port, known) == 200
        stranger = trusting(certificate)
        stranger.load_cert_chain(other, other_key)
        for context in (trusting(certificate), stranger):
            with pytest.raises(REFUSED):
                over_tls(port, context)


def test_tls_below_the_minimum_is_refused(tmp_path: Path) -> None:
    """As the file says."""
    certificate, key = make_certificate(tmp_path)
    with serving(Exporter(), WebConfig(TlsConfig(certificate, key, min_version=TlsVersion.TLS_13))) as port:
        old = trusting(certificate)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(REFUSED):
            over_tls(port, old)
        assert over_tls(port, trusting(certificate)) == 200


def test_a_renewed_certificate_is_used_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One that doesn't fit its key is not: the old one stays, and that is said."""
    monkeypatch.setattr(server, "RENEW_SECONDS", 0.02)
    certificate, key = make_certificate(tmp_path)
    new, new_key = make_certificate(tmp_path, "new")
    old = trusting(certificate)
    with serving(Exporter(), WebConfig(TlsConfig(certificate, key))) as port:
        assert over_tls(port, old) == 200
        Path(key).write_bytes(Path(new_key).read_bytes())
        wait_for(lambda: "stays the old one" in caplog.text)
        assert over_tls(port, old) == 200
        Path(certificate).write_bytes(Path(new).read_bytes())
        wait_for(lambda: reaches(port, trusting(new)))
        assert not reaches(port, old)


def wait_for(happened: Callable[[], bool]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + 40
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def reaches(port: int, context: ssl.SSLContext) -> bool:
    """Whether a client trusts who it finds."""
    try:
        return over_tls(port, context) == 200
    except ssl.SSLCertVerificationError:
        return False


def test_those_who_do_not_speak_tls_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence during the handshake too; others are served meanwhile."""
    monkeypatch.setattr(limits, "HTTP_HEAD_SECONDS", 0.5)
    certificate, key = make_certificate(tmp_path)
    with serving(Exporter(), WebConfig(TlsConfig(certificate, key))) as port:
        silent = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(2 * limits.HTTP_CONNECTIONS)]
        silent[-1].sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert over_tls(port, trusting(certificate)) == 200
        for connection in silent:
            try:
                while connection.recv(4096):
                    pass
            except ConnectionResetError:
                pass
            connection.close()


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (("nothing.crt", "server.key"), "nothing.crt: No such file or directory"),
        (("server.crt", "other.key"), "the key does not belong to the certificate"),
        (("server.key", "server.key"), "they are no PEM certificate and its unencrypted private key"),
    ],
)
def test_a_certificate_that_can_not_be_used_is_said_at_start(
    tmp_path: Path, files: tuple[str, str], sentence: str
) -> None:
    """In one sentence."""
    make_certificate(tmp_path)
    make_certificate(tmp_path, "other")
    with pytest.raises(UsageError) as caught:
        Certificates(TlsConfig(*(str(tmp_path / name) for name in files)))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("tls_server_conf: {}", 'web.yml:1: the web configuration has no key "tls_server_conf"; did you mean "tls_ser'),
        ("tls_server_config: {cert_fil: a}", 'tls_server_config has no key "cert_fil"; did you mean "cert_file"?'),
        ("tls_server_config: {cert_file: a}", 'tls_server_config has no "key_file"; write key_file: and a path'),
        ("cert_file: a", 'has no key "cert_file"; "cert_file" belongs in tls_server_config'),
        ("tls_server_config: {cipher_suites: [X]}", '"cipher_suites" can\'t be followed here; leave it out'),
        ("http_server_config: {headers: {}}", '"headers" can\'t be followed here'),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAnyClientCert}",
            'can\'t be "RequireAnyClientCert"; write "RequireAndVerifyClientCert"',
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAndVerifyClientCert}",
            "RequireAndVerifyClientCert needs to know who signs; write client_ca_file: and a path",
        ),
        ("tls_server_config: {cert_file: a, key_file: b, client_ca_file: c}", "asks nobody for a certificate"),
        (
            "tls_server_config: {cert_file: a, key_file: b, min_version: TLS13, max_version: TLS12}",
            "min_version is above max_version",
        ),
        ("tls_server_config: {cert_file: a, key_file: b, min_version: TLS10}", '"min_version" can\'t be "TLS10"'),
        ("basic_auth_users: {alice: hunter2}", "what stands for alice is no bcrypt hash"),
        ("basic_auth_users: {alice: true}", "what stands for alice is no bcrypt hash"),
        ("basic_auth_users: {'a:b': x}", '"a:b" can\'t be the name of a user'),
        (f"basic_auth_users: {{alice: '{HASH.replace('$04$', '$31$')}'}}", "the bcrypt cost of alice is 31"),
        ("basic_auth_users: [alice]", '"basic_auth_users" must be a mapping'),
    ],
)
def test_mistakes_in_the_file_get_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    """With file and line; what may be a password is not repeated."""
    path = tmp_path / "web.yml"
    path.write_text(text)
    with pytest.raises(PolicyError) as caught:
        load_web_config(str(path))
    assert sentence in str(caught.value)
    assert "web.yml:1: " in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "tls_server_config:\nbasic_auth_users:\n"])
def test_an_empty_file_is_plain_http(tmp_path: Path, text: str) -> None:
    """As exporters take it."""
    path = tmp_path / "web.yml"
    path.write_text(text)
    assert load_web_config(str(path)) == WebConfig()
