"""Writes exchange records in order of time, as far as a bounded window can put them in order."""

from contextlib import suppress
from heapq import heappop, heappush
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from wiresniff.cli.outputs import ADVICE, STANDARD_OUTPUT, write_standard_output
from wiresniff.model import limits
from wiresniff.model.errors import UsageError

if TYPE_CHECKING:
    from wiresniff.model.policy import Privacy
    from wiresniff.model.verdicts import Judgement

WINDOW_NS = limits.RECORD_WINDOW_SECONDS * 10**9


class RecordWriter:
    """Writes to a file, to standard output (`-`), or (None) nowhere.

    Where what it writes to is full, it writes no more and says so in `failure`: records are one of several results, and
    whoever wants the others gets them.
    """

    def __init__(self, path: str | None, captures: list[str], privacy: "Privacy", show_baggage: bool) -> None:
        self._path = path
        self._captures = captures
        self._privacy = privacy
        self._show_baggage = show_baggage
        self._waiting: list[tuple[int, int, int, int, Judgement]] = []
        self._count = 0
        self._latest_ns = 0
        self._file: TextIO | None = None
        self._lines: list[str] = []
        """Written together: a write a line costs more than the line."""
        self.is_unread = False
        """Whoever read standard output has gone (`| head`); nothing more is written."""
        self.failure: UsageError | None = None
        """Why records could not be written any more."""

    def __enter__(self) -> Self:
        if self._path is not None and self._path != STANDARD_OUTPUT:
            try:
                self._file = open(self._path, "w", encoding="utf-8")  # noqa: PTH123  # closed in __exit__
            except OSError as error:
                raise self._cannot_be_written(error) from error
        return self

    def adopt(self, privacy: "Privacy") -> None:
        """Show what this allows from now on, also of records that are not written yet."""
        self._privacy = privacy

    def write(self, judgement: "Judgement") -> None:
        """Take one record; write those that are far enough in the past."""
        if self._path is None or self.is_unread or self.failure is not None:
            return
        exchange = judgement.exchange
        self._count += 1
        heappush(self._waiting, (exchange.time_ns, exchange.capture, exchange.packet, self._count, judgement))
        self._latest_ns = max(self._latest_ns, exchange.time_ns)
        horizon_ns = self._latest_ns - WINDOW_NS
        while self._waiting[0][0] < horizon_ns or len(self._waiting) > limits.RECORD_WINDOW_RECORDS:
            self._take_first()

    def _take_first(self) -> None:
        from wiresniff.report.records import record_line

        judgement = heappop(self._waiting)[-1]
        self._lines.append(record_line(judgement, self._captures, self._privacy, self._show_baggage))

    def flush(self) -> None:
        """Hand on what is in order, to whoever reads along."""
        text = "".join(self._lines)
        self._lines.clear()
        if not text or self.is_unread:
            return
        try:
            self._hand_on(text)
        except UsageError as failure:
            self._fail(failure)

    def _hand_on(self, text: str) -> None:
        if self._file is None:
            self.is_unread = not write_standard_output(text)
            return
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            raise self._cannot_be_written(error) from error

    def _fail(self, failure: UsageError) -> None:
        """Give up for good: behind records that are lost, later ones would look like all there were."""
        self.failure = failure
        self._waiting.clear()
        if self._file is not None:
            with suppress(OSError):  # what it still holds can't be written either
                self._file.close()
            self._file = None

    def _cannot_be_written(self, error: OSError) -> UsageError:
        return UsageError(f"{self._path}: can't be written: {error.strerror}; {ADVICE}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                while self._waiting:
                    self._take_first()
                self.flush()
        finally:
            self._close()

    def _close(self) -> None:
        if self._file is None:
            return
        try:
            self._file.close()
        except OSError as error:
            self._fail(self._cannot_be_written(error))
