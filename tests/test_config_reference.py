"""The reference says what the program knows."""

from dataclasses import fields

import pytest

from wiresniff.audit.exemptions import DEFAULT_EXEMPTIONS
from wiresniff.config import schema
from wiresniff.config.reference import WIDTH, policy_reference
from wiresniff.model.policy import Exemption, Policy, Privacy, Service, Threshold

REFERENCE = policy_reference()


@pytest.mark.parametrize(
    ("section", "noun", "apart"),
    [
        (schema.FILE, Policy, {"version", "own_server"}),  # the latter is told by sockets, not by a person
        (schema.SERVICE, Service, {"name"}),
        (schema.EXEMPTION, Exemption, set()),
        (schema.THRESHOLD, Threshold, set()),
        (schema.PRIVACY, Privacy, set()),
    ],
)
def test_the_keys_are_the_fields_of_the_nouns(section: schema.Section, noun: type, apart: set[str]) -> None:
    """Every field can be written, and every key arrives somewhere."""
    assert {field.name for field in fields(noun)} ^ set(section.names()) == apart


def test_the_reference_names_every_key_and_choice() -> None:
    """Nothing that can be written is missing from it."""
    for section in schema.SECTIONS:
        for key in section.keys:
            assert f"  {key.name}: {key.takes}\n" in REFERENCE
            assert key.meaning.split()[0] in REFERENCE


def test_the_reference_names_every_default_exemption() -> None:
    """What is exempt without being asked for can be read."""
    words = REFERENCE.replace("\n", " ").split("Exempt without a policy")[1]
    flat = " ".join(words.split())
    for exemption in DEFAULT_EXEMPTIONS:
        assert exemption.rule in flat
        for what in (exemption.path, exemption.user_agent, exemption.rpc_service):
            assert what is None or what in flat


def test_the_reference_fits_a_terminal() -> None:
    """Prose is wrapped; only the example may be a little wider."""
    prose = REFERENCE.replace(schema.EXAMPLE, "")
    assert max(len(line) for line in prose.splitlines() if "ratio:" not in line) <= WIDTH
