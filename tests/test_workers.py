"""Several processes: whose a connection is, what they share, what travels between them, and how they end."""

import os
import signal
import socket
from typing import cast

import numpy as np
import pytest
from builders import Conversation, packet_block
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from wiresniff.decode.decoder import Decoder
from wiresniff.model.delivery import Endpoint
from wiresniff.model.errors import CaptureError
from wiresniff.model.exchanges import Channel, Exchange, Opened, Traffic
from wiresniff.model.segments import ENDPOINTS, SegmentBlock
from wiresniff.workers.events import Receiver, Sender, snapshot
from wiresniff.workers.links import Link, fork, framed, post_to_all, readable, send_to_all
from wiresniff.workers.shares import BUCKETS, Shares, buckets_of
from wiresniff.workers.slots import Slot, halves


def segments() -> SegmentBlock:
    """Return the segments of two conversations."""
    first, second = Conversation(), Conversation(client=("10.0.0.3", 4000))
    for talk in (first, second):
        talk.open()
        talk.client_sends(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
        talk.server_sends(b"HTTP/1.1 204 No Content\r\n\r\n")
    return Decoder(7).feed(packet_block([*first.packets, *second.packets]))


# --- shares ---

ADDRESSES = st.one_of(
    st.binary(min_size=4, max_size=4).map(lambda four: b"\0" * 10 + b"\xff\xff" + four),
    st.binary(min_size=16, max_size=16),
)


@given(st.lists(st.tuples(ADDRESSES, ADDRESSES, st.integers(0, 65535), st.integers(0, 65535)), min_size=1, max_size=20))
def test_a_connection_has_one_share_whatever_else_is_in_its_block(rows: list[tuple[bytes, bytes, int, int]]) -> None:
    """Alone, among others, and in another network: the same worker follows it."""
    endpoints = np.array([(*row, 0) for row in rows], dtype=ENDPOINTS)
    tunnelled = endpoints.copy()
    tunnelled["domain"] = 0x8000_0001
    together = buckets_of(endpoints).tolist()
    assert together == [int(buckets_of(endpoints[at : at + 1])[0]) for at in range(len(rows))]
    assert together == buckets_of(tunnelled).tolist()
    assert set(together) <= set(range(BUCKETS))
    shares = Shares(3)
    first = shares.of(endpoints).tolist()
    assert first == shares.of(endpoints[::-1])[::-1].tolist()
    assert set(first) <= {0, 1, 2}


def connections(count: int, segments: int = 1) -> NDArray[np.void]:
    """Return the endpoints of so many segments of each of so many connections, from one client to one server."""
    ends = (b"\0" * 10 + b"\xff\xff\x0a\0\0\1", b"\0" * 10 + b"\xff\xff\x0a\0\0\2")
    return np.array([(*ends, 30000 + port, 80, 0) for port in range(count) for _ in range(segments)], dtype=ENDPOINTS)


@pytest.mark.parametrize("count", [4, 8, 1000, 10_000])
def test_connections_are_shared_evenly(count: int) -> None:
    """Few that carry everything, and more than there are buckets: both workers are busy."""
    assert 0.49 < Shares(2).of(connections(count)).mean() < 0.51


def test_what_comes_later_goes_to_who_had_less() -> None:
    """A worker with one busy connection is spared those that come when that is known."""
    shares = Shares(2)
    busy = shares.of(connections(1, segments=1000))
    later = shares.of(connections(11)[1:])
    assert set(busy.tolist()).isdisjoint(later.tolist())
    assert set(shares.of(connections(1)).tolist()) == set(busy.tolist())


# --- slots ---


@pytest.mark.parametrize("is_read_into_it", [False, True])
def test_each_worker_reads_its_rows_of_a_slot(*, is_read_into_it: bool) -> None:
    """What one process wrote comes out as the rows of each share, in capture order, with the same bytes."""
    block, filled = segments(), segments()
    share = Shares(2).of(block.endpoints)
    slot = Slot()
    if is_read_into_it:
        slot.buffer[: len(block.buffer)] = block.buffer
        filled.buffer = cast("bytes", slot.buffer)
    written = slot.write(filled, share, 2)
    for number in (0, 1):
        expected = block.rows(np.flatnonzero(share == number))
        found = slot.read(written, number)
        assert found.number.tolist() == expected.number.tolist()
        assert found.endpoints.tobytes() == expected.endpoints.tobytes()
        for name in ("timestamp_ns", "sequence", "acknowledgement", "flags", "from_high", "connection_hash"):
            assert getattr(found, name).tolist() == getattr(expected, name).tolist()
        assert payloads(found) == payloads(expected)


def payloads(block: SegmentBlock) -> list[bytes]:
    """Return the payload of each segment."""
    return [
        bytes(block.buffer[at : at + length])
        for at, length in zip(block.payload_at.tolist(), block.payload_length.tolist(), strict=True)
    ]


def test_what_does_not_fit_is_cut_in_two() -> None:
    """Both halves hold their segments' bytes and nothing else."""
    block = segments()
    first, second = halves(block)
    assert payloads(first) + payloads(second) == payloads(block)
    assert len(first.buffer) + len(second.buffer) == sum(map(len, payloads(block)))


# --- events ---


def exchange(channel: Channel, packet: int) -> Exchange:
    """Return a request."""
    return Exchange(channel, "http/1", "1.1", packet * 1000, 0, packet, packet, b"GET", b"/", [(b"traceparent", b"x")])


def test_a_request_is_one_object_from_its_head_to_its_end() -> None:
    """What was opened comes again, filled in, as the same object; its connection is one object for all its requests."""
    sender, receiver = Sender(), Receiver()
    channel = Channel(Endpoint("10.0.0.1", 4000), Endpoint("10.0.0.2", 80), 0)
    asked = exchange(channel, 1)
    asked.is_announced = True
    (opened,) = receiver.events(sender.sent([Opened(asked)]))
    assert isinstance(opened, Opened)
    asked.status = 200
    settled, other = receiver.events(sender.sent([asked, exchange(channel, 2)]))
    assert settled is opened.exchange
    assert isinstance(settled, Exchange)
    assert isinstance(other, Exchange)
    assert settled.status == 200
    assert settled.channel is other.channel
    assert settled.channel.client == channel.client


def test_a_request_is_told_as_it_was() -> None:
    """What is learned of a request between its snapshot and its sending is not told too early."""
    sender, receiver = Sender(), Receiver()
    asked = exchange(Channel(Endpoint("10.0.0.1", 4000), Endpoint("10.0.0.2", 80), 0), 1)
    kept = snapshot(Opened(asked))
    asked.status = 200
    (opened,) = receiver.events(sender.sent([kept]))
    assert isinstance(opened, Opened)
    assert opened.exchange.status is None


def test_traffic_travels_as_it_is() -> None:
    """Accounts of bytes are plain data already."""
    account = Traffic(Endpoint("10.0.0.1", 4000), Endpoint("10.0.0.2", 80), "shop", 10, 0, None)
    assert Receiver().events(Sender().sent([account])) == [account]


# --- processes ---


def echo(number: int, link: Link) -> None:
    """Send back what comes, with the worker's number; end at None."""
    while (message := link.receive()) is not None:
        link.send((number, message))


def test_messages_go_both_ways_however_large_they_are() -> None:
    """A worker that waits until its message is taken does not stop others, nor this process."""
    workers = fork(2, echo)
    large = b"x" * 3_000_000
    for _ in range(3):
        send_to_all(workers, large)
    for worker in workers:
        assert [worker.receive() for _ in range(3)] == [(worker.number, large)] * 3
    send_to_all(workers, None)
    assert [worker.wait() for worker in workers] == [0, 0]


def test_part_of_a_message_is_none() -> None:
    """A process that has other things to do is told when all of it is here, and not made to wait for the rest."""
    ours, theirs = socket.socketpair()
    link, octets = Link(ours), framed(["a", "message"])
    for length in range(len(octets)):
        theirs.sendall(octets[length : length + 1])
        assert link.is_ready() == (length == len(octets) - 1)
    assert link.receive() == ["a", "message"]
    assert not link.is_ready()
    theirs.close()
    assert link.is_ready()
    with pytest.raises(EOFError):
        link.receive()
    link.close()


def test_a_message_waits_for_a_worker_that_takes_none() -> None:
    """Whoever posts it does not; all of it comes, in order, when the worker takes it."""
    (worker,) = fork(1, echo)
    os.kill(worker.process, signal.SIGSTOP)
    large = b"x" * 3_000_000
    for message in (large, b"small"):
        post_to_all([worker], message)
    assert readable([worker], 0.01) == []
    os.kill(worker.process, signal.SIGCONT)
    taken = []
    while len(taken) < 2:
        taken += [each.receive() for each in readable([worker], None)]
    assert taken == [(0, large), (0, b"small")]
    send_to_all([worker], None)
    assert worker.wait() == 0


def test_a_worker_that_was_killed_is_told_of_in_a_sentence() -> None:
    """Whoever waits for it learns how it ended, instead of waiting on."""
    (worker,) = fork(1, echo)
    os.kill(worker.process, signal.SIGKILL)
    with pytest.raises(CaptureError, match=r"job 1 was killed \(signal 9\).*memory"):
        worker.receive()


def test_workers_end_with_their_parent() -> None:
    """When the line is gone there is nobody to work for."""
    (worker,) = fork(1, echo)
    worker.link.close()
    assert worker.wait() == 0
