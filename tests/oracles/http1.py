"""h11 as the twin of wiresniff.protocols.http1: it reads whole, well-formed streams of requests and responses."""

from collections.abc import Sequence
from typing import NamedTuple

import h11


class Heard(NamedTuple):
    """One exchange."""

    method: bytes
    target: bytes
    fields: list[tuple[bytes, bytes]]
    """Every `traceparent`."""
    status: int


def read(requests: bytes, responses: bytes) -> list[Heard]:
    """Read what both sides of a connection said."""
    asked = [request for request in messages(requests) if isinstance(request, h11.Request)]
    answered = statuses(responses, [request.method for request in asked])
    return [
        Heard(
            bytes(request.method),
            bytes(request.target),
            [(bytes(name), bytes(value)) for name, value in request.headers if name == b"traceparent"],
            status,
        )
        for request, status in zip(asked, answered, strict=True)
    ]


def messages(octets: bytes) -> list[h11.Event]:
    """Return the events of all requests, each read by a server that answers nothing."""
    events: list[h11.Event] = []
    while octets:
        connection = h11.Connection(h11.SERVER)
        connection.receive_data(octets)
        events += until_end(connection)
        octets = connection.trailing_data[0]
    return events


def statuses(octets: bytes, methods: Sequence[bytes]) -> list[int]:
    """Return the status of the response to each request, each read by a client that asked just that."""
    found = []
    for method in methods:
        connection = h11.Connection(h11.CLIENT)
        connection.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
        connection.send(h11.EndOfMessage())
        connection.receive_data(octets)
        (response,) = [event for event in until_end(connection) if isinstance(event, h11.Response)]
        found.append(response.status_code)
        octets = connection.trailing_data[0]
    assert not octets
    return found


def until_end(connection: h11.Connection) -> list[h11.Event]:
    """Return the events of one message."""
    events: list[h11.Event] = []
    while not events or not isinstance(events[-1], h11.EndOfMessage):
        event = connection.next_event()
        assert event is not h11.NEED_DATA
        assert not isinstance(event, type)
        events.append(event)
    return events
