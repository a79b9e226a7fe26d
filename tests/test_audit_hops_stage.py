"""The stage of hops: late news, order, bounds, and what is forgotten."""

from collections import Counter

import pytest
from hop_traffic import SECOND, START_NS, Traffic, traceparent

from wiresniff.audit.hops import Hops
from wiresniff.audit.hops.inbound import Inbound, identity_of
from wiresniff.audit.hops.instance import EXPECTED_CALLS, LATE, Instance
from wiresniff.audit.hops.register import Outlines, Register
from wiresniff.audit.hops.roles import Roles
from wiresniff.model import limits
from wiresniff.model.context import ABSENT, Presence, Reading, TraceContext
from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Channel, Exchange
from wiresniff.model.hops import Doubt, Hop, Outcome
from wiresniff.model.verdicts import Confidence, Judgement, Verdict

REQUEST_ID = (b"x-request-id", b"6b3e1f2a-90cd-4a51-8f13-2d7c55e0aa01")


# --- blocks and order ---


def test_a_server_that_calls_for_the_first_time_had_been_called() -> None:
    """The last of what it received is recalled, whether it is over or still open."""
    for block in (None, 0.1, 2):
        traffic = Traffic()
        over = traffic.request("web", "shop", 1, 2, traceparent(1, 1))
        still = traffic.request("web", "shop", 3, 19, traceparent(2, 1))
        one = traffic.request("shop", "store", 10, 11, traceparent(1, 2))
        other = traffic.request("shop", "store", 12, 13)
        hops = traffic.hops(block)
        assert hops[one] == f"propagated, certain, because of {over}"
        assert hops[other] == f"dropped, possible, because of {still}"


def test_of_what_it_received_long_ago_the_last_few_are_recalled() -> None:
    """A server may be called a million times before it calls."""
    traffic = Traffic()
    for number in range(limits.HOP_RECENT + 5):
        traffic.request("web", "shop", number, number + 0.5, traceparent(number, 1))
    known = traffic.request("shop", "store", 100, 101, traceparent(5, 2))
    forgotten = traffic.request("shop", "store", 102, 103, traceparent(4, 2))
    hops = traffic.hops(1)
    assert hops[known] == "propagated, certain, because of 5"
    assert hops[forgotten] == "root, likely"


def test_packets_out_of_order_within_a_second_change_nothing() -> None:
    """The request that came in is told of after the call, as captures have it now and then."""
    traffic = Traffic()
    came = traffic.request("web", "shop", 10, 11, traceparent(1, 1))
    went = traffic.request("shop", "store", 10.2, 10.8, traceparent(1, 2))
    assert traffic.hops(order=[went, came])[went] == f"propagated, certain, because of {came}"


def test_requests_of_one_instant_are_taken_by_their_packets() -> None:
    """A clock of milliseconds: what came in first stands first in the capture."""
    traffic = Traffic()
    traffic.request("web", "shop", 1, 2, traceparent(9, 1))
    early = traffic.request("shop", "store", 10, 10, traceparent(1, 2))
    came = traffic.request("web", "shop", 10, 10, traceparent(1, 1))
    late = traffic.request("shop", "store", 10, 10)
    for order in ([0, 1, 2, 3], [3, 2, 1, 0]):
        hops = traffic.hops(order=order)
        assert hops[late] == f"dropped, possible, because of {came}"
        assert "restarted" not in hops[early]


def test_several_capture_points_have_several_clocks() -> None:
    """A second apart, what came in seems to come after: the trace shows it all the same, time alone does not."""
    traffic = Traffic(late_ns=32 * SECOND)
    traffic.request("web", "shop", 1, 2, traceparent(9, 1), point=1)
    traffic.request("shop", "store", 1.2, 1.8, traceparent(9, 2), point=0)
    came = traffic.request("web", "shop", 11, 12, traceparent(1, 1), point=1)
    went = traffic.request("shop", "store", 10.2, 10.8, traceparent(1, 2), point=0)
    follows = traffic.request("shop", "store", 11.2, 11.8, traceparent(1, 3), point=0)
    hops = traffic.hops(0.5)
    assert hops[went] == f"propagated, likely, because of {came}"
    assert hops[follows] == f"propagated, certain, because of {came}"


def test_with_several_clocks_time_is_never_likely() -> None:
    """Sixty calls in sixty requests, none in between, but seen from elsewhere."""
    for point, word in ((0, "dropped, likely"), (1, "dropped, possible")):
        traffic = Traffic(late_ns=32 * SECOND)
        for number in range(60):
            traffic.request("web", "shop", 10 * number, 10 * number + 1, traceparent(number, 1))
            traffic.request("shop", "store", 10 * number + 0.2, 10 * number + 0.8, point=point)
        assert traffic.hops()[119].startswith(word)


# --- what becomes known late (HTTP/2 joined late) ---


class Wire:
    """Feeds the stage itself, step by step."""

    def __init__(self) -> None:
        self.judged: list[tuple[Judgement, Hop]] = []
        self.readings: dict[Exchange, Reading] = {}
        self.hops = Hops(lambda exchange: (self.readings[exchange], False), self, self._count)
        self._packets = 0

    def is_shared(self, _: str) -> bool:
        """Nobody shares an address."""
        return False

    def is_proxy(self, _: str) -> bool:
        """Nobody is a proxy by policy."""
        return False

    def _count(self, judgement: Judgement, judged: object, _: object) -> None:
        self.judged.append((judgement, judged.hop))  # type: ignore[attr-defined]

    def exchange(self, channel: Channel, began: float, trace: str | None = None) -> Exchange:
        """Make a request with a plain context, or none."""
        self._packets += 1
        time_ns = START_NS + round(began * SECOND)
        exchange = Exchange(channel, "http/2", "2", time_ns, 0, self._packets, 0, b"GET", b"/", [])
        self.readings[exchange] = reading_of(trace, self._packets)
        return exchange

    def open(self, exchange: Exchange) -> None:
        """Announce a request."""
        exchange.is_announced = True
        self.meet(exchange.channel)
        self.hops.open(exchange)

    def meet(self, channel: Channel) -> None:
        """Meet a connection once."""
        if not channel.is_met:
            self.hops.meet(channel)

    def end(self, exchange: Exchange, ended: float) -> None:
        """Settle a request."""
        exchange.end_time_ns, exchange.complete = START_NS + round(ended * SECOND), True
        self.meet(exchange.channel)
        self.hops.feed(judgement_of(exchange, self.readings[exchange]), exchange.end_time_ns, keeps=True)

    def advance(self, now: float) -> None:
        """Let time pass."""
        for _ in self.hops.advance(START_NS + round(now * SECOND)):
            pass

    def close(self) -> list[Hop]:
        """Return all hops, in the order in which they were judged."""
        for _ in self.hops.close():
            pass
        return [hop for _, hop in self.judged]


def reading_of(trace: str | None, parent: int) -> Reading:
    """Make the reading of a plain traceparent."""
    if trace is None:
        return ABSENT
    return ABSENT._replace(presence=Presence.VALID, context=TraceContext("00", trace, f"{parent:016x}", 1))


def judgement_of(exchange: Exchange, reading: Reading) -> Judgement:
    """Judge a request as far as it goes before its hop."""
    verdict = Verdict.VALID if reading.context else Verdict.MISSING
    return Judgement(
        exchange, exchange.client.address, exchange.server.address, reading, verdict, Confidence.CERTAIN, None
    )


def channel(client: str, server: str, port: int = 40_000) -> Channel:
    """Connect two services."""
    return Channel(Endpoint(client, port), Endpoint(server, 80), 0)


T1, T2 = "4bf92f3577b34da6a3ce929d0e0e4736", "0af7651916cd43dd8448eb211c80319c"


def test_what_a_head_says_may_be_known_only_later() -> None:
    """Until then it may be the cause of anything; from then on its trace is known, and so is what it asks for."""
    wire = Wire()
    inside, outside = channel("web", "shop"), channel("shop", "store")
    came = wire.exchange(inside, 10)
    came.is_settled, came.method, came.target = False, None, None
    wire.open(came)
    early = wire.exchange(outside, 11)
    wire.open(early)
    wire.end(early, 12)
    wire.advance(15)
    came.is_settled, came.method, came.target = True, b"GET", b"/cart"
    wire.readings[came] = reading_of(T1, 7)
    wire.end(came, 16)
    late = wire.exchange(outside, 17, T1)
    wire.end(late, 18)
    early_hop, _, late_hop = wire.close()
    assert early_hop.doubt is Doubt.NOT_SEEN
    assert (late_hop.outcome, late_hop.confidence, late_hop.cause) == (Outcome.PROPAGATED, Confidence.CERTAIN, came)


def test_a_call_that_is_told_of_too_late_is_not_judged_by_time() -> None:
    """What was open when it left is not known any more; its trace still speaks."""
    wire = Wire()
    inside, outside = channel("web", "shop"), channel("shop", "store")
    for began in (1, 10):
        came = wire.exchange(inside, began, T1 if began == 1 else T2)
        wire.open(came)
        bare, joined = wire.exchange(outside, began + 0.1), wire.exchange(outside, began + 0.2, T2)
        wire.meet(outside)
        wire.end(came, began + 5)
        wire.advance(began + 8)
    wire.end(bare, 10.3)
    wire.end(joined, 10.4)
    *_, one, other = wire.close()
    assert one.doubt is Doubt.NOT_SEEN
    assert (other.outcome, other.confidence) == (Outcome.PROPAGATED, Confidence.CERTAIN)


def test_a_connection_that_is_given_up_leaves_nothing_open() -> None:
    """Its requests are never settled; a minute later nobody takes them for a cause."""
    wire = Wire()
    inside, outside = channel("web", "shop"), channel("shop", "store")
    wire.meet(outside)
    wire.open(wire.exchange(inside, 10, T1))
    wire.open(wire.exchange(outside, 10.5, T1))
    wire.advance(20)
    wire.advance(200)
    went = wire.exchange(outside, 240)
    wire.end(went, 241)
    (hop,) = wire.close()
    assert (hop.outcome, hop.confidence, hop.cause) == (Outcome.BARE, Confidence.POSSIBLE, None)


# --- bounds ---


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every table small."""
    for name in (
        "HOP_TRACES", "HOP_KEYS", "HOP_ADDRESSES", "HOP_RECENT_SERVERS", "HOP_OPEN", "HOPS_OPEN", "HOPS_OPENED",
        "HOPS_WAITING", "HOP_CHANNELS", "HOP_SENDERS", "HOP_PEERS",
    ):  # fmt: skip
        monkeypatch.setattr(limits, name, 4)


def inbound(number: int, *, key: bytes | None = None, trace: bool = True) -> Inbound:
    """Make a request that came in."""
    exchange = Exchange(channel("web", "shop"), "http/1", "1.1", START_NS + number, 0, 1, 1, b"GET", b"/", [])
    exchange.auxiliary = (key,) if key is not None else ()
    reading = reading_of(f"{number + 2:02x}" * 16 if trace else None, 1)
    return Inbound(exchange, reading, identity_of(exchange, reading), is_exempt=False)


@pytest.mark.usefixtures("small")
def test_the_oldest_traces_are_forgotten_and_counted() -> None:
    """Those that may still have been asked for are counted."""
    register = Register()
    known = [inbound(number) for number in range(6)]
    for each in known:
        register.add("shop", each)
    call = inbound(100).exchange
    found = [register.by_trace("shop", each.identity.traces, call) for each in known]
    assert found == [[], [], *([each] for each in known[2:])]
    assert register.evictions == {"hop-traces": 2}


@pytest.mark.usefixtures("small")
def test_an_id_that_is_forgotten_makes_others_less_than_certain() -> None:
    """The one that is known may not be the only one that had it."""
    register = Register()
    for number in range(6):
        register.add("shop", inbound(number, key=b"6b3e1f2a-90cd-4a51-8f13-2d7c55e0aa%02d" % number))
    assert register.evictions["hop-keys"] == 2
    assert register.keys_lost_ns == START_NS + 1


def test_after_a_flood_of_ids_they_are_likely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the half minute that a request may be open."""
    monkeypatch.setattr(limits, "HOP_KEYS", 4)
    for after, word in ((11, "dropped, likely"), (60, "dropped, certain")):
        traffic = Traffic()
        traffic.request("web", "shop", 1, 2, traceparent(1, 1))
        traffic.request("shop", "store", 1.2, 1.4, traceparent(1, 2))
        for number in range(6):
            traffic.request(
                "web", "shop", 10, 10.1, (b"x-request-id", b"0c4d8e7f-1a2b-4c3d-9e8f-7a6b5c4d3e%02d" % number)
            )
        traffic.request("web", "shop", after, after + 2, traceparent(2, 1), REQUEST_ID)
        went = traffic.request("shop", "store", after + 1, after + 1.5, REQUEST_ID)
        assert traffic.hops()[went].startswith(word)


def test_a_flood_of_traces_does_not_hide_what_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request is still open, and has the trace: no restart."""
    monkeypatch.setattr(limits, "HOP_TRACES", 4)
    traffic = Traffic()
    came = traffic.request("web", "shop", 1, 20, traceparent(1, 1))
    for number in range(9):
        traffic.request("web", "shop", 2 + number / 10, 3, traceparent(10 + number, 1))
    went = traffic.request("shop", "store", 10, 11, traceparent(1, 2))
    assert traffic.hops()[went] == f"propagated, certain, because of {came}"


def test_late_work_is_joined_though_little_is_remembered_of_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    """That a trace came in, and with which parent-id, is remembered for much longer than the request."""
    monkeypatch.setattr(limits, "HOP_TRACES", 4)
    traffic = Traffic()
    for number in range(1, 12):
        traffic.request("web", "shop", number, number + 0.5, traceparent(number, 1))
    traffic.request("shop", "store", 12, 12.5, traceparent(11, 2))
    handed_on = traffic.request("shop", "store", 13, 13.5, traceparent(1, 2))
    as_it_came = traffic.request("shop", "store", 14, 14.5, traceparent(2, 1))
    hops = traffic.hops()
    assert (hops[handed_on], hops[as_it_came]) == ("propagated, likely", "passthrough, likely")


def test_a_forgotten_trace_makes_no_likely_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """What looks like a new trace may be one that came in and is forgotten: that is possible at most."""

    def late_work() -> str:
        traffic = Traffic()
        for number in range(1, 30):
            traffic.request("web", "shop", number / 10, number / 10 + 0.05, traceparent(number, 1))
        traffic.request("shop", "store", 2.92, 2.93, traceparent(29, 2))
        went = traffic.request("shop", "store", 20, 20.5, traceparent(1, 2))
        return traffic.hops()[went]

    assert late_work().startswith("propagated, certain")
    monkeypatch.setattr(limits, "HOP_TRACES", 2)
    monkeypatch.setattr(limits, "HOP_TRACES_IN_OUTLINE", 4)
    assert late_work() == "root, possible"


def test_what_is_remembered_in_outline_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go, a generation at once."""
    monkeypatch.setattr(limits, "HOP_TRACES_IN_OUTLINE", 8)
    outlines = Outlines()
    for number in range(100):
        outlines.add(("shop", str(number)), [])
    assert not outlines.has(("shop", "80"))
    assert outlines.has(("shop", "99"))
    assert outlines.has(("shop", "90"))
    assert not outlines.has(("store", "99"))
    assert outlines.forgotten == 88


@pytest.mark.usefixtures("small")
def test_addresses_in_one_role_make_room_for_others() -> None:
    """A thousand clients from outside push out one another, not the services that are called and call."""
    roles = Roles()
    assert roles.meet("web", "shop") == []
    assert roles.meet("shop", "store") == ["shop"]
    for number in range(100):
        roles.meet(f"outside-{number}", "shop")
    assert (len(roles.calling), len(roles.called)) == (4 + 1, 2)
    assert roles.takes_part(channel("new", "shop"))
    assert roles.takes_part(channel("shop", "new"))
    assert roles.evictions == {"hop-addresses": 97}


@pytest.mark.usefixtures("small")
def test_services_that_call_and_are_called_are_bounded_too() -> None:
    """Further ones take no part, and are counted."""
    roles = Roles()
    both = []
    for number in range(9):
        both += roles.meet(f"s{number}", f"s{number + 1}")
    assert both == ["s1", "s2", "s3", "s4"]
    assert roles.evictions["hop-addresses"] > 0


@pytest.mark.usefixtures("small")
def test_every_table_of_the_stage_counts_what_finds_no_room() -> None:
    """Much of everything, all at once; whatever is judged is judged once, and nothing is certain that was not seen."""
    traffic = Traffic()
    for number in range(40):
        began = number / 10
        traffic.request("web", f"leaf{number % 9}", began, began + 5)
        traffic.request("web", "shop", began, began + 9, traceparent(number, 1), REQUEST_ID, connection=number)
        traffic.request(
            "shop", f"store{number % 7}", began + 0.05, began + 6, traceparent(number, 2),
            (b"x-any", b"0c4d8e7f1a2b4c3d%02d" % number), connection=number,
        )  # fmt: skip
    hops = traffic.hops(0.5)
    assert {hop.partition(",")[0] for hop in hops.values()} <= {
        "root", "bare", "propagated", "undetermined: busy", "undetermined: not-seen",
    }  # fmt: skip
    tables = {"hop-traces", "hop-keys", "hop-recent-servers", "hop-open", "hops-opened", "hops-waiting", "hop-channels"}
    assert tables | {"hop-spans"} <= set(traffic.evictions)


@pytest.mark.usefixtures("small")
def test_calls_to_more_peers_than_are_told_apart_are_counted() -> None:
    """Four peers, each with and without a context; of those that are known the rates go on."""
    evictions: Counter[str] = Counter()
    instance = Instance(START_NS, evictions)
    busy = LATE._replace(requests=1)
    for _ in range(EXPECTED_CALLS):
        for number in range(4):
            instance.count_unexplained(f"store{number}", busy, has_context=True)
            instance.count_unexplained(f"store{number}", busy, has_context=False)
    assert not evictions
    for number in range(3):
        instance.count_unexplained(f"other{number}", busy, has_context=True)
        instance.count_unexplained("store0", busy, has_context=True)
    assert [instance.spent(f"store{number}") is not None for number in range(6)] == [True] * 4 + [False] * 2
    assert evictions == {"hop-rates": 3, "hop-spans": 2}
    assert instance.rates["store0", True].single == EXPECTED_CALLS + 3


def test_senders_beyond_those_told_apart_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are one sender then, `other`."""
    monkeypatch.setattr(limits, "HOP_SENDERS", 2)
    traffic = Traffic()
    traffic.request("web", "shop", 0, 20, traceparent(1, 1))
    for number in range(5):
        traffic.request(
            "shop",
            "store",
            1 + number,
            1.5 + number,
            traceparent(1, 2 + number),
            target=b"/" + b"abcde"[number : number + 1],
        )
    traffic.hops()
    assert traffic.evictions["hop-senders"] == 3


def test_a_service_that_is_silent_for_hours_is_forgotten() -> None:
    """So is its role: its address may be another's by then."""
    traffic = Traffic()
    traffic.request("web", "shop", 1, 3, traceparent(1, 1))
    traffic.request("shop", "store", 2, 2.5, traceparent(1, 2))
    traffic.request("cron", "mail", 4 * 3600, 4 * 3600 + 1)
    went = traffic.request("shop", "store", 5 * 3600, 5 * 3600 + 1, connection=1)
    assert traffic.hops(600)[went] == "bare, certain"


def test_nothing_is_left_of_what_was_judged() -> None:
    """Tables of open requests are empty at the end, whichever way the requests came in."""
    for block in (None, 0.1, 1, 7):
        traffic = Traffic()
        for number in range(30):
            began = number / 3
            traffic.request("web", "shop", began, began + 2, traceparent(number, 1))
            traffic.request("shop", "store", began + 0.1, began + 1.9, traceparent(number, 2))
            traffic.request("store", "disk", began + 0.2, began + 1.8 if number % 5 else None)
            traffic.request("disk", "web", began + 0.3, began + 0.4)
        traffic.hops(block)
        assert traffic.auditor is not None
        hops = traffic.auditor._hops  # what is kept shows only inside
        assert not hops._inbounds
        assert not hops._sights
        assert not hops._opened
        assert not any(each.open for each in hops._instances.values())
