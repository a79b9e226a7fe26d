"""Every bound of reading HTTP/2 is reached, and something is counted when it is."""

import time

import pytest
from http2_frames import Talk, data, frame, header_frames, settings, window
from stage_feeding import Dissection, cut_into, dissected, heard_messages
from test_protocols_http2 import turn

from wiresniff.model import limits
from wiresniff.protocols.http2.frames import CONTINUATION, END_HEADERS, HEADERS, PREFACE

NEXT = "POST /next -> 200"


def quick() -> Talk:
    """Begin a conversation of quick steps."""
    talk = Talk()
    talk.clock.step_ns = 1000
    return talk.begin()


def test_header_blocks_of_up_to_256_kib_are_read() -> None:
    """In frames of the usual size, and in one."""
    for size in (16_000, 10**9):
        talk = quick()
        fields = [("cookie", "x" * 8000) for _ in range(30)]
        block = talk.request_block("/long", 1, fields)
        talk.client_sends(header_frames(block, 1, end=True, pieces=range(size, len(block), size)))
        talk.server_sends(talk.answers(1, 200, end=True))
        turn(talk, 3)
        dissection = dissected(talk.packets)
        assert dissection.told() == ["POST /long -> 200", NEXT]
        assert dissection.anomalies() == {}


@pytest.mark.parametrize("size", [16_000, 10**9])
def test_longer_ones_are_not_judged(size: int) -> None:
    """They are recorded with what was seen, and counted; frames go on behind."""
    talk = quick()
    fields = [("cookie", f"{number}" + "x" * 20_000) for number in range(20)]
    block = talk.request_block("/long", 1, fields)
    talk.client_sends(header_frames(block, 1, end=True, pieces=range(size, len(block), size)))
    talk.server_sends(talk.answers(1, 431, end=True))
    talk.client_sends(talk.asks(3, "/next", 3))
    talk.server_sends(talk.answers(3, 200, end=True))
    dissection = heard_messages(talk)
    first, second = dissection.in_order()
    assert (first.unseen, first.status) == ("head-too-long", 431)
    assert (second.stream, second.status) == (3, 200)
    assert dissection.anomalies() == {"head-too-long": 1}


@pytest.mark.parametrize("piece", [b"", b"\x82"])
def test_a_flood_of_continuations(piece: bytes) -> None:
    """More than any block needs: it is given up, with the table."""
    talk = quick()
    frames = frame(HEADERS, talk.request_block("/flood", 1)[:30], stream=1)
    frames += frame(CONTINUATION, piece, stream=1) * (limits.CONTINUATION_FRAMES + 500)
    talk.client_sends(frames + frame(CONTINUATION, b"", flags=END_HEADERS, stream=1))
    turn(talk, 3)
    dissection = heard_messages(talk)
    assert dissection.in_order()[0].unseen == "head-too-long"
    assert dissection.in_order()[1].status == 200
    assert dissection.anomalies() == {"continuation-flood": 1}


def test_streams_without_an_end_are_bounded() -> None:
    """The oldest are settled without it, and counted; none is reported twice."""
    talk = quick()
    many = 3 * limits.OPEN_STREAMS
    frames = b"".join(talk.asks(stream, "/a", None) for stream in range(1, 2 * many, 2))
    talk.client_sends(frames, 60_000)
    for sizes in (None, 3):
        dissection = Dissection()
        for block in cut_into(talk.packets, sizes):
            dissection.feed(block)
        open_streams = many - len(dissection.exchanges)
        assert open_streams < limits.OPEN_STREAMS
        assert dissection.anomalies() == {"too-many-streams": len(dissection.exchanges)}
        dissection.close()
        assert len({exchange.stream for exchange in dissection.exchanges}) == len(dissection.exchanges) == many


def test_many_calls_in_one_block_are_not_too_many() -> None:
    """More requests than may be open, each answered at once: both directions are read in step."""
    talk = quick()
    many = limits.OPEN_STREAMS + 2004
    talk.clock.step_ns = 10
    for first in range(0, many, 50):
        streams = range(2 * first + 1, 2 * first + 101, 2)
        talk.client_sends(b"".join(talk.asks(stream, "/a", None) for stream in streams), 60_000)
        talk.server_sends(b"".join(talk.answers(stream, 200, end=True) for stream in streams), 60_000)
    for sizes in (None, 50):
        dissection = dissected(talk.packets, sizes)
        assert len(dissection.exchanges) == many
        assert all(exchange.complete for exchange in dissection.exchanges)
        assert dissection.anomalies() == {}


def test_responses_that_nobody_asked_for_are_bounded() -> None:
    """They wait a while for their request, and are forgotten."""
    talk = quick()
    frames = b"".join(talk.answers(stream, 200, end=True) for stream in range(1, 20_001, 2))
    talk.server_sends(frames, 60_000)
    turn(talk, 20_001)
    assert dissected(talk.packets).told() == [NEXT]


def test_unfinished_blocks_of_all_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many connections each begin a header block; those that end it give back what it took."""
    monkeypatch.setattr("wiresniff.model.limits.HEADS_TOTAL_BYTES", 50_000)
    for is_ended in (True, False):
        packets = []
        for number in range(30):
            talk = Talk(client=("10.0.0.1", 40000 + number)).begin()
            block = talk.request_block("/a", 1, [("cookie", f"{number:5000}")])
            frames = header_frames(block, 1, end=True, pieces=[1000, 2000])
            talk.client_sends(frames if is_ended else frames[:-1], mss=900)
            packets += talk.packets
        dissection = dissected(packets)
        assert len(dissection.exchanges) == 30
        unseen = [exchange.unseen for exchange in dissection.exchanges]
        if is_ended:
            assert unseen == [None] * 30
        else:
            assert set(unseen) == {"head-too-long", "truncated"}
            assert dissection.anomalies() == {"head-too-long": unseen.count(unseen[-1])}


def test_header_tables_of_all_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that is forgotten makes its connection one that was joined late; nothing wrong is read."""
    monkeypatch.setattr("wiresniff.model.limits.HEADER_WINDOWS_TOTAL_BYTES", 3000)
    packets = []
    for number in range(8):
        talk = Talk(client=("10.0.0.1", 40000 + number)).begin()
        for stream in (1, 3, 5):
            turn(talk, stream)
        packets += talk.packets
    dissection = dissected(packets, 1)
    assert dissection.anomalies()["header-windows-full"] >= 1
    assert len(dissection.exchanges) == 24
    assert all(exchange.target in (None, b"/next") for exchange in dissection.exchanges)


def test_windows_are_given_back() -> None:
    """When a connection is over nothing of it is counted any longer."""
    talk = Talk().begin()
    turn(talk, 1)
    talk.close()
    dissection = dissected(talk.packets)
    assert (dissection.dissector._budget.windows, dissection.dissector._budget.held) == (0, 0)


@pytest.mark.parametrize("differ", [False, True])
def test_header_blocks_that_are_remembered_are_bounded(differ: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each differs, and nothing is added to the table: after so many, all are forgotten and counted, and read right."""
    monkeypatch.setattr(limits, "HEADER_BLOCKS", 4)
    talk = Talk().begin()
    for number in range(6):
        stream = 2 * number + 1
        path = b"/%d" % number if differ else b"/"
        asked, answered = b"\x83\x86\x04" + bytes([len(path)]) + path, b"\x08\x03%d" % (200 + number)
        talk.client_sends(header_frames(asked, stream, end=True))
        talk.server_sends(header_frames(answered if differ else b"\x88", stream, end=True))
    dissection = Dissection()
    for block in cut_into(talk.packets, 1):
        dissection.feed(block)
    readers = dissection.dissector._http2_readers
    assert dissection.dissector.evictions()["header-block-cache"] == (8 if differ else 0)
    assert readers.remembered.octets > 0
    expected = [f"POST /{number} -> {200 + number}" if differ else "POST / -> 200" for number in range(6)]
    assert dissection.close().told() == expected
    assert readers.remembered.octets == 0


def seconds_for(octets: bytes, mss: int) -> float:
    """Return how long reading takes, the best of two."""
    talk = Talk()
    talk.clock.step_ns = 100
    talk.open()
    talk.client_sends(octets, mss)
    (block,) = cut_into(talk.packets, None)
    best = float("inf")
    for _ in range(2):
        begin = time.perf_counter()
        Dissection().feed(block).close()
        best = min(best, time.perf_counter() - begin)
    return best


FLOODS = {
    "empty data": data(1, b""),
    "windows": window(0),
    "empty settings": settings(),
    "table sizes": settings(table=0, frame=1),
    "empty header blocks": frame(HEADERS, b"", flags=END_HEADERS, stream=1),
    "size updates": frame(HEADERS, b"\x20\x3f\xe1\x1f", flags=END_HEADERS, stream=1),
    "lost": frame(8, b"") + b"\x00\x00\x01\x00\x00\x00\x00\x00\x01?" * 2,
    "lost in headers": frame(8, b"") + frame(HEADERS, b"\x82", flags=END_HEADERS, stream=1)[:9],
}


@pytest.mark.parametrize("mss", [1460, 7])
@pytest.mark.parametrize("name", FLOODS)
def test_floods_take_linear_time(name: str, mss: int) -> None:
    """Eight times as much takes about eight times as long, not sixty times."""
    short, long = (seconds_for(PREFACE + FLOODS[name] * number, mss) for number in (150, 1200))
    assert long < max(25 * short, 0.2)
