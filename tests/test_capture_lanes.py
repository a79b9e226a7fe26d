"""Walking over records at many places at once: the same as walking over them one by one, whatever the guesses were."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.capture import record_positions as one_by_one

from wiresniff.capture import lanes
from wiresniff.capture.lanes import Chain, leap
from wiresniff.capture.pcap import LAYOUTS, record_positions

LITTLE = LAYOUTS[bytes.fromhex("d4c3b2a1")]
MARK = b"\xab\xcd\xef"
"""Upper bytes of the seconds, as a little-endian file has them."""


def records(*sizes: int, body: bytes = b"\0") -> bytes:
    """Return records with packets of so many bytes, all of four minutes."""
    header = b"\x07" + MARK + struct.pack("<I", 5)
    return b"".join(header + struct.pack("<II", size, size) + (body * (size // len(body) + 1))[:size] for size in sizes)


def leapt(buffer: bytes) -> tuple[list[int], int]:
    """Leap over a buffer that begins with a record."""
    positions, behind = leap(buffer, 0, Chain("<", 8, 16), MARK, 1)
    return positions.tolist(), behind


NARROW = {"LANE_BYTES": 100, "SEARCH_BYTES": 60, "LEAST_LANES": 2, "STEPS": 2, "MOST_STEPS": 7, "STRAGGLERS": 4}
"""Lanes of a few records, so that small buffers have many."""


def test_a_large_buffer_is_leapt_over_nearly_to_its_end() -> None:
    """Only the last lane is left to walk over, and nothing of it is missed or found twice."""
    buffer = records(*(60 + 97 * number % 1400 for number in range(2000)))
    positions, behind = leapt(buffer)
    assert positions == [at for at in one_by_one(buffer, 0, "<", 16) if at < behind]
    assert behind > len(buffer) - 2 * lanes.LANE_BYTES - lanes.SEARCH_BYTES


def test_lanes_with_more_records_than_others_go_on_alone() -> None:
    """A stretch of empty packets among large ones does not keep all lanes walking, and is found wholly."""
    buffer = records(*[1400] * 400, *[0] * 3000, *[1400] * 400)
    positions, behind = leapt(buffer)
    assert positions == [at for at in one_by_one(buffer, 0, "<", 16) if at < behind]
    assert behind > len(buffer) - 2 * lanes.LANE_BYTES


def test_a_packet_that_holds_a_capture_ends_the_leap_where_a_guess_was_false() -> None:
    """Somebody copies a capture file over the network: what looks like records in a packet is none."""
    inner = records(*[40] * 20_000)
    buffer = records(*[1000] * 200) + records(len(inner), body=inner) + records(*[1000] * 200)
    positions, behind = leapt(buffer)
    everything = one_by_one(buffer, 0, "<", 16)
    assert positions == [at for at in everything if at < behind]
    assert behind in everything
    assert record_positions(buffer, 0, LITTLE).tolist() == everything


@given(
    st.lists(st.tuples(st.integers(0, 90), st.sampled_from([b"\0", MARK, b"\xff", records(0, 20)])), max_size=60),
    st.lists(st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=6)), max_size=3),
    st.integers(0, 40),
)
def test_the_walk_is_the_plain_loop(packets: list[tuple[int, bytes]], scars: list[tuple[int, bytes]], cut: int) -> None:
    """Whatever packets hold, wherever lengths are damaged and wherever the buffer ends."""
    buffer = bytearray(b"".join(records(size, body=body) for size, body in packets))
    for at, octets in scars:
        buffer[at : at + len(octets)] = octets
    octets = bytes(buffer[: len(buffer) - cut])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in NARROW.items():
            patch.setattr(lanes, name, value)
        assert record_positions(octets, 0, LITTLE).tolist() == one_by_one(octets, 0, "<", 16)


@pytest.mark.parametrize("order", ["<", ">"])
def test_files_of_both_byte_orders_are_leapt_over(order: str) -> None:
    """The upper bytes of the seconds are behind the lowest in one, before it in the other."""
    layout = next(each for each in LAYOUTS.values() if each.order == order)
    header = struct.pack(f"{order}IIII", 1_700_000_000, 5, 700, 700)
    buffer = (header + bytes(700)) * 1000
    mark_at = layout.mark_at
    positions, _ = leap(buffer, 0, Chain(order, 8, 16), header[mark_at : mark_at + 3], mark_at)
    assert len(positions) > 900
    assert np.array_equal(record_positions(buffer, 0, layout), np.arange(0, len(buffer), 716))
