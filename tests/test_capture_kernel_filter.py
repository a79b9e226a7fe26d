"""Programs for the kernel, as far as they can be judged without one; test_capture_live.py has it run them."""

import numpy as np
import pytest
from builders import Conversation, Packet, ip_packet, link_frame, merge, packet_block, tcp_segment, udp_datagram
from hypothesis import given
from hypothesis import strategies as st

from wiresniff.capture.bpf import ABS, CLASS, IND, LD, LDX, MODE, MSH, Instruction
from wiresniff.capture.filter import Filter
from wiresniff.capture.kernel_filter import (
    NETWORK,
    PACKET_TYPE,
    PROTOCOL,
    kernel_program,
    shed_expression,
    without_shed,
)

ENDS = st.tuples(st.sampled_from(["10.0.0.1", "10.0.0.77", "192.168.200.3"]), st.integers(1, 65_535))
ENDS_IPV6 = st.tuples(st.sampled_from(["fd00::1", "fd00::2", "2001:db8::77:1"]), st.integers(1, 65_535))


def kept(packets: list[Packet], expression: str | None) -> list[bool]:
    """Say which packets an expression keeps."""
    assert expression is not None
    numbers = set(Filter(expression).apply(packet_block(packets)).number.tolist())
    return [number in numbers for number in range(1, len(packets) + 1)]


def talk(client: tuple[str, int], server: tuple[str, int], **options: bytes) -> Conversation:
    """Return a connection that is opened, used and closed."""
    made = Conversation(client, server, **options)  # type: ignore[arg-type]
    made.open()
    made.client_sends(b"GET / HTTP/1.1\r\n\r\n")
    made.server_sends(b"HTTP/1.1 200 OK\r\n\r\n")
    made.close()
    return made


@given(st.tuples(ENDS, ENDS) | st.tuples(ENDS_IPV6, ENDS_IPV6), st.floats(0.001, 0.999))
def test_a_connection_is_left_out_whole_or_not_at_all(
    ends: tuple[tuple[str, int], tuple[str, int]], share: float
) -> None:
    """Both directions have one fate, whatever the share; and what is left out is what is not kept."""
    packets = talk(*ends, tcp_options=b"\1" * 12).packets
    fates = kept(packets, without_shed(share))
    assert len(set(fates)) == 1
    assert kept(packets, shed_expression(share)) == [not fate for fate in fates]
    assert sum(kept(packets, shed_expression(share, begins=True))) == (not fates[0])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("address", ["10.0.0.{}", "fd00::{}"])
def test_a_share_is_about_that_share(share: float, address: str) -> None:
    """Of many ports of one client, and of many clients of one server."""
    server = (address.format(200), 80)
    talks = [Conversation((address.format(1), port), server) for port in range(32_768, 33_768)]
    talks += [Conversation((address.format(2 + number // 10), 50_000 + number % 10), server) for number in range(1000)]
    for each in talks:
        each.open()
    fates = kept(merge(*talks), shed_expression(share, begins=True))
    assert abs(sum(fates) / len(talks) - share) < 0.06


def test_a_greater_share_leaves_out_the_same_and_more() -> None:
    """So that connections are not cut when it grows, and those still left out stay so when it shrinks."""
    talks = [Conversation(("10.0.0.1", port), ("10.0.0.2", 80)) for port in range(40_000, 40_300)]
    for each in talks:
        each.open()
    packets = merge(*talks)
    fates = [np.array(kept(packets, without_shed(share))) for share in (0.2, 0.4, 0.8)]
    assert (fates[1] <= fates[0]).all()
    assert (fates[2] <= fates[1]).all()


def test_what_is_no_connection_is_kept() -> None:
    """Datagrams, other protocols, and all fragments: ports are in the first one only."""
    segment = tcp_segment(("10.0.0.1", 1), ("10.0.0.2", 2), sequence=1, payload=bytes(40))
    fragment = bytearray(ip_packet("10.0.0.1", "10.0.0.2", 6, segment))
    fragment[6:8] = b"\x20\x00"
    later = bytearray(fragment)
    later[6:8] = b"\x00\x05"
    datagram = ip_packet("10.0.0.1", "10.0.0.2", 17, udp_datagram(("10.0.0.1", 1), ("10.0.0.2", 2), b""))
    frames = [link_frame(bytes(network)) for network in (fragment, later, datagram)]
    frames += [link_frame(datagram)[:12] + b"\x08\x06" + bytes(28), b"\xff" * 20]
    assert kept([Packet(frame, 1) for frame in frames], without_shed(1.0)) == [True] * len(frames)


@pytest.mark.parametrize(("share", "expression"), [(0.0, None), (0.0, "tcp port 80"), (0.000001, "udp")])
def test_nothing_is_left_out_usually(share: float, expression: str | None) -> None:
    """The filter is the person's own then."""
    assert without_shed(share, expression) == expression


@pytest.mark.parametrize("expression", ["tcp port 80", "host fd00::1", "udp[8:4] = 7 or tcp[tcpflags] & tcp-syn != 0"])
def test_a_program_for_cooked_headers_speaks_of_the_network_header(expression: str) -> None:
    """The kernel knows where that is, and the protocol: what the cooked header would have said."""
    program = kernel_program(Filter(expression), is_cooked=True)
    assert program is not None
    loads = [step for step in program if step.code & CLASS in {LD, LDX} and step.code & MODE in {ABS, IND, MSH}]
    assert all(step.operand >= NETWORK for step in loads)
    assert Instruction(LD | ABS, 0, 0, PROTOCOL) in loads


def test_direction_is_known_to_the_kernel() -> None:
    """`inbound` and `outbound` look at the first field of a cooked header."""
    program = kernel_program(Filter("outbound"), is_cooked=True)
    assert program is not None
    assert Instruction(LD | ABS, 0, 0, PACKET_TYPE) in program


@pytest.mark.parametrize("expression", ["ether host 02:00:00:00:00:01", "vlan", "vlan 7 and tcp", "link[6:4] = 5"])
def test_what_the_kernel_cannot_tell_is_left_to_us(expression: str) -> None:
    """Of a header that it has no more, or tags that it took off."""
    assert kernel_program(Filter(expression), is_cooked=True) is None
