"""`wiresniff audit CAPTURE...`: audit capture files, print the report."""

import sys
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from wiresniff.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wiresniff.capture import CaptureFile
    from wiresniff.cli.records import RecordWriter
    from wiresniff.model.audit import Audit
    from wiresniff.model.policy import Policy
    from wiresniff.model.verdicts import Judgement
    from wiresniff.pipeline import Pipeline

STANDARD_OUTPUT = "-"


class ReportFormat(str, Enum):
    """How the report is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class FailOn(str, Enum):
    """From which severity on a finding fails the command."""

    NONE = "none"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class ShowValues(str, Enum):
    """Which private values exchange records may hold."""

    NONE = "none"
    BAGGAGE = "baggage"


def audit(  # noqa: PLR0917  # one parameter an option
    captures: Annotated[
        list[str],
        typer.Argument(
            metavar="CAPTURE...",
            help="Capture files: pcap or pcapng, plain or compressed with gzip, zstd or xz; - is standard input.",
            show_default=False,
        ),
    ],
    policy: Annotated[str | None, typer.Option(metavar="FILE", help="Policy file (YAML).")] = None,
    report_format: Annotated[ReportFormat, typer.Option("--format", help="How the report is written.")] = (
        ReportFormat.TEXT
    ),
    output: Annotated[str | None, typer.Option(metavar="FILE", help="Write the report here.")] = None,
    exchanges: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write a record per request (JSON Lines); - for standard output."),
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the totals as Prometheus text (textfile collector).")
    ] = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="Exit with 1 where a certain finding is at least this severe.")
    ] = FailOn.NONE,
    min_requests: Annotated[
        int, typer.Option(min=0, help="With --fail-on: exit with 4 where fewer requests could be judged.")
    ] = 1,
    level: Annotated[int, typer.Option(min=1, max=2, help="Trace Context level to judge by.")] = 2,
    packet_filter: Annotated[
        str | None, typer.Option("--filter", metavar="EXPRESSION", help="Audit only these packets (tcpdump syntax).")
    ] = None,
    show_values: Annotated[
        ShowValues, typer.Option(help="Private values that exchange records may hold.")
    ] = ShowValues.NONE,
) -> None:
    """Audit captures: who hands the trace on, who drops it, which requests prove it."""
    from wiresniff.capture import Filter, open_captures
    from wiresniff.cli.progress import Progress
    from wiresniff.cli.records import RecordWriter
    from wiresniff.config.load import load_policy
    from wiresniff.model.policy import Policy
    from wiresniff.pipeline import Pipeline

    rules = load_policy(policy) if policy is not None else Policy()
    files = open_captures(captures, Filter(packet_filter) if packet_filter is not None else None)
    pipeline = Pipeline(rules, level)
    with RecordWriter(exchanges, captures, rules.privacy, show_values is ShowValues.BAGGAGE) as records:
        with Progress(files) as progress:
            _run(pipeline, progress.watch(_blocks(files)), records)
        result = pipeline.audit([file.summary for file in files])
        result.accounting.counts["filtered_packets"] += sum(file.filtered_packets for file in files)
    if exchanges != STANDARD_OUTPUT or output is not None:
        _write_report(result, report_format, output)
    if metrics is not None:
        _write_metrics(result, metrics)
    raise typer.Exit(_status(result, fail_on, min_requests))


def _blocks(files: "list[CaptureFile]") -> "Iterator[tuple[int, object]]":
    from wiresniff.capture import capture_points

    return capture_points(files)


def _run(pipeline: "Pipeline", blocks: "Iterable[tuple[int, object]]", records: "RecordWriter") -> None:
    """Feed everything; Ctrl-C ends the input, not the audit."""

    def take(judgements: "Iterator[Judgement]") -> None:
        for judgement in judgements:
            records.write(judgement)

    try:
        for point, block in blocks:
            take(pipeline.feed(point, block))
    except KeyboardInterrupt:
        typer.echo("wiresniff: interrupted; the report covers what was read so far", err=True)
    take(pipeline.close())


def _write_report(result: "Audit", report_format: ReportFormat, output: str | None) -> None:
    text = _rendered(result, report_format, output)
    if output is None or output == STANDARD_OUTPUT:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        write_file(output, text)


def _rendered(result: "Audit", report_format: ReportFormat, output: str | None) -> str:
    if report_format is ReportFormat.JSON:
        from wiresniff.report.json import render_json

        return render_json(result)
    if report_format is ReportFormat.MARKDOWN:
        from wiresniff.report.markdown import render_markdown

        return render_markdown(result)
    from wiresniff.cli.terminal import color_of, width_of
    from wiresniff.report.text import render_text

    to_terminal = output is None or output == STANDARD_OUTPUT
    return render_text(result, width=width_of(sys.stdout), color=to_terminal and color_of(sys.stdout))


def _write_metrics(result: "Audit", path: str) -> None:
    from wiresniff.metrics.textfile import render_metrics

    write_file(path, render_metrics(result))


def write_file(path: str, text: str) -> None:
    """Write a file whole or not at all: a collector may read it at any time."""
    import os
    from pathlib import Path

    from wiresniff.model.errors import UsageError

    target = Path(path)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        if target.exists() and not target.is_file():  # a pipe or a device is written to as it is
            target.write_text(text, encoding="utf-8")
            return
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UsageError(f"{path}: can't be written: {error.strerror}; name a file in a folder that you may write to") from error


def _status(result: "Audit", fail_on: FailOn, min_requests: int) -> Exit:
    from wiresniff.model.findings import Severity
    from wiresniff.model.verdicts import Confidence

    if any(capture.error is not None for capture in result.captures):
        return Exit.CAPTURE
    if fail_on is FailOn.NONE:
        return Exit.DONE
    if sum(pair.judged for pair in result.pairs) < min_requests:
        return Exit.UNJUDGED
    least = Severity[fail_on.name]
    certain = (finding for finding in result.findings if finding.confidence is Confidence.CERTAIN)
    return Exit.FOUND if any(finding.severity >= least for finding in certain) else Exit.DONE
