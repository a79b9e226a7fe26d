"""Audit: exchanges -> verdicts, totals per service pair, findings.

Theory of operation. `sights` lets each request through once, also when several capture points saw it. `Auditor` judges
it (exempt, not wholly seen, or what its fields say), and counts it for its pair. `findings` turns totals into
sentences. Names and readings are other stages' work; the pipeline hands them in.

What it refuses to do: to conclude anything from bytes that were not seen. A head that was not wholly seen is
`indeterminate`, with the reason, and never counts as missing.
"""

from wiresniff.audit.auditor import Auditor

__all__ = ["Auditor"]
