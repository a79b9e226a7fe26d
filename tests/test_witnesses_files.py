"""Witness files of conversations: the packets of the requests that prove findings, and no others."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from builders import (
    ACK,
    SYN,
    Clock,
    Conversation,
    Packet,
    merge,
    packet_block,
    pcap_bytes,
    request,
    response,
    traceparent,
)
from http2_frames import Talk, data
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies.damage import damaged
from witness_reading import forms_of, http2_requests, paths_in, shown

from wiresniff.capture import CaptureFile, capture_points
from wiresniff.capture.records import Interface
from wiresniff.model.accounting import Accounting
from wiresniff.model.audit import Audit, CaptureSummary
from wiresniff.model.policy import Keep, Policy, Privacy, Threshold
from wiresniff.pipeline import Pipeline
from wiresniff.stages import Entrance
from wiresniff.witnesses.captured import locate
from wiresniff.witnesses.handshakes import Handshakes
from wiresniff.witnesses.second_pass import read_again
from wiresniff.witnesses.window import Window
from wiresniff.witnesses.witness_file import causes_of, render

EVERYTHING = Policy(thresholds=(Threshold(missing_ratio=0.0, min_requests=1),))
PRIVATE = "s3cret-of-somebody-who-trusts-us"
LATEST_NS = 2**32 * 10**9 - 1
"""That a classic capture file can say."""
GOOD = [("traceparent", traceparent(1))]


def captures(folder: Path, *files: Sequence[Packet]) -> list[Path]:
    """Write packets as capture files."""
    paths = [folder / f"{number}.pcap" for number in range(len(files))]
    for path, packets in zip(paths, files, strict=True):
        path.write_bytes(pcap_bytes(packets, nanoseconds=True))
    return paths


def opened(paths: Sequence[Path], block_packets: int | None = None) -> list[CaptureFile]:
    """Name capture files."""
    return [CaptureFile(str(path), number, block_packets=block_packets) for number, path in enumerate(paths)]


def proven(
    paths: Sequence[Path], *, block_packets: int | None = None, passes_once: bool = False, is_whole: bool = True
) -> Path:
    """Audit files, and write what proves the findings."""
    pipeline, window = Pipeline(EVERYTHING, quarantines=False), Window(EVERYTHING.privacy)
    pipeline.take_witnessed()
    for point, block in capture_points(opened(paths, block_packets)):
        pipeline.feed(point, block)
        window.feed(point, block)
        window.find(pipeline.take_witnessed())
    pipeline.close()
    window.find(pipeline.take_witnessed())
    causes = causes_of(pipeline.audit([CaptureSummary(str(path), "pcap") for path in paths]).findings)
    again = read_again(opened(paths, block_packets), causes, EVERYTHING.privacy, 2)
    written = render(causes, window.proofs if passes_once else again, lambda number: paths[number].name)
    assert written.requests == len(causes) or not is_whole
    proof = paths[0].with_suffix(".pcapng")
    proof.write_bytes(written.octets)
    return proof


@pytest.fixture(params=["read again", "packet by packet", "passes once"])
def how(request: pytest.FixtureRequest) -> dict[str, object]:
    """Return how captures are read."""
    ways = {"read again": {}, "packet by packet": {"block_packets": 1}, "passes once": {"passes_once": True}}
    return dict(ways[request.param])


def test_requests_that_prove_nothing_are_not_in_the_file(tmp_path: Path, how: dict[str, object]) -> None:
    """Of three on one connection, the one in the middle lacks its traceparent."""
    talk = Conversation()
    talk.open()
    for path, fields in (("/a", GOOD), ("/b", []), ("/c", GOOD)):
        talk.client_sends(request("GET", path, fields=fields))
        talk.server_sends(response(200, body=b"secret"))
    proof = proven(captures(tmp_path, talk.packets), **how)
    assert paths_in(proof) == ["/b"]
    assert [packet.octets[47] for packet in shown(proof)] == [SYN, SYN | ACK, ACK, 24, 24]


def test_each_packet_says_what_it_proves(tmp_path: Path, how: dict[str, object]) -> None:
    """The finding, the pair, what is wrong, what was done to the packet, and where the original is."""
    talk = Conversation()
    talk.open()
    talk.client_sends(request("GET", "/a"))
    talk.server_sends(response(404))
    proof = proven(captures(tmp_path, talk.packets), **how)
    handshake, *_, asked, answered = shown(proof)
    for packet in (handshake, asked, answered):
        finding = packet.comment.splitlines()[0]
        assert finding.startswith("context-missing (error), request: 10.0.0.1 -> shop.example: 10.0.0.1 calls")
    assert handshake.comment.splitlines()[1:] == ["handshake of its connection", "the original is packet 1 of 0.pcap"]
    assert asked.comment.splitlines()[1].startswith("request head: values that the audit doesn't read are overwritten")
    assert asked.comment.splitlines()[2] == "the original is packet 4 of 0.pcap"
    assert asked.time_ns == talk.packets[3].time_ns
    assert (asked.link_type, asked.snap_length) == (1, 0 if how.get("passes_once") else 262_144)
    assert answered.octets.endswith(b"HTTP/1.1 404 \r\ncontent-length: 0\r\n\r\n")


def test_a_head_of_several_segments_is_whole_whatever_became_of_them(tmp_path: Path, how: dict[str, object]) -> None:
    """Out of order, sent again, overlapping: each byte once, in the packet that brought it first, in order."""
    talk = Conversation(client_sequence=2**32 - 60)
    talk.open()
    asked = request("GET", "/long", fields=[("Cookie", "secret" * 20), ("X-Last", "secret")])
    first, second, third = asked[:50], asked[50:100], asked[100:]
    talk.client_sends(first)
    talk.client_sends(third, position=100)
    talk.client_sends(first, position=0)
    talk.client_sends(second[10:] + third[:20], position=60)
    talk.client_sends(second, position=50)
    talk.client_sent = len(asked)
    talk.server_sends(response(200))
    proof = proven(captures(tmp_path, talk.packets), **how)
    assert paths_in(proof) == ["/long"]
    sent = b"".join(packet.octets[54:] for packet in shown(proof)[3:-1])
    assert len(sent) == len(asked)
    assert sent.startswith(b"GET /long HTTP/1.1\r\nHost: shop.example\r\nCookie: xxx")


def test_a_head_is_cut_out_of_what_lies_around_it_in_its_packet(tmp_path: Path, how: dict[str, object]) -> None:
    """The end of a body before it, its own body, and another request behind."""
    talk = Conversation()
    talk.open()
    body = b"secret" * 5
    before = request("POST", "/before", fields=GOOD, body=body)
    talk.client_sends(before[:-10])
    talk.client_sends(before[-10:] + request("POST", "/b", body=body) + request("GET", "/behind", fields=GOOD))
    talk.server_sends(response(200) * 3)
    proof = proven(captures(tmp_path, talk.packets), **how)
    assert paths_in(proof) == ["/b"]
    assert shown(proof)[3].octets[54:].startswith(b"POST /b HTTP/1.1\r\n")
    assert b"secret" not in proof.read_bytes()


def test_two_requests_of_one_packet_are_two_packets(tmp_path: Path, how: dict[str, object]) -> None:
    """Each with its own comment and its own place in the connection."""
    talk = Conversation()
    talk.open()
    talk.client_sends(request("GET", "/a") + request("GET", "/a") + request("GET", "/b"))
    talk.server_sends(response(200) * 3)
    assert paths_in(proven(captures(tmp_path, talk.packets), **how)) == ["/a", "/a", "/b"]


def test_ports_that_are_used_again_are_told_apart(tmp_path: Path, how: dict[str, object]) -> None:
    """Each request comes with the handshake of its own connection."""
    clock = Clock()
    first, second = Conversation(clock=clock), Conversation(clock=clock, client_sequence=900_000)
    for talk, path in ((first, "/first"), (second, "/second")):
        talk.open()
        talk.client_sends(request("GET", path))
        talk.server_sends(response(200))
        talk.close()
        clock.wait(20)
    proof = proven(captures(tmp_path, merge(first, second)), **how)
    assert paths_in(proof) == ["/first", "/second"]
    opening = [packet for packet in shown(proof) if packet.octets[47] == SYN]
    assert [int.from_bytes(packet.octets[38:42]) for packet in opening] == [1000, 900_000]


def test_a_request_on_a_syn_is_found(tmp_path: Path, how: dict[str, object]) -> None:
    """Data on SYN follow it (RFC 7413): the handshake is shown without, the request as a packet of its own."""
    talk = Conversation()
    asked = request("GET", "/early")
    talk.segment(asked, from_client=True, flags=SYN, position=-1)
    talk.client_sent = len(asked)
    talk.segment(from_client=False, flags=SYN | ACK, position=-1)
    talk.server_sends(response(200))
    assert paths_in(proven(captures(tmp_path, talk.packets), **how)) == ["/early"]


def test_a_capture_in_two_files_is_one(tmp_path: Path, how: dict[str, object]) -> None:
    """The handshake in the first, a head that begins there and goes on in the second."""
    talk = Talk().begin()
    talk.client_sends(talk.asks(1, "/compressed", 1))
    talk.server_sends(talk.answers(1, 200, end=True))
    cut_at = len(talk.packets)
    talk.client_sends(talk.asks(3, "/compressed", None))
    talk.server_sends(talk.answers(3, 200, end=True))
    asked = request("GET", "/split", fields=[("Cookie", "secret" * 9)])
    plain = Conversation(client=("10.0.0.3", 4000), clock=talk.clock)
    plain.open()
    plain.client_sends(asked[:40])
    talk.clock.wait(1)
    plain.client_sends(asked[40:])
    plain.server_sends(response(200))
    files = [talk.packets[:cut_at], [*talk.packets[cut_at:], *plain.packets[:4]], plain.packets[4:]]
    proof = proven(captures(tmp_path, *files), **how)
    assert paths_in(proof) == ["/compressed", "/split"]
    origins = [packet.comment.rpartition("packet ")[2] for packet in shown(proof)]
    assert origins == [
        *(f"{number} of 0.pcap" for number in (1, 2, 3)),
        *(f"{number} of 1.pcap" for number in (1, 2, 3, 4, 5, 6)),
        *(f"{number} of 2.pcap" for number in (1, 2)),
    ]


def test_a_compressed_head_can_be_read_without_what_it_was_compressed_against(
    tmp_path: Path, how: dict[str, object]
) -> None:
    """Numbers are those of the file: what was left out between two requests leaves no gap."""
    talk = Talk().begin()
    for stream, number in ((1, 1), (3, None), (5, 1), (7, None)):
        talk.client_sends(talk.calls(stream, "/shop.Cart/Add", number, length=500))
        talk.server_sends(talk.returns(stream, 5 if stream == 7 else 0))
    proof = proven(captures(tmp_path, talk.packets), **how)
    read = http2_requests(proof)
    assert [(record["wiresniff.stream"], record["rpc.method"]) for record in read] == [(3, "Add"), (7, "Add")]
    assert [record["wiresniff.verdict"] for record in read] == ["missing", "missing"]
    assert [record["http.response.status_code"] for record in read] == [200, 200]
    first, second = (packet for packet in shown(proof) if b"/shop.Cart/Add" in packet.octets)
    assert int.from_bytes(second.octets[38:42]) == int.from_bytes(first.octets[38:42]) + len(first.octets[54:])
    assert "header block rewritten without compression" in second.comment
    assert second.comment.endswith("the original is packet 13 of 0.pcap")


def test_streams_of_one_packet_are_told_apart(tmp_path: Path, how: dict[str, object]) -> None:
    """A client may send many heads at once."""
    talk = Talk().begin()
    talk.client_sends(talk.asks(1, "/a", None) + talk.asks(3, "/b", 1) + talk.asks(5, "/c", None) + data(9, b"secret"))
    talk.server_sends(b"".join(talk.answers(stream, 200, end=True) for stream in (1, 3, 5)))
    assert paths_in(proven(captures(tmp_path, talk.packets), **how)) == ["/a", "/c"]


def test_without_findings_the_file_is_empty() -> None:
    """It opens all the same."""
    written = render(causes_of(Audit(accounting=Accounting()).findings), [], str)
    assert (written.packets, written.requests, written.missing) == (0, 0, 0)
    assert len(written.octets) % 4 == 0


# --- what passes once ---


def test_what_has_passed_out_of_the_window_is_said_to_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that is judged long after its packets passed can't be shown."""
    monkeypatch.setattr("wiresniff.model.limits.WITNESS_WINDOW_BYTES", 4096)
    talk = Conversation()
    talk.open()
    talk.client_sends(request("GET", "/slow"))
    for _ in range(40):
        talk.clock.wait(1)
        talk.server_sends(b"HTTP/1.1 100 Continue\r\n\r\n")
    talk.server_sends(response(200))
    [path] = captures(tmp_path, talk.packets)
    pipeline, window = Pipeline(EVERYTHING), Window(EVERYTHING.privacy)
    pipeline.take_witnessed()
    for block in opened([path], block_packets=2)[0]:
        pipeline.feed(0, block)
        window.feed(0, block)
        window.find(pipeline.take_witnessed())
    causes = causes_of(pipeline.audit([]).findings)
    written = render(causes, window.proofs, str)
    assert (written.requests, written.missing) == (0, 1)


def test_a_stricter_policy_gives_up_what_was_masked_before(tmp_path: Path) -> None:
    """Nothing that the policy in force forbids is written."""
    talk = Conversation()
    talk.open()
    talk.client_sends(request("GET", "/a"))
    talk.server_sends(response(200))
    pipeline, window = Pipeline(EVERYTHING), Window(EVERYTHING.privacy)
    pipeline.take_witnessed()
    for block in opened(captures(tmp_path, talk.packets))[0]:
        pipeline.feed(0, block)
        window.feed(0, block)
        window.find(pipeline.take_witnessed())
    assert len(window.proofs) == 1
    window.adopt(EVERYTHING.privacy)
    assert len(window.proofs) == 1
    window.adopt(Privacy(ids=Keep.HASH))
    assert window.proofs == []


def test_handshakes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of SYN makes the oldest go, and is counted."""
    monkeypatch.setattr("wiresniff.model.limits.WITNESS_HANDSHAKES", 10)
    talks = [Conversation(client=("10.0.0.1", 1000 + number)) for number in range(30)]
    for talk in talks:
        talk.open()
    entrance = Entrance(Accounting().anomalies)
    located, _ = locate(
        0, packet_block([packet for talk in talks for packet in talk.packets]), entrance, [Interface(1)]
    )
    handshakes = Handshakes()
    handshakes.see(located)
    assert handshakes.dropped == 20
    newest, oldest = located.key(len(located.segments) - 1), located.key(0)
    assert len(handshakes.of(newest, 1001, 2**62)) == 3
    assert handshakes.of(oldest, 1001, 2**62) == ()


def test_there_is_room_for_so_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond, requests are left out and the file says nothing false."""
    monkeypatch.setattr("wiresniff.model.limits.WITNESS_FILE_BYTES", 700)
    talk = Conversation()
    talk.open()
    for path in ("/a", "/b", "/c"):
        talk.client_sends(request("GET", path))
        talk.server_sends(response(200))
    paths = captures(tmp_path, talk.packets)
    pipeline = Pipeline(EVERYTHING)
    for block in opened(paths)[0]:
        pipeline.feed(0, block)
    pipeline.close()
    causes = causes_of(pipeline.audit([]).findings)
    written = render(causes, read_again(opened(paths), causes, EVERYTHING.privacy, 2), str)
    assert written.requests + written.missing == 3
    assert 0 < written.missing < 3


# --- hostile input ---


def spoken() -> list[Packet]:
    """Say a few requests of both versions of HTTP, with secrets."""
    clock = Clock()
    talk, streams = Conversation(clock=clock), Talk(client=("10.0.0.7", 41_000), clock=clock).begin()
    talk.open()
    for number in range(3):
        talk.client_sends(request("POST", f"/{number}", fields=[("Cookie", PRIVATE)], body=PRIVATE.encode()), mss=60)
        talk.server_sends(response(200, body=PRIVATE.encode()))
        stream = 2 * number + 1
        streams.client_sends(streams.asks(stream, "/h2", None, fields=[("cookie", PRIVATE)]))
        streams.server_sends(streams.answers(stream, 200) + data(stream, PRIVATE.encode(), end=True))
    return merge(talk, streams)


@given(drawn=st.data())
@settings(max_examples=60, deadline=None)
def test_damage_raises_nothing_and_tells_nothing(
    tmp_path_factory: pytest.TempPathFactory, drawn: st.DataObject
) -> None:
    """Whatever becomes of packets: a file is written, and no value is in it that may not be."""
    folder = tmp_path_factory.mktemp("damaged")
    packets = drawn.draw(damaged(spoken()))
    for packet in packets:
        packet.time_ns = min(max(packet.time_ns, 0), LATEST_NS)
    for passes_once in (False, True):
        octets = proven(captures(folder, packets), passes_once=passes_once, is_whole=False).read_bytes()
        assert PRIVATE.encode() not in octets
        assert forms_of(PRIVATE.encode())[1] not in octets
