"""Any conversation, with packets lost, late or twice: whatever is said for certain is what was sent."""

from builders import Conversation, traceparent
from hypothesis import given
from hypothesis import strategies as st
from stage_feeding import Dissection, dissected, facts
from strategies.conversations import disturbed
from strategies.exchanges import talks

from wiresniff.model.exchanges import Exchange

SIZES = (1, 2, 7)


def check(exchange: Exchange) -> None:
    """Whoever asked target `/n` sent traceparent n, and was answered 500 + n."""
    if exchange.unseen is None:
        assert exchange.target is not None
        assert exchange.target != b"/never", "a text in a body is no request"
        number = int(exchange.target[1:])
        assert exchange.fields == [(b"traceparent", traceparent(number).encode())]
        assert exchange.status in (None, 500 + number)
    assert exchange.status is None or exchange.status != 999, "a text in a body is no response"


def known(dissection: Dissection) -> list[dict[str, object]]:
    """Return all about the requests of which at least the request line was seen."""
    return [facts(exchange) for exchange in dissection.in_order() if exchange.method is not None]


@given(talks(), st.data())
def test_nothing_false_is_said_for_certain(talk: Conversation, data: st.DataObject) -> None:
    """No header missing that was sent, no status of another request; the same for blocks of any size."""
    packets = data.draw(disturbed(talk, talk.packets, loss=10))
    whole = dissected(packets)
    for exchange in whole.exchanges:
        check(exchange)
    certain = [exchange.target for exchange in whole.exchanges if exchange.unseen is None]
    assert len(set(certain)) == len(certain)
    for size in SIZES:
        again = dissected(packets, size)
        assert known(again) == known(whole)
        assert (again.opaque(), again.parsed_bytes()) == (whole.opaque(), whole.parsed_bytes())


@given(talks(longest_wait=0.001), st.data())
def test_without_loss_everything_is_said_for_certain(talk: Conversation, data: st.DataObject) -> None:
    """Disorder and repetition cost nothing."""
    late = data.draw(st.lists(st.integers(3, len(talk.packets) - 1), max_size=4))
    packets = list(talk.packets)
    for place in late:
        packets.insert(place, packets[place - 1])
    dissection = dissected(packets)
    asked = [(exchange.target, exchange.status, exchange.complete) for exchange in dissection.in_order()]
    assert asked == [(b"/%d" % number, 500 + number, True) for number in range(len(asked))]
    assert len(asked) == sum(b" /%d HTTP" % number in b"".join(p.data for p in packets) for number in range(9))
