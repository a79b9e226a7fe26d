"""`--witnesses`: nothing private is in the file, tshark shows the requests of the findings in it, and mistakes."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from builders import Clock, Conversation, merge, pcap_bytes, request, response
from capture_auditing import PCAPS
from cli_running import TOUR, ran, started
from http2_frames import Talk, data, message
from live_running import lacking
from witness_reading import forms_of, http2_requests, paths_in, shown

from wiresniff.cli.exits import Exit

POLICY = "version: 1\nthresholds: [{missing_ratio: 0.0, min_requests: 1}]\n"
SECRETS = {
    "cookie": b"session=c00kie-of-somebody",
    "authorization": b"Bearer very-private-t0ken",
    "proxy-authorization": b"Basic cHJveHk6c2VjcmV0",
    "x-api-key": b"key-0123456789abcdef",
    "x-weather": b"nobody-knows-that-this-1s-private",
}
PASSWORD = b"query-passw0rd-of-somebody"
BODY = b"b0dy-of-a-request-that-is-private"
ANSWER = b"b0dy-of-an-answer-that-is-private"
SET_COOKIE = b"set-c00kie-of-somebody"
ALL_SECRETS = (*SECRETS.values(), PASSWORD, BODY, ANSWER, SET_COOKIE)
FIELDS = [(name, value.decode()) for name, value in SECRETS.items()]


def http1_talk(clock: Clock) -> Conversation:
    """Say secrets in HTTP/1: in one segment, in several, and in answers."""
    talk = Conversation(clock=clock)
    talk.open()
    for mss in (1460, 30):
        asked = request("POST", f"/plain?password={PASSWORD.decode()}", fields=FIELDS, body=BODY)
        talk.client_sends(asked, mss=mss)
        talk.server_sends(response(200, fields=[("Set-Cookie", SET_COOKIE.decode())], body=ANSWER))
    return talk


def http2_talk(clock: Clock) -> Conversation:
    """Say secrets in HTTP/2: in Huffman code, then by index, then plain."""
    talk = Talk(client=("10.0.0.5", 41_000), server=("10.0.0.6", 50_051), clock=clock).begin()
    for stream in (1, 3, 5):
        talk.requests.huffman_coding = stream < 5
        fields = [*FIELDS, ("content-type", "application/grpc")]
        asked = talk.asks(stream, f"/shop.Cart/Add?password={PASSWORD.decode()}", None, fields=fields)
        talk.client_sends(asked + data(stream, message(3) + BODY))
        answered = talk.answers(stream, 200, fields=[("set-cookie", SET_COOKIE.decode())])
        talk.server_sends(answered + data(stream, ANSWER) + talk.trails(stream))
    return talk


def audited(tmp_path: Path, octets: bytes, capsys: pytest.CaptureFixture[str], *options: object) -> Path:
    """Audit a capture; return its witness file."""
    capture, policy, proof = tmp_path / "in.pcap", tmp_path / "policy.yaml", tmp_path / "proof.pcapng"
    capture.write_bytes(octets)
    policy.write_text(POLICY)
    done = ran(capsys, "audit", capture, "--policy", policy, "--witnesses", proof, *options)
    assert done.status == Exit.DONE, done.err
    return proof


@pytest.mark.parametrize("speaks", [http1_talk, http2_talk])
def test_no_secret_is_in_the_file(speaks: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ANN401
    """Neither as it was said nor in Huffman code; the requests are there all the same."""
    talk = speaks(Clock())
    capture = pcap_bytes(talk.packets)
    proof = audited(tmp_path, capture, capsys)
    octets = proof.read_bytes()
    forms = [form for secret in ALL_SECRETS for form in forms_of(secret)]
    assert sum(form in capture for form in forms) >= len(ALL_SECRETS) - 2  # else this shows nothing
    assert [form for form in forms if form in octets] == []
    pieces = {secret[at : at + 8] for secret in ALL_SECRETS for at in range(len(secret) - 7)}
    assert [piece for piece in pieces if piece in octets] == []
    paths = {path.partition("?")[0] for path in paths_in(proof)}
    assert paths == {"/plain"} if speaks is http1_talk else {"/shop.Cart/Add"}


def test_standard_input_gives_the_same_packets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What can't be read again is kept meanwhile."""
    clock = Clock()
    octets = pcap_bytes(merge(http1_talk(clock), http2_talk(clock)))
    proof = audited(tmp_path, octets, capsys)
    other = tmp_path / "other.pcapng"
    done = started("audit", "-", "--policy", tmp_path / "policy.yaml", "--witnesses", other, stdin=octets)
    assert done.status == Exit.DONE
    assert [packet.octets for packet in shown(other)] == [packet.octets for packet in shown(proof)]
    assert "standard input" in shown(other)[0].comment
    assert "proof.pcapng" not in done.err
    assert done.err.endswith("packets of 5 requests that prove findings\n")


def test_the_policy_says_what_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Queries too, where it wants them."""
    octets = pcap_bytes(http2_talk(Clock()).packets)
    (tmp_path / "in.pcap").write_bytes(octets)
    (tmp_path / "policy.yaml").write_text(POLICY + "privacy: {query: keep}\n")
    proof = tmp_path / "proof.pcapng"
    ran(capsys, "audit", tmp_path / "in.pcap", "--policy", tmp_path / "policy.yaml", "--witnesses", proof)
    assert PASSWORD in proof.read_bytes()
    assert len(http2_requests(proof)) == 3


def test_a_filter_holds_for_witnesses_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Packets that it leaves out are not looked at again."""
    clock = Clock()
    octets = pcap_bytes(merge(http1_talk(clock), http2_talk(clock)))
    assert paths_in(audited(tmp_path, octets, capsys, "--filter", "tcp port 80"))[0].startswith("/plain?xxx")


def test_without_findings_a_file_without_packets_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A script may count on it."""
    talk = Conversation()
    proof = audited(tmp_path, pcap_bytes(talk.open()), capsys)
    assert shown(proof) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--witnesses", "-"), "--witnesses -: packets go to a file; name one, for example --witnesses proof.pcapng"),
        (("--witnesses", "/nonexistent/a.pcapng"), "/nonexistent/a.pcapng: can't be written: there is no folder"),
        (("--witnesses", "one.out", "--output", "one.out"), "--output and --witnesses would both be written to"),
        (("--witnesses", TOUR), "that is a capture which is read; name another file"),
    ],
)
def test_mistakes_are_one_sentence(options: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is read."""
    done = ran(capsys, "audit", TOUR, *options)
    assert (done.status, done.out) == (Exit.USAGE, "")
    assert sentence in done.err


# --- as tshark shows it ---


def told_by_tshark(proof: Path, shows: str, fields: list[str], ports: set[int]) -> list[list[str]]:
    """Return fields of the packets that a display filter shows, several of one packet apart."""
    decode = [word for port in sorted(ports) for word in ("-d", f"tcp.port=={port},http2")]
    named = [word for name in fields for word in ("-e", name)]
    done = subprocess.run(
        ["tshark", "-n", "-r", proof, *decode, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
         "-Y", shows, "-T", "fields", "-E", "aggregator=;", *named],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [line.split("\t") for line in done.stdout.splitlines()]


def proven(report: dict[str, Any]) -> tuple[Counter[tuple[Any, ...]], Counter[tuple[Any, ...]]]:
    """Return the requests of the findings of a report, those of HTTP/1 and those of HTTP/2: client port, path."""
    requests: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    waiting = [witness for finding in report["findings"] for witness in finding["witnesses"]]
    while waiting:
        witness = waiting.pop()
        place = tuple(witness[key] for key in ("packet", "time", "client_port", "stream", "request_line"))
        requests[place] = (witness["client_port"], witness["request_line"].partition(" ")[2], witness["stream"])
        if witness.get("cause"):
            waiting.append(witness["cause"])
    plain = Counter(request[:2] for request in requests.values() if request[2] is None)
    return plain, Counter(request[:2] for request in requests.values() if request[2] is not None)


SHOWN = (
    "tour.pcap", "h1-clients.pcap.gz", "envoy.pcap.gz", "grpc-midstream.pcap.gz", "ipv6.pcap", "any-switch-sll2.pcap",
    "pcapng-2if.pcapng", "gre.pcap.gz", "geneve.pcap.gz", "vxlan-fragments.pcap.gz",
)  # fmt: skip
"""One of a kind: versions of IP and of HTTP, link types, tunnels, fragments, connections joined late."""


@pytest.mark.skipif(bool(lacking(("tshark",))), reason="needs tshark (Debian: tshark)")
@pytest.mark.parametrize("name", SHOWN)
def test_tshark_shows_the_requests_of_the_findings_and_no_others(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With right checksums, and nothing that is malformed."""
    proof = tmp_path / "proof.pcapng"
    done = ran(capsys, "audit", PCAPS / name, "--format", "json", "--witnesses", proof)
    report = json.loads(done.out)
    plain, of_streams = proven(report)
    ports = {
        witness["server_port"]
        for finding in report["findings"]
        for witness in finding["witnesses"]
        if witness["stream"] is not None
    }
    told = told_by_tshark(proof, "http.request", ["tcp.srcport", "http.request.uri", "http.request.method"], ports)
    assert Counter((int(port), uri.partition("?")[0]) for port, uri, method in told if method != "PRI") == plain
    told = told_by_tshark(proof, "http2.headers.method", ["tcp.srcport", "http2.headers.path"], ports)
    shown_paths = [(int(port), path.partition("?")[0] or "?") for port, paths in told for path in paths.split(";")]
    assert Counter(shown_paths) == of_streams
    wrong = "tcp.checksum.status == bad or ip.checksum.status == bad or _ws.malformed"
    assert told_by_tshark(proof, wrong, ["frame.number"], ports) == []


# --- live ---


class Answers(BaseHTTPRequestHandler):
    """Answers everything, with a secret."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Set-Cookie", SET_COOKIE.decode())
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[int]:
    """Serve on loopback meanwhile; give the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    with suppress(OSError):
        yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("ip") is None, reason="captures: needs root")
def test_a_live_session_leaves_its_proof(tmp_path: Path) -> None:
    """The first three requests, with their handshakes and answers, and no secret."""
    proof, policy = tmp_path / "proof.pcapng", tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    with serving() as port:
        command = [sys.executable, "-m", "wiresniff", "watch", "-i", "lo", "--listen", "none", "--policy", policy]
        command += ["--filter", f"tcp port {port}", "--witnesses", proof]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            while "capture-up" not in process.stderr.readline():
                pass
            fields = {name: value.decode() for name, value in SECRETS.items()}
            for number in range(5):
                asked = urllib.request.Request(f"http://127.0.0.1:{port}/live/{number}?p=x", headers=fields)
                urllib.request.urlopen(asked, timeout=10).read()  # noqa: S310
            process.terminate()
            _, said = process.communicate(timeout=20)
    assert "15 packets of 3 requests that prove findings" in said
    assert paths_in(proof) == ["/live/0?xxx", "/live/1?xxx", "/live/2?xxx"]
    assert [secret for secret in ALL_SECRETS if secret in proof.read_bytes()] == []
    assert all(packet.comment.endswith("the original was live traffic") for packet in shown(proof))
