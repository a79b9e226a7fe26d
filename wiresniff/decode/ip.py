"""IP headers in columns: addresses, protocol, where the transport header begins and where the datagram ends."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wiresniff.columns.gather import gather, native
from wiresniff.decode import headers


class IpColumns(NamedTuple):
    """What the IP headers of some packets say, one row each. Where `is_plain` is false the rest means nothing."""

    is_plain: NDArray[np.bool_]
    """A whole header without contradiction, of a datagram that is no fragment."""
    protocol: NDArray[np.int64]
    """IPv4's protocol, IPv6's next header."""
    transport_at: NDArray[np.int64]
    end: NDArray[np.int64]
    """Where the datagram ends on the wire: behind `captured_end` when the packet was cut."""
    source: NDArray[np.generic]
    """IPv4: >u4. IPv6: V16."""
    destination: NDArray[np.generic]


def datagram_end(at: NDArray[np.int64], length: NDArray[np.int64], wire_end: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each datagram ends: where its header says, unless it says 0 or more than was on the wire.

    at        (k,) i8  where the length counts from
    length    (k,) i8  the length field: 0 means not known (segmentation offload, jumbograms)
    wire_end  (k,) i8
    ->        (k,) i8
    """
    end: NDArray[np.int64] = np.minimum(at + length, wire_end)
    is_unknown = length == 0
    if is_unknown.any():
        end[is_unknown] = wire_end[is_unknown]
    return end


def read_ipv4(
    raw: NDArray[np.uint8], at: NDArray[np.int64], captured_end: NDArray[np.int64], wire_end: NDArray[np.int64]
) -> IpColumns:
    """Read IPv4 headers with or without options (RFC 791 3.1); each has 20 captured bytes.

    raw                     (bytes,) u1
    at                      (k,) i8  header positions
    captured_end, wire_end  (k,) i8  one behind the packet's last byte
    ->                      (k,) columns; oracle: tests/oracles/decode.py
    """
    header = gather(raw, at, headers.IPV4)
    version_and_ihl = header["version_and_ihl"].astype(np.uint8)
    total_length = native(header["total_length"])
    transport_at = at + headers.IPV4.itemsize
    is_plain = version_and_ihl == headers.VERSION_4_NO_OPTIONS
    if not is_plain.all():  # rarely: options are as good as extinct
        header_length = headers.IHL.column(native(version_and_ihl)) * headers.WORD
        transport_at = at + header_length
        is_plain = headers.VERSION.column(native(version_and_ihl)) == headers.VERSION_4
        is_plain &= header_length >= headers.IPV4.itemsize
    end = datagram_end(at, total_length, wire_end)
    is_plain &= (native(header["fragment"]) & headers.IS_FRAGMENT.mask) == 0
    is_plain &= transport_at <= end
    is_plain &= transport_at <= captured_end
    return IpColumns(is_plain, native(header["protocol"]), transport_at, end, header["source"], header["destination"])


def read_ipv6(
    raw: NDArray[np.uint8], at: NDArray[np.int64], captured_end: NDArray[np.int64], wire_end: NDArray[np.int64]
) -> IpColumns:
    """Read fixed IPv6 headers (RFC 8200 3); each has 40 captured bytes. Arguments as in `read_ipv4`.

    An extension header shows as its number in `protocol`; the scalar path peels it.
    """
    del captured_end
    header = gather(raw, at, headers.IPV6)
    payload_length = native(header["payload_length"])
    transport_at = at + headers.IPV6.itemsize
    end = datagram_end(transport_at, payload_length, wire_end)
    is_plain = headers.VERSION_OF_IPV6.column(native(header["version_class_flow"])) == headers.VERSION_6
    is_plain &= transport_at <= end
    return IpColumns(
        is_plain, native(header["next_header"]), transport_at, end, header["source"], header["destination"]
    )
