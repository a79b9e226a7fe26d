"""Networks for live tests: namespaces of this process that vanish with it, and what is sent in them. Needs root."""

import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest

from wiresniff.capture.live import LivePackets
from wiresniff.model.packets import PacketBlock

NEW_NETWORK = 0x40000000
"""CLONE_NEWNET"""
TUN_DEVICE = Path("/dev/net/tun")
SET_TUN, IS_TUN, NO_PACKET_INFORMATION = 0x400454CA, 0x1, 0x1000


def _is_possible() -> bool:
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "--net", "ip", "link"], capture_output=True, check=False).returncode == 0


needs_namespaces = pytest.mark.skipif(
    not _is_possible(), reason="makes network namespaces: needs root, and `ip` (iproute2)"
)


def ip(*arguments: str) -> None:
    """Run `ip` in the namespace that this process is in."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Namespace:
    """A network of its own, with loopback only."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net") as before:  # noqa: PTH123 (its descriptor is wanted)
            assert self._library.unshare(NEW_NETWORK) == 0, os.strerror(ctypes.get_errno())
            self.descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            ip("link", "set", "lo", "up")
            assert self._library.setns(before.fileno(), NEW_NETWORK) == 0

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be in it for a while: sockets that are made, programs that are started."""
        with open("/proc/thread-self/ns/net") as before:  # noqa: PTH123
            assert self._library.setns(self.descriptor, NEW_NETWORK) == 0
            try:
                yield
            finally:
                assert self._library.setns(before.fileno(), NEW_NETWORK) == 0

    @property
    def path(self) -> str:
        """Return its name for `ip link ... netns`."""
        return f"/proc/{os.getpid()}/fd/{self.descriptor}"

    def close(self) -> None:
        """Let it vanish."""
        os.close(self.descriptor)


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    """Be in a new network."""
    made = Namespace()
    with made.entered():
        yield made
    made.close()


def add_pair(first: str = "va", second: str = "vb") -> None:
    """Add a pair of interfaces that are tied together, both here and up."""
    ip("link", "add", first, "type", "veth", "peer", "name", second)
    for name in (first, second):
        # nothing speaks on it unasked
        Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")
        ip("link", "set", name, "up")


def send_frames(name: str, frames: list[bytes]) -> None:
    """Send frames out of an interface, as they are."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        sender.bind((name, 0))
        for frame in frames:
            sender.send(frame)


def send_datagrams(count: int, port: int = 9, address: str = "127.0.0.1") -> None:
    """Send datagrams to a socket that takes them."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as receiver, socket.socket(family, socket.SOCK_DGRAM) as sender:
        receiver.bind((address, port))
        for number in range(count):
            sender.sendto(b"datagram %d" % number, (address, port))


def open_tun(name: str) -> int:
    """Make a tun interface; what is written to the descriptor, IP packets, comes in on it."""
    if not TUN_DEVICE.exists():
        pytest.skip("this kernel has no tun devices")
    descriptor = os.open(TUN_DEVICE, os.O_RDWR)
    fcntl.ioctl(descriptor, SET_TUN, struct.pack("16sH22x", name.encode(), IS_TUN | NO_PACKET_INFORMATION))
    Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")
    ip("link", "set", name, "up")
    return descriptor


def watched(source: LivePackets, act: Callable[[], object], then: int = 0) -> list[PacketBlock]:
    """Do something while a source watches, and look at `then` blocks; return the blocks with packets that it gives."""
    blocks = (block for _, block in source)  # it takes packets from here on
    act()
    found = list(islice(blocks, then))
    source.stop()
    found = [block for block in (*found, *blocks) if len(block)]
    for block in found:
        block.check()
    return found


def packets_of(blocks: list[PacketBlock]) -> list[bytes]:
    """Return the bytes of each packet."""
    return [
        block.buffer[at : at + length]
        for block in blocks
        for at, length in zip(block.offset.tolist(), block.captured_length.tolist(), strict=True)
    ]
