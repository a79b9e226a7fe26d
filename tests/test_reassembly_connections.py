"""Where a connection begins and ends, and what is one: handshakes, ports used again, late joins, limits."""

import pytest
from builders import ACK, FIN, RST, SYN, Clock, Conversation, merge
from stage_feeding import Reassembly, heard_of, reassembled, segment_blocks

from wiresniff.model import limits
from wiresniff.model.delivery import Endpoint

FIN_END = "end: fin"
RESET_END = "end: reset"
REPLACED_END = "end: replaced"
CAPTURE_END = "end: capture"


def joined_late(reassembly: Reassembly, number: int, talk: Conversation) -> tuple[bool, bool]:
    """Say whether the beginning of client and server was not seen."""
    heard = reassembly.heard[number]
    late = heard.connection.joined_late
    return late[heard.flow_of(talk.client)], late[heard.flow_of(talk.server)]


def test_a_connection_has_two_ends_and_a_number() -> None:
    """Endpoints are those that send flow 0 and flow 1, whichever of them began."""
    talk = Conversation(client=("10.0.0.9", 40000), server=("10.0.0.2", 80))
    talk.open()
    talk.client_sends(b"x")
    connection = reassembled(talk.packets).heard[1].connection
    assert connection.endpoints == (Endpoint("10.0.0.2", 80), Endpoint("10.0.0.9", 40000))
    assert connection.base == [5001, 1001]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("10.0.0.1", 40000), ("10.0.0.2", 80)),
        (("fd00::1", 40000), ("fd00::2", 80)),
        (("10.0.0.1", 9), ("10.0.0.1", 8)),
    ],
)
def test_addresses_are_written_as_people_write_them(first: tuple[str, int], second: tuple[str, int]) -> None:
    """IPv4 without its mapping into IPv6; one address may talk to itself."""
    talk = Conversation(client=first, server=second)
    talk.open()
    talk.client_sends(b"ask")
    talk.server_sends(b"answer")
    assert heard_of(talk) == ([b"ask", CAPTURE_END], [b"answer", CAPTURE_END])


def test_connections_do_not_mix() -> None:
    """Forty at once, one clock, one capture."""
    clock = Clock()
    talks = [Conversation(client=("10.0.0.1", 40000 + number), clock=clock) for number in range(40)]
    for talk in talks:
        talk.open()
    for talk in talks:
        talk.client_sends(b"I am %d" % talk.client[1])
    for talk in reversed(talks):
        talk.server_sends(b"Hello, %d" % talk.client[1])
    for sizes in (None, 1, 7):
        result = reassembled(merge(*talks), sizes)
        for heard in result.heard.values():
            (client,) = [end for end in heard.connection.endpoints if end.port != 80]
            assert heard.said(client) == [b"I am %d" % client.port, CAPTURE_END]
            assert heard.said(("10.0.0.2", 80)) == [b"Hello, %d" % client.port, CAPTURE_END]
        assert result.counts() == {"connections": 40}


@pytest.mark.parametrize(
    ("packets_unseen", "late"), [(0, (False, False)), (1, (False, False)), (2, (True, True)), (3, (True, True))]
)
def test_a_connection_is_joined_late_when_no_syn_was_seen(packets_unseen: int, late: tuple[bool, bool]) -> None:
    """Each SYN tells where its side begins; that of the server also where the client does."""
    talk = Conversation()
    talk.open()
    talk.client_sends(b"ask")
    talk.server_sends(b"answer")
    packets = talk.packets[packets_unseen:]
    assert heard_of(talk, packets) == ([b"ask", CAPTURE_END], [b"answer", CAPTURE_END])
    result = reassembled(packets)
    assert joined_late(result, 1, talk) == late
    assert result.counts()["connections_joined_late"] == any(late)


def test_without_the_servers_syn_its_beginning_is_known_all_the_same() -> None:
    """The client, fresh from its SYN, can have received nothing else than the answer to it."""
    talk = Conversation()
    talk.open()
    talk.client_sends(b"ask")
    talk.server_sends(b"answer")
    del talk.packets[1]
    assert heard_of(talk) == ([b"ask", CAPTURE_END], [b"answer", CAPTURE_END])
    assert joined_late(reassembled(talk.packets), 1, talk) == (False, False)


def test_a_late_join_begins_with_what_it_sees() -> None:
    """Both sides in the middle of what they say; earlier bytes that come later are not delivered."""
    talk = Conversation(client_sequence=77_000, server_sequence=2**32 - 20)
    talk.client_sends(b"unseen", lost=True)
    talk.server_sends(b"unseen too", lost=True)
    talk.client_sends(b"seen")
    talk.client_sends(b"unseen", position=0)
    talk.server_sends(b"also seen")
    assert heard_of(talk) == ([b"seen", CAPTURE_END], [b"also seen", CAPTURE_END])
    heard = reassembled(talk.packets).heard[1]
    assert heard.connection.base[heard.flow_of(talk.client)] == 77_000 + 1 + 6


def test_last_acknowledgements_begin_no_connection() -> None:
    """The end of a connection before the capture is not a connection of the capture."""
    talk = Conversation()
    talk.client_acks()
    talk.segment(from_client=True, flags=FIN | ACK)
    talk.segment(from_client=False, flags=RST)
    result = reassembled(talk.packets)
    assert (result.heard, result.counts()) == ({}, {})


@pytest.mark.parametrize("flags", [SYN, SYN | ACK])
def test_a_repeated_syn_begins_nothing(flags: int) -> None:
    """The same number is the same connection, however late it comes."""
    talk = Conversation()
    talk.open()
    talk.client_sends(b"ask")
    talk.segment(from_client=flags == SYN, flags=flags, position=-1)
    talk.server_sends(b"answer")
    talk.segment(from_client=flags == SYN, flags=flags, position=-1)
    assert heard_of(talk) == ([b"ask", CAPTURE_END], [b"answer", CAPTURE_END])
    assert reassembled(talk.packets).counts()["connections"] == 1


@pytest.mark.parametrize("ends", ["close", "reset", "nothing"])
@pytest.mark.parametrize("seconds", [0.001, 5, 60])
def test_ports_used_again_are_another_connection(ends: str, seconds: float) -> None:
    """A SYN with another number begins anew, whether the end of the first was seen or not."""
    clock = Clock()
    first = Conversation(clock=clock)
    first.open()
    first.client_sends(b"first")
    if ends == "close":
        first.close()
    elif ends == "reset":
        first.reset()
    clock.wait(seconds)
    second = Conversation(clock=clock, client_sequence=900_000, server_sequence=70)
    second.open()
    second.client_sends(b"second")
    second.server_sends(b"answer")
    packets = first.packets + second.packets
    end = {"close": FIN_END, "reset": RESET_END, "nothing": REPLACED_END}[ends]
    assert heard_of(first, packets) == ([b"first", end], [end])
    for sizes in (None, 1, 4):
        result = reassembled(packets, sizes)
        assert result.heard[2].said(second.client) == [b"second", CAPTURE_END]
        assert result.heard[2].said(second.server) == [b"answer", CAPTURE_END]
        assert joined_late(result, 2, second) == (False, False)
        assert result.counts()["connections"] == 2


def test_what_waits_is_told_before_the_ports_are_used_again() -> None:
    """Bytes behind a hole belong to the first connection."""
    first = Conversation()
    first.open()
    first.client_sends(b"hole", lost=True)
    first.client_sends(b"behind")
    second = Conversation(clock=first.clock, client_sequence=9)
    second.open()
    assert heard_of(first, first.packets + second.packets)[0] == ["lost 0-4", b"behind", REPLACED_END]


def test_a_syn_answers_one_that_was_not_seen() -> None:
    """Ports used again, and only the server's SYN is in the capture: its number tells the connections apart."""
    first = Conversation()
    first.open()
    first.client_sends(b"first")
    second = Conversation(clock=first.clock, client_sequence=900_000, server_sequence=70)
    second.open()
    second.client_sends(b"second")
    packets = first.packets + second.packets[1:]
    assert heard_of(first, packets) == ([b"first", REPLACED_END], [REPLACED_END])
    assert reassembled(packets).heard[2].said(second.client) == [b"second", CAPTURE_END]


def test_a_reset_ends_both_sides() -> None:
    """What waits is delivered before; what comes after is no one's."""
    talk = Conversation()
    talk.open()
    talk.client_sends(b"ask")
    talk.server_sends(b"lost", lost=True)
    talk.server_sends(b"answer")
    talk.reset()
    talk.server_sends(b" in flight")
    assert heard_of(talk) == ([b"ask", RESET_END], ["lost 0-4", b"answer", RESET_END])


@pytest.mark.parametrize("flags", [RST, RST | ACK])
def test_a_refused_connection_says_nothing(flags: int) -> None:
    """The SYN is answered by a reset with number 0, as closed ports do (RFC 9293 3.5.2)."""
    talk = Conversation(server_sequence=2**32 - 1)
    talk.segment(from_client=True, flags=SYN, position=-1)
    talk.segment(from_client=False, flags=flags, position=0)
    result = reassembled(talk.packets)
    assert result.heard[1].said(talk.client) == result.heard[1].said(talk.server) == [RESET_END]
    assert result.counts() == {"connections": 1}


def test_a_segment_from_nowhere_is_ignored() -> None:
    """So far from its flow that no window reaches: nothing is delivered of it, nothing is lost for it."""
    talk = Conversation()
    talk.open()
    talk.client_sends(b"ask")
    for position in (limits.WINDOW_BYTES + 100, -limits.WINDOW_BYTES - 100):
        talk.client_sends(b"nonsense", position=position)
        talk.client_sends(b".")
    talk.server_acks(2**30)
    talk.server_sends(b"answer", acknowledges=2**30)
    talk.clock.wait(1)
    talk.client_sends(b"!")
    assert heard_of(talk) == ([b"ask..!", CAPTURE_END], [b"answer", CAPTURE_END])
    counts = reassembled(talk.packets).counts()
    assert (counts["out-of-window"], counts["gaps"], counts["connections"]) == (4, 0, 1)


def test_segments_from_nowhere_in_a_row_are_another_connection() -> None:
    """Its SYN was not seen. The first few of them are what it takes to know."""
    talk = Conversation()
    talk.open()
    talk.client_sends(b"first")
    second = Conversation(clock=talk.clock, client_sequence=2**31, server_sequence=2**31)
    for number in range(limits.STRANGE_SEGMENTS + 2):
        second.client_sends(b"%d" % number)
    packets = talk.packets + second.packets
    assert heard_of(talk, packets)[0] == [b"first", REPLACED_END]
    assert reassembled(packets).heard[2].said(second.client) == [b"34", CAPTURE_END]


@pytest.mark.parametrize("copies", [2, 3, 4])
def test_packets_seen_at_several_interfaces_count_once(copies: int) -> None:
    """`-i any` on a switch: every frame is there again at once, acknowledgements too."""
    talk = Conversation()
    talk.open()
    talk.client_sends(b"a request", mss=3)
    talk.server_acks()
    talk.server_sends(b"an answer", mss=3)
    talk.client_acks()
    talk.close()
    packets = [packet for packet in talk.packets for _ in range(copies)]
    assert heard_of(talk, packets) == ([b"a request", FIN_END], [b"an answer", FIN_END])
    counts = reassembled(packets).counts()
    assert (counts["connections"], counts["gaps"]) == (1, 0)
    assert counts["duplicate_segments"] == 6 * (copies - 1)


def test_copies_do_not_hide_a_loss() -> None:
    """Lost at both interfaces, everything else there twice."""
    talk = Conversation()
    talk.open()
    talk.client_sends(b"a request", mss=3)
    talk.server_acks()
    packets = [packet for packet in talk.packets for _ in range(2) if packet is not talk.packets[4]]
    assert heard_of(talk, packets)[0] == [b"a r", "lost 3-6", b"est", CAPTURE_END]


def test_a_copy_that_one_interface_lost_is_no_loss() -> None:
    """What the other saw is enough."""
    talk = Conversation()
    talk.open()
    talk.client_sends(b"a request", mss=3)
    talk.server_acks()
    packets = [packet for packet in talk.packets for _ in range(2)]
    del packets[8], packets[10]
    assert heard_of(talk, packets)[0] == [b"a request", CAPTURE_END]


def test_a_silent_connection_is_forgotten() -> None:
    """After an hour; what it says then is joined late."""
    talk = Conversation()
    talk.open()
    talk.client_sends(b"first")
    reassembly = Reassembly().feed(segment_blocks(talk.packets)[0])
    reassembly.wait(limits.IDLE_SECONDS)
    assert reassembly.heard[1].said(talk.client) == [b"first"]
    reassembly.wait(2)
    assert reassembly.heard[1].said(talk.client) == [b"first", "end: idle"]
    seen = len(talk.packets)
    talk.clock.wait(limits.IDLE_SECONDS + 3)
    talk.client_sends(b"second")
    reassembly.feed(segment_blocks(talk.packets[seen:])[0]).close()
    assert reassembly.heard[2].said(talk.client) == [b"second", CAPTURE_END]
    assert joined_late(reassembly, 2, talk) == (True, True)


def test_an_ended_connection_is_remembered_for_a_while() -> None:
    """A late copy of its packets is no new connection; later it is forgotten, and nothing more is said of it."""
    talk = Conversation()
    talk.open()
    talk.client_sends(b"all")
    talk.close()
    reassembly = Reassembly().feed(segment_blocks(talk.packets)[0]).wait(limits.ENDED_SECONDS - 1)
    seen = len(talk.packets)
    talk.clock.wait(limits.ENDED_SECONDS - 1)
    talk.client_sends(b"all", position=0)
    reassembly.feed(segment_blocks(talk.packets[seen:])[0])
    assert reassembly.counts() == {"connections": 1, "retransmitted_segments": 1, "duplicate_bytes": 3}
    reassembly.wait(limits.ENDED_SECONDS + 2)
    assert not reassembly.reassembler._table.tracked
    assert reassembly.close().heard[1].said(talk.client) == [b"all", FIN_END]


def test_a_syn_without_an_answer_is_forgotten_soon() -> None:
    """Floods and scans don't push out connections that are only silent; an answer that comes all the same is one."""
    silent, flood = Conversation(server=("10.0.0.3", 80)), Conversation()
    silent.open()
    flood.segment(from_client=True, flags=SYN, position=-1)
    reassembly = Reassembly()
    for block in segment_blocks(merge(silent, flood)):
        reassembly.feed(block)
    assert reassembly.reassembler.connections == 2
    reassembly.wait(limits.HALF_OPEN_SECONDS - 1)
    assert reassembly.reassembler.connections == 2
    reassembly.wait(2)
    assert reassembly.reassembler.connections == 1


def test_the_longest_silent_connections_go_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ended ones first: those are no loss, and not counted as one."""
    monkeypatch.setattr(limits, "CONNECTIONS", 32)
    clock = Clock()
    reassembly = Reassembly()
    talks = [Conversation(client=("10.0.0.1", 40000 + number), clock=clock) for number in range(40)]
    for number, talk in enumerate(talks):
        talk.open()
        talk.client_sends(b"x")
        if number == 5:
            talk.close()
    for block in segment_blocks(merge(*talks), 3):
        reassembly.feed(block)
        assert len(reassembly.reassembler._table.tracked) <= 32
    said = {number - 1: heard.said(talks[number - 1].client) for number, heard in reassembly.heard.items()}
    evicted = [number for number, words in said.items() if words == [b"x", "end: evicted"]]
    assert evicted == [0, 1, 2, 3, 4, 6, 7]
    assert said[5] == [b"x", FIN_END]
    assert reassembly.reassembler.evictions() == {"connections": 7}


def test_bytes_that_wait_are_told_when_their_connection_has_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the gap before them."""
    monkeypatch.setattr(limits, "CONNECTIONS", 16)
    clock = Clock()
    talks = [Conversation(client=("10.0.0.1", 40000 + number), clock=clock) for number in range(17)]
    for talk in talks:
        talk.open()
        talk.client_sends(b"hole", lost=True)
        talk.client_sends(b"behind")
    said = reassembled(merge(*talks), 5).heard[1].said(talks[0].client)
    assert said == ["lost 0-4", b"behind", "end: evicted"]


def test_the_same_numbers_behind_a_syn_are_another_connections() -> None:
    """Joined late, then the ports are used again: what looks like a copy of an earlier packet is none."""
    talk = Conversation()
    talk.client_sends(b"x")
    talk.segment(from_client=True, flags=SYN, position=3)
    talk.segment(b"x", from_client=True, flags=ACK, position=4)
    again = talk.segment(b"x", from_client=True, position=0)
    again.data = talk.packets[0].data
    assert heard_of(talk)[0] == [b"x", REPLACED_END]
    assert reassembled(talk.packets).heard[2].said(talk.client) == [b"x", CAPTURE_END]
    assert reassembled(talk.packets).counts()["duplicate_segments"] == 0


@pytest.mark.parametrize("speaks_first", ["client", "server"])
def test_a_long_silence_ends_a_connection_within_any_block(speaks_first: str) -> None:
    """The same for one block of two hours as for many."""
    talk = Conversation()
    talk.open()
    for number in range(3):
        talk.client_sends(b"before %d" % number)
        talk.server_acks()
    talk.clock.wait(2 * limits.IDLE_SECONDS)
    if speaks_first == "server":
        talk.server_acks()
    talk.client_sends(b"after")
    assert heard_of(talk)[0] == [b"before 0before 1before 2", "end: idle"]
    assert reassembled(talk.packets).heard[2].said(talk.client) == [b"after", CAPTURE_END]
