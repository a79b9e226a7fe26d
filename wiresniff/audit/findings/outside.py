"""`baggage-to-outside`: baggage that leaves for somebody else's service."""

from wiresniff.audit.findings.phrases import ends, requests
from wiresniff.audit.findings.rule import Case, PairRule, Side
from wiresniff.model.findings import Severity
from wiresniff.model.totals import PairTotals

ID = "baggage-to-outside"


def judge(pair: PairTotals, side: Side) -> Case | None:
    """Judge by the bytes: what comes in from outside is not ours to keep."""
    if not pair.external or side.client_is_outside or not pair.baggage_bytes:
        return None
    client, server = ends(pair)
    message = (
        f"{client} sends baggage to {server}, which is outside: {pair.baggage_bytes:,} bytes on "
        f"{requests(pair.baggage_requests)}, which may hold user ids or account numbers."
    )
    return Case(Severity.INFO, pair.baggage_requests, message, (ID, "baggage"))


RULE = PairRule(
    ID,
    "Baggage is sent to a service outside",
    "Any baggage on a request to an external server from a service of ours: info.",
    judge,
)
