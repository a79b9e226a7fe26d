"""Captures that can be read again: read them again, for nothing but the packets of witnesses."""

from collections.abc import Iterable, Sequence

from wiresniff.capture import CaptureFile, capture_points
from wiresniff.capture.records import Interface
from wiresniff.model.accounting import Accounting
from wiresniff.model.exchanges import Alike, Exchange
from wiresniff.model.packets import PacketBlock
from wiresniff.model.policy import Privacy
from wiresniff.protocols import Event
from wiresniff.stages import CapturePoint, Entrance
from wiresniff.witnesses.captured import locate
from wiresniff.witnesses.handshakes import Handshakes
from wiresniff.witnesses.proofs import Proof, Proofs
from wiresniff.witnesses.sought import Place, Search, Sought, place_of_exchange


def read_again(files: Sequence[CaptureFile], places: Iterable[Place], privacy: Privacy, level: int) -> list[Proof]:
    """Read captures until the requests at some places are found; return what proves them, masked.

    Connections without such a request are decoded and passed over; the others are read as they were for the audit, so
    that what a request said and which packet answered it is known again.
    """
    search = _SecondPass(files, places, level)
    for point, block in capture_points(files):
        search.feed(point, block)
        del block  # its memory serves what is read next
        if search.is_done:
            break
    search.close()
    proofs = Proofs(privacy)
    for sought in search.soughts:
        proofs.add(sought)
    return proofs.kept


class _SecondPass:
    """Looks for requests in captures, in the order in which the audit read them."""

    def __init__(self, files: Sequence[CaptureFile], places: Iterable[Place], level: int) -> None:
        self._files = files
        self._level = level
        self._accounting = Accounting()
        self._entrances: dict[int, Entrance] = {}
        self._points: dict[int, CapturePoint] = {}
        self._by_place = {place: Sought(place) for place in places}
        self._search = Search(self._by_place.values())
        self._handshakes = Handshakes()

    @property
    def soughts(self) -> list[Sought]:
        """What is looked for."""
        return list(self._by_place.values())

    @property
    def is_done(self) -> bool:
        """All was found."""
        return all(sought.is_done for sought in self._by_place.values())

    def feed(self, point: int, block: PacketBlock) -> None:
        """Look through a block."""
        if point not in self._points:
            self._entrances[point] = Entrance(self._accounting.anomalies)
            self._points[point] = CapturePoint(point, self._accounting, self._level, quarantines=True)
        located, now_ns = locate(point, block, self._entrances[point], self._interfaces(block))
        rows = located.rows_of(self._search.keys)
        self._handshakes.see(located, rows)
        self._search.take(located, rows, self._handshakes)
        stages = self._points[point]
        self._settle(stages.feed(located.segments.rows(rows)))
        self._settle(stages.flush(now_ns))

    def close(self) -> None:
        """No more packets come: what is open is settled."""
        for stages in self._points.values():
            self._settle(stages.close())

    def _settle(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, Alike):
                self._settle(event.exchanges())
            elif isinstance(event, Exchange):
                sought = self._by_place.get(place_of_exchange(event))
                if sought is not None and not sought.is_settled:
                    sought.settle(event)

    def _interfaces(self, block: PacketBlock) -> list[Interface]:
        """Describe the interfaces of a capture point as the file does whose packets are in the block."""
        return [_described(self._files[block.capture], link_type) for link_type in block.link_types]


def _described(file: CaptureFile, link_type: int) -> Interface:
    """Return the interface of a link type in a file: by its name only where there is no other such."""
    alike = [interface for interface in file.interfaces if interface.link_type == link_type]
    if len(alike) == 1:
        return alike[0]
    return Interface(link_type, snap_length=max((interface.snap_length for interface in alike), default=0))
