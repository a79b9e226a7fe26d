"""Clients of many habits on one HTTP/2 connection, encoded by `hpack`, and a listener that joins at any request.

What a request really carries is kept beside what is said of it.
"""

import random
from dataclasses import dataclass, field

from hpack import Encoder
from hpack.struct import HeaderTuple, NeverIndexedHeaderTuple

from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Channel, Exchange
from wiresniff.protocols.hpack.decoder import Decoder
from wiresniff.protocols.http2.fields import RequestFields
from wiresniff.protocols.http2.inference import Inference
from wiresniff.protocols.http2.undecided import Patience
from wiresniff.tracecontext import KEPT_FIELDS, is_traceparent_shaped

SECOND = 10**9
CHANNEL = Channel(Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 50051), 0)
REQUEST_FIELDS = RequestFields(KEPT_FIELDS)
NAMES_OF_CONSTANTS = (b"te", b"x-tenant", b"x-app-version", b"grpc-accept-encoding", b"accept", b"user-agent", b"x-env")
NAMES_PER_REQUEST = (b"x-request-id", b"b3", b"x-cloud-trace-context", b"elastic-apm-traceparent", b"grpc-timeout")
ELASTIC = b"elastic-apm-traceparent"
ODD = (b"", b"null", b"undefined", b"00-1-2-3", b"00")


@dataclass
class Service:
    """One of the services behind a client's connection: its habits."""

    constants: list[tuple[bytes, bytes]]
    paths: list[bytes]
    per_request: tuple[bytes, ...] = ()
    carries: float = 1.0
    """Share of its requests that have a traceparent."""
    is_odd: float = 0.0
    """Share of those whose value is malformed."""
    never_indexed: frozenset[bytes] = frozenset()


@dataclass
class Sent:
    """One request: when, what it carries, how it was encoded."""

    time_ns: int
    traceparent: bytes | None
    path: bytes
    octets: bytes


@dataclass
class Client:
    """Sends requests on one connection."""

    services: list[Service]
    chance: random.Random
    encoder: Encoder = field(default_factory=Encoder)
    sent: list[Sent] = field(default_factory=list)
    inbound: bytes | None = None
    """A traceparent that is handed on as it came."""

    def traceparent(self, service: Service) -> bytes:
        """Make a traceparent, which may be malformed."""
        chance = self.chance
        if self.inbound is not None:
            return self.inbound
        value = b"00-%032x-%016x-%02x" % (
            chance.getrandbits(128) or 1,
            chance.getrandbits(64) or 1,
            chance.randrange(2),
        )
        if chance.random() >= service.is_odd:
            return value
        return chance.choice([*ODD, value[:-1], b"0" + value, value.upper(), value.replace(b"-", b"--", 1), value[3:]])

    def send(self, time_ns: int) -> None:
        """Send one request of any service."""
        chance = self.chance
        service = chance.choice(self.services)
        path = chance.choice(service.paths)
        fields = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", b"cart:50051")]
        fields += service.constants
        traceparent = self.traceparent(service) if chance.random() < service.carries else None
        if traceparent is not None:
            fields.insert(chance.randrange(4, len(fields) + 1), (b"traceparent", traceparent))
        for name in service.per_request:
            if name == ELASTIC and traceparent is not None:  # it never comes alone
                own = traceparent if service.is_odd else self.value_of(name)
                fields.insert(chance.randrange(4, len(fields) + 1), (name, own))
            elif name != ELASTIC and chance.random() < 0.8:
                fields.append((name, self.value_of(name)))
        headers = [
            NeverIndexedHeaderTuple(name, value) if name in service.never_indexed else HeaderTuple(name, value)
            for name, value in fields
        ]
        octets = self.encoder.encode(headers, huffman=chance.random() < 0.5)
        self.sent.append(Sent(time_ns, traceparent, path, octets))

    def value_of(self, name: bytes) -> bytes:
        """Make the value of another field that differs from request to request."""
        bits = self.chance.getrandbits
        if name == b"grpc-timeout":
            return b"%dm" % bits(20)
        if name == ELASTIC:
            return b"00-%032x-%016x-01" % (bits(128), bits(64))
        if name == b"b3":
            return b"%032x-%016x-1" % (bits(128), bits(64))
        if name == b"x-cloud-trace-context":
            return b"%032x/%d;o=1" % (bits(128), bits(63))
        return b"%08x-%04x-4%03x-8%03x-%012x" % (bits(32), bits(16), bits(12), bits(12), bits(48))


@dataclass
class Heard:
    """What is said of one request."""

    sent: Sent
    asked: Exchange

    @property
    def values(self) -> list[bytes]:
        """Values of traceparent that are claimed."""
        return [value for name, value in self.asked.fields if name == b"traceparent"]

    @property
    def is_missing(self) -> bool:
        """It is claimed that there is none."""
        return self.asked.unseen is None and not self.values


def listen(sent: list[Sent], joined: int, *, gaps: frozenset[int] = frozenset()) -> list[Heard]:
    """Hear a connection from the request `joined` on; requests in `gaps` are lost."""
    decoder = Decoder(is_complete=joined == 0)
    patience = Patience()
    inference = Inference(REQUEST_FIELDS, is_traceparent_shaped, patience)
    heard, waiting = [], []
    for number, each in enumerate(sent[joined:]):
        if number in gaps:
            decoder.begin_epoch()
            continue
        asked = Exchange(CHANNEL, "http/2", "2", each.time_ns, 0, 1, 1, None, None, [])
        asked.stream = 2 * number + 1
        if not inference.take(asked, decoder.decode(each.octets), each.time_ns):
            waiting.append(asked)
        heard.append(Heard(each, asked))
    settled = inference.settled(sent[-1].time_ns, is_over=True)
    assert set(settled) <= set(waiting)
    assert patience.waiting_bytes == patience.entries == 0
    return heard
