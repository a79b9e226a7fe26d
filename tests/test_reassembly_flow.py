"""One flow: what comes in order, out of order, again, in other pieces, with other bytes."""

import pytest
from builders import ACK, FIN, SYN, Conversation
from hypothesis import given
from hypothesis import strategies as st
from stage_feeding import Row, heard_of, reassembled

FIN_END = "end: fin"
CAPTURE_END = "end: capture"


def opened(client_sequence: int = 1000) -> Conversation:
    """Return a conversation after its handshake."""
    talk = Conversation(client_sequence=client_sequence)
    talk.open()
    return talk


def test_a_conversation_is_heard_as_it_was_held() -> None:
    """Both sides speak, both sides close."""
    talk = opened()
    talk.client_sends(b"how much is it?", mss=4)
    talk.server_sends(b"24.90")
    talk.client_acks()
    talk.close()
    assert heard_of(talk) == ([b"how much is it?", FIN_END], [b"24.90", FIN_END])
    assert reassembled(talk.packets).counts() == {"connections": 1}


def test_rows_tell_position_time_packet_and_what_was_received() -> None:
    """A segment says what its sender had received of the other side."""
    talk = opened()
    ask = talk.client_sends(b"ask", mss=2)
    answer = talk.server_sends(b"reply")
    again = talk.client_sends(b"more")
    heard = reassembled(talk.packets).heard[1]
    assert heard.rows[heard.flow_of(talk.client)][:-1] == [
        Row(0, b"as", ask[0].time_ns, 4, 0),
        Row(2, b"k", ask[1].time_ns, 5, 0),
        Row(3, b"more", again[0].time_ns, 7, 5),
    ]
    assert heard.rows[heard.flow_of(talk.server)][:-1] == [Row(0, b"reply", answer[0].time_ns, 6, 3)]


@pytest.mark.parametrize("sent", range(1, 9))
def test_numbers_wrap_anywhere(sent: int) -> None:
    """Position 0 has the sequence number after the SYN; 2^32 is no border."""
    talk = Conversation(client_sequence=2**32 - sent, server_sequence=2**32 - 3)
    talk.open()
    talk.client_sends(b"request", mss=3)
    talk.server_sends(b"response", mss=5)
    talk.client_acks()
    talk.close()
    assert heard_of(talk) == ([b"request", FIN_END], [b"response", FIN_END])


def test_numbers_wrap_in_disorder_too() -> None:
    """The later half comes first, and once more."""
    talk = opened(client_sequence=2**32 - 4)
    talk.client_sends(b"DEF", position=3)
    talk.client_sends(b"ABC")
    talk.client_sends(b"BCDE", position=1)
    assert heard_of(talk) == ([b"ABCDEF", CAPTURE_END], [CAPTURE_END])


def test_segments_out_of_order_are_put_in_order() -> None:
    """Each is there when all before it are: its time is that of the segment that closed the hole."""
    talk = opened()
    first, second, third = talk.client_sends(b"AABBCC", mss=2)
    talk.server_acks()
    order = [*talk.packets[:3], third, second, first, *talk.packets[6:]]
    assert heard_of(talk, order) == ([b"AABBCC", CAPTURE_END], [CAPTURE_END])
    result = reassembled(order)
    heard = result.heard[1]
    times = [row.time_ns for row in heard.rows[heard.flow_of(talk.client)][:-1]]
    assert times == [first.time_ns] * 3
    assert result.counts()["reordered_segments"] == 2
    assert result.counts()["gaps"] == 0


def test_a_retransmission_brings_nothing_new() -> None:
    """It is counted, and delivered once."""
    talk = opened()
    talk.client_sends(b"hello")
    talk.server_acks()
    talk.client_sends(b"hello", position=0, acknowledges=0)
    talk.client_sends(b" there")
    assert heard_of(talk) == ([b"hello there", CAPTURE_END], [CAPTURE_END])
    counts = reassembled(talk.packets, 1).counts()
    assert (counts["retransmitted_segments"], counts["overlap-differs"]) == (1, 0)


@pytest.mark.parametrize(("position", "again"), [(0, b"ABCDef"), (2, b"CDef"), (3, b"Def"), (4, b"ef")])
def test_a_retransmission_in_larger_pieces_brings_its_end(position: int, again: bytes) -> None:
    """What was there before is cut off."""
    talk = opened()
    talk.client_sends(b"ABCD")
    talk.client_sends(again, position=position)
    assert heard_of(talk) == ([b"ABCDef", CAPTURE_END], [CAPTURE_END])


@pytest.mark.parametrize(
    ("position", "again", "differs"), [(0, b"abcd", 1), (2, b"cd", 1), (0, b"ABCd", 1), (2, b"CDEF", 0), (1, b"BC", 0)]
)
def test_the_first_copy_wins_and_differences_are_counted(position: int, again: bytes, differs: int) -> None:
    """Of bytes that are sent twice with other content the first are believed, as Linux does."""
    talk = opened()
    talk.client_sends(b"ABCD")
    talk.server_sends(b"!")
    talk.client_sends(again, position=position)
    said = b"ABCDEF" if again == b"CDEF" else b"ABCD"
    assert heard_of(talk) == ([said, CAPTURE_END], [b"!", CAPTURE_END])
    # A difference is seen as long as the first copy is at hand.
    assert reassembled(talk.packets).counts()["overlap-differs"] == differs


def test_the_first_copy_wins_beyond_a_hole_too() -> None:
    """What waits for missing bytes is not replaced by what comes later; what lies between two of them is filled in."""
    talk = opened()
    talk.client_sends(b"CD", position=2)
    talk.client_sends(b"GH", position=6)
    talk.client_sends(b"bcdefghi", position=1)
    talk.client_sends(b"a", position=0)
    assert heard_of(talk) == ([b"abCDefGHi", CAPTURE_END], [CAPTURE_END])
    assert reassembled(talk.packets).counts()["overlap-differs"] == 1


@pytest.mark.parametrize("again", [(6, b"ghi"), (5, b"Fg"), (4, b"EFghij"), (6, b"G"), (7, b"HI")])
@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_what_waits_is_compared_however_packets_come_in_blocks(again: tuple[int, bytes], sizes: list[int]) -> None:
    """It is kept anyway. Of what was handed on only the present block is known, so that is compared by chance."""
    talk = opened()
    talk.client_sends(b"AB")
    talk.client_sends(b"GH", position=6)
    talk.server_acks(2)
    talk.client_sends(again[1], position=again[0])
    talk.client_sends(b"CDEF", position=2)
    assert reassembled(talk.packets, sizes).counts()["overlap-differs"] == (b"g" in again[1])


@pytest.mark.parametrize("garbage", [b"", b"\0", b"?"])
def test_a_keepalive_probe_says_nothing(garbage: bytes) -> None:
    """RFC 9293 3.8.4: it repeats the last octet's number, with a garbage octet or without; that is no overlap."""
    talk = opened()
    talk.client_sends(b"hello")
    talk.server_acks()
    talk.segment(garbage, from_client=True, flags=ACK, position=4)
    talk.server_acks()
    talk.client_sends(b" again")
    assert heard_of(talk) == ([b"hello again", CAPTURE_END], [CAPTURE_END])
    counts = reassembled(talk.packets).counts()
    assert counts["keepalive_segments"] == len(garbage)
    assert counts["overlap-differs"] == counts["retransmitted_segments"] == 0


def test_a_probe_of_a_side_that_never_spoke_says_nothing() -> None:
    """Its number is the SYN's own, before position 0."""
    talk = opened()
    talk.segment(b"\0", from_client=False, flags=ACK, position=-1)
    talk.server_sends(b"hi")
    assert heard_of(talk) == ([CAPTURE_END], [b"hi", CAPTURE_END])


def test_data_on_a_syn_follows_it() -> None:
    """TCP Fast Open (RFC 7413): the SYN takes the first number, the data the next."""
    talk = Conversation()
    talk.segment(b"GET /", from_client=True, flags=SYN, position=-1)
    talk.client_sent = 5
    talk.segment(from_client=False, flags=SYN | ACK, position=-1)
    talk.client_sends(b" HTTP/1.1")
    assert heard_of(talk) == ([b"GET / HTTP/1.1", CAPTURE_END], [CAPTURE_END])


def test_data_on_a_syn_that_was_refused_is_sent_again() -> None:
    """The server acknowledges the SYN only; the same bytes come in the first segment."""
    talk = Conversation()
    talk.segment(b"GET /", from_client=True, flags=SYN, position=-1)
    talk.segment(from_client=False, flags=SYN | ACK, position=-1)
    talk.client_sends(b"GET / HTTP/1.1")
    assert heard_of(talk) == ([b"GET / HTTP/1.1", CAPTURE_END], [CAPTURE_END])


def test_data_on_a_fin_comes_before_the_end() -> None:
    """The FIN takes the number behind the last octet."""
    talk = opened()
    talk.segment(b"bye", from_client=True, flags=FIN | ACK)
    talk.client_sent = 4
    talk.server_acks()
    assert heard_of(talk) == ([b"bye", FIN_END], [CAPTURE_END])


def test_a_fin_waits_for_what_is_missing_before_it() -> None:
    """It came early; the end is where it is, not when."""
    talk = opened()
    late = talk.client_sends(b"last words")
    fin = talk.segment(from_client=True, flags=FIN | ACK)
    assert heard_of(talk, [*talk.packets[:3], fin, *late]) == ([b"last words", FIN_END], [CAPTURE_END])


def test_nothing_is_said_after_the_end() -> None:
    """Bytes behind a FIN are no one's; a late repetition is counted."""
    talk = opened()
    talk.client_sends(b"all")
    talk.segment(from_client=True, flags=FIN | ACK)
    talk.server_sends(b"!")
    talk.client_sends(b"all", position=0)
    talk.client_sends(b"more", position=4)
    assert heard_of(talk) == ([b"all", FIN_END], [b"!", CAPTURE_END])
    assert reassembled(talk.packets).counts()["retransmitted_segments"] == 2


def test_the_other_side_goes_on_after_one_has_closed() -> None:
    """Half close: a request is over, its answer is not."""
    talk = opened()
    talk.client_sends(b"all I wanted to ask")
    talk.segment(from_client=True, flags=FIN | ACK)
    talk.client_sent += 1
    talk.server_sends(b"a long answer", mss=3)
    talk.client_acks()
    talk.server_sends(b", and more")
    talk.segment(from_client=False, flags=FIN | ACK)
    assert heard_of(talk) == ([b"all I wanted to ask", FIN_END], [b"a long answer, and more", FIN_END])


def test_a_false_fin_far_back_ends_nothing() -> None:
    """A FIN with a number of the past is not of this flow's end."""
    talk = opened()
    talk.client_sends(b"a request that goes on")
    talk.segment(from_client=True, flags=FIN | ACK, position=3)
    talk.client_sends(b" and on")
    assert heard_of(talk) == ([b"a request that goes on and on", CAPTURE_END], [CAPTURE_END])
