"""Words for what holds no TCP, so that a report can say what else was on the wire."""

from collections.abc import MutableMapping

from wiresniff.model import limits

ETHERTYPES = {
    0x0000: "unknown-family",
    0x0004: "llc",
    0x0806: "arp",
    0x0842: "wake-on-lan",
    0x22F0: "avtp",
    0x6003: "decnet",
    0x8035: "rarp",
    0x809B: "appletalk",
    0x8137: "ipx",
    0x8809: "lacp",
    0x8847: "mpls",
    0x8848: "mpls",
    0x8863: "pppoe-discovery",
    0x8864: "pppoe",
    0x888E: "eapol",
    0x8892: "profinet",
    0x88A4: "ethercat",
    0x88B8: "goose",
    0x88CC: "lldp",
    0x88E5: "macsec",
    0x88E7: "provider-backbone",
    0x88F7: "ptp",
    0x8902: "cfm",
    0x8906: "fcoe",
    0x894F: "nsh",
    0x9000: "loopback-test",
}
"""IEEE 802 numbers (https://www.iana.org/assignments/ieee-802-numbers); 0 and 4 as in `headers`."""

PROTOCOLS = {
    0: "hop-by-hop",
    1: "icmp",
    2: "igmp",
    4: "ipip",
    6: "tcp",
    8: "egp",
    17: "udp",
    33: "dccp",
    41: "ipv6-in-ip",
    43: "ipv6-routing",
    44: "ipv6-fragment",
    46: "rsvp",
    47: "gre",
    50: "esp",
    51: "ah",
    58: "icmpv6",
    59: "no-next-header",
    60: "ipv6-destination",
    88: "eigrp",
    89: "ospf",
    97: "etherip",
    103: "pim",
    108: "ipcomp",
    112: "vrrp",
    115: "l2tp",
    132: "sctp",
    135: "mobility",
    136: "udplite",
    137: "mpls-in-ip",
    139: "hip",
    140: "shim6",
}
"""Assigned internet protocol numbers (https://www.iana.org/assignments/protocol-numbers)."""

LINK_TYPES = {
    3: "AX25",
    6: "IEEE802_5",
    7: "ARCNET_BSD",
    8: "SLIP",
    9: "PPP",
    10: "FDDI",
    50: "PPP_HDLC",
    51: "PPP_ETHER",
    100: "ATM_RFC1483",
    104: "C_HDLC",
    105: "IEEE802_11",
    107: "FRELAY",
    114: "LTALK",
    117: "PFLOG",
    119: "IEEE802_11_PRISM",
    122: "IP_OVER_FC",
    123: "SUNATM",
    127: "IEEE802_11_RADIOTAP",
    129: "ARCNET_LINUX",
    138: "APPLE_IP_OVER_IEEE1394",
    140: "MTP2",
    141: "MTP3",
    142: "SCCP",
    143: "DOCSIS",
    144: "LINUX_IRDA",
    **{147 + number: f"USER{number}" for number in range(16)},
    163: "IEEE802_11_AVS",
    165: "BACNET_MS_TP",
    166: "PPP_PPPD",
    177: "LINUX_LAPD",
    187: "BLUETOOTH_HCI_H4",
    189: "USB_LINUX",
    192: "PPI",
    195: "IEEE802_15_4_WITHFCS",
    197: "ERF",
    201: "BLUETOOTH_HCI_H4_WITH_PHDR",
    204: "PPP_WITH_DIR",
    209: "IPMB_LINUX",
    215: "IEEE802_15_4_NONASK_PHY",
    220: "USB_LINUX_MMAPPED",
    226: "IPNET",
    227: "CAN_SOCKETCAN",
    230: "IEEE802_15_4_NOFCS",
    231: "DBUS",
    239: "NFLOG",
    240: "NETANALYZER",
    242: "IPOIB",
    243: "MPEG_2_TS",
    247: "INFINIBAND",
    248: "SCTP",
    249: "USBPCAP",
    251: "BLUETOOTH_LE_LL",
    252: "WIRESHARK_UPPER_PDU",
    253: "NETLINK",
    254: "BLUETOOTH_LINUX_MONITOR",
    258: "PKTAP",
    259: "EPON",
    264: "ISO_14443",
    271: "VSOCK",
    272: "NORDIC_BLE",
    278: "OPENVIZSLA",
}
"""Link types that are not decoded (https://www.tcpdump.org/linktypes.html), without their LINKTYPE_."""


def ethertype_name(ethertype: int) -> str:
    """Return the word for what an ethertype announces."""
    return ETHERTYPES.get(ethertype, f"ethertype-0x{ethertype:04x}")


def protocol_name(protocol: int) -> str:
    """Return the word for an IP protocol number."""
    return PROTOCOLS.get(protocol, f"ip-protocol-{protocol}")


def link_type_name(link_type: int) -> str:
    """Return the word for a link type that is not decoded, number and name as the tcpdump group lists them."""
    name = LINK_TYPES.get(link_type)
    return f"link-type-{link_type}" if name is None else f"link-type-{link_type} ({name})"


def count_name(counter: MutableMapping[str, int], name: str, packets: int = 1) -> None:
    """Count packets under a name; `other` once there are `limits.PROTOCOL_NAMES`."""
    if name not in counter and len(counter) >= limits.PROTOCOL_NAMES:
        name = "other"
    counter[name] = counter.get(name, 0) + packets
