"""The log of a process that runs for long: a line an event, as JSON or for a person, and never a flood of them.

An event is a word and its particulars: `capture-drops interface=eth0 packets=17`. Nothing of what a packet holds is
ever among them. The same event comes at most once in so many seconds; how many were left out is told with the next.
What somebody asked for by a signal is answered every time.
"""

import json
import sys
import time
from datetime import UTC, datetime
from enum import StrEnum

REPEATED_SECONDS = 10.0
"""An event that goes on is told six times a minute."""
EVENTS_REMEMBERED = 256


class LogFormat(StrEnum):
    """How the log is written."""

    CONSOLE = "console"
    JSON = "json"


class Log:
    """Writes events to standard error."""

    def __init__(self, log_format: LogFormat) -> None:
        self._format = log_format
        self._told: dict[tuple[str, object], tuple[float, int]] = {}
        """Per event and what it is about: when it was told last, and how often it came since."""

    def tell(self, level: str, event: str, about: object = None, **particulars: object) -> None:
        """Write an event, unless the same about the same thing was told just now."""
        now = time.monotonic()
        if not self.is_due(event, about):
            told_at, left_out = self._told[event, about]
            self._told[event, about] = told_at, left_out + 1
            return
        _, left_out = self._told.get((event, about), (0.0, 0))
        if len(self._told) >= EVENTS_REMEMBERED:
            self._told.clear()
        self._told[event, about] = now, 0
        if left_out:
            particulars["repeated"] = left_out
        self._write(level, event, particulars)

    def is_due(self, event: str, about: object = None) -> bool:
        """Tell whether an event would be written now: what lasts can wait, so that the last word is true."""
        told = self._told.get((event, about))
        return told is None or time.monotonic() - told[0] >= REPEATED_SECONDS

    def answer(self, level: str, event: str, **particulars: object) -> None:
        """Write what became of something that somebody asked for, every time."""
        self._write(level, event, particulars)

    def _write(self, level: str, event: str, particulars: dict[str, object]) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if self._format is LogFormat.JSON:
            line = json.dumps({"time": at, "level": level, "event": event} | particulars, default=str)
        else:
            words = " ".join(f"{name}={_word(value)}" for name, value in particulars.items())
            line = f"{at} {level.upper():7} {event} {words}".rstrip()
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def _word(value: object) -> str:
    """Return a value as one word, quoted where it is several."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or any(c.isspace() or c in '"=' for c in text) else text
