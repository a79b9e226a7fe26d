"""Header blocks that were read before and what they said, bounded per flow and in all.

This saves time and nothing else: what is forgotten is read again. The flow that began to remember first is forgotten
first, so that connections which sleep don't keep those that speak from remembering anything.
"""

from collections import Counter, OrderedDict
from typing import Any, Final, Generic, TypeVar

from wiresniff.model import limits

BLOCK_BYTES: Final = 512
FIELD_BYTES: Final = 128
"""Charged for each block beside its octets, and for each field that is kept of it: about what they take."""

Key = TypeVar("Key")
Said = TypeVar("Said")


class Remembered:
    """What all flows of a capture point remember together."""

    def __init__(self, evictions: Counter[str]) -> None:
        self._evictions = evictions
        self.octets = 0
        self.flows: OrderedDict[KnownBlocks[Any, Any], None] = OrderedDict()
        """Those that remember anything, the one that began first in front."""

    def grow(self, flow: "KnownBlocks[Any, Any]", octets: int) -> None:
        """Take so many octets more, and make room."""
        self.flows[flow] = None
        self.octets += octets
        while self.octets > limits.HEADER_BLOCKS_TOTAL_BYTES and self.flows:
            next(iter(self.flows)).evict()

    def release(self, flow: "KnownBlocks[Any, Any]", octets: int) -> None:
        """Give back what a flow took."""
        self.octets -= octets
        self.flows.pop(flow, None)

    def count(self, blocks: int) -> None:
        """Count blocks that were forgotten for want of room."""
        self._evictions["header-block-cache"] += blocks


class KnownBlocks(Generic[Key, Said]):
    """What blocks of one flow said, as long as its header table stays as it is."""

    __slots__ = ("_octets", "_remembered", "said")

    def __init__(self, remembered: Remembered) -> None:
        self._remembered = remembered
        self._octets = 0
        self.said: dict[Key, Said] = {}
        """Look here; the dictionary stays the same."""

    def remember(self, key: Key, said: Said, octets: int, fields: int = 0) -> None:
        """Remember what a block of so many octets said, if it is not too long; `fields` are kept of it."""
        if octets > limits.HEADER_BLOCK_BYTES or key in self.said:
            return
        if len(self.said) >= limits.HEADER_BLOCKS:
            self.evict()
        self.said[key] = said
        cost = BLOCK_BYTES + octets + FIELD_BYTES * fields
        self._octets += cost
        self._remembered.grow(self, cost)

    def evict(self) -> None:
        """Make room, for others or for what comes."""
        self._remembered.count(len(self.said))
        self.forget()

    def forget(self) -> None:
        """Forget everything: references mean something else from now on, or the flow is over."""
        if self.said:
            self.said.clear()
            self._remembered.release(self, self._octets)
            self._octets = 0
