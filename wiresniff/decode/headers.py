"""The table of wire headers: each as a layout in wire order under its section, beside it the numbers it is told by.

Every offset and every bit that the kernels and the scalar path read comes from here.
"""

from wiresniff.columns.layout import Bits, layout

# --- link types (LINKTYPE_ values of the tcpdump group: https://www.tcpdump.org/linktypes.html) ----------------------

LINK_NULL = 0
LINK_ETHERNET = 1
LINK_RAW_BSD = 12
LINK_RAW_OPENBSD = 14
LINK_RAW = 101
LINK_LOOP = 108
LINK_SLL = 113
LINK_IPV4 = 228
LINK_IPV6 = 229
LINK_SLL2 = 276

# --- Ethernet II (IEEE 802.3 3.2) ------------------------------------------------------------------------------------

ETHERNET = layout(("destination", "V6"), ("source", "V6"), ("ethertype", ">u2"))

LARGEST_LENGTH = 1500
"""In the place of the ethertype: up to here a length, and an LLC header follows (IEEE 802.3 3.2.6)."""
ETHERTYPE_UNREAD = -1
"""No ethertype: the link header was cut off or its type is unknown."""
ETHERTYPE_NONE = 0
"""No ethertype: the link header names a family that is not IP."""
ETHERTYPE_LLC = 0x0004
"""An LLC header follows (Linux, ETH_P_802_2; it stands so in cooked headers, and here for every length)."""
ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_IPV6 = 0x86DD
ETHERTYPE_MPLS = 0x8847
ETHERTYPE_MPLS_MULTICAST = 0x8848
ETHERTYPE_PPPOE_SESSION = 0x8864

# --- VLAN tags (IEEE 802.1Q 9.3; 802.1ad for the outer one) ----------------------------------------------------------

VLAN_TAG = layout(("control", ">u2"), ("ethertype", ">u2"))
VLAN_ID = Bits(0b0000_1111_1111_1111)
VLAN_ID_BITS = 12
ETHERTYPE_VLAN = 0x8100
ETHERTYPE_PROVIDER_VLAN = 0x88A8
ETHERTYPE_OLD_PROVIDER_VLAN = 0x9100
TAGS = (ETHERTYPE_VLAN, ETHERTYPE_PROVIDER_VLAN, ETHERTYPE_OLD_PROVIDER_VLAN)

# --- LLC and SNAP (IEEE 802.2 3.2; IEEE 802 10.3; RFC 1042) ----------------------------------------------------------

LLC = layout(("destination_sap", "u1"), ("source_sap", "u1"), ("control", "u1"))
LLC_SNAP = (0xAA, 0xAA, 0x03)
SNAP = layout(("organization", "V3"), ("ethertype", ">u2"))
SNAP_ETHERTYPE_ORGANIZATIONS = (b"\x00\x00\x00", b"\x00\x00\xf8")
"""Those whose protocol numbers are ethertypes: RFC 1042, and the bridge-tunnel encapsulation of IEEE 802.1H."""

# --- Linux cooked capture (https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html, ..._SLL2.html) -----------------

SLL = layout(
    ("packet_type", ">u2"), ("hardware_type", ">u2"), ("address_length", ">u2"), ("address", "V8"), ("ethertype", ">u2")
)  # fmt: skip
SLL2 = layout(
    ("ethertype", ">u2"), ("reserved", ">u2"), ("interface", ">u4"), ("hardware_type", ">u2"), ("packet_type", "u1"),
    ("address_length", "u1"), ("address", "V8"),
)  # fmt: skip

# --- BSD loopback (https://www.tcpdump.org/linktypes.html, LINKTYPE_NULL and LINKTYPE_LOOP) --------------------------

LOOPBACK = layout(("family", ">u4"))
LARGEST_FAMILY = 0xFFFF
"""Families are small: a larger number is one written in the other byte order."""
FAMILIES_IPV4 = (2,)
FAMILIES_IPV6 = (10, 24, 28, 30)
"""AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, Darwin."""

# --- PPPoE session stage (RFC 2516 4, 6) and PPP (RFC 1661 2) --------------------------------------------------------

PPPOE = layout(
    ("version_and_type", "u1"), ("code", "u1"), ("session", ">u2"), ("length", ">u2"), ("protocol", ">u2")
)  # fmt: skip
PPP_ETHERTYPES = {0x0021: ETHERTYPE_IPV4, 0x0057: ETHERTYPE_IPV6}
"""PPP protocol number -> the ethertype of the same (RFC 1332 2.1, RFC 5072 2)."""

# --- MPLS label stack (RFC 3032 2.1) ---------------------------------------------------------------------------------

MPLS = layout(("entry", ">u4"))
MPLS_BOTTOM = Bits(0x0000_0100)

# --- IP version (RFC 791 3.1, RFC 8200 3) ----------------------------------------------------------------------------

IP_VERSION = layout(("version", "u1"))
VERSION = Bits(0b1111_0000)
VERSION_4 = 4
VERSION_6 = 6
VERSION_ETHERTYPES = {VERSION_4: ETHERTYPE_IPV4, VERSION_6: ETHERTYPE_IPV6}

# --- IPv4 (RFC 791 3.1) ----------------------------------------------------------------------------------------------

IPV4 = layout(
    ("version_and_ihl", "u1"), ("type_of_service", "u1"), ("total_length", ">u2"), ("identification", ">u2"),
    ("fragment", ">u2"), ("time_to_live", "u1"), ("protocol", "u1"), ("checksum", ">u2"), ("source", ">u4"),
    ("destination", ">u4"),
)  # fmt: skip
IHL = Bits(0b0000_1111)
VERSION_4_NO_OPTIONS = 0x45
"""Version 4 and a header of 5 words: the first byte of nearly every IPv4 packet."""
WORD = 4
"""Bytes per unit of IHL, of TCP's data offset and of AH's length."""
MORE_FRAGMENTS = Bits(0b0010_0000_0000_0000)
FRAGMENT_OFFSET = Bits(0b0001_1111_1111_1111)
IS_FRAGMENT = Bits(MORE_FRAGMENTS.mask | FRAGMENT_OFFSET.mask)
FRAGMENT_UNIT = 8
"""Bytes per unit of a fragment offset."""
IPV4_MAPPED = bytes(10) + b"\xff\xff"
"""Prefix of an IPv4 address in 16 bytes (RFC 4291 2.5.5.2)."""

# --- IPv6 and its extension headers (RFC 8200 3, 4; AH: RFC 4302 2) --------------------------------------------------

IPV6 = layout(
    ("version_class_flow", ">u4"), ("payload_length", ">u2"), ("next_header", "u1"), ("hop_limit", "u1"),
    ("source", "V16"), ("destination", "V16"),
)  # fmt: skip
VERSION_OF_IPV6 = Bits(0xF000_0000)
EXTENSION = layout(("next_header", "u1"), ("length", "u1"))
EXTENSION_UNIT = 8
"""Bytes per unit of an extension header's length, which does not count the first unit."""
AUTHENTICATION = layout(("next_header", "u1"), ("length", "u1"))
AUTHENTICATION_UNCOUNTED = 2
"""Words of AH that its length does not count."""
IPV6_FRAGMENT = layout(
    ("next_header", "u1"), ("reserved", "u1"), ("offset_and_more", ">u2"), ("identification", ">u4")
)  # fmt: skip
IPV6_FRAGMENT_OFFSET = Bits(0b1111_1111_1111_1000)
IPV6_MORE_FRAGMENTS = Bits(0b0000_0000_0000_0001)

# --- protocol numbers (https://www.iana.org/assignments/protocol-numbers) --------------------------------------------

PROTOCOL_HOP_BY_HOP = 0
PROTOCOL_TCP = 6
PROTOCOL_ROUTING = 43
PROTOCOL_FRAGMENT = 44
PROTOCOL_AUTHENTICATION = 51
PROTOCOL_DESTINATION = 60
PROTOCOL_MOBILITY = 135
PROTOCOL_HIP = 139
PROTOCOL_SHIM6 = 140
PROTOCOLS = 256

# --- TCP (RFC 9293 3.1) ----------------------------------------------------------------------------------------------

TCP = layout(
    ("source_port", ">u2"), ("destination_port", ">u2"), ("sequence", ">u4"), ("acknowledgement", ">u4"),
    ("data_offset", "u1"), ("flags", "u1"), ("window", ">u2"), ("checksum", ">u2"), ("urgent_pointer", ">u2"),
)  # fmt: skip
DATA_OFFSET = Bits(0b1111_0000)
