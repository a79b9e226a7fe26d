"""Several captures as capture points: which file continues which, and all of them in order of time.

A *capture point* is a place where packets were taken: a rotated capture is one in many files. Files that follow each
other in time are one (connections go on across them); files whose times overlap are several. This is decided when a
file begins: it continues a capture point whose last file has ended by then, or starts a new one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import takewhile

import numpy as np

from wiresniff.capture.records import Interface
from wiresniff.capture.source import CaptureFile
from wiresniff.model.errors import CaptureError
from wiresniff.model.limits import CONTINUATION_SECONDS, READ_BYTES
from wiresniff.model.packets import PacketBlock

TOLERANCE_NS = int(CONTINUATION_SECONDS * 1_000_000_000)
LEAST_READ_BYTES = 256 * 1024
"""Read at a time however many captures are read at once."""


@dataclass(slots=True)
class CapturePoint:
    """One place of capture, over all its files."""

    number: int
    file: CaptureFile
    """The one that is read, or was read last."""
    last_time_ns: int = 0
    reading: bool = True
    rows: dict[tuple[int, Interface], int] = field(default_factory=dict)
    """Of each interface, by its place in its file: rotated files describe the same ones in the same order."""

    def take(self, block: PacketBlock) -> PacketBlock:
        """Renumber the interfaces of a block, over all files of this point."""
        rows = self.rows
        for place in enumerate(self.file.interfaces):
            rows.setdefault(place, len(rows))
        here = np.array([rows[place] for place in enumerate(self.file.interfaces)], dtype=np.int64)
        block.interface = here[block.interface]
        block.link_types = tuple(interface.link_type for _, interface in rows)
        self.last_time_ns = max(self.last_time_ns, block.now_ns)
        return block


def capture_points(files: Sequence[CaptureFile], read_bytes: int = READ_BYTES) -> Iterator[tuple[int, PacketBlock]]:
    """Give (number of the capture point, block) in order of the blocks' first times.

    What can't be opened or read is noted in its summary, and the others go on. One file under two names is read once.
    A block is given before the next one of its file is read, so that live input is never late. A file is begun when the
    others are past the time in which it might continue one of them. `read_bytes` are read at a time of all files.
    """
    waiting = _by_first_time(_once(files))
    waiting.reverse()
    points: list[CapturePoint] = []
    upcoming: list[tuple[int, int, PacketBlock, Iterator[PacketBlock]]] = []
    """A heap of (first time, number of the capture point, its next block, those behind it)."""
    while waiting or upcoming:
        if waiting and (not upcoming or waiting[-1][0] + TOLERANCE_NS < upcoming[0][0]):
            first_time_ns, file = waiting.pop()
            point = _point_for(file, first_time_ns, points)
            point.file, point.reading = file, True
            file.read_bytes = max(LEAST_READ_BYTES, read_bytes // (len(upcoming) + 1))
            blocks = _readable(file)
        else:
            _, number, block, blocks = heappop(upcoming)
            point = points[number]
            yield number, point.take(block)
            del block  # its memory serves what is read next
        following = next(blocks, None)
        if following is None:
            point.reading = False
        else:
            heappush(upcoming, (int(following.timestamp_ns[0]), point.number, following, blocks))
        del following


def _once(files: Iterable[CaptureFile]) -> list[CaptureFile]:
    """Leave out files that are given again, with a warning."""
    seen: dict[tuple[int, int], CaptureFile] = {}
    once = []
    for file in files:
        if file.identity is not None and (first := seen.setdefault(file.identity, file)) is not file:
            file.summary.warning = f"it is the same file as {first.name}, given twice; read once"
            continue
        once.append(file)
    return once


def _by_first_time(files: list[CaptureFile]) -> list[tuple[int, CaptureFile]]:
    """Sort what can be read by the time of its first packet."""
    if len(files) == 1:
        return [(0, files[0])]
    begun = []
    for file in files:
        try:
            first_time_ns = file.first_time_ns()
        except CaptureError:
            continue
        begun.append((first_time_ns or 0, file))
    return sorted(begun, key=lambda entry: entry[0])


def _point_for(file: CaptureFile, first_time_ns: int, points: list[CapturePoint]) -> CapturePoint:
    """Choose the capture point that a file continues, or make a new one."""
    ended = [point for point in points if not point.reading and point.last_time_ns <= first_time_ns + TOLERANCE_NS]
    if not ended:
        points.append(CapturePoint(len(points), file))
        return points[-1]
    return max(ended, key=lambda point: (_shared_prefix(point.file.name, file.name), point.last_time_ns))


def _shared_prefix(one: str, other: str) -> int:
    """Count the characters that two names begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _readable(file: CaptureFile) -> Iterator[PacketBlock]:
    """Give the blocks of a file up to where it can't be read; its summary says why."""
    try:
        yield from file
    except CaptureError:
        return
