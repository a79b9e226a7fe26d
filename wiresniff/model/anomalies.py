"""Trouble on the wire. An anomaly is counted and blames no service."""

from enum import StrEnum


class Anomaly(StrEnum):
    """Each with one line of meaning; `wiresniff explain` prints more."""

    # packets
    TRUNCATED_HEADERS = "truncated-headers"
    """A packet ends inside its link, IP or TCP header."""
    BAD_HEADER = "bad-header"
    """A header contradicts itself (a length shorter than the header, a wrong version)."""
    FRAGMENT_DROPPED = "fragment-dropped"
    """IP fragments that were never completed, or did not fit the limit."""
    FRAGMENT_OVERLAP = "fragment-overlap"
    """IP fragments that overlap with different bytes; the first copy is kept."""
    TIME_JUMP = "time-jump"
    """Capture time went more than an hour forwards or backwards within one capture."""
    # segments
    OVERLAP_DIFFERS = "overlap-differs"
    """A retransmission carries other bytes than the first copy; the first copy is kept."""
    WINDOW_FULL = "window-full"
    """More out-of-order data than the reorder window holds: the stretch before it is declared a gap."""
    OUT_OF_WINDOW = "out-of-window"
    """A segment so far from its flow that it belongs to nothing seen; ignored."""
    # messages
    CONFLICTING_LENGTHS = "conflicting-lengths"
    """Content-Length twice with different values, or next to Transfer-Encoding (RFC 9112 6.3)."""
    BAD_CHUNK = "bad-chunk"
    """A chunk size line that is none."""
    BAD_START_LINE = "bad-start-line"
    """Neither a request line nor a status line where one must be."""
    HEAD_TOO_LONG = "head-too-long"
    """A head longer than the limit."""
    BARE_LF = "bare-lf"
    """Lines end in LF alone (RFC 9112 2.2)."""
    OBS_FOLD = "obs-fold"
    """A field value continues on the next line (RFC 9112 5.2)."""
    BAD_FIELD_LINE = "bad-field-line"
    """A field line without a colon, or with blanks before it."""
    RESPONSE_WITHOUT_REQUEST = "response-without-request"
    """A response whose request was not seen."""
    PIPELINE_TOO_DEEP = "pipeline-too-deep"
    """More requests without a response than the limit; the oldest are settled without one."""
    BLOCKED_TOO_LONG = "blocked-too-long"
    """Bytes that waited for the other direction longer than the limit allows."""
