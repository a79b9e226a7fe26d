"""Captures for tests, written as conversations.

A conversation reads like what happens on the wire::

    talk = Conversation(client=("10.0.0.1", 40000), server=("10.0.0.2", 80))
    talk.open()
    talk.client_sends(request("GET", "/price", host="pricing"))
    talk.server_sends(response(200, body=b"24.90"))
    talk.close()
    block = packet_block(talk.packets)
    file = pcap_bytes(talk.packets)

Packets are plain objects in a list: a test permutes, drops, duplicates and cuts them as it likes. Nothing here is
random and nothing reads a clock.
"""

import ipaddress
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from wiresniff.model.packets import PacketBlock

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
ETHERNET, NULL, RAW, SLL, SLL2 = 1, 0, 101, 113, 276
"""LINKTYPE_ values."""

TCP, UDP = 6, 17
ETHER_TYPES = {4: 0x0800, 6: 0x86DD}
SNAPLEN = 262_144
RECORD_HEADER_BYTES = 16


@dataclass
class Packet:
    """One packet: `data` is what was on the wire, of which the first `captured` bytes are in the capture."""

    data: bytes
    time_ns: int
    captured: int | None = None
    """None: all of it."""
    interface: int = 0

    @property
    def kept(self) -> bytes:
        """The bytes that are in the capture."""
        return self.data if self.captured is None else self.data[: self.captured]


@dataclass
class Clock:
    """Capture time: each packet comes `step_ns` after the one before. Conversations may share a clock."""

    now_ns: int = 1_700_000_000_000_000_000
    step_ns: int = 50_000

    def tick(self) -> int:
        """Go on by one step; return the new time."""
        self.now_ns += self.step_ns
        return self.now_ns

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ns += round(seconds * 1e9)


@dataclass
class Conversation:
    """One TCP connection, as seen by a capture.

    Positions count the bytes of a direction from 0; position 0 has the sequence number after the SYN. Each method
    appends the packets it makes to `packets` and returns them. Without `open` the capture joined late.
    """

    client: tuple[str, int] = ("10.0.0.1", 40000)
    server: tuple[str, int] = ("10.0.0.2", 80)
    clock: Clock = field(default_factory=Clock)
    client_sequence: int = 1000
    """Of the client's SYN. 2**32 - 100 makes a connection that wraps after 99 bytes."""
    server_sequence: int = 5000
    link_type: int = ETHERNET
    vlans: tuple[int, ...] = ()
    """802.1Q tags, outermost first."""
    tcp_options: bytes = b""
    """On every segment; padded to words."""
    padded: bool = False
    """Ethernet frames are filled up to 60 bytes, as on a wire."""
    interface: int = 0
    packets: list[Packet] = field(default_factory=list)
    client_sent: int = 0
    """Position of the client's next byte."""
    server_sent: int = 0

    def open(self) -> list[Packet]:
        """Shake hands: SYN, SYN and ACK, ACK."""
        return [
            self.segment(from_client=True, flags=SYN, position=-1),
            self.segment(from_client=False, flags=SYN | ACK, position=-1),
            self.segment(from_client=True, flags=ACK),
        ]

    def client_sends(
        self,
        data: bytes,
        mss: int = 1460,
        *,
        lost: bool = False,
        position: int | None = None,
        acknowledges: int | None = None,
    ) -> list[Packet]:
        """Send bytes in segments of at most `mss` bytes.

        `lost`: sent and received, but the capture has no packet of it.
        `position`: send again from there (a retransmission), or ahead of there; the next byte stays where it was.
        `acknowledges`: the position of the peer up to which bytes were received; all that were sent, if not given.
        """
        return self._sends(data, mss, from_client=True, lost=lost, position=position, acknowledges=acknowledges)

    def server_sends(
        self,
        data: bytes,
        mss: int = 1460,
        *,
        lost: bool = False,
        position: int | None = None,
        acknowledges: int | None = None,
    ) -> list[Packet]:
        """Send bytes the other way; see `client_sends`."""
        return self._sends(data, mss, from_client=False, lost=lost, position=position, acknowledges=acknowledges)

    def client_acks(self, up_to: int | None = None) -> list[Packet]:
        """Acknowledge the server's bytes before position `up_to`: all that were sent, if not given."""
        return [self.segment(from_client=True, flags=ACK, acknowledges=up_to)]

    def server_acks(self, up_to: int | None = None) -> list[Packet]:
        """Acknowledge the client's bytes before position `up_to`: all that were sent, if not given."""
        return [self.segment(from_client=False, flags=ACK, acknowledges=up_to)]

    def close(self, *, by_client: bool = True) -> list[Packet]:
        """End both directions: FIN, FIN, ACK. A FIN takes a place in the sequence, as a byte does."""
        packets = []
        for from_client in (by_client, not by_client):
            packets.append(self.segment(from_client=from_client, flags=FIN | ACK))
            self._advance(1, from_client=from_client)
        packets.append(self.segment(from_client=by_client, flags=ACK))
        return packets

    def reset(self, *, by_client: bool = True) -> list[Packet]:
        """Abort the connection."""
        return [self.segment(from_client=by_client, flags=RST | ACK)]

    def segment(
        self,
        payload: bytes = b"",
        *,
        from_client: bool,
        flags: int = PSH | ACK,
        position: int | None = None,
        acknowledges: int | None = None,
        captured: int | None = None,
    ) -> Packet:
        """Append one segment just as described; positions do not advance. For the odd ones (data on SYN, garbage)."""
        position = self._sent(from_client=from_client) if position is None else position
        acknowledges = self._sent(from_client=not from_client) if acknowledges is None else acknowledges
        source, destination = (self.client, self.server) if from_client else (self.server, self.client)
        mine, theirs = self.client_sequence, self.server_sequence
        sequence, peer_sequence = (mine, theirs) if from_client else (theirs, mine)
        datagram = tcp_segment(
            source,
            destination,
            sequence=sequence + 1 + position,
            acknowledgement=peer_sequence + 1 + acknowledges if flags & ACK else 0,
            flags=flags,
            payload=payload,
            options=self.tcp_options,
        )
        network = ip_packet(source[0], destination[0], TCP, datagram)
        data = link_frame(network, self.link_type, vlans=self.vlans, padded=self.padded)
        packet = Packet(data, self.clock.tick(), captured, self.interface)
        self.packets.append(packet)
        return packet

    def _sends(
        self, data: bytes, mss: int, *, from_client: bool, lost: bool, position: int | None, acknowledges: int | None
    ) -> list[Packet]:
        start = self._sent(from_client=from_client) if position is None else position
        packets = []
        for offset in range(0, len(data), mss):
            piece = data[offset : offset + mss]
            if lost:
                self.clock.tick()
                continue
            flags = ACK | (PSH if offset + mss >= len(data) else 0)
            packets.append(
                self.segment(
                    piece, from_client=from_client, flags=flags, position=start + offset, acknowledges=acknowledges
                )
            )
        if position is None:
            self._advance(len(data), from_client=from_client)
        return packets

    def _sent(self, *, from_client: bool) -> int:
        return self.client_sent if from_client else self.server_sent

    def _advance(self, count: int, *, from_client: bool) -> None:
        if from_client:
            self.client_sent += count
        else:
            self.server_sent += count


def merge(*conversations: Conversation) -> list[Packet]:
    """Return the packets of several conversations in order of time, as one capture has them."""
    return sorted((packet for talk in conversations for packet in talk.packets), key=lambda packet: packet.time_ns)


# headers


def internet_checksum(data: bytes) -> int:
    """Sum 16-bit words in ones' complement (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    words: tuple[int, ...] = struct.unpack(f"!{len(data) // 2}H", data)
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp_segment(
    source: tuple[str, int],
    destination: tuple[str, int],
    *,
    sequence: int,
    acknowledgement: int = 0,
    flags: int = ACK,
    payload: bytes = b"",
    options: bytes = b"",
) -> bytes:
    """Return a TCP segment with a right checksum (RFC 9293 3.1). Numbers are taken modulo 2^32."""
    options += b"\1" * (-len(options) % 4)
    words = 5 + len(options) // 4

    def header(checksum: int) -> bytes:
        numbers = (source[1], destination[1], sequence % 2**32, acknowledgement % 2**32)
        return struct.pack("!HHIIBBHHH", *numbers, words << 4, flags, 65_535, checksum, 0) + options

    addresses = ipaddress.ip_address(source[0]).packed + ipaddress.ip_address(destination[0]).packed
    pseudo_header = addresses + struct.pack("!II", len(header(0)) + len(payload), TCP)
    return header(internet_checksum(pseudo_header + header(0) + payload)) + payload


def udp_datagram(source: tuple[str, int], destination: tuple[str, int], payload: bytes) -> bytes:
    """Return a UDP datagram without a checksum (RFC 768)."""
    return struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0) + payload


def ip_packet(source: str, destination: str, protocol: int, payload: bytes) -> bytes:
    """Return an IPv4 (RFC 791 3.1) or IPv6 (RFC 8200 3) packet, as the addresses say."""
    first, second = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    if first.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + first.packed + second.packed + payload

    def header(checksum: int) -> bytes:
        # A total length that does not fit is 0, as segmentation offload leaves it.
        length = 20 + len(payload) if 20 + len(payload) < 1 << 16 else 0
        fields = struct.pack("!BBHHHBBH", 0x45, 0, length, 0, 0x4000, 64, protocol, checksum)
        return fields + first.packed + second.packed

    return header(internet_checksum(header(0))) + payload


def link_frame(network: bytes, link_type: int = ETHERNET, *, vlans: Sequence[int] = (), padded: bool = False) -> bytes:
    """Put an IP packet into a frame of the link type."""
    version = network[0] >> 4
    ether_type = ETHER_TYPES[version]
    if link_type == ETHERNET:
        tags = [struct.pack("!HH", 0x88A8 if tag < len(vlans) - 1 else 0x8100, vlan) for tag, vlan in enumerate(vlans)]
        addresses = bytes.fromhex("020000000002 020000000001")
        frame = addresses + b"".join(tags) + struct.pack("!H", ether_type) + network
        return frame.ljust(60, b"\0") if padded else frame
    headers = {
        NULL: struct.pack("<I", {4: 2, 6: 30}[version]),
        RAW: b"",
        SLL: struct.pack("!HHH8sH", 0, 1, 6, bytes.fromhex("0200000000010000"), ether_type),
        SLL2: struct.pack("!HHIHBB8s", ether_type, 0, 2, 1, 0, 6, bytes.fromhex("0200000000010000")),
    }
    return headers[link_type] + network


# captures


def pcap_bytes(
    packets: Iterable[Packet],
    link_type: int = ETHERNET,
    *,
    nanoseconds: bool = False,
    big_endian: bool = False,
    snaplen: int = SNAPLEN,
) -> bytes:
    """Return a classic capture file; `snaplen` cuts its packets."""
    order = ">" if big_endian else "<"
    magic, unit = (0xA1B23C4D, 1) if nanoseconds else (0xA1B2C3D4, 1000)
    pieces = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link_type)]
    for packet in packets:
        kept = packet.kept[:snaplen]
        seconds, fraction = divmod(packet.time_ns, 1_000_000_000)
        pieces.append(struct.pack(order + "IIII", seconds, fraction // unit, len(kept), len(packet.data)))
        pieces.append(kept)
    return b"".join(pieces)


def packet_block(
    packets: Sequence[Packet],
    link_types: tuple[int, ...] = (ETHERNET,),
    *,
    first_number: int = 1,
    capture: int = 0,
) -> PacketBlock:
    """Return the block that a capture delivers of these packets; space between them is left for record headers."""
    header = b"\xee" * RECORD_HEADER_BYTES
    lengths = [len(packet.kept) for packet in packets]
    ends = np.cumsum([RECORD_HEADER_BYTES + length for length in lengths], dtype=np.int64)

    def column(values: Iterable[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.fromiter(values, dtype=np.int64)

    block = PacketBlock(
        buffer=b"".join(header + packet.kept for packet in packets),
        offset=ends - column(lengths),
        captured_length=column(lengths),
        wire_length=column(len(packet.data) for packet in packets),
        timestamp_ns=column(packet.time_ns for packet in packets),
        number=column(range(first_number, first_number + len(packets))),
        interface=column(packet.interface for packet in packets),
        link_types=link_types,
        capture=capture,
    )
    block.check()
    return block


# messages

Fields = Sequence[tuple[str, str]]


def head(start_line: str, fields: Fields) -> bytes:
    """Return a message head (RFC 9112 2.1); text is latin-1."""
    lines = [start_line, *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def request(method: str, target: str, *, host: str = "shop.example", fields: Fields = (), body: bytes = b"") -> bytes:
    """Return an HTTP/1.1 request; Content-Length is there when a body is."""
    length = [("Content-Length", str(len(body)))] if body else []
    return head(f"{method} {target} HTTP/1.1", [("Host", host), *fields, *length]) + body


def response(status: int, *, fields: Fields = (), body: bytes = b"", reason: str = "OK") -> bytes:
    """Return an HTTP/1.1 response with a Content-Length."""
    return head(f"HTTP/1.1 {status} {reason}", [*fields, ("Content-Length", str(len(body)))]) + body


def traceparent(number: int, *, span: int | None = None, flags: int = 1) -> str:
    """Return a valid traceparent (Trace Context 3.2) made of small numbers, told apart at a glance."""
    return f"00-{number:032x}-{number if span is None else span:016x}-{flags:02x}"
