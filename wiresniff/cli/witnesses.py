"""What `--witnesses` does in a command: finds the packets that prove the findings, and writes them."""

import os
import stat
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from wiresniff.cli.captures import STANDARD_INPUT
from wiresniff.cli.outputs import write_octets
from wiresniff.model.display import named, quantity
from wiresniff.model.errors import UsageError

if TYPE_CHECKING:
    from wiresniff.model.audit import Audit
    from wiresniff.model.packets import PacketBlock
    from wiresniff.model.policy import Policy, Privacy
    from wiresniff.pipeline import Pipeline
    from wiresniff.witnesses.proofs import Proof
    from wiresniff.witnesses.window import Window

NAME_CHARACTERS = 300


class WitnessKeeper:
    """Keeps what passes only once; without an option, or where files can be read again, it does nothing."""

    def __init__(
        self,
        path: str | None,
        captures: Sequence[str],
        policy: "Policy",
        pipeline: "Pipeline",
        *,
        is_live: bool = False,
    ) -> None:
        self._path = path
        self._captures = captures
        self._privacy = policy.privacy
        self._pipeline = pipeline
        self._window: Window | None = None
        if path is None:
            return
        if not is_live:
            _refuse_input(path, captures)
        if is_live or any(passes_once(name) for name in captures):
            self._window = _window(policy.privacy)
            pipeline.take_witnessed()  # from now on it remembers them

    def feed(self, point: int, block: "PacketBlock") -> None:
        """Take a block, behind the pipeline."""
        if self._window is not None:
            self._window.feed(point, block)
            self._window.find(self._pipeline.take_witnessed())

    def close(self) -> None:
        """Take what was judged at the end."""
        if self._window is not None:
            self._window.find(self._pipeline.take_witnessed())

    def adopt(self, policy: "Policy") -> None:
        """Show what this allows from now on."""
        self._privacy = policy.privacy
        if self._window is not None:
            self._window.adopt(policy.privacy)

    def write(self, result: "Audit", packet_filter: str | None = None) -> None:
        """Write the file; say on standard error what is in it."""
        if self._path is None:
            return
        from wiresniff.witnesses.witness_file import causes_of, render

        causes = causes_of(result.findings)
        proofs: list[Proof]
        if self._window is not None:
            proofs = self._window.proofs
            result.accounting.evictions.update(self._window.evictions())
        else:
            from wiresniff.capture import Filter, open_captures
            from wiresniff.witnesses.second_pass import read_again

            files = open_captures(list(self._captures), Filter(packet_filter) if packet_filter is not None else None)
            proofs = read_again(files, causes, self._privacy, result.level) if causes else []
        written = render(causes, proofs, self._name)
        write_octets(self._path, written.octets)
        what = f"{quantity(written.packets, 'packet')} of {quantity(written.requests, 'request')}"
        lacking = f"; the packets of {written.missing:,} more were not at hand" if written.missing else ""
        typer.echo(f"wiresniff: {named(self._path, NAME_CHARACTERS)}: {what} that prove findings{lacking}", err=True)

    def _name(self, capture: int) -> str:
        name = self._captures[capture]
        return "standard input" if name == STANDARD_INPUT else named(name, NAME_CHARACTERS)


def _window(privacy: "Privacy") -> "Window":
    from wiresniff.witnesses.window import Window

    return Window(privacy)


def passes_once(name: str) -> bool:
    """Say whether a capture can't be read a second time: standard input, a pipe."""
    if name == STANDARD_INPUT:
        return True
    try:
        return not stat.S_ISREG(os.stat(name).st_mode)  # noqa: PTH116 (a name may be odd in ways that paths are not)
    except (OSError, ValueError):
        return False


def _refuse_input(path: str, captures: Sequence[str]) -> None:
    """Raise UsageError where what is written is what is read."""
    for name in captures:
        if name != STANDARD_INPUT and os.path.realpath(name) == os.path.realpath(path):
            raise UsageError(f"--witnesses {path}: that is a capture which is read; name another file")
