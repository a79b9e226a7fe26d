"""`wiresniff audit CAPTURE...`: audit capture files, print the report."""

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from wiresniff.cli import options
from wiresniff.cli.options import FailOn, Level, ReportFormat, ShowValues
from wiresniff.cli.outputs import STANDARD_OUTPUT, is_standard_output, write
from wiresniff.cli.results import check_outputs, policy_of, rendered, status_of, tell_summary, write_metrics
from wiresniff.model.spans import SPAN_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wiresniff.capture import CaptureFile
    from wiresniff.cli.records import RecordWriter
    from wiresniff.cli.witnesses import WitnessKeeper
    from wiresniff.pipeline import Pipeline
    from wiresniff.workers.audit import SharedAudit


def audit(  # one parameter an option
    captures: Annotated[
        list[str],
        typer.Argument(
            metavar="CAPTURE",
            help="Capture files: pcap or pcapng, plain or compressed with gzip, zstd or xz; - is standard input.",
            show_default=False,
        ),
    ],
    policy: options.Policy = None,
    report_format: options.Format = ReportFormat.TEXT,
    output: options.Output = None,
    exchanges: options.Exchanges = None,
    metrics: options.Metrics = None,
    witnesses: options.Witnesses = None,
    fail_on: options.FailOnOption = FailOn.NONE,
    min_requests: options.MinRequests = 1,
    span_bytes: options.SpanBytes = SPAN_BYTES,
    level: options.LevelOption = Level.TWO,
    packet_filter: options.PacketFilter = None,
    show_values: options.ShowValuesOption = ShowValues.NONE,
    jobs: options.Jobs = 1,
) -> None:
    """Audit capture files and print the report."""
    from wiresniff.cli.process import settle

    settle()
    from wiresniff.capture import Filter, open_captures
    from wiresniff.cli.captures import note_link_types, refuse_terminal, tell_captures
    from wiresniff.cli.records import RecordWriter
    from wiresniff.cli.witnesses import WitnessKeeper
    from wiresniff.pipeline import Pipeline

    check_outputs(output, exchanges, metrics, witnesses)
    refuse_terminal(captures)
    rules = policy_of(policy)
    files = open_captures(captures, Filter(packet_filter) if packet_filter is not None else None)
    make = partial(Pipeline, rules, int(level.value), judges=exchanges is not None, joins=len(files) > 1)
    pipeline = make()
    keeper = WitnessKeeper(witnesses, captures, rules, pipeline)
    wants_only_records = exchanges == STANDARD_OUTPUT and not (output or metrics or witnesses)
    is_read_for_records = wants_only_records and fail_on is FailOn.NONE
    passes_once = any(file.identity is None for file in files)
    with (
        RecordWriter(exchanges, captures, rules.privacy, show_values is ShowValues.BAGGAGE) as records,
        _shared(
            pipeline, make, jobs, files,
            is_prompt=passes_once and (exchanges is not None or witnesses is not None),
            in_order=passes_once and witnesses is not None, keeps_packets=witnesses is not None,
        ) as shared,
    ):  # fmt: skip
        _run(shared, files, records, keeper, jobs, is_read_for_records=is_read_for_records)
    if records.failure is not None and wants_only_records:
        raise records.failure
    note_link_types(files)
    result = pipeline.audit([file.summary for file in files], span_bytes)
    result.accounting.counts["filtered_packets"] += sum(file.filtered_packets for file in files)
    tell_captures(result.captures)
    if exchanges != STANDARD_OUTPUT or output is not None:
        write(output, rendered(result, report_format, output))
    if metrics is not None:
        write_metrics(result, metrics)
    if exchanges == STANDARD_OUTPUT or not is_standard_output(output):
        tell_summary(result)
    keeper.write(result, packet_filter)
    if records.failure is not None:
        raise records.failure
    raise typer.Exit(status_of(result, fail_on, min_requests))


@contextmanager
def _shared(
    pipeline: "Pipeline",
    make: "Callable[[], Pipeline]",
    jobs: int,
    files: "list[CaptureFile]",
    *,
    is_prompt: bool,
    in_order: bool,
    keeps_packets: bool,
) -> "Iterator[Pipeline | SharedAudit]":
    """Share the work with other processes, if more than one is to do it."""
    if jobs == 1:
        yield pipeline
        return
    from wiresniff.workers.audit import SharedAudit

    with SharedAudit(pipeline, make, jobs, is_prompt=is_prompt, in_order=in_order) as shared:
        if len(files) == 1 and not keeps_packets:  # else a block may be wanted when later ones are read
            files[0].memory = shared.memory
        yield shared


def _run(
    pipeline: "Pipeline | SharedAudit",
    files: "list[CaptureFile]",
    records: "RecordWriter",
    keeper: "WitnessKeeper",
    jobs: int,
    *,
    is_read_for_records: bool,
) -> None:
    """Feed everything. Ctrl-C ends the input, and so does a lack of records when nothing else is wanted."""
    from wiresniff.capture import capture_points
    from wiresniff.cli.interrupt import Interrupt
    from wiresniff.cli.progress import Progress
    from wiresniff.model.limits import READ_BYTES, SHARED_READ_BYTES

    with Interrupt() as interrupt, Progress(files):
        for point, block in interrupt.until(capture_points(files, READ_BYTES if jobs == 1 else SHARED_READ_BYTES)):
            for judgement in pipeline.feed(point, block):
                records.write(judgement)
            keeper.feed(point, block)
            del block  # its memory serves what is read next
            records.flush()
            if is_read_for_records and (records.is_unread or records.failure is not None):
                break
    if interrupt.has_come:
        typer.echo("wiresniff: interrupted; the report covers what was read so far", err=True)
    for judgement in pipeline.close():
        records.write(judgement)
    keeper.close()
