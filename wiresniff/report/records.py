"""Exchange records: one request, one JSON object, one line.

Keys are those of the OpenTelemetry semantic conventions where these have one. A key that is absent means "not known",
or not shown for privacy; header values are latin-1, so that every byte has a character.

This runs for every request: `record` is one flat function per group of keys and makes no object that it can avoid.
"""

import json

from wiresniff.model.confidence import Confidence
from wiresniff.model.context import Reading
from wiresniff.model.exchanges import Exchange
from wiresniff.model.policy import Keep, Privacy
from wiresniff.model.privacy import shown_id, shown_target, shows_baggage_keys, shows_baggage_values, shows_values
from wiresniff.model.targets import rpc_of
from wiresniff.model.verdicts import Judgement
from wiresniff.report.quoting import SECOND_NS, rfc3339

Record = dict[str, object]

HTTP_2 = "2"

_encode = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode
"""ASCII only: no terminal sequence, line separator or lone surrogate gets out of a string."""


def record_line(judgement: Judgement, captures: list[str], privacy: Privacy, show_baggage: bool) -> str:
    """Return the record as one line of JSON, with its newline."""
    return _encode(record(judgement, captures, privacy, show_baggage)) + "\n"


def record(judgement: Judgement, captures: list[str], privacy: Privacy, show_baggage: bool) -> Record:
    """Return the keys that are known of one request.

    captures      their names, by the row that exchanges give
    show_baggage  the person asked for baggage values; the policy may still refuse
    """
    exchange = judgement.exchange
    client, server = exchange.client, exchange.server
    known: Record = {
        "time": rfc3339(exchange.time_ns),
        "client.address": client.address,
        "client.port": client.port,
        "server.address": server.address,
        "server.port": server.port,
        "wiresniff.client": judgement.client,
        "wiresniff.server": judgement.server,
        "network.protocol.name": "http",
        "network.protocol.version": exchange.version,
        "wiresniff.verdict": judgement.verdict,
        "wiresniff.confidence": judgement.confidence,
        "wiresniff.complete": exchange.complete,
    }
    if exchange.unseen is None:
        _add_request(known, exchange, privacy)
        _add_response(known, exchange)
        _add_reading(known, judgement, privacy, show_baggage)
    else:
        _add_seen(known, exchange, privacy)
        if exchange.version == HTTP_2:
            _add_rest(known, exchange, privacy)
            _add_values(known, judgement.reading, privacy)
        _add_response(known, exchange)
    if judgement.reason is not None:
        known["wiresniff.reason"] = judgement.reason
    hop = judgement.hop
    if hop is not None:
        known["wiresniff.propagation"] = hop.outcome
        known["wiresniff.propagation.confidence"] = hop.confidence
        if hop.doubt is not None:
            known["wiresniff.propagation.reason"] = hop.doubt
        if hop.changes:
            known["wiresniff.propagation.changes"] = hop.changes
        if hop.cause is not None and hop.cause.packet and hop.confidence is Confidence.CERTAIN:
            known["wiresniff.cause"] = hop.cause.packet
            if hop.cause.capture != exchange.capture and 0 <= hop.cause.capture < len(captures):
                known["wiresniff.cause.capture"] = captures[hop.cause.capture]
    if 0 <= exchange.capture < len(captures):
        known["wiresniff.capture"] = captures[exchange.capture]
    if exchange.packet:
        known["wiresniff.packet"] = exchange.packet
    if exchange.stream is not None:
        known["wiresniff.stream"] = exchange.stream
    return known


def _add_request(known: Record, exchange: Exchange, privacy: Privacy) -> None:
    method = None
    if exchange.method is not None:
        method = known["http.request.method"] = exchange.method.decode("latin-1")
    if exchange.target is not None:
        target = exchange.target.decode("latin-1")
        path, query = shown_target(method, target, privacy)
        if path is not None:
            known["url.path"] = path
        if query is not None:
            known["url.query"] = query
    _add_rest(known, exchange, privacy)


def _add_rest(known: Record, exchange: Exchange, privacy: Privacy) -> None:
    """Add what is known of a request beside method and target."""
    if exchange.protocol == "grpc":
        _add_rpc(known, exchange, privacy)
    if exchange.authority is not None:
        known["wiresniff.authority"] = exchange.authority.decode("latin-1")
    if exchange.user_agent is not None:
        known["user_agent.original"] = exchange.user_agent.decode("latin-1")


def _add_seen(known: Record, exchange: Exchange, privacy: Privacy) -> None:
    """Add what was seen of a head that can't be judged, apart from what is known of a request.

    In HTTP/1 it may not even be a request: behind lost bytes, text of a body can begin a segment.
    """
    if exchange.method is None or exchange.target is None:
        return
    method = exchange.method.decode("latin-1")
    path, query = shown_target(method, exchange.target.decode("latin-1"), privacy)
    known["wiresniff.seen"] = f"{method} {path or ''}{f'?{query}' if query is not None else ''}".rstrip(" ")


def _add_rpc(known: Record, exchange: Exchange, privacy: Privacy) -> None:
    """Add what the path `/service/method` says, where paths are shown."""
    known["rpc.system"] = "grpc"
    if exchange.target is not None and privacy.paths is Keep.KEEP:
        rpc = rpc_of(exchange.target.decode("latin-1"))
        if rpc is not None:
            known["rpc.service"], known["rpc.method"] = rpc


def _add_response(known: Record, exchange: Exchange) -> None:
    if exchange.status is not None:
        known["http.response.status_code"] = exchange.status
    if exchange.grpc_status is not None:
        known["rpc.grpc.status_code"] = exchange.grpc_status
    if exchange.end_time_ns is not None and exchange.end_time_ns >= exchange.time_ns:
        # An answer that ends before its request's head does has no duration.
        known["wiresniff.duration"] = (exchange.end_time_ns - exchange.time_ns) / SECOND_NS


def _add_reading(known: Record, judgement: Judgement, privacy: Privacy, show_baggage: bool) -> None:
    reading = judgement.reading
    if privacy.ids is Keep.KEEP and reading.context is not None:
        _, known["trace_id"], known["span_id"], flags = reading.context
        known["trace_flags"] = FLAGS[flags]
    elif reading.context is not None:
        context = reading.context
        for key, identifier in (("trace_id", context.trace_id), ("span_id", context.parent_id)):
            shown = shown_id(identifier, privacy.ids)
            if shown is not None:
                known[key] = shown
        known["trace_flags"] = FLAGS[context.flags]
    _add_values(known, reading, privacy)
    known["wiresniff.faults"] = reading.faults
    known["wiresniff.warnings"] = reading.warnings
    known["wiresniff.tracestate"] = reading.tracestate
    known["wiresniff.carriers"] = [carrier.format for carrier in reading.carriers]
    if reading.baggages:
        if shows_baggage_values(privacy, asked=show_baggage):
            known["http.request.header.baggage"] = [value.decode("latin-1") for value in reading.baggages]
        elif shows_baggage_keys(privacy):
            known["wiresniff.baggage.keys"] = reading.baggage_keys
            known["wiresniff.baggage.bytes"] = reading.baggage_bytes


def _add_values(known: Record, reading: Reading, privacy: Privacy) -> None:
    if shows_values(privacy):
        if reading.traceparents:
            known["http.request.header.traceparent"] = [value.decode("latin-1") for value in reading.traceparents]
        if reading.tracestates:
            known["http.request.header.tracestate"] = [value.decode("latin-1") for value in reading.tracestates]


FLAGS = tuple(f"{flags:02x}" for flags in range(256))
"""trace-flags as they stand in a traceparent."""
