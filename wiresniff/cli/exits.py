"""Exit statuses."""

from enum import IntEnum
from typing import Self


class Exit(IntEnum):
    """What the status of a command means; where several apply, the first of 2, 3, 4, 1."""

    meaning: str

    def __new__(cls, status: int, meaning: str) -> Self:
        """Make a status that knows what it means: one line for people."""
        member = int.__new__(cls, status)
        member._value_ = status
        member.meaning = meaning
        return member

    DONE = 0, "done"
    FOUND = 1, "done, and there is a finding of `--fail-on` or above whose confidence is certain"
    USAGE = 2, "an option, the filter or the policy is wrong, or an output can't be written"
    CAPTURE = 3, "a capture could not be read; the others were audited all the same"
    UNJUDGED = 4, "`--fail-on` was given, and fewer than `--min-requests` requests could be judged"
    INTERRUPTED = 130, "interrupted by Ctrl-C a second time: no report"
