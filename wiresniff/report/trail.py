"""One trace as a tree, for a terminal and as JSON."""

import json
from collections import Counter
from io import StringIO

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from wiresniff.model.audit import CaptureSummary
from wiresniff.model.confidence import Confidence
from wiresniff.model.display import named, quantity, visible
from wiresniff.model.hops import Outcome
from wiresniff.model.trail import Step, Trail
from wiresniff.report.json import witness_object
from wiresniff.report.quoting import moment, request, rfc3339, values, where

SCHEMA = "wiresniff/trace/1"
NARROWEST = 40
MILLISECOND_NS = 10**6
SECOND_NS = 10**9
W3C = "w3c"

_MADE_OF_IT = {
    Outcome.PROPAGATED: "handed on",
    Outcome.PASSTHROUGH: "handed on as it came",
    Outcome.RESTARTED: "a new trace",
    Outcome.DROPPED: "no trace",
    Outcome.ROOT: "the trace begins here",
    Outcome.ORIGINATED: "the trace begins here",
}


def render_trail_text(trail: Trail, captures: list[CaptureSummary], *, width: int, color: bool) -> str:
    """Return the tree in lines of at most `width` columns, with terminal colours or without."""
    out = StringIO()
    console = Console(
        file=out, width=max(width, NARROWEST), color_system="standard" if color else None, force_terminal=color,
        no_color=not color, markup=False, emoji=False, highlight=False, legacy_windows=False, _environ={},
    )  # fmt: skip
    console.print(Text(headline(trail), style="bold"))
    for root in trail.roots:
        console.print()
        console.print(_tree(root, trail, captures))
    sentences = ends(trail)
    if sentences:
        console.print()
    for sentence in sentences:
        console.print(Text(sentence))
    return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))


def headline(trail: Trail) -> str:
    """Say what was seen of the trace."""
    took = _span(trail.last_ns - trail.first_ns)
    seen = f"{quantity(trail.requests, 'request')} between {quantity(trail.services, 'service')}"
    return f"trace {named(trail.trace_id)}: {seen}, {took}, from {moment(trail.first_ns)}"


def _tree(root: Step, trail: Trail, captures: list[CaptureSummary]) -> Tree:
    tree = Tree(_label(root, trail, captures), guide_style="dim")
    waiting = [(root, tree)]
    while waiting:
        step, branch = waiting.pop()
        waiting += [(child, branch.add(_label(child, trail, captures))) for child in step.children]
    return tree


def _label(step: Step, trail: Trail, captures: list[CaptureSummary]) -> Text:
    label = Text()
    style = "" if step.carries else "bold red"
    label.append(f"{named(step.client)} → {named(step.server)}", style=style or "bold")
    label.append(f"  {request(step.witness)}", style="red" if step.failed else "")
    if step.is_first_failure:
        label.append("  ← the first to fail", style="bold red")
    took = "no end" if step.duration_ns is None else _span(step.duration_ns)
    facts = [f"+{_span(step.time_ns - trail.first_ns)}", took, *_made_of_it(step), where(step.witness, captures)]
    label.append(f"\n{', '.join(facts)}", style="dim" if step.carries else "red")
    if not step.carries:
        for value in values(step.witness):
            label.append(f"\n{value}", style="red")
    return label


def _made_of_it(step: Step) -> list[str]:
    """Say what the client made of the trace."""
    hop = step.hop
    words: list[str] = []
    if hop is not None and hop.outcome in _MADE_OF_IT:
        words.append(_MADE_OF_IT[hop.outcome])
        if not step.carries:
            words[-1] += f" ({hop.confidence})"
        words += [visible(change) for change in hop.changes]
    others = [name for name in step.formats if name != W3C]
    if step.carries and others:
        words.append(f"in {' and '.join(step.formats)}" if W3C in step.formats else f"in {' and '.join(others)} only")
    if not step.is_certain and step.carries and hop is not None and hop.cause is None and _hangs(step):
        words.append("placed by time")
    return words


def _hangs(step: Step) -> bool:
    return step.hop is not None and step.hop.outcome in (Outcome.PROPAGATED, Outcome.PASSTHROUGH, Outcome.UNDETERMINED)


def _span(span_ns: int) -> str:
    return f"{span_ns / SECOND_NS:,.3f} s" if span_ns >= SECOND_NS else f"{span_ns / MILLISECOND_NS:.1f} ms"


def ends(trail: Trail) -> list[str]:
    """Say where the trace breaks, where it can't be told, and what failed first."""
    steps = trail.steps()
    breaks = Counter(_place_of_break(step) for step in steps if not step.carries and step.hop is not None)
    sentences = [_break(*place, count) for place, count in breaks.items()]
    for step in steps:
        if step.calls_meanwhile:
            calls = quantity(step.calls_meanwhile, "request")
            sentences.append(
                f"{named(step.server)}: {calls} left it meanwhile without this trace; "
                "nothing shows whether they belong to it."
            )
    if not sentences:
        last = dict.fromkeys(named(step.server) for step in steps if not step.children)
        sentences.append(f"The trace ends at {_listing(list(last))}, from where nothing was seen to go on.")
    failed = [step for step in steps if step.is_first_failure]
    sentences += [f"The first to fail was {named(step.server)}: {request(step.witness)}." for step in failed]
    return sentences


def _listing(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _place_of_break(step: Step) -> tuple[str, str, Outcome, Confidence]:
    assert step.hop is not None
    return step.client, step.server, step.hop.outcome, step.hop.confidence


def _break(client: str, server: str, outcome: Outcome, confidence: Confidence, count: int) -> str:
    calls, carry = ("its call", "carries") if count == 1 else (f"{count:,} calls of its", "carry")
    what = "no trace" if outcome is Outcome.DROPPED else "another trace"
    finding = "context-dropped" if outcome is Outcome.DROPPED else "trace-restarted"
    return (
        f"The trace breaks at {named(client)}: {calls} to {named(server)} {carry} {what} ({confidence}); "
        f"see `wiresniff explain {finding}`."
    )


def render_trail_json(trail: Trail, captures: list[CaptureSummary]) -> str:
    """Return one JSON document, ASCII only, with a newline at its end."""
    document = {
        "schema": SCHEMA,
        "trace_id": trail.trace_id,
        "requests": trail.requests,
        "services": trail.services,
        "first_time": rfc3339(trail.first_ns),
        "last_time": rfc3339(trail.last_ns),
        "steps": [_object(step, captures) for step in trail.roots],
        "ends": ends(trail),
    }
    return json.dumps(document, indent=2) + "\n"


def _object(step: Step, captures: list[CaptureSummary]) -> dict[str, object]:
    hop = step.hop
    return {
        "client": step.client,
        "server": step.server,
        "protocol": step.protocol,
        "carries_trace": step.carries,
        "formats": list(step.formats),
        "duration": None if step.duration_ns is None else step.duration_ns / SECOND_NS,
        "failed": step.failed,
        "first_failure": step.is_first_failure,
        "propagation": None if hop is None else hop.outcome,
        "confidence": None if hop is None else hop.confidence,
        "changes": [] if hop is None else list(hop.changes),
        "placed_by": "identifiers" if step.is_certain else "time",
        "calls_meanwhile": step.calls_meanwhile,
        "witness": witness_object(step.witness, captures),
        "children": [_object(child, captures) for child in step.children],
    }
