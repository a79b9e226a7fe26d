"""The interfaces of this machine (of this network namespace): their names, and what they are like now.

Asked of the kernel by ioctl (netdevice(7)) rather than read from /sys, which in a container may be that of another
namespace. None of it needs a right.
"""

import ctypes
import difflib
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv6Address
from pathlib import Path
from typing import NamedTuple

from wiresniff.model.errors import UsageError

ANY = "any"
"""All interfaces, those included that come later."""
FLAGS, ADDRESS, HARDWARE = 0x8913, 0x8915, 0x8927
"""SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFHWADDR"""
DRIVER_QUESTION, DRIVER, DRIVER_BYTES = 0x8946, 3, 196
"""SIOCETHTOOL, ETHTOOL_GDRVINFO and the size of its answer, in which the driver's name follows four bytes."""
BRIDGE = b"bridge"
IS_UP, HAS_CARRIER = 0x1, 0x40
"""IFF_UP, IFF_RUNNING"""
NAME_BYTES = 15
LIKENESS = 0.5
"""Of names that are meant, at least: they are short, so one letter is much."""
LOOPBACK = 772
UNKNOWN_HARDWARE = -1
KINDS = {
    1: "Ethernet",
    32: "InfiniBand",
    512: "PPP",
    519: "raw IP",
    768: "IP tunnel",
    769: "IPv6 tunnel",
    LOOPBACK: "loopback",
    776: "6in4 tunnel",
    778: "GRE tunnel",
    801: "Wi-Fi",
    802: "Wi-Fi",
    803: "Wi-Fi monitor",
    823: "GRE tunnel over IPv6",
    65534: "raw IP (tun, WireGuard)",
    UNKNOWN_HARDWARE: "",
}
"""Hardware types (Linux, if_arp.h) as people call them."""
IPV6_ADDRESSES = Path("/proc/net/if_inet6")
VLANS = Path("/proc/net/vlan/config")
VLAN_FIELDS = 3
"""Interface, number, interface below."""


class LocalInterface(NamedTuple):
    """An interface as it is now."""

    name: str
    number: int
    """Its index, as `ip link` shows it."""
    is_up: bool
    has_carrier: bool
    hardware_type: int
    addresses: tuple[str, ...]

    @property
    def state(self) -> str:
        """Return whether packets can pass it."""
        return "down" if not self.is_up else "up" if self.has_carrier else "no carrier"

    @property
    def kind(self) -> str:
        """Return what people call it."""
        return KINDS.get(self.hardware_type, f"hardware type {self.hardware_type}")


def local_interfaces() -> list[LocalInterface]:
    """Return the interfaces in the order of their indices; elsewhere than on Linux, their names."""
    if not hasattr(socket, "AF_PACKET"):
        known = sorted(socket.if_nameindex())
        return [LocalInterface(name, number, True, True, UNKNOWN_HARDWARE, ()) for number, name in known]
    ipv6 = _ipv6_addresses()
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for index, name in sorted(socket.if_nameindex()):
            flags = _flags(asking, name)
            if flags is None:
                continue  # it has gone meanwhile
            hardware = _asked(asking, HARDWARE, name)
            addresses = [*_ipv4_addresses(asking, name), *ipv6.get(name, ())]
            hardware_type = struct.unpack_from("=H", hardware)[0] if hardware is not None else 0
            found.append(
                LocalInterface(
                    name, index, bool(flags & IS_UP), bool(flags & HAS_CARRIER), hardware_type, tuple(addresses)
                )
            )
    return found


def vlans(text: str) -> set[tuple[int, int]]:
    """Return (index of the interface below, number of the VLAN) of VLAN interfaces; `text` is what VLANS holds.

    Their packets pass the interface below with a tag, and them without.
    """
    found = set()
    for line in text.splitlines():
        fields = [field.strip(" ") for field in line.split("|")]
        if len(fields) == VLAN_FIELDS and fields[1].isdecimal():  # two lines of headings come first
            below = index_of(fields[2])
            if below is not None:
                found.add((below, int(fields[1])))
    return found


def read_vlans() -> set[tuple[int, int]]:
    """Return the VLAN interfaces that there are now, as `vlans` does."""
    try:
        return vlans(VLANS.read_text())
    except OSError:  # this kernel has none
        return set()


def index_of(name: str) -> int | None:
    """Return the index of an interface, None where there is none of that name."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return None


def hardware_type_of(name: str) -> int | None:
    """Return the hardware type of an interface, None where there is none of that name."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        hardware = _asked(asking, HARDWARE, name)
    return None if hardware is None else int(struct.unpack_from("=H", hardware)[0])


def is_up(name: str) -> bool:
    """Say whether an interface is there and set up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        return bool((_flags(asking, name) or 0) & IS_UP)


def is_bridge(name: str) -> bool:
    """Say whether an interface is a bridge in software: what it forwards is addressed to none of its own."""
    answer = ctypes.create_string_buffer(struct.pack("=I", DRIVER), DRIVER_BYTES)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asked = _asked(asking, DRIVER_QUESTION, name, struct.pack("@P", ctypes.addressof(answer)))
    return asked is not None and answer.raw[4:36].partition(b"\0")[0] == BRIDGE


def may_come(name: str) -> bool:
    """Say whether the kernel would let an interface be called so (dev_valid_name of Linux)."""
    is_word = bool(name) and not any(character in "/:" or character.isspace() for character in name)
    return is_word and name not in {".", ".."} and len(name.encode()) <= NAME_BYTES


def check_names(names: list[str]) -> None:
    """Raise UsageError for a name of no interface; it says which there are."""
    known = [name for _, name in socket.if_nameindex()]
    for name in names:
        if name == ANY or name in known:
            continue
        near = difflib.get_close_matches(name, [*known, ANY], 1, LIKENESS)
        meant = f"did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"there is no interface '{name[:NAME_BYTES]}' here; {meant}`wiresniff interfaces` lists what can be watched"
        )


def _flags(asking: socket.socket, name: str) -> int | None:
    flags = _asked(asking, FLAGS, name)
    return None if flags is None else int(struct.unpack_from("=H", flags)[0])


def _ipv4_addresses(asking: socket.socket, name: str) -> Iterator[str]:
    answer = _asked(asking, ADDRESS, name)
    if answer is not None:
        yield socket.inet_ntoa(answer[4:8])


def _ipv6_addresses() -> dict[str, list[str]]:
    """Return addresses by name of interface."""
    found: dict[str, list[str]] = {}
    with suppress(OSError):
        for line in IPV6_ADDRESSES.read_text().splitlines():
            address, *_, name = line.split()
            found.setdefault(name, []).append(str(IPv6Address(bytes.fromhex(address))))
    return found


def _asked(asking: socket.socket, request: int, name: str, told: bytes = b"") -> bytes | None:
    """Ask the kernel about an interface (struct ifreq); what stands behind the name in its answer.

    `told` stands there in the question.
    """
    import fcntl  # noqa: PLC0415 (not on every system that only audits files)

    encoded = name.encode()
    if len(encoded) > NAME_BYTES:
        return None
    try:
        return fcntl.ioctl(asking, request, (encoded.ljust(16, b"\0") + told).ljust(40, b"\0"))[16:]
    except OSError:
        return None
