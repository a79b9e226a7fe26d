"""What a command does with its options before it begins, and with the audit at its end."""

import sys
from typing import TYPE_CHECKING

import typer

from wiresniff.cli.exits import Exit
from wiresniff.cli.options import FailOn, ReportFormat
from wiresniff.cli.outputs import STANDARD_OUTPUT, check_can_be_written, is_standard_output, place, write
from wiresniff.model.errors import UsageError

if TYPE_CHECKING:
    from wiresniff.model.audit import Audit
    from wiresniff.model.policy import Policy


def policy_of(path: str | None) -> "Policy":
    """Load the policy of an option; the defaults without one."""
    if path is None:
        from wiresniff.model.policy import Policy

        return Policy()
    from wiresniff.config.load import load_policy

    return load_policy(path)


def check_outputs(output: str | None, exchanges: str | None, metrics: str | None, witnesses: str | None = None) -> None:
    """Raise UsageError where two outputs go to one place, or one can't be written: now, and not after an hour."""
    named = {"--output": output, "--exchanges": exchanges, "--metrics": metrics, "--witnesses": witnesses}
    if metrics == STANDARD_OUTPUT:
        raise UsageError("--metrics -: metrics go to a file; name one, for example --metrics wiresniff.prom")
    if witnesses == STANDARD_OUTPUT:
        raise UsageError("--witnesses -: packets go to a file; name one, for example --witnesses proof.pcapng")
    given = {option: path for option, path in named.items() if path is not None}
    for path in given.values():
        check_can_be_written(path)
    places: dict[str, str] = {}
    for option, path in given.items():
        other = places.setdefault(place(path), option)
        if other != option:
            where = "standard output" if path == STANDARD_OUTPUT else path
            raise UsageError(f"{other} and {option} would both be written to {where}; name two files")


def rendered(result: "Audit", report_format: ReportFormat, output: str | None) -> str:
    """Write the report as text, as wide and colourful as where it goes."""
    if report_format is ReportFormat.JSON:
        from wiresniff.report.json import render_json

        return render_json(result)
    if report_format is ReportFormat.HTML:
        from wiresniff.report.html import render_html

        return render_html(result)
    if report_format is ReportFormat.MARKDOWN:
        from wiresniff.report.markdown import render_markdown

        return render_markdown(result)
    from wiresniff.cli.terminal import WIDTH_OF_FILES, color_of, width_of
    from wiresniff.report.text import render_text

    if not is_standard_output(output):
        return render_text(result, width=WIDTH_OF_FILES, color=False)
    return render_text(result, width=width_of(sys.stdout), color=color_of(sys.stdout))


def write_metrics(result: "Audit", path: str) -> None:
    """Write the totals for a textfile collector."""
    from wiresniff.metrics.textfile import render_metrics

    write(path, render_metrics(result))


def tell_summary(result: "Audit") -> None:
    """Say on standard error what a report that goes elsewhere says first."""
    from wiresniff.report.headline import headline, severities

    typer.echo(f"wiresniff: {headline(result)}; {severities(result) or 'no findings'}", err=True)


def status_of(result: "Audit", fail_on: FailOn, min_requests: int) -> Exit:
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
