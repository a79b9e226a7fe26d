"""Filter programs over columns against the machine that runs them packet by packet."""

import pytest
from builders import Packet, packet_block
from hypothesis import given
from hypothesis import strategies as st
from oracles import bpf as oracle

from wiresniff.capture.bpf import Instruction, matches

words = st.integers(0, 2**32 - 1) | st.integers(0, 40)
LOADS = [0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x00, 0x80, 0x60, 0x01, 0x81, 0x61, 0xB1]
ALU = [operation | source | 4 for operation in range(0x00, 0xB0, 0x10) for source in (0, 8)]
JUMPS = [operation | source | 5 for operation in range(0x10, 0x50, 0x10) for source in (0, 8)]


@st.composite
def programs(draw: st.DrawFn) -> list[Instruction]:
    """Draw a program that ends: every jump goes forward and no further than the last instruction."""
    length = draw(st.integers(0, 12))
    program = []
    for left in range(length, 0, -1):
        code = draw(st.sampled_from([*LOADS, *ALU, *JUMPS, 0x05, 0x02, 0x03, 0x07, 0x87, 0x06, 0x16]))
        is_memory = code in (0x60, 0x61, 0x02, 0x03)
        operand = draw(st.integers(0, 15) if is_memory else st.integers(0, left - 1) if code == 0x05 else words)
        program.append(Instruction(code, draw(st.integers(0, left - 1)), draw(st.integers(0, left - 1)), operand))
    return [*program, Instruction(*draw(st.sampled_from([(0x16, 0, 0, 0), (0x06, 0, 0, 0), (0x06, 0, 0, 262144)])))]


@given(programs(), st.lists(st.tuples(st.binary(max_size=60), st.integers(0, 60)), max_size=8))
def test_all_packets_at_once_as_one_by_one(program: list[Instruction], sights: list[tuple[bytes, int]]) -> None:
    """Every program matches what the machine matches, for packets cut short as well."""
    packets = [Packet(data, 0, captured=min(captured, len(data))) for data, captured in sights]
    expected = [oracle.matches(program, packet.kept, len(packet.data)) for packet in packets]
    assert matches(program, packet_block(packets)).tolist() == expected


@pytest.mark.parametrize("operation", [0x30, 0x90])
def test_division_by_zero_matches_nothing(operation: int) -> None:
    """The packet is dropped, as libpcap does; a program must not be able to stop the audit."""
    program = [Instruction(operation | 0x0C, 0, 0, 0), Instruction(0x06, 0, 0, 1)]
    assert matches(program, packet_block([Packet(b"a", 0)])).tolist() == [False]
