"""The same audit for blocks of any size: one packet, a few, as they come, all."""

import random
from pathlib import Path

import pytest
from builders import Conversation, packet_block
from capture_auditing import CAPTURES, Audited, audited, by_packet, fed, told
from hypothesis import given, settings
from hypothesis import strategies as st
from stage_feeding import Sizes, cut_into
from strategies.conversations import disturbed
from strategies.exchanges import talks

RANDOM_SIZES = [random.Random(seed).randint(1, 60) for seed in range(50)]
WHOLE: dict[Path, Audited] = {}


def whole(path: Path) -> Audited:
    """Return the audit of a capture in one block; made once."""
    if path not in WHOLE:
        WHOLE[path] = audited(path)
    return WHOLE[path]


@pytest.mark.parametrize("sizes", [1, 7, RANDOM_SIZES], ids=["one", "seven", "random"])
@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_captures_are_audited_alike(capture: Path, sizes: Sizes) -> None:
    """Records in the same order, totals, findings and what could not be seen."""
    again = audited(capture, sizes)
    assert again.records == whole(capture).records
    assert told(again) == told(whole(capture))


@settings(max_examples=40)
@given(talks(), st.data())
def test_lossy_conversations_are_audited_alike(talk: Conversation, data: st.DataObject) -> None:
    """Packets lost, late and twice; whatever is known of requests is the same."""
    packets = data.draw(disturbed(talk, talk.packets, loss=8))
    if not packets:
        return
    expected = by_packet(fed(iter([packet_block(packets)])))
    sizes = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=5))
    for each in (1, 2, 7, sizes):
        assert by_packet(fed(cut_into(packets, each))) == expected
