"""Writes the parts of README.md that come from the program: python tests/update_readme.py.

Each stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`. `test_docs.py` fails where one is out of date.
"""

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from typer.models import ArgumentInfo, OptionInfo

from wiresniff.audit.findings import RULES
from wiresniff.cli import policy
from wiresniff.cli.audit import audit
from wiresniff.cli.exits import Exit
from wiresniff.cli.explain import explain
from wiresniff.cli.interfaces import interfaces
from wiresniff.cli.trace import trace
from wiresniff.cli.watch import watch
from wiresniff.metrics.families import FAMILIES
from wiresniff.model.continuity import FOLDED
from wiresniff.model.hops import Outcome
from wiresniff.report.explanations.findings import FINDINGS
from wiresniff.report.explanations.hops import OUTCOMES
from wiresniff.report.explanations.verdicts import VERDICTS

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
TOUR = "fixtures/pcaps/tour.pcap"
COLUMNS = 100
BLOCK = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- end: (?P=name) -->)", re.DOTALL)
COMMANDS: dict[str, Callable[..., None]] = {
    "audit": audit,
    "watch": watch,
    "trace": trace,
    "explain": explain,
    "interfaces": interfaces,
    "policy check": policy.check,
    "policy schema": policy.schema,
}


def blocks() -> dict[str, str]:
    """Return every generated part by its name."""
    return {
        "report": report(),
        "outcomes": outcomes(),
        "verdicts": table(("verdict", "means"), ((code(entry.word), entry.title) for entry in VERDICTS)),
        "findings": findings(),
        "exit-statuses": table(("status", "means"), ((str(int(status)), status.meaning) for status in Exit)),
        "metrics": metrics(),
        "options": options(),
    }


def updated(text: str) -> str:
    """Return a README with its generated parts as the program has them now."""
    parts = blocks()
    assert sorted(parts) == sorted(found["name"] for found in BLOCK.finditer(text)), "README.md lacks markers"
    return BLOCK.sub(lambda found: f"{found[1]}\n{parts[found['name']]}\n\n{found[3]}", text)


def report() -> str:
    """Return what the program prints of the tour, at a width that fits a page."""
    without = {name: value for name, value in os.environ.items() if name not in {"FORCE_COLOR", "NO_COLOR"}}
    done = subprocess.run(
        [sys.executable, "-m", "wiresniff", "audit", TOUR],
        cwd=ROOT,
        env=without | {"COLUMNS": str(COLUMNS), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return f"```text\n{done.stdout.rstrip()}\n```"


def findings() -> str:
    """Return the table of findings: what each says, and when it is found."""
    titles = {entry.word: entry.title for entry in FINDINGS}
    return table(
        ("finding", "says", "severity"),
        ((code(rule.id), titles[rule.id], escaped(rule.judged.rstrip("."))) for rule in RULES),
    )


def outcomes() -> str:
    """Return the table of outcomes of hops, each with the column of a report that it is counted in."""
    columns = {outcome: column.value for column, folded in FOLDED.items() for outcome in folded}
    rows = ((code(entry.word), columns.get(Outcome(entry.word), ""), escaped(entry.title)) for entry in OUTCOMES)
    return table(("outcome", "column", "means"), rows)


def metrics() -> str:
    """Return the table of metric families."""
    rows = (
        (code(family.name), family.kind.value, ", ".join(map(code, family.labels)), escaped(family.help.rstrip(".")))
        for family in FAMILIES
    )
    return table(("metric", "kind", "labels", "counts"), rows)


def options() -> str:
    """Return a table of arguments and options for each command."""
    parts = []
    for name, command in COMMANDS.items():
        lines = [f"**`wiresniff {name}`**: {(command.__doc__ or '').strip()}"]
        rows = list(_rows(command))
        lines += [table(("option", "default", "does"), rows)] if rows else []
        parts.append("\n\n".join(lines))
    return "\n\n".join(parts)


def _rows(command: Callable[..., None]) -> Iterator[tuple[str, str, str]]:
    """Give option, default and help of each parameter of a command."""
    parameters = inspect.signature(command).parameters
    for name, hint in get_type_hints(command, include_extras=True).items():
        if get_origin(hint) is not Annotated:
            continue
        kind, info = get_args(hint)
        default = parameters[name].default
        shown = "" if default in {None, False, inspect.Parameter.empty} else code(getattr(default, "value", default))
        yield code(_spelling(name, kind, info)), shown, escaped((info.help or "").rstrip("."))


def _spelling(name: str, kind: Any, info: ArgumentInfo | OptionInfo) -> str:  # noqa: ANN401 (a type)
    """Return how an option is written: `--format text|json|markdown`, `CAPTURE...`."""
    if isinstance(info, ArgumentInfo):
        if get_origin(kind) is list:
            return f"{info.metavar}..."
        return f"[{info.metavar}]" if get_args(kind) else str(info.metavar)
    values = "|".join(member.value for member in kind) if inspect.isclass(kind) and issubclass(kind, Enum) else None
    # Within Annotated, the first positional argument is a spelling and not a default.
    spellings = [word for word in (info.default, *(info.param_decls or ())) if isinstance(word, str)]
    flag = next(iter(spellings), "--" + name.replace("_", "-"))
    return f"{flag} {values or info.metavar or ''}".rstrip()


def table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: object) -> str:
    """Return a code span for a table."""
    return f"`{str(text).replace('|', chr(92) + '|')}`"


def escaped(text: str) -> str:
    """Return words for a table, in which names of metrics and wildcards stay what they are."""
    parts = text.replace("|", r"\|").split("`")
    parts[::2] = [re.sub(r"([_*])", r"\\\1", part).replace("<", "&lt;") for part in parts[::2]]
    return "`".join(parts)


if __name__ == "__main__":
    README.write_text(updated(README.read_text(encoding="utf-8")), encoding="utf-8")
