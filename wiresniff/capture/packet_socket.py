"""AF_PACKET sockets, as far as Python's own module does not know them (packet(7); Linux, if_packet.h).

A socket is made for no protocol, so that nothing comes until it is bound, and a program is attached before that: no
packet gets past it. Making one needs the right to capture; whatever comes after (binding, binding anew to an interface
that was made again, attaching another program) does not.
"""

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from mmap import MAP_SHARED, PROT_READ, PROT_WRITE, mmap
from typing import NamedTuple

from wiresniff.capture.bpf import Instruction
from wiresniff.capture.fanout import FANOUT_PROGRAM
from wiresniff.capture.ring import Ring
from wiresniff.model.errors import CaptureError, UsageError
from wiresniff.model.limits import MIB, RING_BLOCK_BYTES, RING_BLOCK_SECONDS

ALL_PROTOCOLS = 0x0003
"""ETH_P_ALL"""
ANY_INTERFACE = 0
SOL_PACKET = 263
ADD_MEMBERSHIP, RX_RING, STATISTICS, VERSION, FANOUT, FANOUT_DATA = 1, 5, 6, 10, 18, 22
"""PACKET_... options of the level SOL_PACKET."""
TPACKET_V3 = 2
PROMISCUOUS = 1
"""PACKET_MR_PROMISC"""
FANOUT_BY_PROGRAM, FANOUT_DEFRAGMENT = 6, 0x8000
"""PACKET_FANOUT_CBPF, and that fragments are put together first."""
ATTACH_FILTER = 26
"""SO_ATTACH_FILTER"""
FRAME_BYTES = 2048
"""Asked for by the kernel, and without meaning in TPACKET_V3."""
LEAST_RING_BYTES, LARGEST_RING_BYTES = MIB, 2048 * MIB
"""Fewer than four blocks are no ring; the kernel takes less than 4 GiB."""


class KernelCounts(NamedTuple):
    """What the kernel counted of a socket since it was asked last."""

    packets: int
    """That the program let through, dropped ones included."""
    dropped: int
    """Of these: for want of room in the ring."""
    freezes: int
    """How often the ring was full."""


class PacketSocket:
    """One socket. Raises OSError where the kernel refuses something."""

    def __init__(self, program: Sequence[Instruction]) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.descriptor = self._socket.fileno()
        self.attach(program)

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def attach(self, program: Sequence[Instruction]) -> None:
        """Take only what a program lets through, from now on."""
        self._give(socket.SOL_SOCKET, ATTACH_FILTER, program)

    def _give(self, level: int, option: int, program: Sequence[Instruction]) -> None:
        packed = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
        length_and_address = struct.pack("@HP", len(program), ctypes.addressof(packed))
        self._socket.setsockopt(level, option, length_and_address)

    def bind(self, interface: int) -> None:
        """Take packets of an interface by its index, 0 for all of them."""
        address = struct.pack("=HHiHBB8x", socket.AF_PACKET, socket.htons(ALL_PROTOCOLS), interface, 0, 0, 0)
        c_library = ctypes.CDLL(None, use_errno=True)  # Python's own bind wants a name, and has none for all of them
        if c_library.bind(self.descriptor, address, len(address)):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def join(self, group: int) -> None:
        """Share what comes with all sockets that join this group, by the fanout program; must be bound."""
        kind = FANOUT_BY_PROGRAM | FANOUT_DEFRAGMENT
        self._socket.setsockopt(SOL_PACKET, FANOUT, struct.pack("=I", group | kind << 16))
        self._give(SOL_PACKET, FANOUT_DATA, FANOUT_PROGRAM)

    def take_others(self, interface: int) -> None:
        """Also take what is not addressed to this machine (promiscuous mode), until the socket is closed."""
        self._socket.setsockopt(SOL_PACKET, ADD_MEMBERSHIP, struct.pack("=iHH8x", interface, PROMISCUOUS, 0))

    def counts(self) -> KernelCounts:
        """Return what was counted since the last call; the kernel begins anew at each."""
        counted = self._socket.getsockopt(SOL_PACKET, STATISTICS, 12)
        return KernelCounts(*struct.unpack("=3I", counted.ljust(12, b"\0")))

    def clear_error(self) -> int:
        """Return what the kernel has to say of the socket (0, ENETDOWN), and forget it."""
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def map_ring(self, ring_bytes: int, block_seconds: float = RING_BLOCK_SECONDS) -> "MappedRing":
        """Have the kernel make a ring for this socket; after `block_seconds` to twice that it hands over any block."""
        return MappedRing(self._socket, ring_bytes, block_seconds)


class MappedRing(Ring):
    """The ring of a socket, in our memory."""

    def __init__(self, owner: socket.socket, ring_bytes: int, block_seconds: float) -> None:
        blocks = ring_bytes // RING_BLOCK_BYTES
        request = struct.pack(
            "=7I", RING_BLOCK_BYTES, blocks, FRAME_BYTES, blocks * (RING_BLOCK_BYTES // FRAME_BYTES),
            round(block_seconds * 1000), 0, 0,
        )  # fmt: skip
        owner.setsockopt(SOL_PACKET, VERSION, TPACKET_V3)
        owner.setsockopt(SOL_PACKET, RX_RING, request)
        self._memory = mmap(owner.fileno(), blocks * RING_BLOCK_BYTES, MAP_SHARED, PROT_READ | PROT_WRITE)
        super().__init__(self._memory, RING_BLOCK_BYTES)

    def close(self) -> None:
        """Give the memory back."""
        super().close()
        with suppress(BufferError):  # somebody looks at it still, and lets go of it later
            self._memory.close()


def check_ring_bytes(ring_bytes: int) -> None:
    """Raise UsageError where a ring can't be of this size."""
    if not LEAST_RING_BYTES <= ring_bytes <= LARGEST_RING_BYTES:
        raise UsageError(
            f"a ring of {ring_bytes:,} bytes can't be had; give it between {LEAST_RING_BYTES // MIB} and "
            f"{LARGEST_RING_BYTES // MIB} MiB, {RING_BYTES_ADVICE}"
        )


RING_BYTES_ADVICE = "about as much as passes the interface in a second"


def refusal(name: str, ring_bytes: int, error: OSError) -> CaptureError:
    """Say in a sentence why an interface can't be watched, for what isn't a matter of rights."""
    if error.errno == errno.ENOMEM:
        return CaptureError(f"{name}: there is no memory for a ring of {ring_bytes // MIB} MiB; ask for a smaller one")
    if error.errno in {errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ENOPROTOOPT}:
        return CaptureError(
            f"{name}: this kernel or its sandbox has no packet sockets ({os.strerror(error.errno)}); "
            "watch from the host, or audit a capture file"
        )
    return CaptureError(f"{name}: can't be watched: the system says: {error.strerror or error}")
