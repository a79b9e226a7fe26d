"""Audits captures the way the command does, cut into blocks of any size."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stage_feeding import Sizes, steps

from wiresniff.capture import CaptureFile
from wiresniff.model.audit import Audit
from wiresniff.model.packets import PacketBlock
from wiresniff.model.policy import Policy, Privacy
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


def told(result: Audited) -> dict[str, Any]:
    """Return everything that must not depend on blocks; copies of packets may be noticed earlier or later."""
    report = result.report()
    accounting = report["accounting"]
    for noticed in ("duplicate_segments", "retransmitted_segments", "reordered_segments"):
        accounting.pop(noticed, None)
    return report


def by_packet(result: Audited) -> list[Record]:
    """Return the records of requests whose request line was seen, by the packets they witness."""
    known = [record for record in result.records if "http.request.method" in record]
    return sorted(known, key=lambda record: (str(record["time"]), str(record["wiresniff.packet"])))


def audited(path: Path, sizes: Sizes = None) -> Audited:
    """Audit a capture; a bug of ours raises."""
    capture = CaptureFile(str(path), 0)
    return fed((block for whole in capture for block in recut(whole, sizes)), capture)


def fed(
    blocks: Iterator[PacketBlock],
    capture: CaptureFile | None = None,
    policy: Policy | None = None,
    *,
    judges: bool = True,
) -> Audited:
    """Audit blocks of one capture."""
    pipeline = Pipeline(policy, judges=judges, quarantines=False)
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
