"""Exchange records."""

import json

import pytest

from wiresniff.model.context import ABSENT, Carrier, Presence, Reading, TraceContext
from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Channel, Exchange, Unseen
from wiresniff.model.hops import Change, Doubt, Hop, Outcome
from wiresniff.model.policy import Keep, Privacy
from wiresniff.model.verdicts import Confidence, Judgement, Verdict
from wiresniff.report.records import record, record_line

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01".encode()
VALID = Reading(
    Presence.VALID, TraceContext("00", TRACE, SPAN, 1), (), ("reserved-flag-bits",), "valid",
    (Carrier("b3", TRACE, SPAN, True),), (TRACEPARENT,), (b"dd=s:1;p:" + SPAN.encode(),), ("user.id",), 11,
    (b"user.id=\xe9",),
)  # fmt: skip


def exchange(target: bytes | None = b"/price/17?user=1", method: bytes | None = b"GET") -> Exchange:
    """One answered request in packet 7 of the first capture."""
    one = Exchange(
        Channel(Endpoint("10.0.0.11", 40_000), Endpoint("10.0.0.12", 8080), 0), "http/1", "1.1",
        1_760_000_000_017_000_051, 0, 7, 1, method, target, [],
    )  # fmt: skip
    one.status, one.complete, one.end_time_ns = 200, True, one.time_ns + 3_200_000
    one.authority, one.user_agent = b"pricing:8080", b"okhttp/4.9"
    return one


def said(
    one: Exchange | None = None,
    reading: Reading = VALID,
    verdict: Verdict = Verdict.VALID,
    *,
    reason: str | None = None,
    hop: Hop | None = None,
    privacy: Privacy | None = None,
    show_baggage: bool = False,
) -> dict[str, object]:
    """Return the record as a program reads it."""
    judgement = Judgement(one or exchange(), "orders", "pricing", reading, verdict, Confidence.CERTAIN, reason, hop)
    line = record_line(judgement, ["night.pcap", "edge.pcap"], privacy or Privacy(), show_baggage)
    assert line.endswith("\n")
    assert line.count("\n") == 1
    return json.loads(line)  # type: ignore[no-any-return]


def test_a_valid_request_says_all_that_is_known() -> None:
    """These keys and no others: programs rely on them."""
    assert said() == {
        "time": "2025-10-09T08:53:20.017000051Z",
        "client.address": "10.0.0.11",
        "client.port": 40_000,
        "server.address": "10.0.0.12",
        "server.port": 8080,
        "wiresniff.client": "orders",
        "wiresniff.server": "pricing",
        "network.protocol.name": "http",
        "network.protocol.version": "1.1",
        "http.request.method": "GET",
        "url.path": "/price/17",
        "http.response.status_code": 200,
        "user_agent.original": "okhttp/4.9",
        "wiresniff.authority": "pricing:8080",
        "wiresniff.duration": 0.0032,
        "wiresniff.complete": True,
        "http.request.header.traceparent": [TRACEPARENT.decode()],
        "http.request.header.tracestate": [f"dd=s:1;p:{SPAN}"],
        "trace_id": TRACE,
        "span_id": SPAN,
        "trace_flags": "01",
        "wiresniff.verdict": "valid",
        "wiresniff.confidence": "certain",
        "wiresniff.faults": [],
        "wiresniff.warnings": ["reserved-flag-bits"],
        "wiresniff.tracestate": "valid",
        "wiresniff.carriers": ["b3"],
        "wiresniff.baggage.keys": ["user.id"],
        "wiresniff.baggage.bytes": 11,
        "wiresniff.capture": "night.pcap",
        "wiresniff.packet": 7,
    }


def hop_keys(hop: Hop | None) -> dict[str, object]:
    """Return what a record says of a hop."""
    known = said(hop=hop)
    return {key: known[key] for key in known if key.startswith(("wiresniff.propagation", "wiresniff.cause"))}


def received(packet: int = 4, capture: int = 0) -> Exchange:
    """One request that came in before."""
    one = exchange()
    one.packet, one.capture = packet, capture
    return one


def test_what_the_client_made_of_the_trace() -> None:
    """The outcome, how it is known, what was done to the context, and the packet of the request that caused it."""
    certain = Hop(Outcome.PROPAGATED, Confidence.CERTAIN, received(), (Change.TRACESTATE_CUT,))
    assert hop_keys(certain) == {
        "wiresniff.propagation": "propagated",
        "wiresniff.propagation.confidence": "certain",
        "wiresniff.propagation.changes": ["tracestate-cut"],
        "wiresniff.cause": 4,
    }
    assert hop_keys(None) == {}


@pytest.mark.parametrize("confidence", [Confidence.LIKELY, Confidence.POSSIBLE])
def test_a_cause_is_named_where_identifiers_prove_it(confidence: Confidence) -> None:
    """What only time tells is not given as the packet that caused another; nor has a live packet a number."""
    assert "wiresniff.cause" not in hop_keys(Hop(Outcome.DROPPED, confidence, received()))
    assert "wiresniff.cause" not in hop_keys(Hop(Outcome.PROPAGATED, Confidence.CERTAIN, received(packet=0)))


def test_a_cause_in_another_capture_says_in_which() -> None:
    """Its number is one of that file."""
    known = hop_keys(Hop(Outcome.PASSTHROUGH, Confidence.CERTAIN, received(capture=1)))
    assert (known["wiresniff.cause"], known["wiresniff.cause.capture"]) == (4, "edge.pcap")


def test_what_cannot_be_told_says_why() -> None:
    """In the word that `explain` knows."""
    busy = Hop(Outcome.UNDETERMINED, Confidence.UNDETERMINED, doubt=Doubt.BUSY)
    assert hop_keys(busy) == {
        "wiresniff.propagation": "undetermined",
        "wiresniff.propagation.confidence": "undetermined",
        "wiresniff.propagation.reason": "busy",
    }


def test_what_is_not_known_is_absent() -> None:
    """A head that was not seen has no method, no target, and nothing is said of its trace."""
    one = exchange(None, None)
    one.unseen, one.status, one.end_time_ns, one.complete = Unseen.GAP, None, None, False
    one.authority = one.user_agent = None
    one.packet = 0
    known = said(one, ABSENT, Verdict.INDETERMINATE, reason="gap")
    assert known["wiresniff.reason"] == "gap"
    assert known["wiresniff.complete"] is False
    assert set(known) == {
        "time", "client.address", "client.port", "server.address", "server.port", "wiresniff.client",
        "wiresniff.server", "network.protocol.name", "network.protocol.version", "wiresniff.verdict",
        "wiresniff.confidence", "wiresniff.complete", "wiresniff.reason", "wiresniff.capture",
    }  # fmt: skip


def test_a_missing_context_has_no_ids() -> None:
    """But it says that the head was seen: no faults, no tracestate."""
    known = said(reading=ABSENT, verdict=Verdict.MISSING)
    assert not {"trace_id", "span_id", "trace_flags", "http.request.header.traceparent"} & set(known)
    assert known["wiresniff.faults"] == []
    assert known["wiresniff.tracestate"] == "absent"


def test_values_are_latin_1() -> None:
    """Every byte has a character, and the line is ASCII all the same."""
    reading = ABSENT._replace(presence=Presence.MALFORMED, traceparents=(bytes(range(256)), b""), faults=("empty",))
    known = said(reading=reading, verdict=Verdict.MALFORMED)
    assert known["http.request.header.traceparent"] == [bytes(range(256)).decode("latin-1"), ""]
    assert known["wiresniff.faults"] == ["empty"]


def test_a_query_is_shown_only_when_privacy_keeps_it() -> None:
    """It is dropped by default, also from absolute targets."""
    assert "url.query" not in said()
    assert said(privacy=Privacy(query=Keep.KEEP))["url.query"] == "user=1"
    absolute = said(exchange(b"http://u:p@pricing/price?q=1"), privacy=Privacy(query=Keep.KEEP))
    assert (absolute["url.path"], absolute["url.query"]) == ("/price", "q=1")
    assert "url.path" not in said(exchange(b"pricing:443", b"CONNECT"))


def test_paths_are_dropped_when_privacy_says_so() -> None:
    """The method stays."""
    known = said(privacy=Privacy(paths=Keep.DROP))
    assert "url.path" not in known
    assert known["http.request.method"] == "GET"


@pytest.mark.parametrize("keep", [Keep.SHORT, Keep.HASH, Keep.DROP])
def test_ids_that_are_not_kept_are_nowhere(keep: Keep) -> None:
    """Neither in their keys nor within header values."""
    text = json.dumps(said(privacy=Privacy(ids=keep)))
    assert TRACE not in text
    assert SPAN not in text


def test_shortened_and_hashed_ids_can_still_be_compared() -> None:
    """Equal ids look equal, in every record."""
    assert said(privacy=Privacy(ids=Keep.SHORT))["trace_id"] == TRACE[:8]
    hashed = said(privacy=Privacy(ids=Keep.HASH))["trace_id"]
    assert hashed == said(exchange(b"/other"), privacy=Privacy(ids=Keep.HASH))["trace_id"]
    assert hashed != said(privacy=Privacy(ids=Keep.HASH))["span_id"]


def test_baggage_values_are_shown_only_when_asked_for() -> None:
    """By the command line or the policy; never when the policy drops them."""
    assert "http.request.header.baggage" not in said()
    shown = said(show_baggage=True)
    assert shown["http.request.header.baggage"] == ["user.id=\xe9"]
    assert "wiresniff.baggage.keys" not in shown
    assert "http.request.header.baggage" in said(privacy=Privacy(baggage=Keep.VALUES))
    assert not [key for key in said(privacy=Privacy(baggage=Keep.DROP), show_baggage=True) if "baggage" in key]


def test_an_exempt_request_names_its_rule() -> None:
    """And says what it carried none the less."""
    known = said(verdict=Verdict.EXEMPT, reason="health-check")
    assert (known["wiresniff.verdict"], known["wiresniff.reason"]) == ("exempt", "health-check")
    assert known["trace_id"] == TRACE


def test_grpc_has_its_own_keys() -> None:
    """Service and method are in the path, the status in the trailers."""
    one = exchange(b"/shop.v1.Prices/Get", b"POST")
    one.protocol, one.version, one.grpc_status, one.stream = "grpc", "2", 14, 5
    known = said(one)
    assert (known["rpc.system"], known["rpc.service"], known["rpc.method"]) == ("grpc", "shop.v1.Prices", "Get")
    assert (known["rpc.grpc.status_code"], known["wiresniff.stream"]) == (14, 5)


def test_a_method_that_is_not_known_is_absent() -> None:
    """It is gRPC all the same. A path of another form names no method, and a path that is not shown neither."""
    for target, privacy in ((None, Privacy()), (b"/", Privacy()), (b"/shop.v1.Prices/Get", Privacy(paths=Keep.DROP))):
        one = exchange(target, b"POST")
        one.protocol, one.version = "grpc", "2"
        known = said(one, privacy=privacy)
        assert known["rpc.system"] == "grpc"
        assert not known.keys() & {"rpc.service", "rpc.method"}


def test_a_head_of_http_2_that_could_not_be_judged_is_a_request() -> None:
    """What was read of it is told, method and path as what was seen; nothing is said about what was not."""
    one = exchange(b"/shop.v1.Prices/Get", b"POST")
    one.protocol, one.version, one.unseen, one.stream = "grpc", "2", Unseen.HEADER_TABLE, 5
    known = said(one, verdict=Verdict.INDETERMINATE, reason="header-table")
    assert (known["wiresniff.verdict"], known["wiresniff.reason"]) == ("indeterminate", "header-table")
    assert (known["wiresniff.seen"], known["rpc.method"]) == ("POST /shop.v1.Prices/Get", "Get")
    assert known["http.request.header.traceparent"] == [TRACEPARENT.decode()]
    unsaid = {"url.path", "http.request.method", "trace_id", "wiresniff.tracestate", "wiresniff.faults"}
    assert not known.keys() & unsaid
    assert "http.request.header.traceparent" not in said(
        one, verdict=Verdict.INDETERMINATE, reason="header-table", privacy=Privacy(ids=Keep.HASH)
    )


def test_what_was_inferred_is_said_to_be() -> None:
    """The confidence is the judgement's."""
    judgement = Judgement(exchange(), "a", "b", VALID, Verdict.VALID, Confidence.INFERRED, None)
    assert '"wiresniff.confidence":"inferred"' in record_line(judgement, [], Privacy(), show_baggage=False)


@pytest.mark.parametrize("time_ns", [0, 1, 999_999_999, 2**63 - 1, -1])
def test_any_time_can_be_said(time_ns: int) -> None:
    """The clock of a capture may be anywhere."""
    one = exchange()
    one.time_ns = time_ns
    assert str(said(one)["time"]).endswith(f"{time_ns % 10**9:09d}Z")


def test_an_answer_that_ends_before_its_request_has_no_duration() -> None:
    """It is left out, not negative."""
    one = exchange()
    one.end_time_ns = one.time_ns - 1
    assert "wiresniff.duration" not in said(one)


def test_a_record_is_the_line() -> None:
    """Both say the same."""
    judgement = Judgement(exchange(), "a\n", "\u2028", VALID, Verdict.VALID, Confidence.CERTAIN, None)
    line = record_line(judgement, [], Privacy(), show_baggage=False)
    assert line.isascii()
    assert json.loads(line) == json.loads(json.dumps(record(judgement, [], Privacy(), show_baggage=False)))
    assert "wiresniff.capture" not in line
