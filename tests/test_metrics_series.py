"""Series: counters that never go down, however names change, pairs expire and counts begin anew."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiresniff.audit.pairs import Pairs
from wiresniff.metrics.series import InterfaceTable, Odometers, PairTable
from wiresniff.model import limits
from wiresniff.model.capture_state import InterfaceState
from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Traffic
from wiresniff.model.growth import Growth, Numbers, Reporter, numbers_of
from wiresniff.model.policy import Policy
from wiresniff.model.totals import OTHER, PairTotals
from wiresniff.services.locality import Locality
from wiresniff.services.names import Names

SECOND_NS = 10**9


def one_request(client: str = "web", server: str = "cart", *, is_external: bool = False) -> Growth:
    """One valid request."""
    return Growth(client, server, "http/1", Reporter.SERVER, is_external, Numbers(verdicts=(1, 0, 0, 0, 0)))


def ends(table: PairTable) -> set[tuple[str, str]]:
    """Who is in the table."""
    return {(pair.client, pair.server) for pair in table.pairs()}


def requests(table: PairTable) -> int:
    """All that the table counts."""
    return sum(pair.numbers.requests for pair in table.pairs())


def test_numbers_add_up_and_differ() -> None:
    """What is new is the difference, words included."""
    before = PairTotals("a", "b", "http/1", valid=2, faults=Counter(empty=1))
    after = PairTotals("a", "b", "http/1", valid=5, missing=1, faults=Counter({"empty": 1, "version-ff": 2}))
    after.opaque_bytes["tls"] = 70
    news = numbers_of(after).minus(numbers_of(before))
    assert (news.verdicts, news.faults, news.opaque_bytes) == ((3, 1, 0, 0, 0), {"version-ff": 2}, {"tls": 70})
    assert numbers_of(before).plus(news) == numbers_of(after)


STEPS = st.one_of(
    st.tuples(st.just("request"), st.integers(0, 3), st.integers(0, 2), st.sampled_from(["valid", "missing"])),
    st.tuples(st.just("bytes"), st.integers(0, 3), st.integers(0, 2), st.sampled_from(["tls", "upgrade"])),
    st.tuples(st.just("learn"), st.integers(0, 5), st.sampled_from(["cart", "orders"]), st.none()),
    st.tuples(st.just("scrape"), st.integers(0, 2000), st.none(), st.none()),
)


@given(st.lists(STEPS, max_size=40))
def test_counters_never_go_down_and_nothing_is_lost(steps: list[tuple[str, int, object, object]]) -> None:
    """Names are learned, pairs rest and expire: a series grows or is gone, and each request is counted once."""
    names = Names(Policy())
    pairs = Pairs(names, Locality(["10.0.0.1"]).reporter)
    table = PairTable(0)
    now, counted, gone, seen = 0, 0, 0, {}
    for what, number, other, word in [*steps, ("scrape", 0, None, None)]:
        client, server = Endpoint(f"10.0.0.{number + 1}", 4000), Endpoint(f"10.0.0.{other}", 80)
        if what == "request":
            totals = pairs.totals(client, server, None, "http/1")
            totals.requests += 1
            setattr(totals, str(word), getattr(totals, str(word)) + 1)
            counted += 1
        elif what == "bytes":
            pairs.count_traffic(Traffic(client, server, None, 5, 7, str(word)))
        elif what == "learn":
            names.learn(Endpoint(f"10.0.0.{number}", 80), str(other).encode())
        else:
            now += number
            table.add(pairs.growth(now * SECOND_NS), now)
            pairs.rest(now * SECOND_NS)
            series = {pair[:3]: pair.numbers for pair in table.pairs()}
            gone += sum(numbers.requests for key, numbers in seen.items() if key not in series)
            for key, numbers in series.items():
                less = numbers.minus(seen.get(key, Numbers()))
                assert min(*less.verdicts, *less.counts, *less.opaque_bytes.values(), 0) == 0
            seen = series
    assert requests(table) + gone == counted
    assert sum(totals.requests for totals in pairs.named()) == counted


def test_a_pair_goes_on_under_a_better_name_and_the_old_one_stands_still() -> None:
    """What was counted is not moved."""
    names = Names(Policy())
    pairs, table = Pairs(names), PairTable(0)
    client, server = Endpoint("10.0.0.1", 4000), Endpoint("10.0.0.2", 80)
    for now, learned in ((1, False), (2, True)):
        if learned:
            names.learn(Endpoint("10.0.0.1", 8080), b"web")
        totals = pairs.totals(client, server, b"cart", "http/1")
        totals.requests += 1
        totals.valid += 1
        table.add(pairs.growth(now * SECOND_NS), now)
    assert {pair.client: pair.numbers.requests for pair in table.pairs()} == {"10.0.0.1": 1, "web": 1}


def test_hops_come_after_their_requests() -> None:
    """They are news by themselves, and are counted for whoever's pair it is."""
    pairs, table = Pairs(Names(Policy())), PairTable(0)
    totals = pairs.totals(Endpoint("10.0.0.1", 4000), Endpoint("10.0.0.2", 80), b"cart", "http/1")
    totals.requests = totals.valid = 1
    table.add(pairs.growth(SECOND_NS), 1)
    assert [series.hops for series in table.hops()] == [{}]
    totals.hops.outcomes["propagated:certain"] += 1
    table.add(pairs.growth(2 * SECOND_NS), 2)
    assert pairs.growth(3 * SECOND_NS) == []
    assert table.hops() == (("10.0.0.1", "cart", {"propagated:certain": 1}),)
    assert requests(table) == 1


def test_hops_of_both_ends_are_one_series_for_as_long_as_either_is_there() -> None:
    """No label says which end is local; a sum that lost a part would go down."""
    table = PairTable(0)
    for at, reporter in enumerate((Reporter.CLIENT, Reporter.SERVER)):
        table.add([Growth("web", "cart", "http/1", reporter, False, Numbers(hops={"root:likely": 2}))], at)
    assert table.hops() == (("web", "cart", {"root:likely": 4}),)
    table.add([], limits.PAIR_SECONDS)
    assert len(table.pairs()) == 1
    assert table.hops() == (("web", "cart", {"root:likely": 4}),)
    table.add([], limits.PAIR_SECONDS + 1)
    assert table.hops() == ()


def test_an_idle_pair_expires_whole_and_comes_back_from_zero() -> None:
    """One that is busy stays."""
    table = PairTable(0)
    table.add([one_request("web"), one_request("batch")], 0)
    table.add([one_request("web")], limits.PAIR_SECONDS - 1)
    table.add([], limits.PAIR_SECONDS)
    assert ends(table) == {("web", "cart")}
    table.add([one_request("batch")], limits.PAIR_SECONDS + 1)
    assert {pair.client: pair.numbers.requests for pair in table.pairs()} == {"web": 2, "batch": 1}


def test_pairs_by_address_rest_when_idle_and_stay_in_the_report() -> None:
    """Their place is free for others; what is counted later joins them again by name."""
    names = Names(Policy())
    pairs = Pairs(names)
    client, server = Endpoint("10.0.0.1", 4000), Endpoint("10.0.0.2", 80)
    pairs.totals(client, server, b"cart", "http/1").requests += 1
    pairs.growth(SECOND_NS)
    assert not pairs.rest(2 * SECOND_NS)
    assert pairs.rest((limits.PAIR_SECONDS + 2) * SECOND_NS)
    pairs.totals(client, server, b"cart", "http/1").requests += 1
    (totals,) = pairs.named()
    assert (totals.server, totals.requests) == ("cart", 2)


def test_pairs_are_bounded_and_the_rest_is_other() -> None:
    """What does not fit is counted all the same."""
    table = PairTable(0)
    table.add((one_request(f"client-{number}") for number in range(limits.PAIRS + 7)), 0)
    assert len(table.pairs()) == limits.PAIRS + 1
    assert {pair.client: pair.numbers.requests for pair in table.pairs()}[OTHER] == 7
    assert requests(table) == limits.PAIRS + 7


def test_addresses_outside_do_not_push_services_out() -> None:
    """They have a share of the table; services take the rest."""
    table = PairTable(0)
    table.add((one_request("web", f"198.51.100.{number}", is_external=True) for number in range(limits.PAIRS)), 0)
    table.add((one_request(f"client-{number}") for number in range(100)), 0)
    assert sum(server.startswith("198.") for _, server in ends(table)) == limits.EXTERNAL_PAIRS
    assert {(f"client-{number}", "cart") for number in range(100)} <= ends(table)


def test_names_that_utf8_can_not_say_are_one_series_each() -> None:
    """A policy may hold a lone surrogate."""
    table = PairTable(0)
    table.add([one_request("\ud800"), one_request("\ud800")], 0)
    assert ends(table) == {("\\ud800", "cart")}


@given(st.lists(st.integers(0, 50)))
def test_odometers_go_up_only(counts: list[int]) -> None:
    """A count that is lower than before began anew."""
    odometers = Odometers()
    totals = [odometers.read({"gap_bytes": count})["gap_bytes"] for count in counts]
    assert totals == sorted(totals)
    assert not counts or totals[-1] >= max(counts)


def test_an_interface_that_was_opened_anew_goes_on_counting() -> None:
    """The kernel counts from 0 then."""
    table = InterfaceTable()
    for packets, total in ((10, 10), (25, 25), (5, 30), (6, 31)):
        assert table.read([InterfaceState("eth0", is_up=True, packets=packets)])[0].packets == total


def test_an_interface_that_is_gone_takes_its_series_along() -> None:
    """As pods come and go, so do theirs."""
    table = InterfaceTable()
    table.read([InterfaceState("veth1", is_up=True), InterfaceState("veth2", is_up=False)])
    assert [state.name for state in table.read([InterfaceState("veth2", is_up=True)])] == ["veth2"]


@pytest.mark.parametrize("up", [True, False])
def test_interfaces_are_bounded_and_the_rest_is_other(up: bool) -> None:
    """What they count is summed, and never less than before, also when some of them go."""
    table = InterfaceTable()
    states = [InterfaceState(f"veth{number}", is_up=True, packets=1) for number in range(limits.INTERFACE_SERIES)]
    more = [InterfaceState("extra1", is_up=True, packets=5), InterfaceState("extra2", is_up=up, packets=6)]
    series = {state.name: state for state in table.read([*states, *more])}
    assert (len(series), series[OTHER].packets, series[OTHER].is_up) == (limits.INTERFACE_SERIES + 1, 11, up)
    later = {state.name: state for state in table.read([*states, more[0]._replace(packets=9)])}
    assert later[OTHER].packets == 15


def test_the_reporter_is_the_end_that_is_local() -> None:
    """The server's where both are, and neither where nothing is known to be local."""
    local, far = Endpoint("10.0.0.1", 80), Endpoint("10.0.9.9", 80)
    locality = Locality(["10.0.0.1"])
    assert locality.reporter(local, far) is Reporter.CLIENT
    assert locality.reporter(far, local) is Reporter.SERVER
    assert locality.reporter(local, local) is Reporter.SERVER
    assert locality.reporter(far, far) is Reporter.CAPTURE
    assert locality.reporter(Endpoint("127.0.0.1", 1), Endpoint("127.0.0.1", 2)) is Reporter.SERVER
    assert Locality().reporter(Endpoint("127.0.0.1", 1), Endpoint("127.0.0.1", 2)) is Reporter.CAPTURE
