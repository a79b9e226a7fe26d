"""Live capture in networks of its own: real interfaces, real packets."""

import os
import socket
import subprocess
import threading
import time
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from builders import UDP, Conversation, ip_packet, link_frame, udp_datagram
from namespaces import (
    Namespace,
    add_pair,
    ip,
    namespace,
    needs_namespaces,
    open_tun,
    packets_of,
    send_datagrams,
    send_frames,
    watched,
)

from wiresniff.capture.filter import Filter
from wiresniff.capture.interfaces import vlans
from wiresniff.capture.live import LiveSource, Rows, open_live
from wiresniff.capture.ring import LINK_COOKED, LINK_ETHERNET
from wiresniff.decode.decoder import Decoder
from wiresniff.model.errors import UsageError
from wiresniff.model.limits import INTERFACES, MIB, RING_BLOCK_BYTES, RING_BLOCK_SECONDS

__all__ = ["namespace"]
pytestmark = [needs_namespaces, pytest.mark.usefixtures("namespace")]

NETWORK = ip_packet("10.0.0.1", "10.0.0.2", UDP, udp_datagram(("10.0.0.1", 1000), ("10.0.0.2", 9), b"payload"))
FRAME = link_frame(NETWORK)
TAGGED = link_frame(NETWORK, vlans=(7,))


def opened(*names: str, **options: object) -> LiveSource:
    """Open interfaces."""
    source = open_live(names, **options)  # type: ignore[arg-type]
    assert isinstance(source, LiveSource)
    return source


@pytest.mark.parametrize("name", ["lo", "any"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_loopback_gives_each_packet_once(name: str, address: str) -> None:
    """It passes twice, as it goes out and as it comes in."""
    with opened(name) as source:
        blocks = watched(source, lambda: send_datagrams(20, address=address))
        (statistics,) = source.statistics()
    assert sum(b"datagram" in packet for packet in packets_of(blocks)) == 20
    assert {kind for block in blocks for kind in block.link_types} == {LINK_ETHERNET}
    assert (statistics.packets, statistics.dropped, statistics.is_up) == (20, 0, True)
    assert statistics.bytes == sum(map(len, packets_of(blocks)))


def test_silence_passes_time() -> None:
    """Ticks come four times a second, and never run ahead of packets that are still in the ring."""
    with opened("lo") as source:
        ticks = [block.now_ns for (_, block), _ in zip(source, range(4), strict=False)]
        blocks = watched(source, lambda: send_datagrams(1))
    steps = [later - earlier for earlier, later in pairwise(ticks)]
    assert all(200_000_000 < step < 1_000_000_000 for step in steps)
    assert blocks[0].now_ns > ticks[-1]
    assert blocks[0].number.tolist() == [0]


def test_both_sides_of_a_pair_are_two_interfaces() -> None:
    """Of `any`: the frame goes out of one and comes in on the other; rows tell them apart."""
    add_pair()
    with opened("any") as source:
        blocks = watched(source, lambda: send_frames("va", [FRAME]))
    assert packets_of(blocks) == [FRAME, FRAME]
    assert sorted(row for block in blocks for row in block.interface.tolist()) == [0, 1]


def test_a_named_interface_gives_nothing_of_others() -> None:
    """Only what passes it, both ways."""
    add_pair()

    def act() -> None:
        send_frames("va", [FRAME])
        send_frames("vb", [FRAME[::-1]])
        send_datagrams(3)

    with opened("va") as source:
        assert packets_of(watched(source, act)) == [FRAME, FRAME[::-1]]


def test_tags_that_the_kernel_takes_off_are_seen() -> None:
    """A frame that comes in loses its outer tag before it is captured: the decoder keeps networks apart by it."""
    add_pair()
    tagged = [link_frame(NETWORK, vlans=vlans) for vlans in ((7,), (9, 8))]
    with opened("vb") as source:
        blocks = watched(source, lambda: send_frames("va", tagged))
    assert packets_of(blocks) == tagged


def test_rings_of_several_interfaces_are_put_in_order_of_time() -> None:
    """A frame is seen going out before it is seen coming in, though the rings are read one after the other."""
    add_pair()
    frames = [link_frame(NETWORK + bytes([number])) for number in range(50)]
    with opened("vb", "va") as source:
        blocks = iter(source)
        next(blocks)
        send_frames("va", frames)
        time.sleep(3 * RING_BLOCK_SECONDS)
        _, block = next(blocks)
    block.check()
    assert packets_of([block]) == [frame for frame in frames for _ in range(2)]
    assert sorted(block.timestamp_ns.tolist()) == block.timestamp_ns.tolist()
    assert block.interface.tolist() == [1, 0] * 50


def test_packets_of_a_vlan_with_an_interface_are_taken_there_only(
    namespace: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of `any`, they would be seen twice, with the tag and without; other tags are not touched."""
    assert namespace.descriptor
    add_pair()
    text = "VLAN Dev name    | VLAN ID\nName-Type: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD\nvb.7           | 7  | vb\n"
    monkeypatch.setattr("wiresniff.capture.live.read_vlans", lambda: vlans(text))
    other = link_frame(NETWORK, vlans=(8,))
    with opened("any") as source:
        blocks = watched(source, lambda: send_frames("va", [TAGGED, other, FRAME]))
    assert Counter(packets_of(blocks)) == {
        TAGGED: 1,
        other: 2,
        FRAME: 2,
    }  # the kernel takes tags off where they come in


def test_offloaded_packets_are_whole() -> None:
    """On veth, packets are as large as the sender's writes: 64 KiB, not 1,500 bytes. None is cut."""
    other = Namespace()
    ip("link", "add", "va", "type", "veth", "peer", "name", "vb", "netns", other.path)
    ip("addr", "add", "10.9.0.1/24", "dev", "va")
    ip("link", "set", "va", "up")
    with other.entered():
        ip("addr", "add", "10.9.0.2/24", "dev", "vb")
        ip("link", "set", "vb", "up")
        server = socket.create_server(("10.9.0.2", 80))
    sent = os.urandom(4 * MIB)

    def receive() -> None:
        peer, _ = server.accept()
        with peer:
            while peer.recv(MIB):
                pass

    def act() -> None:
        receiver = threading.Thread(target=receive)
        receiver.start()
        with socket.create_connection(("10.9.0.2", 80), timeout=10) as client:
            client.sendall(sent)
        receiver.join()

    with opened("va") as source:
        blocks = watched(source, act)
    server.close()
    other.close()
    assert max(int(block.wire_length.max()) for block in blocks) > 30_000
    assert all((block.wire_length == block.captured_length).all() for block in blocks)
    decoder, payload = Decoder(), bytearray(len(sent))
    first = None
    for block in blocks:
        segments = decoder.feed(block)
        for sequence, at, length in zip(
            segments.sequence.tolist(), segments.payload_at.tolist(), segments.payload_length.tolist(), strict=True
        ):
            if length:
                first = sequence if first is None else first
                place = (sequence - first) % 2**32
                payload[place : place + length] = segments.buffer[at : at + length]
    assert payload == sent


def test_a_device_without_ethernet_headers() -> None:
    """Tun, WireGuard and the like give IP packets as they are; by name and among `any`."""
    tun = open_tun("t0")
    for name in ("t0", "any"):
        with opened(name) as source:
            blocks = watched(source, lambda: [os.write(tun, NETWORK), send_datagrams(1)])
        packets = Counter(packet[-len(NETWORK) :] for packet in packets_of(blocks))
        assert packets[NETWORK] == 1
        assert {int(block.link_types[row]) for block in blocks for row in block.interface.tolist()} == (
            {LINK_COOKED} if name == "t0" else {LINK_COOKED, LINK_ETHERNET}
        )
        decoder = Decoder()
        for block in blocks:
            decoder.feed(block)
        assert decoder.not_tcp() == {"udp": 1 if name == "t0" else 2}
    os.close(tun)


@pytest.mark.parametrize(
    ("expression", "name", "expected", "is_in_kernel"),
    [
        ("udp port 9", "va", {FRAME}, True),
        ("udp port 9", "any", {FRAME, NETWORK}, True),
        ("host 10.0.0.1 and not port 10", "any", {FRAME, NETWORK}, True),
        ("ether host 02:00:00:00:00:01", "va", {FRAME}, True),
        ("ether host 02:00:00:00:00:01", "any", {FRAME}, False),
        ("outbound and udp port 9", "any", {FRAME}, True),
        ("vlan 7", "vb", {TAGGED}, False),
        ("vlan 7", "any", {TAGGED}, False),
        ("tcp", "any", set(), True),
        ("ether proto 0x9999", "va", set(), True),
    ],
)
def test_a_filter_drops_what_does_not_match(
    expression: str, name: str, expected: set[bytes], *, is_in_kernel: bool
) -> None:
    """In the kernel where it can, else here: a filter on tags is one on what the kernel takes off."""
    add_pair()
    tun = open_tun("t0")
    datagram = udp_datagram(("10.0.0.1", 10), ("10.0.0.2", 10), b"")
    elsewhere = (
        bytes.fromhex("02000000000b02000000000c") + link_frame(ip_packet("10.0.0.1", "10.0.0.2", UDP, datagram))[12:]
    )

    def act() -> None:
        send_frames("va", [elsewhere, TAGGED if "vlan" in expression else FRAME])
        os.write(tun, NETWORK)

    with opened(name, filter=Filter(expression)) as source:
        packets = packets_of(watched(source, act))
        (statistics,) = source.statistics()
    os.close(tun)
    without_cooked = [packet[16:] if packet[:2] == b"\0\0" else packet for packet in packets]
    assert set(without_cooked) == expected
    copies = 2 if name == "any" and "outbound" not in expression else 1  # of the pair, both sides
    assert len(packets) == sum(1 if packet == NETWORK else copies for packet in expected)
    assert (statistics.packets == len(packets)) == is_in_kernel


def test_an_interface_that_goes_and_comes_again_is_followed() -> None:
    """Meanwhile it is said to be absent; the new one has another index, and is watched within a second."""
    add_pair()
    with opened("va", "lo") as source:
        blocks = iter(source)
        next(blocks)
        send_frames("vb", [FRAME])
        assert packets_of([next(block for _, block in blocks if len(block))]) == [FRAME]
        ip("link", "del", "va")
        next(blocks)
        while source.statistics()[0].is_up:
            next(blocks)
        assert source.statistics()[0].reason == "there is no interface of this name"
        assert source.statistics()[1].is_up
        add_pair()
        seen = 0
        while not source.statistics()[0].is_up:
            next(blocks)
            seen += 1
        assert seen < 12
        send_frames("vb", [FRAME])
        while not len(block := next(blocks)[1]):
            pass
        assert packets_of([block]) == [FRAME]
        assert [each.reopened for each in source.statistics()] == [1, 0]


@pytest.mark.parametrize("options", [{}, {"fanout": 4711}], ids=["one", "fanout"])
def test_nothing_is_counted_of_an_interface_with_another_name(options: dict[str, object]) -> None:
    """It was asked for by a name that is said to be absent now: none of its packets counts then, read or left out.

    With its name back it is the same interface: watched again, not opened again.
    """
    add_pair()
    some = talks(20)
    with opened("va", **options) as source:
        source.shed(0.5)
        blocks = iter(source)
        next(blocks)
        rename("va", "elsewhere")
        while source.statistics()[0].is_up:
            next(blocks)
        (before,) = [replace(each) for each in source.statistics()]
        assert before.reason == "there is no interface of this name"
        send_frames("vb", [*frames_of(some), FRAME])
        time.sleep(3 * RING_BLOCK_SECONDS)
        assert not any(len(next(blocks)[1]) for _ in range(3))
        assert source.statistics() == [before]
        rename("elsewhere", "va")
        while not source.statistics()[0].is_up:
            next(blocks)
        send_frames("vb", [FRAME])
        while not len(block := next(blocks)[1]):
            pass
        assert packets_of([block]) == [FRAME]
        assert source.statistics()[0].reopened == 0


def rename(name: str, other: str) -> None:
    """Call an interface otherwise; older kernels do so only while it is down."""
    ip("link", "set", name, "down")
    ip("link", "set", name, "name", other)
    ip("link", "set", other, "up")


def test_an_interface_that_is_down_says_so() -> None:
    """And is watched again when it is up: no other one, so nothing was opened again."""
    add_pair()
    with opened("va") as source:
        blocks = iter(source)
        next(blocks)
        ip("link", "set", "va", "down")
        while source.statistics()[0].is_up:
            next(blocks)
        assert source.statistics()[0].reason == "the interface is down"
        ip("link", "set", "va", "up")
        while not source.statistics()[0].is_up:
            next(blocks)
        send_frames("va", [FRAME])
        while not len(block := next(blocks)[1]):
            pass
        assert packets_of([block]) == [FRAME]
        assert source.statistics()[0].reopened == 0


def test_an_interface_may_be_awaited() -> None:
    """A sidecar may be there before its interface is."""
    with pytest.raises(UsageError, match="no interface 'va'"):
        open_live(["va"])
    with opened("va", may_be_absent=True) as source:
        blocks = iter(source)
        next(blocks)
        assert not source.statistics()[0].is_up
        add_pair()
        while not source.statistics()[0].is_up:
            next(blocks)
        send_frames("vb", [FRAME])
        while not len(block := next(blocks)[1]):
            pass
        assert packets_of([block]) == [FRAME]


def test_interfaces_that_come_and_go_for_months_take_no_memory() -> None:
    """Each pod has another one: when there are too many, their numbers begin anew."""
    rows = Rows()
    for number in range(3 * INTERFACES):
        rows.make_room()
        row = rows.of(number, LINK_ETHERNET)
        assert rows.link_types[row] == LINK_ETHERNET
    assert len(rows.link_types) <= INTERFACES + 1
    assert rows.forgotten == 2
    assert rows.of(number, LINK_ETHERNET) == rows.of(number, LINK_ETHERNET)
    assert rows.of(number, LINK_COOKED) != rows.of(number, LINK_ETHERNET)


def talks(count: int) -> list[Conversation]:
    """Return short connections, IPv4 and IPv6."""
    made = []
    for number in range(count):
        ends = (("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2"))[number % 2]
        talk = Conversation((ends[0], 30_000 + number), (ends[1], 80))
        talk.open()
        talk.client_sends(b"GET / HTTP/1.1\r\n\r\n")
        talk.server_sends(b"HTTP/1.1 204 No Content\r\n\r\n")
        made.append(talk)
    return made


def frames_of(some: list[Conversation]) -> list[bytes]:
    """Return what connections send."""
    return [packet.data for talk in some for packet in talk.packets]


def connections_in(packets: list[bytes], some: list[Conversation]) -> Counter[int]:
    """Return how many packets of each connection there are."""
    owner = {packet.data: number for number, talk in enumerate(some) for packet in talk.packets}
    return Counter(owner[packet] for packet in packets)


@pytest.mark.parametrize("name", ["va", "any"])
def test_fanout_shares_connections_and_keeps_them_whole(name: str) -> None:
    """Two sources: each packet comes to one of them, and those of a connection to the same one."""
    add_pair("va", "vb")
    some = talks(64)
    with opened(name, fanout=4711) as first, opened(name, fanout=4711) as second:
        others = iter(second)
        next(others)
        found = packets_of(watched(first, lambda: send_frames("va", frames_of(some))))
        second.stop()
        others_found = packets_of([block for _, block in others])
    copies = 2 if name == "any" else 1
    mine, theirs = connections_in(found, some), connections_in(others_found, some)
    assert set(mine) & set(theirs) == set()
    assert mine + theirs == Counter({number: len(talk.packets) * copies for number, talk in enumerate(some)})
    assert min(len(mine), len(theirs)) > 10


def test_fanout_follows_an_interface_that_comes_again() -> None:
    """A member of a group can't be bound anew; the program of its filter can."""
    add_pair()
    with opened("va", fanout=4711) as source:
        blocks = iter(source)
        next(blocks)
        ip("link", "del", "va")
        while source.statistics()[0].is_up:
            next(blocks)
        add_pair()
        while not source.statistics()[0].is_up:
            next(blocks)
        send_datagrams(3)
        send_frames("vb", [FRAME])
        while not len(block := next(blocks)[1]):
            pass
        assert packets_of([block]) == [FRAME]


@pytest.mark.parametrize(
    ("name", "options"),
    [("va", {}), ("any", {"filter": Filter("port 80")}), ("va", {"fanout": 99})],
    ids=["one", "any-filter", "fanout"],
)
def test_connections_are_left_out_whole_and_counted(name: str, options: dict[str, object]) -> None:
    """At overload: both directions of half of them, always the same ones; other packets stay."""
    add_pair()
    some = talks(200)
    with opened(name, **options) as source:
        source.shed(0.5)
        kept = connections_in(packets_of(watched(source, lambda: send_frames("va", frames_of(some)))), some)
        (statistics,) = source.statistics()
        copies = 2 if name == "any" else 1
        assert all(count == len(some[number].packets) * copies for number, count in kept.items())
        assert 60 < len(kept) < 140
        assert {number % 2 for number in kept} == {0, 1}
        assert statistics.shed_packets == (len(some) - len(kept)) * len(some[0].packets) * copies
        assert statistics.shed_connections == (len(some) - len(kept)) * copies


def test_what_was_left_out_comes_back() -> None:
    """When there is room again; nothing is counted then."""
    add_pair()
    some = talks(20)
    with opened("va") as source:
        source.shed(0.9)
        source.shed(0.0)
        kept = connections_in(packets_of(watched(source, lambda: send_frames("va", frames_of(some)))), some)
        assert len(kept) == len(some)
        assert source.statistics()[0].shed_packets == 0


def test_what_waits_at_the_end_is_given() -> None:
    """More than is read at a time: all that came before `stop`, and nothing after it."""
    add_pair()
    frames = [link_frame(NETWORK + number.to_bytes(4)).ljust(1400, b"\0") for number in range(3000)]
    with opened("va") as source:
        blocks = iter(source)
        next(blocks)
        send_frames("va", frames)
        source.stop()
        found = [next(blocks)[1]]
        send_frames("va", [FRAME])
        found += [block for _, block in blocks]
    assert packets_of(found) == frames


def test_under_load_packets_are_given_together() -> None:
    """What fills ring block after ring block comes in few blocks, whole and in order: each block costs."""
    add_pair()
    frames = [link_frame(NETWORK + number.to_bytes(4)).ljust(1400, b"\0") for number in range(12_000)]

    def send() -> None:
        for first in range(0, len(frames), 200):
            send_frames("va", frames[first : first + 200])
            time.sleep(0.002)

    sender = threading.Thread(target=send)
    with opened("va", ring_bytes=32 * MIB) as source:
        taken = iter(source)
        sender.start()
        found = []
        while sum(map(len, found)) < len(frames):
            found.append(next(taken)[1])
        sender.join()
        assert source.statistics()[0].dropped == 0
    found = [block for block in found if len(block)]
    assert packets_of(found) == frames
    assert len(found) < len(frames) * 1400 / RING_BLOCK_BYTES / 3


def test_other_packets_are_not_left_out() -> None:
    """Only TCP has connections to leave out."""
    with opened("lo") as source:
        source.shed(1.0)
        assert len(packets_of(watched(source, lambda: send_datagrams(5)))) == 5


def test_what_is_lost_is_counted_and_it_goes_on() -> None:
    """The ring was full: the kernel says how many packets it dropped; what comes after is seen again."""
    add_pair()
    frames = [FRAME.ljust(1400, b"\0")] * 2000
    with opened("va", ring_bytes=MIB) as source:
        blocks = iter(source)
        next(blocks)
        send_frames("va", frames)
        seen = 0
        while (block := next(blocks)[1]).now_ns and len(block):
            seen += len(block)
        (statistics,) = source.statistics()
        assert statistics.dropped > 500
        assert statistics.freezes > 0
        assert statistics.packets == 2000 == seen + statistics.dropped
        send_frames("va", [FRAME])
        while not len(block := next(blocks)[1]):
            pass
        assert packets_of([block]) == [FRAME]
        assert source.backlog > 0


def promiscuity(name: str) -> int:
    """Return how many of those who watch an interface want what is addressed to others."""
    done = subprocess.run(["ip", "-details", "link", "show", name], check=True, capture_output=True, text=True)
    _, _, rest = done.stdout.partition("promiscuity ")
    return int(rest.split()[0])


@pytest.mark.parametrize("is_wanted", [False, True])
def test_a_mirror_port_is_watched_in_promiscuous_mode_if_that_is_wanted(*, is_wanted: bool) -> None:
    """Off by default, since the network card would give every packet to the kernel; gone when the socket is closed."""
    add_pair()
    with opened("va", promiscuous=is_wanted):
        assert promiscuity("va") == int(is_wanted)
        assert promiscuity("vb") == 0
    assert promiscuity("va") == 0


def test_a_bridge_shows_what_passes_between_its_ports() -> None:
    """None of that is addressed to the bridge itself, so it is always watched in promiscuous mode."""
    add_pair()
    ip("link", "add", "name", "bridge0", "type", "bridge")
    ip("link", "set", "dev", "va", "master", "bridge0")
    ip("link", "set", "dev", "bridge0", "up")
    with opened("bridge0") as source:
        assert FRAME in packets_of(watched(source, lambda: send_frames("vb", [FRAME])))
    assert promiscuity("bridge0") == 0


@pytest.mark.parametrize(
    ("names", "options", "words"),
    [
        ([], {}, "no interface is named"),
        (["any"], {"promiscuous": True}, "name the interface"),
        (["any", "lo"], {}, "name it alone"),
        (["l0"], {}, "did you mean lo"),
        (["x" * 300], {}, "no interface"),
        (["lo"], {"ring_bytes": 4096}, "between 1 and 2048 MiB"),
    ],
)
def test_what_cannot_be_opened_is_refused_in_a_sentence(names: list[str], options: dict[str, int], words: str) -> None:
    """What, and what to type instead."""
    with pytest.raises(UsageError, match=words) as refusal:
        open_live(names, **options)  # type: ignore[arg-type]
    assert "\n" not in str(refusal.value)
