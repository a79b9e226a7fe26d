"""One packet at a time: everything the columns don't take, exactly, with a reason for whatever is not TCP.

A packet is a cursor over its headers. Each header has a function that reads it, moves the cursor behind it and says
what follows: a number in one of the tables below. A new encapsulation is a row and a function; an inner packet is one
more turn of the same loop, so tunnels need nothing else.
"""

from collections.abc import Callable, Mapping
from struct import Struct
from typing import Any, NamedTuple, NoReturn

from wiresniff.columns.layout import unpacker
from wiresniff.decode import headers, names
from wiresniff.decode.fragments import Fragment, FragmentKey, FragmentTable
from wiresniff.model import limits
from wiresniff.model.anomalies import Anomaly

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

DOMAIN_MASK = 0xFFFF_FFFF


class Stop(Exception):  # noqa: N818 - not an error: most packets that stop are in order
    """The packet holds no TCP segment that could be read; how it is counted."""

    def __init__(self, counted_as: str | None = None, name: str = "", anomaly: Anomaly | None = None) -> None:
        super().__init__(counted_as, name, anomaly)
        self.counted_as = counted_as
        """`not_ip_packets`, `not_tcp_packets`."""
        self.name = name
        """What it holds."""
        self.anomaly = anomaly


class Found(NamedTuple):
    """A TCP header at `at`."""

    source: bytes
    """16 bytes, IPv4 mapped."""
    destination: bytes
    domain: int
    at: int
    captured_end: int
    end: int
    """Where the datagram ends on the wire."""
    reassembled: bytes | None
    """The buffer that the positions refer to, when the datagram came in fragments; None for the block's."""


class Cursor:
    """Where in a packet the next header begins, and what the ones before it said."""

    __slots__ = (
        "at", "buffer", "captured_end", "destination", "domain", "end", "fragments", "interface", "is_fragment",
        "now_ns", "reassembled", "source",
    )  # fmt: skip

    def __init__(
        self, buffer: bytes, at: int, captured_end: int, wire_end: int, *, domain: int, interface: int, now_ns: int,
        fragments: FragmentTable,
    ) -> None:  # fmt: skip
        self.buffer = buffer
        self.at = at
        self.captured_end = captured_end
        self.end = wire_end
        """Where what is being read ends on the wire: the packet, then the datagram."""
        self.domain = domain
        self.interface = interface
        self.now_ns = now_ns
        self.fragments = fragments
        self.is_fragment = False
        self.reassembled: bytes | None = None
        self.source = b""
        self.destination = b""

    def take(self, header: Struct) -> tuple[Any, ...]:
        """Read the header at the cursor and move behind it."""
        at = self.at
        self.skip(header.size)
        return header.unpack_from(self.buffer, at)

    def peek(self, header: Struct) -> tuple[Any, ...]:
        """Read the header at the cursor and stay."""
        at = self.at
        fields = self.take(header)
        self.at = at
        return fields

    def skip(self, size: int) -> None:
        """Move the cursor over bytes that must be there; if not, what ends first is to blame."""
        at = self.at + size
        if at > min(self.captured_end, self.end):
            is_truncated = self.captured_end <= self.end
            raise Stop(anomaly=Anomaly.TRUNCATED_HEADERS if is_truncated else Anomaly.BAD_HEADER)
        self.at = at

    def ends_after(self, at: int, length: int) -> None:
        """Believe a length field as `ip.datagram_end` does: 0 says nothing."""
        if length:
            self.end = min(self.end, at + length)


class Next(NamedTuple):
    """What follows a header: a number in one of the tables."""

    table: "Table"
    number: int


class Table(NamedTuple):
    """Numbers of one kind and the functions that read what they announce."""

    peelers: "Mapping[int, Callable[[Cursor], Next]]"
    counted_as: str
    """What a packet with any other number is."""
    name: Callable[[int], str]


def bad_header() -> NoReturn:
    """Stop at a header that contradicts itself."""
    raise Stop(anomaly=Anomaly.BAD_HEADER)


# --- below IP --------------------------------------------------------------------------------------------------------


def peel_tag(cursor: Cursor) -> Next:
    """VLAN tag (IEEE 802.1Q 9.3)."""
    control, ethertype = cursor.take(VLAN_TAG)
    cursor.domain = (cursor.domain << headers.VLAN_ID_BITS | headers.VLAN_ID.of(control)) & DOMAIN_MASK
    if ethertype <= headers.LARGEST_LENGTH:
        ethertype = headers.ETHERTYPE_LLC
    return Next(ETHERTYPES, ethertype)


def peel_llc(cursor: Cursor) -> Next:
    """LLC, and SNAP behind it (RFC 1042)."""
    if cursor.take(LLC) != headers.LLC_SNAP:
        raise Stop("not_ip_packets", names.ethertype_name(headers.ETHERTYPE_LLC))
    organization, ethertype = cursor.take(SNAP)
    if organization not in headers.SNAP_ETHERTYPE_ORGANIZATIONS:
        raise Stop("not_ip_packets", "snap")
    return Next(ETHERTYPES, ethertype)


def peel_pppoe(cursor: Cursor) -> Next:
    """PPPoE session (RFC 2516) and the PPP protocol field."""
    *_, protocol = cursor.take(PPPOE)
    ethertype = headers.PPP_ETHERTYPES.get(protocol)
    if ethertype is None:
        raise Stop("not_ip_packets", names.ethertype_name(headers.ETHERTYPE_PPPOE_SESSION))
    return Next(ETHERTYPES, ethertype)


def peel_mpls(cursor: Cursor) -> Next:
    """Read one entry of an MPLS label stack (RFC 3032); behind the last one the IP version tells what follows.

    Labels are not part of the domain: they differ between the directions of a connection.
    """
    (entry,) = cursor.take(MPLS)
    if not headers.MPLS_BOTTOM.of(entry):
        return Next(ETHERTYPES, headers.ETHERTYPE_MPLS)
    (version,) = cursor.peek(IP_VERSION)
    ethertype = headers.VERSION_ETHERTYPES.get(headers.VERSION.of(version))
    if ethertype is None:
        raise Stop("not_ip_packets", names.ethertype_name(headers.ETHERTYPE_MPLS))
    return Next(ETHERTYPES, ethertype)


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
        return Next(IPV4_PROTOCOLS, protocol)
    cursor.is_fragment = True
    if not is_followed(IPV4_PROTOCOLS, protocol):
        return Next(IPV4_PROTOCOLS, protocol)
    offset = headers.FRAGMENT_OFFSET.of(fragment) * headers.FRAGMENT_UNIT
    is_last = not headers.MORE_FRAGMENTS.of(fragment)
    return reassemble(cursor, Next(IPV4_PROTOCOLS, protocol), identification, offset, is_last=is_last)


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
    return Next(IPV6_PROTOCOLS, next_header)


def peel_extension(cursor: Cursor) -> Next:
    """Hop-by-hop, routing, destination options and others of that form (RFC 8200 4.2)."""
    next_header, length = cursor.take(EXTENSION)
    cursor.skip((length + 1) * headers.EXTENSION_UNIT - EXTENSION.size)
    return Next(IPV6_PROTOCOLS, next_header)


def peel_authentication_ipv4(cursor: Cursor) -> Next:
    """Skip an authentication header behind IPv4 (RFC 4302 2)."""
    return Next(IPV4_PROTOCOLS, skip_authentication(cursor))


def peel_authentication_ipv6(cursor: Cursor) -> Next:
    """Skip an authentication header behind IPv6 (RFC 4302 2)."""
    return Next(IPV6_PROTOCOLS, skip_authentication(cursor))


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
    follows = Next(IPV6_PROTOCOLS, next_header)
    if (offset == 0 and is_last) or not is_followed(IPV6_PROTOCOLS, next_header):
        return follows  # the only fragment of its datagram (RFC 6946), or one of no interest
    return reassemble(cursor, follows, identification, offset, is_last=is_last)


def is_followed(table: Table, protocol: int) -> bool:
    """Say whether TCP may come behind a protocol: other fragments need not be kept."""
    return protocol == headers.PROTOCOL_TCP or protocol in table.peelers


def reassemble(cursor: Cursor, follows: Next, identification: int, offset: int, *, is_last: bool) -> Next:
    """Give the rest of the packet to the fragment table; go on in the datagram once it is whole."""
    captured_end = max(min(cursor.captured_end, cursor.end), cursor.at)
    fragment = Fragment(offset, offset + cursor.end - cursor.at, cursor.buffer[cursor.at : captured_end])
    key = FragmentKey(
        cursor.source, cursor.destination, follows.number if follows.table is IPV4_PROTOCOLS else -1, identification,
        cursor.domain, cursor.interface,
    )  # fmt: skip
    whole = cursor.fragments.add(key, fragment, follows.number, cursor.now_ns, is_last=is_last)
    if whole is None:
        raise Stop
    cursor.buffer = cursor.reassembled = whole.payload
    cursor.at = 0
    cursor.captured_end = len(whole.payload)
    cursor.end = whole.length
    return Next(follows.table, whole.protocol)


# --- what follows what -----------------------------------------------------------------------------------------------

ETHERTYPES = Table(
    {
        **dict.fromkeys(headers.TAGS, peel_tag),
        headers.ETHERTYPE_LLC: peel_llc,
        headers.ETHERTYPE_PPPOE_SESSION: peel_pppoe,
        headers.ETHERTYPE_MPLS: peel_mpls,
        headers.ETHERTYPE_MPLS_MULTICAST: peel_mpls,
        headers.ETHERTYPE_IPV4: peel_ipv4,
        headers.ETHERTYPE_IPV6: peel_ipv6,
    },
    "not_ip_packets",
    names.ethertype_name,
)
IPV4_PROTOCOLS = Table(
    {headers.PROTOCOL_AUTHENTICATION: peel_authentication_ipv4},
    "not_tcp_packets",
    names.protocol_name,
)
IPV6_PROTOCOLS = Table(
    {
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


def find_tcp(cursor: Cursor, ethertype: int) -> Found:
    """Go from header to header until TCP is found.

    Raises Stop when there is none, or when the packet has to wait for its other fragments.
    """
    following = Next(ETHERTYPES, ethertype)
    for _ in range(limits.HEADERS_PER_PACKET):
        table, number = following
        if number == headers.PROTOCOL_TCP and table is not ETHERTYPES:
            return Found(
                cursor.source, cursor.destination, cursor.domain, cursor.at, cursor.captured_end, cursor.end,
                cursor.reassembled,
            )  # fmt: skip
        peel = table.peelers.get(number)
        if peel is None:
            raise Stop(table.counted_as, table.name(number))
        following = peel(cursor)
    bad_header()
