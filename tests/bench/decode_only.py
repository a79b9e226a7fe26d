"""Decode every packet of a capture with dpkt, one object per packet, and sum its TCP payload: nothing else.

    python tests/bench/decode_only.py CAPTURE.pcap

What a sniffer that handles packets one at a time in Python can't be faster than.
"""

import sys
from pathlib import Path

import dpkt


def payload_bytes(path: Path) -> int:
    """Return the TCP payload bytes of a classic capture of Ethernet frames."""
    total = 0
    with path.open("rb") as file:
        for _, data in dpkt.pcap.Reader(file):
            segment = dpkt.ethernet.Ethernet(data).data.data
            if isinstance(segment, dpkt.tcp.TCP):
                total += len(segment.data)
    return total


if __name__ == "__main__":
    print(payload_bytes(Path(sys.argv[1])))
