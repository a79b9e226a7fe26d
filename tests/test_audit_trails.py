"""Which trace a person means, and what hangs under what."""

import pytest

from wiresniff.audit.trails import Query
from wiresniff.model.errors import UsageError

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SHORT = "0" * 16 + "a3ce929d0e0e4736"

MEANT = [
    TRACE,
    TRACE.upper(),
    TRACE[:6],
    f"00-{TRACE}-00f067aa0ba902b7-01",
    f"{TRACE}-00f067aa0ba902b7-1",
    f"{TRACE}:00f067aa0ba902b7:0:1",
    "4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
    "1-4bf92f35-77b34da6a3ce929d0e0e4736",
    "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Sampled=1",
    f" {TRACE} ",
]


@pytest.mark.parametrize("typed", MEANT)
def test_a_trace_is_meant_in_any_form(typed: str) -> None:
    """Whatever somebody copied from a log, a header or a tracing page."""
    assert Query(typed).matches(TRACE)
    assert not Query(typed).matches(TRACE[::-1])


@pytest.mark.parametrize("typed", ["a3ce929d0e0e4736", "a3ce929d", SHORT, TRACE, str(0xA3CE929D0E0E4736)])
def test_ids_of_64_bits_are_the_right_half(typed: str) -> None:
    """Trace Context Level 2: pad on the left, keep the right."""
    assert Query(typed).matches(SHORT)


def test_the_right_half_of_a_long_id_is_not_its_beginning() -> None:
    """Whole it names the trace, since a service of 64 bits shows no more of it; in part it doesn't."""
    assert Query("a3ce929d0e0e4736").matches(TRACE)
    assert not Query("a3ce929d").matches(TRACE)


def test_opaque_ids_are_compared_as_they_are() -> None:
    """Formats of which nobody else can read the id: the letters count, in their case."""
    assert Query("Agent^1723^42").matches("Agent^1723^42")
    assert Query("Agent^1723").matches("Agent^1723^42")
    assert not Query("agent^1723").matches("Agent^1723^42")


@pytest.mark.parametrize("typed", ["", "4bf", "  4bf  "])
def test_too_little_is_refused(typed: str) -> None:
    """One sentence: what, where, what to type instead."""
    with pytest.raises(UsageError, match=r"TRACE_ID: .* is too short to name a trace; type at least 4 of its digits"):
        Query(typed)
