"""Every conformance vector (tests/vectors/SOURCES.md) against `tracecontext.read`."""

import json
from pathlib import Path
from typing import Any

import pytest

from wiresniff.model.context import Presence, Reading
from wiresniff.tracecontext import KEPT_FIELDS, read

PATH = Path(__file__).parent / "vectors" / "tracecontext.jsonl"
VECTORS = [json.loads(line) for line in PATH.read_text(encoding="utf-8").splitlines()]
PRESENCE = {
    "valid": Presence.VALID,
    "future-valid": Presence.VALID,
    "invalid": Presence.MALFORMED,
    "absent": Presence.ABSENT,
}
NOT_IN_VECTORS = {"future-version", "64-bit-trace-id", "tracestate-key-not-level-1", "carriers-disagree"}
"""Warnings that say more than the vectors do."""
every_vector = pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])


def reading(vector: dict[str, Any], level: int = 2) -> Reading:
    """Read the vector's fields as an HTTP/1 parser hands them on."""
    fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in vector["headers"]]
    return read([(name, value.strip(b" \t")) for name, value in fields if name in KEPT_FIELDS], level)


def tracestate_word(word: str) -> str:
    """Give a word of the vectors its prefix; traceparent's only warning has none."""
    return word if word in ("", "reserved-flag-bits") else "tracestate-" + word


@every_vector
def test_verdict_and_reason(vector: dict[str, Any]) -> None:
    """The traceparent is used, refused or absent as expected, and the reason comes first."""
    seen = reading(vector)
    reasons = [fault for fault in seen.faults if not fault.startswith("tracestate-")]
    assert PRESENCE[vector["expect"]["traceparent"]] == seen.presence
    assert vector["expect"]["reason"] == next(iter(reasons), "")


@every_vector
def test_ids(vector: dict[str, Any]) -> None:
    """A traceparent that is used gives exactly its ids and flags, others give none."""
    context = reading(vector).context
    parsed = vector["expect"].get("parsed")
    if parsed is None:
        assert context is None
    else:
        assert context is not None
        assert (parsed["version"], parsed["trace_id"], parsed["parent_id"]) == context[:3]
        assert (parsed["sampled"], bool(parsed["random"])) == (context.sampled, context.random)


@every_vector
def test_tracestate(vector: dict[str, Any]) -> None:
    """The tracestate is valid, invalid or absent as expected, and the reason comes first."""
    seen = reading(vector)
    reasons = [fault for fault in seen.faults if fault.startswith("tracestate-")]
    assert vector["expect"]["tracestate"] == seen.tracestate
    assert tracestate_word(vector["expect"]["reason_ts"]) == next(iter(reasons), "")


@every_vector
def test_warnings(vector: dict[str, Any]) -> None:
    """Exactly the expected warnings; beside an invalid tracestate there may be more."""
    seen = reading(vector)
    expected = {tracestate_word(word) for word in vector["expect"].get("warn", [])}
    if seen.tracestate == "invalid":
        assert expected <= set(seen.warnings)
    else:
        assert expected == set(seen.warnings) - NOT_IN_VECTORS


@every_vector
def test_level_1(vector: dict[str, Any]) -> None:
    """Level 1 judges traceparent alike, and tracestate by its own keys and without duplicates."""
    seen = reading(vector, level=1)
    expect = vector["expect"]
    assert PRESENCE[expect["traceparent"]] == seen.presence
    assert expect.get("tracestate_l1", expect["tracestate"]) == seen.tracestate
