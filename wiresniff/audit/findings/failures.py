"""`failure-untraced`: requests that failed, and are not in the trace of what caused them."""

from wiresniff.audit.findings.phrases import ends, requests
from wiresniff.audit.findings.rule import Case, PairRule, Side
from wiresniff.model.display import named
from wiresniff.model.findings import Severity, Witness
from wiresniff.model.totals import WITNESSES, PairTotals

ID = "failure-untraced"
CHAINED = "failed"
"""Where witnesses are whose cause is known to have had a trace."""


def judge(pair: PairTotals, _side: Side) -> Case | None:
    """Judge by what answered."""
    count = pair.failed_untraced + pair.hops.failed_restarted
    if not count:
        return None
    client, server = ends(pair)
    message = f"{requests(count)} of {client} to {server} failed and continue no trace{_named(pair)}."
    return Case(Severity.INFO, count, message, (CHAINED, ID), is_ranked=True)


def _named(pair: PairTotals) -> str:
    witnesses = sorted((each for word in (CHAINED, ID) for each in pair.witnesses.get(word, ())), key=Witness.order)
    said = list(dict.fromkeys(f"`{named(each.request_line)}` ({_end(each)})" for each in witnesses))
    return f": {', '.join(said[:WITNESSES])}" if said else ""


def _end(witness: Witness) -> str:
    if witness.grpc_status:
        return f"gRPC status {witness.grpc_status}"
    return f"status {witness.status}" if witness.status is not None else "no response"


RULE = PairRule(
    ID,
    "Requests failed that are in no trace",
    "Any request that failed (5xx, a gRPC error, no response) without a usable context, or with one of another trace "
    "than its cause: info.",
    judge,
)
