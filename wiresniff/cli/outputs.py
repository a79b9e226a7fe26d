"""Where text goes: standard output, or a file that is written whole or not at all."""

import os
import sys
from pathlib import Path

from wiresniff.model.errors import UsageError

STANDARD_OUTPUT = "-"
ADVICE = "name a file in a folder that you may write to"


def is_standard_output(path: str | None) -> bool:
    """Say whether an option that may be left out, or `-`, means standard output."""
    return path is None or path == STANDARD_OUTPUT


def place(path: str) -> str:
    """Return the same for two names of one file."""
    return path if path == STANDARD_OUTPUT else os.path.realpath(path)


def check_can_be_written(path: str) -> None:
    """Raise UsageError where a file can't be written, before the work whose result it is to hold."""
    if path == STANDARD_OUTPUT:
        return
    target = Path(path)
    if target.is_dir():
        raise UsageError(f"{path}: can't be written: it is a directory; name a file in it")
    if not target.parent.is_dir():
        raise UsageError(f"{path}: can't be written: there is no folder {target.parent}; {ADVICE}")
    if not os.access(target.parent if not target.exists() or target.is_file() else target, os.W_OK):
        raise UsageError(f"{path}: can't be written: permission denied; {ADVICE}")


def write(path: str | None, text: str) -> None:
    """Write to a file, or to standard output (None, `-`)."""
    if path is None or path == STANDARD_OUTPUT:
        write_standard_output(text)
    else:
        write_file(path, text)


def write_standard_output(text: str) -> bool:
    """Write and flush; return False when its reader has gone (`| head`): nobody misses the rest.

    Raises UsageError when it can't be written for another reason.
    """
    if sys.stdout is None:
        raise UsageError("standard output is closed; redirect it, or write to a file with --output")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_standard_output()
        return False
    except OSError as error:
        _forget_standard_output()
        raise UsageError(f"standard output can't be written: {error.strerror}") from error
    return True


def _forget_standard_output() -> None:
    """Send what is still buffered nowhere, lest Python complain of it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def write_file(path: str, text: str) -> None:
    """Write a file whole or not at all: a collector may read it at any time."""
    write_octets(path, text.encode())


def write_octets(path: str, octets: bytes) -> None:
    """Write a file whole or not at all."""
    target = Path(path)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        if target.exists() and not target.is_file():  # a pipe or a device is written to as it is
            target.write_bytes(octets)
            return
        beside.write_bytes(octets)
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UsageError(f"{path}: can't be written: {error.strerror}; {ADVICE}") from error
