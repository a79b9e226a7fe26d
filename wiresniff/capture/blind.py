"""BlindSource: time passes, and nothing is seen. For a process that may not capture, and says so while it lives."""

import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from wiresniff.capture.live import POINT, tick
from wiresniff.capture.watched import InterfaceStatistics
from wiresniff.model.limits import TICK_SECONDS
from wiresniff.model.packets import PacketBlock


class BlindSource:
    """A live capture of interfaces that can't be opened."""

    backlog = 0.0

    def __init__(self, names: Sequence[str], reason: str) -> None:
        self._statistics = [InterfaceStatistics(name, is_up=False, reason=reason) for name in names]
        self._is_stopping = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Iterator[tuple[int, PacketBlock]]:
        """Give ticks until `stop`."""
        while not self._is_stopping:
            yield POINT, tick(time.time_ns())
            time.sleep(TICK_SECONDS)

    def stop(self) -> None:
        """End."""
        self._is_stopping = True

    def shed(self, share: float) -> None:
        """Leave nothing out of nothing."""

    def left_out(self) -> list[float]:
        """Return nothing: whoever watches decides."""
        return []

    def statistics(self) -> list[InterfaceStatistics]:
        """Say of each interface that it is not watched, and why."""
        return self._statistics

    def close(self) -> None:
        """Close nothing."""
