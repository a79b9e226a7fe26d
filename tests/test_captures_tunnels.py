"""Captures of tunnels are audited as the applications say, fragments included."""

import pytest
from capture_auditing import PCAPS, audited
from scoring import read_truth, score

REQUESTS = {"geneve": 90, "gre": 75, "six-in-four": 72, "vxlan": 84, "vxlan-fragments": 111}
"""Requests of HTTP/1 and gRPC in each."""


@pytest.mark.parametrize("name", REQUESTS)
def test_every_request_in_a_tunnel_is_judged(name: str) -> None:
    """Every request, every value; nothing that was not sent, nothing unsure. Addresses are those in the tunnel."""
    result = audited(PCAPS / f"{name}.pcap.gz")
    found = score(read_truth(PCAPS / f"{name}.truth.json"), result.records)
    assert found.complaints == []
    assert (found.requests, found.right, found.indeterminate) == (REQUESTS[name], REQUESTS[name], 0)
    counts = result.audit.accounting.counts
    assert counts["tunnelled_packets"] > 400
    assert counts["connections_joined_late"] == 0


@pytest.mark.parametrize("name", ["geneve", "vxlan"])
def test_common_tunnels_are_read_in_columns(name: str) -> None:
    """Hardly a packet of theirs goes one by one: those are multicast listener reports, with an extension header."""
    counts = audited(PCAPS / f"{name}.pcap.gz").audit.accounting.counts
    assert counts["scalar_packets"] < 0.02 * counts["tunnelled_packets"]
