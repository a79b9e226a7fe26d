"""Locality: which end of a pair is on the machine, or in the pod, that the agent runs in."""

from collections.abc import Iterable

from wiresniff.model.delivery import Endpoint
from wiresniff.model.growth import Reporter

LOOPBACK = ("127.", "::1")
"""How addresses of the loopback begin, in canonical text form; no other IPv6 address in use begins so."""


class Locality:
    """The addresses that are local; they may change while traffic is watched."""

    def __init__(self, addresses: Iterable[str] = ()) -> None:
        self.addresses = frozenset(addresses)
        """In canonical text form, as endpoints have them. Replaced as a whole when interfaces come and go."""

    def reporter(self, client: Endpoint, server: Endpoint) -> Reporter:
        """Return which end is local; the server's where both are. What is on the loopback is local at both ends."""
        if self.is_local(server.address):
            return Reporter.SERVER
        return Reporter.CLIENT if self.is_local(client.address) else Reporter.CAPTURE

    def is_local(self, text: str) -> bool:
        """Tell whether an address is one of this machine's, or this pod's."""
        return text in self.addresses or (bool(self.addresses) and text.startswith(LOOPBACK))
