"""Findings: totals of pairs -> sentences that somebody can act on.

One module per finding id or family; each rule says its id, one line, and how it is judged. A rule looks at the totals
of one pair, of one service, or (the two about the capture) at the accounting, and states its *case*: severity, count,
message, and the words under which its witnesses were kept. What holds for every rule is done here, once:

- a pair speaks from 20 judged requests on, or from `min_requests` of the first policy threshold that matches it;
- a pair with an external end never exceeds info, whatever the policy says;
- no witness, no finding. The two about the capture have none, since no packet proves an absence: they quote the
  accounting, with numbers that the report shows as well.

Findings about hops (`lost`, `mutations`, `spans`, `failures`) rest on what identifiers prove and on the estimates of
`bounds`; what is only possible accuses nobody. `causes` says what the calls concerned have in common.

Nothing is said about bytes that were not seen, other than that they were not seen.
"""

from wiresniff.audit.findings import (
    failures,
    foreign,
    lost,
    malformed,
    missing,
    mutations,
    outside,
    sight,
    spans,
    words,
)
from wiresniff.audit.findings.bounds import shares_of
from wiresniff.audit.findings.order import worst_first
from wiresniff.audit.findings.rule import CaptureRule, Case, PairRule, Rule, ServiceRule, Side
from wiresniff.audit.findings.thresholds import EXTERNAL_CLIENT, boundaries, outside_names, threshold_of
from wiresniff.model.accounting import Accounting
from wiresniff.model.findings import Finding, Severity, Witness
from wiresniff.model.policy import Policy
from wiresniff.model.services import ServiceTotals, by_service
from wiresniff.model.spans import SPAN_BYTES
from wiresniff.model.totals import WITNESSES, PairTotals

__all__ = ["RULES", "CaptureRule", "PairRule", "Rule", "find", "shares_of", "worst_first"]

RULES: tuple[Rule, ...] = (
    missing.RULE,
    malformed.RULE,
    *lost.RULES,
    foreign.RULE,
    *words.RULES,
    *mutations.RULES,
    outside.RULE,
    spans.PASSTHROUGH_RULE,
    spans.GHOSTS_RULE,
    failures.RULE,
    *sight.RULES,
)
"""Every finding there is."""

PAIR_RULES = tuple(rule for rule in RULES if isinstance(rule, PairRule))
SERVICE_RULES = tuple(rule for rule in RULES if isinstance(rule, ServiceRule))
CAPTURE_RULES = tuple(rule for rule in RULES if isinstance(rule, CaptureRule))


def find(
    pairs: list[PairTotals], accounting: Accounting, policy: Policy, span_bytes: int = SPAN_BYTES
) -> list[Finding]:
    """Judge all pairs and services, and the accounting, by all rules; the most severe finding first.

    span_bytes  what a stored span takes, for what ghosts cost
    """
    services = by_service(pairs)
    findings = [
        Finding(rule.id, case.severity, case.confidence, None, None, case.count, case.message, ())
        for rule in CAPTURE_RULES
        if (case := rule.judge(accounting)) is not None
    ]
    findings += _of_pairs(pairs, services, policy)
    findings += _of_services(services, policy, span_bytes)
    return sorted(findings, key=_order)


def _of_pairs(pairs: list[PairTotals], services: dict[str, ServiceTotals], policy: Policy) -> list[Finding]:
    outside, may_restart = outside_names(policy), boundaries(policy)
    findings = []
    for pair in pairs:
        service = services.get(pair.client) or ServiceTotals(pair.client)
        side = Side(threshold_of(pair, policy), pair.client in outside, service, pair.client in may_restart)
        if pair.judged < side.min_requests:
            continue
        for rule in PAIR_RULES:
            case = rule.judge(pair, side)
            if case is not None and (witnesses := _witnesses([pair], case)):
                findings.append(_finding(rule, pair, case, witnesses))
    return findings


def _of_services(services: dict[str, ServiceTotals], policy: Policy, span_bytes: int) -> list[Finding]:
    silent = outside_names(policy) | boundaries(policy) | {EXTERNAL_CLIENT}
    findings = []
    for service in services.values():
        if service.name in silent:
            continue
        for rule in SERVICE_RULES:
            case = rule.judge(service, span_bytes)
            if case is not None and (witnesses := _witnesses(service.outbound, case)):
                findings.append(
                    Finding(
                        rule.id,
                        case.severity,
                        case.confidence,
                        None,
                        None,
                        case.count,
                        case.message,
                        witnesses,
                        service.name,
                    )
                )
    return findings


def _finding(rule: PairRule, pair: PairTotals, case: Case, witnesses: tuple[Witness, ...]) -> Finding:
    severity = Severity.INFO if pair.external else case.severity
    return Finding(rule.id, severity, case.confidence, pair.client, pair.server, case.count, case.message, witnesses)


def _witnesses(pairs: list[PairTotals], case: Case) -> tuple[Witness, ...]:
    """Choose the earliest, each request once: of the best word where words are ranked, whole chains before others."""
    offered = (
        (place if case.is_ranked else 0, witness.cause is None, witness.order(), witness)
        for place, word in enumerate(case.words)
        for pair in pairs
        for witness in pair.witnesses.get(word, ())
    )
    chosen: dict[object, Witness] = {}
    for _, _, order, witness in sorted(offered, key=lambda each: each[:3]):
        chosen.setdefault((order[:5], witness.sequence), witness)
    return tuple(sorted(list(chosen.values())[:WITNESSES], key=Witness.order))


def _order(finding: Finding) -> tuple[int, bool, int, str, str, str]:
    """By severity, what concerns the whole capture first, then by count; names make it the same every time."""
    is_about_somebody = finding.client is not None or finding.service is not None
    client = finding.client or finding.service or ""
    return (-finding.severity, is_about_somebody, -finding.count, finding.id, client, finding.server or "")
