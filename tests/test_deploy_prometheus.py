"""The rules and alerts of deploy/prometheus: they do what they say, and speak of metrics that there are."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from wiresniff.metrics.families import FAMILIES

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
FOLDER = DEPLOY / "prometheus"
RULES = FOLDER / "wiresniff.rules.yaml"
GROUPS = yaml.safe_load(RULES.read_text())["groups"]
ALL = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = [rule for rule in ALL if "alert" in rule]
LABELS = {family.name: set(family.labels) for family in FAMILIES}
OF_TARGETS = {"job", "instance"}

METRIC = re.compile(r"(?<![:\w])(wiresniff_\w+)(?:\{([^}]*)\})?")
RECORDED = re.compile(r"\w+:wiresniff_\w+:\w+")


COMMANDS = re.findall(r"^promtool .*$", (DEPLOY / "README.md").read_text(), re.MULTILINE)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (Debian: prometheus)")
@pytest.mark.parametrize("command", COMMANDS)
def test_promtool_accepts_the_rules(command: str) -> None:
    """`check` finds them well-formed; `test` sees them fire and stay silent. As deploy/README.md says it."""
    done = subprocess.run(command.split(), capture_output=True, text=True, check=False, cwd=DEPLOY.parent)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_says_how_rules_are_checked() -> None:
    """Both ways, of these files."""
    assert [command.split()[1] for command in COMMANDS] == ["check", "test"]


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.get("record") or rule["alert"])
def test_rules_speak_of_metrics_that_there_are(rule: dict[str, object]) -> None:
    """With labels that they have; in annotations too."""
    annotations = rule.get("annotations")
    text = f"{rule['expr']} {annotations if isinstance(annotations, dict) else ''}"
    for name, selectors in METRIC.findall(text):
        assert name in LABELS, f"{name} is no metric"
        used = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", selectors))
        assert used <= LABELS[name] | OF_TARGETS, f"{name} has no such labels: {used}"
    recorded = {rule["record"] for rule in ALL if "record" in rule}
    assert set(RECORDED.findall(text)) <= recorded


def test_every_recorded_series_is_used() -> None:
    """By an alert, in its condition or its words, or by another rule."""
    texts = [str(rule["expr"]) + str(rule.get("annotations", "")) for rule in ALL]
    for name in (rule["record"] for rule in ALL if "record" in rule):
        assert any(name in text for text in texts), name


def test_every_alert_is_documented_and_tested() -> None:
    """In deploy/README.md, and in the tests of the rules: that it fires, and how it reads then."""
    names = {rule["alert"] for rule in ALERTS}
    readme = (DEPLOY / "README.md").read_text()
    assert {name for name in names if f"`{name}`" not in readme} == set()
    tests = yaml.safe_load((FOLDER / "wiresniff.rules.test.yaml").read_text())["tests"]
    fire = {case["alertname"] for test in tests for case in test.get("alert_rule_test", ()) if case["exp_alerts"]}
    assert fire == names


def test_no_alert_is_silenced_by_lost_packets() -> None:
    """Loss is an annotation of what is said of a pair, and an alert of its own."""
    of_pairs = [rule for rule in ALERTS if rule["alert"].startswith(("WiresniffContext", "WiresniffContinuation"))]
    assert len(of_pairs) == 5
    for rule in of_pairs:
        assert "loss" not in rule["expr"]
        assert "gap" not in rule["expr"]
        assert "wiresniff_loss" in rule["annotations"]["capture"]
