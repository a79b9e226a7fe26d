"""Packets that were captured, apart from the block they came in: headers, payload, and what TCP says of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wiresniff.capture.records import Interface
from wiresniff.model.delivery import Endpoint
from wiresniff.model.packets import PacketBlock
from wiresniff.model.segments import SYN, SegmentBlock
from wiresniff.reassembly.connections import address_text
from wiresniff.reassembly.sequence import advance
from wiresniff.stages import Entrance

KEY_BYTES = 36
"""Of ENDPOINTS: both addresses and both ports. The domain is left out: tunnels are joined as packets prove them one."""
PORTS_WORD, KEY_WORDS = 8, 10
"""Of ENDPOINTS as words of 32 bits: where both ports are, and how many there are."""
MAPPED = bytes(10) + b"\xff\xff"
"""Prefix of an IPv4 address in 16 bytes (RFC 4291 2.5.5.2)."""
PORT_BYTES = 2


class Captured(NamedTuple):
    """One TCP segment and the packet that it came in."""

    source: Endpoint
    destination: Endpoint
    point: int
    capture: int
    number: int
    """As Wireshark shows it; 0 live."""
    time_ns: int
    interface: Interface
    row: int
    """Of the interface, in its capture point."""
    outer: bytes
    """The packet up to the payload; empty where it came in fragments."""
    sequence: int
    acknowledgement: int
    flags: int
    payload: bytes

    @property
    def payload_sequence(self) -> int:
        """Sequence number of the payload's first byte: a SYN takes one (RFC 9293 3.4)."""
        return advance(self.sequence, 1) if self.flags & SYN else self.sequence


@dataclass(slots=True)
class Located:
    """The segments of a block, and where their packets are in it."""

    point: int
    packets: PacketBlock
    segments: SegmentBlock
    packet_rows: NDArray[np.int64]
    """(k,) row of each segment's packet."""
    interfaces: Sequence[Interface]
    """By `PacketBlock.interface`."""

    @property
    def octets(self) -> int:
        """Memory that keeping it takes, roughly: its bytes, and its columns."""
        buffers = {id(one): len(one) for one in (self.packets.buffer, self.segments.buffer)}
        return sum(buffers.values()) + 200 * len(self.packets)

    def captured(self, row: int) -> Captured:
        """Take a segment out of the block."""
        segments, packets = self.segments, self.packets
        packet_row = int(self.packet_rows[row])
        first = int(packets.offset[packet_row])
        last = first + int(packets.captured_length[packet_row])
        payload_at = int(segments.payload_at[row])
        key = segments.endpoints[row].tobytes()
        ends = endpoints_of(key)
        from_high = bool(segments.from_high[row])
        interface_row = int(packets.interface[packet_row])
        return Captured(
            source=ends[from_high],
            destination=ends[not from_high],
            point=self.point,
            capture=packets.capture,
            number=int(packets.number[packet_row]),
            time_ns=int(packets.timestamp_ns[packet_row]),
            interface=self.interfaces[interface_row],
            row=interface_row,
            outer=packets.buffer[first:payload_at] if first <= payload_at <= last else b"",
            sequence=int(segments.sequence[row]),
            acknowledgement=int(segments.acknowledgement[row]),
            flags=int(segments.flags[row]),
            payload=segments.buffer[payload_at : payload_at + int(segments.payload_length[row])],
        )

    def key(self, row: int) -> bytes:
        """Return the connection of a segment."""
        octets: bytes = self.segments.endpoints[row].tobytes()
        return octets[:KEY_BYTES]

    def rows_of(self, keys: Collection[bytes]) -> NDArray[np.int64]:
        """Return the rows of some connections, in capture order."""
        segments = self.segments
        words = np.ascontiguousarray(segments.endpoints).view(">u4").reshape(-1, KEY_WORDS)
        ports = {int.from_bytes(key[-2 * PORT_BYTES :]) for key in keys}
        rows = np.flatnonzero(np.isin(words[:, PORTS_WORD], np.array(sorted(ports), dtype=np.uint32)))
        _, firsts, inverse = np.unique(segments.connection_hash[rows], return_index=True, return_inverse=True)
        is_wanted = np.array([self.key(rows[first]) in keys for first in firsts.tolist()], dtype=np.bool_)
        return rows[is_wanted[inverse]] if len(rows) else rows


def locate(point: int, block: PacketBlock, entrance: Entrance, interfaces: Sequence[Interface]) -> tuple[Located, int]:
    """Decode a block, remembering of each segment which packet it came in; return what time it is as well."""
    segments, now_ns = entrance.feed(replace(block, number=np.arange(len(block), dtype=np.int64)))
    packet_rows = segments.number
    segments.number = block.number[packet_rows]
    return Located(point, block, segments, packet_rows, interfaces), now_ns


def endpoints_of(key: bytes) -> tuple[Endpoint, Endpoint]:
    """Return the lower and the higher end of a connection, as ENDPOINTS has them."""
    return (
        Endpoint(address_text(key[:16]), int.from_bytes(key[32:34])),
        Endpoint(address_text(key[16:32]), int.from_bytes(key[34:36])),
    )


def key_of(one: Endpoint, other: Endpoint) -> bytes:
    """Return the connection between two ends, as `Located.key` has it."""
    low, high = sorted((packed(each.address), each.port.to_bytes(PORT_BYTES)) for each in (one, other))
    return low[0] + high[0] + low[1] + high[1]


def packed(address: str) -> bytes:
    """Return an address in 16 bytes."""
    octets = ip_address(address).packed
    return octets if len(octets) == len(MAPPED) + 4 else MAPPED + octets
