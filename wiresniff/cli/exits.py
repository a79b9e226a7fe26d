"""Exit statuses."""

from enum import IntEnum


class Exit(IntEnum):
    """What the status of a command means; where several apply: 2, 3, 4, 1."""

    DONE = 0
    FOUND = 1
    """Done, and a certain finding at or above `--fail-on`."""
    USAGE = 2
    """A wrong option, filter or policy."""
    CAPTURE = 3
    """A capture could not be read."""
    UNJUDGED = 4
    """`--fail-on` was given, and fewer than `--min-requests` requests could be judged."""
