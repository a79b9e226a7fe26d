"""What no packet brought becomes a gap: exactly that, not earlier than it is known, and not later than it may be."""

import pytest
from builders import ACK, FIN, Conversation, Packet
from stage_feeding import Reassembly, heard_of, reassembled, segment_blocks

from wiresniff.model import limits

CAPTURE_END = "end: capture"
MS = 1_000_000


def opened(client_sequence: int = 1000) -> Conversation:
    """Return a conversation after its handshake."""
    talk = Conversation(client_sequence=client_sequence)
    talk.open()
    return talk


def fed(packets: list[Packet], sizes: int | None = None) -> Reassembly:
    """Feed packets without ending the capture."""
    reassembly = Reassembly()
    for block in segment_blocks(packets, sizes):
        reassembly.feed(block)
    return reassembly


def client_rows(reassembly: Reassembly) -> list[tuple[bytes | str, int]]:
    """Return what the client of the first connection said, and when it was known."""
    heard = reassembly.heard[1]
    return [(row.what, row.time_ns) for row in heard.rows[heard.flow_of(("10.0.0.1", 40000))]]


def test_lost_bytes_are_a_gap() -> None:
    """Exactly those, when the other side has acknowledged past them."""
    talk = opened()
    talk.client_sends(b"before")
    talk.client_sends(b"missing", lost=True)
    talk.client_sends(b"behind")
    talk.server_acks()
    talk.clock.wait(1)
    talk.client_sends(b"again")
    assert heard_of(talk) == ([b"before", "lost 6-13", b"behindagain", CAPTURE_END], [CAPTURE_END])
    counts = reassembled(talk.packets).counts()
    assert (counts["gaps"], counts["gap_bytes"], counts["cut_bytes"]) == (1, 7, 0)


@pytest.mark.parametrize("client_sequence", [1000, 2**32 - 8])
def test_several_gaps_stay_apart(client_sequence: int) -> None:
    """Three segments of six are not there, two of them side by side; numbers may wrap meanwhile."""
    talk = opened(client_sequence=client_sequence)
    for number, letter in enumerate(b"abcdef"):
        talk.client_sends(bytes([letter]) * 4, lost=number in (1, 2, 4))
    talk.server_acks()
    assert heard_of(talk)[0] == [b"aaaa", "lost 4-12", b"dddd", "lost 16-20", b"ffff", CAPTURE_END]


@pytest.mark.parametrize("sizes", [None, 1])
@pytest.mark.parametrize("seconds", [0.0499, 0.05])
def test_a_gap_is_declared_so_long_after_it_was_acknowledged(seconds: float, sizes: int | None) -> None:
    """The clock starts with the acknowledgement, not with the segment behind the hole; none is needed to end it."""
    talk = opened()
    talk.client_sends(b"missing", lost=True)
    talk.client_sends(b"behind")
    talk.clock.wait(10)
    talk.client_sends(b"more")
    (acknowledgement,) = talk.server_acks()
    reassembly = fed(talk.packets, sizes).wait(seconds)
    due = acknowledgement.time_ns + 50 * MS
    if seconds < limits.GAP_SECONDS:
        assert not reassembly.heard
    else:
        assert client_rows(reassembly) == [("lost 0-7", due), (b"behind", due), (b"more", due)]


@pytest.mark.parametrize("sizes", [None, 1, 7])
@pytest.mark.parametrize("behind", [limits.GAP_PACKETS - 1, limits.GAP_PACKETS])
def test_a_gap_is_declared_so_many_segments_after_it_was_acknowledged(behind: int, sizes: int | None) -> None:
    """Segments before the acknowledgement don't count, nor do copies of what is there already."""
    talk = opened()
    talk.clock.step_ns = 1000
    talk.client_sends(b"missing", lost=True)
    talk.client_sends(b"x" * 100, mss=1)
    talk.server_acks()
    talk.client_sends(b"x" * 50, mss=1, position=7)
    talk.client_sends(b"x" * behind, mss=1)
    reassembly = fed(talk.packets, sizes)
    if behind < limits.GAP_PACKETS:
        assert not reassembly.heard
    else:
        rows = client_rows(reassembly)
        assert rows[0] == ("lost 0-7", talk.packets[-1].time_ns)
        assert len(rows) == 1 + 100 + behind


@pytest.mark.parametrize("sizes", [None, 1])
def test_what_nobody_acknowledged_is_waited_for(sizes: int | None) -> None:
    """Lost on the way, not only for the capture: it will be sent again, however long that takes."""
    talk = opened()
    talk.clock.step_ns = 1000
    talk.client_sends(b"late", lost=True)
    talk.client_sends(b"x" * 500, mss=1)
    talk.server_acks(0)
    talk.clock.wait(20)
    assert not fed(talk.packets, sizes).wait(20).heard
    talk.client_sends(b"late", position=0)
    assert heard_of(talk)[0] == [b"late" + b"x" * 500, CAPTURE_END]


def test_disorder_of_milliseconds_is_no_loss() -> None:
    """The capture shows the acknowledgement first, then what it acknowledges."""
    talk = opened()
    (request,) = talk.client_sends(b"request")
    (acknowledgement,) = talk.server_acks()
    (answer,) = talk.server_sends(b"answer")
    order = [*talk.packets[:3], acknowledgement, answer, request]
    assert heard_of(talk, order) == ([b"request", CAPTURE_END], [b"answer", CAPTURE_END])
    assert reassembled(order).counts()["gaps"] == 0


@pytest.mark.parametrize("seconds", [0.001, 0.2])
def test_a_retransmission_closes_the_hole_in_time(seconds: float) -> None:
    """Before the gap is declared it is filled; after that the bytes are no longer wanted."""
    talk = opened()
    talk.client_sends(b"hole", lost=True)
    talk.client_sends(b"behind")
    talk.server_acks()
    talk.clock.wait(seconds)
    talk.client_sends(b"hole", position=0)
    said = [b"holebehind"] if seconds < limits.GAP_SECONDS else ["lost 0-4", b"behind"]
    assert heard_of(talk)[0] == [*said, CAPTURE_END]


def test_a_hole_is_filled_in_part() -> None:
    """Only what never came is lost."""
    talk = opened()
    talk.client_sends(b"0123456789", lost=True)
    talk.client_sends(b"behind")
    talk.server_acks()
    talk.client_sends(b"345", position=3)
    assert heard_of(talk)[0] == ["lost 0-3", b"345", "lost 6-10", b"behind", CAPTURE_END]


def test_one_octet_acknowledged_beyond_the_end_is_the_fin() -> None:
    """Its packet was not captured; that is no loss of bytes."""
    talk = opened()
    talk.client_sends(b"all")
    talk.client_sent += 1  # the FIN
    talk.server_acks()
    talk.clock.wait(1)
    talk.server_sends(b"answer")
    assert heard_of(talk) == ([b"all", CAPTURE_END], [b"answer", CAPTURE_END])
    assert reassembled(talk.packets).counts()["gaps"] == 0


def test_one_octet_with_more_behind_it_is_a_gap() -> None:
    """A FIN has nothing behind it."""
    talk = opened()
    talk.client_sends(b"all")
    talk.client_sends(b"?", lost=True)
    talk.client_sends(b"more")
    talk.server_acks()
    assert heard_of(talk)[0] == [b"all", "lost 3-4", b"more", CAPTURE_END]


def test_bytes_lost_at_the_very_end_are_known_by_their_acknowledgement() -> None:
    """Nothing came behind them."""
    talk = opened()
    talk.client_sends(b"first")
    talk.client_sends(b"last", lost=True)
    talk.server_acks()
    assert heard_of(talk)[0] == [b"first", "lost 5-9", CAPTURE_END]


def test_bytes_lost_before_a_fin_are_known_by_it() -> None:
    """The FIN comes at once, its place says how much there was."""
    talk = opened()
    talk.client_sends(b"first")
    talk.client_sends(b"last", lost=True)
    talk.close()
    talk.clock.wait(1)
    talk.server_acks()
    assert heard_of(talk) == ([b"first", "lost 5-9", "end: fin"], ["end: fin"])


def test_a_fin_that_comes_behind_its_own_gap_still_ends() -> None:
    """The gap had taken the octet of the FIN for lost data."""
    talk = opened()
    talk.client_sends(b"lost", lost=True)
    fin = talk.segment(from_client=True, flags=FIN | ACK)
    talk.packets.remove(fin)
    talk.client_sent += 1
    talk.server_acks()
    talk.clock.wait(1)
    talk.segment(from_client=True, flags=FIN | ACK, position=4)
    assert heard_of(talk)[0] == ["lost 0-5", "end: fin"]


def test_cut_packets_are_gaps_of_another_kind() -> None:
    """The snap length kept the first bytes of each: what is not there is known at once, to the byte."""
    talk = opened()
    talk.segment(b"0123456789", from_client=True, captured=54 + 4)
    talk.client_sent = 10
    talk.client_sends(b"whole")
    assert heard_of(talk)[0] == [b"0123", "cut 4-10", b"whole", CAPTURE_END]
    counts = reassembled(talk.packets).counts()
    assert (counts["gaps"], counts["gap_bytes"], counts["cut_bytes"]) == (1, 0, 6)


def test_packets_cut_to_their_headers_are_gaps() -> None:
    """A snap length of 54 bytes: nothing but lengths is known."""
    talk = opened()
    for size in (10, 20):
        talk.segment(bytes(size), from_client=True, captured=54)
        talk.client_sent += size
    talk.server_acks()
    assert heard_of(talk)[0] == ["cut 0-10", "cut 10-30", CAPTURE_END]


def test_cut_packets_wait_in_order_too() -> None:
    """Out of order, cut, and then the first one."""
    talk = opened()
    (first,) = talk.client_sends(b"abc")
    second = talk.segment(b"defghi", from_client=True, captured=54 + 2)
    assert heard_of(talk, [*talk.packets[:3], second, first])[0] == [b"abcde", "cut 5-9", CAPTURE_END]


def test_a_retransmission_of_a_cut_packet_brings_nothing() -> None:
    """It is cut as the first one was."""
    talk = opened()
    for _ in range(2):
        talk.segment(b"0123456789", from_client=True, captured=54 + 4)
        talk.server_sends(b"!")
    talk.client_sends(b"behind", position=10)
    assert heard_of(talk)[0] == [b"0123", "cut 4-10", b"behind", CAPTURE_END]


@pytest.mark.parametrize(
    ("name", "count", "size"),
    [
        ("REORDER_FLOW_BYTES", limits.REORDER_FLOW_BYTES // 60_000 + 1, 60_000),
        ("REORDER_FLOW_SEGMENTS", limits.REORDER_FLOW_SEGMENTS + 1, 1),
    ],
)
def test_a_full_window_ends_the_wait(name: str, count: int, size: int) -> None:
    """Nobody acknowledges, one direction is all that there is; the limit declares the gap, and it is counted."""
    assert getattr(limits, name) < (count * size if name.endswith("BYTES") else count)
    talk = Conversation()
    talk.clock.step_ns = 1000
    talk.segment(b"joined", from_client=True, flags=0)
    talk.client_sent = 6
    talk.client_sends(b"hole", lost=True)
    talk.client_sends(bytes(count * size), mss=size)
    one_less = fed(talk.packets[:-1])
    assert [what for what, _ in client_rows(one_less)] == [b"joined"]
    assert one_less.counts()["window-full"] == 0
    full = fed(talk.packets)
    assert heard_of(talk)[0] == [b"joined", "lost 6-10", bytes(count * size), CAPTURE_END]
    assert len(client_rows(full)) == 2 + count
    assert full.counts()["window-full"] == 1


def test_the_window_of_all_connections_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that are delivered, or forgotten with their connection, are no longer counted."""
    monkeypatch.setattr(limits, "REORDER_TOTAL_BYTES", 1000)
    reassembly = Reassembly()
    for port in range(40000, 40040):
        talk = Conversation(client=("10.0.0.1", port))
        talk.open()
        late = talk.client_sends(b"late")
        talk.client_sends(bytes(600), mss=200)
        talk.segment(b"behind the end", from_client=True, position=700)
        order = [*talk.packets[:3], *talk.packets[4:], *late]
        if port % 3:
            talk.segment(from_client=True, flags=FIN | ACK, position=604)
        if port % 3 == 2:
            talk.reset()
        order += talk.packets[len(order) :]
        for block in segment_blocks(order, 1):
            reassembly.feed(block)
        reassembly.wait(20)
        if port % 3 == 0:
            reassembly.close()
    assert reassembly.counts()["window-full"] == 0
    talks = [Conversation(client=("10.0.0.3", port)) for port in range(40000, 40002)]
    for talk in talks:
        talk.open()
        talk.client_sends(b"lost", lost=True)
        talk.client_sends(bytes(501))
        reassembly.feed(segment_blocks(talk.packets)[0])
    assert reassembly.counts()["window-full"] == 1


def test_one_direction_alone_is_heard() -> None:
    """A mirror port that shows half of the traffic: no acknowledgement of the other side, no gap by time."""
    talk = opened()
    talk.client_sends(b"one")
    talk.server_sends(b"unheard", lost=True)
    talk.client_sends(b"two")
    talk.clock.wait(5)
    talk.client_sends(b"three")
    talk.client_sent += 1
    only_client = [talk.packets[0], *talk.packets[2:]]
    assert heard_of(talk, only_client) == ([b"onetwothree", CAPTURE_END], ["lost 0-7", CAPTURE_END])
