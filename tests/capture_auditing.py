"""Audits captures the way the command does, cut into blocks of any size."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stage_feeding import Sizes, steps

from wiresniff.capture import CaptureFile
from wiresniff.model.audit import Audit
from wiresniff.model.packets import PacketBlock
from wiresniff.model.policy import Privacy
from wiresniff.model.verdicts import Judgement
from wiresniff.pipeline import Pipeline
from wiresniff.report.json import render_json
from wiresniff.report.records import Record, record

PCAPS = Path(__file__).resolve().parents[1] / "fixtures" / "pcaps"
CAPTURES = sorted(path for path in PCAPS.iterdir() if ".pcap" in path.name and path.suffix != ".py")


class Audited:
    """What an audit of one capture gives: its records, and the audit."""

    def __init__(self, judgements: Sequence[Judgement], audit: Audit) -> None:
        self.records: list[Record] = [record(judgement, ["capture"], Privacy(), False) for judgement in judgements]
        self.audit = audit

    def report(self) -> dict[str, Any]:
        """Return the report as data."""
        report: dict[str, Any] = json.loads(render_json(self.audit))
        return report


def audited(path: Path, sizes: Sizes = None) -> Audited:
    """Audit a capture; a bug of ours raises."""
    capture = CaptureFile(str(path), 0)
    return fed((block for whole in capture for block in recut(whole, sizes)), capture)


def fed(blocks: Iterator[PacketBlock], capture: CaptureFile | None = None) -> Audited:
    """Audit blocks of one capture."""
    pipeline = Pipeline(quarantines=False)
    judgements = [judgement for block in blocks for judgement in pipeline.feed(0, block)]
    judgements += pipeline.close()
    return Audited(judgements, pipeline.audit([capture.summary] if capture is not None else []))


def recut(block: PacketBlock, sizes: Sizes) -> Iterator[PacketBlock]:
    """Cut a block into smaller ones."""
    start = 0
    for size in steps(len(block), sizes):
        rows = slice(start, start + size)
        yield PacketBlock(
            buffer=block.buffer,
            offset=block.offset[rows],
            captured_length=block.captured_length[rows],
            wire_length=block.wire_length[rows],
            timestamp_ns=block.timestamp_ns[rows],
            number=block.number[rows],
            interface=block.interface[rows],
            link_types=block.link_types,
            capture=block.capture,
        )
        start += size
