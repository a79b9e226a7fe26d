"""What the operating system asks of a process that runs for long: to end, to read its policy again, to report."""

import signal
from types import FrameType, TracebackType
from typing import Self

ENDS = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """Notes which signals came, for a loop that looks at them between blocks. A second request to end is Python's."""

    def __init__(self) -> None:
        self.ends = False
        self._reloads = False
        self._reports = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in (*ENDS, signal.SIGHUP, signal.SIGUSR1):
            self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]  # what signal() returned

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if number in ENDS:
            self.ends = True
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        elif number == signal.SIGHUP:
            self._reloads = True
        else:
            self._reports = True

    def take_reload(self) -> bool:
        """Tell, once, that the policy is to be read again."""
        asked, self._reloads = self._reloads, False
        return asked

    def take_report(self) -> bool:
        """Tell, once, that a report is wanted now."""
        asked, self._reports = self._reports, False
        return asked
