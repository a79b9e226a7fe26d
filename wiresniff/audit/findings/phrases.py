"""Parts of the sentences that findings are made of."""

from collections.abc import Iterable
from typing import NamedTuple

from wiresniff.model.display import named, percent, quantity
from wiresniff.model.totals import OTHER, PATH_UNKNOWN, PairTotals

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


class Operation(NamedTuple):
    """How many of the judged requests of one operation are bad."""

    name: str
    bad: int
    judged: int

    @property
    def share(self) -> float:
        """Of the judged ones, the part that is bad."""
        return self.bad / self.judged

    @property
    def is_known(self) -> bool:
        """Its requests are of one operation: neither was their path unseen, nor were they counted with others."""
        return self.name != OTHER and not self.name.endswith(PATH_UNKNOWN)


JUDGED = ("valid", "malformed", "missing")


def operations_at_fault(pair: PairTotals, verdict: str, verb: str) -> str:
    """Say which operations are bad where others are not, or less so; nothing where all are alike.

    `; only `GET /price` lacks it`, or `; `GET /price` always lacks it, `POST /quote` lacks it on 3 of 40`. Requests
    that are of no known operation may be of any: bad ones forbid `only`, good ones forbid `always`.
    """
    operations = [
        Operation(name, counts[verdict], judged)
        for name, counts in pair.operations.items()
        if (judged := sum(counts[word] for word in JUDGED))
    ]
    known = [one for one in operations if one.is_known]
    bad = sorted((one for one in known if one.bad), key=lambda one: (-one.share, -one.bad, one.name))
    always = [one for one in bad if one.bad == one.judged]
    if not bad or (len(bad) == len(known) and len(always) in (0, len(known))):
        return ""
    only = "only " if len(bad) < len(known) and sum(one.bad for one in bad) == getattr(pair, verdict) else ""
    if not only and any(one.bad < one.judged for one in operations if not one.is_known):
        always = []
    at_times = bad[len(always) :]
    said = [_always_at_fault(always, verb, only if not at_times else "")] if always else []
    said += [f"`{named(one.name)}` {verb} it on {one.bad:,} of {one.judged:,}" for one in at_times[:NAMED]]
    if len(at_times) > NAMED:
        said.append(f"{quantity(len(at_times) - NAMED, 'other operation')} at times")
    return f"; {only if not always else ''}{', '.join(said)}"


def _always_at_fault(operations: list[Operation], verb: str, only: str) -> str:
    plural = verb if len(operations) == 1 else verb.removesuffix("s")
    return f"{only}{listing(one.name for one in operations)} {'' if only else 'always '}{plural} it"


def not_judged(pair: PairTotals) -> str:
    """Say how many more there were that could not be judged: the ratio must not hide them."""
    if not pair.indeterminate:
        return ""
    return f" ({pair.indeterminate:,} more could not be judged)"
