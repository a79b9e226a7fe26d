"""What the policy says of addresses, ports and hosts."""

import re
from collections.abc import Iterator
from ipaddress import ip_network

from wiresniff.model.globs import glob_regex
from wiresniff.model.policy import Policy, Role, Service
from wiresniff.services.places import Address

ANY_PORT = 0
"""Stands where a service names no ports."""


class Placements:
    """The services of a policy by where they are.

    A lookup costs one dictionary access per prefix length in use (longest match, RFC 1812 5.2.4.3), however many
    services there are. Where two services claim the same, the first counts; the loader of the policy refuses that.
    """

    def __init__(self, policy: Policy) -> None:
        self._blocks: dict[tuple[int, int], dict[int, dict[int, Service]]] = {}
        """(IP version, prefix length) -> leading bits -> port -> service."""
        self._hosts: dict[tuple[str, int], Service] = {}
        self._globs: list[tuple[re.Pattern[str], int, Service]] = []
        self._ports: dict[int, Service] = {}
        """Services that have nothing but ports."""
        for service in policy.services:
            self._place(service)
        self._prefixes = sorted(self._blocks, key=lambda key: (key[0], -key[1]))

    def _place(self, service: Service) -> None:
        ports = service.ports or (ANY_PORT,)
        for block in service.addresses:
            network = ip_network(block, strict=False)
            bits = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
            placed = self._blocks.setdefault((network.version, network.prefixlen), {}).setdefault(bits, {})
            for port in ports:
                placed.setdefault(port, service)
        # Ports narrow addresses where there are some; then they say nothing of where the hosts are served.
        host_ports = (ANY_PORT,) if service.addresses else ports
        for host in service.hosts:
            for port in host_ports:
                if "*" in host:
                    self._globs.append((re.compile(glob_regex(host)), port, service))
                else:
                    self._hosts.setdefault((host, port), service)
        if not service.addresses and not service.hosts:
            for port in service.ports:
                self._ports.setdefault(port, service)

    def at(self, address: Address, port: int) -> Service | None:
        """Return what listens there: by the longest prefix that says so, one with this port before one without."""
        for placed in self._holding(address):
            service = placed.get(port) or placed.get(ANY_PORT)
            if service is not None:
                return service
        return None

    def whole(self, address: Address) -> Service | None:
        """Return the service that an address belongs to whatever the port."""
        return self.at(address, ANY_PORT)

    def parts(self, address: Address) -> dict[int, Service]:
        """Return the services at an address that are told apart by port."""
        found: dict[int, Service] = {}
        for placed in self._holding(address):
            for port in placed:
                if port != ANY_PORT:
                    found.setdefault(port, placed[port])
        return found

    def on(self, port: int) -> Service | None:
        """Return the service that is known by its port alone."""
        return self._ports.get(port)

    def external_ports(self) -> tuple[int, ...]:
        """Return the ports by which alone a service is known whose role is external."""
        return tuple(port for port, service in self._ports.items() if service.role is Role.EXTERNAL)

    def asked(self, host: str, port: int) -> Service | None:
        """Return the service that is asked for by this host name (lower case) at this port; exact names before `*`."""
        service = self._hosts.get((host, port)) or self._hosts.get((host, ANY_PORT))
        if service is not None:
            return service
        for pattern, wanted, candidate in self._globs:
            if wanted in {ANY_PORT, port} and pattern.fullmatch(host):
                return candidate
        return None

    def _holding(self, address: Address) -> Iterator[dict[int, Service]]:
        """Yield what is said of the blocks that hold an address, the longest prefix first."""
        bits = int(address)
        for version, prefix in self._prefixes:
            if version == address.version:
                placed = self._blocks[version, prefix].get(bits >> (address.max_prefixlen - prefix))
                if placed is not None:
                    yield placed
