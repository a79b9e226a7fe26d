"""Own server: whether a request is for what this program itself serves.

The port alone proves nothing: another machine may serve something else there. A socket that listens at one address is
asked at that one; one that listens at all addresses, at each of this machine's of its family, and at no other.
"""

from collections.abc import Callable, Iterable

from wiresniff.model.delivery import Endpoint

ALL_IPV4, ALL_IPV6 = "0.0.0.0", "::"  # noqa: S104 (recognised, not bound)
IPV6_MARK = ":"
"""What every IPv6 address in text form has, and no other."""


def nowhere(_address: str) -> bool:
    """Tell that no address is local: nothing is known of the machine, as in captures from elsewhere."""
    return False


class OwnServer:
    """Where this program itself serves.

    listeners  addresses and ports of its sockets
    is_local   whether an address is one of this machine's, now: they come and go
    """

    def __init__(self, listeners: Iterable[Endpoint], is_local: Callable[[str], bool]) -> None:
        self._addresses: dict[int, frozenset[str]] = {}
        for address, port in listeners:
            self._addresses[port] = self._addresses.get(port, frozenset()) | {address}
        self._is_local = is_local

    def is_at(self, endpoint: Endpoint) -> bool:
        """Tell whether whoever asks there asks this program."""
        addresses = self._addresses.get(endpoint.port)
        if addresses is None:
            return False
        everywhere = ALL_IPV6 if IPV6_MARK in endpoint.address else ALL_IPV4
        return endpoint.address in addresses or (everywhere in addresses and self._is_local(endpoint.address))
