"""The report for a terminal."""

import json
import re
from collections import Counter
from dataclasses import replace

import pytest
from rich.cells import cell_len
from sample_audit import audit, chain, hostile_audit, joined_late

from wiresniff.model.audit import Audit, CaptureSummary
from wiresniff.model.totals import PairTotals
from wiresniff.report.json import render_json
from wiresniff.report.text import render_text
from wiresniff.report.text_tables import PAIRS_SHOWN


def test_the_first_line_says_what_was_judged() -> None:
    """Requests, the share that was read, the share that was opaque and why."""
    first = render_text(audit(), width=120, color=False).split("\n")[0]
    assert first == (
        "judged 14,436 requests in 86.8 % of TCP payload bytes; 12.9 % opaque (TLS 12.7 %, unknown-protocol 0.2 %)"
    )


@pytest.mark.parametrize("width", [40, 60, 80, 99, 100, 120, 200])
@pytest.mark.parametrize("sample", [audit, hostile_audit, chain, Audit], ids=["night", "hostile", "chain", "empty"])
def test_no_line_is_wider_than_the_terminal(width: int, sample: type[Audit]) -> None:
    """At any width, for any names, and no line ends in blanks."""
    lines = render_text(sample(), width=width, color=False).split("\n")
    assert max(map(cell_len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("sample", [audit, hostile_audit], ids=["night", "hostile"])
def test_without_color_only_characters_that_print(sample: type[Audit]) -> None:
    """No escape sequence, no control character, no direction mark, whatever the names hold."""
    text = render_text(sample(), width=80, color=False)
    assert all(line.isprintable() for line in text.split("\n"))
    text.encode("utf-8")


def test_colour_changes_nothing_but_colour() -> None:
    """With the terminal sequences taken out, the same text is left."""
    coloured = render_text(hostile_audit(), width=80, color=True)
    assert "\x1b[" in coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert "\x1b" not in plain
    assert [line.rstrip() for line in plain.split("\n")] == render_text(
        hostile_audit(), width=80, color=False
    ).split("\n")  # fmt: skip


def test_markup_is_shown_and_not_obeyed() -> None:
    """Square brackets and emoji codes are text."""
    assert "[red]markup[/red][/] :boom:" in render_text(hostile_audit(), width=120, color=False)


def test_the_worst_pair_stands_first_with_its_numbers() -> None:
    """Ratio, share not judged, counts, and below what else is known."""
    lines = render_text(audit(), width=80, color=False).split("\n")
    row = next(n for n, line in enumerate(lines) if line.startswith("───")) + 1
    assert lines[row].split() == ["orders", "→", "pricing", "91.2", "%", "0.7", "%", "40", "412", "·", "3", "10"]
    assert lines[row + 1 : row + 3] == ["  5 failed, 3 without trace", "  412 send b3 instead"]


def rows_of(text: str) -> list[list[str]]:
    """Return the words of the table of what became of traces, a row each, notes left out."""
    _, _, table = text.partition("What each service does with the trace that it gets")
    lines = table.partition("lost share =")[0].split("\n")
    return [line.split() for line in lines if line and not line.startswith((" ", "─"))]


@pytest.mark.parametrize("width", [80, 120])
def test_what_services_do_with_the_trace(width: int) -> None:
    """Four numbers that anyone understands, the share of what was lost first; the worst service on top."""
    orders, pricing = (row[:10] for row in rows_of(render_text(chain(), width=width, color=False))[1:])
    assert orders == ["orders", "→", "pricing", "66.7", "%", "24", "48", "·", "·", *(["33.3"] if width == 120 else [])]
    assert pricing == [
        "pricing",
        "→",
        "rates",
        "~4.0",
        "%",
        "120",
        "·",
        "21",
        "59",
        *(["60.0"] if width == 120 else []),
    ]


@pytest.mark.parametrize("width", [80, 120])
def test_what_services_do_is_explained_below(width: int) -> None:
    """How well it is known, what a busy service gets instead, and who has no trace to hand on."""
    words = " ".join(render_text(chain(), width=width, color=False).split())
    assert "orders → pricing" in words
    assert "lost: 29 likely, 19 possible 3 failed without the trace" in words
    assert "cut off: 20 certain busy: 3 to 5 % lost, 12 to 38 % begun anew 1 failed without the trace" in words
    assert "17 tracestate-dropped" in words
    assert "so a share of all its calls (~) is told instead of a verdict per request" in words
    assert "Requests that had none to hand on and carry none, and exempt ones, are in no column." in words
    assert "Front doors, where traces begin: edge (80 requests)" in words
    assert "Of 59 requests the capture does not show what caused them: 58 because several requests were open" in words


def test_the_only_reason_for_doubt_is_told_without_its_number() -> None:
    """All requests without a known cause have it; a single one is spoken of as one."""
    found = chain()
    for pair in found.pairs:
        pair.hops.doubts.clear()
    found.pairs[0].hops.doubts["instance-ambiguous"] = 1
    words = " ".join(render_text(found, width=80, color=False).split())
    assert "Of 1 request the capture does not show what caused it: several services share the address." in words


def test_captures_of_one_hop_say_nothing_of_hops() -> None:
    """No service in them is called and calls."""
    assert "What each service does" not in render_text(audit(), width=80, color=False)


@pytest.mark.parametrize("width", [80, 120])
def test_received_and_sent_stand_one_above_the_other(width: int) -> None:
    """Packet and value of each, in the same columns; for which request it was."""
    lines = [line.strip() for line in render_text(chain(), width=width, color=False).split("\n")]
    received = [at for at, line in enumerate(lines) if line.startswith("received")]
    assert [lines[at : at + 2] for at in received] == [
        [
            'received #4  "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"',
            "sent     #6  no usable trace context",
        ],
        [
            'received #31  "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"',
            'sent     #32  "00-a3ce929d0e0e47364bf92f3577b34da6-b7ad6b7169203331-01"',
        ],
    ]
    assert all("for POST /checkout → 201" in lines[at - 1] for at in received)


def test_a_cause_elsewhere_says_where() -> None:
    """Live captures number no packets; a cause may be in another capture, and on a stream."""
    sample = chain()
    sample.captures.append(CaptureSummary("edge.pcap", "pcap"))
    finding = sample.findings[0]
    (witness,) = finding.witnesses
    assert witness.cause is not None
    cause = witness.cause._replace(capture=1, stream=5, packet=0)
    sample.findings[0] = replace(finding, witnesses=(witness._replace(packet=0, cause=cause),))
    words = " ".join(render_text(sample, width=80, color=False).split())
    assert 'for POST /checkout → 201, stream 5, edge.pcap received "00-4bf9' in words
    assert "sent no usable trace context" in words


def test_findings_show_where_to_look() -> None:
    """Time, capture and packet number, request line, status, endpoints, offending value."""
    text = render_text(audit(), width=80, color=False)
    assert "2025-10-09 08:53:20.055000  night.pcapng #56  POST /v1/charges → 201" in text
    assert "10.0.0.11:40055 → 10.0.0.12:8080" in text
    assert '"00-00000000000000000000000000000000-00f067aa0ba902b7-01"' in text


def test_the_share_inferred_is_shown_per_pair() -> None:
    """With the protocol, what the word means, and what could not be judged at the end."""
    text = render_text(joined_late(), width=100, color=False)
    lines = text.split("\n")
    row = next(n for n, line in enumerate(lines) if line.startswith("web → cart"))
    assert lines[row + 1 : row + 4] == ["  grpc", "  1 failed, 1 without trace", "  50.0 % inferred"]
    words = " ".join(text.split())
    assert "inferred: concluded, since HTTP/2 connections were joined late" in words
    assert "4 requests could not be judged: they name fields by table entries from before the capture." in words
    assert "Of 50 requests (50.0 % of the judged ones) the verdict is inferred" in words
    assert "only `/cart.Cart/Flush` lacks it" in words
    assert "night.pcap #18 stream 5 POST /cart.Cart/Flush → 200, grpc-status 14" in words
    assert "inferred" not in render_text(audit(), width=100, color=False)


def test_captures_are_called_without_their_folders() -> None:
    """As long as that tells them apart: a line of a witness has little room."""
    sample = audit()
    sample.captures[0].name = "/var/captures/night.pcapng"
    assert "  night.pcapng #56  POST" in render_text(sample, width=80, color=False)
    sample.captures[1].name = "/home/me/night.pcapng"
    assert "/var/captures/night.pcapng #56" in render_text(sample, width=80, color=False)


def test_packets_without_tcp_are_counted_once() -> None:
    """Those without IP are among them."""
    sample = audit()
    sample.accounting.counts["not_ip_packets"] = 300
    sample.accounting.counts["not_tcp_packets"] = 12_035
    assert "Without TCP: 12,335 packets" in render_text(sample, width=80, color=False)


def test_the_same_witnesses_are_not_printed_twice() -> None:
    """A finding proved by the same requests refers to the one above."""
    text = render_text(audit(), width=80, color=False)
    assert "the same requests as context-missing above" in text
    assert text.count("GET /price → 503") == 1


def test_what_was_not_seen_is_said_at_the_end() -> None:
    """Gaps, opaque bytes, requests that could not be judged, exempt ones per rule, and pairs never read."""
    text = " ".join(render_text(audit(), width=80, color=False).split())
    for words in (
        "3 requests could not be judged: 2 because packets of the head are not in the capture, 1 because",
        "20.4 kB of TCP payload never came, 512 bytes cut off by the capture's snap length (14 gaps)",
        "9.5 MB (12.9 %) of TCP payload could not be read on 61 connections: TLS 9.4 MB",
        "Of 1 service pair no request could be read: orders → ledger (TLS, 9.4 MB)",
        "55 requests (health-check 50, metrics-scrape 5)",
        "12,335 packets (udp 12,000, arp 300, icmp 35)",
        "response-without-request 12, bare-lf 3",
        "120 of 2,310 connections",
        "1,200 segments and 7 requests",
        "connections 2",
        "notes.txt could not be read: it is neither pcap nor pcapng",
        "rest.pcap: it ends in the middle of packet 12346",
    ):
        assert words in text


def test_what_is_worked_out_again_is_no_loss() -> None:
    """Caches that were full cost time: they are in the JSON report, and are nothing to read about."""
    forgetful = audit()
    forgetful.accounting.evictions = Counter({"name-cache": 12, "connections": 1})
    assert "forgotten: connections 1." in " ".join(render_text(forgetful, width=80, color=False).split())
    del forgetful.accounting.evictions["connections"]
    assert "name-cache" not in render_text(forgetful, width=80, color=False)
    assert json.loads(render_json(forgetful))["accounting"]["evictions"] == {"name-cache": 12}


def test_what_was_left_out_at_overload_is_said() -> None:
    """Also where no connection began meanwhile, as where clients keep theirs open. It is no full table."""
    seen = Audit()
    seen.accounting.counts["left_out_packets"] = 120_000
    seen.accounting.evictions["overload"] = 3
    text = " ".join(render_text(seen, width=80, color=False).split())
    assert "left out whole, for the others to be seen whole: 120,000 packets of theirs, 3 connections that" in text
    assert "Limits were reached" not in text
    del seen.accounting.evictions["overload"]
    assert "120,000 packets of theirs, 0 connections" in " ".join(render_text(seen, width=80, color=False).split())


def test_what_is_wrong_with_a_capture_is_not_nothing() -> None:
    """An interface that isn't there: it is not said that nothing is known to be missing."""
    text = render_text(Audit(captures=[CaptureSummary("eht0", "live", warning="not watched")]), width=80, color=False)
    assert "Nothing is known to be missing" not in text
    assert "Nothing is known to be missing" in render_text(Audit(), width=80, color=False)


def test_an_empty_audit_says_that_nothing_was_seen() -> None:
    """Nothing to judge is not a pass."""
    text = render_text(Audit(), width=80, color=False)
    assert text.startswith("judged 0 requests: no TCP payload bytes were seen")
    assert "No request was seen." in text


def test_many_pairs_are_cut_to_a_screen_with_a_sum() -> None:
    """What is left out is counted, bad requests above all."""
    pairs = [PairTotals(f"c{n}", "s", "http/1", requests=9, missing=9) for n in range(PAIRS_SHOWN + 5)]
    text = render_text(Audit(pairs=pairs), width=80, color=False)
    assert "5 further pairs with 45 bad requests: see --format json" in text


def test_long_names_are_cut_in_the_middle() -> None:
    """Not wrapped to ribbons: a pair takes two lines at most for its names."""
    text = render_text(audit(), width=80, color=False)
    assert "recommendation…" in text
    assert "→ user-profile-…" in text


def test_large_counts_fit() -> None:
    """Millions of requests leave room for names."""
    pair = PairTotals("gateway", "orders", "http/1", requests=123_456_789, valid=123_456_789)
    text = render_text(Audit(pairs=[pair]), width=80, color=False)
    assert "gateway → orders" in text
    assert "123.5M" in text


def test_a_tracestate_is_no_trace_context() -> None:
    """Sent without a traceparent, it says so; what another format carries is named by its trace."""
    sample = chain()
    (witness,) = sample.findings[0].witnesses
    assert witness.cause is not None
    elsewhere = witness.cause._replace(values=())
    lone = witness._replace(values=("dd=s:1",), cause=elsewhere)
    sample.findings[0] = replace(sample.findings[0], witnesses=(lone,))
    lines = [line.strip() for line in render_text(sample, width=80, color=False).split("\n")]
    at = lines.index("received #4  trace 4bf92f3577b34da6a3ce929d0e0e4736")
    assert lines[at + 1 : at + 3] == ["sent     #6  no usable trace context", '"dd=s:1"']
