"""Tunnels that are one network: proven by packets, never guessed, and joined the same way by the plain loop."""

from collections.abc import Sequence

import numpy as np
import pytest
from builders import Clock, Conversation, Packet, ip_packet, request, response, udp_datagram
from builders import link_frame as framed
from capture_auditing import Audited, fed
from hypothesis import given
from hypothesis import strategies as st
from oracles import decode as oracle
from oracles.networks import joined
from stage_feeding import Sizes, cut_into

from wiresniff.decode import networks
from wiresniff.decode.endpoints import hash_endpoints, multipliers
from wiresniff.decode.networks import Networks
from wiresniff.decode.segments import COLUMNS, Segments
from wiresniff.model import limits

A, B = ("10.244.1.5", 40_000), ("10.244.2.7", 80)
NODES = ("192.0.2.1", "192.0.2.2")
SECRET = multipliers(7)


def vxlan(packet: Packet, network: int, port: int = 8472) -> Packet:
    """Put a packet into a tunnel between two nodes, a microsecond later."""
    header = bytes((8, 0, 0, 0)) + (network << 8).to_bytes(4)
    datagram = udp_datagram((NODES[0], 50_000), (NODES[1], port), header + packet.data)
    return Packet(framed(ip_packet(*NODES, 17, datagram)), packet.time_ns + 1000)


def talk_of(number: int = 0, requests: int = 3, clock: Clock | None = None, *, opened: bool = True) -> Conversation:
    """Make a conversation whose sequence numbers are its own."""
    talk = Conversation((A[0], A[1] + number), B, clock or Clock(), 7919 * number + 1000, 104_729 * number + 5000)
    if opened:
        talk.open()
    for which in range(requests):
        talk.client_sends(request("GET", f"/{number}/{which}"))
        talk.server_sends(response(200, body=b"yes"))
    return talk


def is_request(talk: Conversation, packet: Packet) -> bool:
    """Say which way a packet goes."""
    return packet.data[26:30] == bytes(int(part) for part in talk.client[0].split("."))


def audit(packets: Sequence[Packet], sizes: Sizes = None) -> Audited:
    """Audit packets in blocks of any size."""
    return fed(cut_into(list(packets), sizes))


def paths(result: Audited) -> list[str]:
    """Return the paths of the requests, in order of time; each must have its answer. Of one joined late, none."""
    assert {record.get("http.response.status_code") for record in result.records} == {200}
    return [str(record.get("url.path")) for record in result.records]


SIZES: list[Sizes] = [None, 1, 3]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("opened", [True, False])
def test_a_packet_seen_in_its_tunnel_and_without_counts_once(sizes: Sizes, *, opened: bool) -> None:
    """On all interfaces of a node: requests are seen on the pod's first, answers in the tunnel first."""
    talk = talk_of(opened=opened)
    packets = []
    for packet in talk.packets:
        pair = [packet, vxlan(packet, 7)]
        packets += pair if is_request(talk, packet) else [vxlan(packet, 7), packet]
    assert paths(audit(packets, sizes)) == ["/0/0" if opened else "None", "/0/1", "/0/2"]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("opened", [True, False])
def test_directions_with_different_numbers_are_one_connection(sizes: Sizes, *, opened: bool) -> None:
    """Cilium numbers packets by their sender: a request and its answer have different identifiers."""
    talk = talk_of(opened=opened)
    packets = [vxlan(packet, 1111 if is_request(talk, packet) else 2222) for packet in talk.packets]
    assert paths(audit(packets, sizes)) == ["/0/0" if opened else "None", "/0/1", "/0/2"]


def test_an_answer_without_a_tunnel_is_found() -> None:
    """A balancer's tunnel is for requests only; servers answer directly."""
    talk = talk_of()
    packets = []
    for packet in talk.packets:
        outer = framed(ip_packet(*NODES, 4, packet.data[14:]))
        packets.append(Packet(outer, packet.time_ns) if is_request(talk, packet) else packet)
    assert paths(audit(packets)) == ["/0/0", "/0/1", "/0/2"]


@pytest.mark.parametrize("sizes", SIZES)
def test_tenants_with_equal_addresses_stay_apart(sizes: Sizes) -> None:
    """The same addresses and ports in two networks of an overlay, at the same time: two connections."""
    clock = Clock()
    one, two = talk_of(0, clock=clock), talk_of(0, requests=2, clock=clock)
    two.packets = talk_of(1, requests=2).packets
    for packet in two.packets:
        packet.data = packet.data.replace((A[1] + 1).to_bytes(2), A[1].to_bytes(2), 1)
    packets = [packet for pair in zip(one.packets, two.packets, strict=False) for packet in pair]
    numbers = [7, 8] * (len(packets) // 2) + [7] * (len(one.packets) - len(packets) // 2)
    packets += one.packets[len(packets) // 2 :]
    wrapped = [vxlan(packet, number) for packet, number in zip(packets, numbers, strict=True)]
    result = audit(sorted(wrapped, key=lambda packet: packet.time_ns), sizes)
    assert sorted(paths(result)) == ["/0/0", "/0/1", "/0/2", "/1/0", "/1/1"]


def test_tenants_with_equal_numbers_stay_apart() -> None:
    """Even with the same sequence numbers: each answer has a question in its own network."""
    packets = [vxlan(packet, number) for packet in talk_of().packets for number in (7, 8)]
    assert len(paths(audit(packets))) == 6
    assert audit(packets).audit.accounting.counts["connections"] == 2


NUMBERS = st.sampled_from((0, 0, 1, 2, 2**32 - 1))
DOMAINS = (0, 5, 2**31, 2**31 + 1, 2**31 + 2)


@st.composite
def rows(draw: st.DrawFn) -> list[tuple[oracle.Row, int]]:
    """Make segments with few different numbers, so that many are alike or answer each other; and their times."""
    made, time_ns = [], 0
    for number in range(draw(st.integers(0, 20))):
        key = (b"a" * 16, b"b" * 16, 1, draw(st.sampled_from((80,) * 9 + (81,))), draw(st.sampled_from(DOMAINS)))
        flags = draw(st.sampled_from((0x10, 0x10, 0x10, 0x10, 0x02, 0x02, 0x12, 0x12, 0x11, 0x04)))
        numbers = draw(NUMBERS), draw(NUMBERS), flags
        row = oracle.Row(
            number, 0, key, draw(st.booleans()), *numbers, bytes(draw(st.integers(0, 2))), draw(st.integers(0, 1))
        )
        time_ns += draw(st.sampled_from((1, 1, 10**9, 9 * 10**9)))
        made.append((row, time_ns))
    return made


def segments_of(some: Sequence[oracle.Row]) -> Segments:
    """Return rows as columns."""
    endpoints = np.array([row.key for row in some], dtype=COLUMNS["endpoints"])
    columns = {
        "packet_rows": range(len(some)), "endpoints": endpoints, "from_high": [row.from_high for row in some],
        "connection_hash": hash_endpoints(endpoints, SECRET), "sequence": [row.sequence for row in some],
        "acknowledgement": [row.acknowledgement for row in some], "flags": [row.flags for row in some],
        "payload_at": [0] * len(some), "payload_length": [len(row.payload) for row in some],
        "cut_length": [row.cut_length for row in some],
    }  # fmt: skip
    return Segments(**{name: np.array(values, dtype=COLUMNS[name]) for name, values in columns.items()})


@given(rows(), st.integers(1, 20))
def test_any_segments_are_joined_as_the_plain_loop_does(drawn: list[tuple[oracle.Row, int]], size: int) -> None:
    """Blocks of any size; keys and hashes are those of the network."""
    joiner = Networks(SECRET)
    found: list[int] = []
    for start in range(0, len(drawn), size):
        some = drawn[start : start + size]
        segments = segments_of([row for row, _ in some])
        joiner.join(segments, np.array([time_ns for _, time_ns in some], dtype=np.int64))
        assert segments.connection_hash.tolist() == hash_endpoints(segments.endpoints, SECRET).tolist()
        found += segments.endpoints["domain"].tolist()
    expected = joined([row for row, _ in drawn], [time_ns for _, time_ns in drawn])
    assert found == [row.key[4] for row in expected]


def test_of_many_segments_few_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the first ones one in 1024, the same whether in the tunnel or not: what comes later is still joined."""
    monkeypatch.setattr(networks, "ALL_LOOKED_AT", 100)
    joiner = Networks(SECRET)
    key = (b"a" * 16, b"b" * 16, 1, 80)

    def rows_of(domain: int, first: int, count: int) -> list[oracle.Row]:
        return [
            oracle.Row(0, 0, (*key, domain), True, 10 * at, 5, 16, bytes(10), 0) for at in range(first, first + count)
        ]

    joiner.join(segments_of(rows_of(2**31, 0, 200)), np.zeros(200, np.int64))
    pairs = [row for pair in zip(rows_of(0, 200, 4000), rows_of(2**31, 200, 4000), strict=True) for row in pair]
    segments = segments_of(pairs)
    looked_at = len(joiner._rows_of_interest(segments, 0))
    assert 4 < looked_at < 60
    joiner.join(segments, np.zeros(8000, np.int64))
    assert segments.endpoints["domain"][-1] == 0
    assert segments.endpoints["domain"][1] == 2**31


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sights, questions and networks beyond the limits are forgotten or stay apart, and that is counted."""
    monkeypatch.setattr(limits, "TUNNELS", 3)
    monkeypatch.setattr(limits, "TUNNEL_SIGHTS", 10)
    joiner = Networks(SECRET)
    for tunnel in range(8):
        pair = [
            oracle.Row(0, 0, (b"a" * 16, b"b" * 16, 1, 80, domain), True, 100 * tunnel, 5, 16, b"x", 0)
            for domain in (2**31 + tunnel, 0)
        ]
        joiner.join(segments_of(pair), np.zeros(2, np.int64))
    assert joiner.anomalies == {"too-many-tunnels": 5}
    assert len(joiner._seen) == 8
    sequence = [
        oracle.Row(0, 0, (b"a" * 16, b"b" * 16, 1, 80, 2**31), True, 10_000 + at, 5, 16, b"x", 0) for at in range(50)
    ]
    joiner.join(segments_of(sequence), np.zeros(50, np.int64))
    assert (len(joiner._seen), len(joiner._asked)) == (10, 10)
    assert joiner.evictions["tunnel-sights"] == 2 * (8 + 50 - 10)
    late = np.full(50, 60 * 10**9)
    before = joiner.evictions["tunnel-sights"]
    joiner.join(segments_of([row._replace(sequence=row.sequence + 1000) for row in sequence[:9]]), late[:9])
    assert joiner.evictions["tunnel-sights"] == before  # a minute later nothing could have come of them


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(("between", "is_found"), [(0, True), (63, True), (64, False)])
def test_what_came_just_before_the_first_tunnel_is_looked_at(size: int, between: int, *, is_found: bool) -> None:
    """The first packet in a tunnel may have been seen without, up to 64 segments ago, in blocks of any size."""
    key = (b"a" * 16, b"b" * 16, 1, 80)
    plain = [oracle.Row(0, 0, (*key, 0), True, 1000 * at, 5, 16, b"x", 0) for at in range(1, 100 + 1)]
    seen = oracle.Row(0, 0, (*key, 0), True, 7, 5, 16, b"x", 0)
    drawn = [*plain, seen, *plain[:between], seen._replace(key=(*key, 2**31))]
    joiner = Networks(SECRET)
    found: list[int] = []
    for start in range(0, len(drawn), size):
        segments = segments_of(drawn[start : start + size])
        joiner.join(segments, np.zeros(len(segments.packet_rows), np.int64))
        found += segments.endpoints["domain"].tolist()
    assert found[-1] == (0 if is_found else 2**31)
    assert found == [row.key[4] for row in joined(drawn, [0] * len(drawn))]
