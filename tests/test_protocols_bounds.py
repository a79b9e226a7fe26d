"""Every bound of reading messages is reached, and something is counted when it is."""

import time
from itertools import chain

import numpy as np
import pytest
from builders import Conversation, head, request, response, traceparent
from stage_feeding import ARE_PLAIN, KEPT_FIELDS, Dissection, cut_into, dissected, exchanges_in, heard_messages

from wiresniff.model import limits
from wiresniff.model.exchanges import Exchange
from wiresniff.model.segments import ACK, ENDPOINTS, SYN, SegmentBlock
from wiresniff.protocols import Dissector
from wiresniff.reassembly import Reassembler
from wiresniff.tracecontext import is_traceparent_shaped

NEXT = "GET /next -> 200"


def opened() -> Conversation:
    """Return a conversation after its handshake, of quick steps."""
    talk = Conversation()
    talk.clock.step_ns = 1000
    talk.open()
    return talk


def turn(talk: Conversation, target: str = "/next") -> None:
    """Ask and answer."""
    talk.client_sends(request("GET", target))
    talk.server_sends(response(200))


@pytest.mark.parametrize("mss", [1460, 60_000])
@pytest.mark.parametrize("side", ["request", "response"])
def test_heads_of_up_to_256_kib_are_read(side: str, mss: int) -> None:
    """Cookies come before what is looked for."""
    talk = opened()
    fields = [*(("Cookie", "x" * 7000) for _ in range(37)), ("Traceparent", traceparent(1))]
    talk.client_sends(request("GET", "/long", fields=fields if side == "request" else []), mss)
    talk.server_sends(response(200, fields=fields if side == "response" else [], body=b"abc"), mss)
    turn(talk)
    dissection = dissected(talk.packets)
    assert dissection.told() == ["GET /long -> 200", NEXT]
    assert dissection.anomalies() == {}
    assert dissection.in_order()[0].fields == [(b"traceparent", traceparent(1).encode())] * (side == "request")


def test_a_longer_head_is_not_judged() -> None:
    """It is recorded with what was seen, and counted; boundaries come back behind it."""
    talk = opened()
    turn(talk, "/1")
    fields = [("Cookie", "x" * 7000) for _ in range(60)]
    talk.client_sends(request("GET", "/long", fields=[*fields, ("Traceparent", traceparent(1))]))
    talk.server_sends(response(431))
    turn(talk)
    for sizes in (None, 1):
        dissection = dissected(talk.packets, sizes)
        assert dissection.told() == ["GET /1 -> 200", "GET /long [head-too-long] -> 431", NEXT]
        assert dissection.anomalies() == {"head-too-long": 1}


def test_a_longer_head_of_a_response_gives_its_status() -> None:
    """Its status line was there. What follows is found by what the client asks next."""
    talk = opened()
    talk.client_sends(request("GET", "/1"))
    talk.server_sends(response(200, fields=[("X", "x" * 7000) for _ in range(60)]))
    turn(talk, "/2")
    turn(talk)
    dissection = dissected(talk.packets)
    assert dissection.told() == ["GET /1 -> 200 ...", "GET /2 -> 200", NEXT]
    assert dissection.anomalies() == {"head-too-long": 1}


def test_unfinished_heads_of_all_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many connections each begin a head and never end it; heads that end give back what they took."""
    monkeypatch.setattr("wiresniff.model.limits.HEADS_TOTAL_BYTES", 50_000)
    long = [("Cookie", "x" * 5000)]
    finished, packets = [], []
    for number in range(30):
        talk = Conversation(client=("10.0.0.1", 40000 + number))
        talk.open()
        talk.client_sends(request("GET", f"/{number}", fields=long), mss=1000)
        packets += talk.packets
        finished.append(f"GET /{number} -> ?")
    assert exchanges_in(packets) == finished
    packets = []
    for number in range(30):
        talk = Conversation(client=("10.0.0.1", 40000 + number))
        talk.open()
        talk.client_sends(request("GET", f"/{number}", fields=long)[:-2], mss=1000)
        packets += talk.packets
    dissection = dissected(packets)
    assert dissection.anomalies()["head-too-long"] >= 15
    assert len(dissection.exchanges) == 30
    assert all(exchange.unseen is not None for exchange in dissection.exchanges)


def test_a_pipeline_without_answers_is_bounded() -> None:
    """The oldest are settled without one."""
    talk = opened()
    many = limits.PIPELINE_REQUESTS + 10
    asked = b"".join(request("GET", f"/{number}") for number in range(many))
    for mss in (1460, 60_000):
        talk = opened()
        talk.client_sends(asked, mss)
        dissection = Dissection()
        for block in cut_into(talk.packets, None):
            dissection.feed(block)
        assert len(dissection.exchanges) == 10
        assert dissection.anomalies() == {"pipeline-too-deep": 10}
        assert len(dissection.close().exchanges) == many


def test_a_pipeline_of_single_segments_is_bounded_too() -> None:
    """Each request is a packet of its own."""
    talk = opened()
    for number in range(limits.PIPELINE_REQUESTS + 10):
        talk.client_sends(request("GET", f"/{number}"))
    for sizes in (None, 100):
        dissection = Dissection()
        for block in cut_into(talk.packets, sizes):
            dissection.feed(block)
        assert len(dissection.exchanges) == 10
        assert dissection.anomalies() == {"pipeline-too-deep": 10}


@pytest.mark.parametrize("sizes", [None, 7])
def test_bytes_that_wait_for_the_other_side_are_bounded(sizes: int | None) -> None:
    """CONNECT is never answered, the client sends on: when it is too much, what follows is not believed."""
    talk = opened()
    talk.client_sends(b"CONNECT db:1 HTTP/1.1\r\n\r\n")
    talk.client_sends(bytes(limits.BLOCKED_FLOW_BYTES + 200_000), mss=20_000)
    dissection = Dissection()
    for block in cut_into(talk.packets, sizes):
        dissection.feed(block)
    assert dissection.anomalies()["blocked-too-long"] >= 1
    turn(talk)
    dissection = dissected(talk.packets, sizes)
    assert dissection.told()[0].startswith("CONNECT db:1 ->")


def test_a_chunk_size_without_an_end_is_bounded() -> None:
    """A line longer than any server takes is none."""
    talk = opened()
    talk.client_sends(head("POST / HTTP/1.1", [("Transfer-Encoding", "chunked")]) + b"5;" + b"x" * 40_000)
    talk.server_sends(response(400))
    turn(talk)
    dissection = heard_messages(talk)
    assert dissection.told() == ["POST / -> 400", NEXT]
    assert dissection.anomalies() == {"bad-chunk": 1}


def one_byte_segments(octets: bytes, rows: slice) -> SegmentBlock:
    """Return some bytes of what one side sends, each a segment of its own; the first byte comes with the SYN."""
    at = np.arange(len(octets), dtype=np.int64)[rows]
    one, zero = np.ones(len(at), dtype=np.int64), np.zeros(len(at), dtype=np.int64)
    is_first = at == 0
    block = SegmentBlock(
        buffer=octets,
        capture=0,
        number=at + 1,
        timestamp_ns=at * 1000,
        interface=zero,
        endpoints=np.zeros(len(at), dtype=ENDPOINTS),
        connection_hash=zero.astype(np.uint64),
        from_high=zero.astype(np.bool_),
        sequence=(at + np.where(is_first, 0, 1)).astype(np.uint32),
        acknowledgement=zero.astype(np.uint32),
        flags=np.where(is_first, SYN, ACK).astype(np.uint8),
        payload_at=at,
        payload_length=one,
        cut_length=zero,
    )
    block.check()
    return block


def seconds_for(octets: bytes, block_rows: int, *, repeats: int = 2) -> float:
    """Return how long it takes to read a request that comes byte by byte; the best of some times."""
    best = float("inf")
    blocks = [
        one_byte_segments(octets, slice(start, start + block_rows)) for start in range(0, len(octets), block_rows)
    ]
    for _ in range(repeats):
        reassembler, dissector = Reassembler(), Dissector(KEPT_FIELDS, ARE_PLAIN, is_traceparent_shaped)
        begin = time.perf_counter()
        events = [
            event
            for deliveries in (*chain.from_iterable(map(reassembler.feed, blocks)), reassembler.close())
            for delivery in deliveries
            for event in dissector.feed(delivery)
        ]
        best = min(best, time.perf_counter() - begin)
        (exchange,) = [event for event in events if isinstance(event, Exchange)]
        assert exchange.fields == [(b"traceparent", b"v")]
    return best


@pytest.mark.parametrize("block_rows", [30_000, 1000])
def test_a_head_of_256_kib_in_segments_of_one_byte_takes_linear_time(block_rows: int) -> None:
    """Eight times the bytes, about eight times the time: sixtyfold would be quadratic."""

    def head_of(octets: int) -> bytes:
        """Return a head of about that length, what is looked for at its end."""
        return request("GET", "/", fields=[("Cookie", "x" * (octets - 100)), ("Traceparent", "v")])

    short, long = (
        seconds_for(head_of(limits.HEAD_BYTES // 8), block_rows),
        seconds_for(head_of(limits.HEAD_BYTES), block_rows, repeats=1),
    )
    assert long < 25 * short
    assert long < 10
