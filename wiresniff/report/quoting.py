"""Times, endpoints and witnesses as text."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from wiresniff.model.audit import CaptureSummary
from wiresniff.model.display import named, quantity, shortened, visible
from wiresniff.model.findings import Witness
from wiresniff.model.totals import PairTotals

SECOND_NS = 1_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

VALUE_CHARACTERS = 200
"""Of an offending value: a whole traceparent, however wrong, and the better part of a tracestate."""

WORDS = {"tls": "TLS", "http/2": "HTTP/2"}
"""Reasons that people write another way; all others stand as they are."""


@lru_cache(maxsize=64)
def _second(second: int) -> str:
    # Not fromtimestamp: any 64-bit count of nanoseconds fits, on every platform.
    return (EPOCH + timedelta(seconds=second)).replace(tzinfo=None).isoformat() + "."


def rfc3339(time_ns: int) -> str:
    """Return UTC with nanoseconds: `2025-10-09T08:53:20.017000051Z` (RFC 3339 5.6)."""
    second, nanosecond = divmod(time_ns, SECOND_NS)
    return f"{_second(second)}{nanosecond:09d}Z"


def moment(time_ns: int) -> str:
    """Return UTC to the microsecond, as Wireshark's time column counts: `2025-10-09 08:53:20.017000`."""
    return rfc3339(time_ns)[:-4].replace("T", " ")


def endpoint(address: str, port: int) -> str:
    """Return `10.0.0.1:80`, `[2001:db8::1]:80` (RFC 3986 3.2.2)."""
    return f"[{visible(address)}]:{port}" if ":" in address else f"{visible(address)}:{port}"


def reason(word: str) -> str:
    """Return the reason as people write it."""
    return WORDS.get(word, named(word))


def capture_name(captures: list[CaptureSummary], row: int) -> str:
    """Return the name of a capture; a row that is not there is called by its number."""
    return captures[row].name if 0 <= row < len(captures) else f"capture {row}"


def shown_capture_name(name: str) -> str:
    """Return what people call a capture: `-` is standard input."""
    return "standard input" if name == "-" else name


def captured(capture: CaptureSummary) -> str:
    """Return what was read of a capture: its format, packets, and the time that they span."""
    packets = quantity(capture.packets, "packet")
    return f"{named(shown_capture_name(capture.name))}: {named(capture.format)}, {packets}{_span(capture)}"


def _span(capture: CaptureSummary) -> str:
    if capture.first_time_ns is None or capture.last_time_ns is None:
        return ""
    first, last = (moment(time_ns)[:-7] for time_ns in (capture.first_time_ns, capture.last_time_ns))
    day, time = last.split(" ")
    return f", {first} to {time if first.startswith(day) else last} UTC"


def short_capture_name(captures: list[CaptureSummary], row: int) -> str:
    """Return the name of a capture without its folders, where no other capture has that name."""
    name = shown_capture_name(capture_name(captures, row))
    last = name.rpartition("/")[2]
    same = sum(1 for capture in captures if capture.name.rpartition("/")[2] == last)
    return last if last and same == 1 else name


def where(witness: Witness, captures: list[CaptureSummary]) -> str:
    """Return the capture, the packet number that Wireshark shows (none live), and the stream of HTTP/2."""
    name = named(short_capture_name(captures, witness.capture))
    packet = f" #{witness.packet}" if witness.packet else ""
    return f"{name}{packet}{'' if witness.stream is None else f' stream {witness.stream}'}"


def between(witness: Witness) -> str:
    """Return who spoke to whom on the wire."""
    client = endpoint(witness.client_address, witness.client_port)
    return f"{client} → {endpoint(witness.server_address, witness.server_port)}"


def request(witness: Witness) -> str:
    """Return the request line and what answered it."""
    line = shortened(visible(witness.request_line[:VALUE_CHARACTERS]), 2 * VALUE_CHARACTERS)
    call = "" if witness.grpc_status is None else f", grpc-status {witness.grpc_status}"
    return f"{line} → {'no response' if witness.status is None else witness.status}{call}"


def values(witness: Witness) -> list[str]:
    """Return the offending values, in quotes so that blanks at their ends and empty ones are seen."""
    return [f'"{shortened(visible(value[: 4 * VALUE_CHARACTERS]), VALUE_CHARACTERS)}"' for value in witness.values]


def caused_by(witness: Witness, cause: Witness, captures: list[CaptureSummary]) -> str:
    """Return for which request another was sent: `for GET /cart → 200, stream 5, edge.pcap`."""
    stream = "" if cause.stream is None else f", stream {cause.stream}"
    capture = "" if cause.capture == witness.capture else f", {named(short_capture_name(captures, cause.capture))}"
    return f"for {request(cause)}{stream}{capture}"


def received_and_sent(sent: Witness, cause: Witness) -> list[str]:
    """Return what a service received and what it sent, each after its packet, the values one above the other."""
    packets = [f"#{each.packet} " if each.packet else "" for each in (cause, sent)]
    heads = ["received ", "sent     "]
    column = len(heads[0]) + max(map(len, packets)) + (1 if any(packets) else 0)
    lines = []
    for head, packet, each in zip(heads, packets, (cause, sent), strict=True):
        first, *rest = context(each)
        lines += [f"{head + packet:{column}}{first}", *(f"{'':{column}}{value}" for value in rest)]
    return lines


def context(witness: Witness) -> list[str]:
    """Return what a request carried of a trace: the values; without a traceparent among them, what there is instead."""
    shown = values(witness)
    if any("=" not in value for value in witness.values):  # members of tracestate have it, no traceparent does
        return shown
    instead = f"trace {named(witness.trace_id)}" if witness.trace_id else "no usable trace context"
    return [instead, *shown]


def pair_name(pair: PairTotals) -> str:
    """Return `client → server`."""
    return f"{named(pair.client)} → {named(pair.server)}"
