"""Link headers in columns: where the network header begins and which one it is."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wiresniff.columns.gather import enough, gather, is_among, native
from wiresniff.decode import headers


class LinkColumns(NamedTuple):
    """What the link headers of some packets say, one row each; positions are those of the block."""

    network_at: NDArray[np.int64]
    ethertype: NDArray[np.int64]
    """What begins at `network_at`; ETHERTYPE_UNREAD where the link header could not be read."""
    domain: NDArray[np.uint32]
    """VLAN ids as one number, the outer before the inner; 0 untagged."""
    interface: NDArray[np.int64] | None = None
    """The interface that the header itself names; None when it names none."""


def unread(at: NDArray[np.int64], interface: NDArray[np.int64]) -> LinkColumns:
    """Return columns of packets whose link headers were not read: (k,) each, of their own."""
    ethertype = np.full(len(at), headers.ETHERTYPE_UNREAD, dtype=np.int64)
    return LinkColumns(at.copy(), ethertype, untagged(at), interface.copy())


def put(link: LinkColumns, rows: NDArray[np.int64], read: LinkColumns) -> None:
    """Write what was read of some rows into columns made by `unread`.

    link  (n,) columns
    rows  (k,) i8
    read  (k,) columns
    """
    link.network_at[rows] = read.network_at
    link.ethertype[rows] = read.ethertype
    link.domain[rows] = read.domain
    if link.interface is not None and read.interface is not None:
        link.interface[rows] = read.interface


def untagged(at: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return the domain of packets without VLAN tags: (k,) zeros."""
    return np.zeros(len(at), dtype=np.uint32)


def or_llc(ethertype: NDArray[np.int64]) -> NDArray[np.int64]:
    """Put LLC in place of lengths (IEEE 802.3 3.2.6): (k,) -> (k,), in place."""
    is_length = ethertype <= headers.LARGEST_LENGTH
    if is_length.any():
        ethertype[is_length] = headers.ETHERTYPE_LLC
    return ethertype


def read_ethernet(raw: NDArray[np.uint8], at: NDArray[np.int64]) -> LinkColumns:
    """Read Ethernet headers (IEEE 802.3 3.2); each has 14 captured bytes. Oracle: tests/oracles/decode.py."""
    ethertype = or_llc(native(gather(raw, at, headers.ETHERNET)["ethertype"]))
    return LinkColumns(at + headers.ETHERNET.itemsize, ethertype, untagged(at))


def read_sll(raw: NDArray[np.uint8], at: NDArray[np.int64]) -> LinkColumns:
    """Read Linux cooked headers; each has 16 captured bytes."""
    ethertype = native(gather(raw, at, headers.SLL)["ethertype"])
    return LinkColumns(at + headers.SLL.itemsize, ethertype, untagged(at))


def read_sll2(raw: NDArray[np.uint8], at: NDArray[np.int64]) -> LinkColumns:
    """Read Linux cooked headers of version 2, which name the interface; each has 20 captured bytes."""
    header = gather(raw, at, headers.SLL2)
    ethertype = native(header["ethertype"])
    return LinkColumns(at + headers.SLL2.itemsize, ethertype, untagged(at), native(header["interface"]))


def read_loopback(raw: NDArray[np.uint8], at: NDArray[np.int64]) -> LinkColumns:
    """Read BSD loopback headers, an address family in either byte order; each has 4 captured bytes."""
    family = native(gather(raw, at, headers.LOOPBACK)["family"])
    is_swapped = family > headers.LARGEST_FAMILY
    family[is_swapped] = family[is_swapped].astype(np.uint32).byteswap()
    ethertype = np.full(len(at), headers.ETHERTYPE_NONE, dtype=np.int64)
    ethertype[is_among(family, headers.FAMILIES_IPV4)] = headers.ETHERTYPE_IPV4
    ethertype[is_among(family, headers.FAMILIES_IPV6)] = headers.ETHERTYPE_IPV6
    return LinkColumns(at + headers.LOOPBACK.itemsize, ethertype, untagged(at))


def read_raw_ip(raw: NDArray[np.uint8], at: NDArray[np.int64]) -> LinkColumns:
    """Tell IPv4 and IPv6 apart by their version where there is no link header; each has 1 captured byte.

    Any other version is left to be called a bad IPv4 header.
    """
    version = headers.VERSION.column(native(gather(raw, at, headers.IP_VERSION)["version"]))
    ethertype = np.where(version == headers.VERSION_6, headers.ETHERTYPE_IPV6, headers.ETHERTYPE_IPV4)
    return LinkColumns(at, ethertype, untagged(at))


def read_ipv4_only(raw: NDArray[np.uint8], at: NDArray[np.int64]) -> LinkColumns:
    """Pass packets of a link type that carries nothing but IPv4."""
    del raw
    return LinkColumns(at, np.full(len(at), headers.ETHERTYPE_IPV4, dtype=np.int64), untagged(at))


def read_ipv6_only(raw: NDArray[np.uint8], at: NDArray[np.int64]) -> LinkColumns:
    """Pass packets of a link type that carries nothing but IPv6."""
    del raw
    return LinkColumns(at, np.full(len(at), headers.ETHERTYPE_IPV6, dtype=np.int64), untagged(at))


class Link(NamedTuple):
    """How packets of one link type begin."""

    size: int
    """Bytes of the link header that `read` needs."""
    read: Callable[[NDArray[np.uint8], NDArray[np.int64]], LinkColumns]


LINKS = {
    headers.LINK_NULL: Link(headers.LOOPBACK.itemsize, read_loopback),
    headers.LINK_ETHERNET: Link(headers.ETHERNET.itemsize, read_ethernet),
    headers.LINK_RAW_BSD: Link(headers.IP_VERSION.itemsize, read_raw_ip),
    headers.LINK_RAW_OPENBSD: Link(headers.IP_VERSION.itemsize, read_raw_ip),
    headers.LINK_RAW: Link(headers.IP_VERSION.itemsize, read_raw_ip),
    headers.LINK_LOOP: Link(headers.LOOPBACK.itemsize, read_loopback),
    headers.LINK_SLL: Link(headers.SLL.itemsize, read_sll),
    headers.LINK_IPV4: Link(0, read_ipv4_only),
    headers.LINK_IPV6: Link(0, read_ipv6_only),
    headers.LINK_SLL2: Link(headers.SLL2.itemsize, read_sll2),
}
"""Every link type that is decoded. Adding one is adding a row."""

TAGS_IN_COLUMNS = 2
"""VLAN tags read in columns (one, or two of a provider); more are left to the scalar path."""


def read_tags(raw: NDArray[np.uint8], link: LinkColumns, captured_end: NDArray[np.int64]) -> LinkColumns:
    """Read up to two VLAN tags (IEEE 802.1Q 9.3) where the ethertype announces one.

    raw           (bytes,) u1
    link          (k,) columns
    captured_end  (k,) i8
    ->            (k,) columns behind the tags; a row whose tag is cut off keeps the tag's ethertype
    """
    rows = np.flatnonzero(link.ethertype != headers.ETHERTYPE_IPV4)  # most blocks have few of these, if any
    for _ in range(TAGS_IN_COLUMNS):
        rows = tagged(link, rows, captured_end)
        if not len(rows):
            break
        network_at, ethertype, domain = link.network_at.copy(), link.ethertype.copy(), link.domain.copy()
        tag = gather(raw, network_at[rows], headers.VLAN_TAG)
        network_at[rows] += headers.VLAN_TAG.itemsize
        ethertype[rows] = or_llc(native(tag["ethertype"]))
        domain[rows] = (domain[rows] << headers.VLAN_ID_BITS) | headers.VLAN_ID.column(native(tag["control"]))
        link = link._replace(network_at=network_at, ethertype=ethertype, domain=domain)
    return link


def tagged(link: LinkColumns, rows: NDArray[np.int64], captured_end: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return those of the rows whose next header is a whole VLAN tag."""
    if not len(rows):
        return rows
    is_tagged = is_among(link.ethertype[rows], headers.TAGS)
    is_tagged &= enough(link.network_at[rows], captured_end[rows], headers.VLAN_TAG.itemsize)
    return rows[is_tagged]
