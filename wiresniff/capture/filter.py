"""Filter: an expression in the syntax of tcpdump, applied to packet blocks."""

import numpy as np
from numpy.typing import NDArray

from wiresniff.capture.bpf import Instruction, matches
from wiresniff.model.errors import CaptureError, UsageError
from wiresniff.model.limits import MAX_PACKET_BYTES
from wiresniff.model.packets import PacketBlock

DLT_OF_LINK_TYPE = {100: 11, 101: 12, 106: 19}
"""What libpcap calls link types within a program, where it differs from files (pcap-common.c): ATM, raw IP, ..."""
USUAL_LINK_TYPES = (1, 113, 276, 101, 0, 105)
"""The first of them that an expression is possible for tells whether it can match: Ethernet, Linux cooked (two kinds),
raw IP, BSD loopback, Wi-Fi."""
NO_NETMASK = 0xFFFFFFFF
"""PCAP_NETMASK_UNKNOWN: a file does not tell it."""
MATCHES_NOTHING = "expression rejects all packets"

Program = list[Instruction]


class Filter:
    """Keeps the packets that match. Raises UsageError for an expression that libpcap does not understand."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self._programs: dict[int, Program | None] = {}
        reason = MATCHES_NOTHING
        for link_type in reversed(USUAL_LINK_TYPES):
            try:
                self._programs[link_type] = _compiled(expression, link_type)
            except ImpossibleFilterError as error:
                reason = str(error)
        if next(iter(reversed(self._programs.values())), None) is None:
            raise UsageError(
                f"--filter {expression!r}: {reason}; `man 7 pcap-filter` describes the syntax, "
                "for example --filter 'tcp port 8080 and host 10.0.0.1'"
            )

    def apply(self, block: PacketBlock, *, where_possible: bool = False) -> PacketBlock:
        """Return the packets of a block that match, with the numbers they had.

        Raises CaptureError where the expression is not possible for a link type of the block; with `where_possible`
        such packets do not match.
        """
        present = np.unique(block.interface)
        link_type_of = np.array(block.link_types, dtype=np.int64)
        link_types = np.unique(link_type_of[present]).tolist()
        if len(link_types) == 1:
            return with_rows(block, self._matching_rows(block, link_types[0], where_possible=where_possible))
        is_match = np.zeros(len(block), dtype=np.bool_)
        for link_type in link_types:
            rows = np.flatnonzero(link_type_of[block.interface] == link_type)
            matching = self._matching_rows(with_rows(block, rows), link_type, where_possible=where_possible)
            is_match[rows[matching]] = True
        return with_rows(block, np.flatnonzero(is_match))

    def program(self, link_type: int) -> Program | None:
        """Return the program for packets of a link type; None where it matches none of them.

        Raises ImpossibleFilterError where libpcap has no program for such packets.
        """
        if link_type not in self._programs:
            self._programs[link_type] = _compiled(self.expression, link_type)
        return self._programs[link_type]

    def _matching_rows(self, block: PacketBlock, link_type: int, *, where_possible: bool) -> NDArray[np.int64]:
        """Return the rows of packets that match, all of one link type."""
        try:
            program = self.program(link_type)
        except ImpossibleFilterError as error:
            if where_possible:
                return np.empty(0, dtype=np.int64)
            raise CaptureError(
                f"--filter {self.expression!r} is not possible for packets of link type {link_type}: {error}"
            ) from error
        return np.flatnonzero(matches(program, block)) if program else np.empty(0, dtype=np.int64)


class ImpossibleFilterError(Exception):
    """What libpcap has against an expression."""


def _compiled(expression: str, link_type: int) -> Program | None:
    """Compile an expression for packets of a link type; None where it matches none of them."""
    import pcapy  # noqa: PLC0415 (a native library, wanted with --filter only)

    if "\0" in expression:
        raise ImpossibleFilterError("it contains a NUL character")
    dlt = DLT_OF_LINK_TYPE.get(link_type, link_type)
    try:
        compiled = pcapy.compile(dlt, MAX_PACKET_BYTES, expression, 1, NO_NETMASK)
    except (pcapy.PcapError, pcapy.BPFError, UnicodeError) as error:
        if str(error) == MATCHES_NOTHING:
            return None
        raise ImpossibleFilterError(str(error)) from error
    return [Instruction(*fields) for fields in compiled.get_bpf()]


def with_rows(block: PacketBlock, rows: NDArray[np.int64]) -> PacketBlock:
    """Return a block with some of the rows, over the same bytes."""
    if len(rows) == len(block):
        return block
    return PacketBlock(
        buffer=block.buffer,
        offset=block.offset[rows],
        captured_length=block.captured_length[rows],
        wire_length=block.wire_length[rows],
        timestamp_ns=block.timestamp_ns[rows],
        number=block.number[rows],
        interface=block.interface[rows],
        link_types=block.link_types,
        capture=block.capture,
    )
