"""Pairs: what is counted for whom does not depend on when names were learned."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiresniff.audit import pairs
from wiresniff.audit.pairs import Pairs
from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Traffic
from wiresniff.model.policy import Policy, Role, Service
from wiresniff.model.totals import OTHER
from wiresniff.services.names import Names

CLIENTS = [
    Endpoint("10.0.0.1", 40_000),
    Endpoint("10.0.0.1", 40_001),
    Endpoint("10.0.1.1", 40_001),
    Endpoint("203.0.113.9", 40_000),
]
SERVERS = [Endpoint("10.0.1.1", 80), Endpoint("10.0.1.2", 80), Endpoint("10.0.1.2", 81), Endpoint("10.0.0.1", 80)]
AUTHORITIES = [None, b"shop.example", b"pricing.example", b"10.0.1.1"]
ASKED = st.tuples(st.sampled_from(CLIENTS), st.sampled_from(SERVERS), st.sampled_from(AUTHORITIES))
POLICIES = [
    Policy(),
    Policy(
        services=(
            Service("front", ("10.0.0.1",), (40_000,)),
            Service("partner", ("10.0.0.1",), (40_001,), role=Role.EXTERNAL),
            Service("orders", ("10.0.1.2",), (81,)),
        )
    ),
    Policy(services=(Service("partner", ports=(40_001,), role=Role.EXTERNAL),)),
]
Asked = tuple[Endpoint, Endpoint, bytes | None]


def counted(asked: Sequence[Asked], policy: Policy) -> dict[tuple[str, str], tuple[int, bool]]:
    """Count requests; return how many each pair has, and whether an end of it is outside."""
    totals = Pairs(Names(policy))
    for client, server, authority in asked:
        totals.totals(client, server, authority, "http/1").requests += 1
    return {(pair.client, pair.server): (pair.requests, pair.external) for pair in totals.named()}


@given(st.lists(ASKED, max_size=30).flatmap(lambda asked: st.tuples(st.just(asked), st.permutations(asked))), st.data())
def test_the_order_of_requests_does_not_show(orders: tuple[list[Asked], list[Asked]], data: st.DataObject) -> None:
    """Requests that name no server are counted where they belong once all names are known."""
    policy = data.draw(st.sampled_from(POLICIES))
    one, other = orders
    assert counted(one, policy) == counted(other, policy)


def test_a_name_that_is_learned_later_counts_for_what_came_before() -> None:
    """A request of which just a part was seen, then one that says what the server is called."""
    client, server = CLIENTS[0], SERVERS[0]
    assert counted([(client, server, None), (client, server, b"shop.example")], Policy()) == {
        ("10.0.0.1", "shop.example"): (2, False)
    }


def test_clients_that_are_outside_by_their_port_are_not_mixed_up() -> None:
    """They have one name for a while, until one of them turns out to be two services."""
    (inside, one, other, _), server = CLIENTS, SERVERS[1]
    teaching = [(inside, SERVERS[3], b"shop.example"), (inside, SERVERS[0], b"shop.example")]
    asked: list[Asked] = [*teaching, (one, server, None), (other, server, None), (inside, SERVERS[0], b"price.example")]
    found = counted(asked, POLICIES[2])
    assert found[("shop.example", "10.0.1.2")] == found[("10.0.1.1", "10.0.1.2")] == (1, True)


def test_what_has_no_room_is_counted_as_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one pair, however many there are; what has a pair keeps it."""
    monkeypatch.setattr(pairs, "RAW_PAIRS", 1)
    totals = Pairs(Names(Policy()))
    for server in (*SERVERS, SERVERS[0]):
        totals.count_traffic(Traffic(CLIENTS[0], server, None, 5, 0, None))
    assert {(pair.client, pair.server): pair.parsed_bytes for pair in totals.named()} == {
        ("10.0.0.1", "10.0.1.1"): 10,
        (OTHER, OTHER): 15,
    }
    assert totals.evictions["pairs"] == 3
