"""Connections that are joined late: never a wrong value, never a false `missing`; most of what is missing is named."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from late_joining import NAMES_OF_CONSTANTS, NAMES_PER_REQUEST, SECOND, Client, Heard, Service, listen


def check(heard: list[Heard]) -> None:
    """Nothing is claimed that is not so."""
    for each in heard:
        truth = each.sent.traceparent
        if each.values:
            assert each.values == [truth]
        if each.is_missing:
            assert truth is None
        assert each.asked.target in (None, each.sent.path)


services = st.builds(
    Service,
    constants=st.lists(st.tuples(st.sampled_from(NAMES_OF_CONSTANTS), st.sampled_from([b"1", b"trailers", b"v2"]))),
    paths=st.lists(
        st.sampled_from([b"/", b"/cart", b"/shop.Cart/Get", b"/shop.Cart/Flush", b"/shop.Orders/List"]), min_size=1
    ),
    per_request=st.lists(st.sampled_from(NAMES_PER_REQUEST), unique=True, max_size=3).map(tuple),
    carries=st.sampled_from([0.0, 0.3, 0.8, 1.0]),
    is_odd=st.sampled_from([0.0, 0.0, 0.2]),
    never_indexed=st.frozensets(st.sampled_from([b"traceparent", b"x-request-id", b":path", b"te"])),
)


@given(
    st.lists(services, min_size=1, max_size=3),
    st.sampled_from([4096, 4096, 0, 64, 200, 400, 1000, 65536]),
    st.integers(0, 40),
    st.frozensets(st.integers(1, 60), max_size=2),
    st.integers(0, 2**32),
)
def test_nothing_wrong_is_said(
    clients: list[Service], table_bytes: int, joined: int, gaps: frozenset[int], seed: int
) -> None:
    """Whoever shares the connection, whatever the encoder indexes, wherever the listener joins or loses something."""
    chance = random.Random(seed)
    client = Client(clients, chance)
    client.encoder.header_table_size = table_bytes
    time_ns = 0
    for _ in range(joined + chance.randrange(1, 60)):
        time_ns += int(chance.expovariate(2) * SECOND)
        client.send(time_ns)
    check(listen(client.sent, joined, gaps=gaps))


GRPC_CONSTANTS = [(b"te", b"trailers"), (b"user-agent", b"grpc-python/1.6"), (b"content-type", b"application/grpc")]
METHODS = [b"/shop.Cart/Get", b"/shop.Cart/Add", b"/shop.Cart/List"]


def said_of_a_mix(seed: int, *, never_indexed: frozenset[bytes] = frozenset()) -> Counter[str]:
    """Count what is said of two services with the header on most requests, and of one method that drops it."""
    chance = random.Random(seed)
    client = Client(
        [
            Service([*GRPC_CONSTANTS, (b"x-tenant", b"1")], METHODS, (b"x-request-id",), 0.85, 0.05, never_indexed),
            Service([*GRPC_CONSTANTS, (b"x-tenant", b"2")], METHODS, (b"grpc-timeout",), 0.85, 0.05, never_indexed),
            Service(GRPC_CONSTANTS, [b"/shop.Cart/Flush"], (), 0.0, 0.0, never_indexed),
        ],
        chance,
    )
    time_ns = 0
    for _ in range(120):
        time_ns += int(chance.expovariate(4) * SECOND)
        client.send(time_ns)
    heard = listen(client.sent, chance.randrange(1, 40))
    check(heard)
    said = Counter("seen" if each.sent.traceparent is not None else "missing" for each in heard)
    said["found"] = sum(bool(each.values) for each in heard)
    said["named"] = sum(each.is_missing for each in heard)
    said["inferred"] = sum(each.asked.inferred for each in heard)
    return said


@pytest.mark.parametrize("never_indexed", [frozenset[bytes](), frozenset([b"traceparent"])])
def test_most_is_said(never_indexed: frozenset[bytes]) -> None:
    """Where other requests carry the header, nine of ten that lack it are named, and those that have it are found."""
    said: Counter[str] = Counter()
    for seed in range(20):
        said += said_of_a_mix(seed, never_indexed=never_indexed)
    assert said["named"] >= 0.9 * said["missing"]
    assert said["found"] >= 0.98 * said["seen"]
    assert said["inferred"] > 0.5 * said["named"]


@pytest.mark.parametrize("joined", [1, 4, 9])
def test_one_inbound_request_handed_on(joined: int) -> None:
    """A client that hands one traceparent to a dozen calls within seconds is not accused, wherever one joins."""
    chance = random.Random(7)
    client = Client([Service(GRPC_CONSTANTS, METHODS)], chance)
    for inbound in range(6):
        client.inbound = b"00-%032x-%016x-01" % (inbound + 1, inbound + 1)
        for call in range(12):
            client.send((inbound * 12 + call) * SECOND * 2 // 3)
    heard = listen(client.sent, joined)
    check(heard)
    assert sum(bool(each.values) for each in heard) == 60  # all but those whose value was sent before
    assert not any(each.is_missing for each in heard)
