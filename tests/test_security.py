"""SECURITY.md says what the program does."""

import re
from pathlib import Path

import pytest

from wiresniff.model import limits
from wiresniff.protocols.http1 import templates

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "SECURITY.md").read_text()
UNITS = {None: 1, "s": 1, "KiB": 1024, "MiB": 1 << 20}
STATED = re.findall(r"`([A-Z][A-Z_]+[A-Z])`\)? ([0-9][0-9,]*)(?: (KiB|MiB|s)\b)?", " ".join(TEXT.split()))
NAMED = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+|[A-Z]{5,})`", TEXT))
NOT_LIMITS = {"CAP_NET_RAW"}


@pytest.mark.parametrize(("name", "number", "unit"), STATED, ids=lambda value: value or "-")
def test_bounds_are_as_stated(name: str, number: str, unit: str) -> None:
    """Every bound stands there with its number."""
    assert getattr(limits, name) == int(number.replace(",", "")) * UNITS[unit or None]


def test_every_named_bound_has_its_number() -> None:
    """None is named and left unchecked."""
    assert len(STATED) >= 12
    assert {name for name, _, _ in STATED} | {"HTTP_CONNECTIONS"} | NOT_LIMITS >= NAMED
    assert f"server of {limits.HTTP_CONNECTIONS} connections (`HTTP_CONNECTIONS`)" in TEXT
    assert (templates.REMEMBERED, templates.REMEMBERED_BYTES, templates.LINES_REMEMBERED) == (512, 1024, 4096)
    assert "512 heads of 1 KiB each way, 4,096 lines" in TEXT


def test_links_lead_somewhere() -> None:
    """To files that are there."""
    for target in re.findall(r"\]\(([^)#]+)", TEXT):
        assert "://" in target or (ROOT / target).exists(), target
