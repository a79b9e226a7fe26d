"""Witnesses: what is shown of a request, and of the one that caused it."""

from wiresniff.audit.witnesses import Witnesses
from wiresniff.model.context import ABSENT, Carrier, Presence, Reading, TraceContext
from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Channel, Exchange
from wiresniff.model.findings import Witness
from wiresniff.model.policy import Keep, Privacy
from wiresniff.model.totals import PairTotals

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VALUE = f"00-{TRACE}-{SPAN}-01"
TRACED = ABSENT._replace(
    presence=Presence.VALID, context=TraceContext("00", TRACE, SPAN, 1), tracestate="valid",
    traceparents=(VALUE.encode(),), tracestates=(b"dd=s:1",),
)  # fmt: skip
ELSEWHERE = ABSENT._replace(carriers=(Carrier("request-id", None, None, None), Carrier("b3", TRACE, SPAN, True)))


def exchange(packet: int) -> Exchange:
    """One request in some packet."""
    channel = Channel(Endpoint("10.0.0.11", 40_000), Endpoint("10.0.0.12", 8080), 0)
    return Exchange(channel, "http/1", "1.1", packet, 0, packet, 1, b"GET", b"/price", [])


def chained(received: Reading | None, sent: Reading, privacy: Privacy | None = None) -> Witness:
    """Return the witness of a request, in packet 7, that another one in packet 4 caused."""
    totals = PairTotals("orders", "pricing", "http/1")
    cause = (exchange(4), received) if received is not None else None
    Witnesses(privacy or Privacy()).offer_chain(totals, "dropped", (exchange(7), sent), cause)
    (witness,) = totals.witnesses["dropped"]
    return witness


def test_both_values_are_there() -> None:
    """With tracestate, though nothing is wrong with it: something was done to it, or nothing."""
    witness = chained(TRACED, ABSENT)
    assert witness.cause is not None
    assert (witness.packet, witness.trace_id, witness.values) == (7, None, ())
    assert (witness.cause.packet, witness.cause.trace_id) == (4, TRACE)
    assert witness.cause.values == (VALUE, "dd=s:1")
    assert witness.cause.cause is None


def test_a_trace_of_another_format_is_named() -> None:
    """A cause with b3 had a trace to hand on, and the report must not say that it had none."""
    witness = chained(ELSEWHERE, ABSENT)
    assert witness.cause is not None
    assert (witness.cause.trace_id, witness.cause.values) == (TRACE, ())


def test_ids_are_hidden_in_causes_too() -> None:
    """Values hold them, so values go."""
    witness = chained(TRACED, ELSEWHERE, Privacy(ids=Keep.SHORT))
    assert witness.cause is not None
    assert (witness.trace_id, witness.values) == (TRACE[:8], ())
    assert (witness.cause.trace_id, witness.cause.values) == (TRACE[:8], ())


def test_a_cause_that_is_not_known_is_none() -> None:
    """The request itself is a witness all the same."""
    assert chained(None, ABSENT).cause is None
