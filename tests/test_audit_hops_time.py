"""Hops by time: where no identifier is left, what was open around a request, if that leaves no choice."""

import pytest
from hop_traffic import Traffic, traceparent

from wiresniff.model import limits
from wiresniff.model.exchanges import Unseen
from wiresniff.model.policy import Exemption, Policy, Role, Service

OLD = traceparent(1_000_000, 1)


def shop(policy: Policy | None = None, *, calls: int = 0) -> Traffic:
    """Begin with a shop that is called and calls; so often, with one request open each and nothing in between.

    It hands on what it gets, by another trace: such calls teach how often it calls by itself, which is never.
    """
    traffic = Traffic(policy)
    traffic.request("web", "shop", 0, 0.3, OLD)
    traffic.request("shop", "store", 0.1, 0.2, traceparent(1_000_000, 2))
    for number in range(calls):
        began = 10 + 10 * number
        traffic.request("web", "shop", began, began + 1, traceparent(2_000_000 + number, 1))
        traffic.request("shop", "store", began + 0.2, began + 0.8, target=b"/price")
    return traffic


def test_a_call_without_a_context_while_one_request_had_one_is_dropped() -> None:
    """Possible at first: nothing is known of how often the shop calls by itself."""
    traffic = shop()
    came = traffic.request("web", "shop", 10, 11, traceparent(1, 1))
    went = traffic.request("shop", "store", 10.2, 10.8)
    assert traffic.hops()[went] == f"dropped, possible, because of {came}"


def test_another_trace_is_a_restart() -> None:
    """The shop began anew though it had something to go on with."""
    traffic = shop()
    came = traffic.request("web", "shop", 10, 11, traceparent(1, 1))
    went = traffic.request("shop", "store", 10.2, 10.8, traceparent(2, 2))
    assert traffic.hops()[went] == f"restarted, possible, because of {came}"


def test_with_nothing_to_go_on_with_it_is_none() -> None:
    """Whoever got no context may begin a trace, or leave it."""
    traffic = shop()
    came = traffic.request("web", "shop", 10, 11)
    one = traffic.request("shop", "store", 10.2, 10.8, traceparent(2, 2))
    other = traffic.request("shop", "store", 10.3, 10.8)
    hops = traffic.hops()
    assert hops[one] == f"originated, possible, because of {came}"
    assert hops[other] == f"bare, possible, because of {came}"


def test_calls_that_never_come_while_nothing_is_open_make_it_likely() -> None:
    """Twenty of them under one open request, none in ten times the time with none."""
    traffic = shop(calls=60)
    hops = traffic.hops()
    dropped = [hop for number, hop in hops.items() if hop.startswith("dropped")]
    assert len(dropped) == 60
    assert dropped[0].startswith("dropped, possible")
    assert dropped[-1].startswith("dropped, likely")


def test_calls_that_come_as_often_while_nothing_is_open_stay_possible() -> None:
    """A timer of the shop calls the store once in ten seconds, whether the shop is asked or not."""
    traffic = shop(calls=60)
    for number in range(60):
        traffic.request("shop", "store", 15 + 10 * number, 15.1 + 10 * number, target=b"/price")
    assert not [hop for hop in traffic.hops().values() if hop.startswith("dropped, likely")]


def test_calls_to_others_don_t_count() -> None:
    """The timer calls the mail server, which says nothing of calls to the store."""
    traffic = shop(calls=60)
    for number in range(60):
        traffic.request("shop", "mail", 15 + 10 * number, 15.1 + 10 * number)
    assert [hop for hop in traffic.hops().values() if hop.startswith("dropped, likely")]


def test_of_several_that_would_all_say_the_same_none_is_the_cause() -> None:
    """All that was open had a context, so whichever it was dropped it."""
    traffic = shop()
    traffic.request("web", "shop", 10, 13, traceparent(1, 1))
    traffic.request("web", "shop", 11, 13, traceparent(2, 1))
    went = traffic.request("shop", "store", 12, 12.5)
    assert traffic.hops()[went] == "dropped, possible"


def test_of_several_that_would_not_nothing_is_said() -> None:
    """One had a context and one had not."""
    traffic = shop()
    traffic.request("web", "shop", 10, 13, traceparent(1, 1))
    traffic.request("web", "shop", 11, 13)
    went = traffic.request("shop", "store", 12, 12.5)
    assert traffic.hops()[went] == "undetermined: busy"


def test_what_ended_before_the_call_did_was_not_waiting_for_it() -> None:
    """Of two, the one that was open for the whole of the call."""
    traffic = shop()
    traffic.request("web", "shop", 10, 12.2)
    came = traffic.request("web", "shop", 11, 13, traceparent(1, 1))
    went = traffic.request("shop", "store", 12, 12.5)
    assert traffic.hops()[went] == f"dropped, possible, because of {came}"


def test_a_call_that_outlives_all_that_was_open_has_no_known_cause() -> None:
    """Work that was left behind, or none of it."""
    traffic = shop()
    traffic.request("web", "shop", 10, 12.2, traceparent(1, 1))
    went = traffic.request("shop", "store", 12, 12.5)
    assert traffic.hops()[went] == "undetermined: cause-unknown"


@pytest.mark.parametrize(("after", "word"), [(2, "undetermined: cause-unknown"), (7, "bare, likely")])
def test_soon_after_a_request_its_work_may_go_on(after: float, word: str) -> None:
    """Five seconds without anything open, then what leaves began by itself."""
    traffic = shop()
    traffic.request("web", "shop", 10, 11, traceparent(1, 1))
    went = traffic.request("shop", "store", 11 + after, 11.5 + after)
    assert traffic.hops()[went] == word


def test_soon_is_as_long_as_the_longest_request() -> None:
    """A service that works for twenty seconds on a request may work for twenty more behind it."""
    traffic = shop()
    traffic.request("web", "shop", 10, 30, traceparent(1, 1))
    one = traffic.request("shop", "store", 45, 46, traceparent(2, 1))
    other = traffic.request("shop", "store", 51, 52, traceparent(3, 1))
    hops = traffic.hops()
    assert hops[one] == "undetermined: cause-unknown"
    assert hops[other] == "root, likely"


def test_five_open_requests_are_a_busy_service() -> None:
    """Then the pair gets a share, and the request no verdict; with four it may."""
    for number, word in ((4, "dropped, possible"), (5, "undetermined: busy")):
        traffic = shop()
        for each in range(number):
            traffic.request("web", "shop", 10 + each / 10, 13, traceparent(each, 1))
        went = traffic.request("shop", "store", 12, 12.5)
        assert traffic.hops()[went] == word


def test_identifiers_decide_however_busy_a_service_is() -> None:
    """Of a hundred open requests one had the trace."""
    traffic = shop()
    came = [traffic.request("web", "shop", 10 + each / 100, 13, traceparent(each, 1)) for each in range(100)]
    went = traffic.request("shop", "store", 12, 12.5, traceparent(70, 2))
    assert traffic.hops()[went] == f"propagated, certain, because of {came[70]}"


def test_streams_leave_the_candidates() -> None:
    """What is open for half a minute stays so by nature: it is everybody's candidate, and so nobody's."""
    traffic = shop()
    stream = traffic.request("web", "shop", 10, None)
    came = traffic.request("web", "shop", 100, 101, traceparent(1, 1))
    went = traffic.request("shop", "store", 100.2, 100.8)
    hops = traffic.hops()
    assert hops[went] == f"dropped, possible, because of {came}"
    assert f"because of {stream}" not in hops.values()


def test_behind_a_stream_nothing_is_sure_to_begin_by_itself() -> None:
    """It may be open still, and ask for anything."""
    traffic = shop()
    traffic.request("web", "shop", 10, None)
    one = traffic.request("shop", "store", 100, 101, traceparent(2, 1))
    other = traffic.request("shop", "store", 700, 701, traceparent(3, 1))
    hops = traffic.hops()
    assert hops[one] == "root, possible"
    assert hops[other] == "root, likely"


def test_health_checks_are_nobody_s_cause() -> None:
    """They are open when calls leave, and have nothing to do with them."""
    traffic = shop(Policy(exempt=(Exemption("warm-up", path="/warmup"),)))
    traffic.request("kubelet", "shop", 10, 19, target=b"/warmup")
    went = traffic.request("shop", "store", 12, 13, traceparent(3, 1))
    assert traffic.hops()[went] == "root, likely"


@pytest.mark.parametrize(("seconds", "said"), [(3, "possible"), (12, "likely")])
def test_where_only_health_checks_come_in_traces_begin(seconds: int, said: str) -> None:
    """A front door of a cluster, say: nothing that was watched caused them. What was open before shows in silence."""
    traffic = Traffic(Policy(exempt=(Exemption("warm-up", path="/warmup"),)))
    for number in range(10):
        traffic.request("kubelet", "shop", 1 + 10 * number, 2 + 10 * number, target=b"/warmup")
    root = traffic.request("shop", "store", seconds, seconds + 1, traceparent(3, 1))
    bare = traffic.request("shop", "store", seconds, seconds + 1)
    hops = traffic.hops()
    assert (hops[root], hops[bare]) == (f"root, {said}", f"bare, {said}")


def test_what_there_was_no_room_for_may_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """It came in, and nobody looks for its end: silence shows nothing."""
    monkeypatch.setattr(limits, "HOP_OPEN", 0)
    traffic = Traffic()
    traffic.request("web", "shop", 1, None)
    went = traffic.request("shop", "store", 12, 13, traceparent(3, 1))
    assert traffic.hops()[went] == "root, possible"


def test_a_client_that_nobody_calls_is_a_front_door() -> None:
    """What it sends begins traces, certainly as far as it was watched; and what it does not is bare."""
    traffic = Traffic()
    one = traffic.request("web", "shop", 10, 11, traceparent(1, 1))
    other = traffic.request("web", "shop", 10, 11)
    hops = traffic.hops()
    assert (hops[one], hops[other]) == ("root, certain", "bare, certain")


@pytest.mark.parametrize("block", [None, 0.25, 3])
def test_before_its_first_request_a_service_is_a_front_door(block: float | None) -> None:
    """Start-up: it calls for its configuration. The order in which packets are looked at changes nothing."""
    traffic = Traffic()
    early = traffic.request("shop", "store", 10, 11, traceparent(1, 1))
    lasting = traffic.request("shop", "store", 11, 16, traceparent(2, 1))
    came = traffic.request("web", "shop", 12, 14, traceparent(3, 1))
    went = traffic.request("shop", "store", 12.5, 13, traceparent(3, 2))
    hops = traffic.hops(block)
    assert (hops[early], hops[lasting]) == ("root, certain", "root, certain")
    assert hops[went] == f"propagated, certain, because of {came}"


def test_a_head_that_was_not_seen_refuses_a_verdict() -> None:
    """Of the call itself, or of what may be the cause; never of others by identifiers."""
    traffic = shop()
    traffic.request("web", "shop", 10, 13, unseen=Unseen.GAP, target=None)
    went = traffic.request("shop", "store", 11, 12)
    unseen = traffic.request("shop", "store", 11, 12, unseen=Unseen.TRUNCATED)
    known = traffic.request("web", "shop", 10.5, 13, traceparent(1, 1))
    joined = traffic.request("shop", "store", 11, 12, traceparent(1, 2))
    hops = traffic.hops()
    assert hops[went] == hops[unseen] == "undetermined: not-seen"
    assert hops[joined] == f"propagated, certain, because of {known}"


def test_on_a_loopback_address_time_says_nothing() -> None:
    """Everything there is on one address: only identifiers speak, and not certainly."""
    traffic = Traffic()
    traffic.request("127.0.0.1", "127.0.0.1", 10, 13, traceparent(1, 1), port=8001)
    bare = traffic.request("127.0.0.1", "127.0.0.1", 11, 12, port=8002)
    chained = traffic.request("127.0.0.1", "127.0.0.1", 11, 12, traceparent(1, 2), port=8002)
    passed = traffic.request("127.0.0.1", "127.0.0.1", 11.1, 12, traceparent(1, 1), port=8003)
    hops = traffic.hops()
    assert hops[bare] == "undetermined: instance-ambiguous"
    assert hops[chained] == "propagated, possible, because of 0"
    assert hops[passed] == "passthrough, likely, because of 0"


def test_two_calls_of_one_root_on_the_loopback_are_no_chain() -> None:
    """The second one began when the first was over: the one called first did not make it."""
    traffic = Traffic()
    traffic.request("127.0.0.1", "127.0.0.1", 10, 11, traceparent(1, 1), port=8001)
    second = traffic.request("127.0.0.1", "127.0.0.1", 12, 13, traceparent(1, 2), port=8002)
    again = traffic.request("127.0.0.1", "127.0.0.1", 14, 15, traceparent(1, 3), port=8001)
    hops = traffic.hops()
    assert hops[second] == hops[again] == "undetermined: instance-ambiguous"


def test_an_address_of_two_services_of_the_policy_is_shared() -> None:
    """Ports tell who is called there, not who calls."""
    node = ("10.0.0.0/32",)
    policy = Policy(
        services=(Service("shop", addresses=node, ports=(8001,)), Service("bank", addresses=node, ports=(8002,)))
    )
    traffic = Traffic(policy)
    traffic.request("10.0.9.9", "10.0.0.0", 10, 13, traceparent(1, 1), port=8001)
    went = traffic.request("10.0.0.0", "10.0.9.8", 11, 12)
    assert traffic.hops()[went] == "undetermined: instance-ambiguous"


def test_an_address_that_calls_itself_is_shared() -> None:
    """A sidecar, or two services of one host: which of them calls nobody can tell."""
    traffic = Traffic()
    traffic.request("web", "shop", 10, 13, traceparent(1, 1), port=15001)
    traffic.request("shop", "shop", 10.1, 12.9, traceparent(1, 1), port=8080)
    went = traffic.request("shop", "store", 11, 12)
    assert traffic.hops()[went] == "undetermined: instance-ambiguous"


PROXY = Policy(services=(Service("edge", addresses=("10.0.0.1/32",), role=Role.PROXY),))


def edge(policy: Policy = PROXY, *, learned: int = 0) -> Traffic:
    """Begin with a proxy that is told of by the policy, or that has handed on so many requests."""
    traffic = Traffic(policy)
    traffic.request("web", "edge", 0, 0.3, OLD)
    traffic.request("edge", "store", 0.1, 0.2, OLD)
    assert traffic.address("edge") == "10.0.0.1"
    for number in range(learned):
        traffic.request("web", "edge", 1 + number, 1.5 + number, traceparent(number + 50, 1), target=b"/%d" % number)
        traffic.request(
            "edge", "store", 1.1 + number, 1.4 + number, traceparent(number + 50, 1), target=b"/%d" % number
        )
    return traffic


@pytest.mark.parametrize("policy", [PROXY, Policy()])
def test_a_proxy_asks_for_what_it_was_asked(policy: Policy) -> None:
    """However busy it is: both sights of one request have the same target."""
    traffic = edge(policy, learned=30)
    came = [traffic.request("web", "edge", 100, 105, traceparent(n, 1), target=b"/item/%d" % n) for n in range(20)]
    bare = traffic.request("edge", "store", 101, 104, target=b"/item/7")
    hops = traffic.hops()
    assert hops[bare] == f"dropped, likely, because of {came[7]}"


def test_a_proxy_that_was_asked_the_same_by_many_is_busy() -> None:
    """With five and more alike nothing is said, with fewer it is possible; with other targets the cause is unknown."""
    for number, word in ((3, "dropped, possible"), (5, "undetermined: busy")):
        traffic = edge()
        for each in range(number):
            traffic.request("web", "edge", 100 + each / 10, 105, traceparent(each, 1), target=b"/cart")
        went = traffic.request("edge", "store", 102, 103, target=b"/cart")
        own = traffic.request("edge", "store", 102, 103, target=b"/config")
        hops = traffic.hops()
        assert hops[went] == word
        assert hops[own] == "undetermined: cause-unknown"


def test_at_a_proxy_a_head_that_was_not_seen_may_be_the_same_request() -> None:
    """It has no target to compare."""
    traffic = edge()
    traffic.request("web", "edge", 100, 105, traceparent(1, 1), target=b"/cart")
    traffic.request("web", "edge", 100, 105, unseen=Unseen.GAP, target=None)
    went = traffic.request("edge", "store", 102, 103, target=b"/cart")
    assert traffic.hops()[went] == "undetermined: not-seen"


def test_a_service_with_fan_out_is_no_proxy() -> None:
    """It calls twice for each request, though for what it was asked: then time decides, which needs to know more."""
    traffic = Traffic()
    for number in range(30):
        traffic.request("web", "shop", 10 * number, 10 * number + 1, traceparent(number, 1))
        for part in (1, 2):
            traffic.request("shop", "store", 10 * number + part / 5, 10 * number + 0.9, traceparent(number, 1 + part))
    for number in range(4):
        traffic.request("web", "shop", 400 + number / 10, 409, traceparent(number, 5), target=b"/%d" % number)
    went = traffic.request("shop", "store", 402, 403, target=b"/2")
    assert traffic.hops()[went] == "dropped, possible"


def test_what_a_proxy_does_to_a_context_is_told_by_time_as_well() -> None:
    """It begins the trace anew and keeps the list."""
    traffic = edge()
    member = (b"tracestate", b"x=1,congo=t61")
    came = traffic.request("web", "edge", 100, 105, traceparent(1, 1), member, target=b"/cart")
    went = traffic.request("edge", "store", 102, 103, traceparent(2, 1), member, target=b"/cart")
    assert traffic.hops()[went] == f"restarted, likely, because of {came}, restart-kept-tracestate"
