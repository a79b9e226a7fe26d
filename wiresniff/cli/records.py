"""Writes exchange records in order of time, as far as a bounded window can put them in order."""

import sys
from heapq import heappop, heappush
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from wiresniff.model import limits
from wiresniff.model.errors import UsageError

if TYPE_CHECKING:
    from wiresniff.model.policy import Privacy
    from wiresniff.model.verdicts import Judgement

WINDOW_NS = limits.RECORD_WINDOW_SECONDS * 10**9


class RecordWriter:
    """Writes to a file, to standard output (`-`), or (None) nowhere."""

    def __init__(self, path: str | None, captures: list[str], privacy: "Privacy", show_baggage: bool) -> None:
        self._path = path
        self._captures = captures
        self._privacy = privacy
        self._show_baggage = show_baggage
        self._waiting: list[tuple[int, int, int, int, "Judgement"]] = []
        self._count = 0
        self._latest_ns = 0
        self._file: TextIO | None = None

    def __enter__(self) -> "RecordWriter":
        if self._path == "-":
            self._file = sys.stdout
        elif self._path is not None:
            try:
                self._file = open(self._path, "w", encoding="utf-8")  # noqa: SIM115, PTH123  # closed in __exit__
            except OSError as error:
                raise UsageError(
                    f"{self._path}: can't be written: {error.strerror}; name a file in a folder that you may write to"
                ) from error
        return self

    def write(self, judgement: "Judgement") -> None:
        """Take one record; write those that are far enough in the past."""
        if self._file is None:
            return
        exchange = judgement.exchange
        self._count += 1
        heappush(self._waiting, (exchange.time_ns, exchange.capture, exchange.packet, self._count, judgement))
        self._latest_ns = max(self._latest_ns, exchange.time_ns)
        while self._waiting and (
            self._waiting[0][0] < self._latest_ns - WINDOW_NS or len(self._waiting) > limits.RECORD_WINDOW_RECORDS
        ):
            self._write_first()

    def _write_first(self) -> None:
        from wiresniff.report.records import record_line

        assert self._file is not None
        judgement = heappop(self._waiting)[-1]
        self._file.write(record_line(judgement, self._captures, self._privacy, self._show_baggage))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        while self._waiting:
            self._write_first()
        self._file.flush()
        if self._file is not sys.stdout:
            self._file.close()
