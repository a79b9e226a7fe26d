"""`wiresniff audit CAPTURE...`: audit capture files, print the report."""

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from wiresniff.cli.exits import Exit
from wiresniff.cli.outputs import STANDARD_OUTPUT, check_can_be_written, is_standard_output, place, write
from wiresniff.model.errors import UsageError

if TYPE_CHECKING:
    from wiresniff.capture import CaptureFile
    from wiresniff.cli.records import RecordWriter
    from wiresniff.model.audit import Audit
    from wiresniff.model.policy import Policy
    from wiresniff.pipeline import Pipeline


class ReportFormat(StrEnum):
    """How the report is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class FailOn(StrEnum):
    """From which severity on a finding fails the command."""

    NONE = "none"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class ShowValues(StrEnum):
    """Which private values exchange records may hold."""

    NONE = "none"
    BAGGAGE = "baggage"


class Level(StrEnum):
    """Levels of Trace Context that can be judged by."""

    ONE = "1"
    TWO = "2"


def audit(  # one parameter an option
    captures: Annotated[
        list[str],
        typer.Argument(
            metavar="CAPTURE",
            help="Capture files: pcap or pcapng, plain or compressed with gzip, zstd or xz; - is standard input.",
            show_default=False,
        ),
    ],
    policy: Annotated[
        str | None, typer.Option(metavar="FILE", help="Policy file (YAML): names of services, exemptions, thresholds.")
    ] = None,
    report_format: Annotated[ReportFormat, typer.Option("--format", help="How the report is written.")] = (
        ReportFormat.TEXT
    ),
    output: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the report here instead of standard output.")
    ] = None,
    exchanges: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write a record per request (JSON Lines); - for standard output, then without the report.",
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write the totals as Prometheus text, for a textfile collector."),
    ] = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="Exit with status 1 where a certain finding is at least this severe.")
    ] = FailOn.NONE,
    min_requests: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="With --fail-on: exit with status 4 where fewer requests could be judged."
        ),
    ] = 1,
    level: Annotated[Level, typer.Option(help="Level of W3C Trace Context to judge by.")] = Level.TWO,
    packet_filter: Annotated[
        str | None, typer.Option("--filter", metavar="EXPRESSION", help="Audit only these packets (tcpdump syntax).")
    ] = None,
    show_values: Annotated[
        ShowValues, typer.Option(help="Private values that exchange records may hold.")
    ] = ShowValues.NONE,
) -> None:
    """Audit capture files and print the report."""
    from wiresniff.cli.process import settle

    settle()
    from wiresniff.capture import Filter, open_captures
    from wiresniff.cli.captures import note_link_types, refuse_terminal, tell_captures
    from wiresniff.cli.records import RecordWriter
    from wiresniff.pipeline import Pipeline

    _check_outputs(output, exchanges, metrics)
    refuse_terminal(captures)
    rules = _policy(policy)
    files = open_captures(captures, Filter(packet_filter) if packet_filter is not None else None)
    pipeline = Pipeline(rules, int(level.value), judges=exchanges is not None, joins=len(files) > 1)
    is_read_for_records = exchanges == STANDARD_OUTPUT and fail_on is FailOn.NONE and not (output or metrics)
    with RecordWriter(exchanges, captures, rules.privacy, show_values is ShowValues.BAGGAGE) as records:
        _run(pipeline, files, records, is_read_for_records=is_read_for_records)
    note_link_types(files)
    result = pipeline.audit([file.summary for file in files])
    result.accounting.counts["filtered_packets"] += sum(file.filtered_packets for file in files)
    tell_captures(result.captures)
    if exchanges != STANDARD_OUTPUT or output is not None:
        write(output, _rendered(result, report_format, output))
    if metrics is not None:
        _write_metrics(result, metrics)
    if exchanges == STANDARD_OUTPUT or not is_standard_output(output):
        _tell_summary(result)
    raise typer.Exit(_status(result, fail_on, min_requests))


def _policy(path: str | None) -> "Policy":
    if path is None:
        from wiresniff.model.policy import Policy

        return Policy()
    from wiresniff.config.load import load_policy

    return load_policy(path)


def _check_outputs(output: str | None, exchanges: str | None, metrics: str | None) -> None:
    """Raise UsageError where two outputs go to one place, or one can't be written: now, and not after an hour."""
    named = {"--output": output, "--exchanges": exchanges, "--metrics": metrics}
    if metrics == STANDARD_OUTPUT:
        raise UsageError("--metrics -: metrics go to a file; name one, for example --metrics wiresniff.prom")
    given = {option: path for option, path in named.items() if path is not None}
    for path in given.values():
        check_can_be_written(path)
    places: dict[str, str] = {}
    for option, path in given.items():
        other = places.setdefault(place(path), option)
        if other != option:
            where = "standard output" if path == STANDARD_OUTPUT else path
            raise UsageError(f"{other} and {option} would both be written to {where}; name two files")


def _run(
    pipeline: "Pipeline", files: "list[CaptureFile]", records: "RecordWriter", *, is_read_for_records: bool
) -> None:
    """Feed everything. Ctrl-C ends the input, and so does nobody reading the records when nothing else is wanted."""
    from wiresniff.capture import capture_points
    from wiresniff.cli.interrupt import Interrupt
    from wiresniff.cli.progress import Progress

    with Interrupt() as interrupt, Progress(files):
        for point, block in interrupt.until(capture_points(files)):
            for judgement in pipeline.feed(point, block):
                records.write(judgement)
            records.flush()
            if records.is_unread and is_read_for_records:
                break
    if interrupt.has_come:
        typer.echo("wiresniff: interrupted; the report covers what was read so far", err=True)
    for judgement in pipeline.close():
        records.write(judgement)


def _rendered(result: "Audit", report_format: ReportFormat, output: str | None) -> str:
    if report_format is ReportFormat.JSON:
        from wiresniff.report.json import render_json

        return render_json(result)
    if report_format is ReportFormat.MARKDOWN:
        from wiresniff.report.markdown import render_markdown

        return render_markdown(result)
    from wiresniff.cli.terminal import WIDTH_OF_FILES, color_of, width_of
    from wiresniff.report.text import render_text

    if not is_standard_output(output):
        return render_text(result, width=WIDTH_OF_FILES, color=False)
    return render_text(result, width=width_of(sys.stdout), color=color_of(sys.stdout))


def _write_metrics(result: "Audit", path: str) -> None:
    from wiresniff.metrics.textfile import render_metrics

    write(path, render_metrics(result))


def _tell_summary(result: "Audit") -> None:
    """Say on standard error what a report that goes elsewhere says first."""
    from wiresniff.report.headline import headline, severities

    typer.echo(f"wiresniff: {headline(result)}; {severities(result) or 'no findings'}", err=True)


def _status(result: "Audit", fail_on: FailOn, min_requests: int) -> Exit:
    """Choose the exit status; say on standard error why it is 1 or 4."""
    from wiresniff.model.display import quantity
    from wiresniff.model.findings import Severity
    from wiresniff.model.verdicts import Confidence

    if any(capture.error is not None for capture in result.captures):
        return Exit.CAPTURE
    if fail_on is FailOn.NONE:
        return Exit.DONE
    judged = sum(pair.judged for pair in result.pairs)
    if judged < min_requests:
        could = f"{quantity(judged, 'request')} could be judged"
        typer.echo(f"wiresniff: {could}, --min-requests asks for {min_requests:,}: exit status 4", err=True)
        return Exit.UNJUDGED
    least = Severity[fail_on.name]
    certain = [finding for finding in result.findings if finding.confidence is Confidence.CERTAIN]
    failing = [finding for finding in certain if finding.severity >= least]
    if not failing:
        return Exit.DONE
    which = "of severity error" if fail_on is FailOn.ERROR else f"of severity {fail_on.value} or above"
    typer.echo(f"wiresniff: {quantity(len(failing), 'certain finding')} {which}: exit status 1", err=True)
    return Exit.FOUND
