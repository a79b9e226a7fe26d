"""What a file that is no capture probably is: a table of magic numbers, then of the shapes of text."""

import codecs
import re
from typing import NamedTuple

HEAD_BYTES = 4096
"""Of a file, to tell what it is."""


class Magic(NamedTuple):
    """Bytes at a fixed position, and what they tell."""

    at: int
    magic: bytes
    words: str


MAGICS = (
    # captures that other programs write
    Magic(0, b"snoop\0\0\0", "a Solaris snoop capture; `editcap -F pcap IN OUT` converts it"),
    Magic(0, b"GMBU", "a Microsoft Network Monitor capture; `editcap -F pcap IN OUT` converts it"),
    Magic(0, b"RTSS", "a Microsoft Network Monitor 1 capture; `editcap -F pcap IN OUT` converts it"),
    Magic(0, b"XCP\0", "a NetXRay or Sniffer capture; `editcap -F pcap IN OUT` converts it"),
    Magic(0, b"TRSNIFF data    \x1a", "a Sniffer capture; `editcap -F pcap IN OUT` converts it"),
    Magic(0, b"btsnoop\0", "a Bluetooth snoop log; it holds no network packets"),
    Magic(0, b"\xa1\xe2\xcb\x12", "an IXIA capture; `editcap -F pcap IN OUT` converts it"),
    Magic(0, b"\x12\xcb\xe2\xa1", "an IXIA capture; `editcap -F pcap IN OUT` converts it"),
    Magic(0, b"\x1c\x00\x01\xac", "an IXIA capture; `editcap -F pcap IN OUT` converts it"),
    Magic(0, b"\xac\x01\x00\x1c", "an IXIA capture; `editcap -F pcap IN OUT` converts it"),
    Magic(0, b"\x0a\x0d\x0d\x0a", "a damaged pcapng capture: its section header names no byte order"),
    # compressed and packed
    Magic(0, b"\x1f\x8b", "gzip-compressed data; unpack it once more"),
    Magic(0, b"\x28\xb5\x2f\xfd", "zstd-compressed data; unpack it once more"),
    Magic(0, b"\xfd7zXZ\0", "xz-compressed data; unpack it once more"),
    Magic(0, b"BZh", "bzip2-compressed; `bzcat FILE | wiresniff audit -` reads it"),
    Magic(0, b"\x04\x22\x4d\x18", "lz4-compressed; `lz4cat FILE | wiresniff audit -` reads it"),
    Magic(0, b"PK\x03\x04", "a zip archive; unpack it first"),
    Magic(0, b"PK\x05\x06", "an empty zip archive"),
    Magic(0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it first"),
    Magic(0, b"Rar!\x1a\x07", "a RAR archive; unpack it first"),
    Magic(257, b"ustar", "a tar archive; unpack it first"),
    # anything else
    Magic(0, b"\x89PNG\r\n\x1a\n", "a PNG image"),
    Magic(0, b"\xff\xd8\xff", "a JPEG image"),
    Magic(0, b"GIF8", "a GIF image"),
    Magic(0, b"%PDF-", "a PDF document"),
    Magic(0, b"\x7fELF", "an ELF program"),
    Magic(0, b"MZ", "a Windows program"),
    Magic(0, b"\xca\xfe\xba\xbe", "a Java class or macOS program"),
    Magic(0, b"\xcf\xfa\xed\xfe", "a macOS program"),
    Magic(0, b"SQLite format 3\0", "an SQLite database"),
    Magic(0, b"\0asm", "a WebAssembly module"),
    Magic(0, b"PAR1", "a Parquet table"),
    Magic(0, b"CLIENT_RANDOM ", "a TLS key log"),
    Magic(0, b"-----BEGIN ", "a certificate or key"),
)

REQUEST_LINE = rb"[A-Z]+ [^ \r\n]+ HTTP/[0-9.]+"
TEXTS = (
    (rb'[ \t\r\n]*[\[{][\0-\xff]*"_(?:source|index)"[\0-\xff]*', "packets that Wireshark exported as JSON"),
    (rb'[ \t\r\n]*[\[{][ \t\r\n]*(?:["\[{\]}0-9tfn-][\0-\xff]*)?', "JSON"),
    (rb"[\0-\xff]*<pdml[\0-\xff]*", "packets that Wireshark exported as XML (PDML)"),
    (rb"[\0-\xff]*<psml[\0-\xff]*", "packets that Wireshark exported as XML (PSML)"),
    (rb"[ \t\r\n]*<(?:!DOCTYPE html|html)[\0-\xff]*", "an HTML page"),
    (rb"[ \t\r\n]*<\?xml[\0-\xff]*", "XML"),
    (rb'"No\.","Time",[\0-\xff]*', "packets that Wireshark exported as CSV"),
    (rb"(?:[0-9-]+ )?[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]+ [\0-\xff]*", "the text that tcpdump prints"),
    (rb"No\. +Time +Source[\0-\xff]*", "packets that Wireshark exported as text"),
    (rb"0{4,8}[ :]+(?:[0-9a-fA-F]{2,4} ?)+[\0-\xff]*", "a hex dump; `text2pcap IN OUT` converts it"),
    (REQUEST_LINE + rb"\r?\n[\0-\xff]*", "an HTTP request as text"),
    (rb"HTTP/[0-9.]+ [0-9]{3}[\0-\xff]*", "an HTTP response as text"),
    (rb'[^\n]*"' + REQUEST_LINE + rb'"[\0-\xff]*', "an HTTP access log"),
)
"""Patterns of the whole beginning of a file, tried in order, and what they tell."""
PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), words) for pattern, words in TEXTS)
PRINTED = re.compile(rb"[\t\n\r\x1b\x20-\x7e\x80-\xff]*")
ADVICE = {
    "packets": "; save the packets as pcap or pcapng instead",
    "the text that tcpdump prints": "; write the packets with `tcpdump -w FILE`",
}
"""What to do, by the words' beginning."""
ERF_HEADER_BYTES = 16
ERF_KINDS = 48
ERF_SLACK = 64
"""Bytes that a record may be longer than its packet: header, extension headers, padding."""


def looks_like(head: bytes) -> str | None:
    """Say what a file that begins so probably is; None where nothing is known."""
    for at, magic, words in MAGICS:
        if head.startswith(magic, at):
            return words
    if head and not head.strip(b"\0"):
        return "nothing but zeros, as after a failed copy"
    if _is_text(head):
        return _text(head)
    if _is_erf(head):
        return "an Endace ERF capture; `editcap -F pcap IN OUT` converts it"
    return None


def _is_text(head: bytes) -> bool:
    """Say whether it is the beginning of text in UTF-8."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return bool(head) and PRINTED.fullmatch(head) is not None


def _text(head: bytes) -> str:
    words = next((words for pattern, words in PATTERNS if pattern.fullmatch(head)), "text")
    return words + next((advice for beginning, advice in ADVICE.items() if words.startswith(beginning)), "")


def _is_erf(head: bytes) -> bool:
    """Say whether two records of Endace's extensible record format follow each other (it has no magic number)."""
    at = 0
    for _ in range(2):
        header = head[at : at + ERF_HEADER_BYTES]
        if len(header) < ERF_HEADER_BYTES:
            return False
        kind, record_bytes, wire_bytes = header[8] & 0x7F, int.from_bytes(header[10:12]), int.from_bytes(header[14:16])
        if not 1 <= kind <= ERF_KINDS or not ERF_HEADER_BYTES < record_bytes <= wire_bytes + ERF_SLACK:
            return False
        at += record_bytes
    return True
