"""`wiresniff watch -i INTERFACE...`: audit live traffic, serve metrics, print a report at the end."""

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import typer

from wiresniff.cli import options, watch_options
from wiresniff.cli.log import LogFormat
from wiresniff.cli.options import FailOn, Level, ReportFormat, ShowValues
from wiresniff.cli.outputs import STANDARD_OUTPUT, is_standard_output, write
from wiresniff.model.spans import SPAN_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from wiresniff.capture.live import LivePackets
    from wiresniff.cli.watching import Watching
    from wiresniff.cli.witnesses import WitnessKeeper
    from wiresniff.model.audit import Audit
    from wiresniff.model.delivery import Endpoint
    from wiresniff.model.policy import Policy
    from wiresniff.pipeline import Pipeline
    from wiresniff.services.locality import Locality
    from wiresniff.workers.watch import SharedSource, SharedWatch

MIB = 1 << 20


def watch(  # one parameter an option
    interfaces: watch_options.Interfaces,
    policy: options.Policy = None,
    listen: watch_options.Listen = watch_options.LISTEN,
    web_config: watch_options.WebConfig = None,
    page: watch_options.Page = False,
    duration: watch_options.Duration = None,
    self_name: watch_options.SelfName = None,
    require_capture: watch_options.RequireCapture = False,
    ring_mib: watch_options.RingMib = watch_options.RING_MIB,
    promiscuous: watch_options.Promiscuous = False,
    log_format: watch_options.LogFormat = LogFormat.CONSOLE,
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
    from wiresniff.cli.sockets import Wanted, open_exporter, open_interfaces
    from wiresniff.cli.watching import Watching, local_addresses
    from wiresniff.cli.witnesses import WitnessKeeper
    from wiresniff.pipeline import Pipeline
    from wiresniff.services.locality import Locality

    check_outputs(output, exchanges, metrics, witnesses)
    _check_jobs(jobs, witnesses)
    seconds = seconds_of(duration, "--for") if duration is not None else None
    rules = _policy(policy, self_name)
    wanted = Filter(packet_filter) if packet_filter is not None else None
    must_be_permitted = require_capture or duration is not None
    log = Log(log_format)
    with ExitStack() as stack:
        signals = stack.enter_context(Signals())
        captured = Wanted(
            interfaces, wanted, ring_mib * MIB, promiscuous, must_be_permitted, may_be_absent=duration is None
        )
        sources = open_interfaces(stack, captured, jobs, log)
        serving = open_exporter(stack, listen, web_config, shows_page=page)
        rules = replace(rules, own_server=serving.endpoints)
        locality = Locality(local_addresses())
        make = partial(Pipeline, rules, int(level.value), judges=exchanges is not None)
        alone = make(locality=locality)
        keeper = WitnessKeeper(witnesses, interfaces, rules, alone, is_live=True)
        privileges = rights.drop_privileges()
        source, pipeline, processes = _shared(stack, sources, alone, lambda here: make(locality=here))
        serving.start(processes)
        log.tell("info", "watching", interfaces=",".join(interfaces), metrics=listen, rights=str(privileges))
        shows_baggage = show_values is ShowValues.BAGGAGE
        records = stack.enter_context(RecordWriter(exchanges, interfaces, rules.privacy, shows_baggage))
        watching = Watching(source, pipeline, records, log, locality, serving.exporter, keeper)
        watching.run(
            signals,
            seconds,
            partial(_policy, policy, self_name, serving.endpoints) if policy is not None else None,
            lambda: _report_now(_audit(pipeline, watching, span_bytes), report_format, keeper),
        )
        watching.close()
        result = _audit(pipeline, watching, span_bytes)
    if exchanges != STANDARD_OUTPUT or output is not None:
        _report(result, report_format, output)
    _write_others(result, metrics, keeper, tells=exchanges == STANDARD_OUTPUT or not is_standard_output(output))
    failure = records.failure or watching.failure
    if failure is not None:
        raise failure
    raise typer.Exit(status_of(result, fail_on, min_requests))


def _check_jobs(jobs: int, witnesses: str | None) -> None:
    """Raise UsageError where several processes can't do what is asked for."""
    from wiresniff.capture import rights
    from wiresniff.model.errors import UsageError

    if jobs > 1 and witnesses is not None:
        raise UsageError("--witnesses needs all packets in one process; leave out --jobs, which writes the same report")
    if jobs > 1 and rights.is_portable():
        raise UsageError("--jobs shares live traffic on Linux only; leave it out")


def _policy(path: str | None, self_name: str | None, own_server: "tuple[Endpoint, ...]" = ()) -> "Policy":
    """Load the policy; what it says of addresses comes before what this machine is called."""
    from wiresniff.cli.results import policy_of
    from wiresniff.cli.watching import local_addresses
    from wiresniff.model.policy import Service
    from wiresniff.services.locality import LOOPBACK

    rules = replace(policy_of(path), own_server=own_server)
    if self_name is None:
        return rules
    # One address of the loopback is many services.
    here = Service(self_name, tuple(sorted(each for each in local_addresses() if not each.startswith(LOOPBACK))))
    return replace(rules, services=(*rules.services, here))


def _shared(
    stack: ExitStack,
    sources: "list[LivePackets]",
    alone: "Pipeline",
    make: "Callable[[Locality], Pipeline]",
) -> "tuple[LivePackets | SharedSource, Pipeline | SharedWatch, list[int]]":
    """Share the work with other processes, if more than one is to do it: before there are threads."""
    if len(sources) == 1:
        return sources[0], alone, []
    from wiresniff.workers.watch import SharedSource, SharedWatch

    shared = stack.enter_context(SharedWatch(alone, make, sources))
    return SharedSource(shared), shared, shared.processes


def _audit(pipeline: "Pipeline | SharedWatch", watching: "Watching", span_bytes: int) -> "Audit":
    """Return the audit of what was seen so far, as far as traffic is settled."""
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
