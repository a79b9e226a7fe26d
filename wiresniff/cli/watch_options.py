"""Options that only `wiresniff watch` has."""

from typing import Annotated, TypeAlias

import typer

from wiresniff.cli.log import LogFormat as Format

LISTEN = "127.0.0.1:9795"
"""Where metrics are served unless told otherwise."""
RING_MIB = 8

Interfaces: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--interface",
        "-i",
        metavar="INTERFACE",
        help="What to watch; may be given again. any is all; `wiresniff interfaces` lists them.",
        show_default=False,
    ),
]
Listen: TypeAlias = Annotated[
    str, typer.Option(metavar="HOST:PORT", help="Where metrics are served; none for nowhere.")
]
WebConfig: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="TLS and passwords of the metrics, as Prometheus exporters have them (YAML)."),
]
Page: TypeAlias = Annotated[bool, typer.Option("--page", help="Also serve a page for people, at /.")]
Duration: TypeAlias = Annotated[
    str | None, typer.Option("--for", metavar="DURATION", help="End after so long, for example 60s or 5m.")
]
SelfName: TypeAlias = Annotated[
    str | None,
    typer.Option("--self", metavar="NAME", help="What this machine or pod is called, as a client and as a server."),
]
RequireCapture: TypeAlias = Annotated[
    bool, typer.Option("--require-capture", help="End where capturing is not permitted, instead of saying so.")
]
RingMib: TypeAlias = Annotated[
    int, typer.Option(min=1, metavar="N", help="Memory for packets that wait, in MiB per interface: a second's worth.")
]
Promiscuous: TypeAlias = Annotated[
    bool,
    typer.Option("--promiscuous", help="Also take what is addressed to other machines, as a mirror port sends it."),
]
LogFormat: TypeAlias = Annotated[Format, typer.Option(help="How the log is written, to standard error.")]
