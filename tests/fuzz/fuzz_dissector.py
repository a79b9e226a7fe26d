"""Fuzzes the dissector; see README.md."""

import sys
import tempfile
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[2])]

with atheris.instrument_imports(include=["wiresniff"]):
    from targets import fuzz_dissector

from seeds import write_seeds  # noqa: E402  # what is fuzzed is imported first, instrumented

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        dictionary = write_seeds("dissector", corpus)
        words = [f"-dict={dictionary}"] if dictionary is not None else []
        replayed = any(not argument.startswith("-") for argument in sys.argv[1:])
        atheris.Setup([*sys.argv, *words, *([] if replayed else [str(corpus)])], fuzz_dissector)
        atheris.Fuzz()
