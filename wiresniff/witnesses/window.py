"""What passes once (a live interface, a pipe): kept for a while, so that the packets of a witness are found in it.

A request is chosen as a witness when it is judged: when its answer is complete, or some seconds after its head. By then
its packets have passed, so the last of them are kept, whole, in memory (`limits.WITNESS_WINDOW_BYTES`). What is found
is masked at once, and nothing else of it is kept. Of handshakes, which may be days old, those of the last connections
are kept (`limits.WITNESS_HANDSHAKES`).
"""

from collections import Counter, deque
from collections.abc import Iterable, Sequence

from wiresniff.capture.records import Interface
from wiresniff.model import limits
from wiresniff.model.exchanges import Exchange
from wiresniff.model.findings import Witness
from wiresniff.model.packets import PacketBlock
from wiresniff.model.policy import Privacy
from wiresniff.stages import Entrance
from wiresniff.witnesses.captured import Located, locate
from wiresniff.witnesses.handshakes import Handshakes
from wiresniff.witnesses.proofs import Proof, Proofs
from wiresniff.witnesses.sought import Place, Search, Sought, place_of


class Window:
    """Keeps the last packets, and the proofs of the witnesses that were made so far."""

    def __init__(self, privacy: Privacy) -> None:
        self._anomalies: Counter[str] = Counter()
        self._entrances: dict[int, Entrance] = {}
        self._blocks: deque[Located] = deque()
        self._octets = 0
        self._handshakes = Handshakes()
        self._privacy = privacy
        self._proofs = Proofs(privacy)
        self._known: set[Place] = set()
        self._forgotten = 0

    @property
    def proofs(self) -> list[Proof]:
        """What was found so far, of all witnesses."""
        return self._proofs.kept

    def adopt(self, privacy: Privacy) -> None:
        """Show what this allows from now on. What was masked otherwise is given up."""
        if privacy != self._privacy:
            self._privacy = privacy
            self._proofs = Proofs(privacy)
            self._known.clear()

    def feed(self, point: int, block: PacketBlock) -> None:
        """Keep the packets of a block; the oldest make room."""
        if point not in self._entrances:
            self._entrances[point] = Entrance(self._anomalies)
        located, _ = locate(point, block, self._entrances[point], _undescribed(block))
        if not len(located.segments):
            return
        self._handshakes.see(located)
        self._blocks.append(located)
        self._octets += located.octets
        while self._octets > limits.WITNESS_WINDOW_BYTES and len(self._blocks) > 1:
            self._octets -= self._blocks.popleft().octets

    def find(self, witnessed: Iterable[tuple[Witness, Exchange]]) -> None:
        """Find the packets of witnesses that were made just now."""
        soughts = []
        for witness, exchange in witnessed:
            place = place_of(witness)
            if len(self._known) >= limits.SIGHTS:
                self._forgotten += len(self._known)
                self._known.clear()
            if place not in self._known:
                self._known.add(place)
                soughts.append(Sought(place, exchange))
        if not soughts:
            return
        search = Search(soughts)
        for located in self._blocks:
            search.take(located, located.rows_of(search.keys), self._handshakes)
        for sought in soughts:
            self._proofs.add(sought)

    def evictions(self) -> Counter[str]:
        """Return what there was no room for."""
        return +Counter(
            {
                "witness_handshakes": self._handshakes.dropped,
                "witnesses": self._proofs.dropped,
                "witness-cache": self._forgotten,
            }
        )


def _undescribed(block: PacketBlock) -> Sequence[Interface]:
    return [Interface(link_type) for link_type in block.link_types]
