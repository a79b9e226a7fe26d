"""A packet with another payload is the packet that would have been sent with it."""

import struct
from collections import Counter

import pytest
from builders import (
    ACK,
    ETHERNET,
    NULL,
    PSH,
    RAW,
    SLL,
    SLL2,
    Conversation,
    Packet,
    ip_packet,
    link_frame,
    packet_block,
    udp_datagram,
)  # fmt: skip

from wiresniff.capture.records import Interface
from wiresniff.model.delivery import Endpoint
from wiresniff.stages import Entrance
from wiresniff.witnesses.captured import Captured, locate
from wiresniff.witnesses.envelope import Addressed, envelop

BEFORE, BEHIND = b"a payload of some length", b"another one"
TO_FIRST, TO_SECOND = ("fd00::1", 40_000), ("fd00::2", 80)
VXLAN = struct.pack("!II", 0x08000000, 7 << 8)
GRE = struct.pack("!HH", 0, 0x6558)


def captured(packet: Packet, link_type: int = ETHERNET) -> Captured:
    """Take the one segment of a packet out of it."""
    entrance = Entrance(Counter())
    located, _ = locate(0, packet_block([packet], (link_type,)), entrance, [Interface(link_type)])
    assert len(located.segments) == 1
    return located.captured(0)


def replaced(packet: Packet, payload: bytes, link_type: int = ETHERNET) -> bytes:
    """Put another payload into a packet; its numbers and flags stay."""
    taken = captured(packet, link_type)
    assert taken.payload == BEFORE
    enveloped = envelop(taken, Addressed(taken.sequence, taken.acknowledgement, taken.flags, payload))
    assert (enveloped.link_type, enveloped.is_plain) == (link_type, False)
    return enveloped.octets


TALKS = [
    (Conversation(), ETHERNET),
    (Conversation(vlans=(7,)), ETHERNET),
    (Conversation(vlans=(7, 8)), ETHERNET),
    (Conversation(link_type=SLL), SLL),
    (Conversation(link_type=SLL2), SLL2),
    (Conversation(link_type=RAW), RAW),
    (Conversation(link_type=NULL), NULL),
    (Conversation(client=TO_FIRST, server=TO_SECOND), ETHERNET),
    (Conversation(client=TO_FIRST, server=TO_SECOND, link_type=SLL), SLL),
    (Conversation(tcp_options=b"\x08\x0a" + bytes(8)), ETHERNET),
]


@pytest.mark.parametrize("payload", [b"", BEHIND, b"x" * 9000], ids=len)
@pytest.mark.parametrize(("talk", "link_type"), TALKS, ids=range(len(TALKS)))
def test_lengths_and_checksums_are_those_of_the_new_payload(talk: Conversation, link_type: int, payload: bytes) -> None:
    """Whatever the link and the version of IP; tags stay, and so do options."""
    sent = talk.segment(BEFORE, from_client=True)
    expected = talk.segment(payload, from_client=True)
    assert replaced(sent, payload, link_type) == expected.data


@pytest.mark.parametrize("outside", [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")])
@pytest.mark.parametrize("kind", ["vxlan", "gre"])
def test_tunnels_are_put_right_too(outside: tuple[str, str], kind: str) -> None:
    """From the inside out: each header says how long all behind it is."""
    inner = Conversation()

    def tunnelled(payload: bytes) -> Packet:
        frame = inner.segment(payload, from_client=True).data
        if kind == "vxlan":
            datagram = udp_datagram((outside[0], 50_000), (outside[1], 4789), VXLAN + frame)
            return Packet(link_frame(ip_packet(*outside, 17, datagram)), 0)
        return Packet(link_frame(ip_packet(*outside, 47, GRE + frame)), 0)

    assert replaced(tunnelled(BEFORE), BEHIND) == tunnelled(BEHIND).data


def test_what_lies_behind_the_datagram_is_not_taken_along() -> None:
    """Ethernet pads short packets, with whatever lay there in memory."""
    sent = Conversation(padded=True).segment(BEFORE[:3], from_client=True)
    leaking = Packet(sent.data[:57] + b"\x42\x42\x42", 0)
    enveloped = envelop(captured(leaking), Addressed(1, 1, ACK, b""))
    assert enveloped.octets == sent.data[:14] + enveloped.octets[14:54]
    assert b"\x42" not in enveloped.octets


@pytest.mark.parametrize(("one", "other"), [("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")])
def test_a_datagram_that_came_in_fragments_becomes_a_plain_one(one: str, other: str) -> None:
    """No packet of it has all the headers: what is known of the segment is written, on a link of its own."""
    talk = Conversation(client=(one, 40_000), server=(other, 80))
    whole = captured(talk.segment(BEFORE, from_client=True))
    plain = envelop(whole._replace(outer=b""), Addressed(7, 9, PSH | ACK, BEHIND))
    assert (plain.link_type, plain.is_plain) == (RAW, True)
    read = captured(Packet(plain.octets, 0), RAW)
    assert (read.source, read.destination) == (Endpoint(one, 40_000), Endpoint(other, 80))
    assert (read.sequence, read.acknowledgement, read.flags, read.payload) == (7, 9, PSH | ACK, BEHIND)


def test_an_ethernet_frame_that_says_its_length_is_left_out() -> None:
    """Its length would be wrong: a plain packet takes its place."""
    network = Conversation(link_type=RAW).segment(BEFORE, from_client=True).data
    snap = bytes.fromhex("aaaa03 000000 0800") + network
    frame = bytes.fromhex("020000000002 020000000001") + struct.pack("!H", len(snap)) + snap
    taken = captured(Packet(frame, 0))
    assert envelop(taken, Addressed(1, 1, ACK, BEHIND)).is_plain
