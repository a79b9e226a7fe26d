"""A request that a service received, as far as it may be the cause of others."""

from typing import NamedTuple, TypeAlias

from wiresniff.model.context import Reading
from wiresniff.model.exchanges import Exchange

ENTROPY_DIGITS = 20
ENTROPY_HEX = 16
ENTROPY_WORD = 16
"""Characters that hold 64 bits: of decimal digits, of hexadecimal ones, and of words with digits in them."""
WORD_DIGITS = 3
"""Words of 16 characters with fewer digits may be plain words."""
_DIGITS = b"0123456789"
_HEX = b"0123456789abcdefABCDEF-"


class Identity(NamedTuple):
    """What may show that two requests belong together."""

    traces: tuple[str, ...]
    """Trace ids of all formats, as they compare (`model.context.Carrier`); the W3C one first."""
    keys: tuple[int, ...]
    """Hashes of auxiliary values of 64 bits and more, keyed by the process; nothing else is kept of them."""


def identity_of(exchange: Exchange, reading: Reading) -> Identity:
    """Work out the identity of a request."""
    context = reading.context
    traces: tuple[str, ...] = () if context is None else (context.trace_id,)
    if not (
        reading.carriers or exchange.auxiliary or reading.tracestates or (context is None and reading.traceparents)
    ):
        return Identity(traces, ())
    if reading.carriers:
        traces += tuple(carrier.trace_id for carrier in reading.carriers if carrier.trace_id)
    keys = tuple(hash(value) for value in exchange.auxiliary if holds_64_bits(value))
    if context is None and reading.traceparents:
        # A value that nobody uses is still like no other.
        keys += tuple(hash(value) for value in reading.traceparents if holds_64_bits(value))
    if reading.tracestates:
        keys += tuple(hash(member) for member in members_of(reading) if holds_64_bits(member))
    return Identity(traces, keys)


def members_of(reading: Reading) -> list[bytes]:
    """Return the list members of tracestate, `key=value`, in order."""
    return [member for value in reading.tracestates for each in value.split(b",") if (member := each.strip(b" \t"))]


def holds_64_bits(value: bytes) -> bool:
    """Tell whether a value is long and mixed enough to be an id that nobody else has."""
    digits = len(value) - len(value.translate(None, _DIGITS))
    if digits == len(value):
        return len(value) >= ENTROPY_DIGITS
    if not value.translate(None, _HEX):
        return len(value) - value.count(b"-") >= ENTROPY_HEX and len(set(value)) >= ENTROPY_HEX // 2
    return len(value) >= ENTROPY_WORD and digits >= WORD_DIGITS and len(set(value)) >= ENTROPY_WORD // 2


def parent_of(reading: Reading) -> str | None:
    """Return the parent-id of a request, in whichever format its trace is."""
    if reading.context is not None:
        return reading.context.parent_id
    return next((each.span_id for each in reading.carriers if each.trace_id), None)


Asked: TypeAlias = tuple[bytes | None, bytes | None]
"""Method, and target with its query."""


class Inbound:
    """One request that came in."""

    __slots__ = (
        "asked", "calls", "end_ns", "exchange", "identity", "is_call", "is_exempt", "is_known", "is_received",
        "is_usable", "reading",
    )  # fmt: skip

    def __init__(self, exchange: Exchange, reading: Reading, identity: Identity, *, is_exempt: bool) -> None:
        self.exchange = exchange
        self.reading = reading
        self.identity = identity
        self.is_known = exchange.unseen is None and exchange.is_settled
        """Its head was wholly seen, and nothing of it is left to be found out."""
        self.is_usable = bool(identity.traces)
        """It has a context to hand on, in any format."""
        self.is_exempt = is_exempt
        """It owes no trace: health checks and the like are taken for nobody's cause."""
        self.end_ns: int | None = None
        """When its response was complete; None while it is open."""
        self.calls = 0
        """Requests that it is known to have caused."""
        self.is_received = self.is_call = False
        """Its server takes part, and its client does."""
        self.asked: Asked = (exchange.method, exchange.target)
        """What was known of it when it came in."""
