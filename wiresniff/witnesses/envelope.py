"""A packet with another payload: all that lies around it stays as it was, but for lengths and checksums.

Where the headers are is found by the very code that decodes them. What can't be taken apart so (a datagram that came in
fragments, of which no packet has all headers; frames that say their length below IP) is written as a plain IP packet
between the same two ends.
"""

from struct import Struct
from typing import Any, NamedTuple

import numpy as np

from wiresniff.columns.layout import unpacker
from wiresniff.decode import headers, scalar, udp
from wiresniff.decode.cursor import Cursor, Stop
from wiresniff.decode.domains import Domains
from wiresniff.decode.fragments import FragmentTable
from wiresniff.decode.link import LINKS, read_tags
from wiresniff.witnesses.captured import MAPPED, Captured, packed

TCP = unpacker(headers.TCP)
TIME_TO_LIVE = 64
LONGEST = 0xFFFF
"""What a length of 16 bits can say; beyond, it is 0, as segmentation offload leaves it."""
IPV4_LENGTH_AT, IPV4_CHECKSUM_AT = 2, 10
IPV6_LENGTH_AT = 4
UDP_LENGTH_AT, UDP_CHECKSUM_AT = 4, 6
PPPOE_LENGTH_AT, PPPOE_UNCOUNTED = 4, 6
TCP_SEQUENCE_AT, TCP_FLAGS_AT, TCP_CHECKSUM_AT, TCP_URGENT_AT = 4, 13, 16, 18
"""Where fields begin within their headers (RFC 791 3.1, RFC 8200 3, RFC 768, RFC 2516 4, RFC 9293 3.1)."""


class Addressed(NamedTuple):
    """What a rewritten segment says for itself."""

    sequence: int
    acknowledgement: int
    flags: int
    payload: bytes


class Enveloped(NamedTuple):
    """A packet to be written."""

    link_type: int
    octets: bytes
    is_plain: bool
    """Not what was captured lies around it, but a plain IP header."""


class Unwrapped(NamedTuple):
    """Where the headers of a packet begin that depend on its length."""

    lengths: list[tuple[Struct, int]]
    tcp_at: int
    addresses: bytes


class _Recorder(Cursor):
    """Notes where headers begin."""

    def take(self, header: Struct) -> tuple[Any, ...]:
        """Read the header at the cursor, note it, and move behind it."""
        self.noted.append((header, self.at))
        return super().take(header)

    noted: list[tuple[Struct, int]]


def envelop(captured: Captured, said: Addressed) -> Enveloped:
    """Return the packet with another payload, and its numbers and flags changed."""
    unwrapped = _unwrap(captured) if captured.outer else None
    if unwrapped is None:
        return Enveloped(headers.LINK_RAW, _plain(captured, said), is_plain=True)
    packet = bytearray(captured.outer + said.payload)
    _write_tcp(packet, unwrapped.tcp_at, unwrapped.addresses, said)
    for header, at in reversed(unwrapped.lengths):  # a checksum covers what lies behind it
        _write_length(packet, header, at)
    return Enveloped(captured.interface.link_type, bytes(packet), is_plain=False)


def _unwrap(captured: Captured) -> Unwrapped | None:
    """Find the headers of a packet; None where they can't be told apart."""
    outer = captured.outer
    link = LINKS.get(captured.interface.link_type)
    if link is None or len(outer) < link.size:
        return None
    raw, at = np.frombuffer(outer, dtype=np.uint8), np.zeros(1, dtype=np.int64)
    network = read_tags(raw, link.read(raw, at), at + len(outer))
    cursor = _Recorder(
        outer, int(network.network_at[0]), len(outer), len(outer), domain=0, interface=0, now_ns=0,
        fragments=FragmentTable(), domains=Domains(0),
    )  # fmt: skip
    cursor.noted = []
    try:
        found = scalar.find_tcp(cursor, int(network.ethertype[0]))
    except Stop:
        return None
    says_length_below = int(network.ethertype[0]) == headers.ETHERTYPE_LLC or any(
        header is scalar.LLC for header, _ in cursor.noted
    )
    if says_length_below or found.at + TCP.size > len(outer):
        return None
    size = headers.DATA_OFFSET.of(outer[found.at + 12]) * headers.WORD
    if found.at + size != len(outer):
        return None
    return Unwrapped(cursor.noted, found.at, _addresses(found.source, found.destination))


def _addresses(source: bytes, destination: bytes) -> bytes:
    """Return two addresses as a pseudo header has them: of 4 bytes each where they are IPv4."""
    if source.startswith(MAPPED) and destination.startswith(MAPPED):
        return source[len(MAPPED) :] + destination[len(MAPPED) :]
    return source + destination


def _write_tcp(packet: bytearray, at: int, addresses: bytes, said: Addressed) -> None:
    numbers = said.sequence.to_bytes(4) + said.acknowledgement.to_bytes(4)
    packet[at + TCP_SEQUENCE_AT : at + TCP_SEQUENCE_AT + len(numbers)] = numbers
    packet[at + TCP_FLAGS_AT] = said.flags
    packet[at + TCP_URGENT_AT : at + TCP_URGENT_AT + 2] = bytes(2)
    packet[at + TCP_CHECKSUM_AT : at + TCP_CHECKSUM_AT + 2] = bytes(2)
    segment = bytes(packet[at:])
    pseudo_header = addresses + len(segment).to_bytes(4) + headers.PROTOCOL_TCP.to_bytes(4)
    packet[at + TCP_CHECKSUM_AT : at + TCP_CHECKSUM_AT + 2] = checksum(pseudo_header + segment)


def _write_length(packet: bytearray, header: Struct, at: int) -> None:
    """Write how long the packet is from a header on, where that header says so."""
    length = len(packet) - at
    if header is scalar.IPV4:
        _put(packet, at + IPV4_LENGTH_AT, length)
        stop = at + headers.IHL.of(packet[at]) * headers.WORD
        packet[at + IPV4_CHECKSUM_AT : at + IPV4_CHECKSUM_AT + 2] = bytes(2)
        packet[at + IPV4_CHECKSUM_AT : at + IPV4_CHECKSUM_AT + 2] = checksum(bytes(packet[at:stop]))
    elif header is scalar.IPV6:
        _put(packet, at + IPV6_LENGTH_AT, length - scalar.IPV6.size)
    elif header is udp.UDP:
        _put(packet, at + UDP_LENGTH_AT, length)
        _put(packet, at + UDP_CHECKSUM_AT, 0)  # none; tunnels may do so over IPv6 too (RFC 6935)
    elif header is scalar.PPPOE:
        _put(packet, at + PPPOE_LENGTH_AT, length - PPPOE_UNCOUNTED)


def _put(packet: bytearray, at: int, number: int) -> None:
    packet[at : at + 2] = (number if number <= LONGEST else 0).to_bytes(2)


def _plain(captured: Captured, said: Addressed) -> bytes:
    """Make an IP packet of nothing but what is known of the segment."""
    source, destination = packed(captured.source.address), packed(captured.destination.address)
    addresses = _addresses(source, destination)
    ports = captured.source.port.to_bytes(2) + captured.destination.port.to_bytes(2)
    offset = bytes([TCP.size // headers.WORD << 4])
    segment = ports + bytes(8) + offset + bytes(1) + LONGEST.to_bytes(2) + bytes(4) + said.payload
    packet: bytearray
    if len(addresses) > len(source):  # two of 16 bytes
        packet = bytearray([headers.VERSION_6 << 4]) + bytes(5)
        packet += bytes([headers.PROTOCOL_TCP, TIME_TO_LIVE]) + addresses
        header = scalar.IPV6
    else:
        packet = bytearray([headers.VERSION_4_NO_OPTIONS]) + bytes(7)
        packet += bytes([TIME_TO_LIVE, headers.PROTOCOL_TCP]) + bytes(2) + addresses
        header = scalar.IPV4
    packet += segment
    _write_tcp(packet, header.size, addresses, said)
    _write_length(packet, header, 0)
    return bytes(packet)


def checksum(octets: bytes) -> bytes:
    """Sum 16-bit words in ones' complement (RFC 1071)."""
    words = np.frombuffer(octets + bytes(len(octets) % 2), dtype=">u2")
    total = int(words.sum(dtype=np.uint64))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2)
