"""What suits the process of a command that reads captures."""

import ctypes
import gc
import os
from contextlib import suppress

YOUNG_OBJECTS = 50_000
"""New objects before the collector of cycles looks for some, a microsecond for each; packets wait meanwhile. Traffic
leaves none behind, so old objects (three million where 50,000 connections are open) are hardly ever looked at again."""
MIDDLE, OLD = 5, 1000
"""Looks at young objects before one at those that stayed, and of these before one at all."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of mallopt(3)."""
KEPT_BYTES = 256 << 20
"""Memory that the allocator keeps for the next block instead of giving it back and taking it page by page again: in
effect all of it. It costs a fifth of the time of reading a file."""


def settle() -> None:
    """Arrange the process, before NumPy is imported: it would start threads for linear algebra, which nobody does."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(YOUNG_OBJECTS, MIDDLE, OLD)
    with suppress(OSError, AttributeError):  # where the C library is another than glibc
        c_library = ctypes.CDLL(None)
        c_library.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        c_library.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
