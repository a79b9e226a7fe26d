"""One request that several capture points saw counts once, also from both sides of an address translation."""

from collections.abc import Sequence

import pytest
from builders import Conversation, packet_block, request, response

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
