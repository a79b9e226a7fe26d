"""One request that several capture points saw counts once, also from both sides of an address translation."""

from collections.abc import Sequence

import pytest
from builders import Conversation, packet_block, request, response

from wiresniff.audit.sights import Sights
from wiresniff.model import limits
from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Channel, Exchange
from wiresniff.model.verdicts import Judgement
from wiresniff.pipeline import Pipeline

CLIENT, SERVICE, POD, NODE = ("10.0.0.1", 40_000), ("10.96.0.10", 80), ("10.244.1.7", 8080), ("10.0.0.9", 61_000)
NUMBERS = (3_141_592_653, 2_718_281_828)
TRACEPARENT = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
NEAR, FAR = 50_000, 400_000
"""Nanoseconds between packets, near the server and far from it."""


def seen(
    client: tuple[str, int],
    server: tuple[str, int],
    step_ns: int = NEAR,
    numbers: tuple[int, int] = NUMBERS,
    *,
    opened: bool = True,
    traced: bool = True,
) -> Conversation:
    """Make a connection of three requests as a capture point sees it."""
    talk = Conversation(client, server, client_sequence=numbers[0], server_sequence=numbers[1])
    talk.clock.step_ns = step_ns
    if opened:
        talk.open()
    for number in range(3):
        talk.client_sends(request("GET", f"/{number}", fields=[TRACEPARENT] if traced else []))
        talk.server_sends(response(200, body=b"yes"))
    return talk


def judged(*points: Conversation) -> tuple[Sequence[Judgement], int]:
    """Audit what capture points saw, one after the other; return judgements and duplicates."""
    pipeline = Pipeline(joins=True, quarantines=False)
    judgements = []
    for number, talk in enumerate(points):
        judgements += pipeline.feed(number, packet_block(talk.packets))
    judgements += pipeline.close()
    return judgements, pipeline.accounting().counts["duplicate_exchanges"]


def ends(judgements: Sequence[Judgement]) -> set[tuple[tuple[str, int], tuple[str, int]]]:
    """Return who asked whom."""
    return {(tuple(each.exchange.client), tuple(each.exchange.server)) for each in judgements}


@pytest.mark.parametrize("traced", [True, False])
@pytest.mark.parametrize("is_near_first", [True, False])
@pytest.mark.parametrize(
    ("before", "behind"),
    [((CLIENT, SERVICE), (CLIENT, POD)), ((CLIENT, POD), (NODE, POD)), ((CLIENT, SERVICE), (NODE, POD))],
    ids=["destination", "source", "both"],
)
def test_both_sides_of_a_translation_count_once(
    before: tuple[tuple[str, int], tuple[str, int]],
    behind: tuple[tuple[str, int], tuple[str, int]],
    *,
    is_near_first: bool,
    traced: bool,
) -> None:
    """The client is that of the point which waits longer for answers, the server that of the other."""
    points = [seen(*before, FAR, traced=traced), seen(*behind, NEAR, traced=traced)]
    judgements, duplicates = judged(*(reversed(points) if is_near_first else points))
    assert ends(judgements) == {(before[0], behind[1])}
    assert (len(judgements), duplicates) == (3, 3)


def test_three_points_see_one_request() -> None:
    """Two of them behind the translation."""
    points = [seen(NODE, POD, NEAR), seen(CLIENT, SERVICE, FAR), seen(NODE, POD, 2 * NEAR)]
    judgements, duplicates = judged(*points)
    assert ends(judgements) == {(CLIENT, POD)}
    assert (len(judgements), duplicates) == (3, 6)


def test_a_connection_that_was_open_before_needs_a_traceparent() -> None:
    """One sequence number proves little where many requests say the same; nor does a head that was not wholly seen."""
    for traced, count in ((True, 4), (False, 6)):
        talks = [
            seen(*ends, step_ns, opened=False, traced=traced)
            for ends, step_ns in (((CLIENT, SERVICE), FAR), ((CLIENT, POD), NEAR))
        ]
        assert len(judged(*talks)[0]) == count


@pytest.mark.parametrize(
    ("behind", "numbers"),
    [
        ((NODE, POD), (NUMBERS[0], 1_618_033_988)),
        ((NODE, POD), (1_414_213_562, NUMBERS[1])),
    ],
    ids=["another server", "another client"],
)
def test_a_proxy_asks_for_itself(behind: tuple[tuple[str, int], tuple[str, int]], numbers: tuple[int, int]) -> None:
    """Whatever it hands on: these are two requests."""
    judgements, duplicates = judged(seen(CLIENT, SERVICE, FAR), seen(*behind, NEAR, numbers))
    assert (len(judgements), duplicates) == (6, 0)


def test_numbers_that_were_made_by_hand_prove_nothing() -> None:
    """Small ones, the same on every connection."""
    judgements, duplicates = judged(seen(CLIENT, SERVICE, FAR, (1000, 5000)), seen(NODE, POD, NEAR, (1000, 5000)))
    assert (len(judgements), duplicates) == (6, 0)


def test_one_point_does_not_see_both_sides() -> None:
    """There packets decide, in the order in which they come (`decode.translations`)."""
    pipeline = Pipeline(joins=True, quarantines=False)
    judgements = []
    for talk in (seen(CLIENT, SERVICE, FAR), seen(NODE, POD, NEAR)):
        judgements += pipeline.feed(0, packet_block(talk.packets))
    judgements += pipeline.close()
    assert len(judgements) == 6


# --- bounds ---


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remember two of everything."""
    for name in ("SIGHTS", "JOINED_CONNECTIONS"):
        monkeypatch.setattr(limits, name, 2)


def sight(number: int, point: int = 0, seconds: float = 0, server: tuple[str, int] = SERVICE) -> Exchange:
    """Make a request of a connection of its own."""
    begun = (NUMBERS[0] + number, NUMBERS[1] + number)
    ends = Endpoint(CLIENT[0], CLIENT[1] + number), Endpoint(*server)
    time_ns = 10**18 + int(seconds * 10**9)
    return Exchange(
        Channel(*ends, point, begun), "http/1", "1.1", time_ns, point, 1, begun[0] + 1, b"GET", b"/", []
    )  # fmt: skip


@pytest.mark.usefixtures("small")
def test_what_is_held_back_beyond_the_limit_is_counted() -> None:
    """It is reported before its time: a later sight of it still counts as one, as long as that is remembered."""
    sights = Sights()
    reported = [each for number in range(3) for each in sights.feed(sight(number))]
    assert [each.client.port for each in reported] == [CLIENT[1]]
    assert sights.evictions == {"sights": 1, "sights-translated": 1}
    assert not sights.feed(sight(0, point=1))
    assert sights.duplicates == 1


@pytest.mark.usefixtures("small")
def test_what_is_forgotten_while_sights_may_still_come_is_counted() -> None:
    """A later sight of it counts again."""
    sights = Sights()
    for number in range(3):
        sights.feed(sight(number))
        sights.close()
    assert sights.evictions == {"sights-reported": 1, "sights-translated": 1}


@pytest.mark.usefixtures("small")
def test_what_is_forgotten_when_nothing_more_can_come_is_not_counted() -> None:
    """Long captures go on as they began: all that matters is remembered."""
    sights = Sights()
    for number in range(9):
        sights.feed(sight(number, seconds=60 * number))
        sights.flush(10**18 + (60 * number + 50) * 10**9)
    assert not sights.evictions


@pytest.mark.usefixtures("small")
def test_joined_connections_are_bounded() -> None:
    """Those in use stay; what was made of the others is made again."""
    sights = Sights()
    before = [sight(number).channel for number in range(4)]
    behind = [sight(number, point=1, server=POD).channel for number in range(4)]
    joined = [sights._joined(before[number], behind[number]) for number in (0, 1, 0, 2, 0, 3, 0)]
    assert len({id(joined[at]) for at in (0, 2, 4, 6)}) == 1
    assert {(each.client.address, each.server) for each in joined} == {(CLIENT[0], Endpoint(*POD))}
    assert sights.evictions == {"joined-connections": 2}
