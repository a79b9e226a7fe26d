"""Classic BPF programs over columns: one instruction at a time for all packets that reach it.

Filter programs have no loops: jumps go forward only (libpcap's documentation of `pcap_compile`; McCanne and Jacobson,
"The BSD Packet Filter", 1993). So the program is walked once from top to bottom, and at each instruction waits the set
of packets whose path leads there. tests/oracles/bpf.py is the loop over packets that this stands for.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wiresniff.columns.gather import gather
from wiresniff.model.packets import PacketBlock

Words: TypeAlias = NDArray[np.uint32]
Rows: TypeAlias = NDArray[np.int64]


class Instruction(NamedTuple):
    """One instruction: its code, where to go on (counted from the next one), its operand."""

    code: int
    jump_true: int
    jump_false: int
    operand: int


CLASS, SIZE, MODE, OPERATION, SOURCE = 0x07, 0x18, 0xE0, 0xF0, 0x08
"""Masks of an instruction's code."""
LD, LDX, ST, STX, ALU, JMP, RET, MISC = range(8)
IMM, ABS, IND, MEM, LEN, MSH = 0x00, 0x20, 0x40, 0x60, 0x80, 0xA0
FROM_X = 0x08
JA = 0x00
NEG = 0x80
RETURN_A = 0x10
TXA = 0x80
SCRATCH_WORDS = 16
WORD_BITS = np.uint32(32)
SIZES = {0x00: np.dtype([("word", ">u4")]), 0x08: np.dtype([("word", ">u2")]), 0x10: np.dtype([("word", "u1")])}


def _shift(shift: Callable[[Words, Words], Words]) -> Callable[[Words, Words], Words]:
    """Shift, where libpcap gives 0 for shifts by the whole word or more."""
    return lambda a, by: np.where(by < WORD_BITS, shift(a, by % WORD_BITS), np.uint32(0))


ARITHMETIC: dict[int, Callable[[Words, Words], Words]] = {
    0x00: np.add,
    0x10: np.subtract,
    0x20: np.multiply,
    0x30: np.floor_divide,
    0x40: np.bitwise_or,
    0x50: np.bitwise_and,
    0x60: _shift(np.left_shift),
    0x70: _shift(np.right_shift),
    0x90: np.remainder,
    0xA0: np.bitwise_xor,
}
DIVISIONS = (0x30, 0x90)
"""A packet that would be divided by zero does not match."""
COMPARISONS: dict[int, Callable[[Words, Words], NDArray[np.bool_]]] = {
    0x10: np.equal,
    0x20: np.greater,
    0x30: np.greater_equal,
    0x40: lambda a, mask: (a & mask) != 0,
}


class Registers:
    """Accumulator, index and scratch memory of every packet."""

    def __init__(self, packets: int) -> None:
        self.a = np.zeros(packets, dtype=np.uint32)
        self.x = np.zeros(packets, dtype=np.uint32)
        self._packets = packets
        self._scratch: dict[int, Words] = {}

    def scratch(self, word: int) -> Words:
        """One word of scratch memory."""
        return self._scratch.setdefault(word % SCRATCH_WORDS, np.zeros(self._packets, dtype=np.uint32))


def matches(program: Sequence[Instruction], block: PacketBlock) -> NDArray[np.bool_]:
    """Run a filter program over the packets of a block.

    ->  (k,) bool, which ones match. A packet that is too short for what the program looks at does not.
    """
    registers = Registers(len(block))
    is_match = np.zeros(len(block), dtype=np.bool_)
    arriving: list[list[Rows]] = [[] for _ in program]
    arriving[0].append(np.arange(len(block)))
    for at, instruction in enumerate(program):
        waiting = [rows for rows in arriving[at] if len(rows)]
        if not waiting:
            continue
        rows = waiting[0] if len(waiting) == 1 else np.concatenate(waiting)
        kind = instruction.code & CLASS
        if kind == RET:
            is_match[rows] = registers.a[rows] != 0 if instruction.code & SIZE == RETURN_A else instruction.operand != 0
        elif kind == JMP:
            _jump(instruction, registers, rows, arriving[at + 1 :])
        else:
            arriving[at + 1].append(STEPS[kind](instruction, registers, rows, block))
    return is_match


def _jump(instruction: Instruction, registers: Registers, rows: Rows, ahead: list[list[Rows]]) -> None:
    operation = instruction.code & OPERATION
    if operation == JA:
        ahead[instruction.operand].append(rows)
        return
    is_true = COMPARISONS[operation](registers.a[rows], _source(instruction, registers, rows))
    ahead[instruction.jump_true].append(rows[is_true])
    ahead[instruction.jump_false].append(rows[~is_true])


def _source(instruction: Instruction, registers: Registers, rows: Rows) -> Words:
    """Return the right operand of each row."""
    if instruction.code & SOURCE == FROM_X:
        return registers.x[rows]
    return np.full(len(rows), instruction.operand, dtype=np.uint32)


def _load(instruction: Instruction, registers: Registers, rows: Rows, block: PacketBlock) -> Rows:
    """Load the accumulator; return the rows that have the bytes."""
    rows, words = _loaded(instruction, registers, rows, block)
    registers.a[rows] = words
    return rows


def _load_index(instruction: Instruction, registers: Registers, rows: Rows, block: PacketBlock) -> Rows:
    """Load the index; return the rows that have the bytes."""
    rows, words = _loaded(instruction, registers, rows, block)
    registers.x[rows] = words
    return rows


def _loaded(instruction: Instruction, registers: Registers, rows: Rows, block: PacketBlock) -> tuple[Rows, Words]:
    mode = instruction.code & MODE
    if mode == IMM:
        return rows, np.full(len(rows), instruction.operand, dtype=np.uint32)
    if mode == LEN:
        return rows, block.wire_length[rows].astype(np.uint32)
    if mode == MEM:
        return rows, registers.scratch(instruction.operand)[rows]
    size = SIZES[instruction.code & SIZE]
    position = np.full(len(rows), instruction.operand, dtype=np.int64)
    if mode == IND:
        position += registers.x[rows]
    has_bytes = position + size.itemsize <= block.captured_length[rows]
    rows = rows[has_bytes]
    words = gather(block.raw, block.offset[rows] + position[has_bytes], size)["word"].astype(np.uint32)
    return rows, (words & np.uint32(0x0F)) << np.uint32(2) if mode == MSH else words


def _store(instruction: Instruction, registers: Registers, rows: Rows, _: PacketBlock) -> Rows:
    registers.scratch(instruction.operand)[rows] = registers.a[rows]
    return rows


def _store_index(instruction: Instruction, registers: Registers, rows: Rows, _: PacketBlock) -> Rows:
    registers.scratch(instruction.operand)[rows] = registers.x[rows]
    return rows


def _calculate(instruction: Instruction, registers: Registers, rows: Rows, _: PacketBlock) -> Rows:
    operation = instruction.code & OPERATION
    if operation == NEG:
        registers.a[rows] = np.uint32(0) - registers.a[rows]
        return rows
    source = _source(instruction, registers, rows)
    if operation in DIVISIONS:
        rows, source = rows[source != 0], source[source != 0]
    registers.a[rows] = ARITHMETIC[operation](registers.a[rows], source)
    return rows


def _transfer(instruction: Instruction, registers: Registers, rows: Rows, _: PacketBlock) -> Rows:
    if instruction.code & ~CLASS == TXA:
        registers.a[rows] = registers.x[rows]
    else:
        registers.x[rows] = registers.a[rows]
    return rows


STEPS: dict[int, Callable[[Instruction, Registers, Rows, PacketBlock], Rows]] = {
    LD: _load,
    LDX: _load_index,
    ST: _store,
    STX: _store_index,
    ALU: _calculate,
    MISC: _transfer,
}
"""Per class of instructions: run it, return the rows that go on."""
