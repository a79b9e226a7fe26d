"""What the terminal is like."""

import os
import shutil
from typing import TextIO

NARROWEST, WIDEST = 60, 160
"""Tables below are unreadable, above are hard to follow with the eye."""
WIDTH_OF_FILES = 100
"""Width of a report that is not shown on a terminal."""


def width_of(stream: TextIO | None) -> int:
    """Columns to write for: the terminal's, or `COLUMNS`."""
    if not _is_terminal(stream) and "COLUMNS" not in os.environ:
        return WIDTH_OF_FILES
    return min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST)


def color_of(stream: TextIO | None) -> bool:
    """Whether to use colour (https://no-color.org, and FORCE_COLOR)."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (_is_terminal(stream) and os.environ.get("TERM") != "dumb")


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()
