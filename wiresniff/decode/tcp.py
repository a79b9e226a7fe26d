"""TCP headers in columns: ports, numbers, control bits, and how much payload there is."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wiresniff.columns.gather import gather, native
from wiresniff.decode import headers


class TcpColumns(NamedTuple):
    """What the TCP headers of some segments say, one row each."""

    header_length: NDArray[np.int64]
    source_port: NDArray[np.int64]
    destination_port: NDArray[np.int64]
    sequence: NDArray[np.uint32]
    acknowledgement: NDArray[np.uint32]
    flags: NDArray[np.uint8]


def read_tcp(raw: NDArray[np.uint8], at: NDArray[np.int64]) -> TcpColumns:
    """Read the fixed TCP header (RFC 9293 3.1) of each segment.

    raw  (bytes,) u1
    at   (k,) i8  header positions; each has 20 captured bytes
    ->   (k,) columns; oracle: tests/oracles/decode.py
    """
    header = gather(raw, at, headers.TCP)
    return TcpColumns(
        headers.DATA_OFFSET.column(native(header["data_offset"])) * headers.WORD,
        native(header["source_port"]),
        native(header["destination_port"]),
        header["sequence"].astype(np.uint32),
        header["acknowledgement"].astype(np.uint32),
        header["flags"].astype(np.uint8),
    )


class PayloadColumns(NamedTuple):
    """Where each segment's payload lies and how much of it is there."""

    at: NDArray[np.int64]
    length: NDArray[np.int64]
    cut: NDArray[np.int64]


def find_payload(
    header_end: NDArray[np.int64], captured_end: NDArray[np.int64], end: NDArray[np.int64]
) -> PayloadColumns:
    """Divide each segment's payload into what was captured and what was cut off.

    header_end    (k,) i8  behind the TCP options; at most `end`
    captured_end  (k,) i8  behind the last captured byte of the packet: may lie within the options
    end           (k,) i8  behind the last byte of the datagram on the wire
    ->            (k,) columns, no length negative
    """
    at = np.minimum(header_end, captured_end)
    length = np.minimum(captured_end, end) - at
    return PayloadColumns(at, length, end - header_end - length)
