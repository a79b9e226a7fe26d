"""Make a load in which every request takes part in a chain: web calls shop, shop calls store, store calls disk.

    python tests/bench/make_chain_load.py OUT.pcap --requests 200000

Nothing is sent: the packets are written, request and response of one packet each, on kept-alive HTTP/1.1 connections.
The trace goes on from service to service with a parent-id of each; one call in a hundred loses it, and one begins anew.
It is what the judgement of hops costs most on: real traffic has bodies, and clients that nobody calls.
"""

import argparse
import struct
from collections.abc import Iterator
from heapq import merge
from itertools import count
from pathlib import Path
from random import Random

ADDRESSES = [bytes([10, 0, 0, 1 + n]) for n in range(4)]
"""Of web, shop, store and disk."""
NAMES = ["web", "shop", "store", "disk"]
CONNECTIONS = 40
"""Kept alive, between two services: so many requests are open at once."""
SECONDS_BETWEEN = 0.0005
START_SECONDS = 1_700_000_000

PCAP = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, 1)
RECORD = struct.Struct("<IIII")
ETHERNET = bytes(range(6)) + bytes(range(6, 12)) + b"\x08\x00"
IP = struct.Struct("!BBHHHBBH4s4s")
TCP = struct.Struct("!HHIIBBHHH")
REQUEST = (
    "GET /{name}/items/{item} HTTP/1.1\r\nHost: {name}:8080\r\nUser-Agent: python-requests/2.32\r\n"
    "Accept: */*\r\n{context}\r\n"
)
RESPONSE = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"state":"good"}'[:-1]

Packet = tuple[int, int, bytes]
"""Time, a number to tell equal times apart, bytes."""


class Connection:
    """A kept-alive connection."""

    def __init__(self, hop: int, port: int, draw: Random) -> None:
        self._ends = (ADDRESSES[hop], port), (ADDRESSES[hop + 1], 8080)
        self._sent = [draw.getrandbits(31), draw.getrandbits(31)]

    def packet(self, sender: int, payload: bytes) -> bytes:
        """Send from one end, 0 for the client, and acknowledge everything."""
        (source, source_port), (target, target_port) = self._ends[sender], self._ends[1 - sender]
        tcp = TCP.pack(
            source_port, target_port, self._sent[sender], self._sent[1 - sender], 0x50, 0x18, 65_535, 0, 0
        )  # fmt: skip
        ip = IP.pack(0x45, 0, 40 + len(payload), 0, 0x4000, 64, 6, 0, source, target)
        self._sent[sender] += len(payload)
        return ETHERNET + ip + tcp + payload


def chains(requests: int, draw: Random) -> Iterator[tuple[int, list[Packet]]]:
    """Make chains of three requests each, with the time at which each begins."""
    connections = [[Connection(hop, 40_000 + n, draw) for n in range(CONNECTIONS)] for hop in range(3)]
    numbers = count()
    for chain in range(requests // 3):
        began_ns = round(chain * SECONDS_BETWEEN * 1e9)
        used = [connections[hop][chain % CONNECTIONS] for hop in range(3)]
        trace = f"{draw.getrandbits(127) + 1:032x}"
        packets: list[Packet] = []
        for hop in range(3):
            luck = draw.random()
            if luck < 0.01:
                trace = f"{draw.getrandbits(127) + 1:032x}"
            context = f"traceparent: 00-{trace}-{draw.getrandbits(63) + 1:016x}-01\r\n" if luck < 0.99 else ""
            text = REQUEST.format(name=NAMES[hop + 1], item=chain % 1000, context=context)
            time_ns = began_ns + hop * 1_000_000 + draw.randrange(100_000)
            packets.append((time_ns, next(numbers), used[hop].packet(0, text.encode())))
        for hop in (2, 1, 0):
            time_ns = began_ns + (8 - hop) * 1_000_000 + draw.randrange(100_000)
            packets.append((time_ns, next(numbers), used[hop].packet(1, RESPONSE)))
        yield began_ns, packets


def packets_in_order(requests: int, seed: int) -> Iterator[Packet]:
    """Return all packets in order of time."""
    waiting: list[Packet] = []
    for began_ns, packets in chains(requests, Random(seed)):
        waiting = list(merge(waiting, packets))
        due = next((row for row, packet in enumerate(waiting) if packet[0] >= began_ns), len(waiting))
        yield from waiting[:due]
        del waiting[:due]
    yield from waiting


def main() -> None:
    """Write the capture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with options.output.open("wb") as file:
        file.write(PCAP)
        for time_ns, _, packet in packets_in_order(options.requests, options.seed):
            seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
            file.write(RECORD.pack(START_SECONDS + seconds, nanoseconds, len(packet), len(packet)) + packet)


if __name__ == "__main__":
    main()
