"""`wiresniff trace TRACE_ID CAPTURE...`: follow one trace through captures."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from wiresniff.cli import options
from wiresniff.cli.exits import Exit
from wiresniff.cli.options import Level

if TYPE_CHECKING:
    from wiresniff.audit.trails import Follower
    from wiresniff.capture import CaptureFile
    from wiresniff.model.audit import CaptureSummary
    from wiresniff.model.trail import Trail
    from wiresniff.pipeline import Pipeline


class TraceFormat(StrEnum):
    """How the trace is written."""

    TEXT = "text"
    JSON = "json"


def trace(
    trace_id: Annotated[
        str,
        typer.Argument(
            metavar="TRACE_ID",
            help="Trace id of any format, its first digits, or the value of a field that holds one.",
            show_default=False,
        ),
    ],
    captures: Annotated[
        list[str],
        typer.Argument(metavar="CAPTURE", help="Capture files; - is standard input.", show_default=False),
    ],
    policy: options.Policy = None,
    trace_format: Annotated[TraceFormat, typer.Option("--format", help="How the trace is written.")] = TraceFormat.TEXT,
    output: options.Output = None,
    level: options.LevelOption = Level.TWO,
    packet_filter: options.PacketFilter = None,
) -> None:
    """Follow one trace hop by hop: who handed it on, what failed first, where it ends."""
    from wiresniff.cli.process import settle

    settle()
    from wiresniff.audit.trails import Follower, Query
    from wiresniff.capture import Filter, open_captures
    from wiresniff.cli.captures import note_link_types, refuse_terminal, tell_captures
    from wiresniff.cli.outputs import write
    from wiresniff.cli.results import check_outputs, policy_of
    from wiresniff.pipeline import Pipeline, reader_of

    query = Query(trace_id)
    check_outputs(output, None, None)
    refuse_terminal(captures)
    rules = policy_of(policy)
    files = open_captures(captures, Filter(packet_filter) if packet_filter is not None else None)
    pipeline = Pipeline(rules, int(level.value), judges=True, joins=len(files) > 1)
    follower = Follower(query, rules.privacy, reader_of(int(level.value)))
    _run(pipeline, files, follower)
    note_link_types(files)
    summaries = [file.summary for file in files]
    tell_captures(summaries)
    is_unread = any(summary.error is not None for summary in summaries)
    trail = follower.trail(pipeline.names_of)
    if trail is None:
        judged = sum(pair.requests for pair in pipeline.audit(summaries).pairs)
        typer.echo(f"wiresniff: no request carries the trace {trace_id}, of {judged:,} that were seen", err=True)
        raise typer.Exit(Exit.CAPTURE if is_unread else Exit.UNJUDGED)
    _refuse_several(follower, trace_id)
    if follower.dropped:
        typer.echo(f"wiresniff: {follower.dropped:,} further requests of this trace are left out", err=True)
    if follower.asides_forgotten:
        typer.echo(
            f"wiresniff: {follower.asides_forgotten:,} requests whose cause is not known were forgotten: more may have "
            "left a service meanwhile than is said",
            err=True,
        )
    write(output, _rendered(trail, summaries, trace_format, output))
    raise typer.Exit(Exit.CAPTURE if is_unread else Exit.DONE)


def _run(pipeline: "Pipeline", files: "list[CaptureFile]", follower: "Follower") -> None:
    from wiresniff.capture import capture_points
    from wiresniff.cli.interrupt import Interrupt
    from wiresniff.cli.progress import Progress

    with Interrupt() as interrupt, Progress(files):
        for point, block in interrupt.until(capture_points(files)):
            follower.feed(pipeline.feed(point, block))
            del block  # its memory serves what is read next
    if interrupt.has_come:
        typer.echo("wiresniff: interrupted; this is what was read so far", err=True)
    follower.feed(pipeline.close())


def _refuse_several(follower: "Follower", trace_id: str) -> None:
    """Raise UsageError where the beginning of an id means more than one trace."""
    from wiresniff.model.display import named
    from wiresniff.model.errors import UsageError

    traces = follower.distinct()
    if len(traces) > 1:
        raise UsageError(
            f"TRACE_ID: {trace_id} is the beginning of several trace ids; type more digits, of "
            f"{', '.join(named(each) for each in traces)}"
        )


def _rendered(trail: "Trail", captures: "list[CaptureSummary]", trace_format: TraceFormat, output: str | None) -> str:
    import sys

    from wiresniff.cli.outputs import is_standard_output
    from wiresniff.cli.terminal import WIDTH_OF_FILES, color_of, width_of
    from wiresniff.report.trail import render_trail_json, render_trail_text

    if trace_format is TraceFormat.JSON:
        return render_trail_json(trail, captures)
    if not is_standard_output(output):
        return render_trail_text(trail, captures, width=WIDTH_OF_FILES, color=False)
    return render_trail_text(trail, captures, width=width_of(sys.stdout), color=color_of(sys.stdout))
