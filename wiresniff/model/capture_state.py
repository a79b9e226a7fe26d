"""CaptureState: how live capture is doing, interface by interface, as the kernel counts."""

from typing import NamedTuple


class InterfaceState(NamedTuple):
    """One interface that is watched, or should be. Counts go up from 0 since it was opened."""

    name: str
    """As it was asked for: `eth0`, `any`."""
    is_up: bool
    """Packets of it are taken now."""
    packets: int = 0
    """That the kernel handed over or dropped, after the filter."""
    bytes: int = 0
    """Of these packets, as long as they were on the wire; dropped ones are left out where the kernel doesn't say."""
    dropped_packets: int = 0
    """That the kernel dropped, since there was no room for them."""
    left_out_packets: int = 0
    """Of connections that were left out on purpose, at overload."""
    reason: str | None = None
    """Why it is not up, as a person reads it."""


class CaptureState(NamedTuple):
    """All interfaces, those that are gone left out."""

    interfaces: tuple[InterfaceState, ...] = ()

    @property
    def is_up(self) -> bool:
        """Packets of at least one interface are taken."""
        return any(interface.is_up for interface in self.interfaces)

    @property
    def packets(self) -> int:
        """Packets of all interfaces."""
        return sum(interface.packets for interface in self.interfaces)

    @property
    def dropped_packets(self) -> int:
        """Packets that the kernel dropped, of all interfaces."""
        return sum(interface.dropped_packets for interface in self.interfaces)
