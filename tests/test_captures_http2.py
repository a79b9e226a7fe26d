"""Captures of HTTP/2 and gRPC are audited as the applications say, whole and joined late."""

from pathlib import Path

import pytest
from capture_auditing import PCAPS, Audited, audited
from scoring import Request, Score, read_truth, score

WHOLE = {"envoy": 571, "grpc": 290, "grpc-go": 220, "h2": 302, "ipv6": 185}
"""Captures that begin before their connections, and the requests in them."""
LATE = {
    "envoy-midstream": 0,
    "grpc-go-midstream": 3,
    "grpc-headless": 1,
    "grpc-midstream": 0,
    "h2-midstream": 0,
}
"""Captures that join connections late, and how many requests stay in doubt."""
AUDITED: dict[str, Audited] = {}


def requests(name: str) -> list[Request]:
    """Return what the applications sent."""
    return read_truth(PCAPS / f"{name}.truth.json")


def audit_of(name: str) -> Audited:
    """Audit a capture, once."""
    if name not in AUDITED:
        (capture,) = [path for path in PCAPS.glob(f"{name}.pcap*") if path.suffix != ".py"]
        AUDITED[name] = audited(Path(capture))
    return AUDITED[name]


def scored(name: str) -> Score:
    """Compare an audit with what was sent."""
    return score(requests(name), audit_of(name).records)


@pytest.mark.parametrize("name", WHOLE)
def test_whole_captures_are_judged_without_an_error(name: str) -> None:
    """Every request, every value, every status; nothing that was not sent, nothing unsure."""
    result = scored(name)
    assert result.complaints == []
    assert (result.requests, result.right, result.indeterminate) == (WHOLE[name], WHOLE[name], 0)
    assert not any(record["wiresniff.confidence"] == "inferred" for record in audit_of(name).records)


@pytest.mark.parametrize("name", LATE)
def test_captures_joined_late_accuse_nobody(name: str) -> None:
    """Every request is seen, every traceparent is found, and nearly all that have none are named."""
    result = scored(name)
    assert (result.unseen, result.extra) == (0, 0), result.complaints
    assert (result.wrong, result.false_missing, result.wrong_value, result.wrong_status) == (0, 0, 0, 0)
    sent = [request for request in requests(name) if request["class"] != "missing"]
    found = [record for record in audit_of(name).records if "http.request.header.traceparent" in record]
    assert len(found) == len(sent)
    assert result.indeterminate == LATE[name]
    assert result.indeterminate <= 0.1 * (result.requests - len(sent))


@pytest.mark.parametrize("name", ["grpc", "grpc-go", "grpc-midstream"])
def test_calls_are_told_by_service_and_method(name: str) -> None:
    """As gRPC names them, with the status of the call."""
    paths = {request["path"] for request in requests(name)}
    for record in audit_of(name).records:
        assert record["rpc.system"] == "grpc"
        if "rpc.method" in record:
            assert f"/{record['rpc.service']}/{record['rpc.method']}" in paths


@pytest.mark.parametrize("name", ["grpc", "grpc-go"])
def test_the_status_of_calls_is_read(name: str) -> None:
    """Of all that the server ended."""
    ended = sum(request["grpc_status"] is not None for request in requests(name))
    assert ended > 200
    assert sum("rpc.grpc.status_code" in record for record in audit_of(name).records) >= ended


def test_the_pair_says_what_was_inferred() -> None:
    """As many as its records do, of the verdicts that these have."""
    result = audit_of("h2-midstream")
    inferred = [record for record in result.records if record["wiresniff.confidence"] == "inferred"]
    assert inferred
    pairs = result.report()["pairs"]
    assert sum(pair["inferred"] for pair in pairs) == len(inferred)
    assert {pair["protocol"] for pair in pairs} == {"http/2"}


def test_a_method_that_drops_the_trace_is_named() -> None:
    """Two pairs of methods of grpc-go: carts are flushed without a trace, always; the others lack it at times."""
    (finding,) = [
        finding for finding in audit_of("grpc-go").report()["findings"] if finding["id"] == "context-missing"
    ]  # fmt: skip
    assert "`/shop.v1.Cart/Flush` always lacks it" in finding["message"]
    assert "opencensus" in audit_of("grpc-go").report()["pairs"][0]["carriers_instead"]
