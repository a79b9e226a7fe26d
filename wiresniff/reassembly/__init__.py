"""SegmentBlock -> Data | Gap | End, per flow of a connection.

Theory of operation. A block's segments are grouped by connection with one stable sort (`grouping`). Most connections
of a block are *smooth*: every payload begins where its flow stood, nothing is acknowledged that was not seen, nothing
opens or closes. That is decided for all of them at once in columns, each row against what had been captured *before*
it, so that the answer is the same for blocks of any size. The payloads of a smooth connection become one run per flow
without a Python step per packet (`runs`).

Everything else is the business of `flow`, segment by segment in capture order: opening and closing, reordering,
retransmission, overlap, cut packets, loss. It is exact and bounded. Loss becomes a `Gap`, declared only some time after
the other side acknowledged past it, when the window is full, or at the end.

What it refuses to do: verify checksums (offload makes them wrong everywhere), know what the bytes mean, or say who is
the client. Sequence arithmetic lives in `sequence` and nowhere else.
"""

from wiresniff.reassembly.reassembler import Reassembler

__all__ = ["Reassembler"]
