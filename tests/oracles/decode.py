"""Plain-loop twin of wiresniff.decode: one packet at a time, one header after the other, to be read beside the RFCs.

It shares nothing with the program but the names that are counted. Fragments are put together byte by byte in a dict.
"""

import struct
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

TAGS = (0x8100, 0x88A8, 0x9100)
EXTENSIONS = (0, 43, 60, 135, 139, 140)  # next header, length in 8 bytes without the first 8 (RFC 8200 4.2)
TUNNEL_PROTOCOLS = (4, 17, 41, 47)
TUNNEL_PORTS = (4789, 8472, 6081, 4754)
VLAN, VXLAN, GENEVE, GRE, GRE_KEYED, ERSPAN, IP = range(1, 8)
ETHERTYPE_NAMES = {
    0: "unknown-family", 4: "llc", 0x0806: "arp", 0x8847: "mpls", 0x8848: "mpls", 0x8864: "pppoe",
    0x8809: "lacp", 0x809B: "appletalk",
}  # fmt: skip
PROTOCOL_NAMES = {
    0: "hop-by-hop", 1: "icmp", 17: "udp", 43: "ipv6-routing", 44: "ipv6-fragment", 51: "ah", 58: "icmpv6",
    59: "no-next-header", 60: "ipv6-destination", 132: "sctp", 135: "mobility", 139: "hip", 140: "shim6",
}  # fmt: skip


class Row(NamedTuple):
    """A TCP segment."""

    number: int
    interface: int
    key: tuple[bytes, bytes, int, int, int]
    """Low and high address, low and high port, domain."""
    from_high: bool
    sequence: int
    acknowledgement: int
    flags: int
    payload: bytes
    cut_length: int


class Packet(NamedTuple):
    """A packet as a capture has it."""

    data: bytes
    wire_length: int
    link_type: int
    interface: int
    number: int


class NoSegment(Exception):  # noqa: N818
    """Why a packet gives no row: a name that is counted in `counts`, `anomalies` or `not_tcp`."""

    def __init__(self, *, count: str = "", not_tcp: str = "", anomaly: str = "") -> None:
        self.count, self.not_tcp, self.anomaly = count, not_tcp, anomaly


class Part:
    """A stretch of bytes being read: what was captured of it, and how long it was on the wire."""

    def __init__(self, data: bytes, length: int) -> None:
        self.data = data
        self.length = length

    def need(self, size: int) -> None:
        """Require so many bytes; if they are not there, whichever ends first is to blame."""
        if size > min(len(self.data), self.length):
            raise NoSegment(anomaly="truncated-headers" if len(self.data) <= self.length else "bad-header")

    def rest(self, size: int) -> "Part":
        """Return what follows a header."""
        return Part(self.data[size:], self.length - size)


class Decoder:
    """Decodes packets in capture order."""

    def __init__(self, key: int = 7) -> None:
        self.secret = splitmix(key)[11:]
        self.counts: Counter[str] = Counter()
        self.anomalies: Counter[str] = Counter()
        self.not_tcp: Counter[str] = Counter()
        self.datagrams: dict[tuple[object, ...], Datagram] = {}
        self.refused: set[tuple[object, ...]] = set()

    def rows(self, packets: Sequence[Packet]) -> list[Row]:
        """Return the segments of packets."""
        rows = []
        for packet in packets:
            try:
                rows.append(self.segment(packet))
            except NoSegment as why:
                if why.count:
                    self.counts[why.count] += 1
                if why.not_tcp:
                    self.not_tcp[why.not_tcp] += 1
                if why.anomaly:
                    self.anomalies[why.anomaly] += 1
            self.counts["fragments"] += self.is_fragment
            self.counts["tunnelled_packets"] += self.is_tunnelled
        return rows

    def segment(self, packet: Packet) -> Row:
        """Return the segment of one packet."""
        self.packet, self.domain, self.interface = packet, 0, packet.interface
        self.is_fragment = self.is_tunnelled = False
        part = Part(packet.data, packet.wire_length)
        ethertype, part = self.link(part)
        source, destination, part = self.network(ethertype, part)
        part.need(20)
        source_port, destination_port, sequence, acknowledgement, offset, flags = struct.unpack(
            "!HHIIBB", part.data[:14]
        )
        header = (offset >> 4) * 4
        if header < 20 or header > part.length:
            raise NoSegment(anomaly="bad-header")
        payload = part.data[header : part.length]
        one, other = (source, source_port), (destination, destination_port)
        low, high = min(one, other), max(one, other)
        return Row(
            packet.number, self.interface, (low[0], high[0], low[1], high[1], self.domain), one > other, sequence,
            acknowledgement, flags, payload, part.length - header - len(payload),
        )  # fmt: skip

    def link(self, part: Part) -> tuple[int, Part]:
        """Return the ethertype of a packet and what follows its link header."""
        match self.packet.link_type:
            case 1:  # IEEE 802.3: two addresses, then a type or a length
                part.need(14)
                return type_or_length(part.data[12:14]), part.rest(14)
            case 113:
                part.need(16)
                return int.from_bytes(part.data[14:16]), part.rest(16)
            case 276:
                part.need(20)
                self.interface = int.from_bytes(part.data[4:8])
                return int.from_bytes(part.data[0:2]), part.rest(20)
            case 0 | 108:
                part.need(4)
                families = {int.from_bytes(part.data[:4], "big"), int.from_bytes(part.data[:4], "little")}
                if 2 in families:
                    return 0x0800, part.rest(4)
                return (0x86DD if families & {10, 24, 28, 30} else 0), part.rest(4)
            case 12 | 14 | 101:
                part.need(1)
                return (0x86DD if part.data[0] >> 4 == 6 else 0x0800), part
            case 228:
                return 0x0800, part
            case 229:
                return 0x86DD, part
        raise NoSegment(count="unknown_link_packets", not_tcp=f"link-type-{self.packet.link_type}")

    def network(self, ethertype: int, part: Part) -> tuple[bytes, bytes, Part]:
        """Return addresses and TCP segment behind an ethertype."""
        while ethertype not in {0x0800, 0x86DD}:
            ethertype, part = self.below_network(ethertype, part)
        return self.ipv4(part) if ethertype == 0x0800 else self.ipv6(part)

    def below_network(self, ethertype: int, part: Part) -> tuple[int, Part]:
        """Peel one tag, label or other header between link and IP."""
        if ethertype in TAGS:
            part.need(4)
            vlan = int.from_bytes(part.data[:2]) & 0xFFF
            if self.domain >> 31:
                self.domain = fold([self.domain, VLAN, vlan], self.secret)
            else:
                self.domain = (self.domain << 12 | vlan) & 0xFFFFFFFF
            return type_or_length(part.data[2:4]), part.rest(4)
        if ethertype == 0x6558:
            part.need(14)
            return type_or_length(part.data[12:14]), part.rest(14)
        if ethertype == 4:
            part.need(3)
            if part.data[:3] != b"\xaa\xaa\x03":
                raise NoSegment(count="not_ip_packets", not_tcp="llc")
            part.need(8)
            if part.data[3:6] not in {b"\0\0\0", b"\0\0\xf8"}:
                raise NoSegment(count="not_ip_packets", not_tcp="snap")
            return int.from_bytes(part.data[6:8]), part.rest(8)
        if ethertype == 0x8864:  # RFC 2516: version and type, code, session, length; then PPP's protocol
            part.need(8)
            protocol = int.from_bytes(part.data[6:8])
            if protocol in {0x0021, 0x0057}:
                return {0x0021: 0x0800, 0x0057: 0x86DD}[protocol], part.rest(8)
        if ethertype in {0x8847, 0x8848}:
            part.need(4)
            if not part.data[2] & 1:
                return ethertype, part.rest(4)
            part.need(5)
            if part.data[4] >> 4 in {4, 6}:
                return {4: 0x0800, 6: 0x86DD}[part.data[4] >> 4], part.rest(4)
        name = ETHERTYPE_NAMES.get(ethertype, f"ethertype-0x{ethertype:04x}")
        raise NoSegment(count="not_ip_packets", not_tcp=name)

    def ipv4(self, part: Part) -> tuple[bytes, bytes, Part]:
        """Read IPv4: RFC 791 3.1."""
        part.need(20)
        first, total_length, identification, fragment, protocol = struct.unpack("!BxHHHxB", part.data[:10])
        header = (first & 15) * 4
        if first >> 4 != 4 or header < 20:
            raise NoSegment(anomaly="bad-header")
        source, destination = (bytes(10) + b"\xff\xff" + part.data[at : at + 4] for at in (12, 16))
        part = Part(part.data, min(total_length, part.length) if total_length else part.length)
        part.need(header)
        part = part.rest(header)
        if fragment & 0x3FFF:
            self.is_fragment = True
            if protocol in {6, 51, *TUNNEL_PROTOCOLS}:
                key = (source, destination, protocol, identification, self.domain, self.interface)
                offset, is_last = (fragment & 0x1FFF) * 8, not fragment & 0x2000
                protocol, part = self.whole(key, protocol, offset, part, is_last=is_last)
        while protocol == 51:
            protocol, part = authentication(part)
        return self.transport(protocol, source, destination, part)

    def ipv6(self, part: Part) -> tuple[bytes, bytes, Part]:
        """Read IPv6: RFC 8200 3 and 4."""
        part.need(40)
        if part.data[0] >> 4 != 6:
            raise NoSegment(anomaly="bad-header")
        payload_length, protocol = struct.unpack("!HB", part.data[4:7])
        source, destination = part.data[8:24], part.data[24:40]
        part = part.rest(40)
        part = Part(part.data, min(payload_length, part.length) if payload_length else part.length)
        while protocol in EXTENSIONS or protocol in {44, 51}:
            if protocol == 51:
                protocol, part = authentication(part)
                continue
            part.need(2)
            if protocol != 44:
                size = 8 + part.data[1] * 8
                protocol = part.data[0]
                part.need(size)
                part = part.rest(size)
                continue
            part.need(8)
            self.is_fragment = True
            protocol, offset_and_more, identification = struct.unpack("!BxHI", part.data[:8])
            part = part.rest(8)
            offset, is_last = offset_and_more & 0xFFF8, not offset_and_more & 1
            is_kept = protocol in EXTENSIONS or protocol in {6, 44, 51, *TUNNEL_PROTOCOLS}
            if is_kept and not (offset == 0 and is_last):
                key = (source, destination, -1, identification, self.domain, self.interface)
                protocol, part = self.whole(key, protocol, offset, part, is_last=is_last)
        return self.transport(protocol, source, destination, part)

    def transport(self, protocol: int, source: bytes, destination: bytes, part: Part) -> tuple[bytes, bytes, Part]:
        """Return TCP, or go on in what a tunnel holds."""
        ends = min(source, destination) + max(source, destination)
        match protocol:
            case 6:
                return source, destination, part
            case 4:
                self.enter(IP, 0, ends)
                return self.network(0x0800, part)
            case 41:
                self.enter(IP, 0, ends)
                return self.network(0x86DD, part)
            case 47:
                return self.gre(ends, part)
            case 17:
                return self.udp(ends, part)
        raise NoSegment(count="not_tcp_packets", not_tcp=protocol_name(protocol))

    def enter(self, kind: int, number: int, ends: bytes = b"") -> None:
        """Go into a tunnel."""
        self.is_tunnelled = True
        words = struct.unpack(f"!{len(ends) // 4}I", ends)
        self.domain = fold([self.domain, kind, number, *words], self.secret)

    def udp(self, ends: bytes, part: Part) -> tuple[bytes, bytes, Part]:
        """Read UDP: RFC 768; VXLAN: RFC 7348 5; GENEVE: RFC 8926 3.4."""
        part.need(8)
        source, destination = struct.unpack("!HH", part.data[:4])
        part = part.rest(8)
        if destination not in TUNNEL_PORTS:
            raise NoSegment(count="not_tcp_packets", not_tcp=opaque_name(source, destination, part))
        if destination == 4754:
            return self.gre(ends, part)
        part.need(8)
        first, protocol, number = part.data[0], int.from_bytes(part.data[2:4]), int.from_bytes(part.data[4:7])
        if destination in {4789, 8472}:
            if not first & 8:
                raise NoSegment(count="not_tcp_packets", not_tcp="udp")
            self.enter(VXLAN, number)
            return self.network(0x6558, part.rest(8))
        if first >> 6:
            raise NoSegment(count="not_tcp_packets", not_tcp="udp")
        part = part.rest(8)
        part.need((first & 63) * 4)
        self.enter(GENEVE, number)
        return self.network(protocol, part.rest((first & 63) * 4))

    def gre(self, ends: bytes, part: Part) -> tuple[bytes, bytes, Part]:
        """Read GRE: RFC 2784, RFC 2890; ERSPAN in it."""
        part.need(4)
        flags, protocol = struct.unpack("!HH", part.data[:4])
        part = part.rest(4)
        if flags & 0x4007:
            raise NoSegment(count="not_tcp_packets", not_tcp="gre")
        key = None
        for bit in (0x8000, 0x2000, 0x1000):
            if flags & bit:
                part.need(4)
                key = int.from_bytes(part.data[:4]) if bit == 0x2000 else key
                part = part.rest(4)
        self.enter(GRE if key is None else GRE_KEYED, key or 0, ends)
        if protocol == 0x88BE and not flags & 0x1000:
            protocol = 0x6558
        if protocol in {0x88BE, 0x22EB}:
            size = {0x88BE: 8, 0x22EB: 12}[protocol]
            part.need(size)
            session = int.from_bytes(part.data[2:4]) & 0x3FF
            if protocol == 0x22EB and part.data[11] & 1:
                size += 8
            part.need(size)
            self.enter(ERSPAN, session)
            return self.network(0x6558, part.rest(size))
        return self.network(protocol, part)

    def whole(
        self, key: tuple[object, ...], protocol: int, offset: int, part: Part, *, is_last: bool
    ) -> tuple[int, Part]:
        """Return the datagram that a fragment completes; not bounded in space or time."""
        if protocol == 17 and (offset or min(len(part.data), part.length) >= 8):
            if not offset:
                self.refused.discard(key)
                if int.from_bytes(part.data[2:4]) not in TUNNEL_PORTS:
                    self.refused.add(key)
                    self.datagrams.pop(key, None)
            if key in self.refused:
                raise NoSegment(count="not_tcp_packets", not_tcp="udp")
        self.refused.discard(key)
        stop = offset + part.length
        if part.length <= 0 or stop > 0xFFFF or (part.length % 8 and not is_last):
            raise NoSegment(anomaly="fragment-dropped")
        datagram = self.datagrams.setdefault(key, Datagram())
        held = datagram.content
        if (datagram.length is not None and (stop > datagram.length or (is_last and stop < datagram.length))) or (
            is_last and held and max(held) >= stop
        ):
            raise NoSegment(anomaly="fragment-dropped")
        if is_last:
            datagram.length = stop
        if offset == 0 and 0 not in held:
            datagram.protocol = protocol
        datagram.packets += 1
        differs = False
        for at in range(part.length):
            byte = part.data[at] if at < len(part.data) else None
            first = held.setdefault(offset + at, byte)
            differs = differs or (byte is not None and first is not None and first != byte)
        self.anomalies["fragment-overlap"] += differs
        if datagram.length is None or len(held) < datagram.length:
            raise NoSegment
        del self.datagrams[key]
        captured = bytearray()
        for at in range(datagram.length):
            byte = held[at]
            if byte is None:
                break
            captured.append(byte)
        return datagram.protocol, Part(bytes(captured), datagram.length)


class Datagram:
    """Bytes by position, None where they were on the wire but not captured."""

    def __init__(self) -> None:
        self.content: dict[int, int | None] = {}
        self.length: int | None = None
        self.protocol = 0
        self.packets = 0


def type_or_length(field: bytes) -> int:
    """Read a type (IEEE 802.3 3.2.6): up to 1500 it is a length, and LLC (4) follows."""
    value = int.from_bytes(field)
    return value if value > 1500 else 4


def authentication(part: Part) -> tuple[int, Part]:
    """Skip AH, RFC 4302 2: next header, length in 4 bytes less 2."""
    part.need(2)
    size = (part.data[1] + 2) * 4
    part.need(size)
    return part.data[0], part.rest(size)


def protocol_name(protocol: int) -> str:
    """Return the word for a protocol number, of those the tests generate."""
    return PROTOCOL_NAMES.get(protocol, f"ip-protocol-{protocol}")


def connection_hash(key: tuple[bytes, bytes, int, int, int], secret: Sequence[int]) -> int:
    """Sum of words times secret numbers, then spread."""
    data = key[0] + key[1] + struct.pack("!HHI", *key[2:])
    total = secret[-1]
    for word, multiplier in zip(struct.unpack("!10I", data), secret[:-1], strict=True):
        total = (total + word * multiplier) % 2**64
    return spread(total)


def opaque_name(source: int, destination: int, part: Part) -> str:
    """Return the word for what a datagram holds: WireGuard, QUIC (RFC 9000 17), ESP (RFC 3948)."""
    data = part.data[: part.length]
    if len(data) < 5:
        return "udp"
    is_wireguard = {1: part.length == 148, 2: part.length == 92, 3: part.length == 64}
    is_wireguard[4] = part.length >= 32 and part.length % 16 == 0
    if data[1:4] == b"\0\0\0" and is_wireguard.get(data[0]):
        return "wireguard"
    version = data[1:5].hex()
    is_version = version in {"00000001", "6b3343cf"} or version.startswith(("ff0000", "5130"))
    if (data[0] >> 6 == 3 and is_version) or (data[0] >> 6 == 1 and 443 in {source, destination}):
        return "quic"
    return "esp" if 4500 in {source, destination} and data[:4] != bytes(4) else "udp"


def splitmix(key: int) -> list[int]:
    """Return 23 numbers: Steele, Lea and Flood, 2014."""
    numbers = []
    for _ in range(23):
        key = (key + 0x9E3779B97F4A7C15) % 2**64
        mixed = (key ^ key >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
        numbers.append(mixed ^ mixed >> 31)
    return numbers


def fold(words: Sequence[int], secret: Sequence[int]) -> int:
    """Sum of words times secret numbers, then spread: 31 bits of it, and the highest bit."""
    return 2**31 | spread((secret[-1] + sum(w * m for w, m in zip(words, secret[:-1], strict=False))) % 2**64) >> 33


def spread(total: int) -> int:
    """Mix a number of 64 bits."""
    total ^= total >> 32
    total = total * 0xBF58476D1CE4E5B9 % 2**64
    return total ^ total >> 29
