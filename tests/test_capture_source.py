"""Captures by name: formats told by content, compression, ends in the middle, and what is no capture."""

import gzip
import io
import lzma
import os
import sys
import threading
from contextlib import suppress
from mmap import mmap
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import zstandard
from capture_files import Taken, enhanced, interface, packets_of, pcap_file, read, section, written
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracles.capture import read_pcap, read_pcapng
from strategies.capture_files import damaged, pcap_files, pcapng_files

from wiresniff.capture import CaptureFile, Filter, open_captures
from wiresniff.model.errors import CaptureError, UsageError
from wiresniff.model.limits import MAX_BLOCK_BYTES

NIGHT = 1_700_000_000_000_000_000
PACKETS = [Taken(NIGHT + number * 1000, bytes([number % 256]) * (number % 90)) for number in range(300)]
PCAP = pcap_file(PACKETS)
PCAPNG = section() + interface() + b"".join(enhanced(packet) for packet in PACKETS)
COMPRESS = {"gzip": gzip.compress, "zstd": zstandard.compress, "xz": lzma.compress}


def bytes_of(packets: list[tuple[int, int, bytes, int, int]]) -> list[bytes]:
    """Return what was captured of each packet."""
    return [packet[2] for packet in packets]


@pytest.mark.parametrize(("data", "word"), [(PCAP, "pcap"), (PCAPNG, "pcapng")])
@pytest.mark.parametrize("compression", [None, *COMPRESS])
def test_format_and_compression_are_told_by_content(
    tmp_path: Path, data: bytes, word: str, compression: str | None
) -> None:
    """Names play no part; the summary says what was found."""
    packed = COMPRESS[compression](data) if compression else data
    capture, packets = read(tmp_path, packed, read_bytes=1000)
    assert bytes_of(packets) == bytes_of(PACKETS_AS_READ)
    assert capture.summary.format == (f"{word} ({compression})" if compression else word)
    assert (capture.summary.packets, capture.summary.first_time_ns) == (300, NIGHT)
    assert capture.summary.last_time_ns == NIGHT + 299_000
    assert (capture.summary.error, capture.summary.warning) == (None, None)
    assert capture.bytes_read == capture.bytes_total == len(packed)


PACKETS_AS_READ = read_pcap(PCAP)[0]


@pytest.mark.parametrize("compression", list(COMPRESS))
def test_members_and_frames_follow_each_other(tmp_path: Path, compression: str) -> None:
    """Files that were compressed in pieces and joined are one file, with padding between them or without."""
    compress = COMPRESS[compression]
    pieces = [compress(PCAP[at : at + 1000]) for at in range(0, len(PCAP), 1000)]
    for between in (b"", bytes(8)):
        capture, packets = read(tmp_path, between.join(pieces))
        assert packets == PACKETS_AS_READ
        assert capture.summary.warning is None


def test_a_zstd_file_may_begin_with_a_frame_to_be_skipped(tmp_path: Path) -> None:
    """As pzstd writes them."""
    assert read(tmp_path, b"\x50\x2a\x4d\x18\4\0\0\0abcd" + zstandard.compress(PCAP))[1] == PACKETS_AS_READ


@pytest.mark.parametrize("compression", list(COMPRESS))
def test_compression_cut_short_is_a_warning(tmp_path: Path, compression: str) -> None:
    """What could be decompressed is read."""
    noise = pcap_file([Taken(NIGHT, os.urandom(1000)) for _ in range(400)])
    packed = COMPRESS[compression](noise)
    capture, packets = read(tmp_path, packed[: len(packed) * 3 // 4])
    expected = bytes_of(read_pcap(noise)[0])
    assert 100 < len(packets) < 400
    assert bytes_of(packets) == expected[: len(packets)]
    assert f"its {compression} compression is cut short" in str(capture.summary.warning)


@pytest.mark.parametrize("compression", list(COMPRESS))
def test_garbage_behind_a_compressed_capture_is_a_warning(tmp_path: Path, compression: str) -> None:
    """The capture itself is read."""
    capture, packets = read(tmp_path, COMPRESS[compression](PCAP) + b"garbage that is not compressed")
    assert packets == PACKETS_AS_READ
    assert f"its {compression} compression is damaged" in str(capture.summary.warning)


@pytest.mark.parametrize("compression", list(COMPRESS))
def test_a_decompression_bomb_stays_small(tmp_path: Path, compression: str) -> None:
    """A gigabyte-to-be is decompressed piece by piece; what it pretends to be ends the file."""
    bomb = COMPRESS[compression](pcap_file([Taken(NIGHT, b"abc")]) + bytes(64 << 20))
    capture = CaptureFile(written(tmp_path, bomb), 0)
    longest = max(len(block.buffer) for block in capture)
    assert longest < 50 << 20
    assert "zeros where a packet should begin" in str(capture.summary.warning)


@pytest.mark.parametrize("block_packets", [1, 2, 7, 1000])
def test_blocks_hold_as_many_packets_as_asked_for(tmp_path: Path, block_packets: int) -> None:
    """The packets are the same for any size of blocks, numbers included."""
    capture = CaptureFile(written(tmp_path, PCAP), 3, block_packets=block_packets)
    blocks = list(capture)
    assert max(len(block) for block in blocks) <= block_packets
    assert {block.capture for block in blocks} == {3}
    assert packets_of(blocks) == PACKETS_AS_READ


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("size", [200, 4096, 8000])
def test_a_file_is_read_into_memory_as_far_as_it_fills_it(tmp_path: Path, size: int, compression: str | None) -> None:
    """The packets are those of the file, whether blocks lie in memory of the reader's caller or have their own."""
    capture = CaptureFile(written(tmp_path, COMPRESS[compression](PCAP) if compression else PCAP), 0, read_bytes=1000)
    memory = mmap(-1, size)
    capture.memory = lambda: memory
    packets, blocks_in_memory = [], 0
    for block in capture:
        packets += bytes_of(packets_of([block]))
        blocks_in_memory += cast("object", block.buffer) is memory
    assert packets == bytes_of(PACKETS_AS_READ)
    assert (capture.summary.packets, capture.summary.warning) == (300, None)
    most = len(PCAP) // size
    assert blocks_in_memory == 0 if compression else most / 2 <= blocks_in_memory <= most
    assert capture.bytes_read == capture.bytes_total


def test_a_file_that_is_cut_while_it_is_read_into_memory_ends_there(tmp_path: Path) -> None:
    """Somebody truncates it: what it still has is read, and nothing that was in the memory before is taken for it."""
    name = written(tmp_path, PCAP)
    capture = CaptureFile(name, 0, read_bytes=1000)
    memory = mmap(-1, 3000)
    capture.memory = lambda: memory
    packets = []
    for number, block in enumerate(capture):
        packets += bytes_of(packets_of([block]))
        if number == 1:
            os.truncate(name, capture.bytes_read + 500)
    as_read = bytes_of(PACKETS_AS_READ)
    assert packets == as_read[: len(packets)]
    assert len(packets) < len(as_read)
    assert "cut short" in (capture.summary.warning or "")


def test_what_the_filter_leaves_keeps_its_numbers(tmp_path: Path) -> None:
    """Dropped packets are counted, and still packets of the capture."""
    capture = CaptureFile(written(tmp_path, PCAP), 0, Filter("greater 80"))
    numbers = [packet.number for packet in packets_of(capture)]
    assert numbers == [packet.number for packet in PACKETS_AS_READ if packet.wire_length >= 80]
    assert capture.filtered_packets == 300 - len(numbers)
    assert capture.summary.packets == 300


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_capture_cut_anywhere_is_read_as_far_as_it_goes(tmp_path: Path, draws: st.DataObject) -> None:
    """The packets before the cut, without the one that was cut, which Wireshark does not show either; a warning."""
    files, oracle = draws.draw(st.sampled_from([(pcap_files(), read_pcap), (pcapng_files, read_pcapng)]))
    whole = draws.draw(files)
    cut = whole[: draws.draw(st.integers(28, max(28, len(whole))))]
    capture = CaptureFile(written(tmp_path, cut), 0, read_bytes=draws.draw(st.integers(1, 200)))
    packets = []
    with suppress(CaptureError):  # a first packet that can't be true
        packets = packets_of(capture)
    expected = bytes_of(oracle(whole)[0])
    assert bytes_of(packets) == expected[: len(packets)]
    assert packets == oracle(cut)[0]
    assert (capture.summary.warning is None and capture.summary.error is None) == (oracle(cut)[1] == "whole")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=300)
    | damaged(pcap_files())
    | damaged(pcapng_files)
    | damaged(pcap_files().map(gzip.compress))
    | damaged(pcap_files().map(lzma.compress))
    | damaged(pcap_files().map(zstandard.compress))
)
def test_nothing_but_a_capture_error_comes_of_any_bytes(tmp_path: Path, data: bytes) -> None:
    """Random, flipped, deleted: packets that can be true, or one sentence."""
    capture = CaptureFile(written(tmp_path, data), 0, read_bytes=64)
    packets = []
    with suppress(CaptureError):
        packets = packets_of(capture)
    assert len(packets) == capture.summary.packets
    assert "\n" not in (capture.summary.error or capture.summary.warning or "")
    assert packets or capture.summary.error or capture.summary.format


def test_a_block_that_claims_gigabytes_is_not_waited_for(tmp_path: Path) -> None:
    """It ends the file at once, with its position."""
    capture, packets = read(tmp_path, PCAPNG + b"\6\0\0\0\xfc\xff\xff\xff" + bytes(100))
    assert len(packets) == 300
    assert f"it is damaged at byte {len(PCAPNG):,}, after packet 300: a block that claims" in str(
        capture.summary.warning
    )


def test_a_block_as_long_as_the_limit_is_stepped_over(tmp_path: Path) -> None:
    """It is put together from several reads."""
    length = MAX_BLOCK_BYTES.to_bytes(4, "little")
    large = b"\x77\0\0\0" + length + bytes(MAX_BLOCK_BYTES - 12) + length
    capture, packets = read(tmp_path, section() + interface() + large + enhanced(PACKETS[5]))
    assert bytes_of(packets) == [PACKETS[5].data]
    assert capture.summary.warning is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (gzip.compress(b""), "it is empty (inside gzip)"),
        (b"\xd4\xc3", "too short for a capture"),
        (PCAP[:20], "cut short in its file header"),
        (PCAPNG[:20], "cut short in its file header"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "it looks like a PNG image"),
        (gzip.compress(b"\x7fELF" + bytes(40)), "(inside gzip): it looks like an ELF program"),
        (b'{"requests": []}', "it looks like JSON"),
        (b"\x1f\x8b\x08\x00" + bytes(30), "compression is"),
        (b"\x01\x02\x03\x04\x05" * 50, "no known kind"),
        (bytes(500), "nothing but zeros"),
    ],
)
def test_what_is_no_capture_is_said_in_one_sentence(tmp_path: Path, data: bytes, words: str) -> None:
    """The name, what is wrong, and what it looks like; the summary says the same."""
    capture = CaptureFile(written(tmp_path, data), 0)
    with pytest.raises(CaptureError) as error:
        list(capture)
    assert words in str(error.value)
    assert str(error.value) == f"{capture.name}: {capture.summary.error}"


def test_files_that_cannot_be_opened_are_said_to_be(tmp_path: Path) -> None:
    """A missing one, a folder, and a name that is none."""
    for name, words in (
        (str(tmp_path / "none"), "no such file"),
        (str(tmp_path), "it is a directory"),
        ("a\0b", "null"),
    ):
        with pytest.raises(CaptureError, match=words):
            list(CaptureFile(name, 0))


def test_standard_input_can_be_given_once() -> None:
    """It can't be read twice."""
    with pytest.raises(UsageError, match="once"):
        open_captures(["-", "a.pcap", "-"])


def test_a_live_pipe_is_read_as_packets_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every packet is given before the next one is written: nothing waits for a buffer to fill."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as standard_input, os.fdopen(writing, "wb", buffering=0) as tcpdump:
        monkeypatch.setattr(sys, "stdin", standard_input)
        tcpdump.write(pcap_file([]))
        blocks = iter(CaptureFile("-", 0))
        for number, packet in enumerate(PACKETS[:5], 1):
            record = pcap_file([packet])[24:]
            tcpdump.write(record)
            assert [seen.number for seen in packets_of([next(blocks)])] == [number]
        tcpdump.close()
        assert list(blocks) == []


def test_a_pipe_gives_the_same_packets_however_it_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compressed and in pieces, over a pipe: no size is known, all packets are there."""
    reading, writing = os.pipe()
    packed = gzip.compress(PCAPNG)

    def fill() -> None:
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            for at in range(0, len(packed), 700):
                pipe.write(packed[at : at + 700])

    writer = threading.Thread(target=fill)
    with os.fdopen(reading, "rb") as standard_input:
        monkeypatch.setattr(sys, "stdin", standard_input)
        writer.start()
        capture = CaptureFile("-", 0)
        packets = packets_of(capture)
        writer.join()
    assert packets == PACKETS_AS_READ
    assert (capture.bytes_read, capture.bytes_total) == (len(packed), None)


def test_standard_input_may_be_no_file_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where another program runs this one within itself."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(PCAP))))
    assert packets_of(CaptureFile("-", 0)) == PACKETS_AS_READ


def test_the_first_time_is_known_without_reading_twice_what_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is looked into; of standard input nothing is lost."""
    assert CaptureFile(written(tmp_path, PCAP), 0).first_time_ns() == NIGHT
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(PCAP))))
    capture = CaptureFile("-", 0, block_packets=10)
    assert capture.first_time_ns() == NIGHT
    assert packets_of(capture) == PACKETS_AS_READ
