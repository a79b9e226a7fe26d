"""Any conversation in HTTP/2, with packets lost, late or twice, or joined late: what is said is what was sent."""

from builders import Conversation, traceparent
from hypothesis import given, settings
from hypothesis import strategies as st
from stage_feeding import Dissection, dissected, facts
from strategies.calls import calls
from strategies.conversations import disturbed

from wiresniff.model.exchanges import Exchange

SIZES = (1, 2, 7)


def check(exchange: Exchange) -> None:
    """Whoever asked on stream 2n + 1 wanted `/n`, carried traceparent n, and was answered 500 + n."""
    assert exchange.stream is not None
    number = (exchange.stream - 1) // 2
    assert exchange.target in (None, b"/%d" % number)
    assert exchange.method in (None, b"POST")
    assert exchange.status in (None, 500 + number)
    assert exchange.grpc_status in (None, number)
    values = [value for _, value in exchange.fields]
    assert values in ([], [traceparent(number).encode()])
    if exchange.unseen is None:
        assert values, "every call carries one"


def known(dissection: Dissection) -> list[dict[str, object]]:
    """Return all about the exchanges."""
    return [facts(exchange) for exchange in dissection.in_order()]


@settings(max_examples=50)
@given(calls(), st.data())
def test_nothing_false_is_said(talk: Conversation, data: st.DataObject) -> None:
    """No header missing that was sent, no value of another request, none twice; the same for blocks of any size."""
    packets = data.draw(disturbed(talk, talk.packets, loss=10))
    whole = dissected(packets)
    for exchange in whole.exchanges:
        check(exchange)
    streams = [exchange.stream for exchange in whole.exchanges]
    assert len(set(streams)) == len(streams)
    for size in SIZES:
        again = dissected(packets, size)
        assert known(again) == known(whole)
        assert (again.opaque(), again.parsed_bytes()) == (whole.opaque(), whole.parsed_bytes())


@settings(max_examples=30)
@given(calls(longest_wait=0.001), st.data())
def test_without_loss_everything_is_said(talk: Conversation, data: st.DataObject) -> None:
    """Repetition costs nothing."""
    late = data.draw(st.lists(st.integers(3, len(talk.packets) - 1), max_size=4))
    packets = list(talk.packets)
    for place in late:
        packets.insert(place, packets[place - 1])
    dissection = dissected(packets)
    assert [exchange.stream for exchange in dissection.in_order()] == list(range(1, 2 * len(dissection.exchanges), 2))
    for exchange in dissection.exchanges:
        check(exchange)
        assert exchange.unseen is None
        assert not exchange.inferred
    assert dissection.opaque() == {}


@settings(max_examples=30)
@given(calls(), st.data())
def test_joined_at_any_packet(talk: Conversation, data: st.DataObject) -> None:
    """What was before is not known, and nothing false is said of what comes."""
    first = data.draw(st.integers(0, len(talk.packets) - 1))
    packets = talk.packets[first:]
    whole = dissected(packets)
    for exchange in whole.exchanges:
        check(exchange)
    for size in SIZES:
        assert known(dissected(packets, size)) == known(whole)
