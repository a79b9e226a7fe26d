"""Header blocks as encoders might write them: every form of field, evictions, size updates, too large entries."""

from typing import NamedTuple

from hpack.hpack import encode_integer
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hypothesis import strategies as st
from oracles.hpack import STATIC, Table

HUFFMAN = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
INDEXED, ADDED, PLAIN, NEVER = "indexed", "added", "plain", "never"
PREFIXES = {ADDED: (0x40, 6), PLAIN: (0x00, 4), NEVER: (0x10, 4)}
"""First bits of a literal, and how many are left for the index of its name (RFC 7541 6.2)."""


class Written(NamedTuple):
    """A block, and the fields it says."""

    octets: bytes
    fields: list[tuple[bytes, bytes]]


class Intent(NamedTuple):
    """What an encoder wants to write; numbers are taken modulo what there is."""

    form: str
    is_dynamic: bool
    """Refer to an entry that was added, if there is one."""
    pick: int
    name: bytes | None
    """None: take the name of an entry."""
    value: bytes
    is_huffman: bool


def integer(number: int, bits: int, first: int) -> bytes:
    """Write an integer (RFC 7541 5.1)."""
    octets = encode_integer(number, bits)
    octets[0] |= first
    return bytes(octets)


def string(octets: bytes, *, is_huffman: bool = False) -> bytes:
    """Write a string (RFC 7541 5.2)."""
    written = HUFFMAN.encode(octets) if is_huffman else octets
    return integer(len(written), 7, 0x80 if is_huffman else 0) + written


def literal(form: str, name: bytes | int, value: bytes, *, is_huffman: bool = False) -> bytes:
    """Write a literal (RFC 7541 6.2); an integer is the index of its name."""
    first, bits = PREFIXES[form]
    begin = (
        integer(name, bits, first) if isinstance(name, int) else bytes([first]) + string(name, is_huffman=is_huffman)
    )
    return begin + string(value, is_huffman=is_huffman)


def indexed(index: int) -> bytes:
    """Write a reference (RFC 7541 6.1)."""
    return integer(index, 7, 0x80)


def size_update(octets: int) -> bytes:
    """Write a table size update (RFC 7541 6.3)."""
    return integer(octets, 5, 0x20)


def write(intents: list[Intent], sizes: list[int], table: Table) -> Written:
    """Write a block, first its size updates."""
    octets, fields = b"", []
    for size in sizes:
        table.size = size
        table.evict()
        octets += size_update(size)
    for intent in intents:
        index = _index(intent, table)
        entry = table.entry(index)
        if intent.form == INDEXED:
            octets += indexed(index)
            fields.append((entry.name, entry.value))
            continue
        octets += literal(intent.form, intent.name or index, intent.value, is_huffman=intent.is_huffman)
        fields.append((intent.name or entry.name, intent.value))
        if intent.form == ADDED:
            table.add(*fields[-1])
    return Written(octets, fields)


def _index(intent: Intent, table: Table) -> int:
    if intent.is_dynamic and table.entries:
        return len(STATIC) + 1 + intent.pick % len(table.entries)
    return 1 + intent.pick % len(STATIC)


INTENTS = st.builds(
    Intent,
    form=st.sampled_from((INDEXED, INDEXED, ADDED, ADDED, PLAIN, NEVER)),
    is_dynamic=st.sampled_from((True, True, False)),
    pick=st.integers(0, 200),
    name=st.none() | st.sampled_from((b"traceparent", b"x-a", b"x-b", b"x-" + b"long" * 40)),
    value=st.binary(max_size=6) | st.text("0123456789abcdef-", max_size=60).map(str.encode) | st.just(b"v" * 300),
    is_huffman=st.booleans(),
)
SIZES = st.just([]) | st.lists(st.sampled_from((0, 64, 100, 200, 400, 4096, 20_000)), min_size=1, max_size=3)


@st.composite
def connections(draw: st.DrawFn) -> list[Written]:
    """Make the blocks of one direction; some with a table so small that it evicts all the time."""
    table = Table()
    blocks = [write([], draw(SIZES), table)]
    plans = draw(st.lists(st.tuples(st.lists(INTENTS, max_size=8), st.just([]) | st.just([]) | SIZES), max_size=10))
    return blocks + [write(intents, sizes, table) for intents, sizes in plans]
