"""The kernel's share of each process: one connection, one process, in tunnels and outside."""

from collections import defaultdict

import pytest
from cli_running import ROOT
from oracles.fanout import run

from wiresniff.capture import capture_points, open_captures
from wiresniff.capture.fanout import FANOUT_PROGRAM
from wiresniff.decode.decoder import Decoder

KERNEL_LONGEST_PROGRAM = 4096
"""BPF_MAXINSNS"""


def shares(name: str) -> dict[bytes, set[int]]:
    """Return what the program says of the packets of each connection of a capture of Ethernet packets."""
    found = defaultdict(set)
    decoder = Decoder(1)
    for _, block in capture_points(open_captures([str(ROOT / "fixtures" / "pcaps" / name)])):
        segments = decoder.feed(block)
        packet = {number: row for row, number in enumerate(block.number.tolist())}
        for number, endpoints in zip(segments.number.tolist(), segments.endpoints, strict=True):
            row = packet[number]
            start, length = int(block.offset[row]), int(block.captured_length[row])
            octets = bytes(block.buffer[start : start + length])
            found[endpoints.tobytes()[:36]].add(run(FANOUT_PROGRAM, octets[14:], int.from_bytes(octets[12:14])))
    return found


@pytest.mark.parametrize("name", ["h2-midstream.pcap.gz", "geneve.pcap.gz", "gre.pcap.gz", "vxlan.pcap.gz"])
def test_all_packets_of_a_connection_have_one_share(name: str) -> None:
    """Both directions, and whatever tunnel they are in."""
    found = shares(name)
    assert found
    assert [said for said in found.values() if len(said) != 1] == []


def test_connections_are_told_apart() -> None:
    """Connections between two hosts go to both of two processes."""
    assert {next(iter(said)) % 2 for said in shares("vxlan.pcap.gz").values()} == {0, 1}


def test_short_packets_and_others_go_to_the_first() -> None:
    """What has no IP header has no connection."""
    assert run(FANOUT_PROGRAM, b"", 0x0800) == 0
    assert run(FANOUT_PROGRAM, bytes(40), 0x0806) == 0


def test_the_kernel_takes_it() -> None:
    """It is short enough, and jumps forward only."""
    assert len(FANOUT_PROGRAM) < KERNEL_LONGEST_PROGRAM
    assert all(step.operand >= 0 for step in FANOUT_PROGRAM)
