"""How far the reading is: a bar or a line of counters on a terminal, nothing elsewhere."""

import shutil
import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from wiresniff.capture import CaptureFile

QUIET_SECONDS = 1.0
"""What takes less needs no bar."""
REFRESH_SECONDS = 0.2
BAR = 30
CLEAR_LINE = "\r\x1b[2K"


class Progress:
    """Shows how many packets were read, and how much of the files, until it is left.

    A thread of its own shows it, so that the line is right also while standard input is silent.
    """

    def __init__(self, files: "list[CaptureFile]") -> None:
        self._files = files
        self._is_endless = any(file.bytes_total is None for file in files)
        """How much there is to read is not known; somebody may be waiting for packets, and must see that they come."""
        self._begun = time.monotonic()
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if sys.stderr is not None and sys.stderr.isatty():
            self._thread = threading.Thread(target=self._show_until_over, name="progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()

    def _show_until_over(self) -> None:
        is_shown = False
        wait = 0.0 if self._is_endless else QUIET_SECONDS
        while not self._is_over.wait(wait):
            wait, is_shown = REFRESH_SECONDS, True
            columns = shutil.get_terminal_size().columns
            sys.stderr.write(CLEAR_LINE + self._line()[: columns - 1])
            sys.stderr.flush()
        if is_shown:
            sys.stderr.write(CLEAR_LINE)
            sys.stderr.flush()

    def _line(self) -> str:
        seconds = time.monotonic() - self._begun
        packets = sum(file.summary.packets for file in self._files)
        if self._is_endless:
            return f"{packets:,} packets in {_clock(seconds)}  (Ctrl-C ends the input and prints the report)"
        read = sum(file.bytes_read for file in self._files)
        share = min(read / max(sum(file.bytes_total or 0 for file in self._files), 1), 1.0)
        done = round(share * BAR)
        return f"[{'#' * done}{'.' * (BAR - done)}] {share:4.0%}  {packets:,} packets, {packets / seconds:,.0f}/s"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"
