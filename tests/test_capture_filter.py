"""Filter expressions against libpcap itself, and what is said about those it does not take."""

import pcapy
import pytest
from builders import Conversation, Packet, ip_packet, link_frame, packet_block, udp_datagram

from wiresniff.capture.filter import Filter
from wiresniff.model.errors import CaptureError, UsageError

EXPRESSIONS = (
    "tcp port 80", "udp", "host 10.0.0.1", "src host 10.0.0.2 and dst port 40000", "not tcp", "ip6", "net 10.0.0.0/24",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420", "greater 100", "less 60",
    "ip[8] > 10 and ip[2:2] - (ip[0] & 15) * 4 >= 40", "portrange 1-1024", "vlan and tcp", "ether broadcast or arp",
)  # fmt: skip


def sights() -> list[Packet]:
    """Return packets of several kinds."""
    talk = Conversation(client=("10.0.0.1", 40000), server=("10.0.0.2", 80))
    talk.open()
    talk.client_sends(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    talk.server_sends(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(200))
    talk.close()
    datagram = udp_datagram(("10.0.1.1", 53), ("10.0.0.9", 5353), b"name")
    frames = [link_frame(ip_packet("10.0.1.1", "10.0.0.9", 17, datagram), vlans=vlans) for vlans in ((), (7,))]
    frames += [link_frame(ip_packet("fd00::1", "fd00::2", 17, datagram)), b"", b"\xff" * 14, bytes(60)]
    return [*talk.packets, *(Packet(frame, 1) for frame in frames)]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_same_packets_as_libpcap(expression: str) -> None:
    """What libpcap's own matcher keeps is kept, with the numbers that the packets had."""
    packets = sights()
    program = pcapy.compile(1, 262144, expression, 1, 0xFFFFFFFF)
    expected = [number for number, packet in enumerate(packets, 1) if program.filter(packet.data)]
    kept = Filter(expression).apply(packet_block(packets))
    kept.check()
    assert kept.number.tolist() == expected


def test_the_length_is_that_on_the_wire() -> None:
    """A packet cut by the snap length is as long as it was."""
    block = packet_block([Packet(bytes(1500), 0, captured=64), Packet(bytes(64), 0)])
    assert Filter("greater 1000").apply(block).number.tolist() == [1]


def test_every_link_type_has_its_own_program() -> None:
    """Ethernet and raw IP in one block: the same address is found at different places."""
    ip = ip_packet("10.0.0.1", "10.0.0.9", 17, udp_datagram(("10.0.0.1", 1), ("10.0.0.9", 2), b""))
    packets = [Packet(link_frame(ip), 0), Packet(ip, 0, interface=1), Packet(ip, 0)]
    assert Filter("host 10.0.0.1").apply(packet_block(packets, (1, 101))).number.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("expression", "words"),
    [("prot 80", "syntax error"), ("tcp and udp", "rejects all packets"), ("tcp port http\0", "NUL character")],
)
def test_an_impossible_expression_is_refused_with_a_place_to_look(expression: str, words: str) -> None:
    """One sentence: the expression, what libpcap has against it, and where its syntax is described."""
    with pytest.raises(UsageError) as refusal:
        Filter(expression)
    assert words in str(refusal.value)
    assert "man 7 pcap-filter" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_expression_may_be_impossible_for_one_link_type_only() -> None:
    """Then that capture can't be filtered; nothing is kept silently."""
    vlan = Filter("vlan 7")
    assert len(vlan.apply(packet_block([Packet(bytes(60), 0)]))) == 0
    with pytest.raises(CaptureError, match=r"link type 12.*no VLAN support"):
        vlan.apply(packet_block([Packet(bytes(60), 0)], (12,)))
