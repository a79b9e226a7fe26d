"""Options that several commands have, and their words."""

from enum import StrEnum
from typing import Annotated, TypeAlias

import typer


class ReportFormat(StrEnum):
    """How the report is written."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"
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


Policy: TypeAlias = Annotated[
    str | None, typer.Option(metavar="FILE", help="Policy file (YAML): names of services, exemptions, thresholds.")
]
Format: TypeAlias = Annotated[ReportFormat, typer.Option("--format", help="How the report is written.")]
Output: TypeAlias = Annotated[
    str | None, typer.Option(metavar="FILE", help="Write the report here instead of standard output.")
]
Exchanges: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Write a record per request (JSON Lines); - for standard output, then without the report.",
    ),
]
Metrics: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Write the totals as Prometheus text, for a textfile collector."),
]
Witnesses: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Write the packets that prove the findings (pcapng), without bodies and private values.",
    ),
]
FailOnOption: TypeAlias = Annotated[
    FailOn, typer.Option(help="Exit with status 1 where a certain finding is at least this severe.")
]
MinRequests: TypeAlias = Annotated[
    int,
    typer.Option(min=0, metavar="N", help="With --fail-on: exit with status 4 where fewer requests could be judged."),
]
SpanBytes: TypeAlias = Annotated[
    int,
    typer.Option(min=1, metavar="N", help="What a stored span takes, in bytes: for what ghost roots cost a day."),
]
LevelOption: TypeAlias = Annotated[Level, typer.Option(help="Level of W3C Trace Context to judge by.")]
PacketFilter: TypeAlias = Annotated[
    str | None, typer.Option("--filter", metavar="EXPRESSION", help="Audit only these packets (tcpdump syntax).")
]
Jobs: TypeAlias = Annotated[
    int,
    typer.Option(
        min=1,
        max=64,
        metavar="N",
        help="Processes that share the connections, beside one that reads, or joins what they say.",
    ),
]
ShowValuesOption: TypeAlias = Annotated[ShowValues, typer.Option(help="Private values that exchange records may hold.")]
