"""Address translation: both sides of one are one connection, and nothing else is."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import pytest
from builders import Conversation, Packet, merge, request, response
from capture_auditing import Audited, fed
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import translations as oracle
from stage_feeding import Sizes, cut_into

from wiresniff.decode import translations
from wiresniff.decode.decoder import Decoder
from wiresniff.model import limits
from wiresniff.model.segments import SegmentBlock

CLIENT, SERVICE, POD, NODE = ("10.0.0.1", 40_000), ("10.96.0.10", 80), ("10.244.1.7", 8080), ("10.0.0.9", 61_000)
BEFORE_NS = 20_000
"""So long a packet takes from one side to the other."""
FIRST = 2_718_281_828
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def sides(
    before: tuple[tuple[str, int], tuple[str, int]],
    behind: tuple[tuple[str, int], tuple[str, int]],
    *,
    opened: bool = True,
    closed: bool = True,
    requests: int = 3,
    number: int = 0,
    traced: bool = True,
) -> tuple[Conversation, Conversation]:
    """Make a connection as it is seen before and behind a translation, its sequence numbers its own."""
    both = []
    for (client, server), delayed in ((before, True), (behind, False)):
        talk = Conversation(
            client, server, client_sequence=FIRST + 7919 * number, server_sequence=FIRST + 104_729 * number
        )
        if opened:
            talk.open()
        for which in range(requests):
            fields = [("traceparent", TRACEPARENT)] if traced else []
            talk.client_sends(request("GET", f"/{number}/{which}", host="shop", fields=fields))
            talk.server_sends(response(200, body=b"yes"))
        if opened and closed:
            talk.close()
        talk.packets = [
            replace(packet, time_ns=packet.time_ns + BEFORE_NS * (is_from(packet, server) is delayed))
            for packet in talk.packets
        ]
        both.append(talk)
    return both[0], both[1]


def is_from(packet: Packet, end: tuple[str, int]) -> bool:
    """Say whether an endpoint sent a packet."""
    return packet.data[26:30] == bytes(map(int, end[0].split("."))) and packet.data[34:36] == end[1].to_bytes(2)


def audit(packets: Sequence[Packet], sizes: Sizes = None) -> Audited:
    """Audit packets in blocks of any size."""
    return fed(cut_into(list(packets), sizes))


def ends(result: Audited) -> list[str]:
    """Return who asked whom for what."""
    clients, servers = (
        [f"{each[f'{end}.address']}:{each[f'{end}.port']}" for each in result.records] for end in ("client", "server")
    )
    paths = [str(each.get("url.path")) for each in result.records]
    return [" ".join(line) for line in zip(clients, servers, paths, strict=True)]


@pytest.mark.parametrize("sizes", [None, [1], [5]])
@pytest.mark.parametrize(
    ("before", "behind"),
    [
        ((CLIENT, SERVICE), (CLIENT, POD)),
        ((CLIENT, POD), (NODE, POD)),
        ((CLIENT, SERVICE), (NODE, POD)),
        ((CLIENT, ("10.0.0.9", 30_080)), (("10.0.0.9", 40_000), POD)),
        ((("10.0.0.200", 40_000), SERVICE), (("10.0.0.200", 40_000), ("10.0.0.3", 80))),
    ],
    ids=["destination", "source", "both", "node port", "turned"],
)
def test_both_sides_count_once(
    before: tuple[tuple[str, int], tuple[str, int]], behind: tuple[tuple[str, int], tuple[str, int]], sizes: Sizes
) -> None:
    """Under the client as it is before, and the server as it is behind: the pod, and who really asked."""
    result = audit(merge(*sides(before, behind)), sizes)
    (client, client_port), (server, server_port) = before[0], behind[1]
    assert ends(result) == [f"{client}:{client_port} {server}:{server_port} /0/{number}" for number in range(3)]
    assert {each["wiresniff.verdict"] for each in result.records} == {"valid"}
    assert result.audit.accounting.counts["gaps"] == 0


def test_what_is_alike_counts_once_too() -> None:
    """Many requests of many connections that say the same, counted in groups."""
    packets = merge(*(
        side
        for number in range(30)
        for side in sides(
            (("10.0.0.1", 40_000 + number), SERVICE), (("10.0.0.1", 40_000 + number), POD), number=number, requests=20,
            traced=number % 2 == 0,
        )
    ))  # fmt: skip
    for sizes in (None, [100]):
        (pair,) = audit(packets, sizes).audit.pairs
        assert (pair.requests, pair.valid, pair.missing) == (600, 300, 300)


def test_what_one_side_lost_the_other_has() -> None:
    """Packets that were captured on one side only."""
    before, behind = sides((CLIENT, SERVICE), (CLIENT, POD))
    kept = [packet for number, packet in enumerate(before.packets) if number not in {3, 6}]
    kept += [packet for number, packet in enumerate(behind.packets) if number not in {4, 7}]
    result = audit(sorted(kept, key=lambda packet: packet.time_ns))
    assert ends(result) == [f"10.0.0.1:40000 10.244.1.7:8080 /0/{number}" for number in range(3)]


def test_connections_that_were_open_before_the_capture_are_found_by_what_they_say() -> None:
    """The first exchange proves it, and is counted on both sides; nothing after it is."""
    result = audit(merge(*sides((CLIENT, SERVICE), (CLIENT, POD), opened=False, requests=6)), [1])
    assert [line for line in ends(result) if "10.96.0.10" in line] == ["10.0.0.1:40000 10.96.0.10:80 None"]
    assert sum("10.244.1.7" in line for line in ends(result)) == 6


def test_a_proxy_asks_for_itself() -> None:
    """The same request at the same time, on a connection whose numbers are its own: two requests."""
    outer, _ = sides((CLIENT, SERVICE), (CLIENT, POD), number=1)
    proxy = ("10.96.0.10", 50_000)
    again = Conversation(proxy, POD, client_sequence=FIRST // 2, server_sequence=outer.server_sequence)
    again.open()
    for number in range(3):
        again.client_sends(request("GET", f"/1/{number}", host="shop", fields=[("traceparent", TRACEPARENT)]))
        again.server_sends(response(200, body=b"yes"))
    assert len(audit(merge(outer, again)).records) == 6


@pytest.mark.parametrize("pause_ns", [0, 7_000, 40_000, 70_000, 1_000_000])
def test_captures_made_by_hand_have_the_same_numbers_everywhere(pause_ns: int) -> None:
    """Who is asked later answers later: these are two connections, whatever their numbers."""
    talks = [sides((("10.0.0.1", 40_000 + number), SERVICE), (CLIENT, POD))[0] for number in range(4)]
    for number, talk in enumerate(talks):
        talk.packets = [replace(each, time_ns=each.time_ns + number * pause_ns) for each in talk.packets]
    assert len(audit(merge(*talks)).records) == 12


def test_small_numbers_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever order packets come."""
    monkeypatch.setattr("test_decode_translations.FIRST", 1000)
    assert len(audit(merge(*sides((CLIENT, SERVICE), (CLIENT, POD)))).records) == 6


def test_numbers_of_many_connections_prove_nothing() -> None:
    """A translation has two sides, in a row of them some more; not seven."""
    talks = [sides((("10.0.0.1", 40_000 + number), SERVICE), (CLIENT, POD))[0] for number in range(7)]
    for number, talk in enumerate(talks):
        shift = {True: number * 1000, False: -number * 1000}
        talk.packets = [
            replace(each, time_ns=each.time_ns + shift[is_from(each, talk.client)]) for each in talk.packets
        ]
    result = audit(merge(*talks))
    assert len(result.records) >= 3 * (7 - limits.TRANSLATION_SIDES)


def test_ports_that_are_used_again_are_another_connection() -> None:
    """The next connection of the same ends is not translated, or elsewhere."""
    first = sides((CLIENT, SERVICE), (CLIENT, POD), requests=1)
    second = sides((CLIENT, SERVICE), (CLIENT, ("10.244.1.8", 8080)), number=5, requests=1)
    third, _ = sides((CLIENT, SERVICE), (CLIENT, POD), number=9, requests=1)
    packets = merge(*first) + later(merge(*second), 1) + later(third.packets, 2)
    for sizes in (None, [1]):
        assert ends(audit(packets, sizes)) == [
            "10.0.0.1:40000 10.244.1.7:8080 /0/0",
            "10.0.0.1:40000 10.244.1.8:8080 /5/0",
            "10.0.0.1:40000 10.96.0.10:80 /9/0",
        ]


def later(packets: Iterable[Packet], seconds: int) -> list[Packet]:
    """Let packets come later."""
    return [replace(packet, time_ns=packet.time_ns + seconds * 10**9) for packet in packets]


def test_a_packet_that_comes_much_later_is_another_one() -> None:
    """Behind a translation it is seen within a moment: a second later, the same numbers prove nothing."""
    before, behind = sides((CLIENT, SERVICE), (CLIENT, POD))
    assert len(audit([*before.packets, *later(behind.packets, 1)]).records) == 6


def test_segments_are_remembered_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not too many of them, whatever the blocks."""
    monkeypatch.setattr(limits, "TRANSLATION_SIGHTS", 8)
    decoder = Decoder(7)
    talk, _ = sides((CLIENT, SERVICE), (CLIENT, POD), requests=20)
    remembered = []
    for block in cut_into([*talk.packets, *later(talk.packets[:1], 1)], 1):
        decoder.feed(block)
        looked = decoder._translations._before
        remembered.append(0 if looked is None else len(looked.row))
    assert max(remembered) == 8 + 1  # and what is in the block
    assert remembered[-1] == 1


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the connection that was silent longest is two again, and that is counted."""
    monkeypatch.setattr(limits, "TRANSLATIONS", 3)
    talks = [
        sides(
            (("10.0.0.1", 40_000 + number), SERVICE),
            (("10.0.0.1", 40_000 + number), POD),
            number=number,
            requests=1,
            closed=False,
        )
        for number in range(8)
    ]
    result = audit([packet for number, talk in enumerate(talks) for packet in later(merge(*talk), number)], [1])
    assert len(result.records) == 8
    assert result.audit.accounting.anomalies == {"too-many-translations": 5}


@pytest.mark.parametrize(("table", "sizes"), [("translation-sights", [4]), ("translation-questions", None)])
def test_what_is_compared_is_bounded(monkeypatch: pytest.MonkeyPatch, table: str, sizes: Sizes) -> None:
    """Where more is seen within a moment than is remembered, that is counted, and translations may be missed."""
    monkeypatch.setattr(limits, "TRANSLATION_SIGHTS", 3)
    talks = [
        sides((("10.0.0.1", 40_000 + number), SERVICE), (("10.0.0.1", 40_000 + number), POD), number=number)
        for number in range(8)
    ]
    packets = merge(*(side for talk in talks for side in talk))
    assert audit(packets, sizes).audit.accounting.evictions[table] > 0


def test_nothing_is_counted_that_could_prove_nothing_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions are forgotten in silence when the time for their answers is over."""
    monkeypatch.setattr(limits, "TRANSLATION_SIGHTS", 12)
    talks = [
        sides((("10.0.0.1", 40_000 + number), SERVICE), (("10.0.0.1", 40_000 + number), POD), number=number, requests=1)
        for number in range(8)
    ]
    packets = [packet for number, talk in enumerate(talks) for packet in later(merge(*talk), 60 * number)]
    assert not audit(packets, [4]).audit.accounting.evictions


def test_ended_connections_that_are_too_many_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their last packets may be still to come."""
    monkeypatch.setattr(limits, "TRANSLATIONS", 3)
    talks = [
        sides((("10.0.0.1", 40_000 + number), SERVICE), (("10.0.0.1", 40_000 + number), POD), number=number, requests=1)
        for number in range(4)
    ]
    packets = [packet for number, talk in enumerate(talks) for packet in later(merge(*talk), number)]
    assert audit(packets).audit.accounting.evictions["translations-ended"] > 0


def test_ended_connections_are_forgotten() -> None:
    """Thirty seconds after their last packets."""
    decoder = Decoder(7)
    talk = merge(*sides((CLIENT, SERVICE), (CLIENT, POD)))
    for block in cut_into(talk, None):
        decoder.feed(block)
    assert len(decoder._translations._known) == 1
    again = merge(*sides((NODE, SERVICE), (NODE, POD), number=3))
    for seconds, known in ((29, 2), (60, 1)):
        for block in cut_into(later(again, seconds), None):
            decoder.feed(block)
        assert len(decoder._translations._known) == known


def plain_blocks(packets: Sequence[Packet]) -> Iterator[SegmentBlock]:
    """Return packets as segments one by one, of which none is joined."""
    for block in cut_into(packets, [1]):
        yield Decoder(7).feed(block)


def connections_of(packets: Sequence[Packet], sizes: Sizes) -> list[tuple[bytes, bool]]:
    """Return the key and the direction that each segment has."""
    decoder = Decoder(7)
    return [
        (key.tobytes(), bool(from_high))
        for segments in map(decoder.feed, cut_into(packets, sizes))
        for key, from_high in zip(segments.endpoints, segments.from_high, strict=True)
    ]


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.lists(st.integers(1, 40), min_size=1, max_size=3))
def test_like_the_plain_loop(chance: random.Random, sizes: list[int]) -> None:
    """Translated, plain and reused connections among each other, packets lost: as the twin says.

    In larger blocks a connection is joined from its SYN on, so no fewer segments are.
    """
    packets: list[Packet] = []
    for number in range(5):
        ends = (("10.0.0.1", 40_000 + chance.randrange(3)), SERVICE)
        behind = (chance.choice([ends[0], NODE]), chance.choice([POD, SERVICE]))
        before, after = sides(ends, behind, number=number, requests=2, opened=chance.random() > 0.2)
        shown = [*before.packets, *(after.packets if behind != ends else ())]
        packets += [replace(each, time_ns=each.time_ns + number * 300_000) for each in shown if chance.random() > 0.05]
    packets.sort(key=lambda packet: packet.time_ns)
    expected = oracle.joined(oracle.rows_of(plain_blocks(packets)), translations.WITHIN_NS)
    assert connections_of(packets, [1]) == expected
    translated = {key for key, _ in expected}
    assert {key for key, _ in connections_of(packets, sizes)} <= translated
