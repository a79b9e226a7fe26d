"""`passthrough-service` and `ghost-roots`: spans that a service does not make, and spans that it makes in vain."""

from wiresniff.audit.findings.bounds import share_of
from wiresniff.audit.findings.causes import percent_of
from wiresniff.audit.findings.lost import ONE
from wiresniff.audit.findings.phrases import ends, requests
from wiresniff.audit.findings.rule import Case, PairRule, ServiceRule, Side
from wiresniff.model.display import named, quantity, size
from wiresniff.model.findings import Severity
from wiresniff.model.hops import Kind, Outcome
from wiresniff.model.services import ServiceTotals, is_proxy
from wiresniff.model.shares import Share
from wiresniff.model.totals import PairTotals
from wiresniff.model.verdicts import Confidence

DAY_NS = 86_400 * 10**9
SHORTEST_NS = 10**8
"""Of calls that came at once, nothing is said of a day."""
FEWEST_ROOTS = 20
WITNESSES = (Outcome.RESTARTED, "restarted-possible", "undetermined-fresh")


def judge_passthrough(pair: PairTotals, side: Side) -> Case | None:
    """Judge by parent-ids: they change wherever a span is made."""
    count = pair.hops.count(Outcome.PASSTHROUGH, least=Confidence.CERTAIN)
    if not count or is_proxy(pair.hops) or not side.service.makes_spans:
        return None
    client, server = ends(pair)
    message = (
        f"{client} sends {requests(count)} to {server} with the parent-id that came in, and makes spans for others: "
        "on this path it is missing from its traces."
    )
    return Case(Severity.INFO, count, message, (Outcome.PASSTHROUGH,))


def judge_ghosts(service: ServiceTotals, span_bytes: int) -> Case | None:
    """Judge by the roots that a service begins, over all that it calls."""
    shares = [share_of(hops, Outcome.RESTARTED, service.hops) for hops in service.hops]
    least, about, most = (sum(share[place] for share in shares) for place in (1, 2, 3))
    likely = sum(share.likely for share in shares if share.likely >= ONE)
    roots = sum(hops.caused[Kind.FRESH] + hops.idle[Kind.FRESH] for hops in service.hops)
    if roots < FEWEST_ROOTS or likely < ONE:
        return None
    between = ""
    if most - least >= 1:
        between = f" (between {percent_of(least / roots)} and {percent_of(most / roots)})"
        between = between if least else f" (at most {percent_of(most / roots)})"
    message = (
        f"{percent_of(about / roots)} of the {quantity(roots, 'trace')} that {named(service.name)} begins are pieces "
        f"of traces that came in{between}{_cost(service, about / roots, span_bytes)}."
    )
    proven = sum(share.proven for share in shares)
    confidence = Confidence.CERTAIN if proven >= ONE and _is_told(shares) else Confidence.LIKELY
    return Case(Severity.INFO, max(round(about), 1), message, WITNESSES, confidence, is_ranked=True)


def _is_told(shares: list[Share]) -> bool:
    return all(share.is_known for share in shares)


def _cost(service: ServiceTotals, ghosts: float, span_bytes: int) -> str:
    """Say what is stored a day: those that are sampled, of one span at least."""
    hops = [each for each in service.hops if each.first_ns]
    watched_ns = max(each.last_ns for each in hops) - min(each.first_ns for each in hops) if hops else 0
    sampled = sum(each.fresh_sampled for each in hops)
    if watched_ns < SHORTEST_NS or not sampled:
        return ""
    a_day = _roughly(sampled * ghosts * DAY_NS / watched_ns)
    return (
        f"; stored at this rate: {quantity(a_day, 'span')} a day at least, {size(a_day * span_bytes)} at "
        f"{quantity(span_bytes, 'byte')} a span"
    )


def _roughly(number: float) -> int:
    """Return a number with the two digits that an estimate deserves."""
    return round(float(f"{number:.1e}"))


PASSTHROUGH_RULE = PairRule(
    "passthrough-service",
    "A service that makes spans forwards the context and makes none",
    "Any request with the parent-id that came in, from a service that sends others elsewhere and is no proxy: info.",
    judge_passthrough,
)
GHOSTS_RULE = ServiceRule(
    "ghost-roots",
    "Traces that a service begins are pieces of traces that came in",
    f"From {FEWEST_ROOTS} traces on that a service begins, where some are sure to be: info.",
    judge_ghosts,
)
