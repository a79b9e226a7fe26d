"""How far the reading is: a bar on a terminal, a line of counters for standard input, nothing elsewhere."""

import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from wiresniff.capture import CaptureFile
    from wiresniff.model.packets import PacketBlock

Block = TypeVar("Block", bound="tuple[int, PacketBlock]")

QUIET_SECONDS = 1.0
"""What takes less needs no bar."""
REFRESH_SECONDS = 0.2
BAR = 30


class Progress:
    """Shows how many packets were read, and how much of the files."""

    def __init__(self, files: "list[CaptureFile]") -> None:
        self._files = files
        self._is_shown = sys.stderr.isatty()
        self._begun = time.monotonic()
        self._next = self._begun + QUIET_SECONDS
        self._packets = 0
        self._is_dirty = False

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_dirty:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()

    def watch(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Pass blocks on, and show how far they are."""
        for block in blocks:
            yield block
            self._packets += len(block[1])
            if self._is_shown and time.monotonic() >= self._next:
                self._next = time.monotonic() + REFRESH_SECONDS
                self._show()

    def _show(self) -> None:
        seconds = time.monotonic() - self._begun
        counted = f"{self._packets:,} packets, {self._packets / seconds:,.0f}/s"
        totals = [file.bytes_total for file in self._files]
        sizes = [total for total in totals if total is not None]
        if len(sizes) == len(totals) and sum(sizes):
            share = min(sum(file.bytes_read for file in self._files) / sum(sizes), 1.0)
            done = round(share * BAR)
            counted = f"[{'#' * done}{'.' * (BAR - done)}] {share:4.0%}  {counted}"
        else:
            counted += "  (Ctrl-C ends the input and prints the report)"
        sys.stderr.write(f"\r\x1b[2K{counted}")
        sys.stderr.flush()
        self._is_dirty = True
