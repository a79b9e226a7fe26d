"""The captures that come with the project are what their README says."""

import gzip
import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from scoring import read_truth, values_of_request

PCAPS = Path(__file__).resolve().parents[1] / "fixtures" / "pcaps"
CAPTURES = sorted(path for path in PCAPS.iterdir() if ".pcap" in path.name and path.suffix != ".py")
GENERATORS = sorted(PCAPS.glob("*.pcap.py"))
TRUTHS = sorted(PCAPS.glob("*.truth.json"))
SMALL_BYTES = 250_000


def stem(path: Path) -> str:
    """Return the name of a case: what its files have in common."""
    return path.name.partition(".")[0]


def capture_of(truth: Path) -> bytes:
    """Return the bytes of the capture that a truth file belongs to."""
    (capture,) = [path for path in CAPTURES if stem(path) == stem(truth)]
    data = capture.read_bytes()
    return gzip.decompress(data) if capture.suffix == ".gz" else data


@pytest.fixture(scope="module")
def tour() -> ModuleType:
    """Return the tour's generator as a module."""
    specification = importlib.util.spec_from_file_location("tour", PCAPS / "tour.pcap.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["tour"] = module
    specification.loader.exec_module(module)
    return module


def test_the_generators_are_known() -> None:
    """A new generator needs a test that runs it."""
    assert [path.name for path in GENERATORS] == ["tour.pcap.py"]


def test_the_tour_is_made_again_byte_for_byte(tour: ModuleType) -> None:
    """The capture in the repository is what its generator writes."""
    assert tour.capture(tour.night()) == (PCAPS / "tour.pcap").read_bytes()


def test_the_tour_holds_what_its_expectation_says(tour: ModuleType) -> None:
    """The tally that the generator keeps is the one that was written down by hand."""
    expected = yaml.safe_load((PCAPS / "tour.yaml").read_text())
    written = {
        f"{pair['client']} -> {pair['server']}": Counter({k: v for k, v in pair.items() if isinstance(v, int)})
        for pair in expected["pairs"]
    }
    shop = tour.night()
    assert written == shop.pairs
    assert expected["requests"] == sum(pair["requests"] for pair in expected["pairs"])
    packets = sum(len(talk.packets) for talk in shop.all_connections) + len(shop.other_packets)
    assert (expected["packets"], expected["not_tcp_packets"]) == (packets, len(shop.other_packets))


def test_findings_of_the_tour_are_about_its_pairs() -> None:
    """Each finding speaks of exactly the requests of one pair that have the verdict it is about."""
    expected = yaml.safe_load((PCAPS / "tour.yaml").read_text())
    pairs = {(pair["client"], pair["server"]): pair for pair in expected["pairs"]}
    verdicts = {
        "context-missing": "missing",
        "context-dropped": "missing",
        "foreign-format-only": "missing",
        "context-malformed": "malformed",
    }
    for finding in expected["findings"]:
        pair = pairs[finding["client"], finding["server"]]
        if finding["id"] == "failure-untraced":
            assert 0 < finding["count"] <= pair["missing"]
        else:
            assert pair[verdicts[finding["id"]]] == finding["count"]


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_every_capture_is_small_and_described(capture: Path) -> None:
    """A row in the table, a line of provenance, something to compare with."""
    readme = (PCAPS / "README.md").read_text()
    index, _, provenance = readme.partition("## Provenance")
    assert f"| `{capture.name}` |" in index
    assert f"`{capture.name}`" in provenance
    assert capture.stat().st_size < SMALL_BYTES
    assert (PCAPS / f"{stem(capture)}.truth.json").exists() or (PCAPS / f"{stem(capture)}.yaml").exists()


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda path: path.name)
def test_every_truth_belongs_to_its_capture(truth: Path) -> None:
    """Nearly all values of heads that are in the file are there in one piece (a segment may end within one).

    HTTP/2 has them as they are, or in the Huffman code of HPACK (RFC 7541 5.2); what repeats it has once.
    """
    data = capture_of(truth)
    requests = read_truth(truth)
    assert {request["class"] for request in requests} <= {"valid", "missing", "malformed"}
    whole = [request for request in requests if not request.get("lost_head_bytes")]
    values = {value.encode("latin-1") for request in whole for value in values_of_request(request)}
    assert len(values) > 20
    assert sum(value in data or huffman_code(value) in data for value in values) >= 0.8 * len(values)


def huffman_code(value: bytes) -> bytes:
    """Encode a value as HPACK may."""
    return HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH).encode(value)
