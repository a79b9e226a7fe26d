"""`capture-blind` and `capture-lossy`: how much of what was on the wire could be seen at all."""

from wiresniff.audit.findings.rule import CaptureRule, Case
from wiresniff.model.accounting import Accounting
from wiresniff.model.display import percent, ranked
from wiresniff.model.findings import Severity

BLIND = 0.5
"""More than half of the TCP bytes could not be read: the report speaks of the smaller part."""
LOSSY = 0.01
"""Above, ratios of a busy pair begin to rest on chance."""
REASONS_NAMED = 3


def judge_blind(accounting: Accounting) -> Case | None:
    """Judge by opaque bytes against all TCP payload bytes that were captured."""
    opaque = sum(accounting.opaque_bytes.values())
    payload = accounting.payload_bytes
    if not payload or opaque / payload <= BLIND:
        return None
    reasons = ", ".join(
        f"{reason} {percent(count, payload)}"
        for reason, count in ranked(accounting.opaque_bytes)[:REASONS_NAMED]
        if count
    )
    message = (
        f"{percent(opaque, payload)} of the TCP payload bytes could not be read ({reasons}): "
        "this report speaks of the rest only."
    )
    return Case(Severity.WARNING, opaque, message)


def judge_lossy(accounting: Accounting) -> Case | None:
    """Judge by what is not there against what is: bytes lost in gaps or cut by the snap length, packets dropped.

    Dropped packets leave no gap where nothing else of their connection was seen after them.
    """
    gaps, cut = accounting.counts["gap_bytes"], accounting.counts["cut_bytes"]
    lost = gaps + cut
    # What was cut is among the payload bytes, since its packets were seen; what lies in gaps is not.
    whole = accounting.payload_bytes + gaps
    if whole and lost / whole > LOSSY:
        message = (
            f"{percent(lost, whole)} of the TCP payload bytes are not in the capture ({gaps:,} bytes lost, {cut:,} "
            "bytes cut by the snap length): requests in them were not seen, or are indeterminate."
        )
        return Case(Severity.WARNING, lost, message)
    dropped = accounting.counts["dropped_packets"]
    packets = accounting.counts["packets"] + dropped
    if packets and dropped / packets > LOSSY:
        message = (
            f"{percent(dropped, packets)} of the packets ({dropped:,}) were dropped by the kernel, since the ring was "
            "full: requests in them were not seen, or are indeterminate."
        )
        return Case(Severity.WARNING, dropped, message)
    return None


RULES = (
    CaptureRule(
        "capture-blind",
        "Most TCP bytes could not be read",
        "More than half of the TCP payload bytes are opaque (TLS, unknown protocols, tunnels): warning.",
        judge_blind,
    ),
    CaptureRule(
        "capture-lossy",
        "Packets are missing from the capture",
        "More than 1 % of the TCP payload bytes lie in gaps or were cut by the snap length, or so many packets were "
        "dropped by the kernel: warning.",
        judge_lossy,
    ),
)
