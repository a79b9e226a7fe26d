"""Frames are found where they are, and nowhere else: the bar of `http2.search`, tried with bytes of other protocols."""

import random
import struct
from collections.abc import Callable

import pytest
from builders import Conversation
from http2_frames import ACKNOWLEDGED, PINGED, Talk, data, frame, header_frames, message, settings, window
from hypothesis import given
from hypothesis import strategies as st
from stage_feeding import heard_messages

from wiresniff.model.delivery import Columns, Data, Gap, GapCause
from wiresniff.protocols.budget import Budget
from wiresniff.protocols.http2.search import KNOWN_CONNECTION, UNKNOWN_CONNECTION, Role, Search

RANDOM = random.Random(9113)


def segments(octets: bytes, mss: int) -> list[Data]:
    """Cut bytes into segments, one run."""
    cuts = list(range(0, len(octets), mss))
    stops = [*cuts[1:], len(octets)]
    rows = len(cuts)
    columns = Columns(cuts, stops, cuts, [0] * rows, list(range(rows)), [0] * rows)
    return [Data(0, len(octets), octets, columns, 0, rows, 0)]


def found_at(octets: bytes, mss: int = 1460, enough: int = UNKNOWN_CONNECTION) -> int | None:
    """Return where frames are found."""
    budget = Budget()
    search = Search(enough, budget)
    for run in segments(octets, mss):
        for row in range(run.first, run.last):
            if search.add(run, row, run.columns.cuts[row]):
                return search.take()[0]
    search.give_up()
    assert budget.held == 0
    assert search.dropped_bytes == len(octets)
    return None


CALL = Talk().calls(77, "/shop.Cart/Add", 1)
REPLY = Talk().returns(77)


@pytest.mark.parametrize("mss", [1460, 100, 9, 1])
@pytest.mark.parametrize("before", [b"", b"tail of DATA" * 9, RANDOM.randbytes(5000)], ids=["begin", "text", "random"])
@pytest.mark.parametrize("said", [CALL, REPLY], ids=["client", "server"])
def test_frames_are_found_where_they_begin(mss: int, before: bytes, said: bytes) -> None:
    """In segments of any size, behind the rest of something else."""
    assert found_at(before + said * 3, mss) == len(before)


@pytest.mark.parametrize("said", [CALL, REPLY, Talk().asks(5, "/a"), Talk().answers(5, 204, end=True)])
def test_one_segment_is_enough(said: bytes) -> None:
    """If it begins with a frame and ends with one, and a header block in it has a pseudo-field."""
    assert found_at(said) == 0


@pytest.mark.parametrize("said", [window(0) + PINGED, data(1, message(9)) * 9, settings() + ACKNOWLEDGED], ids=range(3))
def test_frames_without_a_header_block_are_not_enough(said: bytes) -> None:
    """Of a connection of which nothing else is known. Where it is known to be HTTP/2 they are."""
    assert found_at(said) is None
    assert found_at(said * 3, enough=KNOWN_CONNECTION) is not None


def test_who_sends_is_told_by_the_pseudo_fields() -> None:
    """`:status` comes from a server only."""
    for said, role in ((CALL, Role.CLIENT), (REPLY, Role.SERVER)):
        search = Search(UNKNOWN_CONNECTION, Budget())
        (run,) = segments(said, 1460)
        assert search.add(run, 0, 0)
        assert search.role() is role
    both = Talk()
    assert found_at(b"?" + both.asks(1, "/a")[:-1] + b"" + both.answers(3, 200) + both.asks(5, "/b")) != 0


def test_header_blocks_that_are_none() -> None:
    """A wrong reference, a name that is none, padding that is none: the frame around it is none."""
    for block in (b"\x82\x80", b"\x82\x40\x03a b\x01v", b"\x40\x01A\x01v\x82", b"\x82\x00\x05ab"):
        assert found_at(header_frames(block, 1, end=True)) is None
    assert found_at(frame(1, b"\xff\x82\x86", flags=0x0C, stream=1) * 3) is None


def test_a_header_block_that_is_cut_counts_as_far_as_it_is_there() -> None:
    """The capture holds the beginning of each packet."""
    budget = Budget()
    search = Search(UNKNOWN_CONNECTION, budget)
    (run,) = segments(CALL[:60], 1460)
    assert not search.add(run, 0, 0)
    assert not search.lose(Gap(60, 3000, GapCause.CUT, 0))
    search = Search(KNOWN_CONNECTION, budget)
    assert not search.add(run, 0, 0)
    assert search.lose(Gap(60, 3000, GapCause.CUT, 0))
    assert search.take()[0] == 0


# bytes of other protocols


def kafka(number: int) -> bytes:
    """Fetch requests (Kafka protocol, request header v1), with names that are chosen to mislead."""
    name = b"\x00\x00\x05\x01\x04\x00\x00\x00\x01"
    body = struct.pack(">hhih", 1, 11, number, len(name)) + name + bytes(17) + struct.pack(">i", number * 2 + 1)
    return struct.pack(">i", len(body)) + body


def amqp(number: int) -> bytes:
    """Methods and bodies (AMQP 0-9-1 2.3.5): type, channel, size, payload, end."""
    payload = b"\x00\x3c\x00\x28" + bytes(number % 9) + b"orders"
    return struct.pack(">BHI", 1 + number % 3, 1, len(payload)) + payload + b"\xce"


def mysql(number: int) -> bytes:
    """Rows (MySQL protocol): length of 3 bytes, little-endian, and a number."""
    payload = b"\x05price\x00\x00\x01\x00\x00"[: 5 + number % 7]
    return len(payload).to_bytes(3, "little") + bytes([number % 256]) + payload


def postgres(number: int) -> bytes:
    """Rows (PostgreSQL 55.7): type, length, columns."""
    return b"D" + struct.pack(">IhI", 14, 1, 4) + struct.pack(">I", number) + b"Z\x00\x00\x00\x05I"


def redis(number: int) -> bytes:
    """Commands (RESP)."""
    return b"*3\r\n$3\r\nSET\r\n$2\r\nk1\r\n$4\r\n%04d\r\n" % number


def nats(number: int) -> bytes:
    """Messages of NATS."""
    return b"MSG orders 1 8\r\n%08d\r\nPING\r\n" % number


def tls(number: int) -> bytes:
    """Make records (RFC 8446 5.1)."""
    return b"\x17\x03\x03\x00\x80" + RANDOM.randbytes(127) + bytes([number % 256])


def zeros(number: int) -> bytes:
    """Numbers of 32 and 64 bits, most of them small: what binary protocols are full of."""
    return struct.pack(">IQIHBB", number % 9, number % 5, 1, number % 3, 1, 4)


OTHERS: list[Callable[[int], bytes]] = [kafka, amqp, mysql, postgres, redis, nats, tls, zeros]


@pytest.mark.parametrize("mss", [1460, 61])
@pytest.mark.parametrize("other", OTHERS, ids=lambda other: other.__name__)
def test_other_protocols_are_not_mistaken(other: Callable[[int], bytes], mss: int) -> None:
    """Some hundred kilobytes of each, from any place on."""
    octets = b"".join(other(number) for number in range(4000))[:150_000]
    assert found_at(octets[3:], mss) is None


def test_random_bytes_are_not_mistaken() -> None:
    """A megabyte, with more zeros than chance would have."""
    for share in (0.0, 0.5, 0.9):
        octets = bytes(0 if RANDOM.random() < share else RANDOM.randrange(256) for _ in range(350_000))
        assert found_at(octets) is None
        assert found_at(octets, enough=KNOWN_CONNECTION) is None


@given(st.binary(max_size=300), st.integers(1, 40))
def test_nothing_raises_and_every_byte_is_dropped_or_kept(octets: bytes, mss: int) -> None:
    """Whatever the bytes are."""
    found_at(octets + CALL[:20] + octets, mss)


@given(
    st.lists(st.sampled_from((b"\x00", b"\x00\x00\x05\x01\x04", b"\x00\x00\x00\x01", b"\x82", b"\x00\x00\x04\x08\x00")))
)
def test_pieces_of_headers_are_not_mistaken(pieces: list[bytes]) -> None:
    """A header block that decodes must stand where the header says."""
    begin = found_at(b"".join(pieces))
    assert begin is None or b"".join(pieces)[begin + 3] == 1


def test_a_connection_of_another_protocol_stays_unknown() -> None:
    """And is given up after some hundred segments, joined late or not."""
    for is_late in (True, False):
        talk = Conversation(server=("10.0.0.2", 9092))
        if not is_late:
            talk.open()
        for number in range(300):
            talk.client_sends(kafka(number))
            talk.server_sends(kafka(number + 1)[:30])
        talk.close()
        dissection = heard_messages(talk)
        assert dissection.exchanges == []
        assert list(dissection.opaque()) == ["unknown-protocol"]
