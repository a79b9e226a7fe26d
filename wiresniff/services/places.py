"""Where an address is: on the loopback, inside, or outside."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

INSIDE: tuple[Network, ...] = tuple(
    ip_network(block)
    for block in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  # private use, RFC 1918
        "fc00::/7",                                       # unique local, RFC 4193
        "127.0.0.0/8", "::1/128",                         # loopback, RFC 1122 3.2.1.3, RFC 4291 2.5.3
        "169.254.0.0/16", "fe80::/10",                    # link-local, RFC 3927, RFC 4291 2.5.6
        "100.64.0.0/10",                                  # shared by carriers and clusters, RFC 6598
        "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32",  # documentation, RFC 5737, RFC 3849
        "198.18.0.0/15",                                  # benchmarking, RFC 2544
        "240.0.0.0/4",                                    # reserved, never routed; clusters use it, RFC 1112 4
    )
)  # fmt: skip
"""Blocks that never come from the Internet."""


def parse_address(address: str) -> Address | None:
    """Parse an address; IPv4-mapped ones (RFC 4291 2.5.5.2) become IPv4. None for what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return parsed if mapped is None else mapped


def is_inside(address: Address) -> bool:
    """Whether an address is in a block that never comes from the Internet."""
    return any(address in block for block in INSIDE)
