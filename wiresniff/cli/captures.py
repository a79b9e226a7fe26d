"""What is told of captures on standard error: those that can't be read, and those that were read in part."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from wiresniff.model.display import named
from wiresniff.model.errors import UsageError

if TYPE_CHECKING:
    from wiresniff.capture import CaptureFile
    from wiresniff.model.audit import CaptureSummary

STANDARD_INPUT = "-"
SENTENCE_CHARACTERS = 300
READ_LINK_TYPES = "wiresniff reads Ethernet, Linux cooked (tcpdump -i any), raw IP and loopback captures"


def refuse_terminal(names: list[str]) -> None:
    """Raise UsageError where a capture is to be typed on a keyboard."""
    if STANDARD_INPUT in names and sys.stdin is not None and sys.stdin.isatty():
        raise UsageError(
            "standard input is a terminal; pipe a capture into it, for example "
            "`tcpdump -i any -U -w - tcp | wiresniff audit -`"
        )


def note_link_types(files: "list[CaptureFile]") -> None:
    """Write down of each capture which of its packets are of link types that can't be decoded.

    Where that is all of them, the capture can't be read.
    """
    from wiresniff.decode.link import LINKS
    from wiresniff.decode.names import link_type_name

    for file in files:
        unread = [link_type for link_type in file.link_types if link_type not in LINKS]
        if not unread or file.summary.error is not None:
            continue
        names = ", ".join(link_type_name(link_type).removeprefix("link-type-") for link_type in unread)
        kinds = f"link type{'' if len(unread) == 1 else 's'} {names}"
        if len(unread) == len(file.link_types):
            file.summary.error = f"its packets are of {kinds}, which wiresniff does not decode; {READ_LINK_TYPES}"
        elif file.summary.warning is None:
            file.summary.warning = f"its packets of {kinds} were not decoded; {READ_LINK_TYPES}"


def tell_captures(captures: "list[CaptureSummary]") -> None:
    """Say on standard error what is wrong with captures, a sentence each."""
    for sentence in _sentences(captures):
        typer.echo(f"wiresniff: {sentence}", err=True)


def _sentences(captures: "list[CaptureSummary]") -> Iterator[str]:
    for capture in captures:
        name = "standard input" if capture.name == STANDARD_INPUT else named(capture.name, SENTENCE_CHARACTERS)
        if capture.error is not None:
            yield f"{name}: {named(capture.error, SENTENCE_CHARACTERS)}"
        if capture.warning is not None:
            yield f"{name}: warning: {named(capture.warning, SENTENCE_CHARACTERS)}"
