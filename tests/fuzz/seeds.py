"""Inputs to begin with: what the parsers read every day, in the form that each target takes."""

import gzip
from collections.abc import Callable, Iterable
from pathlib import Path

from http2_frames import ACKNOWLEDGED, GOING_AWAY, PINGED, data, frame, header_frames, reset, settings, window

from wiresniff.capture import CaptureFile
from wiresniff.decode.link import LINKS
from wiresniff.protocols.http2.frames import PREFACE

PCAPS = Path(__file__).resolve().parents[2] / "fixtures" / "pcaps"
CLIENT, SERVER = 0, 1
WORDS = (
    "GET / HTTP/1.1\\x0d\\x0a", "HTTP/1.1 200 OK\\x0d\\x0a", "HTTP/1.1 101 x\\x0d\\x0a", "HTTP/1.1 100 x\\x0d\\x0a",
    "Content-Length: ", "Transfer-Encoding: chunked\\x0d\\x0a", "Upgrade: a\\x0d\\x0a", "traceparent: ",
    "\\x0d\\x0a\\x0d\\x0a", "0\\x0d\\x0a\\x0d\\x0a", "CONNECT a:1 HTTP/1.1\\x0d\\x0a", "HEAD / HTTP/1.0\\x0d\\x0a",
    "\\x0a\\x0a", "Host: a\\x0d\\x0a", "PRI * HTTP/2.0\\x0d\\x0a\\x0d\\x0aSM\\x0d\\x0a\\x0d\\x0a",
    "Upgrade: h2c\\x0d\\x0a", "\\x00\\x00\\x03\\x01\\x04\\x00\\x00\\x00\\x01",
    "\\x00\\x00\\x05\\x00\\x01\\x00\\x00\\x00\\x01", "\\x00\\x00\\x01\\x09\\x04\\x00\\x00\\x00\\x01",
    "\\x00\\x00\\x06\\x04\\x00\\x00\\x00\\x00\\x00", "\\x82\\x86\\x84", "\\x88", "\\x3f\\xe1\\x1f",
    "\\x16\\x03\\x01\\x00\\x40\\x01", "\\x17\\x03\\x03\\x00\\x10",
)  # fmt: skip
"""For libFuzzer's dictionary."""

CONVERSATIONS: tuple[tuple[tuple[int, bytes], ...], ...] = (
    (
        (CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\ntraceparent: x\r\n\r\n"),
        (SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
    ),
    (
        (CLIENT, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"),
        (SERVER, b"HTTP/1.1 100 x\r\n\r\nHTTP/1.1 204 x\r\n\r\nHTTP/1.0 200\r\n\r\nuntil close"),
    ),
    (
        (CLIENT, b"GET / HTTP/1.1\r\nUpgrade: a\r\n\r\n"),
        (SERVER, b"HTTP/1.1 101 x\r\n\r\nanything"),
        (CLIENT, b"more"),
    ),
    ((CLIENT, b"CONNECT a:1 HTTP/1.1\r\n\r\nGET / HTTP/1.1\n\n"), (SERVER, b"HTTP/1.1 403 x\nContent-Length: 0\n\n")),
    ((CLIENT, b"HEAD / HTTP/1.1\r\na: b\r\n c\r\n\r\n"), (SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")),
    ((CLIENT, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"), (SERVER, b"\x16\x03\x03\x00\x05\x02\x00\x00\x01\x03")),
    ((CLIENT, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), (SERVER, b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")),
    (
        (CLIENT, PREFACE + settings(table=4096) + header_frames(b"\x83\x86\x44\x02/a\x40\x01b\x01c", 1)),
        (SERVER, settings() + ACKNOWLEDGED + header_frames(b"\x88", 1) + header_frames(b"\x40\x01b\x01c", 1, end=True)),
        (CLIENT, ACKNOWLEDGED + data(1, b"hello", end=True) + header_frames(b"\x83\x86\x84\xbe\xbf", 3, end=True)),
        (SERVER, frame(5, b"\0\0\0\x02\x82\x86\x84", flags=4, stream=1) + reset(3) + window(0) + PINGED + GOING_AWAY),
    ),
    (
        (CLIENT, PREFACE + settings() + header_frames(b"\x82\x86\x84", 1, padding=3, priority=True, pieces=[1, 2])),
        (SERVER, header_frames(b"\x89", 1, end=True)),
    ),
    (
        (CLIENT, header_frames(b"\x83\x86\xc0\xc1", 7) + data(7, b"\0\0\0\0\x01a", end=True)),
        (SERVER, header_frames(b"\x88\xc0", 7) + data(7, b"\0\0\0\0\x01a") + header_frames(b"\xbf\xbe", 7, end=True)),
        (CLIENT, header_frames(b"\x83\x86\xc1\x7f\x02\x01x", 9) + data(9, b"\0\0\0\0\0", end=True)),
    ),
    (
        (CLIENT, b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"),
        (SERVER, b"HTTP/1.1 101 x\r\n\r\n" + settings() + header_frames(b"\x88", 1, end=True)),
        (CLIENT, PREFACE + settings() + header_frames(b"\x82\x86\x84", 3, end=True)),
    ),
)


def write_seeds(name: str, folder: Path) -> tuple[Path, Path]:
    """Write the seeds of a target; returns their folder, and the dictionary."""
    corpus, words = folder / "corpus", folder / "words.dict"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS[name]()):
        (corpus / f"seed-{number}").write_bytes(seed)
    words.write_text("\n".join(f'"{word}"' for word in WORDS) + "\n")
    return corpus, words


def of_dissector() -> Iterable[bytes]:
    """Conversations as scripts, whole and with a gap between."""
    for conversation in CONVERSATIONS:
        whole = b"".join(said(flow, octets) for flow, octets in conversation)
        yield whole
        yield whole + bytes([125 << 1 | CLIENT, 0, 9, 127 << 1 | SERVER, 0])
        yield bytes([125 << 1 | SERVER, 0, 9]) + whole


def said(flow: int, octets: bytes) -> bytes:
    """Return a step of a script."""
    return bytes([95 << 1 | flow]) + (len(octets) - 1).to_bytes(2, "big") + octets


def of_records() -> Iterable[bytes]:
    """Return the beginnings of captures."""
    for path in sorted(PCAPS.glob("*.pcap*")):
        if path.suffix != ".py":
            data = path.read_bytes()
            yield (gzip.decompress(data) if path.suffix == ".gz" else data)[:3000] + b"~"


def of_decoder() -> Iterable[bytes]:
    """Return the first packets of captures as scripts."""
    for path in sorted(PCAPS.glob("*.pcap*")):
        if path.suffix == ".py":
            continue
        capture = CaptureFile(str(path), 0)
        block = next(iter(capture))
        link = tuple(LINKS).index(capture.interfaces[0].link_type)
        script = bytes([0, link])
        for at, length in zip(block.offset[:6].tolist(), block.captured_length[:6].tolist(), strict=True):
            data = block.buffer[at : at + min(length, 255)]
            script += bytes([0, 0, len(data)]) + data
        yield script


SEEDS: dict[str, Callable[[], Iterable[bytes]]] = {
    "dissector": of_dissector,
    "records": of_records,
    "decoder": of_decoder,
}
