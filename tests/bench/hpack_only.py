"""Decode every header block of an HTTP/2 capture with the `hpack` library, and print the seconds that this alone took.

    python tests/bench/hpack_only.py CAPTURE.pcap PORT

Reading packets, putting segments together and cutting frames is not counted: what is left is the bound for anything
that leaves header blocks to the library. The capture must be whole, in order, and of Ethernet frames.
"""

import sys
import time
from collections import defaultdict
from pathlib import Path

import dpkt
import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_HEADER = 9
HEADERS, CONTINUATION = 1, 9
PADDED, PRIORITY = 0x08, 0x20
END_HEADERS = 0x04


def directions(path: Path, port: int) -> list[bytes]:
    """Return the bytes of both directions of every connection, by sequence number."""
    pieces: dict[tuple[bytes, int, bytes, int], dict[int, bytes]] = defaultdict(dict)
    with path.open("rb") as file:
        for _, data in dpkt.pcap.Reader(file):
            packet = dpkt.ethernet.Ethernet(data).data
            segment = packet.data
            if isinstance(segment, dpkt.tcp.TCP) and port in (segment.sport, segment.dport) and len(segment.data):
                key = (packet.src, segment.sport, packet.dst, segment.dport)
                pieces[key].setdefault(segment.seq, bytes(segment.data))
    return [b"".join(by_sequence[at] for at in sorted(by_sequence)) for by_sequence in pieces.values()]


def blocks(octets: bytes) -> list[bytes]:
    """Return the header blocks of one direction (RFC 9113 4.1 and 6.2)."""
    found: list[bytes] = []
    at = len(PREFACE) if octets.startswith(PREFACE) else 0
    fragment = b""
    while at + FRAME_HEADER <= len(octets):
        length, kind, flags = int.from_bytes(octets[at : at + 3]), octets[at + 3], octets[at + 4]
        begin = at + FRAME_HEADER
        at = begin + length
        if kind == HEADERS:
            padding = octets[begin] if flags & PADDED else 0
            begin += (1 if flags & PADDED else 0) + (5 if flags & PRIORITY else 0)
            fragment = octets[begin : at - padding]
        elif kind == CONTINUATION:
            fragment += octets[begin:at]
        else:
            continue
        if flags & END_HEADERS:
            found.append(fragment)
    return found


def main() -> None:
    """Decode, and print the seconds last."""
    path, port = Path(sys.argv[1]), int(sys.argv[2])
    whole = [blocks(octets) for octets in directions(path, port)]
    begin = time.perf_counter()
    for one in whole:
        decoder = hpack.Decoder()
        for block in one:
            decoder.decode(block, raw=True)
    seconds = time.perf_counter() - begin
    print(f"{sum(map(len, whole))} header blocks")
    print(seconds)


if __name__ == "__main__":
    main()
