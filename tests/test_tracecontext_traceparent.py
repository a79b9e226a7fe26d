"""traceparent values: what is used, what is not, and why."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import traceparent as oracle

from wiresniff.tracecontext.traceparent import context, faults

VALID = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
FUTURE = b"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes"


def one_byte_mutations(value: bytes) -> Iterator[bytes]:
    """Every value that differs by one byte replaced, inserted or left out."""
    for at in range(len(value) + 1):
        for byte in range(256):
            yield value[:at] + bytes([byte]) + value[at:]
            yield value[:at] + bytes([byte]) + value[at + 1 :]
        yield value[:at] + value[at + 1 :]


@pytest.mark.parametrize("value", [VALID, FUTURE])
def test_every_mutation_by_one_byte_is_judged_as_the_grammar_says(value: bytes) -> None:
    """No neighbour of a valid value is accepted that the grammar refuses, or read otherwise."""
    for mutated in one_byte_mutations(value):
        assert oracle.read(mutated) == context(mutated), mutated


@given(st.lists(st.sampled_from([b"00", b"ff", b"01", b"-", b"0" * 16, b"a" * 16, b"A", b"1", b"\n", b"\xa0", b" "])))
def test_any_arrangement_of_parts_is_judged_as_the_grammar_says(parts: list[bytes]) -> None:
    """Whatever the parts are joined to, the compiled expressions agree with the plain loop."""
    assert oracle.read(b"".join(parts)) == context(b"".join(parts))


@given(st.binary(max_size=80) | st.from_regex(rb"[0-9a-f]{2}-[0-9a-f]{30,34}-[0-9a-f]{14,18}-[0-9a-f]{1,3}.*"))
def test_a_value_is_used_or_has_a_fault(value: bytes) -> None:
    """There is always a reason for a value that is not used; no bytes raise."""
    if context(value) is None:
        assert faults(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01", ("zero-trace-id", "zero-parent-id")),
        (
            b"00-" + b"A" * 32 + b"-" + b"B" * 16 + b"-0G",
            ("uppercase-trace-id", "uppercase-parent-id", "bad-trace-flags-character"),
        ),
        (
            b"00-12-34-5-6",
            ("bad-trace-id-length", "bad-parent-id-length", "bad-trace-flags-length", "extra-field-in-version-00"),
        ),
        (b"00", ("missing-field",)),
        (VALID + b",\t" + VALID, ("comma-joined-duplicate",)),
        (b"garbage," + VALID, ("comma-joined-duplicate",)),
        (VALID + b",", ("trailing-garbage",)),
    ],
)
def test_all_faults_are_named_in_the_order_of_reading(value: bytes, expected: tuple[str, ...]) -> None:
    """A value with several faults names them all, a version that can't be read only itself."""
    assert expected == faults(value)


def test_the_random_flag_of_a_higher_version_is_not_assumed() -> None:
    """Only `sampled` may be read of a version that is not known yet."""
    later = context(b"01" + VALID[2:-2] + b"03")
    assert later is not None
    assert (later.sampled, later.random) == (True, False)
