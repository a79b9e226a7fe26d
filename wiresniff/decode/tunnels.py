"""Tunnels: VXLAN and GENEVE in columns, since on the nodes of an overlay they are nearly all traffic; all one by one.

What a tunnel is told by goes into the domain: the network identifier of VXLAN and GENEVE, whose ends are many; the two
ends where tunnels are between two, IP in IP and GRE, whose key may be missing.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from wiresniff.columns.gather import gather, native
from wiresniff.columns.layout import unpacker
from wiresniff.decode import headers
from wiresniff.decode.cursor import Cursor, Next, Numbers, Stop
from wiresniff.decode.domains import Kind
from wiresniff.decode.link import LinkColumns, read_ethernet

VXLAN = unpacker(headers.VXLAN)
GENEVE = unpacker(headers.GENEVE)
GRE = unpacker(headers.GRE)
GRE_FIELD = unpacker(headers.GRE_FIELD)
ERSPAN_2 = unpacker(headers.ERSPAN_2)
ERSPAN_3 = unpacker(headers.ERSPAN_3)
ERSPAN_3_MORE = unpacker(headers.ERSPAN_3_MORE)

# --- in columns ------------------------------------------------------------------------------------------------------


class TunnelColumns(NamedTuple):
    """What the headers of some tunnels say, one row each. Where `is_sound` is false the rest means nothing."""

    is_sound: NDArray[np.bool_]
    payload_at: NDArray[np.int64]
    ethertype: NDArray[np.int64]
    """What begins at `payload_at`."""
    network: NDArray[np.int64]

    def only(self, is_wanted: NDArray[np.bool_]) -> "TunnelColumns":
        """Return some of the rows."""
        return TunnelColumns(
            self.is_sound[is_wanted],
            self.payload_at[is_wanted],
            self.ethertype[is_wanted],
            self.network[is_wanted],
        )


def read_vxlan(raw: NDArray[np.uint8], at: NDArray[np.int64]) -> TunnelColumns:
    """Read VXLAN headers (RFC 7348 5); each has 8 captured bytes.   oracle: tests/oracles/decode.py."""
    header = gather(raw, at, headers.VXLAN)
    return TunnelColumns(
        (native(header["flags"]) & headers.VXLAN_HAS_NETWORK.mask) != 0,
        at + headers.VXLAN.itemsize,
        np.full(len(at), headers.ETHERTYPE_ETHERNET, dtype=np.int64),
        headers.NETWORK_ID.column(native(header["network"])),
    )


def read_geneve(raw: NDArray[np.uint8], at: NDArray[np.int64]) -> TunnelColumns:
    """Read GENEVE headers, their options skipped (RFC 8926 3.4); each has 8 captured bytes.   oracle: as above."""
    header = gather(raw, at, headers.GENEVE)
    version_and_length = native(header["version_and_length"])
    return TunnelColumns(
        headers.GENEVE_VERSION.column(version_and_length) == 0,
        at + headers.GENEVE.itemsize + headers.GENEVE_LENGTH.column(version_and_length) * headers.WORD,
        native(header["protocol"]),
        headers.NETWORK_ID.column(native(header["network"])),
    )


class Tunnel(NamedTuple):
    """How a tunnel over UDP begins."""

    kind: Kind
    size: int
    """Captured bytes that `read` needs."""
    read: Callable[[NDArray[np.uint8], NDArray[np.int64]], TunnelColumns]


TUNNELS: Final = {
    headers.PORT_VXLAN: Tunnel(Kind.VXLAN, headers.VXLAN.itemsize, read_vxlan),
    headers.PORT_VXLAN_OF_LINUX: Tunnel(Kind.VXLAN, headers.VXLAN.itemsize, read_vxlan),
    headers.PORT_GENEVE: Tunnel(Kind.GENEVE, headers.GENEVE.itemsize, read_geneve),
}
"""Destination port -> the tunnel that is read in columns."""


def is_enterable(tunnel: TunnelColumns, captured_end: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say in which tunnels the inner packet can be read, its Ethernet header, if it has one, being whole: (k,)."""
    needs = np.where(tunnel.ethertype == headers.ETHERTYPE_ETHERNET, headers.ETHERNET.itemsize, 0)
    return tunnel.is_sound & (tunnel.payload_at + needs <= np.minimum(captured_end, end))


def read_inner(raw: NDArray[np.uint8], tunnel: TunnelColumns, domain: NDArray[np.uint32]) -> LinkColumns:
    """Read the Ethernet headers within tunnels, where there are any; the packets are enterable.

    raw     (bytes,) u1
    tunnel  (k,) columns
    domain  (k,) u4  of the inner packets
    ->      (k,) columns
    """
    is_bridged = tunnel.ethertype == headers.ETHERTYPE_ETHERNET
    if is_bridged.all():
        return read_ethernet(raw, tunnel.payload_at)._replace(domain=domain)
    rows = np.flatnonzero(is_bridged)
    frame = read_ethernet(raw, tunnel.payload_at[rows])
    network_at, ethertype = tunnel.payload_at.copy(), tunnel.ethertype.copy()
    network_at[rows] = frame.network_at
    ethertype[rows] = frame.ethertype
    return LinkColumns(network_at, ethertype, domain)


# --- one by one ------------------------------------------------------------------------------------------------------


def enter(cursor: Cursor, kind: Kind, number: int, ends: bytes = b"") -> None:
    """Go into a tunnel: what follows is of another network."""
    cursor.domain = cursor.domains.in_tunnel(cursor.domain, kind, number, ends)
    cursor.is_tunnelled = True


def ends_of(cursor: Cursor) -> bytes:
    """Return the addresses of a tunnel's ends, the same in both directions."""
    return min(cursor.source, cursor.destination) + max(cursor.source, cursor.destination)


def not_a_tunnel(name: str) -> NoReturn:
    """Stop at a header that is none of a tunnel that we know."""
    raise Stop("not_tcp_packets", name)


def peel_vxlan(cursor: Cursor) -> Next:
    """VXLAN (RFC 7348 5)."""
    flags, _, network = cursor.take(VXLAN)
    if not headers.VXLAN_HAS_NETWORK.of(flags):
        not_a_tunnel("udp")
    enter(cursor, Kind.VXLAN, headers.NETWORK_ID.of(network))
    return Next(Numbers.ETHERTYPE, headers.ETHERTYPE_ETHERNET)


def peel_geneve(cursor: Cursor) -> Next:
    """GENEVE, its options skipped (RFC 8926 3.4)."""
    version_and_length, _, protocol, network = cursor.take(GENEVE)
    if headers.GENEVE_VERSION.of(version_and_length):
        not_a_tunnel("udp")
    cursor.skip(headers.GENEVE_LENGTH.of(version_and_length) * headers.WORD)
    enter(cursor, Kind.GENEVE, headers.NETWORK_ID.of(network))
    return Next(Numbers.ETHERTYPE, protocol)


def peel_gre(cursor: Cursor) -> Next:
    """GRE (RFC 2784 2.1) with checksum, key and sequence number (RFC 2890 2) or without."""
    flags, protocol = cursor.take(GRE)
    if headers.GRE_VERSION.of(flags) or headers.GRE_ROUTING.of(flags):
        not_a_tunnel("gre")
    kind, key = Kind.GRE, 0
    if headers.GRE_CHECKSUM.of(flags):
        cursor.take(GRE_FIELD)
    if headers.GRE_KEY.of(flags):
        (key,) = cursor.take(GRE_FIELD)
        kind = Kind.GRE_KEYED
    if headers.GRE_SEQUENCE.of(flags):
        cursor.take(GRE_FIELD)
    elif protocol == headers.GRE_ERSPAN_2:
        protocol = headers.ETHERTYPE_ETHERNET
    enter(cursor, kind, key, ends_of(cursor))
    return Next(Numbers.GRE_PROTOCOL, protocol)


def peel_erspan_2(cursor: Cursor) -> Next:
    """ERSPAN type II."""
    _, session, _ = cursor.take(ERSPAN_2)
    enter(cursor, Kind.ERSPAN, headers.ERSPAN_ID.of(session))
    return Next(Numbers.ETHERTYPE, headers.ETHERTYPE_ETHERNET)


def peel_erspan_3(cursor: Cursor) -> Next:
    """ERSPAN type III."""
    _, session, _, _, flags = cursor.take(ERSPAN_3)
    if headers.ERSPAN_3_HAS_MORE.of(flags):
        cursor.take(ERSPAN_3_MORE)
    enter(cursor, Kind.ERSPAN, headers.ERSPAN_ID.of(session))
    return Next(Numbers.ETHERTYPE, headers.ETHERTYPE_ETHERNET)


def peel_ipv4_in_ip(cursor: Cursor) -> Next:
    """IPv4 in IPv4 (RFC 2003) or in IPv6 (RFC 2473)."""
    enter(cursor, Kind.IP, 0, ends_of(cursor))
    return Next(Numbers.ETHERTYPE, headers.ETHERTYPE_IPV4)


def peel_ipv6_in_ip(cursor: Cursor) -> Next:
    """IPv6 in IPv4 (RFC 4213) or in IPv6 (RFC 2473)."""
    enter(cursor, Kind.IP, 0, ends_of(cursor))
    return Next(Numbers.ETHERTYPE, headers.ETHERTYPE_IPV6)
