"""Decode header blocks of gRPC calls with our decoder and with the `hpack` library, and print the ratio.

    python tests/bench/header_blocks.py

Every block has 11 fields, of which the traceparent (and where it says so the path) is new each time. The two decoders
take turns, and the best round of each counts.
"""

import random
import time
from collections.abc import Callable

import hpack

from wiresniff.protocols.hpack import Decoder

BLOCKS = 5000
ROUNDS = 7
CONSTANT = (
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/shop.catalog.Catalog/GetItem"),
    (":authority", "catalog.default.svc:50051"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
    ("user-agent", "grpc-python/1.85.1 grpc-c/58.0.0 (linux; chttp2)"),
    ("grpc-accept-encoding", "identity, deflate, gzip"),
    ("accept-encoding", "identity"),
    ("grpc-timeout", "30S"),
)


def traceparent(source: random.Random) -> str:
    """Return a value that no other block has."""
    return f"00-{source.getrandbits(128):032x}-{source.getrandbits(64):016x}-01"


def added(*, huffman: bool) -> list[bytes]:
    """As nghttp2, Go and Netty write: the value enters the table, its name is taken from the one before."""
    source, encoder = random.Random(1), hpack.Encoder()
    return [encoder.encode([*CONSTANT, ("traceparent", traceparent(source))], huffman=huffman) for _ in range(BLOCKS)]


def not_added() -> list[bytes]:
    """As grpcio writes: name and value as they are, each time."""
    source, encoder = random.Random(2), hpack.Encoder()
    name = b"\x00\x0btraceparent\x37"
    return [encoder.encode(CONSTANT, huffman=False) + name + traceparent(source).encode() for _ in range(BLOCKS)]


def two_literals() -> list[bytes]:
    """Write a path with an id in it, too, and Huffman strings."""
    source, encoder = random.Random(3), hpack.Encoder()
    fields = [*CONSTANT[:2], *CONSTANT[3:]]
    return [
        encoder.encode([*fields, (":path", f"/items/{source.getrandbits(32)}"), ("traceparent", traceparent(source))])
        for _ in range(BLOCKS)
    ]


KINDS: dict[str, Callable[[], list[bytes]]] = {
    "plain, not added (grpcio)": not_added,
    "plain, added": lambda: added(huffman=False),
    "Huffman, added (nghttp2, Go)": lambda: added(huffman=True),
    "Huffman, two added": two_literals,
}


def seconds(decode: Callable[[bytes], object], blocks: list[bytes]) -> float:
    """Return how long it takes to decode them all."""
    began = time.process_time()
    for block in blocks:
        decode(block)
    return time.process_time() - began


def joined_late(blocks: list[bytes]) -> Decoder:
    """Return a decoder that missed the beginning, and has been told which name the traceparents have."""
    decoder = Decoder(is_complete=False)
    for entry in decoder.decode(blocks[0]).unresolved:
        if entry.value is not None:
            decoder.learn_name(entry.epoch, entry.position, b"traceparent")
    return decoder


def main() -> None:
    """Print one line per kind of block."""
    print(f"{'microseconds a block':32}{'ours':>8}{'late':>8}{'hpack':>8}{'ratio':>8}")
    for kind, blocks_of in KINDS.items():
        blocks = blocks_of()
        late = blocks[1:]
        rounds = [
            (
                seconds(Decoder(is_complete=True).decode, blocks) / len(blocks),
                seconds(joined_late(late).decode, late) / len(late),
                seconds(hpack.Decoder().decode, blocks) / len(blocks),
            )
            for _ in range(ROUNDS)
        ]
        ours, ours_late, theirs = (min(column) * 1e6 for column in zip(*rounds, strict=True))
        print(f"{kind:32}{ours:8.2f}{ours_late:8.2f}{theirs:8.2f}{theirs / ours:8.1f}")


if __name__ == "__main__":
    main()
