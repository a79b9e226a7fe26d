"""Plain-loop twin of wiresniff.reassembly, for captures so short in time that no gap is declared before their end.

It puts the bytes of each direction into a dict by position, and says what was delivered when all is over.
"""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from builders import ACK, FIN, SYN, Conversation, Packet

HEADERS = 14 + 20
"""Ethernet and IPv4 without options, as the builders make them."""


class Segment(NamedTuple):
    """One packet, in positions of the conversation: 0 follows the SYN."""

    from_client: bool
    position: int
    acknowledged: int | None
    flags: int
    payload: bytes
    time_ns: int


def read(talk: Conversation, packet: Packet) -> Segment:
    """Read a packet of a conversation; numbers near 2^32 may have wrapped."""
    port, _, sequence, acknowledgement, offset, flags = struct.unpack_from("!HHIIBB", packet.data, HEADERS)
    from_client = port == talk.client[1]
    mine, theirs = talk.client_sequence, talk.server_sequence
    if not from_client:
        mine, theirs = theirs, mine
    payload = packet.data[HEADERS + (offset >> 4) * 4 :]
    acknowledged = signed(acknowledgement - theirs - 1) if flags & ACK else None
    return Segment(from_client, signed(sequence - mine - 1), acknowledged, flags, payload, packet.time_ns)


def signed(number: int) -> int:
    """Return a difference of sequence numbers as one of -2^31 to 2^31-1."""
    return (number + 2**31) % 2**32 - 2**31


class Flow:
    """What is known of one direction."""

    def __init__(self) -> None:
        self.base: int | None = None
        """Where delivery begins: nothing before it is ever delivered."""
        self.octets: dict[int, int] = {}
        self.fin: int | None = None
        self.acknowledged = 0

    def join(self, position: int) -> None:
        """Begin here, if it has not begun yet."""
        if self.base is None:
            self.base = self.acknowledged = position

    def said(self) -> list[bytes | str]:
        """Say what was delivered, in positions from its beginning."""
        base = self.base or 0
        stop = max((position + 1 for position in self.octets), default=base)
        if self.fin is not None:
            stop = max(self.fin, base)
        elif self.acknowledged > stop + 1:  # one octet more may be a FIN that was not captured
            stop = self.acknowledged
        words: list[bytes | str] = []
        lost_from: int | None = None
        for position in range(base, stop):
            if position not in self.octets:
                lost_from = position if lost_from is None else lost_from
                continue
            if lost_from is not None:
                words.append(f"lost {lost_from - base}-{position - base}")
                lost_from = None
            octet = bytes([self.octets[position]])
            if words and isinstance(words[-1], bytes):
                words[-1] += octet
            else:
                words.append(octet)
        if lost_from is not None:
            words.append(f"lost {lost_from - base}-{stop - base}")
        return [*words, "end: fin" if self.fin is not None else "end: capture"]


def said(segments: Iterable[Segment]) -> tuple[list[bytes | str], list[bytes | str]] | None:
    """Say what client and server are heard to say; None when nothing was captured that begins a connection."""
    client, server = Flow(), Flow()
    has_begun = False
    for segment in segments:
        has_begun = has_begun or bool(segment.flags & SYN or segment.payload)
        if not has_begun:
            continue
        flow, peer = (client, server) if segment.from_client else (server, client)
        position = segment.position + 1 if segment.flags & SYN else segment.position
        flow.join(position)
        if segment.acknowledged is not None:
            peer.join(segment.acknowledged)
            peer.acknowledged = max(peer.acknowledged, segment.acknowledged)
        assert flow.base is not None
        for at, octet in enumerate(segment.payload, start=position):
            if at >= flow.base:
                flow.octets.setdefault(at, octet)
        if segment.flags & FIN:
            flow.fin = position + len(segment.payload)
    return (client.said(), server.said()) if has_begun else None
