"""The scoring tells agreement from disagreement, or figures that rest on it mean nothing."""

from typing import Any

import pytest
from builders import traceparent
from scoring import Score, score


def sent(path: str, *values: str, class_: str = "valid", status: int = 200) -> dict[str, Any]:
    """Return a request of a truth file."""
    ends = {"src": "10.0.0.1", "sport": 40000, "dst": "10.0.0.2", "dport": 80}
    return {**ends, "method": "GET", "path": path, "traceparent": list(values), "class": class_, "status": status}


def seen(path: str | None, *values: str, verdict: str = "valid", status: int | None = 200) -> dict[str, Any]:
    """Return an exchange record, without the keys that are not known."""
    record = {
        "client.address": "10.0.0.1",
        "client.port": 40000,
        "server.address": "10.0.0.2",
        "server.port": 80,
        "url.path": path,
        "http.request.header.traceparent": list(values) or None,
        "wiresniff.verdict": verdict,
        "http.response.status_code": status,
    }
    return {key: value for key, value in record.items() if value is not None}


def figures(result: Score) -> dict[str, int]:
    """Return what was counted, without zeros."""
    return {name: count for name, count in vars(result).items() if isinstance(count, int) and count}


def test_agreement_has_no_complaints() -> None:
    """The query belongs to the truth's path and not to the record's."""
    result = score([sent("/a?n=1", traceparent(1))], [seen("/a", traceparent(1))])
    assert figures(result) == {"requests": 1, "matched": 1, "right": 1}
    assert result.complaints == []


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (seen("/a", verdict="missing"), {"wrong": 1, "false_missing": 1}),
        (seen("/a", traceparent(1), verdict="malformed"), {"wrong": 1}),
        (seen("/a", verdict="indeterminate"), {"indeterminate": 1}),
        (seen(None, verdict="indeterminate", status=None), {"indeterminate": 1, "no_status": 1}),
        (seen("/a", traceparent(2)), {"right": 1, "wrong_value": 1}),
        (seen("/a", traceparent(1), status=500), {"right": 1, "wrong_status": 1}),
        (seen("/a", traceparent(1), verdict="exempt"), {"right": 1}),
        (seen("/a", verdict="exempt"), {"wrong": 1, "false_missing": 1}),
    ],
)
def test_each_disagreement_is_counted(record: dict[str, Any], expected: dict[str, int]) -> None:
    """One request was sent with a valid header; the record says something else."""
    result = score([sent("/a", traceparent(1))], [record])
    assert figures(result) == {"requests": 1, "matched": 1, **expected}


def test_a_request_too_few_does_not_shift_the_others() -> None:
    """The first of three was not seen: the second and third still match."""
    truth = [sent("/a", traceparent(1)), sent("/a", traceparent(2)), sent("/b", class_="missing")]
    result = score(truth, [seen("/a", traceparent(2)), seen("/b", verdict="missing")])
    assert figures(result) == {"requests": 3, "matched": 2, "right": 2, "unseen": 1}
    assert result.complaints == [f"unseen: 10.0.0.1:40000 -> 10.0.0.2:80 GET /a ['{traceparent(1)}']"]


def test_a_record_of_nothing_is_extra() -> None:
    """A request that nobody sent, and one on another connection."""
    elsewhere = {**seen("/a", traceparent(1)), "client.port": 40001}
    result = score([sent("/a", traceparent(1))], [seen("/a", traceparent(1)), seen("/a", traceparent(1)), elsewhere])
    assert figures(result) == {"requests": 1, "matched": 1, "right": 1, "extra": 2}


def test_a_port_that_nobody_noted_matches_any() -> None:
    """Of the same client and server; another client's requests are extra."""
    truth = [{**sent("/a", traceparent(1)), "sport": None}, sent("/b", class_="missing")]
    other = {**seen("/a", traceparent(1)), "client.address": "10.0.0.3"}
    records = [{**seen("/a", traceparent(1)), "client.port": 7}, seen("/b", verdict="missing"), other]
    assert figures(score(truth, records)) == {"requests": 2, "matched": 2, "right": 2, "extra": 1}


def test_another_grpc_status_is_a_wrong_status() -> None:
    """What neither side knows is not compared."""
    call = {**sent("/a.B/C", traceparent(1)), "grpc_status": 5}
    record = seen("/a.B/C", traceparent(1))
    assert figures(score([call], [record])) == {"requests": 1, "matched": 1, "right": 1}
    assert score([call], [{**record, "rpc.grpc.status_code": 0}]).wrong_status == 1
    assert score([call], [{**record, "rpc.grpc.status_code": 5}]).wrong_status == 0


def test_records_without_a_path_match_in_order() -> None:
    """What could not be read still stands for the request that was sent."""
    result = score([sent("/a", class_="missing")], [seen(None, verdict="indeterminate")])
    assert figures(result) == {"requests": 1, "matched": 1, "indeterminate": 1}
