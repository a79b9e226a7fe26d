"""The shape of the program, held by tests: who imports whom, who may touch the world, what things are called."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import wiresniff

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "wiresniff"
MODULES = sorted(PACKAGE.rglob("*.py"))
PACKAGES = sorted({path.parent for path in MODULES})

SANS_IO = ("decode", "reassembly", "protocols", "tracecontext", "audit", "report", "model", "columns")
"""These get everything as arguments. A contract in pyproject.toml says what they must not import; `open` needs none."""

LONGEST_MODULE_LINES = 400
SHORTEST_DOCSTRING_CHARACTERS = 200

NAMELESS = {"util", "utils", "helper", "helpers", "common", "base", "misc"}
"""Files are named for what they hold."""

SYNONYMS = {
    "session": "connection",
    "transaction": "exchange",
    "tuple": "endpoints",
    "batch": "block",
    "workload": "service",
    "violation": "fault",
    "alert": "finding",
    "weird": "anomaly",
    "hole": "gap",
    "evidence": "witness",
    "callback": "nothing: stages return what they make",
}
"""One word, one meaning: what a thing must not be called, and what it is called."""
STANDARD_NAMES = {"ETHERTYPE_PPPOE_SESSION"}
"""Names that are not ours to choose (RFC 2516)."""


def name_of(path: Path) -> str:
    """Return a path as a test id."""
    return str(path.relative_to(ROOT))


def public_names(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a module shows: functions, classes, their attributes, constants."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
    bodies = [tree.body, *(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]
    for statement in (statement for body in bodies for statement in body):
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def words_of(name: str) -> set[str]:
    """Split `FlowKey`, `flow_key` and `FLOW_KEY` into words."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def calls_on_files(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of each call that opens a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in {"open", "io.open"} or called.endswith(
                (".read_text", ".read_bytes", ".write_text", ".write_bytes")
            ):
                yield node.lineno, called


def test_imports_only_point_down() -> None:
    """The contracts of pyproject.toml hold."""
    pytest.importorskip("importlinter.cli", reason="import-linter comes with the extra `dev`")
    # In a process of its own, since it silences the logs of the one that it runs in.
    lint = "import importlinter.cli as cli; raise SystemExit(cli.lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", lint], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("part", SANS_IO)
def test_sans_io_packages_open_nothing(part: str) -> None:
    """Stages between the capture and the report get bytes and return values."""
    modules = sorted((PACKAGE / part).rglob("*.py"))
    assert modules
    found = [(name_of(path), *call) for path in modules for call in calls_on_files(ast.parse(path.read_text()))]
    assert found == []


def test_opening_a_file_is_noticed() -> None:
    """The check above sees the builtin and the methods of paths."""
    tree = ast.parse("open('a')\npath.read_text()\nconnection.open(segment)\nreopen()")
    assert list(calls_on_files(tree)) == [(1, "open"), (2, "path.read_text")]


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_is_read_in_one_sitting(module: Path) -> None:
    """A longer one holds two things."""
    assert len(module.read_text().splitlines()) <= LONGEST_MODULE_LINES


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_files_are_named_for_what_they_hold(module: Path) -> None:
    """A name that fits everything says nothing."""
    assert not {module.stem, module.parent.name} & NAMELESS


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_one_word_has_one_meaning(module: Path) -> None:
    """No public name uses another word for something that has a name."""
    names = public_names(ast.parse(module.read_text()))
    ours = [name for name in names if name[0] != "_" and name not in STANDARD_NAMES]
    found = {name: SYNONYMS[word] for name in ours for word in words_of(name) if word in SYNONYMS}
    assert found == {}


def test_synonyms_are_noticed() -> None:
    """In functions, classes, attributes and constants, whatever the case."""
    tree = ast.parse("def make_session(): ...\nclass HTTPTransaction:\n    last_alert: int = 0\nBATCH = 1\n")
    assert [words_of(name) & SYNONYMS.keys() for name in public_names(tree)] == [
        {"session"},
        {"transaction"},
        {"batch"},
        {"alert"},
    ]


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_a_package_explains_itself(package: Path) -> None:
    """Its docstring is the design: there is no other document that could drift."""
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text()))
    assert docstring is not None
    assert len(docstring) >= SHORTEST_DOCSTRING_CHARACTERS


def test_the_map_has_every_part() -> None:
    """The docstring of the whole names each package and each module beside them, one line each."""
    parts = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    mapped = set(re.findall(r"^    ([a-z0-9]+)  ", wiresniff.__doc__ or "", flags=re.MULTILINE))
    assert mapped == parts - {"__init__", "__main__"}
