"""`wiresniff watch -i INTERFACE...`: audit live traffic, serve metrics, print a report at the end."""

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from secrets import randbelow
from typing import TYPE_CHECKING, Annotated

import typer

from wiresniff.cli import options
from wiresniff.cli.log import LogFormat
from wiresniff.cli.options import FailOn, Level, ReportFormat, ShowValues
from wiresniff.cli.outputs import STANDARD_OUTPUT, is_standard_output, write
from wiresniff.model.spans import SPAN_BYTES

if TYPE_CHECKING:
    from wiresniff.capture import Filter
    from wiresniff.capture.live import LivePackets
    from wiresniff.cli.log import Log
    from wiresniff.cli.watching import Watching
    from wiresniff.cli.witnesses import WitnessKeeper
    from wiresniff.metrics.exporter import Exporter
    from wiresniff.model.audit import Audit
    from wiresniff.model.delivery import Endpoint
    from wiresniff.model.policy import Policy
    from wiresniff.pipeline import Pipeline
    from wiresniff.workers.watch import SharedWatch

FANOUT_GROUPS = 1 << 16
LISTEN = "127.0.0.1:9795"
NOWHERE = "none"
MIB = 1 << 20


def watch(  # one parameter an option
    interfaces: Annotated[
        list[str],
        typer.Option(
            "--interface",
            "-i",
            metavar="INTERFACE",
            help="What to watch; may be given again. any is all; `wiresniff interfaces` lists them.",
            show_default=False,
        ),
    ],
    policy: options.Policy = None,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where metrics are served; none for nowhere.")
    ] = LISTEN,
    web_config: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="TLS and passwords of the metrics, as Prometheus exporters have them (YAML)."
        ),
    ] = None,
    page: Annotated[bool, typer.Option("--page", help="Also serve a page for people, at /.")] = False,
    duration: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="End after so long, for example 60s or 5m.")
    ] = None,
    self_name: Annotated[
        str | None,
        typer.Option("--self", metavar="NAME", help="What this machine or pod is called, as a client and as a server."),
    ] = None,
    require_capture: Annotated[
        bool, typer.Option("--require-capture", help="End where capturing is not permitted, instead of saying so.")
    ] = False,
    ring_mib: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Memory for packets that wait, in MiB per interface: a second's worth."),
    ] = 8,
    promiscuous: Annotated[
        bool,
        typer.Option("--promiscuous", help="Also take what is addressed to other machines, as a mirror port sends it."),
    ] = False,
    log_format: Annotated[
        LogFormat, typer.Option(help="How the log is written, to standard error.")
    ] = LogFormat.CONSOLE,
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
    """Audit live traffic, serve metrics, and print a report at the end."""
    from wiresniff.cli.process import settle

    settle()
    from wiresniff.capture import Filter, rights
    from wiresniff.cli.durations import seconds_of
    from wiresniff.cli.log import Log
    from wiresniff.cli.records import RecordWriter
    from wiresniff.cli.results import check_outputs, status_of
    from wiresniff.cli.signals import Signals
    from wiresniff.cli.watching import Watching, local_addresses
    from wiresniff.cli.witnesses import WitnessKeeper
    from wiresniff.pipeline import Pipeline
    from wiresniff.services.locality import Locality
    from wiresniff.workers.watch import SharedSource, SharedWatch

    check_outputs(output, exchanges, metrics, witnesses)
    seconds = seconds_of(duration, "--for") if duration is not None else None
    rules = _policy(policy, self_name)
    wanted = Filter(packet_filter) if packet_filter is not None else None
    log = Log(log_format)
    _check_jobs(jobs, witnesses)
    with ExitStack() as stack:
        sources = _open(
            jobs, interfaces, log, must_be_permitted=require_capture or duration is not None,
            ring_bytes=ring_mib * MIB, wanted=wanted, promiscuous=promiscuous, may_be_absent=duration is None,
        )  # fmt: skip
        for each in sources:
            stack.enter_context(each)
        source = sources[0]
        exporter, own_server = _exporter(stack, listen, web_config, shows_page=page)
        rules = replace(rules, own_server=own_server)
        locality = Locality(local_addresses())
        make = partial(Pipeline, rules, int(level.value), judges=exchanges is not None)
        alone = make(locality=locality)
        pipeline: Pipeline | SharedWatch = alone
        keeper = WitnessKeeper(witnesses, interfaces, rules, alone, is_live=True)
        privileges = rights.drop_privileges()
        if len(sources) > 1:  # before there are threads
            pipeline = stack.enter_context(SharedWatch(alone, lambda here: make(locality=here), sources))
            source = SharedSource(pipeline)
        if exporter is not None:
            if isinstance(pipeline, SharedWatch):
                exporter.add_workers(pipeline.processes)
            exporter.start()
        log.tell("info", "watching", interfaces=",".join(interfaces), metrics=listen, rights=str(privileges))
        records = stack.enter_context(
            RecordWriter(exchanges, interfaces, rules.privacy, show_values is ShowValues.BAGGAGE)
        )
        signals = stack.enter_context(Signals())
        watching = Watching(source, pipeline, records, log, locality, exporter, keeper)
        watching.run(
            signals,
            seconds,
            lambda: replace(_policy(policy, self_name), own_server=own_server),
            lambda: _report_now(_audit(pipeline, watching, span_bytes), report_format, keeper),
        )
        watching.close()
        result = _audit(pipeline, watching, span_bytes)
    if exchanges != STANDARD_OUTPUT or output is not None:
        _report(result, report_format, output)
    _write_others(result, metrics, keeper, tells=exchanges == STANDARD_OUTPUT or not is_standard_output(output))
    raise typer.Exit(status_of(result, fail_on, min_requests))


def _open(  # what is wished for is that of `open_live`
    jobs: int,
    interfaces: list[str],
    log: "Log",
    *,
    must_be_permitted: bool,
    ring_bytes: int,
    wanted: "Filter | None",
    promiscuous: bool,
    may_be_absent: bool,
) -> "list[LivePackets]":
    """Open the interfaces, once for each job; where that is not permitted, watch nothing and say so."""
    from wiresniff.capture.blind import BlindSource
    from wiresniff.capture.live import open_live
    from wiresniff.model.errors import CaptureError

    fanout = randbelow(FANOUT_GROUPS) if jobs > 1 else None
    opened = ExitStack()
    try:
        return [
            opened.enter_context(
                open_live(
                    interfaces, ring_bytes=ring_bytes, filter=wanted, fanout=fanout, promiscuous=promiscuous,
                    may_be_absent=may_be_absent,
                )
            )
            for _ in range(jobs)
        ]  # fmt: skip
    except CaptureError as refusal:
        opened.close()
        if must_be_permitted:
            raise
        log.tell("error", "capture-refused", why=refusal)
        return [BlindSource(interfaces, str(refusal))]


def _check_jobs(jobs: int, witnesses: str | None) -> None:
    """Raise UsageError where several processes can't do what is asked for."""
    from wiresniff.capture import rights
    from wiresniff.model.errors import UsageError

    if jobs > 1 and witnesses is not None:
        raise UsageError("--witnesses needs all packets in one process; leave out --jobs, which writes the same report")
    if jobs > 1 and rights.is_portable():
        raise UsageError("--jobs shares live traffic on Linux only; leave it out")


def _policy(path: str | None, self_name: str | None) -> "Policy":
    """Load the policy; what it says of addresses comes before what this machine is called."""
    from wiresniff.cli.results import policy_of
    from wiresniff.cli.watching import local_addresses
    from wiresniff.model.policy import Service
    from wiresniff.services.locality import LOOPBACK

    rules = policy_of(path)
    if self_name is None:
        return rules
    # One address of the loopback is many services.
    here = Service(self_name, tuple(sorted(each for each in local_addresses() if not each.startswith(LOOPBACK))))
    return replace(rules, services=(*rules.services, here))


def _exporter(
    stack: ExitStack, listen: str, web_config: str | None, *, shows_page: bool
) -> "tuple[Exporter | None, tuple[Endpoint, ...]]":
    """Open the port of the metrics before any right is given up; returns where it is, too."""
    if listen == NOWHERE:
        return None, ()
    from wiresniff.config.web import load_web_config
    from wiresniff.metrics.exporter import Exporter
    from wiresniff.metrics.listen import parse_listen
    from wiresniff.model.delivery import Endpoint

    exporter = Exporter(shows_page=shows_page)
    web = load_web_config(web_config) if web_config is not None else None
    bound = exporter.bind(parse_listen(listen), web)
    stack.callback(exporter.close)
    return exporter, tuple(Endpoint(address.partition("%")[0], port) for address, port in bound)


def _audit(pipeline: "Pipeline | SharedWatch", watching: "Watching", span_bytes: int) -> "Audit":
    """Return the audit of what was seen so far."""
    pipeline.settle_traffic()
    return pipeline.audit(watching.summaries(), span_bytes, watching.accounting())


def _report(result: "Audit", report_format: ReportFormat, output: str | None) -> None:
    from wiresniff.cli.results import rendered

    write(output, rendered(result, report_format, output))


def _report_now(so_far: "Audit", report_format: ReportFormat, keeper: "WitnessKeeper") -> None:
    """Print what was found so far, with its proof."""
    _report(so_far, report_format, None)
    keeper.write(so_far)


def _write_others(result: "Audit", metrics: str | None, keeper: "WitnessKeeper", *, tells: bool) -> None:
    """Write what is not the report; `tells`: say on standard error what that says first, as it goes elsewhere."""
    from wiresniff.cli.results import tell_summary, write_metrics

    if tells:
        tell_summary(result)
    if metrics is not None:
        write_metrics(result, metrics)
    keeper.write(result)
