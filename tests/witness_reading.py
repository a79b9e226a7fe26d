"""Reads witness files: with a few lines of its own for comments, with the audit itself for what is in their packets."""

import struct
from pathlib import Path
from typing import NamedTuple

from capture_auditing import audited
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from http2_frames import settings

from wiresniff.protocols.http2.frames import PREFACE
from wiresniff.report.records import Record

SECTION, INTERFACE, PACKET = 0x0A0D0D0A, 1, 6
COMMENT = 1
HTTP2 = (PREFACE, settings())
"""What its flows begin with."""
HUFFMAN = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)


class Shown(NamedTuple):
    """A packet of a witness file."""

    link_type: int
    snap_length: int
    time_ns: int
    octets: bytes
    comment: str


def shown(path: Path) -> list[Shown]:
    """Return the packets of a file, as the pcapng draft has them (4.1 to 4.3)."""
    octets = path.read_bytes()
    interfaces: list[tuple[int, int]] = []
    packets = []
    at = 0
    while at < len(octets):
        kind, length = struct.unpack_from("<II", octets, at)
        body = octets[at + 8 : at + length - 4]
        assert struct.unpack_from("<I", octets, at + length - 4) == (length,)
        if kind == INTERFACE:
            link_type, _, snap_length = struct.unpack_from("<HHI", body)
            interfaces.append((link_type, snap_length))
        elif kind == PACKET:
            interface, high, low, captured, wire = struct.unpack_from("<IIIII", body)
            assert captured == wire
            code, size = struct.unpack_from("<HH", body, 20 + captured + -captured % 4)
            assert code == COMMENT
            comment_at = 24 + captured + -captured % 4
            comment = body[comment_at : comment_at + size].decode()
            packets.append(Shown(*interfaces[interface], high << 32 | low, body[20 : 20 + captured], comment))
        else:
            assert kind == SECTION
        at += length
    return packets


def http2_requests(path: Path) -> list[Record]:
    """Return the requests of HTTP/2 that the audit reads in a file, in order of time."""
    records = [record for record in audited(path).records if record["network.protocol.version"] == "2"]
    return sorted(records, key=lambda record: str(record["time"]))


def http1_heads(path: Path) -> list[bytes]:
    """Return the requests of HTTP/1 in a file: what each flow says over Ethernet and IPv4, packet behind packet."""
    flows: dict[bytes, bytes] = {}
    for packet in shown(path):
        flow = packet.octets[26:38]
        payload_at = 34 + 4 * (packet.octets[46] >> 4)
        flows[flow] = flows.get(flow, b"") + packet.octets[payload_at:]
    heads = [head for said in flows.values() if not said.startswith(HTTP2) for head in said.split(b"\r\n\r\n")]
    return [head for head in heads if head and not head.startswith(b"HTTP/")]


def paths_in(path: Path) -> list[str]:
    """Return the paths that are asked for in a file, in order."""
    plain = [head.split(b" ")[1].decode() for head in http1_heads(path)]
    return sorted([*plain, *(str(record["url.path"]) for record in http2_requests(path))])


def forms_of(secret: bytes) -> tuple[bytes, ...]:
    """Return a secret as it may stand on the wire: plain, and in Huffman code but for where that begins and ends."""
    return secret, HUFFMAN.encode(secret)[1:-1]
