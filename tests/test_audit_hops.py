"""Hops by identifiers: what a service handed on shows what caused a request."""

import pytest
from hop_traffic import Field, Traffic, parent_id, trace_id, traceparent

from wiresniff.model.policy import Exemption, Policy

REQUEST_ID = (b"x-request-id", b"6b3e1f2a-90cd-4a51-8f13-2d7c55e0aa01")
OTHER_ID = (b"x-request-id", b"0c4d8e7f-1a2b-4c3d-9e8f-7a6b5c4d3e2f")
EARLIER: Field = traceparent(99, 99)


def open_shop(traffic: Traffic) -> None:
    """Let the shop be called and call out once, long before anything else: it is known to do both."""
    traffic.request("web", "shop", 0, 0.3, EARLIER)
    traffic.request("shop", "store", 0.1, 0.2, traceparent(99, 98))


def hop_of(came: tuple[Field, ...], went: tuple[Field, ...]) -> str:
    """Judge a request that left the shop while one was open that came in."""
    traffic = Traffic()
    traffic.request("web", "shop", 10, 11, *came)
    number = traffic.request("shop", "store", 10.2, 10.8, *went)
    return traffic.hops()[number]


B3 = (b"b3", f"{trace_id(1)}-{parent_id(3)}-1".encode())
B3_OF_64_BITS = (b"b3", f"{trace_id(1)[16:]}-{parent_id(3)}-1".encode())
JAEGER = (b"uber-trace-id", f"{trace_id(1)}:{parent_id(3)}:0:1".encode())
DATADOG = (
    (b"x-datadog-trace-id", str(int(trace_id(1)[16:], 16)).encode()),
    (b"x-datadog-parent-id", str(int(parent_id(3), 16)).encode()),
)
XRAY = (b"x-amzn-trace-id", f"Root=1-{trace_id(1)[:8]}-{trace_id(1)[8:]};Parent={parent_id(3)};Sampled=1".encode())
SHORT = (b"traceparent", f"00-{'0' * 16}{trace_id(1)[16:]}-{parent_id(3)}-01".encode())


def test_the_same_trace_with_a_new_parent_is_propagated() -> None:
    """A span was made on the way: nothing is to be said, and it is certain."""
    assert hop_of((traceparent(1, 1),), (traceparent(1, 2),)) == "propagated, certain, because of 0"


def test_the_same_trace_with_the_same_parent_passed_through() -> None:
    """No span was made: right for a proxy."""
    assert hop_of((traceparent(1, 1),), (traceparent(1, 1),)) == "passthrough, certain, because of 0"


@pytest.mark.parametrize("went", [(B3,), (B3_OF_64_BITS,), (JAEGER,), DATADOG, (XRAY,), (SHORT,)])
def test_a_trace_is_known_again_in_another_format(went: tuple[Field, ...]) -> None:
    """Ids of 128 bits are compared whole, those of 64 bits by their right halves; the other way round likewise."""
    assert hop_of((traceparent(1, 1),), went) == "propagated, certain, because of 0"
    assert hop_of(went, (traceparent(1, 1),)) == "propagated, certain, because of 0"


def test_halves_of_long_ids_are_not_compared() -> None:
    """Two traces whose ids have only their right halves in common are two traces."""
    twin = (b"traceparent", f"00-{trace_id(2)[:16]}{trace_id(1)[16:]}-{parent_id(3)}-01".encode())
    assert hop_of((traceparent(1, 1),), (twin,)) == "restarted, possible, because of 0"


def test_short_ids_of_any_form_prove_nothing() -> None:
    """A Request-Id may have any root; one of a few characters is not like no other."""
    assert "certain" not in hop_of(((b"request-id", b"|1.2."),), ((b"request-id", b"|1.3."),))


def test_a_request_id_that_was_handed_on_proves_the_cause() -> None:
    """The trace is gone, the id of the gateway is not."""
    assert hop_of((traceparent(1, 1), REQUEST_ID), (REQUEST_ID,)) == "dropped, certain, because of 0"
    assert hop_of((traceparent(1, 1), REQUEST_ID), (traceparent(2, 2), REQUEST_ID)) == (
        "restarted, certain, because of 0"
    )
    assert hop_of((REQUEST_ID,), (traceparent(2, 2), REQUEST_ID)) == "originated, certain, because of 0"
    assert hop_of((REQUEST_ID,), (REQUEST_ID,)) == "bare, certain, because of 0"


def test_a_traceparent_that_nobody_uses_is_still_like_no_other() -> None:
    """It was forwarded as it came, so what it came with is the cause; there was no context to hand on."""
    broken = (b"traceparent", traceparent(1, 1)[1].upper())
    assert hop_of((broken,), (broken,)) == "bare, certain, because of 0"
    assert hop_of((broken,), (traceparent(2, 2),)) == "originated, possible, because of 0"


@pytest.mark.parametrize("value", [b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-00", b"undefined", b"[object Object]"])
def test_a_broken_traceparent_that_many_send_proves_nothing(value: bytes) -> None:
    """Zeros and words are what broken senders all send."""
    assert "certain" not in hop_of(((b"traceparent", value),), ((b"traceparent", value),))


def test_members_of_tracestate_that_came_through_a_restart_prove_the_cause() -> None:
    """A new trace id with the old list: the sampler kept what it should have cleared."""
    member = (b"tracestate", b"congo=t61rcWkgMzE8f301b")
    assert hop_of((traceparent(1, 1), member), (traceparent(2, 2), member)) == (
        "restarted, certain, because of 0, restart-kept-tracestate"
    )


def test_constants_prove_nothing_once_two_requests_had_them() -> None:
    """The id of a tenant comes in with every request of his; then it is the time that speaks, not certainly."""
    traffic = Traffic()
    open_shop(traffic)
    tenant = (b"x-tenant", b"7d9f3c21-aaaa-4bcd-8e01-99887766fe54")
    traffic.request("web", "shop", 10, 14, traceparent(1, 1), tenant)
    traffic.request("web", "shop", 11, 14, tenant)
    went = traffic.request("shop", "store", 12, 13, tenant)
    assert traffic.hops()[went] == "undetermined: busy"


def test_a_constant_that_came_in_once_so_far_proves_little() -> None:
    """What has it may have been caused by something else: the request is over."""
    traffic = Traffic()
    open_shop(traffic)
    tenant = (b"x-tenant", b"7d9f3c21-aaaa-4bcd-8e01-99887766fe54")
    traffic.request("web", "shop", 10, 11, traceparent(1, 1), tenant)
    went = traffic.request("shop", "store", 50, 51, tenant)
    assert traffic.hops()[went] == "dropped, possible, because of 2"


def test_a_value_that_a_service_sends_by_itself_proves_nothing() -> None:
    """Its version, its cluster, its own new id: it did not come in first, so it says nothing of what came."""
    traffic = Traffic()
    traffic.request("web", "shop", 0, 0.3, EARLIER)
    traffic.request("shop", "store", 0.1, 0.2, traceparent(99, 98), REQUEST_ID)
    traffic.request("web", "shop", 10, 11, traceparent(1, 1), REQUEST_ID)
    went = traffic.request("shop", "store", 10.2, 10.8, REQUEST_ID)
    assert traffic.hops()[went] == "dropped, possible, because of 2"


def test_a_client_that_calls_two_with_one_id_while_one_calls_the_other() -> None:
    """At the store the id came in twice, by the client and by the shop: there it names neither."""
    traffic = Traffic()
    traffic.request("web", "shop", 10, 19, traceparent(1, 1), REQUEST_ID)
    traffic.request("web", "store", 10.1, 19, REQUEST_ID)
    asked = traffic.request("shop", "store", 11, 18, REQUEST_ID)
    went = traffic.request("store", "disk", 12, 17, REQUEST_ID)
    hops = traffic.hops()
    assert hops[asked] == "dropped, certain, because of 0"
    assert hops[went] == "bare, possible"


def test_two_ids_that_name_two_causes_name_none() -> None:
    """A call that merges two requests has no cause that is certain."""
    traffic = Traffic()
    traffic.request("web", "shop", 10, 14, traceparent(1, 1), REQUEST_ID)
    traffic.request("web", "shop", 11, 14, traceparent(2, 2), (b"x-batch-id", OTHER_ID[1]))
    went = traffic.request("shop", "store", 12, 13, REQUEST_ID, (b"x-batch-id", OTHER_ID[1]))
    assert traffic.hops()[went] == "dropped, possible"


@pytest.mark.parametrize("name", [b"authorization", b"cookie", b"x-api-key", b"x-session-id", b"x-csrf-token"])
def test_secrets_are_not_compared(name: bytes) -> None:
    """They are not even kept."""
    secret = (name, REQUEST_ID[1])
    assert hop_of((traceparent(1, 1), secret), (secret,)) == "dropped, possible, because of 0"


@pytest.mark.parametrize(
    "value", [b"1234567890123456789", b"production-eu-central", b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", b"1.2.3-rc1"]
)
def test_values_without_64_bits_prove_nothing(value: bytes) -> None:
    """Numbers of a few digits, words, versions."""
    assert "certain" not in hop_of((traceparent(1, 1), (b"x-any", value)), ((b"x-any", value),))


@pytest.mark.parametrize(
    "value", [b"12345678901234567890", b"8f14e45fceea167a", b"01ARZ3NDEKTSV4RRFFQ69G5FAV", REQUEST_ID[1]]
)
def test_values_of_64_bits_do(value: bytes) -> None:
    """Long numbers, hexadecimal digits, ULIDs, UUIDs."""
    assert "certain" in hop_of((traceparent(1, 1), (b"x-any", value)), ((b"x-any", value),))


def test_work_that_a_request_left_behind_is_known_by_its_trace() -> None:
    """However late, and whatever else is open: the trace says whose it is."""
    traffic = Traffic()
    came = traffic.request("web", "shop", 10, 11, traceparent(1, 1))
    traffic.request("web", "shop", 70, 80, traceparent(2, 2))
    went = traffic.request("shop", "store", 75, 76, traceparent(1, 3))
    assert traffic.hops()[went] == f"propagated, certain, because of {came}"


def test_beyond_the_horizon_it_is_not() -> None:
    """Ten minutes; what leaves then, with nothing open for long, began by itself as far as anybody can tell."""
    traffic = Traffic()
    open_shop(traffic)
    traffic.request("web", "shop", 10, 11, traceparent(1, 1))
    went = traffic.request("shop", "store", 612, 613, traceparent(1, 3))
    assert traffic.hops()[went] == "root, likely"


def test_all_calls_of_one_request_are_propagated() -> None:
    """Fan-out, retries included: each call has the trace and a parent of its own."""
    traffic = Traffic()
    came = traffic.request("web", "shop", 10, 12, traceparent(1, 1))
    calls = [traffic.request("shop", "store", 10.1 + n / 10, 11.5, traceparent(1, 2 + n)) for n in range(5)]
    hops = traffic.hops()
    assert {hops[call] for call in calls} == {f"propagated, certain, because of {came}"}


def test_a_trace_that_enters_twice_names_the_one_that_was_open() -> None:
    """A retrying client: its first request is over, so the second one waits for the call."""
    traffic = Traffic()
    traffic.request("web", "shop", 10, 11, traceparent(1, 1))
    came = traffic.request("web", "shop", 12, 13, traceparent(1, 2))
    went = traffic.request("shop", "store", 12.2, 12.8, traceparent(1, 3))
    assert traffic.hops()[went] == f"propagated, certain, because of {came}"


def test_a_trace_that_enters_twice_at_once_names_neither() -> None:
    """That it is handed on is certain all the same; what was done to it is said if both prove it."""
    traffic = Traffic()
    traffic.request("web", "shop", 10, 13, traceparent(1, 1, 1))
    traffic.request("web", "shop", 10.1, 13, traceparent(1, 2, 0))
    one = traffic.request("shop", "store", 11, 12, traceparent(1, 3, 0))
    other = traffic.request("shop", "store", 11, 12, traceparent(1, 4, 3))
    hops = traffic.hops()
    assert hops[one] == "propagated, certain"
    assert hops[other] == "propagated, certain, random-flag-flip"


def test_the_parent_tells_which_of_two_passed_through() -> None:
    """A proxy that a trace enters twice sends on two parents."""
    traffic = Traffic()
    traffic.request("web", "proxy", 10, 13, traceparent(1, 1))
    came = traffic.request("web", "proxy", 10.1, 13, traceparent(1, 2))
    went = traffic.request("proxy", "store", 11, 12, traceparent(1, 2))
    assert traffic.hops()[went] == f"passthrough, certain, because of {came}"


def test_of_a_trace_that_enters_often_the_parent_may_be_forgotten() -> None:
    """Eight requests are remembered of a trace; that a parent is new is then likely, that it is old still certain."""
    traffic = Traffic()
    for number in range(9):
        traffic.request("web", "shop", 10 + number / 100, 13, traceparent(1, number))
    new = traffic.request("shop", "store", 11, 12, traceparent(1, 100))
    forgotten = traffic.request("shop", "store", 11, 12, traceparent(1, 0))
    old = traffic.request("shop", "store", 11, 12, traceparent(1, 8))
    hops = traffic.hops()
    assert (hops[new], hops[forgotten]) == ("propagated, likely", "propagated, likely")
    assert hops[old] == "passthrough, certain, because of 8"
    assert traffic.evictions == {"hop-requests-per-trace": 1}


def test_a_trace_that_came_back_from_a_callee_may_have_begun_here() -> None:
    """The shop began it, the bank called back with it: one more call may belong to either."""
    traffic = Traffic()
    traffic.request("web", "shop", 10, 19)
    traffic.request("shop", "bank", 11, 18, traceparent(1, 1))
    traffic.request("bank", "shop", 12, 14, traceparent(1, 2), target=b"/webhook")
    went = traffic.request("shop", "store", 13, 13.5, traceparent(1, 3))
    again = traffic.request("shop", "store", 15, 16, traceparent(1, 4))
    hops = traffic.hops()
    assert hops[went].startswith("propagated, possible")
    assert hops[again].startswith("propagated, possible")


def test_a_gateway_that_is_called_by_those_behind_it_hands_on_what_it_is_asked() -> None:
    """It began the trace itself; but what it now asks for is what it was asked."""
    traffic = Traffic()
    traffic.request("web", "gate", 10, 19, target=b"/cart")
    traffic.request("gate", "cart", 11, 18, traceparent(1, 1), target=b"/cart")
    came = traffic.request("cart", "gate", 12, 17, traceparent(1, 2), target=b"/prices")
    went = traffic.request("gate", "prices", 13, 16, traceparent(1, 3), target=b"/prices")
    assert traffic.hops()[went] == f"propagated, likely, because of {came}"


def test_a_call_before_the_request_is_not_its_consequence() -> None:
    """Whoever sent the trace first did not get it from this request."""
    traffic = Traffic()
    open_shop(traffic)
    went = traffic.request("shop", "store", 10, 12, traceparent(1, 2))
    traffic.request("web", "shop", 11, 11.5, traceparent(1, 1))
    assert traffic.hops()[went] == "root, likely"


def test_a_health_check_is_nobodys_cause_by_its_id_either() -> None:
    """It owes no trace, and so do the calls made for it."""
    policy = Policy(exempt=(Exemption("warm-up", path="/warmup"),))
    traffic = Traffic(policy)
    open_shop(traffic)
    came = traffic.request("web", "shop", 10, 12, traceparent(1, 1), REQUEST_ID, target=b"/warmup")
    went = traffic.request("shop", "store", 11, 11.5, REQUEST_ID)
    assert traffic.hops()[went] == f"bare, likely, because of {came}"


def test_what_owes_no_trace_is_exempt() -> None:
    """Whatever was open."""
    traffic = Traffic(Policy(exempt=(Exemption("warm-up", path="/warmup"),)))
    traffic.request("web", "shop", 10, 12, traceparent(1, 1))
    went = traffic.request("shop", "store", 11, 11.5, target=b"/warmup")
    assert traffic.hops()[went] == "exempt, certain"
