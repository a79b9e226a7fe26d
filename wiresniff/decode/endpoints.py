"""The undirected key of a connection, which end sent, and a keyed hash of the key."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wiresniff.decode import headers
from wiresniff.model.segments import ENDPOINTS

WORDS = ENDPOINTS.itemsize // 4
"""The key as 32-bit words: 4 low address, 4 high address, both ports in one, domain."""
LOW_ADDRESS, HIGH_ADDRESS, PORTS, DOMAIN = 3, 7, 8, 9
"""Words: the last of each address (all of an IPv4 address), the ports, the domain."""
PREFIX = int.from_bytes(headers.IPV4_MAPPED[-4:])
"""The one word before an IPv4 address in 16 bytes that is not 0."""

IPV4_KEY = np.dtype(
    {
        "names": ["low_prefix", "low", "high_prefix", "high", "low_port", "high_port", "domain"],
        "formats": [">u4", ">u4", ">u4", ">u4", ">u2", ">u2", ">u4"],
        "offsets": [
            (LOW_ADDRESS - 1) * 4, LOW_ADDRESS * 4, (HIGH_ADDRESS - 1) * 4, HIGH_ADDRESS * 4,
            PORTS * 4, PORTS * 4 + 2, DOMAIN * 4,
        ],
        "itemsize": ENDPOINTS.itemsize,
    }
)  # fmt: skip
"""ENDPOINTS, seen as IPv4-mapped addresses."""

PORT_BITS = 16
WORD_MASK = 0xFFFF_FFFF
HASH_MASK = 0xFFFF_FFFF_FFFF_FFFF
FINAL_MULTIPLIER = 0xBF58_476D_1CE4_E5B9
"""An odd number with well mixed bits, from the same source as those of `multipliers`."""


class End(NamedTuple):
    """One end of each segment, as sent: (k,) each."""

    address: NDArray[np.generic]
    port: NDArray[np.int64]


class PairedColumns(NamedTuple):
    """The two ends of each segment's connection, one row each."""

    endpoints: NDArray[np.void]
    """(k,) ENDPOINTS"""
    from_high: NDArray[np.bool_]
    connection_hash: NDArray[np.uint64]


def multipliers(key: int, count: int = WORDS + 1) -> NDArray[np.uint64]:
    """Expand a 64-bit key into one multiplier a word and a last one to add: (count,) u8.

    The expansion is splitmix64 (Steele, Lea and Flood: Fast Splittable Pseudorandom Number Generators, 2014).
    """
    numbers = []
    state = key & HASH_MASK
    for _ in range(count):
        state = (state + 0x9E37_79B9_7F4A_7C15) & HASH_MASK
        mixed = ((state ^ (state >> 30)) * 0xBF58_476D_1CE4_E5B9) & HASH_MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB) & HASH_MASK
        numbers.append(mixed ^ (mixed >> 31))
    return np.array(numbers, dtype=np.uint64)


def spread(total: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread a sum of products over all 64 bits, in place: one to one, so it makes no collision.

    total  (k,) u8
    """
    total ^= total >> np.uint64(32)
    total *= np.uint64(FINAL_MULTIPLIER)
    total ^= total >> np.uint64(29)
    return total


def hash_endpoints(endpoints: NDArray[np.void], secret: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hash keys: the sum of each 32-bit word times a secret 64-bit number of its own, modulo 2**64.

    endpoints  (k,) ENDPOINTS
    secret     (WORDS + 1,) u8, of `multipliers`
    ->         (k,) u8

    Two keys that somebody chose without knowing the secret collide with a probability below 2**-32: the words differ by
    less than 2**32, so at most 2**32 of the 2**64 values of a multiplier make the difference vanish (multiply-shift
    hashing; Dietzfelbinger et al., 1997).
    """
    words = np.ascontiguousarray(endpoints).view(">u4").reshape(-1, WORDS).astype(np.uint64)
    return spread((words * secret[:-1]).sum(axis=1, dtype=np.uint64) + secret[-1])


def pair_ipv4(source: End, destination: End, domain: NDArray[np.uint32], secret: NDArray[np.uint64]) -> PairedColumns:
    """Order the ends of IPv4 segments by (address, port).

    source, destination  (k,) addresses u4, ports i8
    domain               (k,) u4
    secret               (WORDS + 1,) u8, of `multipliers`
    ->                   (k,) columns; oracle: tests/oracles/decode.py

    Address and port make one 48-bit number, so ordering is one comparison; the hash is `hash_endpoints` without the
    words that are the same in every row, measured 20 times quicker.
    """
    source_end = source.address.astype(np.int64) << PORT_BITS | source.port
    destination_end = destination.address.astype(np.int64) << PORT_BITS | destination.port
    low = np.minimum(source_end, destination_end)
    high = np.maximum(source_end, destination_end)
    low_address = low >> PORT_BITS
    high_address = high >> PORT_BITS
    low_port = low & 0xFFFF
    high_port = high & 0xFFFF

    endpoints = np.zeros(len(source.port), dtype=ENDPOINTS)
    key = endpoints.view(IPV4_KEY)
    key["low_prefix"] = PREFIX
    key["low"] = low_address
    key["high_prefix"] = PREFIX
    key["high"] = high_address
    key["low_port"] = low_port
    key["high_port"] = high_port
    key["domain"] = domain

    total = low_address.view(np.uint64) * secret[LOW_ADDRESS]
    total += high_address.view(np.uint64) * secret[HIGH_ADDRESS]
    total += (low_port << PORT_BITS | high_port).view(np.uint64) * secret[PORTS]
    if domain.any():
        total += domain.astype(np.uint64) * secret[DOMAIN]
    constant = PREFIX * (int(secret[LOW_ADDRESS - 1]) + int(secret[HIGH_ADDRESS - 1])) + int(secret[-1])
    total += np.uint64(constant & HASH_MASK)
    return PairedColumns(endpoints, source_end > destination_end, spread(total))


def pair_ipv6(source: End, destination: End, domain: NDArray[np.uint32], secret: NDArray[np.uint64]) -> PairedColumns:
    """Order the ends of segments with addresses of 16 bytes. Arguments as in `pair_ipv4`, addresses V16."""
    source_upper, source_lower = halves(source.address)
    destination_upper, destination_lower = halves(destination.address)
    is_port_higher = source.port > destination.port
    is_lower_higher = (source_lower > destination_lower) | ((source_lower == destination_lower) & is_port_higher)
    from_high = (source_upper > destination_upper) | ((source_upper == destination_upper) & is_lower_higher)

    endpoints = np.zeros(len(source.port), dtype=ENDPOINTS)
    endpoints["low_address"] = source.address
    endpoints["high_address"] = destination.address
    np.copyto(endpoints["low_address"], destination.address, where=from_high)
    np.copyto(endpoints["high_address"], source.address, where=from_high)
    endpoints["low_port"] = np.where(from_high, destination.port, source.port)
    endpoints["high_port"] = np.where(from_high, source.port, destination.port)
    endpoints["domain"] = domain
    return PairedColumns(endpoints, from_high, hash_endpoints(endpoints, secret))


def halves(address: NDArray[np.generic]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the upper and lower 64 bits of addresses of 16 bytes, for comparison: (k,) u8 each."""
    pairs = np.ascontiguousarray(address).view(">u8").reshape(-1, 2).astype(np.uint64)
    return pairs[:, 0], pairs[:, 1]
