"""One packet at a time: everything the columns don't take, exactly, with a reason for whatever is not TCP.

A packet is a cursor over its headers (`cursor`). Each header has a function that reads it, moves the cursor behind it
and says what follows: a number in one of the tables below. A new encapsulation is a row and a function; an inner packet
is one more turn of the same loop, so tunnels need nothing else.
"""

from wiresniff.columns.layout import unpacker
from wiresniff.decode import headers, names, tunnels, udp
from wiresniff.decode.cursor import Cursor, Found, Next, Numbers, Stop, Table, bad_header
from wiresniff.decode.fragments import Fragment, FragmentKey
from wiresniff.model import limits
from wiresniff.model.anomalies import Anomaly

ETHERNET = unpacker(headers.ETHERNET)
VLAN_TAG = unpacker(headers.VLAN_TAG)
LLC = unpacker(headers.LLC)
SNAP = unpacker(headers.SNAP)
PPPOE = unpacker(headers.PPPOE)
MPLS = unpacker(headers.MPLS)
IP_VERSION = unpacker(headers.IP_VERSION)
IPV4 = unpacker(headers.IPV4)
IPV6 = unpacker(headers.IPV6)
EXTENSION = unpacker(headers.EXTENSION)
AUTHENTICATION = unpacker(headers.AUTHENTICATION)
IPV6_FRAGMENT = unpacker(headers.IPV6_FRAGMENT)

# --- below IP --------------------------------------------------------------------------------------------------------


def peel_tag(cursor: Cursor) -> Next:
    """VLAN tag (IEEE 802.1Q 9.3)."""
    control, ethertype = cursor.take(VLAN_TAG)
    cursor.domain = cursor.domains.in_vlan(cursor.domain, headers.VLAN_ID.of(control))
    if ethertype <= headers.LARGEST_LENGTH:
        ethertype = headers.ETHERTYPE_LLC
    return Next(Numbers.ETHERTYPE, ethertype)


def peel_ethernet(cursor: Cursor) -> Next:
    """Ethernet (IEEE 802.3 3.2) within another packet."""
    *_, ethertype = cursor.take(ETHERNET)
    return Next(Numbers.ETHERTYPE, ethertype if ethertype > headers.LARGEST_LENGTH else headers.ETHERTYPE_LLC)


def peel_llc(cursor: Cursor) -> Next:
    """LLC, and SNAP behind it (RFC 1042)."""
    if cursor.take(LLC) != headers.LLC_SNAP:
        raise Stop("not_ip_packets", names.ethertype_name(headers.ETHERTYPE_LLC))
    organization, ethertype = cursor.take(SNAP)
    if organization not in headers.SNAP_ETHERTYPE_ORGANIZATIONS:
        raise Stop("not_ip_packets", "snap")
    return Next(Numbers.ETHERTYPE, ethertype)


def peel_pppoe(cursor: Cursor) -> Next:
    """PPPoE session (RFC 2516) and the PPP protocol field."""
    *_, protocol = cursor.take(PPPOE)
    ethertype = headers.PPP_ETHERTYPES.get(protocol)
    if ethertype is None:
        raise Stop("not_ip_packets", names.ethertype_name(headers.ETHERTYPE_PPPOE_SESSION))
    return Next(Numbers.ETHERTYPE, ethertype)


def peel_mpls(cursor: Cursor) -> Next:
    """Read one entry of an MPLS label stack (RFC 3032); behind the last one the IP version tells what follows.

    Labels are not part of the domain: they differ between the directions of a connection.
    """
    (entry,) = cursor.take(MPLS)
    if not headers.MPLS_BOTTOM.of(entry):
        return Next(Numbers.ETHERTYPE, headers.ETHERTYPE_MPLS)
    (version,) = cursor.peek(IP_VERSION)
    ethertype = headers.VERSION_ETHERTYPES.get(headers.VERSION.of(version))
    if ethertype is None:
        raise Stop("not_ip_packets", names.ethertype_name(headers.ETHERTYPE_MPLS))
    return Next(Numbers.ETHERTYPE, ethertype)


# --- IP --------------------------------------------------------------------------------------------------------------


def peel_ipv4(cursor: Cursor) -> Next:
    """IPv4 (RFC 791 3.1), its options skipped."""
    start = cursor.at
    version_and_ihl, _, total_length, identification, fragment, _, protocol, _, source, destination = cursor.take(IPV4)
    header_length = headers.IHL.of(version_and_ihl) * headers.WORD
    if headers.VERSION.of(version_and_ihl) != headers.VERSION_4 or header_length < IPV4.size:
        bad_header()
    cursor.ends_after(start, total_length)
    cursor.source = mapped(source)
    cursor.destination = mapped(destination)
    cursor.skip(header_length - IPV4.size)
    if not headers.IS_FRAGMENT.of(fragment):
        return Next(Numbers.IPV4_PROTOCOL, protocol)
    cursor.is_fragment = True
    follows = Next(Numbers.IPV4_PROTOCOL, protocol)
    if not is_followed(follows):
        return follows
    offset = headers.FRAGMENT_OFFSET.of(fragment) * headers.FRAGMENT_UNIT
    is_last = not headers.MORE_FRAGMENTS.of(fragment)
    return reassemble(cursor, follows, identification, offset, is_last=is_last)


def mapped(address: int) -> bytes:
    """Return an IPv4 address in 16 bytes."""
    return headers.IPV4_MAPPED + address.to_bytes(4)


def peel_ipv6(cursor: Cursor) -> Next:
    """IPv6 (RFC 8200 3)."""
    version_class_flow, payload_length, next_header, _, source, destination = cursor.take(IPV6)
    if headers.VERSION_OF_IPV6.of(version_class_flow) != headers.VERSION_6:
        bad_header()
    cursor.ends_after(cursor.at, payload_length)
    cursor.source = source
    cursor.destination = destination
    return Next(Numbers.IPV6_PROTOCOL, next_header)


def peel_extension(cursor: Cursor) -> Next:
    """Hop-by-hop, routing, destination options and others of that form (RFC 8200 4.2)."""
    next_header, length = cursor.take(EXTENSION)
    cursor.skip((length + 1) * headers.EXTENSION_UNIT - EXTENSION.size)
    return Next(Numbers.IPV6_PROTOCOL, next_header)


def peel_authentication_ipv4(cursor: Cursor) -> Next:
    """Skip an authentication header behind IPv4 (RFC 4302 2)."""
    return Next(Numbers.IPV4_PROTOCOL, skip_authentication(cursor))


def peel_authentication_ipv6(cursor: Cursor) -> Next:
    """Skip an authentication header behind IPv6 (RFC 4302 2)."""
    return Next(Numbers.IPV6_PROTOCOL, skip_authentication(cursor))


def skip_authentication(cursor: Cursor) -> int:
    """Skip an authentication header; return the number of what follows."""
    next_header, length = cursor.take(AUTHENTICATION)
    cursor.skip((length + headers.AUTHENTICATION_UNCOUNTED) * headers.WORD - AUTHENTICATION.size)
    return int(next_header)


def peel_fragment(cursor: Cursor) -> Next:
    """IPv6 fragment header (RFC 8200 4.5)."""
    next_header, _, offset_and_more, identification = cursor.take(IPV6_FRAGMENT)
    cursor.is_fragment = True
    offset = headers.IPV6_FRAGMENT_OFFSET.of(offset_and_more) * headers.FRAGMENT_UNIT
    is_last = not headers.IPV6_MORE_FRAGMENTS.of(offset_and_more)
    follows = Next(Numbers.IPV6_PROTOCOL, next_header)
    if (offset == 0 and is_last) or not is_followed(follows):
        return follows  # the only fragment of its datagram (RFC 6946), or one of no interest
    return reassemble(cursor, follows, identification, offset, is_last=is_last)


def is_followed(follows: Next) -> bool:
    """Say whether TCP may come behind a protocol: other fragments need not be kept."""
    return follows.number == headers.PROTOCOL_TCP or follows.number in TABLES[follows.numbers].peelers


def reassemble(cursor: Cursor, follows: Next, identification: int, offset: int, *, is_last: bool) -> Next:
    """Give the rest of the packet to the fragment table; go on in the datagram once it is whole."""
    captured_end = max(min(cursor.captured_end, cursor.end), cursor.at)
    fragment = Fragment(offset, offset + cursor.end - cursor.at, cursor.buffer[cursor.at : captured_end])
    protocol = follows.number if follows.numbers is Numbers.IPV4_PROTOCOL else -1
    key = FragmentKey(
        cursor.source, cursor.destination, protocol, identification, cursor.domain, cursor.interface
    )  # fmt: skip
    if follows.number == headers.PROTOCOL_UDP and not udp.may_be_tunnel(cursor, key, offset):
        raise Stop("not_tcp_packets", udp.OPAQUE_NAMES[udp.OTHER])
    whole = cursor.fragments.add(key, fragment, follows.number, cursor.now_ns, is_last=is_last)
    if whole is None:
        raise Stop
    cursor.buffer = cursor.reassembled = whole.payload
    cursor.at = 0
    cursor.captured_end = len(whole.payload)
    cursor.end = whole.length
    return Next(follows.numbers, whole.protocol)


# --- what follows what -----------------------------------------------------------------------------------------------

ETHERTYPES = Table(
    {
        **dict.fromkeys(headers.TAGS, peel_tag),
        headers.ETHERTYPE_LLC: peel_llc,
        headers.ETHERTYPE_ETHERNET: peel_ethernet,
        headers.ETHERTYPE_PPPOE_SESSION: peel_pppoe,
        headers.ETHERTYPE_MPLS: peel_mpls,
        headers.ETHERTYPE_MPLS_MULTICAST: peel_mpls,
        headers.ETHERTYPE_IPV4: peel_ipv4,
        headers.ETHERTYPE_IPV6: peel_ipv6,
    },
    "not_ip_packets",
    names.ethertype_name,
)
GRE_PROTOCOLS = Table(
    {
        **ETHERTYPES.peelers,
        headers.GRE_ERSPAN_2: tunnels.peel_erspan_2,
        headers.GRE_ERSPAN_3: tunnels.peel_erspan_3,
    },
    "not_ip_packets",
    names.ethertype_name,
)
TUNNELS = {
    headers.PROTOCOL_IPV4: tunnels.peel_ipv4_in_ip,
    headers.PROTOCOL_UDP: udp.peel_udp,
    headers.PROTOCOL_IPV6: tunnels.peel_ipv6_in_ip,
    headers.PROTOCOL_GRE: tunnels.peel_gre,
}
"""Protocol number -> what may hold another packet, the same in both versions of IP."""
IPV4_PROTOCOLS = Table(
    {**TUNNELS, headers.PROTOCOL_AUTHENTICATION: peel_authentication_ipv4},
    "not_tcp_packets",
    names.protocol_name,
)
IPV6_PROTOCOLS = Table(
    {
        **TUNNELS,
        headers.PROTOCOL_HOP_BY_HOP: peel_extension,
        headers.PROTOCOL_ROUTING: peel_extension,
        headers.PROTOCOL_DESTINATION: peel_extension,
        headers.PROTOCOL_MOBILITY: peel_extension,
        headers.PROTOCOL_HIP: peel_extension,
        headers.PROTOCOL_SHIM6: peel_extension,
        headers.PROTOCOL_AUTHENTICATION: peel_authentication_ipv6,
        headers.PROTOCOL_FRAGMENT: peel_fragment,
    },
    "not_tcp_packets",
    names.protocol_name,
)
UDP_PORTS = Table(
    {
        headers.PORT_VXLAN: tunnels.peel_vxlan,
        headers.PORT_VXLAN_OF_LINUX: tunnels.peel_vxlan,
        headers.PORT_GENEVE: tunnels.peel_geneve,
        headers.PORT_GRE: tunnels.peel_gre,
    },
    "not_tcp_packets",
    udp.port_name,
)
TABLES = {
    Numbers.ETHERTYPE: ETHERTYPES,
    Numbers.GRE_PROTOCOL: GRE_PROTOCOLS,
    Numbers.IPV4_PROTOCOL: IPV4_PROTOCOLS,
    Numbers.IPV6_PROTOCOL: IPV6_PROTOCOLS,
    Numbers.UDP_PORT: UDP_PORTS,
}
IP_PROTOCOLS = (Numbers.IPV4_PROTOCOL, Numbers.IPV6_PROTOCOL)


def find_tcp(cursor: Cursor, ethertype: int) -> Found:
    """Go from header to header until TCP is found.

    Raises Stop when there is none, or when the packet has to wait for its other fragments.
    """
    following = Next(Numbers.ETHERTYPE, ethertype)
    for _ in range(limits.HEADERS_PER_PACKET):
        numbers, number = following
        if number == headers.PROTOCOL_TCP and numbers in IP_PROTOCOLS:
            return Found(
                cursor.source, cursor.destination, cursor.domain, cursor.at, cursor.captured_end, cursor.end,
                cursor.reassembled,
            )  # fmt: skip
        table = TABLES[numbers]
        peel = table.peelers.get(number)
        if peel is None:
            raise Stop(table.counted_as, table.name(number))
        following = peel(cursor)
    raise Stop(anomaly=Anomaly.BAD_HEADER)
