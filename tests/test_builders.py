"""The builders say what dpkt reads: everything else in the suite stands on them."""

import io
import ipaddress

import dpkt
import pytest
from builders import (
    ACK,
    ETHERNET,
    FIN,
    NULL,
    PSH,
    RAW,
    RST,
    SLL,
    SLL2,
    SYN,
    UDP,
    Clock,
    Conversation,
    Packet,
    ip_packet,
    link_frame,
    merge,
    packet_block,
    pcap_bytes,
    request,
    response,
    traceparent,
    udp_datagram,
)

LINKS = {
    ETHERNET: dpkt.ethernet.Ethernet,
    SLL: dpkt.sll.SLL,
    SLL2: dpkt.sll2.SLL2,
    NULL: dpkt.loopback.Loopback,
}


def network_of(packet: Packet, link_type: int = ETHERNET) -> dpkt.Packet:
    """Return what dpkt reads above the link layer."""
    if link_type == RAW:
        return dpkt.ip.IP(packet.data) if packet.data[0] >> 4 == 4 else dpkt.ip6.IP6(packet.data)
    return LINKS[link_type](packet.data).data


def tcp_of(packet: Packet, link_type: int = ETHERNET) -> dpkt.Packet:
    """Return the TCP segment that dpkt reads."""
    return network_of(packet, link_type).data


def test_a_conversation_shakes_hands_talks_and_closes() -> None:
    """Sequence numbers, acknowledgements and flags are those of RFC 9293 figures 6 and 12."""
    talk = Conversation(client_sequence=100, server_sequence=300)
    talk.open()
    talk.client_sends(b"ask")
    talk.server_sends(b"reply")
    talk.client_acks()
    talk.close()
    said = [(tcp.sport, tcp.seq, tcp.ack, tcp.flags, tcp.data) for tcp in map(tcp_of, talk.packets)]
    assert said == [
        (40000, 100, 0, SYN, b""),
        (80, 300, 101, SYN | ACK, b""),
        (40000, 101, 301, ACK, b""),
        (40000, 101, 301, PSH | ACK, b"ask"),
        (80, 301, 104, PSH | ACK, b"reply"),
        (40000, 104, 306, ACK, b""),
        (40000, 104, 306, FIN | ACK, b""),
        (80, 306, 105, FIN | ACK, b""),
        (40000, 105, 307, ACK, b""),
    ]


def test_the_server_may_close_and_either_may_reset() -> None:
    """The end that closes or resets sends first."""
    closed = Conversation()
    assert [tcp_of(packet).sport for packet in closed.close(by_client=False)] == [80, 40000, 80]
    assert [tcp_of(packet).flags for packet in Conversation().reset(by_client=False)] == [RST | ACK]


def test_bytes_are_cut_into_segments() -> None:
    """No segment is longer than the mss, the last one pushes, together they are the bytes."""
    talk = Conversation()
    segments = [tcp_of(packet) for packet in talk.client_sends(b"abcdefgh", mss=3)]
    assert [segment.data for segment in segments] == [b"abc", b"def", b"gh"]
    assert [segment.seq for segment in segments] == [1001, 1004, 1007]
    assert [segment.flags for segment in segments] == [ACK, ACK, PSH | ACK]
    assert talk.client_sent == 8


def test_lost_bytes_advance_without_a_packet() -> None:
    """What the capture missed was received all the same: the peer acknowledges it."""
    talk = Conversation()
    assert talk.client_sends(b"lost", lost=True) == []
    (after,) = talk.client_sends(b"seen")
    (acknowledgement,) = talk.server_acks()
    assert tcp_of(after).seq == 1005
    assert tcp_of(acknowledgement).ack == 1009
    assert talk.packets == [after, acknowledgement]


def test_bytes_are_sent_again_from_a_position() -> None:
    """A retransmission takes an old sequence number and leaves the next byte where it was."""
    talk = Conversation()
    talk.client_sends(b"first second")
    (again,) = talk.client_sends(b"second", position=6)
    (more,) = talk.client_sends(b"!")
    assert (tcp_of(again).seq, tcp_of(again).data) == (1007, b"second")
    assert tcp_of(more).seq == 1013


def test_an_acknowledgement_may_lag() -> None:
    """Segments that cross acknowledge what their sender had received."""
    talk = Conversation()
    talk.client_sends(b"one two")
    (crossing,) = talk.server_sends(b"1", acknowledges=3)
    (pure,) = talk.server_acks(up_to=4)
    assert [tcp_of(crossing).ack, tcp_of(pure).ack] == [1004, 1005]


def test_sequence_numbers_wrap() -> None:
    """Numbers go on from 0 after 2^32 - 1."""
    talk = Conversation(client_sequence=2**32 - 3)
    segments = [tcp_of(packet) for packet in talk.client_sends(b"abcd", mss=1)]
    assert [segment.seq for segment in segments] == [2**32 - 2, 2**32 - 1, 0, 1]


@pytest.mark.parametrize("link_type", [ETHERNET, SLL, SLL2, NULL, RAW])
@pytest.mark.parametrize("addresses", [("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")])
def test_every_link_type_carries_both_families(link_type: int, addresses: tuple[str, str]) -> None:
    """Dpkt finds the addresses, the ports and the payload in each of them."""
    talk = Conversation(client=(addresses[0], 1234), server=(addresses[1], 80), link_type=link_type)
    (packet,) = talk.client_sends(b"payload")
    network, tcp = network_of(packet, link_type), tcp_of(packet, link_type)
    assert [str(ipaddress.ip_address(end)) for end in (network.src, network.dst)] == list(addresses)
    assert (tcp.sport, tcp.dport, tcp.data) == (1234, 80, b"payload")


def test_vlan_tags_are_in_order() -> None:
    """The first tag given is the outermost (802.1ad outside 802.1Q)."""
    (packet,) = Conversation(vlans=(7, 42)).client_sends(b"x")
    assert [tag.id for tag in dpkt.ethernet.Ethernet(packet.data).vlan_tags] == [7, 42]
    assert packet.data[12:14] == b"\x88\xa8"
    assert tcp_of(packet).data == b"x"


@pytest.mark.parametrize("client", ["10.0.0.1", "fd00::1"])
def test_checksums_are_right(client: str) -> None:
    """Dpkt computes the same TCP checksum, for payloads of odd and even length."""
    server = "10.0.0.2" if "." in client else "fd00::2"
    talk = Conversation(client=(client, 1), server=(server, 2))
    for packet in talk.client_sends(b"odd") + talk.client_sends(b"even"):
        network = network_of(packet)
        sent = network.data.sum
        network.data.sum = 0
        if network.v == 4:
            header_sum, network.sum = network.sum, 0
        rebuilt = type(network)(bytes(network))
        assert rebuilt.data.sum == sent
        if network.v == 4:
            assert rebuilt.sum == header_sum


def test_options_are_padded_to_words_and_frames_to_60_bytes() -> None:
    """A segment with 5 bytes of options has a header of 28; an empty one is followed by Ethernet padding."""
    (packet,) = Conversation(tcp_options=b"\1\1\1\1\1", padded=True).client_sends(b"x")
    assert tcp_of(packet).off == 7
    (empty,) = Conversation(padded=True).client_acks()
    assert len(empty.data) == 60
    assert (network_of(empty).len, tcp_of(empty).data) == (40, b"")


def test_an_odd_segment_is_made_as_described() -> None:
    """Data on a SYN, at its own place, cut by the capture."""
    talk = Conversation()
    packet = talk.segment(b"early", from_client=True, flags=SYN, position=-1, captured=56)
    assert (tcp_of(packet).seq, tcp_of(packet).flags, tcp_of(packet).data) == (1000, SYN, b"early")
    assert packet.kept == packet.data[:56]
    assert talk.client_sent == 0


def test_conversations_share_a_clock() -> None:
    """Merged packets are in order of time; waiting moves everybody."""
    clock = Clock(now_ns=0, step_ns=10)
    first, second = Conversation(clock=clock), Conversation(client=("10.0.0.3", 1), clock=clock)
    first.client_sends(b"a")
    second.client_sends(b"b")
    clock.wait(1e-6)
    first.server_sends(b"c")
    assert [(packet.time_ns, tcp_of(packet).data) for packet in merge(second, first)] == [
        (10, b"a"),
        (20, b"b"),
        (1030, b"c"),
    ]


def test_other_protocols_fit_in() -> None:
    """A UDP datagram reads back."""
    frame = link_frame(ip_packet("10.0.0.1", "10.0.0.53", UDP, udp_datagram(("", 5353), ("", 53), b"query")))
    assert dpkt.ethernet.Ethernet(frame).data.data.data == b"query"


@pytest.mark.parametrize("nanoseconds", [False, True])
@pytest.mark.parametrize("big_endian", [False, True])
def test_a_capture_file_reads_back(*, nanoseconds: bool, big_endian: bool) -> None:
    """Dpkt reads the packets and their times from each of the four forms."""
    talk = Conversation(clock=Clock(now_ns=1_700_000_000_123_456_000, step_ns=1001 if nanoseconds else 1000))
    talk.open()
    file = pcap_bytes(talk.packets, link_type=RAW, nanoseconds=nanoseconds, big_endian=big_endian)
    reader = dpkt.pcap.Reader(io.BytesIO(file))
    assert reader.datalink() == RAW
    per_second = 10**9 if nanoseconds else 10**6  # dpkt's microsecond times are floats
    records = [(round(time * per_second) * (10**9 // per_second), data) for time, data in reader]
    assert records == [(packet.time_ns, packet.data) for packet in talk.packets]


def test_a_capture_file_is_cut_by_snaplen_and_by_packet() -> None:
    """A record says both lengths."""
    talk = Conversation()
    short, long = talk.client_sends(b"x" * 100, mss=50)
    short.captured = 60
    file = pcap_bytes(talk.packets, snaplen=80)
    lengths = [int.from_bytes(file[at : at + 4], "little") for at in (32, 36, 24 + 16 + 60 + 8, 24 + 16 + 60 + 12)]
    assert lengths == [60, len(short.data), 80, len(long.data)]


def test_a_block_holds_the_packets() -> None:
    """Columns point at the bytes that were captured and count on from the first number."""
    talk = Conversation()
    talk.open()
    talk.client_sends(b"x" * 100)[0].captured = 70
    block = packet_block(talk.packets, first_number=11, capture=2)
    bounds = zip(block.offset, block.captured_length, strict=True)
    kept = [block.buffer[at : at + length] for at, length in bounds]
    assert kept == [packet.kept for packet in talk.packets]
    assert list(block.wire_length) == [54, 54, 54, 154]
    assert list(block.captured_length) == [54, 54, 54, 70]
    assert list(block.number) == [11, 12, 13, 14]
    assert list(block.timestamp_ns) == [packet.time_ns for packet in talk.packets]
    assert block.capture == 2


def test_a_block_may_be_empty() -> None:
    """A block without packets is a tick."""
    assert len(packet_block([])) == 0


def test_messages_are_http() -> None:
    """Dpkt's HTTP reader finds the parts."""
    asked = dpkt.http.Request(request("POST", "/pay?x=1", host="payments", fields=[("A", "b")], body=b"12"))
    assert (asked.method, asked.uri, asked.headers["host"], asked.headers["a"]) == ("POST", "/pay?x=1", "payments", "b")
    assert asked.body == b"12"
    answered = dpkt.http.Response(response(503, reason="Service Unavailable", body=b"no"))
    assert (answered.status, answered.reason, answered.body) == ("503", "Service Unavailable", b"no")


def test_a_traceparent_is_valid_and_told_apart() -> None:
    """Small numbers make ids that are never zero."""
    assert traceparent(0x1F, span=2) == "00-0000000000000000000000000000001f-0000000000000002-01"
