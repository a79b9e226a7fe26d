"""What suits the process of a command that reads captures."""

import gc
import os

YOUNG_OBJECTS = 100_000
"""New objects before the collector of cycles looks for some. Exchanges live shortly and make none; connections do."""


def settle() -> None:
    """Arrange the process, before NumPy is imported: it would start threads for linear algebra, which nobody does."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(YOUNG_OBJECTS, 20, 100)
