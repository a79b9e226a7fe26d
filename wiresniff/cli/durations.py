"""Durations as a person writes them: `90`, `60s`, `5m`, `1.5h`."""

import re

from wiresniff.model.errors import UsageError

SECONDS = {"": 1, "ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[smhd]?)")


def seconds_of(text: str, option: str) -> float:
    """Read a duration. Raises UsageError."""
    found = _DURATION.fullmatch(text.strip().lower())
    seconds = float(found[1]) * SECONDS[found[2]] if found else 0.0
    if seconds <= 0:
        raise UsageError(f"{option} {text}: not a duration; write a number with s, m or h behind it, for example 60s")
    return seconds
