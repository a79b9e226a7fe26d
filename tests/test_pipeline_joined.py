"""Several capture points of one system: what is judged across them is what one capture of everything gives."""

import json
from collections import Counter
from pathlib import Path

import dpkt
import pytest
from cli_running import TOUR, ran

ORDERS, PRICING, SHOP_WEB = "10.20.0.12", "10.20.0.13", "10.20.0.11"


def seen_at(path: Path, *hosts: str) -> Path:
    """Write the packets of the tour that hosts send or receive."""
    wanted = [bytes(map(int, host.split("."))) for host in hosts]
    with Path(TOUR).open("rb") as source, path.open("wb") as file:
        writer = dpkt.pcap.Writer(file, nano=True)
        for time, octets in dpkt.pcap.Reader(source):
            if any(host in (octets[26:30], octets[30:34]) for host in wanted):
                writer.writepkt(octets, time)
    return path


def hops(capsys: pytest.CaptureFixture[str], *captures: Path) -> Counter[tuple[str, ...]]:
    """Count what became of the trace, and whether that is certain; across captures less is likely."""
    lines = ran(capsys, "audit", *captures, "--exchanges", "-").out.splitlines()
    keys = ("client.address", "server.address", "wiresniff.propagation")
    counts: Counter[tuple[str, ...]] = Counter()
    for record in map(json.loads, lines):
        is_certain = record["wiresniff.propagation.confidence"] == "certain"
        counts[*(record[key] for key in keys), "certain" if is_certain else "by time"] += 1
    return counts


def test_hops_across_capture_points(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What came in was seen here, what went out there, and some of it by both."""
    together = seen_at(tmp_path / "together.pcap", ORDERS, PRICING, SHOP_WEB)
    apart = [seen_at(tmp_path / f"{host}.pcap", host) for host in (SHOP_WEB, PRICING, ORDERS)]
    expected = hops(capsys, together)
    assert expected[ORDERS, PRICING, "propagated", "certain"] == 24
    assert expected[ORDERS, PRICING, "root", "certain"] == 0
    assert hops(capsys, *apart) == expected
    assert hops(capsys, *apart[::-1]) == expected
