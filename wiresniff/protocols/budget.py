"""Bytes that all connections of a capture point may keep while they wait for more."""

from wiresniff.model import limits


class Budget:
    """Bytes of unfinished heads, and of flows in which frames are looked for."""

    def __init__(self) -> None:
        self.held = 0
        self.windows = 0
        """Bytes of entries in HPACK windows."""

    def exceeded(self, octets: int) -> bool:
        """Take so many bytes more; tells whether that is too much."""
        self.held += octets
        return self.held > limits.HEADS_TOTAL_BYTES

    def release(self, octets: int) -> None:
        """Give back what was taken."""
        self.held = max(self.held - octets, 0)

    def windows_exceeded(self, octets: int) -> bool:
        """Count that the windows of header tables grew by so much, or shrank; tells whether they are too large."""
        self.windows += octets
        return self.windows > limits.HEADER_WINDOWS_TOTAL_BYTES
