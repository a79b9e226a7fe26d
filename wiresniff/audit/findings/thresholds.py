"""Which threshold of the policy counts for a pair: the first that matches."""

import re
from functools import lru_cache

from wiresniff.model.globs import glob_regex
from wiresniff.model.policy import Policy, Role, Threshold
from wiresniff.model.totals import PairTotals

EXTERNAL_CLIENT = "external"
"""The name of every client outside the policy, the cluster and private ranges."""


@lru_cache(maxsize=1024)
def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(glob_regex(words), re.DOTALL)


def matches(pattern: str, name: str) -> bool:
    """Tell whether `name` is what `pattern` says, in which `*` stands for anything."""
    return _pattern(pattern).fullmatch(name) is not None


def threshold_of(pair: PairTotals, policy: Policy) -> Threshold | None:
    """Return the first threshold that matches the pair."""
    for threshold in policy.thresholds:
        if matches(threshold.client, pair.client) and matches(threshold.server, pair.server):
            return threshold
    return None


def outside_names(policy: Policy) -> frozenset[str]:
    """Names of clients that are no services of ours."""
    named = {service.name for service in policy.services if service.role is Role.EXTERNAL}
    return frozenset({EXTERNAL_CLIENT, *named})


def boundaries(policy: Policy) -> frozenset[str]:
    """Names of services that may restart traces."""
    return frozenset(service.name for service in policy.services if service.boundary)
