"""Live packets through scapy: on Linux here, where it is not used, but where it can be tried."""

import pytest
from namespaces import Namespace, namespace, needs_namespaces, packets_of, send_datagrams, watched

from wiresniff.capture.filter import Filter
from wiresniff.capture.portable import PortableSource
from wiresniff.model.errors import CaptureError, UsageError

pytest.importorskip("scapy", reason="takes packets where Linux does not: needs scapy")
__all__ = ["namespace"]


@needs_namespaces
def test_packets_come_as_from_a_ring(namespace: Namespace) -> None:
    """Blocks and ticks, a filter, counts; loopback gives packets twice here."""
    assert namespace.descriptor
    with PortableSource(["lo"], Filter("udp port 9")) as source:
        blocks = watched(source, lambda: [send_datagrams(5), send_datagrams(5, port=10)], then=3)
        packets = packets_of(blocks)
        assert sum(b"datagram" in packet for packet in packets) == len(packets) == 10
        (statistics,) = source.statistics()
        assert statistics.packets == 20
        assert statistics.is_up


@needs_namespaces
def test_silence_is_ticks(namespace: Namespace) -> None:
    """So that time passes."""
    assert namespace.descriptor
    with PortableSource(["lo"], None) as source:
        ticks = [block.now_ns for (_, block), _ in zip(source, range(3), strict=False)]
        source.shed(0.5)
    assert ticks == sorted(ticks)
    assert len(set(ticks)) == 3


@pytest.mark.parametrize(("name", "kind", "words"), [
    ("any", UsageError, "can't be watched on this system"), ("n0ne", CaptureError, "n0ne: can't be watched"),
])  # fmt: skip
def test_what_cannot_be_opened_is_refused_in_a_sentence(name: str, kind: type[Exception], words: str) -> None:
    """One sentence, whatever scapy raises."""
    with pytest.raises(kind, match=words) as refusal:
        PortableSource([name], None)
    assert "\n" not in str(refusal.value)
