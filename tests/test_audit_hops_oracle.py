"""Any traffic: hops are what plain loops say, and the same for any block size and order."""

from collections.abc import Iterator

import pytest
from hop_traffic import SECOND, START_NS, Traffic, traceparent
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.hops import Said, Sent, judge

from wiresniff.model import limits
from wiresniff.model.hops import Hop

SERVICES = ["web", "shop", "store"]
RING = list(zip(SERVICES, SERVICES[1:] + SERVICES[:1], strict=True))
BEFORE = len(RING)


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_forgotten() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "HOP_REQUESTS_PER_TRACE", 1000)
        yield


@st.composite
def traffic(draw: st.DrawFn) -> list[Sent]:
    """Draw requests between services that all call and are called, few traces and ids for many of them.

    No two things happen at once: requests begin at even milliseconds, and end at odd ones.
    """
    requests = [Sent(client, server, 2 * n, 2 * n + 1, None, None, None) for n, (client, server) in enumerate(RING)]
    span = draw(st.sampled_from([3_000, 20_000]))
    traces = st.integers(1, draw(st.sampled_from([1, 4, 100])))
    context = draw(st.sampled_from([traces, st.one_of(st.none(), traces)]))
    lasting = draw(st.sampled_from([st.integers(0, 300), st.integers(0, 10_000), st.just(5_000), st.none()]))
    for began in draw(st.lists(st.integers(500, span), min_size=1, max_size=30, unique=True)):
        client, server = draw(st.permutations(SERVICES))[:2]
        lasts, trace = draw(st.one_of(st.integers(0, 3_000), lasting)), draw(context)
        key = draw(st.one_of(st.none(), st.none(), st.integers(1, 3)))
        requests.append(
            Sent(
                client, server, 2 * began, None if lasts is None else 2 * (began + lasts) + 1,
                None if trace is None else str(trace), None if trace is None else str(draw(st.integers(1, 5))),
                None if key is None else str(key),
            )
        )  # fmt: skip
    return [
        each._replace(began=each.began * 10**6, ended=None if each.ended is None else each.ended * 10**6)
        for each in requests
    ]


def told(requests: list[Sent]) -> Traffic:
    """Tell of the traffic."""
    one = Traffic()
    for number, each in enumerate(requests):
        fields = []
        if each.trace is not None and each.parent is not None:
            fields.append(traceparent(int(each.trace), int(each.parent)))
        if each.key is not None:
            fields.append((b"x-request-id", b"6b3e1f2a-90cd-4a51-8f13-2d7c55e0aa%02d" % int(each.key)))
        ended = None if each.ended is None else each.ended / SECOND
        one.request(each.client, each.server, each.began / SECOND, ended, *fields, target=b"/%d" % number)
    return one


def said(hop: Hop, one: Traffic) -> Said:
    """Say of a hop what the loops say."""
    cause = one.exchanges.index(hop.cause) if hop.cause is not None else None
    return Said(str(hop.doubt or hop.outcome), hop.confidence == "certain", cause)


@settings(max_examples=150)
@given(traffic())
def test_hops_are_what_plain_loops_say(requests: list[Sent]) -> None:
    """Every request is compared with all others."""
    one = told(requests)
    hops = {number: said(hop, one) for number, hop in one.judged().items()}
    expected = {number: judge(requests, number) for number in range(len(requests))}
    assert hops == expected


@settings(max_examples=60)
@given(traffic(), st.sampled_from([0.05, 0.3, 1.0, 7.0]), st.randoms(use_true_random=False))
def test_blocks_and_order_change_nothing(requests: list[Sent], block: float, random: object) -> None:
    """All at once, or cut anywhere, and in any order within a block."""
    one = told(requests)
    expected = one.hops()
    order = list(range(len(requests)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert one.hops(block) == expected
    assert one.hops(block, order=order) == expected


def test_the_loops_are_told_the_same_traffic() -> None:
    """What is compared begins when it is said to begin."""
    one = told([Sent("web", "shop", 5 * SECOND, 6 * SECOND, "1", "2", None)])
    assert one.exchanges[0].time_ns == START_NS + 5 * SECOND
    assert one.exchanges[0].end_time_ns == START_NS + 6 * SECOND
