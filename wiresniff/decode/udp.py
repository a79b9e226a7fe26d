"""UDP: ports in columns, and names for what is inside and can't be read."""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wiresniff.columns.gather import enough, gather, native
from wiresniff.columns.layout import unpacker
from wiresniff.decode import headers
from wiresniff.decode.cursor import Cursor, Next, Numbers, Stop
from wiresniff.decode.fragments import FragmentKey

Number: TypeAlias = int | NDArray[np.int64]
"""Of one datagram, or a column (k,) i8: what they say is said once, for both."""
Truth: TypeAlias = bool | NDArray[np.bool_]

UDP = unpacker(headers.UDP)
OPAQUE = unpacker(headers.OPAQUE)

OPAQUE_NAMES = ("udp", "wireguard", "quic", "esp")
"""Words for datagrams by what their first bytes say; numbers in columns are indexes of this."""
OTHER, WIREGUARD, QUIC, ESP = range(4)
TUNNEL_PORTS = (headers.PORT_VXLAN, headers.PORT_VXLAN_OF_LINUX, headers.PORT_GENEVE, headers.PORT_GRE)
"""Destination ports behind which a tunnel's header is looked for."""


class UdpColumns(NamedTuple):
    """What the UDP headers of some datagrams say, one row each."""

    source_port: NDArray[np.int64]
    destination_port: NDArray[np.int64]


def read_udp(raw: NDArray[np.uint8], at: NDArray[np.int64]) -> UdpColumns:
    """Read UDP headers (RFC 768); each has 8 captured bytes.   oracle: tests/oracles/decode.py.

    The length is not read: IP's says where the datagram ends, and offload leaves this one wrong.
    """
    header = gather(raw, at, headers.UDP)
    return UdpColumns(native(header["source_port"]), native(header["destination_port"]))


def name_opaque(
    raw: NDArray[np.uint8], at: NDArray[np.int64], captured_end: NDArray[np.int64], end: NDArray[np.int64],
    ports: UdpColumns,
) -> NDArray[np.int64]:  # fmt: skip
    """Tell by their first bytes what datagrams hold: (k,) indexes of OPAQUE_NAMES.

    raw                (bytes,) u1
    at                 (k,) i8  behind the UDP headers
    captured_end, end  (k,) i8  of what was captured, and of the datagram on the wire
    ->                 (k,) i8; oracle: `opaque_name`, and tests/oracles/decode.py
    """
    names = np.full(len(at), OTHER, dtype=np.int64)
    rows = np.flatnonzero(enough(at, np.minimum(captured_end, end), headers.OPAQUE.itemsize))
    header = gather(raw, at[rows], headers.OPAQUE)
    first, following = native(header["first"]), native(header["next"])
    source_port, destination_port = ports.source_port[rows], ports.destination_port[rows]
    names[rows[is_esp(first, following, source_port, destination_port)]] = ESP
    names[rows[is_quic(first, following, source_port, destination_port)]] = QUIC
    names[rows[is_wireguard(first, following, (end - at)[rows])]] = WIREGUARD
    return names


def is_wireguard(first: Number, following: Number, length: Number) -> Truth:
    """Say which datagrams are WireGuard's by type, reserved bytes and size."""
    is_sized = (first == headers.WIREGUARD_DATA) & (length >= headers.WIREGUARD_DATA_LEAST)
    is_sized = is_sized & (length % headers.WIREGUARD_DATA_UNIT == 0)
    for kind, size in headers.WIREGUARD_SIZES.items():
        is_sized = is_sized | ((first == kind) & (length == size))
    return is_sized & (following & headers.FIRST_WORD.mask == 0)


def is_quic(first: Number, following: Number, source_port: Number, destination_port: Number) -> Truth:
    """Say which datagrams are QUIC by version or, of those without one, by port 443."""
    is_long = (first & headers.QUIC_FORM.mask) != 0
    is_short = (first & headers.QUIC_FORM.mask) == 0
    is_known = is_short & ((source_port == headers.PORT_QUIC) | (destination_port == headers.PORT_QUIC))
    for mask, value in headers.QUIC_VERSIONS:
        is_known = is_known | (is_long & (following & mask == value))
    return is_known & ((first & headers.QUIC_FIXED.mask) != 0)


def is_esp(first: Number, following: Number, source_port: Number, destination_port: Number) -> Truth:
    """Say which datagrams are ESP behind UDP: an SPI where IKE has zeros (RFC 3948 2.2)."""
    is_at_port = (source_port == headers.PORT_ESP) | (destination_port == headers.PORT_ESP)
    return is_at_port & ((first != 0) | (following & headers.FIRST_WORD.mask != 0))


def peel_udp(cursor: Cursor) -> Next:
    """UDP (RFC 768); what it holds if not a tunnel."""
    source_port, destination_port, *_ = cursor.take(UDP)
    if destination_port in TUNNEL_PORTS:
        return Next(Numbers.UDP_PORT, destination_port)
    raise Stop("not_tcp_packets", opaque_name(cursor, source_port, destination_port))


def may_be_tunnel(cursor: Cursor, key: FragmentKey, offset: int) -> bool:
    """Say whether a fragment may be part of a tunnel's datagram: the first one has the port and speaks for the rest."""
    if offset:
        return not cursor.fragments.is_refused(key, cursor.now_ns)
    if cursor.at + UDP.size > min(cursor.captured_end, cursor.end):
        return True
    _, destination_port, *_ = cursor.peek(UDP)
    if destination_port in TUNNEL_PORTS:
        return True
    cursor.fragments.refuse(key, cursor.now_ns)
    return False


def opaque_name(cursor: Cursor, source_port: int, destination_port: int) -> str:
    """Tell what one datagram holds, as `name_opaque` does."""
    if cursor.at + OPAQUE.size > min(cursor.captured_end, cursor.end):
        return OPAQUE_NAMES[OTHER]
    first, following = cursor.peek(OPAQUE)
    if is_wireguard(first, following, cursor.end - cursor.at):
        return OPAQUE_NAMES[WIREGUARD]
    if is_quic(first, following, source_port, destination_port):
        return OPAQUE_NAMES[QUIC]
    return OPAQUE_NAMES[ESP if is_esp(first, following, source_port, destination_port) else OTHER]


def port_name(port: int) -> str:
    """Return the word for datagrams to a port whose tunnel's header is none."""
    del port
    return OPAQUE_NAMES[OTHER]
