"""Which packets the kernel lets through: programs for SO_ATTACH_FILTER.

A packet socket that watches one interface with Ethernet headers runs what libpcap compiles for Ethernet. One that
watches interfaces of several kinds runs what libpcap compiles for cooked headers, translated: the program then speaks
of bytes of the network header, which the kernel finds itself, and of the protocol, which the kernel knows (Linux,
include/uapi/linux/filter.h: SKF_NET_OFF, SKF_AD_PROTOCOL). What can't be said so is left to `Filter.apply`, and so are
expressions about VLAN tags, which the kernel takes off before filters run.

Before the expression stand a few instructions: on loopback every packet is seen as it goes out and as it comes in, and
only the latter is taken; and a socket that takes part in fanout can't be bound to another interface later, so it is
bound to all and looks at the interface's index here.

At overload a share of the connections is left out whole: a hash of addresses and ports that is the same both ways
decides. It is an expression too, since the syntax of tcpdump can say it.
"""

from wiresniff.capture.bpf import ABS, CLASS, IND, JMP, LD, LDX, LEN, MODE, MSH, RET, SIZE, Instruction
from wiresniff.capture.filter import Filter, ImpossibleFilterError, Program
from wiresniff.capture.ring import COOKED, LINK_COOKED, LINK_ETHERNET

NETWORK = 0xFFF00000
"""SKF_NET_OFF: where the network header is, as far as filters are concerned."""
PROTOCOL, PACKET_TYPE, INTERFACE, HARDWARE_TYPE = 0xFFFFF000, 0xFFFFF004, 0xFFFFF008, 0xFFFFF01C
"""SKF_AD_OFF and the numbers behind it: what the kernel knows of a packet."""
OUTGOING = 4
"""PACKET_OUTGOING"""
LOOPBACK = 772
"""ARPHRD_LOOPBACK"""
EVERYTHING = 0xFFFFFFFF
"""Bytes of a packet to take."""
LOAD_WORD, JUMP_EQUAL, RETURN = LD | ABS, JMP | 0x10, RET
HALF_WORD = 0x08
VLAN_ETHERTYPES = (0x8100, 0x88A8, 0x9100)

TAKE_NOTHING: Program = [Instruction(RETURN, 0, 0, 0)]
TAKE_EVERYTHING: Program = [Instruction(RETURN, 0, 0, EVERYTHING)]
NOT_TWICE: Program = [
    Instruction(LOAD_WORD, 0, 0, PACKET_TYPE),
    Instruction(JUMP_EQUAL, 0, 3, OUTGOING),
    Instruction(LOAD_WORD, 0, 0, HARDWARE_TYPE),
    Instruction(JUMP_EQUAL, 0, 1, LOOPBACK),
    Instruction(RETURN, 0, 0, 0),
]
"""Leaves out what goes out on loopback; whatever stands behind it goes on."""

SHARES = 1 << 16
"""Steps in which connections are left out."""
SHED = (
    "((ip[6:2] & 0x3fff = 0 and tcp"
    " and (((ip[12:4] ^ ip[16:4]) * 2654435761 + (tcp[0:2] ^ tcp[2:2])) * 2246822519) >> 16 < {threshold})"
    " or (ip6[6] = 6"
    " and (((ip6[8:4] ^ ip6[12:4] ^ ip6[16:4] ^ ip6[20:4] ^ ip6[24:4] ^ ip6[28:4] ^ ip6[32:4] ^ ip6[36:4]) * 2654435761"
    " + (ip6[40:2] ^ ip6[42:2])) * 2246822519) >> 16 < {threshold}))"
)
"""TCP connections of the share to be left out. XOR makes the hash the same both ways; the factors are odd and large
(2654435761 is 2^32 over the golden ratio), so that neighbouring ports are spread evenly. Fragments are not told by
ports: all of them are taken, so that no connection that is watched lacks one."""
BEGINS = "(tcp[tcpflags] & (tcp-syn | tcp-ack) = tcp-syn or (ip6[6] = 6 and ip6[53] & 0x12 = 2))"
"""The first packet of a connection."""


def only_interface(index: int) -> Program:
    """Leave out packets of other interfaces; whatever stands behind it goes on."""
    return [
        Instruction(LOAD_WORD, 0, 0, INTERFACE),
        Instruction(JUMP_EQUAL, 1, 0, index),
        Instruction(RETURN, 0, 0, 0),
    ]


def shed_expression(share: float, expression: str | None = None, *, begins: bool = False) -> str:
    """Say in tcpdump's syntax which packets are left out: of `share` of the connections, and of what is watched.

    begins  only the first packet of each
    """
    wanted = [f"({expression})"] if expression is not None else []
    wanted += [BEGINS] if begins else []
    return " and ".join([*wanted, SHED.format(threshold=round(share * SHARES))])


def without_shed(share: float, expression: str | None = None) -> str | None:
    """Say in tcpdump's syntax what is watched when a share of the connections is left out; None for everything."""
    if not round(share * SHARES):
        return expression
    kept = f"not {SHED.format(threshold=round(share * SHARES))}"
    return kept if expression is None else f"({expression}) and {kept}"


def kernel_program(filter: Filter, *, is_cooked: bool) -> Program | None:  # noqa: A002 (as everywhere)
    """Return a program that takes what the filter matches; None where the kernel can't tell.

    is_cooked  for packets with and without Ethernet headers
    """
    try:
        program = filter.program(LINK_COOKED if is_cooked else LINK_ETHERNET)
    except ImpossibleFilterError:
        return None
    if program is None:
        return TAKE_NOTHING
    if any(step.code & CLASS == JMP and step.operand in VLAN_ETHERTYPES for step in program):
        return None
    return translated(program) if is_cooked else program


def translated(program: Program) -> Program | None:
    """Turn a program for cooked headers into one for packets as the kernel has them; None where that can't be.

    libpcap does the same (pcap-linux.c, fix_offset).
    """
    steps = [_translated(step) for step in program]
    return [step for step in steps if step is not None] if None not in steps else None


def _translated(step: Instruction) -> Instruction | None:
    if step.code & CLASS not in {LD, LDX} or step.code & MODE not in {ABS, IND, MSH}:
        return step
    if step.code & MODE == LEN or step.operand >= NETWORK:
        return step
    if step.operand >= COOKED.itemsize:
        return step._replace(operand=NETWORK + step.operand - COOKED.itemsize)
    known = {0: PACKET_TYPE, 14: PROTOCOL}.get(step.operand)
    if known is None or step.code & MODE != ABS or step.code & SIZE != HALF_WORD:
        return None
    return Instruction(LOAD_WORD, 0, 0, known)
