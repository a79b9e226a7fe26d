"""Exchange: a request with its response, as far as they were seen.  Traffic: bytes of a pair, read or not."""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from wiresniff.model.delivery import Endpoint

Fields = list[tuple[bytes, bytes]]
"""Header fields in wire order, duplicates kept: (name in lower case, value as it was without surrounding blanks).
Only fields that the audit reads are kept (`tracecontext.KEPT_FIELDS`)."""


class Unseen(StrEnum):
    """Why a head can't be judged."""

    GAP = "gap"
    """Packets of the head are not in the capture."""
    TRUNCATED = "truncated"
    """Packets of the head were cut by the snap length, or the capture ends within it."""
    RESYNC = "resync"
    """Bytes before it were not seen, and nothing proves that it is a head and not part of a body."""
    TOO_LONG = "head-too-long"
    """The head is longer than the limit."""
    HEADER_TABLE = "header-table"
    """HPACK: entries that the capture did not see added may be the header, and nothing shows that they are not."""


class Channel:
    """The two ends of a connection, once a protocol told which is which."""

    __slots__ = ("begun", "capture_point", "client", "is_met", "server")

    def __init__(
        self, client: Endpoint, server: Endpoint, capture_point: int, begun: tuple[int, int] | None = None
    ) -> None:
        self.client = client
        self.server = server
        self.capture_point = capture_point
        self.begun = begun
        """TCP sequence numbers of the first bytes of client and server, if both were seen to begin: the same on both
        sides of an address translation, and of no other connection."""
        self.is_met = False
        """It is known who calls whom on it (`wiresniff.audit.hops`)."""


class Exchange:
    """One request, and what answered it. Made when the head is complete, filled in as the response arrives.

    What most exchanges never learn has its default in the class: an instance is made a hundred thousand times a second.
    """

    unseen: Unseen | None = None
    """None when the whole head was seen."""
    inferred: bool = False
    """What `fields` say of the traceparent was concluded, not read: HPACK entries from before the capture are part."""
    preflight: bool = False
    """An OPTIONS request with Access-Control-Request-Method (Fetch standard, CORS preflight)."""
    status: int | None = None
    grpc_status: int | None = None
    response_time_ns: int | None = None
    end_time_ns: int | None = None
    """When the last byte of the response was there."""
    settled_ns: int | None = None
    """When it could be reported, where that is not when its response ended: its verdict waited for later requests of
    its connection, it took too long, or its connection ended."""
    complete: bool = False
    unanswered: bool = False
    """The connection ended without a response, and nothing of the server's direction was lost."""
    stream: int | None = None
    """HTTP/2 stream id."""
    is_settled: bool = True
    """Its verdict does not wait for evidence."""
    is_announced: bool = False
    """It was given as `Opened` before it was settled."""
    auxiliary: tuple[bytes, ...] = ()
    """Values of other fields that may identify the request, and may be forwarded."""

    def __init__(
        self,
        channel: Channel,
        protocol: str,
        version: str,
        time_ns: int,
        capture: int,
        packet: int,
        sequence: int,
        method: bytes | None,
        target: bytes | None,
        fields: Fields,
        authority: bytes | None = None,
        user_agent: bytes | None = None,
    ) -> None:
        self.channel = channel
        self.protocol = protocol
        """`http/1`, `http/2` or `grpc`: the words of the report and the metrics."""
        self.version = version
        """`1.0`, `1.1` or `2`."""
        self.time_ns = time_ns
        """When the last byte of the request head was there."""
        self.capture = capture
        """Row of the list of captures: where the packet that began the head is."""
        self.packet = packet
        """Number of the packet that began the head; 0 live."""
        self.sequence = sequence
        """TCP sequence number of the head's first byte: tells two sights of one request from two requests."""
        self.method = method
        """None when it was not seen."""
        self.target = target
        """The request target as sent, with its query; None when it was not seen."""
        self.fields = fields
        self.authority = authority
        self.user_agent = user_agent

    @property
    def client(self) -> Endpoint:
        """Who asked."""
        return self.channel.client

    @property
    def server(self) -> Endpoint:
        """Who was asked."""
        return self.channel.server


class Opened(NamedTuple):
    """A request that a block brought, of which not everything is known at its end: most often, it has no answer yet."""

    exchange: Exchange


class Alike:
    """Exchanges of one block that differ in nothing but time, place, client port and query.

    They are counted, and made only if somebody wants to see them. They have the same client address, server, method,
    path, authority, user agent and kind of status (below 500 or not), were seen whole, and either each has one
    traceparent that is valid with nothing to be said of it, or none has any. No other field that is kept.
    """

    __slots__ = ("_make", "_rows", "is_traced", "requests", "sampled")

    def __init__(self, rows: Sequence[int], make: Callable[[int], Exchange], sampled: int, *, is_traced: bool) -> None:
        self._rows = rows
        self._make = make
        self.requests = len(rows)
        self.sampled = sampled
        """How many of them have the sampled flag."""
        self.is_traced = is_traced
        """Each has a traceparent; else none has."""

    def exchanges(self) -> Iterator[Exchange]:
        """Make them, in the order of their packets."""
        return map(self._make, self._rows)

    def latest(self, count: int) -> Iterator[Exchange]:
        """Make the last ones."""
        return map(self._make, self._rows[-count:])


class Traffic(NamedTuple):
    """Bytes between two endpoints since the last such report, for the accounting of a pair."""

    client: Endpoint
    server: Endpoint
    name: str | None
    """What the server is called in the bytes themselves (server name of a TLS hello, Host of a request)."""
    parsed_bytes: int
    opaque_bytes: int
    reason: str | None
    """Why bytes are opaque: `tls`, `http/2`, `upgrade`, `tunnel`, `unknown-protocol`, ..."""
    protocol: str | None = None
    """What is spoken on the connection, a word of `Exchange.protocol`; None where that is not known."""
