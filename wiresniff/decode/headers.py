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
ETHERTYPE_ETHERNET = 0x6558
"""A whole Ethernet frame follows (transparent bridging, RFC 1701; GRE and GENEVE announce it so)."""
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
PROTOCOL_IPV4 = 4
PROTOCOL_TCP = 6
PROTOCOL_UDP = 17
PROTOCOL_IPV6 = 41
PROTOCOL_ROUTING = 43
PROTOCOL_FRAGMENT = 44
PROTOCOL_GRE = 47
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

# --- UDP (RFC 768) ---------------------------------------------------------------------------------------------------

UDP = layout(("source_port", ">u2"), ("destination_port", ">u2"), ("length", ">u2"), ("checksum", ">u2"))

# --- VXLAN (RFC 7348 5) ----------------------------------------------------------------------------------------------

VXLAN = layout(("flags", "u1"), ("reserved", "V3"), ("network", ">u4"))
VXLAN_HAS_NETWORK = Bits(0b0000_1000)
NETWORK_ID = Bits(0xFFFF_FF00)
"""The upper 24 bits: a network identifier (VNI) of VXLAN or GENEVE."""
PORT_VXLAN = 4789
PORT_VXLAN_OF_LINUX = 8472
"""The port from before the assignment, still the default of Linux, flannel and Cilium."""

# --- GENEVE (RFC 8926 3.4) -------------------------------------------------------------------------------------------

GENEVE = layout(("version_and_length", "u1"), ("flags", "u1"), ("protocol", ">u2"), ("network", ">u4"))
GENEVE_VERSION = Bits(0b1100_0000)
GENEVE_LENGTH = Bits(0b0011_1111)
"""Of the options, in words."""
PORT_GENEVE = 6081

# --- GRE (RFC 2784 2.1, RFC 2890 2) ----------------------------------------------------------------------------------

GRE = layout(("flags_and_version", ">u2"), ("protocol", ">u2"))
GRE_CHECKSUM = Bits(0b1000_0000_0000_0000)
GRE_ROUTING = Bits(0b0100_0000_0000_0000)
"""Of RFC 1701, long gone: what follows can't be found without it."""
GRE_KEY = Bits(0b0010_0000_0000_0000)
GRE_SEQUENCE = Bits(0b0001_0000_0000_0000)
PORT_GRE = 4754
"""GRE in UDP (RFC 8086 3)."""
GRE_VERSION = Bits(0b0000_0000_0000_0111)
GRE_FIELD = layout(("value", ">u4"))
"""Checksum, key and sequence number take a word each, if there."""

# --- ERSPAN (draft-foschiano-erspan-03 4; type I is GRE without a sequence number, and has no header) ----------------

ERSPAN_2 = layout(("version_and_vlan", ">u2"), ("session", ">u2"), ("index", ">u4"))
ERSPAN_3 = layout(
    ("version_and_vlan", ">u2"), ("session", ">u2"), ("timestamp", ">u4"), ("group", ">u2"), ("flags", ">u2")
)  # fmt: skip
ERSPAN_ID = Bits(0b0000_0011_1111_1111)
ERSPAN_3_HAS_MORE = Bits(0b0000_0000_0000_0001)
ERSPAN_3_MORE = layout(("platform", "V8"))
GRE_ERSPAN_2 = 0x88BE
GRE_ERSPAN_3 = 0x22EB

# --- what UDP carries that nobody can read: the first bytes ----------------------------------------------------------

OPAQUE = layout(("first", "u1"), ("next", ">u4"))
"""WireGuard (https://www.wireguard.com/protocol): a type and three zeros. QUIC (RFC 8999 5.1): form bits and a version.
ESP in UDP (RFC 3948 2.1): an SPI, not 0."""
FIRST_WORD = Bits(0xFFFF_FF00)
"""What of `next` belongs to the first 32 bits: WireGuard's zeros, the rest of an SPI."""
WIREGUARD_SIZES = {1: 148, 2: 92, 3: 64}
"""Type -> bytes: initiation, response, cookie."""
WIREGUARD_DATA = 4
WIREGUARD_DATA_LEAST = 32
WIREGUARD_DATA_UNIT = 16
QUIC_FORM = Bits(0b1000_0000)
QUIC_FIXED = Bits(0b0100_0000)
QUIC_VERSIONS = (
    (0xFFFF_FFFF, 0x0000_0001),
    (0xFFFF_FFFF, 0x6B33_43CF),
    (0xFFFF_FF00, 0xFF00_0000),
    (0xFFFF_0000, 0x5130_0000),
)
"""(mask, value): QUIC 1 (RFC 9000), 2 (RFC 9369), drafts, Google's own."""
PORT_QUIC = 443
"""Where packets with a short header, which have no version, are believed to be QUIC."""
PORT_ESP = 4500
