"""Everything that was counted, above all what was *not* seen, by reason."""

from collections import Counter
from dataclasses import dataclass, field

OVERLOAD = "overload"
"""Among the evictions, and no table: connections that began while they were left out, at overload."""


@dataclass(slots=True)
class Accounting:
    """Counts of one run; two add up.

    Stages count into `counts` under the names below; anomalies, evictions and opaque bytes have counters of their own.
    """

    counts: Counter[str] = field(default_factory=Counter)
    """`packets`, `captured_bytes`, `wire_bytes`, `segments`, `tcp_payload_bytes`, `connections`,
    `connections_joined_late`, `gaps`, `gap_bytes`, `cut_bytes` (by snap length), `one_direction_connections`,
    `one_direction_bytes` (acknowledged in a direction of which nothing was seen: no gap), `duplicate_segments` (seen
    again within the capture), `duplicate_bytes` (of segments that brought nothing new), `retransmitted_segments`,
    `reordered_segments`, `not_tcp_packets`, `not_ip_packets`, `unknown_link_packets`, `fragments`,
    `filtered_packets`, `scalar_packets` (decoded one by one), `tunnelled_packets` (in a tunnel that was entered),
    `dropped_packets` (by the kernel, live), `left_out_packets` (on purpose, live, at overload), `duplicate_exchanges`
    (another capture point), `opaque_connections`, `internal_errors`."""
    anomalies: Counter[str] = field(default_factory=Counter)
    """Per `Anomaly`."""
    evictions: Counter[str] = field(default_factory=Counter)
    """Per bounded table; those of which nothing is lost, because answers are worked out again, end in `-cache`."""
    opaque_bytes: Counter[str] = field(default_factory=Counter)
    """TCP payload bytes per reason that they could not be read."""
    not_tcp: Counter[str] = field(default_factory=Counter)
    """Packets per protocol name (`udp`, `arp`, `icmp`, ...) or link type that hold no TCP."""
    parsed_bytes: int = 0
    """TCP payload bytes that a protocol read or skipped knowingly."""

    @property
    def payload_bytes(self) -> int:
        """TCP payload bytes, each once: what shares are taken of. Never less than what was read and given up."""
        once = self.counts["tcp_payload_bytes"] - self.counts["duplicate_bytes"]
        return max(once, self.parsed_bytes + self.opaque_bytes.total())

    def losses(self) -> Counter[str]:
        """Return the evictions from tables by which something was lost."""
        return Counter(
            {
                table: count
                for table, count in self.evictions.items()
                if table != OVERLOAD and not table.endswith("-cache")
            }
        )

    def add(self, other: "Accounting") -> None:
        """Add the counts of another run."""
        self.counts.update(other.counts)
        self.anomalies.update(other.anomalies)
        self.evictions.update(other.evictions)
        self.opaque_bytes.update(other.opaque_bytes)
        self.not_tcp.update(other.not_tcp)
        self.parsed_bytes += other.parsed_bytes
