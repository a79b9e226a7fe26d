"""Feeds a record format piece by piece, the way a capture is read."""

from collections.abc import Iterator

from capture_files import Seen

from wiresniff.capture.records import RecordFormat, Records


def fed(records_format: RecordFormat, *pieces: bytes) -> tuple[list[Seen], str | None]:
    """Return the packets of a file given in pieces, the last of them maybe cut, and what damage was found."""
    seen: list[Seen] = []
    buffer = b""
    for piece in pieces:
        buffer += piece
        records = records_format.read(buffer)
        seen += rows_of(records, buffer)
        if records.damage is not None:
            return seen, records.damage
        assert records.used + records.needed > len(buffer)
        buffer = buffer[records.used :]
    return seen, None


def rows_of(records: Records, buffer: bytes) -> Iterator[Seen]:
    """Give the rows one by one."""
    columns = (
        records.number, records.timestamp_ns, records.offset, records.captured_length, records.wire_length,
        records.interface,
    )  # fmt: skip
    for number, time_ns, at, captured, wire, row in zip(*(column.tolist() for column in columns), strict=True):
        assert at + captured <= len(buffer)
        yield Seen(number, time_ns, buffer[at : at + captured], wire, row)
