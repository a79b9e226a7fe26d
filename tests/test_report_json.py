"""The report as JSON."""

import json
from dataclasses import replace

from sample_audit import audit, chain, hostile_audit, joined_late

from wiresniff.model.audit import Audit
from wiresniff.report.json import SCHEMA, render_json

PAIR = {
    "client", "server", "protocol", "requests", "valid", "missing", "malformed", "indeterminate", "exempt", "inferred",
    "failed", "failed_untraced", "missing_ratio", "indeterminate_ratio", "sampled_ratio", "hops",
}  # fmt: skip
FINDING = {"id", "severity", "confidence", "client", "server", "count", "message", "witnesses"}
WITNESS = {
    "capture", "packet", "time", "client_address", "client_port", "server_address", "server_port", "trace_id",
    "request_line", "status", "grpc_status", "stream", "values", "cause",
}  # fmt: skip


def test_the_keys_are_those_that_programs_rely_on() -> None:
    """Of the document, pairs, findings and witnesses."""
    document = json.loads(render_json(audit()))
    assert document["schema"] == SCHEMA == "wiresniff/report/1"
    assert set(document) == {
        "schema", "level", "captures", "judged", "accounting", "pairs", "services", "findings",
    }  # fmt: skip
    assert all(set(pair) >= PAIR for pair in document["pairs"])
    assert all(set(finding) == FINDING for finding in document["findings"])
    assert all(set(witness) == WITNESS for finding in document["findings"] for witness in finding["witnesses"])


def test_numbers_are_those_of_the_audit() -> None:
    """The worst pair first, ratios as numbers, what has no ratio null."""
    document = json.loads(render_json(audit()))
    worst = document["pairs"][0]
    assert (worst["client"], worst["server"], worst["missing"]) == ("orders", "pricing", 412)
    assert worst["missing_ratio"] == 412 / 452
    assert worst["indeterminate_ratio"] == 3 / 455
    assert document["pairs"][-1]["missing_ratio"] is None
    assert document["judged"]["judged"] == 14_436
    assert document["accounting"]["gap_bytes"] == 20_440
    assert document["accounting"]["opaque_bytes"] == {"tls": 9_400_000, "unknown-protocol": 130_000}
    assert document["accounting"]["internal_errors"] == 0


def test_a_witness_says_where_to_look() -> None:
    """Capture by name, Wireshark's packet number, time to the nanosecond."""
    finding = next(f for f in json.loads(render_json(audit()))["findings"] if f["id"] == "context-missing")
    assert finding["severity"] == "warning"
    assert finding["witnesses"][0]["capture"] == "night.pcapng"
    assert finding["witnesses"][0]["packet"] == 18
    assert finding["witnesses"][0]["time"] == "2025-10-09T08:53:20.017000051Z"


def test_services_have_what_they_sent_and_were_sent() -> None:
    """Summed over pairs."""
    services = {service["service"]: service for service in json.loads(render_json(audit()))["services"]}
    assert services["orders"]["sent"]["missing"] == 412
    assert services["orders"]["received"]["requests"] == 12_348
    assert services["pricing"]["sent"]["requests"] == 0


def test_a_finding_about_the_capture_names_no_pair() -> None:
    """Its keys `client` and `server` are absent, not null."""
    sample = audit()
    sample.accounting.opaque_bytes["tls"] = 10**12
    from wiresniff.audit.findings import find  # noqa: PLC0415 - one test speaks of it
    from wiresniff.model.policy import Policy  # noqa: PLC0415

    sample.findings = find([], sample.accounting, Policy())
    (finding,) = json.loads(render_json(sample))["findings"]
    assert finding["id"] == "capture-blind"
    assert set(finding) == FINDING - {"client", "server"}
    assert finding["witnesses"] == []


def test_hostile_names_come_back_as_they_were() -> None:
    """JSON keeps every character, in ASCII."""
    text = render_json(hostile_audit())
    assert text.isascii()
    names = {pair["client"] for pair in json.loads(text)["pairs"]}
    assert "\u202edesrever\u2028line\ud800" in names
    assert "x" * 10_000 in names


def test_what_is_inferred_is_counted() -> None:
    """In all, per verdict, and as a share of what was judged; a witness names its stream."""
    document = json.loads(render_json(joined_late()))
    (pair,) = document["pairs"]
    assert (pair["protocol"], pair["inferred"], pair["inferred_ratio"]) == ("grpc", 50, 0.5)
    assert pair["inferred_verdicts"] == {"missing": 30, "valid": 20}
    assert pair["reasons"] == {"indeterminate:header-table": 4}
    assert document["judged"]["inferred"] == 50
    finding = document["findings"][0]
    assert (finding["confidence"], finding["witnesses"][0]["stream"]) == ("likely", 5)
    assert finding["witnesses"][0]["grpc_status"] == 14


def test_an_empty_audit_is_a_document_too() -> None:
    """With everything at nothing."""
    document = json.loads(render_json(Audit()))
    assert document["pairs"] == []
    assert document["judged"]["parsed_ratio"] is None


def test_a_pair_says_what_became_of_the_trace() -> None:
    """Every outcome, what it rests on, and what tells causes apart."""
    pairs = {pair["server"]: pair["hops"] for pair in json.loads(render_json(chain()))["pairs"]}
    pricing, rates = pairs["pricing"], pairs["rates"]
    assert [pricing[outcome] for outcome in ("propagated", "dropped", "exempt", "root")] == [24, 48, 3, 0]
    assert pricing["confidences"]["dropped"] == {"likely": 29, "possible": 19}
    assert [pricing[column] for column in ("handed_on", "lost", "new_trace", "cant_tell")] == [24, 48, 0, 0]
    assert (pricing["lost_ratio"], pricing["continuation_ratio"]) == (48 / 72, 24 / 72)
    assert pricing["kinds"]["caused"] == {"kept": 24, "bare": 48, "fresh": 0}
    assert pricing["senders"][1] == {
        "user_agent": "python-requests/2.32", "operation": "GET /price", "kept": 0, "bare": 48, "fresh": 0,
    }  # fmt: skip
    assert pricing["connections"] == {"kept": 2, "bare": 4, "fresh": 0, "mixed": 0}
    assert (rates["doubts"], rates["changes"]) == ({"busy": 58, "cause-unknown": 1}, {"tracestate-dropped": 17})
    assert rates["bounds"]["restarted"] == {
        "calls": 200,
        "least": 24.5,
        "about": 50.0,
        "most": 76.2,
        "proven": 20,
        "likely": 0,
    }
    assert (pairs["orders"]["continuation_ratio"], pairs["orders"]["bounds"]) == (None, {})


def test_a_service_says_what_it_does_with_traces() -> None:
    """Traces that it begins, those that it should have gone on with, the share that goes on, what came in with one."""
    services = {service["service"]: service for service in json.loads(render_json(chain()))["services"]}
    told = ("roots", "ghosts", "continuation_ratio", "inbound_coverage")
    assert [services["pricing"][word] for word in told] == [21, 20, 0.6, 0.8]
    assert [services["edge"][word] for word in told] == [72, 0, None, None]
    assert [services["rates"][word] for word in told] == [0, 0, None, None]


def test_a_witness_has_its_cause() -> None:
    """With the same keys, and no cause of its own."""
    finding = json.loads(render_json(chain()))["findings"][0]
    cause = finding["witnesses"][0]["cause"]
    assert set(cause) == WITNESS
    assert (cause["request_line"], cause["packet"], cause["cause"]) == ("POST /checkout", 4, None)


def test_a_finding_about_a_service_names_it() -> None:
    """Instead of client and server."""
    sample = chain()
    sample.findings[0] = replace(sample.findings[0], client=None, server=None, service="orders")
    finding = json.loads(render_json(sample))["findings"][0]
    assert finding["service"] == "orders"
    assert not {"client", "server"} & set(finding)
