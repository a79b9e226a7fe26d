"""Findings that are one fault or one warning, counted: a table of words and sentences."""

from wiresniff.audit.findings.phrases import ends, requests
from wiresniff.audit.findings.rule import Case, PairRule, Side
from wiresniff.model.context import Fault, WarningWord
from wiresniff.model.findings import Severity
from wiresniff.model.totals import PairTotals


def counting(id_: str, severity: Severity, title: str, sentence: str, *words: str) -> PairRule:
    """Make the rule that counts requests with any of `words` among their faults or warnings.

    sentence    with `{client}`, `{server}`, `{requests}`
    """

    def judge(pair: PairTotals, _side: Side) -> Case | None:
        seen = [word for word in words if pair.faults[word] or pair.warnings[word]]
        if not seen:
            return None
        # A request may have two of the words: never speak of more requests than there are.
        count = min(sum(pair.faults[word] + pair.warnings[word] for word in seen), pair.requests)
        client, server = ends(pair)
        message = sentence.format(client=client, server=server, requests=requests(count))
        return Case(severity, count, message, (id_, *seen))

    return PairRule(id_, title, f"Any such request: {severity.word}.", judge)


RULES = (
    counting(
        "duplicate-header",
        Severity.WARNING,
        "Requests carry traceparent twice",
        "More than one traceparent on {requests} from {client} to {server}: two layers each add their own, and a "
        "conforming receiver uses neither.",
        Fault.DUPLICATE_HEADER,
        Fault.COMMA_JOINED_DUPLICATE,
    ),
    counting(
        "carriers-disagree",
        Severity.WARNING,
        "Two trace formats on one request name different traces",
        "One trace in traceparent and another in a second format on {requests} from {client} to {server}: receivers "
        "follow one or the other, and the trace forks.",
        WarningWord.CARRIERS_DISAGREE,
    ),
    counting(
        "shared-parent-id",
        Severity.WARNING,
        "Requests share one traceparent",
        "The same trace-id and parent-id, request after request of a connection, on {requests} from {client} to "
        "{server}: a constant, under which all their spans fall into one trace.",
        WarningWord.SHARED_PARENT_ID,
    ),
    counting(
        "future-version",
        Severity.INFO,
        "Requests carry a traceparent of a version that is not defined yet",
        "A traceparent of a version above 00, which no standard defines yet, on {requests} from {client} to {server}: "
        "conforming receivers read it, others may not.",
        WarningWord.FUTURE_VERSION,
    ),
    counting(
        "not-level-1",
        Severity.INFO,
        "tracestate holds keys that Level 1 does not allow",
        "A tracestate key that Trace Context Level 2 allows and Level 1 does not on {requests} from {client} to "
        "{server}: many SDKs still drop the whole tracestate for it.",
        WarningWord.TRACESTATE_KEY_NOT_LEVEL_1,
    ),
    counting(
        "baggage-large",
        Severity.INFO,
        "Baggage is larger than what must be passed on",
        "More baggage than every hop must pass on (64 members, 8192 bytes) on {requests} from {client} to {server}: "
        "members may get lost on the way.",
        WarningWord.BAGGAGE_OVER_GUARANTEED_SIZE,
    ),
)
