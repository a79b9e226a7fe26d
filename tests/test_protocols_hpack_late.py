"""HPACK joined late: what can be known is found, what can't be known is told apart, nothing is ever wrong."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.hpack import Known, Listener, Reader, Sight, Table, Unknown
from strategies.header_blocks import ADDED, PLAIN, Written, connections, indexed, literal, size_update

from wiresniff.model import limits
from wiresniff.protocols.hpack import Decoder, HeaderBlock, Undecodable, Unresolved

STORIES = sorted((Path(__file__).parent / "vectors" / "hpack").rglob("story_*.json"))
TRACEPARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SEEN, REMOVED, CUT = "seen", "removed", "cut"


def block(*fields: tuple[bytes, bytes] | Unresolved) -> HeaderBlock:
    """Return what a block says, fields and unresolved ones told apart."""
    unresolved = [field for field in fields if isinstance(field, Unresolved)]
    return HeaderBlock([field for field in fields if not isinstance(field, Unresolved)], unresolved, None)


class Witness:
    """Compares a decoder with what can be known: the same fields, and one identity for each entry not seen."""

    def __init__(self, *, is_complete: bool) -> None:
        self.decoder = Decoder(is_complete=is_complete)
        self.listener = Listener()
        self.identities: dict[tuple[int, int], int] = {}

    def see(self, octets: bytes, sights: list[Sight]) -> None:
        """Decode a whole block: everything that can be known is found."""
        expected = self.listener.hear(sights)
        found = self.decoder.decode(octets)
        assert found.error is None
        self.compare(found, expected)

    def see_beginning(self, octets: bytes, sights: list[Sight], length: int) -> None:
        """Decode a block of which the end was lost: what is found is the beginning of what there was."""
        expected = self.listener.hear(sights)
        found = self.decoder.decode(octets[:length])
        assert found.error in (None, Undecodable.TRUNCATED)
        self.compare(found, expected[: len(found.fields) + len(found.unresolved)])
        self.lose()

    def lose(self) -> None:
        """Miss something."""
        self.decoder.begin_epoch()
        self.listener = Listener()

    def compare(self, found: HeaderBlock, expected: list[Known | Unknown]) -> None:
        """Compare what was found."""
        unknown = [field for field in expected if isinstance(field, Unknown)]
        assert found.fields == [tuple(field) for field in expected if isinstance(field, Known)]
        assert [field.value for field in found.unresolved] == [field.value for field in unknown]
        for field, truth in zip(found.unresolved, unknown, strict=True):
            assert self.identities.setdefault((field.epoch, field.position), truth.serial) == truth.serial
        known = {key: serial for key, serial in self.identities.items() if key[0] == self.decoder.epoch}
        assert len(known) == len(set(known.values()))


def sights_of(blocks: list[bytes]) -> list[list[Sight]]:
    """Return what each block of a connection says."""
    table = Table()
    return [Reader(octets, table).sights() for octets in blocks]


FATES = st.lists(st.sampled_from((SEEN, SEEN, SEEN, REMOVED, CUT)), min_size=11, max_size=11)


@settings(max_examples=300)
@given(connections(), st.integers(0, 10), FATES, st.integers(0, 1000))
def test_never_a_wrong_name_or_value(connection: list[Written], join: int, fates: list[str], cut: int) -> None:
    """Joined anywhere, blocks removed and cut anywhere: every field is right, at its place, or known to be unknown."""
    blocks = [written.octets for written in connection]
    sights = sights_of(blocks)
    assert [[sight[:2] for sight in line] for line in sights] == [written.fields for written in connection]
    witness = Witness(is_complete=join == 0)
    for octets, line, fate in list(zip(blocks, sights, fates, strict=False))[join:]:
        if fate == SEEN:
            witness.see(octets, line)
        elif fate == CUT:
            witness.see_beginning(octets, line, cut % (len(octets) + 1))
        else:
            witness.lose()


@pytest.mark.parametrize("path", STORIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_stories_joined_anywhere(path: Path) -> None:
    """At some places of each story, with every seventh block removed or cut."""
    blocks = [bytes.fromhex(case["wire"]) for case in json.loads(path.read_text())["cases"]]
    sights = sights_of(blocks)
    for join in range(1, len(blocks), max(1, len(blocks) // 10)):
        witness = Witness(is_complete=False)
        for number in range(join, len(blocks)):
            if number % 14 == 7:
                witness.lose()
            elif number % 14 == 0:
                witness.see_beginning(blocks[number], sights[number], number % len(blocks[number]))
            else:
                witness.see(blocks[number], sights[number])


def test_the_property_would_notice_a_gap_that_is_overlooked() -> None:
    """Without a new epoch after a lost block, a reference means another entry."""
    blocks = [literal(ADDED, b"a", b"1"), literal(ADDED, b"b", b"2"), indexed(62)]
    sights = sights_of(blocks)
    witness = Witness(is_complete=True)
    witness.see(blocks[0], sights[0])
    with pytest.raises(AssertionError):
        witness.see(blocks[2], sights[2])


def test_an_entry_keeps_its_identity_while_its_index_moves() -> None:
    """The last entry before the join is -1, however many are added after."""
    late = Decoder(is_complete=False)
    assert late.decode(indexed(62) + indexed(63)) == block(Unresolved(0, -1, None), Unresolved(0, -2, None))
    assert late.decode(literal(ADDED, b"a", b"b")) == block((b"a", b"b"))
    assert late.decode(indexed(62) + indexed(63)) == block((b"a", b"b"), Unresolved(0, -1, None))
    assert late.decode(indexed(1000)) == block(Unresolved(0, -938, None))


def test_literals_of_an_unknown_name_keep_their_values() -> None:
    """Added ones too: a reference to one has the value, and the position that the name comes from."""
    late = Decoder(is_complete=False)
    assert late.decode(literal(PLAIN, 63, b"1")) == block(Unresolved(0, -2, b"1"))
    assert late.decode(literal(ADDED, 63, b"2")) == block(Unresolved(0, -2, b"2"))
    assert late.decode(indexed(62)) == block(Unresolved(0, -2, b"2"))
    assert late.decode(literal(ADDED, 62, b"3")) == block(Unresolved(0, -2, b"3"))
    assert late.decode(indexed(62) + indexed(63) + indexed(2)) == block(
        (b":method", b"GET"), Unresolved(0, -2, b"3"), Unresolved(0, -2, b"2")
    )


def test_a_learned_name_names_literals_and_entries() -> None:
    """Those read from then on, those added before; the entry itself still has no value."""
    late = Decoder(is_complete=False)
    late.decode(literal(ADDED, 64, b"before"))
    assert late.name(0, -3) is None
    late.learn_name(0, -3, b"traceparent")
    assert late.name(0, -3) == b"traceparent"
    assert late.decode(indexed(62)) == block((b"traceparent", b"before"))
    assert late.decode(literal(ADDED, 65, TRACEPARENT) + literal(PLAIN, 62, b"")) == block(
        (b"traceparent", TRACEPARENT), (b"traceparent", b"")
    )
    assert late.decode(indexed(66)) == block(Unresolved(0, -3, None))
    assert late.decode(indexed(62) + indexed(63)) == block((b"traceparent", TRACEPARENT), (b"traceparent", b"before"))


def test_a_learned_name_is_of_one_epoch() -> None:
    """After a gap the same position is another entry."""
    late = Decoder(is_complete=False)
    late.learn_name(0, -1, b"traceparent")
    late.begin_epoch()
    assert late.decode(literal(PLAIN, 62, b"x")) == block(Unresolved(1, -1, b"x"))
    assert late.name(0, -1) == b"traceparent"


def test_after_a_gap_nothing_of_before_is_used() -> None:
    """Even a decoder that saw the beginning is then one that joined late."""
    decoder = Decoder(is_complete=True)
    decoder.decode(literal(ADDED, b"a", b"b"))
    decoder.begin_epoch()
    assert decoder.window_bytes == 0
    assert decoder.decode(indexed(62)) == block(Unresolved(1, -1, None))
    assert decoder.decode(indexed(63)) == block(Unresolved(1, -2, None))


def test_after_a_gap_the_size_of_the_table_is_not_known() -> None:
    """A size update may have been lost, and the settings that allow it too."""
    decoder = Decoder(is_complete=True)
    decoder.resize(4096)
    decoder.begin_epoch()
    assert decoder.decode(indexed(62 + 4096)) == block(Unresolved(1, -4097, None))
    assert decoder.decode(size_update(8192) + indexed(2)) == block((b":method", b"GET"))


def test_an_error_begins_an_epoch() -> None:
    """What the rest of the block would have added is not known."""
    decoder = Decoder(is_complete=True)
    decoder.decode(literal(ADDED, b"a", b"b"))
    assert decoder.decode(indexed(62) + b"\x80") == HeaderBlock([(b"a", b"b")], [], Undecodable.INDEX_ZERO)
    assert decoder.decode(indexed(62)) == block(Unresolved(1, -1, None))


def test_unresolved_fields_before_an_error_belong_to_its_epoch() -> None:
    """The epoch that begins with the error is for what comes after."""
    late = Decoder(is_complete=False)
    assert late.decode(indexed(62) + b"\x80") == HeaderBlock([], [Unresolved(0, -1, None)], Undecodable.INDEX_ZERO)


def test_a_table_of_size_0_holds_nothing_old() -> None:
    """From then on everything is known, and a reference to anything else is an error."""
    late = Decoder(is_complete=False)
    assert late.decode(size_update(0) + size_update(4096) + literal(ADDED, b"a", b"b")) == block((b"a", b"b"))
    assert late.decode(indexed(62)) == block((b"a", b"b"))
    assert late.decode(indexed(63)) == HeaderBlock([], [], Undecodable.BEYOND_TABLE)


def test_once_the_size_is_known_old_entries_have_only_so_much_room() -> None:
    """Each has 32 octets at least, so of 100 octets three are left, two when an entry of 34 was added, then none."""
    late = Decoder(is_complete=False)
    assert late.decode(indexed(65)) == block(Unresolved(0, -4, None))
    assert late.decode(size_update(100) + indexed(64)) == block(Unresolved(0, -3, None))
    assert late.decode(literal(ADDED, b"a", b"b") + indexed(64)) == block((b"a", b"b"), Unresolved(0, -2, None))
    assert late.decode(literal(ADDED, b"c", b"d") * 2 + indexed(63)) == block(*[(b"c", b"d")] * 3)
    assert late.decode(indexed(64)) == HeaderBlock([], [], Undecodable.BEYOND_TABLE)


def test_a_reference_seen_before_a_size_update_is_no_excuse_after_it() -> None:
    """An entry that the table can no longer hold is an error, though it was unresolved a block ago."""
    late = Decoder(is_complete=False)
    assert late.decode(indexed(65)) == block(Unresolved(0, -4, None))
    assert late.decode(size_update(100) + indexed(65)) == HeaderBlock([], [], Undecodable.BEYOND_TABLE)


def test_a_reference_that_had_room_is_an_error_once_newer_entries_take_it() -> None:
    """Its index moves on with them, its position does not."""
    late = Decoder(is_complete=False)
    assert late.decode(size_update(100) + indexed(64)) == block(Unresolved(0, -3, None))
    assert late.decode(literal(ADDED, b"a", b"b") + indexed(65)) == HeaderBlock(
        [(b"a", b"b")], [], Undecodable.BEYOND_TABLE
    )


def test_the_window_is_bounded_and_positions_stay() -> None:
    """What falls out has the position at which it was added, and is not mistaken for another."""
    late = Decoder(is_complete=False)
    value = b"v" * 1000
    added = 2 * limits.HEADER_WINDOW_BYTES // len(value)
    for number in range(added):
        late.decode(literal(ADDED, b"%d" % number, value))
        assert late.window_bytes <= limits.HEADER_WINDOW_BYTES
    kept = added - late.dropped_entries
    assert 0 < kept < added
    assert late.decode(indexed(61 + kept)) == block((b"%d" % late.dropped_entries, value))
    assert late.decode(indexed(62 + kept)) == block(Unresolved(0, late.dropped_entries - 1, None))
    assert late.decode(indexed(62 + added)) == block(Unresolved(0, -1, None))


def test_a_table_larger_than_the_window_is_never_called_complete() -> None:
    """With the beginning seen too, an entry that fell out is unresolved and no error."""
    decoder = Decoder(is_complete=True)
    decoder.decode(size_update(1 << 20))
    for _ in range(40):
        decoder.decode(literal(ADDED, b"a", b"v" * 4000))
    assert decoder.dropped_entries > 0
    assert decoder.decode(indexed(62 + 39)) == block(Unresolved(0, 0, None))


def test_names_learned_are_bounded() -> None:
    """The one learned first is forgotten first."""
    late = Decoder(is_complete=False)
    for position in range(limits.LEARNED_NAMES + 1):
        late.learn_name(0, -position - 1, b"x")
    assert late.name(0, -1) is None
    assert late.name(0, -2) == b"x"


def test_unseen_entries_told_apart_are_bounded() -> None:
    """Beyond that they have the same identity still."""
    late = Decoder(is_complete=False)
    for index in range(62, 62 + 2 * limits.UNSEEN_ENTRIES):
        assert late.decode(indexed(index)) == block(Unresolved(0, 61 - index, None))
        assert len(late._unseen) <= limits.UNSEEN_ENTRIES
    assert late.decode(indexed(62)) == block(Unresolved(0, -1, None))
