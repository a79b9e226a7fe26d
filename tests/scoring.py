"""Compare exchange records with what the applications say they sent.

A truth file lists requests: `src`, `sport`, `dst`, `dport`, `method`, `path` (with query), `traceparent` (every value
that was sent), `class` (`valid`, `missing`, `malformed`), `status`; of gRPC also `grpc_status`. A record is one line of
`--exchanges`. Within a connection the two are matched by what they have in common, the most telling first, so that one
request too few does not put all that follow out of step. Where an application did not note its port (`sport` null), the
connections of its address to one server are matched as one.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

Request: TypeAlias = Mapping[str, Any]
"""One request of a truth file."""
Record: TypeAlias = Mapping[str, Any]
"""One exchange record."""


@dataclass
class Score:
    """What agrees and what does not. `complaints` says each disagreement in one line."""

    requests: int = 0
    matched: int = 0
    right: int = 0
    """The verdict is the truth; for an exempt request, what was read of its header is."""
    wrong: int = 0
    false_missing: int = 0
    """Of the wrong ones: said to be missing, and it was there."""
    indeterminate: int = 0
    unseen: int = 0
    """Sent, and no record speaks of it."""
    extra: int = 0
    """A record of a request that nobody sent."""
    wrong_value: int = 0
    """Another traceparent than was sent."""
    wrong_status: int = 0
    no_status: int = 0
    complaints: list[str] = field(default_factory=list)


def read_truth(path: Path) -> list[Request]:
    """Read the requests of a truth file."""
    requests: list[Request] = json.loads(path.read_text())["requests"]
    return requests


def read_records(path: Path) -> list[Record]:
    """Read exchange records."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def score(truth: Iterable[Request], records: Iterable[Record]) -> Score:
    """Match and count."""
    result = Score()
    sent: dict[Hashable, list[Request]] = defaultdict(list)
    seen: dict[Hashable, list[Record]] = defaultdict(list)
    requests = list(truth)
    without_port = {ends_of_request(request) for request in requests if request["sport"] is None}
    for request in requests:
        ends = ends_of_request(request)
        sent[ends if ends in without_port else (*ends, request["sport"])].append(request)
        result.requests += 1
    for record in records:
        ends = ends_of_record(record)
        seen[ends if ends in without_port else (*ends, record["client.port"])].append(record)
    for connection in sent.keys() | seen.keys():
        pairs, unseen, extra = match(sent[connection], seen[connection])
        result.matched += len(pairs)
        result.unseen += len(unseen)
        result.extra += len(extra)
        result.complaints += [f"unseen: {told(request)}" for request in unseen]
        result.complaints += [f"extra: {record}" for record in extra]
        for request, record in pairs:
            compare(result, request, record)
    return result


def compare(result: Score, request: Request, record: Record) -> None:
    """Count one pair."""
    read, said = values_of_record(record), record.get("wiresniff.verdict")
    if said == "exempt":
        said = request["class"] if read else "missing"
    if said == "indeterminate":
        result.indeterminate += 1
    elif said == request["class"]:
        result.right += 1
    else:
        result.wrong += 1
        result.false_missing += said == "missing"
        result.complaints.append(f"{request['class']} judged {said}: {told(request)}")
    if read and read != values_of_request(request):
        result.wrong_value += 1
        result.complaints.append(f"value {read}: {told(request)}")
    status = record.get("http.response.status_code")
    if request.get("status") and status is None:
        result.no_status += 1
        result.complaints.append(f"no status: {told(request)}")
    elif request.get("status") and status != request["status"]:
        result.wrong_status += 1
        result.complaints.append(f"status {status}: {told(request)}")
    code = record.get("rpc.grpc.status_code")
    if code is not None and request.get("grpc_status") is not None and code != request["grpc_status"]:
        result.wrong_status += 1
        result.complaints.append(f"grpc status {code}: {told(request)}")


def match(
    requests: Iterable[Request], records: Iterable[Record]
) -> tuple[list[tuple[Request, Record]], list[Request], list[Record]]:
    """Match the requests of one connection; return the pairs, and what is left of either side."""
    requests, records, pairs = list(requests), list(records), []
    for request_key, record_key in ROUNDS:
        waiting: dict[Hashable, list[Record]] = defaultdict(list)
        for record in records:
            waiting[record_key(record)].append(record)
        left: list[Request] = []
        for request in requests:
            key = request_key(request)
            if key is not None and waiting[key]:
                pairs.append((request, waiting[key].pop(0)))
            else:
                left.append(request)
        matched = {id(record) for _, record in pairs}
        requests, records = left, [record for record in records if id(record) not in matched]
    return pairs, requests, records


def ends_of_request(request: Request) -> tuple[Any, ...]:
    """Return who asked, and whom at which port."""
    return request["src"], request["dst"], request["dport"]


def ends_of_record(record: Record) -> tuple[Any, ...]:
    """Return the same of a record."""
    return tuple(record.get(key) for key in ("client.address", "server.address", "server.port"))


def values_of_request(request: Request) -> tuple[str, ...]:
    """Return the traceparent values, as a field is read: without blanks around them (RFC 9110 5.5)."""
    return tuple(value.strip(" \t") for value in request["traceparent"])


def values_of_record(record: Record) -> tuple[str, ...]:
    """Return the traceparent values, the same way."""
    return tuple(value.strip(" \t") for value in record.get("http.request.header.traceparent", ()))


def path_of_request(request: Request) -> str:
    """Return the path without its query."""
    path: str = request["path"]
    return path.partition("?")[0]


def path_of_record(record: Record) -> str | None:
    """Return the path without its query."""
    path: str | None = record.get("url.path")
    return path.partition("?")[0] if path is not None else None


ROUNDS: tuple[tuple[Callable[[Request], Hashable], Callable[[Record], Hashable]], ...] = (
    (
        lambda sent: (values_of_request(sent), path_of_request(sent), sent.get("grpc_status")),
        lambda seen: (values_of_record(seen), path_of_record(seen), seen.get("rpc.grpc.status_code")),
    ),
    (
        lambda sent: (values_of_request(sent), path_of_request(sent)),
        lambda seen: (values_of_record(seen), path_of_record(seen)),
    ),
    (lambda sent: values_of_request(sent) or None, values_of_record),
    (path_of_request, path_of_record),
    (lambda _: "in order", lambda _: "in order"),
)
"""What must agree, the most telling first. A request whose key is None sits the round out."""


def told(request: Request) -> str:
    """Describe a request in a complaint."""
    source, destination = f"{request['src']}:{request['sport']}", f"{request['dst']}:{request['dport']}"
    return f"{source} -> {destination} {request['method']} {request['path']} {list(request['traceparent'])}"
