"""Each kernel of the decoder against the plain loop, over headers at any position."""

import struct
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import decode as oracle
from strategies.packets import ADDRESSES_4, ADDRESSES_6, OPAQUE, PORTS

from wiresniff.decode import headers, link, tunnels, udp
from wiresniff.decode.cursor import Cursor
from wiresniff.decode.domains import Domains, Kind, fold, secret_of
from wiresniff.decode.endpoints import End, PairedColumns, multipliers, pair_ipv4, pair_ipv6
from wiresniff.decode.fragments import FragmentTable
from wiresniff.decode.ip import IpColumns, read_ipv4, read_ipv6
from wiresniff.decode.tcp import find_payload, read_tcp

I8 = "np.ndarray[tuple[int], np.dtype[np.int64]]"
Parts = list[tuple[bytes, int]]
"""Captured bytes of each packet and how many more were on the wire."""


def column(values: list[int]) -> I8:
    """Return a column."""
    return np.array(values, dtype=np.int64)


def laid_out(parts: Parts) -> tuple["np.ndarray[tuple[int], np.dtype[np.uint8]]", I8, I8, I8]:
    """Put packets into one buffer: raw, at, captured_end, wire_end."""
    raw, at = bytearray(b"\xee"), []
    for data, _ in parts:
        at.append(len(raw))
        raw += data + b"\xee"
    captured = [start + len(data) for start, (data, _) in zip(at, parts, strict=True)]
    wire = [end + more for end, (_, more) in zip(captured, parts, strict=True)]
    return np.frombuffer(bytes(raw), np.uint8), column(at), column(captured), column(wire)


def packets_of(size: int, first: st.SearchStrategy[int] | None = None) -> st.SearchStrategy[Parts]:
    """Draw packets that have at least `size` captured bytes, the first one drawn apart."""
    data = st.binary(min_size=size, max_size=size + 30)
    if first is not None:
        data = st.builds(lambda byte, rest: bytes([byte]) + rest[1:], first, data)
    return st.lists(st.tuples(data, st.integers(0, 9)), max_size=6)


@pytest.mark.parametrize("link_type", sorted(link.LINKS))
def test_link_headers(link_type: int) -> None:
    """The ethertype, and where the network header begins, for every link type in the table."""
    kind = link.LINKS[link_type]
    families = st.sampled_from([struct.pack(order + "I", n) for order in "<>" for n in (2, 7, 10, 24, 28, 30)])

    @given(st.lists(st.tuples(families, st.binary(min_size=kind.size, max_size=kind.size + 4)), max_size=6))
    def check(drawn: list[tuple[bytes, bytes]]) -> None:
        is_loopback = link_type in {headers.LINK_NULL, headers.LINK_LOOP}
        parts = [((family if is_loopback else b"") + data, 0) for family, data in drawn]
        raw, at, _, _ = laid_out(parts)
        columns = kind.read(raw, at)
        expected = []
        for data, _ in parts:
            plain = oracle.Decoder()
            plain.packet = oracle.Packet(data, len(data), link_type, 0, 1)
            ethertype, rest = plain.link(oracle.Part(data, len(data)))
            expected.append((ethertype, len(data) - len(rest.data)))
        assert list(zip(columns.ethertype.tolist(), (columns.network_at - at).tolist(), strict=True)) == expected
        assert not columns.domain.any()

    check()


@given(st.lists(st.tuples(st.sampled_from((*headers.TAGS, 0x0800, 0x0806)), st.data()), max_size=6))
def test_vlan_tags(drawn: list[tuple[int, st.DataObject]]) -> None:
    """Up to two are read; a tag that is cut, or a third, keeps its ethertype."""
    inner = st.sampled_from((*headers.TAGS, 0x0800, 0x86DD, 40))
    parts, ethertypes = [], []
    for ethertype, data in drawn:
        tags = b"".join(struct.pack("!HH", data.draw(st.integers(0, 0xFFFF)), data.draw(inner)) for _ in range(3))
        parts.append((tags[: data.draw(st.integers(0, 12))], 0))
        ethertypes.append(ethertype)
    raw, at, captured_end, _ = laid_out(parts)
    columns = link.read_tags(raw, link.LinkColumns(at, column(ethertypes), link.untagged(at)), captured_end)
    rows = zip(columns.ethertype.tolist(), (columns.network_at - at).tolist(), columns.domain.tolist(), strict=True)
    for row, (data, _), ethertype in zip(rows, parts, ethertypes, strict=True):
        plain, part = oracle.Decoder(), oracle.Part(data, len(data))
        plain.domain = 0
        for _ in range(2):
            if ethertype in headers.TAGS and len(part.data) >= 4:
                ethertype, part = plain.below_network(ethertype, part)  # noqa: PLW2901 - the loop's very point
        assert row == (ethertype, len(data) - len(part.data), plain.domain)


def agree(
    kernel: Callable[..., IpColumns],
    read: Callable[[oracle.Decoder, oracle.Part], tuple[bytes, bytes, oracle.Part]],
    parts: Parts,
) -> None:
    """Compare the rows that a kernel calls plain TCP with those in which the plain loop finds TCP."""
    raw, at, captured_end, wire_end = laid_out(parts)
    ip = kernel(raw, at, captured_end, wire_end)
    for row, (data, more) in enumerate(parts):
        plain = oracle.Decoder()
        plain.packet, plain.domain, plain.interface = oracle.Packet(data, len(data) + more, 1, 0, 1), 0, 0
        is_tcp = bool(ip.is_plain[row]) and int(ip.protocol[row]) == 6
        try:
            source, destination, segment = read(plain, oracle.Part(data, len(data) + more))
        except oracle.NoSegment:
            assert not is_tcp
            continue
        assert is_tcp
        assert source.endswith(ip.source[row : row + 1].tobytes())
        assert destination.endswith(ip.destination[row : row + 1].tobytes())
        assert int(ip.end[row] - ip.transport_at[row]) == segment.length
        assert raw[int(ip.transport_at[row]) : int(captured_end[row])].tobytes() == segment.data


@given(packets_of(20, st.sampled_from((0x45, 0x45, 0x46, 0x4F, 0x44, 0x65))), st.data())
def test_ipv4_headers(parts: Parts, data: st.DataObject) -> None:
    """Addresses, protocol and both ends of the datagram; whatever is not plain says so."""
    shaped = []
    for packet, more in parts:
        total = data.draw(st.sampled_from((len(packet), 0, 20, 19, 500)))
        fragment = data.draw(st.sampled_from((0x4000, 0x4000, 0x2000, 1)))
        fields = struct.pack("!HHHBB", total, 1, fragment, 64, data.draw(st.sampled_from((6, 6, 17))))
        shaped.append((packet[:2] + fields + packet[10:], more))
    agree(read_ipv4, oracle.Decoder.ipv4, shaped)


@given(packets_of(40, st.sampled_from((0x60, 0x6F, 0x45))), st.data())
def test_ipv6_headers(parts: Parts, data: st.DataObject) -> None:
    """Addresses, next header and both ends of the datagram."""
    shaped = []
    for packet, more in parts:
        size = data.draw(st.sampled_from((len(packet) - 40, 0, 500, 3)))
        fields = struct.pack("!HB", size, data.draw(st.sampled_from((6, 6, 17))))
        shaped.append((packet[:4] + fields + packet[7:], more))
    agree(read_ipv6, oracle.Decoder.ipv6, shaped)


@given(packets_of(20))
def test_tcp_headers(parts: Parts) -> None:
    """Every field of the fixed header."""
    raw, at, _, _ = laid_out(parts)
    tcp = read_tcp(raw, at)
    ports, numbers = (tcp.source_port, tcp.destination_port), (tcp.sequence, tcp.acknowledgement)
    rows = zip(*ports, *numbers, tcp.header_length // 4, tcp.flags, strict=True)
    expected = [struct.unpack("!HHIIBB", data[:14]) for data, _ in parts]
    assert [tuple(map(int, row)) for row in rows] == [(*row[:4], row[4] >> 4, row[5]) for row in expected]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 60), st.integers(0, 60)), max_size=8))
def test_payload_is_what_was_captured_and_the_rest_is_cut(drawn: list[tuple[int, int, int]]) -> None:
    """A header's end, the captured end before or behind it, the datagram's end behind the header."""
    header_end = column([at for at, _, _ in drawn])
    captured_end = column([captured for _, captured, _ in drawn])
    end = column([at + more for at, _, more in drawn])
    payload = find_payload(header_end, captured_end, end)
    for row, (at, captured, more) in enumerate(drawn):
        there = [byte for byte in range(at, at + more) if byte < captured]
        assert int(payload.length[row]) == len(there)
        assert int(payload.cut[row]) == more - len(there)
        assert int(payload.at[row]) == (there[0] if there else min(at, captured))


Ends = list[tuple[bytes, bytes, int, int, int]]


def ends_of(addresses: tuple[bytes, ...]) -> st.SearchStrategy[Ends]:
    """Draw ends of segments: few addresses and ports, so that many are equal; few domains."""
    size = len(addresses[0])
    address = st.one_of(st.sampled_from(addresses), st.binary(min_size=size, max_size=size))
    port = st.sampled_from(PORTS)
    return st.lists(st.tuples(address, address, port, port, st.sampled_from((0, 0, 5, 2**32 - 1))), max_size=8)


def check_pairs(paired: PairedColumns, drawn: Ends, prefix: bytes) -> None:
    """Compare with ordering the ends as tuples, and hashing the key word by word."""
    secret = [int(number) for number in multipliers(7)]
    for row, (source, destination, source_port, destination_port, domain) in enumerate(drawn):
        one, other = (prefix + source, source_port), (prefix + destination, destination_port)
        low, high = min(one, other), max(one, other)
        key = (low[0], high[0], low[1], high[1], domain)
        assert paired.endpoints[row].tobytes() == key[0] + key[1] + struct.pack("!HHI", *key[2:])
        assert bool(paired.from_high[row]) == (one > other)
        assert int(paired.connection_hash[row]) == oracle.connection_hash(key, secret)


@given(ends_of(ADDRESSES_4))
def test_ends_of_ipv4_segments(drawn: Ends) -> None:
    """Ordered by address, then port; IPv4 is mapped into 16 bytes."""
    source, destination = (np.frombuffer(b"".join(row[end] for row in drawn), ">u4") for end in (0, 1))
    domain = np.array([row[4] for row in drawn], np.uint32)
    ports = column([row[2] for row in drawn]), column([row[3] for row in drawn])
    paired = pair_ipv4(End(source, ports[0]), End(destination, ports[1]), domain, multipliers(7))
    check_pairs(paired, drawn, headers.IPV4_MAPPED)


@given(ends_of(ADDRESSES_6))
def test_ends_of_ipv6_segments(drawn: Ends) -> None:
    """Ordered as bytes, then by port."""
    source, destination = (np.frombuffer(b"".join(row[end] for row in drawn), "V16") for end in (0, 1))
    domain = np.array([row[4] for row in drawn], np.uint32)
    ports = column([row[2] for row in drawn]), column([row[3] for row in drawn])
    paired = pair_ipv6(End(source, ports[0]), End(destination, ports[1]), domain, multipliers(7))
    check_pairs(paired, drawn, b"")


def test_low_bits_of_the_hash_spread() -> None:
    """Connections of one client fall evenly into 8 shares by the lowest bits."""
    ports = np.arange(8000, dtype=np.int64) + 1024
    client = End(np.full(8000, 0x0A000001, ">u4"), ports)
    server = End(np.full(8000, 0x0A000002, ">u4"), np.full(8000, 80))
    paired = pair_ipv4(client, server, np.zeros(8000, np.uint32), multipliers(7))
    shares = np.bincount((paired.connection_hash % np.uint64(8)).astype(np.int64), minlength=8)
    assert shares.min() > 850
    assert len(np.unique(paired.connection_hash)) == 8000


@given(packets_of(8), st.data())
def test_tunnels_over_udp(parts: Parts, data: st.DataObject) -> None:
    """The network's number, what is inside and where: whatever the bytes, the plain loop finds the same."""
    port = data.draw(st.sampled_from(sorted(tunnels.TUNNELS)))
    firsts = [data.draw(st.sampled_from((8, 0, 2, 0x0F, 0x48, 0xFF))) for _ in parts]
    parts = [(bytes([first]) + packet[1:], more) for first, (packet, more) in zip(firsts, parts, strict=True)]
    raw, at, captured_end, wire_end = laid_out(parts)
    read = tunnels.TUNNELS[port].read(raw, at)
    is_enterable = tunnels.is_enterable(read, captured_end, wire_end)
    inner = tunnels.read_inner(raw, read.only(is_enterable), link.untagged(at[is_enterable]))
    found = list(zip(inner.ethertype.tolist(), inner.network_at.tolist(), strict=True))
    for row, (packet, more) in enumerate(parts):
        plain = PlainTunnels(packet, more, port)
        assert bool(is_enterable[row]) == (plain.entered is not None)
        if plain.entered is None:
            continue
        kind, number, ethertype, rest = plain.entered
        assert (tunnels.TUNNELS[port].kind, int(read.network[row])) == (kind, number)
        assert found.pop(0) == (ethertype, int(captured_end[row]) - rest)


class PlainTunnels(oracle.Decoder):
    """The plain loop, stopped at the packet that a tunnel holds: kind, number, ethertype, captured bytes left."""

    def __init__(self, data: bytes, more: int, port: int) -> None:
        super().__init__()
        self.packet, self.domain = oracle.Packet(data, len(data) + more, 1, 0, 1), 0
        self.entered: tuple[int, int, int, int] | None = None
        whole = struct.pack("!HHHH", 1, port, 0, 0) + data
        try:
            self.udp(b"", oracle.Part(whole, len(whole) + more))
        except oracle.NoSegment:
            return

    def enter(self, kind: int, number: int, ends: bytes = b"") -> None:
        """Note the tunnel."""
        del ends
        self.tunnel = kind, number

    def network(self, ethertype: int, part: oracle.Part) -> tuple[bytes, bytes, oracle.Part]:
        """Note what it holds."""
        if ethertype == 0x6558:
            ethertype, part = self.below_network(ethertype, part)
        part.need(0)
        self.entered = (*self.tunnel, ethertype, len(part.data))
        return b"", b"", part


@given(st.lists(st.tuples(st.sampled_from(OPAQUE), st.binary(max_size=4), st.integers(0, 40)), max_size=8), st.data())
def test_opaque_datagrams_have_names(drawn: list[tuple[bytes, bytes, int]], data: st.DataObject) -> None:
    """WireGuard, QUIC, ESP and what is none of them, cut or padded; one by one the same."""
    parts = [(shape + more, beyond) for shape, more, beyond in drawn]
    raw, at, captured_end, wire_end = laid_out(parts)
    ports = [[data.draw(st.sampled_from((53, 443, 4500))) for _ in parts] for _ in range(2)]
    end = wire_end - column([data.draw(st.integers(0, 3)) for _ in parts])
    named = udp.name_opaque(raw, at, captured_end, end, udp.UdpColumns(column(ports[0]), column(ports[1])))
    for row, (packet, _) in enumerate(parts):
        part = oracle.Part(packet, int(end[row] - at[row]))
        expected = oracle.opaque_name(ports[0][row], ports[1][row], part)
        assert udp.OPAQUE_NAMES[int(named[row])] == expected
        cursor = Cursor(
            raw.tobytes(), int(at[row]), int(captured_end[row]), int(end[row]), domain=0, interface=0, now_ns=0,
            fragments=FragmentTable(), domains=Domains(7),
        )  # fmt: skip
        assert udp.opaque_name(cursor, ports[0][row], ports[1][row]) == expected


@given(st.lists(st.tuples(*[st.integers(0, 2**32 - 1)] * 3, st.binary(min_size=32, max_size=32)), max_size=6))
def test_domains_of_tunnels(drawn: list[tuple[int, int, int, bytes]]) -> None:
    """What a tunnel is told by, hashed: the plain loop's number, in columns and one by one."""
    secret = oracle.splitmix(7)[11:]
    assert secret_of(7).tolist() == secret
    domains = Domains(7)
    for outer, _, number, ends in drawn:
        words = [outer, Kind.GRE, number, *struct.unpack("!8I", ends)]
        assert domains.in_tunnel(outer, Kind.GRE, number, ends) == oracle.fold(words, secret)
        assert domains.in_tunnel(outer, Kind.GRE, number) == oracle.fold(words[:3], secret)
    if drawn:
        columns = [np.array([row[word] for row in drawn], np.uint32) for word in range(3)]
        expected = [oracle.fold(row[:3], secret) for row in drawn]
        assert fold(columns, secret_of(7)).tolist() == expected


def test_domains_differ() -> None:
    """No two of many tunnels, tags and ends have the same domain, and none looks like a VLAN's."""
    domains = Domains(7)
    ends = [struct.pack("!8I", *[0] * 7, end) for end in range(50)]
    made = [domains.in_tunnel(0, kind, number) for kind in Kind for number in range(200)]
    made += [domains.in_tunnel(0, Kind.IP, 0, pair) for pair in ends[1:]]
    made += [domains.in_vlan(made[0], vlan) for vlan in range(100)]
    made += [domains.in_vlan(domains.in_vlan(0, 4095), vlan) for vlan in range(4096)]
    assert len(set(made)) == len(made)
