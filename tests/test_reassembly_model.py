"""Any conversation, cut into any segments, disturbed in any way: what is delivered is what was sent."""

from itertools import pairwise

from builders import Conversation, Packet
from hypothesis import given
from hypothesis import strategies as st
from oracles import reassembly as oracle
from stage_feeding import Heard, Row, reassembled
from strategies.conversations import captured, conversations, octets_of

from wiresniff.model import limits

SIZES = (1, 2, 5)
GAP_NS = limits.GAP_SECONDS * 1e9


@given(conversations(), st.data())
def test_gaps_are_exactly_where_no_packet_brought_the_bytes(talk: Conversation, data: st.DataObject) -> None:
    """The sent bytes, with gaps for what is not in the capture; the same for blocks of any size."""
    packets = data.draw(captured(talk))
    expected = oracle.said(oracle.read(talk, packet) for packet in packets)
    whole = reassembled(packets)
    if expected is None:
        assert not whole.heard
    else:
        (heard,) = whole.heard.values()
        assert (heard.said(talk.client), heard.said(talk.server)) == expected
    for size in SIZES:
        assert reassembled(packets, size).all_rows() == whole.all_rows()


@given(conversations(turns=12, step_ns=100_000, longest_wait=0.06), st.data())
def test_time_makes_gaps_neither_false_nor_early(talk: Conversation, data: st.DataObject) -> None:
    """Where gaps are declared meanwhile, bytes are still the sent ones, and blocks of any size tell the same."""
    packets = data.draw(captured(talk))
    whole = reassembled(packets)
    for heard in whole.heard.values():
        for from_client in (True, False):
            check_flow(talk, heard, packets, from_client=from_client)
    for size in SIZES:
        assert reassembled(packets, size).all_rows() == whole.all_rows()


def check_flow(talk: Conversation, heard: Heard, packets: list[Packet], *, from_client: bool) -> None:
    """Check one direction byte by byte."""
    flow = heard.flow_of(talk.client if from_client else talk.server)
    sequence = talk.client_sequence if from_client else talk.server_sequence
    base = oracle.signed(heard.connection.base[flow] - sequence - 1)
    segments = [oracle.read(talk, packet) for packet in packets]
    own = [segment for segment in segments if segment.from_client == from_client]
    of_peer = [segment for segment in segments if segment.from_client != from_client]
    rows = heard.rows[flow]
    ends_ns = max(segment.time_ns for segment in segments)
    for row, after in pairwise(rows):
        start, stop = base + row.position, base + after.position
        if isinstance(row.what, bytes):
            assert row.what == octets_of(start, stop, from_client=from_client)
        else:
            assert not came_before(own, start, stop, row.time_ns)
            assert row.time_ns == ends_ns or is_due(own, of_peer, start, row)


def came_before(own: list[oracle.Segment], start: int, stop: int, time_ns: int) -> bool:
    """Say whether some packet had brought bytes between these positions before that time."""
    return any(
        segment.time_ns < time_ns and segment.position < stop and segment.position + len(segment.payload) > start
        for segment in own
        if segment.payload
    )


def is_due(own: list[oracle.Segment], of_peer: list[oracle.Segment], start: int, row: Row) -> bool:
    """Say whether the peer had acknowledged past the missing bytes long enough before, in time or in segments."""
    known_ns = min(s.time_ns for s in of_peer if s.acknowledged is not None and s.acknowledged > start)
    behind = [segment for segment in own if segment.payload and known_ns <= segment.time_ns <= row.time_ns]
    return row.time_ns - known_ns >= GAP_NS or len(behind) >= limits.GAP_PACKETS
