"""What files that are no captures are taken for."""

import io
import struct
import tarfile
import zipfile

import pytest

from wiresniff.capture.looks_like import MAGICS, looks_like


def tar() -> bytes:
    """Return an archive with one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.pcap"))
    return buffer.getvalue()


def zipped() -> bytes:
    """Return an archive with one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.pcap", b"")
    return buffer.getvalue()


ERF = (struct.pack("<Q", 0x65000000_00000000) + struct.pack(">BBHHH", 2, 4, 80, 0, 60) + bytes(64)) * 2


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
        (b"\x7fELF\2\1\1\0", "an ELF program"),
        (tar(), "a tar archive"),
        (zipped(), "a zip archive"),
        (b"snoop\0\0\0\0\0\0\2", "a Solaris snoop capture"),
        (b"GMBU\0\2", "a Microsoft Network Monitor capture"),
        (ERF, "an Endace ERF capture"),
        (
            b'[\n  {\n    "_index": "packets-2024-05-01",\n    "_source": {"layers"',
            "packets that Wireshark exported as JSON",
        ),
        (b'{"a": 1}', "JSON"),
        (b'[{"a": 1}]', "JSON"),
        (b'<?xml version="1.0"?>\n<pdml version="0">', "packets that Wireshark exported as XML (PDML)"),
        (b'10.0.0.1 - - [01/May/2024] "GET /a HTTP/1.1" 200 12\n', "an HTTP access log"),
        (b"GET /a HTTP/1.1\r\nHost: b\r\n", "an HTTP request as text"),
        (b"HTTP/1.1 200 OK\r\n", "an HTTP response as text"),
        (b"12:00:00.000001 IP 10.0.0.1.80 > 10.0.0.2.1: Flags [S]\n", "the text that tcpdump prints"),
        (b"0000  ff ff ff ff ff ff\n", "a hex dump"),
        (b"<!DOCTYPE html>", "an HTML page"),
        (b"Dear diary,\n", "text"),
        (bytes(4096), "nothing but zeros"),
        (b"BZh91AY&SY", "bzip2-compressed"),
    ],
)
def test_a_known_kind_is_named(head: bytes, words: str) -> None:
    """A person who mixed up files learns which one it was."""
    likeness = looks_like(head)
    assert likeness is not None
    assert likeness.startswith(words)


def test_unknown_bytes_are_not_guessed_at() -> None:
    """Nothing is better than something wrong."""
    assert looks_like(b"\x01\x02\x03\xfe\xdc\xba" * 20) is None


@pytest.mark.parametrize("magic", MAGICS, ids=lambda magic: magic.words)
def test_every_magic_number_is_reachable(magic: tuple[int, bytes, str]) -> None:
    """No entry hides behind another one."""
    at, number, words = magic
    assert looks_like(b"\x01" * at + number) == words
