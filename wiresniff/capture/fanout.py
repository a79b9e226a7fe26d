"""Which process of a group the kernel gives a packet to: a program for PACKET_FANOUT_CBPF (packet(7)).

Both directions of a connection go to one process, and so do its packets in a tunnel and outside of it: the hash is
made of the addresses and ports of the innermost packet, XORed, which is the same both ways. The kernel's own hash is
not made so: of VXLAN and GENEVE it takes the outer ports, of which one is different in each direction. Entered are
VXLAN, GENEVE, GRE and IP in IP, one deep; further tunnels, and fragments within tunnels, go by the addresses that are
found. The two sides of an address translation have different addresses, and may go to two processes.

Positions are those of the network header (SKF_NET_OFF), which the kernel finds itself; where a packet is too short, the
program ends with 0, the first process. tests/oracles/fanout.py runs it as the kernel does.
"""

from typing import Final, NamedTuple, TypeAlias

from wiresniff.capture.bpf import Instruction
from wiresniff.capture.filter import Program
from wiresniff.capture.kernel_filter import NETWORK, PROTOCOL

LOAD_WORD, LOAD_HALF, LOAD_BYTE = 0x40, 0x48, 0x50
"""Of what lies behind X."""
LOAD_KNOWN, LOAD_NUMBER, LOAD_MEMORY, LOAD_X, NUMBER_X = 0x20, 0x00, 0x60, 0x61, 0x01
STORE, STORE_X, TO_X, FROM_X = 0x02, 0x03, 0x07, 0x87
ADD, ADD_X, MULTIPLY, AND, XOR_X, SHIFT_LEFT, SHIFT_RIGHT = 0x04, 0x0C, 0x24, 0x54, 0xAC, 0x64, 0x74
JUMP, IF_EQUAL, IF_BITS, RETURN_NUMBER, RETURN_A = 0x05, 0x15, 0x45, 0x06, 0x16
HEADER, ADDRESSES, TRANSPORT, PORTS, KEPT, INNER = range(6)
"""Words of memory: where the IP header is, XOR of addresses, where the transport header is, XOR of ports, and more."""

IPV4, IPV6, VLAN, BRIDGED = 0x0800, 0x86DD, 0x8100, 0x6558
TCP, UDP, GRE, IPV4_IN_IP, IPV6_IN_IP = 6, 17, 47, 4, 41
VXLAN_PORTS, GENEVE_PORT = (4789, 8472), 6081
FIRST_FACTOR, SECOND_FACTOR = 2654435761, 2246822519
"""Odd and large, as in `kernel_filter.SHED`."""


class Step(NamedTuple):
    """An instruction; its jump goes to a label, if it has one, or else on."""

    code: int
    operand: int = 0
    label: str | None = None


Line: TypeAlias = Step | str
"""A step, or the label of the next one."""
READ: Final = NETWORK
"""Added to positions within headers."""


def _xored(codes: int, positions: tuple[int, ...], base: int, into: int) -> list[Line]:
    """XOR what lies at some positions behind the header whose place is in memory."""
    lines: list[Line] = [Step(LOAD_X, base), Step(codes, READ + positions[0]), Step(STORE, into)]
    for position in positions[1:]:
        lines += [
            Step(LOAD_X, base), Step(codes, READ + position), Step(LOAD_X, into), Step(XOR_X), Step(STORE, into)
        ]  # fmt: skip
    return lines


def _level(name: str, inner: str | None) -> list[Line]:
    """Read an IP header, of either version; go into tunnels where there is an inner level."""
    tunnels: list[Line] = []
    if inner is not None:
        tunnels = [
            Step(IF_EQUAL, UDP, "udp"),
            Step(IF_EQUAL, GRE, "gre"),
            Step(IF_EQUAL, IPV4_IN_IP, "4 in IP"),
            Step(IF_EQUAL, IPV6_IN_IP, "6 in IP"),
        ]
    return [
        f"{name}4",
        Step(STORE_X, HEADER),
        *_xored(LOAD_WORD, (12, 16), HEADER, ADDRESSES),
        Step(LOAD_X, HEADER),
        Step(LOAD_HALF, READ + 6),
        Step(IF_BITS, 0x3FFF, f"{name} alone"),  # a fragment has no ports, or its others have none
        Step(LOAD_BYTE, READ),
        Step(AND, 0x0F),
        Step(SHIFT_LEFT, 2),
        Step(ADD_X),
        Step(STORE, TRANSPORT),
        Step(LOAD_BYTE, READ + 9),
        Step(IF_EQUAL, TCP, f"{name} ports"),
        *tunnels,
        Step(JUMP, label=f"{name} alone"),
        f"{name}6",
        Step(STORE_X, HEADER),
        *_xored(LOAD_WORD, (8, 12, 16, 20, 24, 28, 32, 36), HEADER, ADDRESSES),
        Step(LOAD_X, HEADER),
        Step(FROM_X),
        Step(ADD, 40),
        Step(STORE, TRANSPORT),
        Step(LOAD_BYTE, READ + 6),
        Step(IF_EQUAL, TCP, f"{name} ports"),
        *tunnels,
        f"{name} alone",
        Step(LOAD_NUMBER, 0),
        Step(STORE, PORTS),
        Step(JUMP, label=f"{name} end"),
        f"{name} ports",
        *_xored(LOAD_HALF, (0, 2), TRANSPORT, PORTS),
        f"{name} end",
        Step(LOAD_MEMORY, ADDRESSES),
        Step(MULTIPLY, FIRST_FACTOR),
        Step(LOAD_X, PORTS),
        Step(ADD_X),
        Step(MULTIPLY, SECOND_FACTOR),
        Step(SHIFT_RIGHT, 16),
        Step(RETURN_A),
    ]


def _moved(octets: int) -> list[Line]:
    """Move X on."""
    return [Step(FROM_X), Step(ADD, octets), Step(TO_X)]


def _to_network(leave: str) -> list[Line]:
    """Go where an ethertype in A says, with X at the header behind it."""
    return [Step(IF_EQUAL, IPV4, "inner4"), Step(IF_EQUAL, IPV6, "inner6"), Step(JUMP, label=leave)]


def _if_set(bits: int, name: str) -> list[Line]:
    """Where the flags that are kept have these bits, the inner packet lies a word further on."""
    return [
        Step(LOAD_MEMORY, KEPT), Step(IF_BITS, bits, f"with {name}"), Step(JUMP, label=f"without {name}"),
        f"with {name}", Step(LOAD_MEMORY, INNER), Step(ADD, 4), Step(STORE, INNER),
        f"without {name}",
    ]  # fmt: skip


TUNNELS: list[Line] = [
    "4 in IP", Step(LOAD_X, TRANSPORT), Step(JUMP, label="inner4"),
    "6 in IP", Step(LOAD_X, TRANSPORT), Step(JUMP, label="inner6"),
    "udp",
    Step(LOAD_X, TRANSPORT), Step(LOAD_HALF, READ + 2),
    *(Step(IF_EQUAL, port, "vxlan") for port in VXLAN_PORTS),
    Step(IF_EQUAL, GENEVE_PORT, "geneve"), Step(JUMP, label="no tunnel"),
    "vxlan",  # 8 octets of UDP, 8 of VXLAN
    *_moved(16), Step(JUMP, label="bridged"),
    "geneve",  # its options are counted in words
    Step(LOAD_BYTE, READ + 8), Step(AND, 0x3F), Step(SHIFT_LEFT, 2), Step(ADD_X), Step(ADD, 16), Step(STORE, INNER),
    Step(LOAD_HALF, READ + 10), Step(LOAD_X, INNER), Step(IF_EQUAL, BRIDGED, "bridged"), *_to_network("no tunnel"),
    "gre",
    Step(LOAD_X, TRANSPORT), Step(FROM_X), Step(ADD, 4), Step(STORE, INNER), Step(LOAD_BYTE, READ), Step(STORE, KEPT),
    *_if_set(0x80, "checksum"), *_if_set(0x20, "key"), *_if_set(0x10, "sequence"),
    Step(LOAD_X, TRANSPORT), Step(LOAD_HALF, READ + 2), Step(LOAD_X, INNER),
    Step(IF_EQUAL, BRIDGED, "bridged"), *_to_network("no tunnel"),
    "bridged",
    Step(LOAD_HALF, READ + 12), Step(IF_EQUAL, VLAN, "tagged"), Step(STORE, KEPT), *_moved(14),
    Step(LOAD_MEMORY, KEPT), *_to_network("no tunnel"),
    "tagged",
    Step(LOAD_HALF, READ + 16), Step(STORE, KEPT), *_moved(18), Step(LOAD_MEMORY, KEPT), *_to_network("no tunnel"),
    "no tunnel", Step(LOAD_MEMORY, ADDRESSES), Step(MULTIPLY, SECOND_FACTOR), Step(SHIFT_RIGHT, 16), Step(RETURN_A),
]  # fmt: skip
"""Only forward jumps: tunnels stand between the outer header and the inner one."""


def assembled(lines: list[Line]) -> Program:
    """Turn steps with labels into a program; conditions jump by a step of their own, as far as is needed."""
    steps: list[Step] = []
    places: dict[str, int] = {}
    for line in lines:
        if isinstance(line, str):
            places[line] = len(steps)
        else:
            steps.append(line)
            if line.label is not None and line.code != JUMP:
                steps.append(Step(JUMP, label=line.label))
    program: Program = []
    for at, step in enumerate(steps):
        if step.code == JUMP:
            assert step.label is not None
            program.append(Instruction(JUMP, 0, 0, places[step.label] - at - 1))
        elif step.label is not None:
            program.append(Instruction(step.code, 0, 1, step.operand))
        else:
            program.append(Instruction(step.code, 0, 0, step.operand))
    return program


FANOUT_PROGRAM = assembled(
    [
        Step(LOAD_NUMBER, 0),  # the kernel wants all memory written that is read, and doesn't see which ways lead where
        *(Step(STORE, word) for word in (HEADER, ADDRESSES, TRANSPORT, PORTS, KEPT, INNER)),
        Step(LOAD_KNOWN, PROTOCOL),
        Step(NUMBER_X, 0),
        Step(IF_EQUAL, IPV4, "outer4"),
        Step(IF_EQUAL, IPV6, "outer6"),
        Step(RETURN_NUMBER, 0),
        *_level("outer", "inner"),
        *TUNNELS,
        *_level("inner", None),
    ]
)
"""Returns a number; the kernel takes it modulo the number of processes."""
