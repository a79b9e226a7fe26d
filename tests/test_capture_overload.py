"""Overload: whole connections are left out, no more than must be, and taken again when there is room."""

from wiresniff.capture.overload import LEAST_READ, RECOVERY_SECONDS, Overload


def shares(backlogs: list[float], dropped: list[int] | None = None, step: float = 0.5) -> list[float]:
    """Return the share left out after each look."""
    overload = Overload()
    found = []
    for number, backlog in enumerate(backlogs):
        before = overload.share
        assert overload.look(backlog, dropped[number] if dropped else 0, number * step) == (overload.share != before)
        found.append(overload.share)
    return found


def test_a_burst_passes() -> None:
    """A ring that is full for a moment, or drops something once, is no overload."""
    assert shares([0.0, 0.9, 0.9, 0.1, 0.9, 0.0]) == [0.0] * 6
    assert shares([0.0] * 6, [0, 500, 500, 500, 900, 900]) == [0.0] * 6


def test_half_of_what_is_read_is_left_out_at_each_step() -> None:
    """A step needs a second of being behind; drops count as being behind; something is always read."""
    assert shares([0.9] * 6) == [0.0, 0.0, 0.5, 0.5, 0.5, 0.75]
    assert shares([0.0] * 4, [1, 2, 3, 4]) == [0.0, 0.0, 0.5, 0.5]
    assert shares([1.0] * 100)[-1] == 1 - LEAST_READ


def test_room_lets_more_in_after_a_while() -> None:
    """As much again after each while, until nothing is left out; neither full nor empty changes nothing."""
    looks = round(RECOVERY_SECONDS / 0.5)
    found = shares([0.9] * 6 + [0.4] * 30 + [0.0] * (3 * looks))
    assert set(found[6:36]) == {0.75}
    assert found[36 + looks - 1] == 0.75
    assert found[36 + looks] == 0.5
    assert found[36 + 2 * looks] == found[-1] == 0.0
