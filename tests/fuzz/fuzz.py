"""Fuzzes one of the targets; see README.md."""

import sys
import tempfile
from pathlib import Path

import atheris

sys.path.append(str(Path(__file__).resolve().parents[1]))  # seeds are written with the builders of the tests
with atheris.instrument_imports(include=["wiresniff"]):
    from seeds import SEEDS, write_seeds
    from targets import fuzz_decoder, fuzz_dissector, fuzz_records

TARGETS = {"dissector": fuzz_dissector, "records": fuzz_records, "decoder": fuzz_decoder}
assert TARGETS.keys() == SEEDS.keys()


def main(program: str, name: str = "", *arguments: str) -> None:
    """Run libFuzzer with its own arguments, from the seeds of the target unless inputs are named."""
    if name not in TARGETS:
        sys.exit(f"usage: {program} {'|'.join(TARGETS)} [-max_total_time=SECONDS] [INPUT...]")
    with tempfile.TemporaryDirectory() as folder:
        corpus, words = write_seeds(name, Path(folder))
        has_input = any(not argument.startswith("-") for argument in arguments)
        atheris.Setup([program, f"-dict={words}", *arguments, *([] if has_input else [str(corpus)])], TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv)
