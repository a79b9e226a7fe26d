"""A classic BPF machine, one packet at a time (McCanne and Jacobson 1993, section 3.3)."""

from collections.abc import Sequence

WORD = 1 << 32
SIZES = {0x00: 4, 0x08: 2, 0x10: 1}


def matches(program: Sequence[tuple[int, int, int, int]], packet: bytes, wire_length: int) -> bool:  # noqa: PLR0912
    """Run a program over one packet."""
    a = x = at = 0
    memory = [0] * 16
    while True:
        code, jump_true, jump_false, k = program[at]
        at += 1
        kind = code & 7
        if kind == 6:
            return (a if code & 0x18 == 0x10 else k) != 0
        if kind in (0, 1):
            mode = code & 0xE0
            if mode == 0x00:
                value = k
            elif mode == 0x80:
                value = wire_length
            elif mode == 0x60:
                value = memory[k]
            else:
                size = SIZES[code & 0x18]
                position = k + (x if mode == 0x40 else 0)
                if position + size > len(packet):
                    return False
                value = int.from_bytes(packet[position : position + size])
                if mode == 0xA0:
                    value = (value & 15) * 4
            if kind == 0:
                a = value
            else:
                x = value
        elif kind == 2:
            memory[k] = a
        elif kind == 3:
            memory[k] = x
        elif kind == 4:
            operation, operand = code & 0xF0, x if code & 8 else k
            if operation in (0x30, 0x90) and operand == 0:
                return False
            a = {
                0x00: lambda a, b: a + b, 0x10: lambda a, b: a - b, 0x20: lambda a, b: a * b,
                0x30: lambda a, b: a // b, 0x40: lambda a, b: a | b, 0x50: lambda a, b: a & b,
                0x60: lambda a, b: a << b if b < 32 else 0, 0x70: lambda a, b: a >> b if b < 32 else 0,
                0x80: lambda a, _: -a, 0x90: lambda a, b: a % b, 0xA0: lambda a, b: a ^ b,
            }[operation](a, operand) % WORD  # fmt: skip
        elif kind == 5:
            operation, operand = code & 0xF0, x if code & 8 else k
            if operation == 0:
                at += k
            else:
                is_true = {0x10: a == operand, 0x20: a > operand, 0x30: a >= operand, 0x40: bool(a & operand)}
                at += jump_true if is_true[operation] else jump_false
        elif code & 0xF8 == 0x80:
            a = x
        else:
            x = a
