"""One packet at a time: where its next header begins, what the ones before it said, and how its reading ends."""

from collections.abc import Callable, Mapping
from enum import Enum
from struct import Struct
from typing import Any, NamedTuple, NoReturn

from wiresniff.decode.domains import Domains
from wiresniff.decode.fragments import FragmentTable
from wiresniff.model.anomalies import Anomaly


class Stop(Exception):  # noqa: N818 - not an error: most packets that stop are in order
    """The packet holds no TCP segment that could be read; how it is counted."""

    def __init__(self, counted_as: str | None = None, name: str = "", anomaly: Anomaly | None = None) -> None:
        super().__init__(counted_as, name, anomaly)
        self.counted_as = counted_as
        """`not_ip_packets`, `not_tcp_packets`."""
        self.name = name
        """What it holds."""
        self.anomaly = anomaly


class Found(NamedTuple):
    """A TCP header at `at`."""

    source: bytes
    """16 bytes, IPv4 mapped."""
    destination: bytes
    domain: int
    at: int
    captured_end: int
    end: int
    """Where the datagram ends on the wire."""
    reassembled: bytes | None
    """The buffer that the positions refer to, when the datagram came in fragments; None for the block's."""


class Cursor:
    """Where in a packet the next header begins, and what the ones before it said."""

    __slots__ = (
        "at", "buffer", "captured_end", "destination", "domain", "domains", "end", "fragments", "interface",
        "is_fragment", "is_tunnelled", "now_ns", "reassembled", "source",
    )  # fmt: skip

    def __init__(
        self, buffer: bytes, at: int, captured_end: int, wire_end: int, *, domain: int, interface: int, now_ns: int,
        fragments: FragmentTable, domains: Domains,
    ) -> None:  # fmt: skip
        self.buffer = buffer
        self.at = at
        self.captured_end = captured_end
        self.end = wire_end
        """Where what is being read ends on the wire: the packet, then the datagram."""
        self.domain = domain
        self.domains = domains
        self.interface = interface
        self.now_ns = now_ns
        self.fragments = fragments
        self.is_fragment = False
        self.is_tunnelled = False
        self.reassembled: bytes | None = None
        self.source = b""
        self.destination = b""

    def take(self, header: Struct) -> tuple[Any, ...]:
        """Read the header at the cursor and move behind it."""
        at = self.at
        self.skip(header.size)
        return header.unpack_from(self.buffer, at)

    def peek(self, header: Struct) -> tuple[Any, ...]:
        """Read the header at the cursor and stay."""
        at = self.at
        fields = self.take(header)
        self.at = at
        return fields

    def skip(self, size: int) -> None:
        """Move the cursor over bytes that must be there; if not, what ends first is to blame."""
        at = self.at + size
        if at > min(self.captured_end, self.end):
            is_truncated = self.captured_end <= self.end
            raise Stop(anomaly=Anomaly.TRUNCATED_HEADERS if is_truncated else Anomaly.BAD_HEADER)
        self.at = at

    def ends_after(self, at: int, length: int) -> None:
        """Believe a length field as `ip.datagram_end` does: 0 says nothing."""
        if length:
            self.end = min(self.end, at + length)


class Numbers(Enum):
    """Number spaces: what a header calls the one that follows it."""

    ETHERTYPE = "ethertype"
    GRE_PROTOCOL = "gre protocol"
    """Ethertypes, and some of its own."""
    IPV4_PROTOCOL = "ipv4 protocol"
    IPV6_PROTOCOL = "ipv6 protocol"
    UDP_PORT = "udp port"


class Next(NamedTuple):
    """What follows a header."""

    numbers: Numbers
    number: int


class Table(NamedTuple):
    """The numbers of one space and the functions that read what they announce."""

    peelers: Mapping[int, Callable[[Cursor], Next]]
    counted_as: str
    """What a packet with any other number is."""
    name: Callable[[int], str]


def bad_header() -> NoReturn:
    """Stop at a header that contradicts itself."""
    raise Stop(anomaly=Anomaly.BAD_HEADER)
