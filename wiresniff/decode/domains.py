"""Which network an address belongs to: VLAN tags and tunnels as one number.

Equal addresses in different networks are different endpoints. A packet's domain is 0 untagged; its VLAN ids, 12 bits
each; or, in a tunnel, the keyed hash of what the tunnel is told by and of the domain around it. Hashes have their
highest bit set, so they differ from the domains of one or two VLAN tags. Nobody who doesn't know the key can aim at a
collision, and one by chance (2**-31 for a pair of tunnels) confuses only connections whose addresses and ports are all
equal as well. No table: decoders with one key agree without having seen the same packets.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wiresniff.decode import headers
from wiresniff.decode.endpoints import WORDS, multipliers, spread
from wiresniff.model import limits

TUNNELLED: Final = 0x8000_0000
DOMAIN_MASK: Final = 0xFFFF_FFFF
HASH_SHIFT = 33
"""Leaves 31 bits of 64."""
TUNNEL_WORDS = 11
"""What a tunnel is told by: the domain around it, its kind, its number, both its ends (4 words each)."""


class Kind(IntEnum):
    """What a tunnel is, as far as numbers of different kinds must not be mixed up."""

    VLAN = 1
    """Not a tunnel, but a tag within one."""
    VXLAN = 2
    GENEVE = 3
    GRE = 4
    GRE_KEYED = 5
    ERSPAN = 6
    IP = 7


def secret_of(key: int) -> NDArray[np.uint64]:
    """Expand a key into the numbers that make `fold`, behind those of the connection hash: (TUNNEL_WORDS + 1,) u8."""
    return multipliers(key, WORDS + 1 + TUNNEL_WORDS + 1)[WORDS + 1 :]


def fold(words: Iterable[NDArray[np.generic]], secret: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Hash what tunnels are told by to domains: words times secret numbers as in `endpoints.hash_endpoints`.

    words   up to TUNNEL_WORDS columns (k,) of 32-bit numbers, at least one; those left out are 0
    secret  (TUNNEL_WORDS + 1,) u8, of `secret_of`
    ->      (k,) u4, the highest bit set; oracle: tests/oracles/decode.py
    """
    total = sum(word.astype(np.uint64) * multiplier for word, multiplier in zip(words, secret[:-1], strict=False))
    return (spread(total + secret[-1]) >> np.uint64(HASH_SHIFT)).astype(np.uint32) | np.uint32(TUNNELLED)


class Domains:
    """Makes domains with one key."""

    def __init__(self, key: int) -> None:
        self._secret = secret_of(key)
        self._known: dict[tuple[int, int, int, bytes], int] = {}
        self.has_tunnels = False
        """A tunnel was entered since the beginning."""

    def in_columns(
        self, outer: NDArray[np.uint32], kind: Kind, number: NDArray[np.int64]
    ) -> NDArray[np.uint32]:  # fmt: skip
        """Return the domains of packets in tunnels of one kind.

        outer   (k,) u4  the domains around them
        number  (k,) i8  what the tunnels are numbered
        ->      (k,) u4
        """
        self.has_tunnels = True
        return fold((outer, np.full(len(outer), kind), number), self._secret)

    def in_tunnel(self, outer: int, kind: Kind, number: int, ends: bytes = b"") -> int:
        """Return the domain of a packet in a tunnel.

        ends  the addresses of its ends, the lower first, where the number alone does not tell it
        """
        self.has_tunnels = True
        key = (outer, kind, number, ends)
        domain = self._known.get(key)
        if domain is None:
            words = np.array([outer, kind, number, *np.frombuffer(ends, dtype=">u4").tolist()], dtype=np.uint64)
            domain = int(fold(words.reshape(-1, 1), self._secret)[0])
            if len(self._known) >= limits.TUNNELS:
                self._known.clear()  # a memory of results only
            self._known[key] = domain
        return domain

    def in_vlan(self, outer: int, vlan_id: int) -> int:
        """Return the domain of a packet behind a VLAN tag."""
        if outer & TUNNELLED:
            return self.in_tunnel(outer, Kind.VLAN, vlan_id)
        return (outer << headers.VLAN_ID_BITS | vlan_id) & DOMAIN_MASK
