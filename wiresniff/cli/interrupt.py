"""Ctrl-C ends the input, not the audit."""

import signal
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Self, TypeVar

Block = TypeVar("Block")


class Interrupt:
    """Turns the first SIGINT into the end of what is iterated over; the second one is nobody's but Python's.

    While input is waited for, the wait ends at once. While a block is worked on, that block is finished first: no stage
    is left in the middle of its work.
    """

    def __init__(self) -> None:
        self.has_come = False
        self._is_waiting = False

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        self.has_come = True
        signal.signal(signal.SIGINT, self._before)
        if self._is_waiting:
            raise KeyboardInterrupt

    def until(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Give the blocks that come before the interrupt."""
        while not self.has_come:
            try:
                self._is_waiting = True
                block = next(blocks, None)
                self._is_waiting = False
            except KeyboardInterrupt:
                return
            finally:
                self._is_waiting = False
            if block is None:
                return
            yield block
            del block  # its memory serves what comes next
