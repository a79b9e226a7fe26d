"""A program of classic BPF run on one packet, as the kernel runs it: positions from the network header on."""

from collections.abc import Sequence
from operator import add, and_, lshift, mul, rshift, xor

from wiresniff.capture.bpf import Instruction

NETWORK, PROTOCOL = 0xFFF00000, 0xFFFFF000
WORD = 0xFFFFFFFF
ARITHMETIC = {
    0x04: (add, False), 0x0C: (add, True), 0x24: (mul, False), 0x54: (and_, False), 0xAC: (xor, True),
    0x64: (lshift, False), 0x74: (rshift, False),
}  # fmt: skip
"""What is done, and whether with X."""


def run(program: Sequence[Instruction], network: bytes, ethertype: int) -> int:
    """Return what the program says of a packet whose network header and what is behind it are given."""
    a = x = at = 0
    memory = [0] * 16

    def load(position: int, size: int) -> int | None:
        if position == PROTOCOL:
            return ethertype
        start = position - NETWORK
        return int.from_bytes(network[start : start + size]) if 0 <= start <= len(network) - size else None

    while True:
        code, jump_true, jump_false, k = program[at]
        at += 1
        if code in {0x20, 0x40, 0x48, 0x50}:
            size = {0x20: 4, 0x40: 4, 0x48: 2, 0x50: 1}[code]
            loaded = load(k if code == 0x20 else (k + x) & WORD, size)
            if loaded is None:
                return 0
            a = loaded
        elif code == 0x05:
            at += k
        elif code in {0x15, 0x45}:
            at += jump_true if (a == k if code == 0x15 else a & k) else jump_false
        elif code in {0x06, 0x16}:
            return k if code == 0x06 else a
        elif code in {0x02, 0x03}:
            memory[k] = a if code == 0x02 else x
        elif code in {0x00, 0x60}:
            a = k if code == 0x00 else memory[k]
        elif code in {0x01, 0x61}:
            x = k if code == 0x01 else memory[k]
        elif code == 0x07:
            x = a
        elif code == 0x87:
            a = x
        else:
            work, takes_x = ARITHMETIC[code]
            a = work(a, x if takes_x else k) & WORD
