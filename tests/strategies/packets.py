"""Packets of every make: headers composed at random, right and wrong, whole and cut."""

import struct

import numpy as np
from hypothesis import strategies as st
from oracles.decode import Packet

from wiresniff.model.packets import PacketBlock

ADDRESSES_4 = (b"\x0a\0\0\x01", b"\x0a\0\0\x02", b"\xff\xff\xff\xff")
ADDRESSES_6 = (bytes(15) + b"\x01", b"\xfe\x80" + bytes(13) + b"\x02", bytes(10) + b"\xff\xff\x0a\0\0\x01")
PORTS = (0, 80, 40_000, 65_535)
LINK_TYPES = (1, 0, 12, 14, 101, 108, 113, 228, 229, 276, 147)


TYPED_LINKS = (1, 113, 276, 0, 108)
"""Link types whose header says what follows."""


def right(draw: st.DrawFn, *, odd: bool, value: int, wrong: tuple[int, ...]) -> int:
    """Draw a field: right, or in an odd packet maybe wrong."""
    return draw(st.sampled_from((value, value, *wrong))) if odd else value


@st.composite
def tcp_segments(draw: st.DrawFn, *, odd: bool) -> bytes:
    """Make a TCP segment with or without options and payload."""
    options = draw(st.sampled_from((b"", b"\1\1\1\0", bytes(12))))
    offset = right(draw, odd=odd, value=5 + len(options) // 4, wrong=(0, 4, 15))
    ports = draw(st.tuples(st.sampled_from(PORTS), st.sampled_from(PORTS)))
    numbers = draw(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)))
    flags = draw(st.sampled_from((0x10, 0x18, 0x02, 0x12, 0x11, 0x04, 0xFF)))
    payload = draw(st.binary(max_size=40))
    return struct.pack("!HHIIBBHHH", *ports, *numbers, offset << 4, flags, 1, 2, 3) + options + payload


def extended(draw: st.DrawFn, payload: bytes, *, odd: bool) -> tuple[int, bytes]:
    """Put IPv6 extension headers before a segment; the number of the first one comes with it."""
    protocol = right(draw, odd=odd, value=6, wrong=(17, 58, 59))
    for _ in range(draw(st.sampled_from((0, 0, 1, 2)))):
        kind = draw(st.sampled_from((0, 43, 60, 44, 51, 135)))
        if kind == 44:
            position = right(draw, odd=odd, value=0, wrong=(1, 8, 9, 16, 2))
            header = struct.pack("!BBHI", protocol, 0, position, draw(st.integers(0, 1)))
        elif kind == 51:
            header = bytes((protocol, 1)) + bytes(10)
        else:
            size = right(draw, odd=odd, value=draw(st.integers(0, 1)), wrong=(200,))
            header = bytes((protocol, size)) + bytes(6 + 8 * min(size, 1))
        protocol, payload = kind, header + payload
    return protocol, payload


def length(draw: st.DrawFn, correct: int, *, odd: bool) -> int:
    """Draw a length field: right, unknown, or in an odd packet too long or too short."""
    known = draw(st.sampled_from((correct, correct, correct, 0)))
    return right(draw, odd=odd, value=known, wrong=(correct + 7, max(correct - 9, 0), 3, 0xFFFF))


@st.composite
def ipv4_packets(draw: st.DrawFn, *, odd: bool) -> bytes:
    """Make an IPv4 packet, with options or without, in an odd one maybe a fragment."""
    segment = draw(tcp_segments(odd=odd))
    source, destination = draw(st.tuples(st.sampled_from(ADDRESSES_4), st.sampled_from(ADDRESSES_4)))
    protocol = draw(st.sampled_from((6, 6, 6, 6, 6, 17, 132, 51, 0)))
    if protocol == 51:
        segment = bytes((6, 1)) + bytes(10) + segment
    options = draw(st.sampled_from((b"", b"", b"\1\1\1\1", bytes(20))))
    words = right(draw, odd=odd, value=5 + len(options) // 4, wrong=(4, 15))
    version = right(draw, odd=odd, value=4, wrong=(6,))
    fragment = right(draw, odd=odd, value=0x4000, wrong=(0x2000, 0x2001, 1, 2, 3, 0x1FFF))
    total = length(draw, 20 + len(options) + len(segment), odd=odd)
    numbers = (version << 4 | words, 0, total, draw(st.integers(0, 1)), fragment, 64, protocol, 0)
    return struct.pack("!BBHHHBBH", *numbers) + source + destination + options + segment


@st.composite
def ipv6_packets(draw: st.DrawFn, *, odd: bool) -> bytes:
    """Make an IPv6 packet, with extension headers or without."""
    source, destination = draw(st.tuples(st.sampled_from(ADDRESSES_6), st.sampled_from(ADDRESSES_6)))
    protocol, payload = extended(draw, draw(tcp_segments(odd=odd)), odd=odd)
    version = right(draw, odd=odd, value=6, wrong=(4,))
    fixed = struct.pack("!IHBB", version << 28, length(draw, len(payload), odd=odd), protocol, 64)
    return fixed + source + destination + payload


OPAQUE = (
    bytes((1, 0, 0, 0)) + bytes(144), bytes((2, 0, 0, 0)) + bytes(88), bytes((3, 0, 0, 0)) + bytes(60),
    bytes((4, 0, 0, 0)) + bytes(28), bytes((4, 0, 0, 0)) + bytes(29), bytes((4, 0, 1, 0)) + bytes(28),
    bytes.fromhex("c000000001"), bytes.fromhex("cf6b3343cf08"), bytes.fromhex("c0ff00001d"),
    bytes.fromhex("80ff00001d"), bytes.fromhex("c051303433"), bytes.fromhex("4512345678"), bytes.fromhex("0000000001"),
    bytes(4), b"",
)  # fmt: skip
"""What UDP may carry: WireGuard, QUIC, ESP, and what nearly looks like them."""


def udp_datagrams(draw: st.DrawFn) -> bytes:
    """Make a UDP datagram that is no tunnel, or pretends to be one."""
    ports = [draw(st.sampled_from((53, 443, 4500, 4789, 6081, 4754, 51820))) for _ in range(2)]
    payload = draw(st.one_of(st.sampled_from(OPAQUE), st.binary(max_size=40)))
    datagram = struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload
    return datagram[: draw(st.sampled_from((5, 200, 200, 200)))]


def bridged(draw: st.DrawFn, network: bytes) -> bytes:
    """Put an IP packet into an Ethernet frame, with a tag or without."""
    ethertype = 0x86DD if network[0] >> 4 == 6 else 0x0800
    tag = struct.pack("!HH", 0x8100, draw(st.integers(0, 3))) if draw(st.integers(0, 4)) == 0 else b""
    return bytes(12) + tag + struct.pack("!H", ethertype) + network


def tunnelled(draw: st.DrawFn, network: bytes, *, odd: bool) -> tuple[int, bytes]:
    """Put an IP packet into a tunnel: the number of its protocol comes with it."""
    ethertype = 0x86DD if network[0] >> 4 == 6 else 0x0800
    kind = draw(st.sampled_from(("ip", "gre", "erspan", "udp", "udp", "udp")))
    if kind == "ip":
        return 41 if ethertype == 0x86DD else 4, network
    number = draw(st.sampled_from((0, 1, 0xFFFFFF)))
    if kind in {"gre", "erspan"}:
        return 47, gre(draw, kind, ethertype, network, odd=odd)
    port = draw(st.sampled_from((4789, 8472, 6081, 6081, 4754)))
    if port == 4754:
        data = gre(draw, "gre", ethertype, network, odd=odd)
    elif port == 6081:
        is_bridged = draw(st.booleans())
        options = bytes(draw(st.sampled_from((0, 4, 12))))
        length = right(draw, odd=odd, value=len(options) // 4, wrong=(0x40, 63, 2))
        protocol = right(draw, odd=odd, value=0x6558 if is_bridged else ethertype, wrong=(0x0806, 4, 0))
        data = struct.pack("!BBHI", length, 0, protocol, number << 8) + options
        data += bridged(draw, network) if is_bridged else network
    else:
        flags = right(draw, odd=odd, value=8, wrong=(0, 0x88, 0xF7))
        data = struct.pack("!BBHI", flags, 0, 0, number << 8 | 1) + bridged(draw, network)
    return 17, struct.pack("!HHHH", draw(st.sampled_from(PORTS)), port, 8 + len(data), 0) + data


def gre(draw: st.DrawFn, kind: str, ethertype: int, network: bytes, *, odd: bool) -> bytes:
    """Put an IP packet behind a GRE header with any of its fields, or an ERSPAN header as well."""
    flags = draw(st.sampled_from((0, 0x2000, 0x3000, 0xB000, 0x8000, 0x1000)))
    protocol, data = ethertype, network
    if draw(st.booleans()):
        protocol, data = 0x6558, bridged(draw, network)
    if kind == "erspan":
        protocol, data = draw(st.sampled_from((0x88BE, 0x22EB))), bridged(draw, network)
        more = draw(st.sampled_from((0, 1)))
        if protocol == 0x22EB:
            data = struct.pack("!HHIHH", 0x2000, 0xFC07, 0, 0, more) + bytes(8 * more) + data
        elif flags & 0x1000:
            data = struct.pack("!HHI", 0x1000, 0xFC05, 0) + data
    fields = struct.pack("!I", draw(st.integers(0, 2))) * (flags >> 12).bit_count()
    flags |= right(draw, odd=odd, value=0, wrong=(1, 0x4000))
    return struct.pack("!HH", flags, right(draw, odd=odd, value=protocol, wrong=(0x0806,))) + fields + data


def packet_of(draw: st.DrawFn, protocol: int, payload: bytes, *, odd: bool) -> bytes:
    """Put a payload into an IP packet."""
    total = length(draw, len(payload), odd=odd)
    if draw(st.booleans()):
        source, destination = draw(st.permutations(ADDRESSES_4))[:2]
        total = min(total + 20, 0xFFFF) if total else 0
        return struct.pack("!BBHHHBBH", 0x45, 0, total, 0, 0, 64, protocol, 0) + source + destination + payload
    source, destination = draw(st.permutations(ADDRESSES_6))[:2]
    return struct.pack("!IHBB", 6 << 28, total, protocol, 64) + source + destination + payload


def tunnelled_packets(draw: st.DrawFn, *, odd: bool) -> bytes:
    """Make an IP packet with others in it, one in one, or with UDP that is none."""
    if draw(st.integers(0, 3)) == 0:
        protocol, payload = 17, udp_datagrams(draw)
    else:
        network = draw(st.one_of(ipv4_packets(odd=odd), ipv6_packets(odd=odd)))
        protocol, payload = tunnelled(draw, network, odd=odd)
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 2)))):
        protocol, payload = tunnelled(draw, packet_of(draw, protocol, payload, odd=odd), odd=odd)
    return packet_of(draw, protocol, payload, odd=odd)


@st.composite
def fragmented(draw: st.DrawFn) -> list[bytes]:
    """Make the fragments of a datagram, IPv4 or IPv6: overlapping, twice, missing, in any order."""
    protocol, segment = 6, draw(tcp_segments(odd=False))
    if draw(st.integers(0, 2)) == 0:
        protocol, segment = tunnelled(draw, packet_of(draw, protocol, segment, odd=False), odd=False)
    elif draw(st.integers(0, 5)) == 0:
        protocol, segment = 17, udp_datagrams(draw)
    identification = draw(st.integers(0, 1))
    is_ipv4 = draw(st.booleans())
    edges = sorted({0, *(8 * draw(st.integers(0, len(segment) // 8)) for _ in range(2))})
    ranges = list(zip(edges, [*edges[1:], len(segment)], strict=True))
    if draw(st.booleans()):
        start = 8 * draw(st.integers(0, len(segment) // 8))
        ranges.append((start, min(start + 8 * draw(st.integers(1, 4)), len(segment))))
    if draw(st.integers(0, 3)) == 0:
        segment = bytes(max(len(segment) - 4, 0)) + b"\xff" * 4
    pieces = []
    for start, stop in draw(st.permutations(ranges)):
        more = stop < len(segment)
        piece = segment[start:stop]
        if piece and draw(st.integers(0, 9)) == 0:
            piece = piece[:-1] + b"?"
        if is_ipv4:
            word = more << 13 | start // 8
            fields = (0x45, 0, 20 + len(piece), identification, word, 64, protocol, 0)
            pieces.append(struct.pack("!BBHHHBBH", *fields) + ADDRESSES_4[0] + ADDRESSES_4[1] + piece)
        else:
            header = struct.pack("!BBHI", protocol, 0, start | more, identification)
            fixed = struct.pack("!IHBB", 6 << 28, 8 + len(piece), 44, 64)
            pieces.append(fixed + ADDRESSES_6[0] + ADDRESSES_6[1] + header + piece)
    return pieces


def encapsulated(draw: st.DrawFn, ethertype: int, data: bytes) -> tuple[int, bytes]:
    """Put tags, labels, LLC or PPPoE before an IP packet, or something else in its place."""
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 1, 2, 3)))):
        kind = draw(st.sampled_from((0x8100, 0x88A8, 0x9100, 0x8100, 0x8847, 0x8848, 0x8864, 4, 0x0806)))
        if kind == 4:
            shape = draw(st.sampled_from((b"\xaa\xaa\x03\0\0\0", b"\xaa\xaa\x03\0\0\xf8", b"\xaa\xaa\x03abc", b"BB\3")))
            data = shape + struct.pack("!H", ethertype) + data
        elif kind == 0x8864:
            protocol = {0x0800: 0x0021, 0x86DD: 0x0057}.get(ethertype, 0xC021)
            data = struct.pack("!BBHHH", 0x11, 0, 7, len(data) + 2, protocol) + data
        elif kind in {0x8847, 0x8848}:
            bottom = ethertype not in {0x8847, 0x8848}
            data = struct.pack("!I", 0x0001_F040 | bottom << 8) + data
        elif kind != 0x0806:
            field = ethertype if ethertype > 1500 else min(len(data), 1500)
            data = struct.pack("!HH", draw(st.sampled_from((0, 5, 0xEFFF))), field) + data
        ethertype = kind
    return ethertype, data


def link_header(draw: st.DrawFn, link_type: int, ethertype: int, size: int) -> bytes:
    """Make the link header of a type."""
    match link_type:
        case 1:
            return bytes(12) + struct.pack("!H", ethertype if ethertype > 1500 else min(size, 1500))
        case 113:
            return bytes(14) + struct.pack("!H", ethertype)
        case 276:
            return struct.pack("!HHI", ethertype, 0, draw(st.integers(0, 3))) + bytes(12)
        case 0 | 108:
            families = {0x86DD: (10, 24, 28, 30), 0x0800: (2,)}.get(ethertype, (7,))
            return struct.pack(draw(st.sampled_from("<>")) + "I", draw(st.sampled_from(families)))
    return b""


def framed(draw: st.DrawFn, link_type: int, network: bytes, *, odd: bool) -> bytes:
    """Put an IP packet behind the link header of a type, maybe with other headers between."""
    ethertype = 0x86DD if network[0] >> 4 == 6 else 0x0800
    if link_type in TYPED_LINKS and (odd or draw(st.booleans())):
        ethertype, network = encapsulated(draw, ethertype, network)
    return link_header(draw, link_type, ethertype, len(network)) + network


@st.composite
def packets(draw: st.DrawFn, link_types: tuple[int, ...]) -> list[Packet]:
    """Make one packet or the fragments of one: as composed, padded, cut, damaged in a byte, or garbage."""
    interface = draw(st.integers(0, len(link_types) - 1))
    link_type = link_types[interface]
    kind = draw(
        st.sampled_from(
            ("right", "right", "odd", "odd", "tunnel", "tunnel", "tunnel", "fragments", "fragments", "garbage")
        )
    )
    odd = kind == "odd" or (kind == "tunnel" and draw(st.booleans()))
    if kind == "garbage":
        return [Packet(data := draw(st.binary(max_size=80)), len(data), link_type, interface, 1)]
    if kind == "fragments":
        networks = draw(fragmented())
    elif kind == "tunnel":
        networks = [tunnelled_packets(draw, odd=odd)]
    else:
        networks = [draw(st.one_of(ipv4_packets(odd=odd), ipv6_packets(odd=odd)))]
    made = []
    for network in networks:
        data = framed(draw, link_type, network, odd=odd) + bytes(draw(st.sampled_from((0, 0, 6))))
        if odd and draw(st.integers(0, 3)) == 0:
            at = draw(st.integers(0, len(data) - 1))
            data = data[:at] + bytes((draw(st.integers(0, 255)),)) + data[at + 1 :]
        kept = draw(st.integers(0, len(data))) if draw(st.integers(0, 4)) == 0 else len(data)
        made.append(Packet(data[:kept], len(data), link_type, interface, 1))
    return made


@st.composite
def captures(draw: st.DrawFn, most: int = 8) -> tuple[tuple[int, ...], list[Packet]]:
    """Make the packets of a capture and the link types of its interfaces."""
    link_types = tuple(draw(st.lists(st.sampled_from((1, 1, *LINK_TYPES)), min_size=1, max_size=2)))
    groups = draw(st.lists(packets(link_types), max_size=most))
    made = [packet for group in groups for packet in group]
    return link_types, [packet._replace(number=number) for number, packet in enumerate(made, start=1)]


def block_of(link_types: tuple[int, ...], some: list[Packet], time_ns: int = 1_000_000_000) -> PacketBlock:
    """Return the packets as a block, garbage between them."""
    buffer = bytearray(b"\xa5" * 3)
    offsets = []
    for packet in some:
        offsets.append(len(buffer))
        buffer += packet.data + b"\x5a" * 2

    def column(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array(values, dtype=np.int64)

    block = PacketBlock(
        bytes(buffer),
        column(offsets),
        column([len(packet.data) for packet in some]),
        column([packet.wire_length for packet in some]),
        column([time_ns + packet.number for packet in some]),
        column([packet.number for packet in some]),
        column([packet.interface for packet in some]),
        link_types,
    )
    block.check()
    return block
