"""The documents say what the program does."""

import json
import re
import shlex
from pathlib import Path

import pytest
import update_readme
from cli_running import ROOT, ran
from update_readme import COMMANDS, README, options, updated

from wiresniff.cli.exits import Exit
from wiresniff.config.load import load_policy
from wiresniff.model.policy import Policy

CAPTURES = sorted(path for path in (ROOT / "fixtures" / "pcaps").glob("*.pcap*") if path.suffix != ".py")
TEXT = README.read_text(encoding="utf-8")
SHELL = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)


def test_generated_parts_are_as_the_program_has_them() -> None:
    """The report of the tour, the tables, the options. `python tests/update_readme.py` writes them anew."""
    assert updated(TEXT) == TEXT


def test_a_part_that_is_out_of_date_is_noticed() -> None:
    """A changed number is put right, and nothing else is touched."""
    assert "judged 314 requests" in TEXT
    assert updated(TEXT.replace("judged 314 requests", "judged 315 requests")) == TEXT


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_option_has_its_sentence(name: str) -> None:
    """In the help and, from there, in the README."""
    rows = [line.split(" | ") for line in options().split("\n") if line.startswith("| `")]
    assert all(len(row[-1].rstrip(" |")) > len("Policy file") - 1 for row in rows)
    assert f"**`wiresniff {name}`**" in TEXT


def test_options_that_readers_are_shown_exist() -> None:
    """In every command line of the README."""
    known = set(re.findall(r"--[a-z-]+", update_readme.options()))
    calls = [part for line in "\n".join(SHELL).split("\n") for part in re.split(r"[|&]+", line) if "wiresniff " in part]
    used = {word for call in calls for word in shlex.split(call.partition("wiresniff ")[2]) if word.startswith("--")}
    assert {"--fail-on", "--policy"} <= used <= known | {"--gigabytes"}


def test_the_policy_of_the_readme_is_valid(tmp_path: Path) -> None:
    """It has ten lines, and they say what stands above them."""
    (example,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert len(example.splitlines()) == 10
    path = tmp_path / "policy.yaml"
    path.write_text(example)
    assert load_policy(str(path)) != Policy()


def test_every_key_of_a_record_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    """Of all captures that come with the project."""
    done = ran(capsys, "audit", *CAPTURES, "--exchanges", "-", "--show-values", "baggage")
    assert done.status == Exit.DONE
    keys = {key for line in done.out.splitlines() for key in json.loads(line)}
    assert len(keys) > 25
    assert [key for key in sorted(keys) if f"`{key}`" not in TEXT] == []


def test_links_within_the_project_lead_somewhere() -> None:
    """Files are there, headings as well."""
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in TEXT.split("\n")
        if line.startswith("#")
    }
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        if target.startswith("#"):
            assert target[1:] in headings
        elif "://" not in target:
            assert (ROOT / target).exists(), target


def test_what_runs_it_and_what_tests_it_are_one_command_each() -> None:
    """As the reader types them."""
    assert "\nwiresniff audit fixtures/pcaps/tour.pcap\n" in TEXT
    assert "\npython -m pytest\n" in TEXT
