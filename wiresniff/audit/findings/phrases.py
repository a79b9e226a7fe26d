"""Parts of the sentences that findings are made of."""

from collections.abc import Iterable

from wiresniff.model.display import named, percent, quantity
from wiresniff.model.totals import PairTotals

NAMED = 3
"""Names listed in a sentence; of the others the number is said."""


def ends(pair: PairTotals) -> tuple[str, str]:
    """Client and server as a sentence may hold them."""
    return named(pair.client), named(pair.server)


def requests(count: int) -> str:
    """Return `1 request`, `2,000 requests`."""
    return quantity(count, "request")


def of_judged(count: int, pair: PairTotals) -> str:
    """`12 of 40 judged requests (30 %)`, or `all 40 judged requests`."""
    if count == pair.judged:
        return f"all {requests(pair.judged).replace(' ', ' judged ', 1)}"
    return f"{count:,} of {pair.judged:,} judged requests ({percent(count, pair.judged)})"


def listing(names: Iterable[str]) -> str:
    """Return `a`, `b` and 4 more, each in backticks."""
    quoted = [f"`{named(name)}`" for name in names]
    if len(quoted) > NAMED:
        more = len(quoted) - NAMED
        return f"{', '.join(quoted[:NAMED])} and {more:,} more"
    if len(quoted) > 1:
        return f"{', '.join(quoted[:-1])} and {quoted[-1]}"
    return "".join(quoted)


def operations_at_fault(pair: PairTotals, verdict: str, verb: str) -> str:
    """Say which operations are all bad, when only some are: `; only `GET /price` lacks it`. Else nothing.

    Nothing is said when bad and good requests are mixed within an operation, beyond what the always bad ones cover.
    """
    judged = {name: sum(counts[word] for word in JUDGED) for name, counts in pair.operations.items()}
    all_bad = [
        name for name, counts in pair.operations.items() if judged[name] and counts[verdict] == judged[name]
    ]  # fmt: skip
    others = sum(1 for name, count in judged.items() if count and name not in all_bad)
    if not all_bad or not others:
        return ""
    all_bad.sort(key=lambda name: (-judged[name], name))
    bad = sum(judged[name] for name in all_bad)
    plural = verb if len(all_bad) == 1 else PLURAL[verb]
    if bad == getattr(pair, verdict):
        return f"; only {listing(all_bad)} {plural} it"
    return f"; {listing(all_bad)} always {plural} it"


JUDGED = ("valid", "malformed", "missing")
PLURAL = {"lacks": "lack", "breaks": "break"}


def not_judged(pair: PairTotals) -> str:
    """Say how many more there were that could not be judged: the ratio must not hide them."""
    if not pair.indeterminate:
        return ""
    return f" ({pair.indeterminate:,} more could not be judged)"
