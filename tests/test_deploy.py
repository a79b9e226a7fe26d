"""What deploy/ holds fits the program: options, ports, policies, rights."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from wiresniff.cli.app import app
from wiresniff.config.load import load_policy
from wiresniff.model.policy import Policy

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
UNIT = DEPLOY / "systemd" / "wiresniff.service"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
README = (DEPLOY / "README.md").read_text()
OPTIONS = {"--help", "--version"}
for command in typer.main.get_group(app).commands.values():
    OPTIONS |= {option for parameter in command.params for option in parameter.opts}
OF_OTHERS = {"--network"}
"""Options of container engines that texts speak of."""
PORT = "9795"
USER = 65532

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to set file capabilities")


def documents() -> Iterator[dict[str, Any]]:
    """Yield every Kubernetes object."""
    for path in MANIFESTS:
        yield from yaml.safe_load_all(path.read_text())


def containers() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return (pod, container) of each wiresniff."""
    pods = [
        each["spec"]["template"]["spec"]
        for each in documents()
        if "template" in each["spec" if "spec" in each else "metadata"]
    ]
    return [
        (pod, container)
        for pod in pods
        for container in [*pod.get("initContainers", ()), *pod["containers"]]
        if container["name"] == "wiresniff"
    ]


CONTAINERS = containers()


def test_there_is_one_for_nodes_and_one_beside_a_service() -> None:
    """What the tests below speak of."""
    assert len(CONTAINERS) == 2


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_manifests_have_no_key_that_kubernetes_does_not_know(path: Path) -> None:
    """Validated strictly against Kubernetes' own schemas; those of other projects are not among them."""
    validator = pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate, of the extra dev")
    for document in yaml.safe_load_all(path.read_text()):
        if document["apiVersion"].endswith("coreos.com/v1"):
            continue
        for version in ("1.29", "1.33"):
            validator.validate(document, version, strict=True)


@pytest.mark.parametrize(("pod", "container"), CONTAINERS, ids=["node", "sidecar"])
def test_containers_have_the_rights_they_need_and_no_other(pod: dict[str, Any], container: dict[str, Any]) -> None:
    """As the Pod Security Standard "restricted" asks for, but for NET_RAW."""
    context = pod.get("securityContext", {}) | container["securityContext"]
    assert context == {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"], "add": ["NET_RAW"]},
    }


@pytest.mark.parametrize(("pod", "container"), CONTAINERS, ids=["node", "sidecar"])
def test_containers_begin_with_the_program_that_has_the_capability(
    pod: dict[str, Any],  # noqa: ARG001
    container: dict[str, Any],
) -> None:
    """With options that it has, at the port that is scraped and probed."""
    assert container["command"] == ["wiresniff-watch"]
    assert {argument.partition("=")[0] for argument in container["args"]} <= OPTIONS
    (listen,) = (argument for argument in container["args"] if argument.startswith("--listen="))
    assert listen.endswith(f":{PORT}")
    assert str(container["ports"][0]["containerPort"]) == PORT
    variables = set(re.findall(r"\$\((\w+)\)", " ".join(container["args"])))
    assert variables == {each["name"] for each in container["env"]}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": container["ports"][0]["name"]}


def test_a_sidecar_never_takes_its_service_out_of_service() -> None:
    """It has neither a readiness nor a startup probe."""
    (sidecar,) = (container for _, container in CONTAINERS if container.get("restartPolicy") == "Always")
    assert not {"readinessProbe", "startupProbe"} & set(sidecar)


def test_the_policy_of_the_daemonset_is_valid(tmp_path: Path) -> None:
    """`wiresniff policy check` accepts it, where the container looks for it."""
    (config,) = (each for each in documents() if each["kind"] == "ConfigMap")
    ((name, text),) = config["data"].items()
    path = tmp_path / name
    path.write_text(text)
    assert load_policy(str(path)) != Policy()
    (node,) = (container for _, container in CONTAINERS if "volumeMounts" in container)
    assert f"--policy={node['volumeMounts'][0]['mountPath']}/{name}" in node["args"]


def test_annotations_lead_to_the_port() -> None:
    """Of both pods."""
    annotated = [
        each["spec"]["template"]["metadata"]["annotations"]
        for each in documents()
        if each["kind"] in {"DaemonSet", "Deployment"}
    ]
    assert (
        annotated
        == [{"prometheus.io/scrape": "true", "prometheus.io/port": PORT, "prometheus.io/path": "/metrics"}] * 2
    )


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze (Debian: systemd)")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """No setting is unknown or contradicts another, and little is left open."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/wiresniff/bin/wiresniff", shutil.which("true") or "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_unit_gives_one_capability_and_options_that_there_are() -> None:
    """Bounding and ambient set hold CAP_NET_RAW alone."""
    settings = re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert [value for key, value in settings if "Capabilit" in key] == ["CAP_NET_RAW"] * 2
    (start,) = (value for key, value in settings if key == "ExecStart")
    assert set(re.findall(r"(?<=\s)--?[a-z-]+", start)) <= OPTIONS


@root
@pytest.mark.skipif(shutil.which("getcap") is None, reason="needs getcap (Debian: libcap2-bin)")
def test_the_image_sets_the_file_capability_that_its_comment_says(tmp_path: Path) -> None:
    """Without setcap. `p`: it can be executed where the capability is not to be had; with `ep` it couldn't be."""
    (script,) = re.findall(r"python3 -c '(import os, struct; .*)'$", DOCKERFILE, re.MULTILINE)
    (path,) = re.findall(r'setxattr\("([^"]+)"', script)
    program = tmp_path / "true"
    shutil.copy(shutil.which("true") or "/bin/true", program)

    def statuses() -> tuple[str, bool]:
        said = subprocess.run(["getcap", str(program)], capture_output=True, text=True, check=True).stdout
        started = subprocess.run(
            ["setpriv", "--bounding-set=-all", "--inh-caps=-all", str(program)], capture_output=True, check=False
        )
        return said.split()[-1], started.returncode == 0

    subprocess.run([sys.executable, "-c", script.replace(path, str(program))], check=True)
    assert statuses() == ("cap_net_raw=p", True)
    effective = script.replace(path, str(program)).replace("0x02000000", "0x02000001")
    subprocess.run([sys.executable, "-c", effective], check=True)
    assert statuses() == ("cap_net_raw=ep", False)


def test_the_image_copies_what_it_needs_and_leaves_no_way_to_scapy() -> None:
    """The build context holds what COPY names; Scapy is no dependency of the program."""
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for word in shlex.split(line)[:-1]
    }
    assert {name.removeprefix("./") for name in copied if not name.startswith("--")} == allowed
    assert all((ROOT / name).exists() for name in allowed)
    (start,) = re.findall(r"^#!(\S+) -I$", (DEPLOY / "wiresniff-watch").read_text(), re.MULTILINE)
    assert start in DOCKERFILE


def test_commands_that_readers_are_shown_have_such_options() -> None:
    """In deploy/README.md, and in the comments of what lies beside it."""
    texts = [README, DOCKERFILE, UNIT.read_text(), *(path.read_text() for path in MANIFESTS)]
    calls = re.findall(r"(?:wiresniff-watch|wiresniff watch|wiresniff audit)((?: [^\s`'\"|]+)*)", "\n".join(texts))
    used = {word for call in calls for word in call.split() if re.fullmatch(r"--?[a-z][a-z-]*", word)}
    assert {"-i", "--for"} <= used <= OPTIONS
    assert set(re.findall(r"`(--[a-z-]+)[` ]", README)) <= OPTIONS | OF_OTHERS


def test_links_of_the_readme_lead_somewhere() -> None:
    """To files that are there."""
    for target in re.findall(r"\]\(([^)#]+)", README):
        assert "://" in target or (DEPLOY / target).exists(), target
