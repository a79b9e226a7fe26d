"""Findings: totals of pairs -> sentences that somebody can act on.

One module per finding id or family; each rule says its id, one line, and how it is judged. A rule looks at the totals
of one pair (or, for the two about the capture, at the accounting) and states its *case*: severity, count, message,
and the words under which its witnesses were kept. What holds for every rule is done here, once:

- a pair speaks from 20 judged requests on, or from `min_requests` of the first policy threshold that matches it;
- a pair with an external end never exceeds info, whatever the policy says;
- no witness, no finding. The two about the capture have none, since no packet proves an absence: they quote the
  accounting, with numbers that the report shows as well.

Nothing is said about bytes that were not seen, other than that they were not seen.
"""

from wiresniff.audit.findings import foreign, malformed, missing, outside, sight, words
from wiresniff.audit.findings.order import worst_first
from wiresniff.audit.findings.rule import CaptureRule, Case, PairRule, Rule, Side
from wiresniff.audit.findings.thresholds import outside_names, threshold_of
from wiresniff.model.accounting import Accounting
from wiresniff.model.findings import Finding, Severity, Witness
from wiresniff.model.policy import Policy, Threshold
from wiresniff.model.totals import WITNESSES, PairTotals

__all__ = ["RULES", "CaptureRule", "PairRule", "Rule", "find", "worst_first"]

RULES: tuple[Rule, ...] = (missing.RULE, malformed.RULE, foreign.RULE, *words.RULES, outside.RULE, *sight.RULES)
"""Every finding there is."""

PAIR_RULES = tuple(rule for rule in RULES if isinstance(rule, PairRule))
CAPTURE_RULES = tuple(rule for rule in RULES if isinstance(rule, CaptureRule))


def find(pairs: list[PairTotals], accounting: Accounting, policy: Policy) -> list[Finding]:
    """Judge all pairs and the accounting by all rules; the most severe finding first."""
    outside = outside_names(policy)
    findings = [
        Finding(rule.id, case.severity, case.confidence, None, None, case.count, case.message, ())
        for rule in CAPTURE_RULES
        if (case := rule.judge(accounting)) is not None
    ]
    for pair in pairs:
        threshold = threshold_of(pair, policy)
        if pair.judged < (threshold or Threshold()).min_requests:
            continue
        side = Side(threshold, pair.client in outside)
        for rule in PAIR_RULES:
            case = rule.judge(pair, side)
            if case is not None and (witnesses := _witnesses(pair, case)):
                findings.append(_finding(rule, pair, case, witnesses))
    return sorted(findings, key=_order)


def _finding(rule: PairRule, pair: PairTotals, case: Case, witnesses: tuple[Witness, ...]) -> Finding:
    severity = Severity.INFO if pair.external else case.severity
    return Finding(rule.id, severity, case.confidence, pair.client, pair.server, case.count, case.message, witnesses)


def _witnesses(pair: PairTotals, case: Case) -> tuple[Witness, ...]:
    offered = {witness for word in case.words for witness in pair.witnesses.get(word, ())}
    return tuple(sorted(offered, key=Witness.order)[:WITNESSES])


def _order(finding: Finding) -> tuple[int, bool, int, str, str, str]:
    """By severity, what concerns the whole capture first, then by count; names make it the same every time."""
    about_pair = finding.client is not None
    return (
        -finding.severity, about_pair, -finding.count, finding.id, finding.client or "", finding.server or "",
    )  # fmt: skip
