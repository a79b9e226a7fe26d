"""What was done to a context that was handed on: what the standard allows, and what it does not."""

import pytest
from hop_traffic import Field, Traffic, parent_id, trace_id, traceparent

from wiresniff import tracecontext
from wiresniff.audit.hops.changes import changes_between


def changes(came: tuple[Field, ...], went: tuple[Field, ...]) -> list[str]:
    """Compare two requests."""
    received, sent = (tracecontext.read(list(fields), 2, trimmed=True) for fields in (came, went))
    return [str(change) for change in changes_between(received, sent)]


@pytest.mark.parametrize(
    ("came", "went", "found"),
    [
        # flags, with a new parent-id (F5, F6, M3)
        (traceparent(1, 1, 1), traceparent(1, 2, 1), []),
        (traceparent(1, 1, 1), traceparent(1, 2, 0), ["sampled-flag-flip"]),
        (traceparent(1, 1, 0), traceparent(1, 2, 1), ["sampled-flag-flip"]),
        (traceparent(1, 1, 3), traceparent(1, 2, 1), ["random-flag-flip"]),
        (traceparent(1, 1, 1), traceparent(1, 2, 3), ["random-flag-flip"]),
        (traceparent(1, 1, 9), traceparent(1, 2, 1), []),
        (traceparent(1, 1, 1), traceparent(1, 2, 9), ["illegal-mutation"]),
        # with the same one
        (traceparent(1, 1, 1), traceparent(1, 1, 1), []),
        (traceparent(1, 1, 1), traceparent(1, 1, 0), ["sampled-changed-without-new-parent"]),
        (traceparent(1, 1, 0), traceparent(1, 1, 3), ["sampled-changed-without-new-parent", "random-flag-flip"]),
        # versions (M3): a higher one may be lowered, never raised; its other flags mean nothing to us
        (traceparent(1, 1, 1, "01"), traceparent(1, 2, 1, "00"), []),
        (traceparent(1, 1, 3, "01"), traceparent(1, 2, 1, "00"), []),
        (traceparent(1, 1, 1, "00"), traceparent(1, 2, 1, "01"), ["illegal-mutation"]),
        (traceparent(1, 1, 1, "cc"), traceparent(1, 2, 0xF1, "cc"), []),
        # another trace is no change of this one
        (traceparent(1, 1, 1), traceparent(2, 2, 8), []),
    ],
)
def test_flags_and_versions(came: Field, went: Field, found: list[str]) -> None:
    """Both fields are whole; what was changed is named."""
    assert changes((came,), (went,)) == found


def test_an_id_of_64_bits_is_the_same_trace() -> None:
    """The left half was lost on the way through another format: no restart, and flags are compared."""
    short = (b"traceparent", f"00-{'0' * 16}{trace_id(1)[16:]}-{parent_id(2)}-00".encode())
    state = (b"tracestate", b"a=1,b=2")
    assert changes((traceparent(1, 1), state), (short, state)) == ["sampled-flag-flip"]


FULL = b",".join(b"k%d=%d" % (n, n) for n in range(32))
LONG = b",".join(b"k%d=%s" % (n, b"x" * 100) for n in range(8))


@pytest.mark.parametrize(
    ("came", "went", "found"),
    [
        (b"a=1,b=2", b"a=1,b=2", []),
        (b"a=1,b=2", None, ["tracestate-dropped"]),
        (b"a=1,b=2", b"", ["tracestate-dropped"]),
        (b"a=1,b=2", b"own=3,a=1,b=2", []),
        (b"a=1,b=2", b"own=3,b=2", ["tracestate-dropped"]),
        (b"a=1", b"own=3", ["tracestate-dropped"]),
        # the sender's own member moves to the left, changed or not (M8)
        (b"a=1,b=2,own=3", b"own=4,a=1,b=2", []),
        (b"a=1,b=2,own=3", b"own=3,a=1,b=2", []),
        (b"own=3,a=1", b"own=4,a=1", []),
        (b"own=33", b"own=3", []),
        # nobody else's does
        (b"a=1,b=2,c=3", b"own=4,b=2,a=1,c=3", ["tracestate-reordered"]),
        (b"a=1,b=2,c=3", b"a=1,c=3,b=2", ["tracestate-reordered"]),
        (b"a=1,b=2", b"own=4,a=9,b=2", ["tracestate-altered"]),
        # leading blanks are part of a value, trailing ones are not (S11)
        (b"a=1,b= 2", b"own=4,a=1,b=2", ["tracestate-altered"]),
        (b"a=1 ,\tb=2", b"own=4,a=1,b=2", []),
        # empty members are nothing (S6); of two with one key one may go (S13)
        (b"a=1,,b=2,", b"own=4,a=1,b=2", []),
        (b"a=1,b=2,a=3", b"own=4,a=1,b=2", []),
        # a full list loses its right-most member to a new one (S7)
        (FULL, b"own=1," + FULL.rpartition(b",")[0], []),
        (FULL, b"own=1," + FULL.partition(b",")[2], ["tracestate-dropped"]),
        (FULL, b"own=1," + FULL.rpartition(b",")[0].rpartition(b",")[0], ["tracestate-dropped"]),
        # a list of more than 512 characters may lose whole members, never part of one (S15)
        (LONG, b"own=1," + b",".join(LONG.split(b",")[:5]), []),
        (LONG, b"own=1," + b",".join(LONG.split(b",")[:5])[:-7], ["tracestate-cut"]),
        (LONG, b"own=1," + b",".join(LONG.split(b",")[:5]) + b",k5", ["tracestate-cut"]),
        (b"a=1,b=22", b"own=1,a=1,b=2", ["tracestate-cut"]),
    ],
)
def test_tracestate_with_a_new_parent(came: bytes, went: bytes | None, found: list[str]) -> None:
    """A span was made: its maker's member may be new, and first."""
    sent = () if went is None else ((b"tracestate", went),)
    assert changes((traceparent(1, 1), (b"tracestate", came)), (traceparent(1, 2), *sent)) == found


@pytest.mark.parametrize(
    ("came", "went", "found"),
    [
        (b"a=1,b=2", b"a=1,b=2", []),
        (b"a=1, b=2", b"a=1,b=2", []),
        (b"a=1,b=2", None, ["tracestate-dropped"]),
        (b"a=1,b=2", b"a=1", ["tracestate-dropped"]),
        (b"a=1,b=2", b"own=3,a=1,b=2", ["tracestate-altered"]),
        (b"a=1,b=2", b"b=2,a=1", ["tracestate-altered"]),
        (b"a=11", b"a=1", ["tracestate-cut"]),
    ],
)
def test_tracestate_with_the_same_parent(came: bytes, went: bytes | None, found: list[str]) -> None:
    """Whoever leaves the traceparent as it is must leave this, too (M6)."""
    sent = () if went is None else ((b"tracestate", went),)
    assert changes((traceparent(1, 1), (b"tracestate", came)), (traceparent(1, 1), *sent)) == found


def test_several_fields_are_one_list() -> None:
    """Combined in order (S1); what is invalid is not compared."""
    came = (traceparent(1, 1), (b"tracestate", b"a=1"), (b"tracestate", b"b=2"))
    assert changes(came, (traceparent(1, 2), (b"tracestate", b"own=1,a=1,b=2"))) == []
    assert changes(came, (traceparent(1, 2), (b"tracestate", b"own=1,b=2,a=1"))) == ["tracestate-reordered"]
    assert changes((traceparent(1, 1), (b"tracestate", b"=1,b=2")), (traceparent(1, 2),)) == []


@pytest.mark.parametrize(
    ("came", "went", "found"),
    [
        (b"a=1,b=2", b"a=1,b=2", ["restart-kept-tracestate"]),
        (b"a=1,b=2", b"own=9,b=2", ["restart-kept-tracestate"]),
        (b"a=1,b=2", None, []),
        (b"a=1,b=2", b"own=9", []),
        # the sender's vendor says the same of every trace; what is like no other was kept
        (b"es=s:1,b=2", b"es=s:1", []),
        (b"congo=t61rcWkgMzE8f301b,b=2", b"congo=t61rcWkgMzE8f301b", ["restart-kept-tracestate"]),
    ],
)
def test_tracestate_through_a_restart(came: bytes, went: bytes | None, found: list[str]) -> None:
    """A new trace should begin with an empty list (M4)."""
    sent = () if went is None else ((b"tracestate", went),)
    assert changes((traceparent(1, 1), (b"tracestate", came)), (traceparent(2, 2), *sent)) == found


MANY = b",".join(b"k%d=%d" % (n, n) for n in range(65))
HUGE = b"a=" + b"x" * 8000 + b",b=" + b"y" * 300


@pytest.mark.parametrize(
    ("came", "went", "found"),
    [
        (b"user=7,plan=gold", b"user=7,plan=gold", []),
        (b"user=7,plan=gold", b"plan=gold, user=7;p=1,more=1", []),
        (b"user = 7", b"user=7", []),
        (b"user=7,plan=gold", None, ["baggage-dropped"]),
        (b"user=7,plan=gold", b"user=7", ["baggage-dropped"]),
        (b"user=7,plan=gold", b"user=7,plan=go", ["baggage-cut"]),
        (b"user=7,plan=gold", b"user=7,pl", ["baggage-cut"]),
        # beyond what must be passed on (B6)
        (MANY, b"k1=1", []),
        (HUGE, None, []),
    ],
)
def test_baggage(came: bytes, went: bytes | None, found: list[str]) -> None:
    """It goes on to all that is called, with or without a trace."""
    sent = () if went is None else ((b"baggage", went),)
    for context in ((traceparent(1, 1),), ()):
        assert changes((*context, (b"baggage", came)), (*context, *sent)) == found


def test_changes_are_counted_with_their_witnesses() -> None:
    """Both requests: the one that came in, and the one that left."""
    traffic = Traffic()
    traffic.request("web", "shop", 10, 11, traceparent(1, 1, 1), (b"tracestate", b"a=1"))
    went = traffic.request("shop", "store", 10.2, 10.8, traceparent(1, 2, 0))
    assert traffic.hops()[went] == "propagated, certain, because of 0, sampled-flag-flip, tracestate-dropped"
    pair = traffic.pair("shop", "store")
    assert dict(pair.hops.changes) == {"sampled-flag-flip": 1, "tracestate-dropped": 1}
    (witness,) = pair.witnesses["tracestate-dropped"]
    assert witness.cause is not None
    assert (witness.packet, witness.cause.packet) == (2, 1)
    assert witness.cause.values == (traceparent(1, 1, 1)[1].decode(), "a=1")


@pytest.mark.parametrize(
    "value",
    [b"", b",", b"=", b"a", b"a=", b"=a", b",,,,", b"a=" + b"\xff" * 40, b"a=\x00,b=\r", b"a=1," * 5000, b"=" * 5000],
)
def test_hostile_lists_end_nothing(value: bytes) -> None:
    """Anything against anything, as tracestate and as baggage."""
    for name in (b"tracestate", b"baggage"):
        for other in (b"a=1,b=2", value, b""):
            changes((traceparent(1, 1), (name, value)), (traceparent(1, 2), (name, other)))
            changes((traceparent(1, 1), (name, other)), (traceparent(1, 1), (name, value)))
            changes((traceparent(1, 1), (name, other)), (traceparent(2, 1), (name, value)))
