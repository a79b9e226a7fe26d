"""Totals of pairs -> findings."""

from collections import Counter

import pytest
from sample_audit import audit, dropping, hostile_audit, witness

from wiresniff.audit.findings import RULES, PairRule, find, worst_first
from wiresniff.model.accounting import Accounting
from wiresniff.model.context import Fault, WarningWord
from wiresniff.model.findings import Finding, Severity
from wiresniff.model.policy import Policy, Role, Service, Threshold
from wiresniff.model.totals import PairTotals
from wiresniff.model.verdicts import Confidence


def pair_of(*, missing: int = 0, malformed: int = 0, valid: int = 0, **more: object) -> PairTotals:
    """Pair `a` -> `b` with witnesses for whatever is bad."""
    pair = PairTotals("a", "b", "http/1", missing=missing, malformed=malformed, valid=valid)
    pair.requests = pair.judged
    for name, value in more.items():
        setattr(pair, name, value)
    for word in ("missing", "malformed", *pair.faults, *pair.warnings):
        pair.witness(word, witness(1))
    return pair


def found(pair: PairTotals, policy: Policy | None = None) -> dict[str, Finding]:
    """Find what there is about one pair, by id."""
    return {finding.id: finding for finding in find([pair], Accounting(), policy or Policy())}


@pytest.mark.parametrize(
    ("missing", "valid", "severity"),
    [
        (100, 0, Severity.ERROR),
        (99, 1, Severity.ERROR),
        (98, 2, Severity.WARNING),
        (6, 94, Severity.WARNING),
        (5, 95, Severity.INFO),
        (1, 99, Severity.INFO),
    ],
)
def test_missing_is_as_severe_as_its_share(missing: int, valid: int, severity: Severity) -> None:
    """From 99 % on an error, above 5 % a warning, else info."""
    assert found(pair_of(missing=missing, valid=valid))["context-missing"].severity is severity


@pytest.mark.parametrize(
    ("malformed", "valid", "severity"), [(2, 98, Severity.ERROR), (1, 99, Severity.WARNING), (20, 0, Severity.ERROR)]
)
def test_malformed_is_as_severe_as_its_share(malformed: int, valid: int, severity: Severity) -> None:
    """Above 1 % an error, else a warning."""
    assert found(pair_of(malformed=malformed, valid=valid))["context-malformed"].severity is severity


def test_a_healthy_pair_has_no_finding() -> None:
    """Indeterminate and exempt requests alone are none."""
    assert found(pair_of(valid=100, indeterminate=50, exempt=10)) == {}


def test_few_requests_prove_nothing() -> None:
    """Below 20 judged requests there are counts only."""
    assert found(pair_of(missing=19)) == {}
    assert "context-missing" in found(pair_of(missing=20))


def test_no_witness_no_finding() -> None:
    """Without a request to look at, nobody is accused."""
    pair = pair_of(missing=50)
    pair.witnesses.clear()
    assert found(pair) == {}


def test_a_pair_with_an_end_outside_never_exceeds_info() -> None:
    """Also when the policy asks for more."""
    policy = Policy(thresholds=(Threshold(missing_ratio=0.0, severity=Severity.ERROR),))
    assert found(pair_of(missing=100, external=True), policy)["context-missing"].severity is Severity.INFO


def test_the_first_matching_threshold_decides() -> None:
    """Its ratio, its number of requests, its severity; later ones are not looked at."""
    strict = Threshold("a", "b", missing_ratio=0.01, min_requests=100, severity=Severity.ERROR)
    lax = Threshold("*", "*", missing_ratio=0.5)
    policy = Policy(thresholds=(strict, lax))
    assert found(pair_of(missing=2, valid=98), policy)["context-missing"].severity is Severity.ERROR
    assert found(pair_of(missing=1, valid=99), policy) == {}
    assert found(pair_of(missing=99), policy) == {}
    assert found(pair_of(missing=40, valid=60), Policy(thresholds=(lax, strict))) == {}


def test_a_threshold_without_a_ratio_leaves_the_defaults() -> None:
    """One that speaks of continuation only changes the number of requests, not what is missing."""
    policy = Policy(thresholds=(Threshold(continuation_ratio=0.9, min_requests=5),))
    assert found(pair_of(missing=6), policy)["context-missing"].severity is Severity.ERROR


def test_thresholds_match_with_stars() -> None:
    """`*` stands for anything, other signs for themselves."""
    policy = Policy(thresholds=(Threshold("a*", "[b]", missing_ratio=1.0), Threshold("a*", "*", missing_ratio=1.0)))
    assert found(pair_of(missing=50), policy) == {}
    assert "context-missing" in found(
        pair_of(missing=50), Policy(thresholds=(Threshold("x*", missing_ratio=1.0),))
    )  # fmt: skip


def test_mostly_inferred_evidence_is_likely() -> None:
    """Half or more inferred: likely, and no reason to fail a build. What is inferred of other verdicts is not asked."""
    for verdict, id_ in (("missing", "context-missing"), ("malformed", "context-malformed")):
        for inferred, confidence in ((25, Confidence.LIKELY), (24, Confidence.CERTAIN)):
            pair = pair_of(**{verdict: 50, "valid": 90}, inferred_verdicts=Counter({verdict: inferred, "valid": 90}))
            assert found(pair)[id_].confidence is confidence


def test_the_message_names_who_and_how_many_and_what_instead() -> None:
    """Client, server, ratio, what could not be judged, the operations at fault, the other format."""
    message = found(dropping())["context-missing"].message
    assert message == (
        "orders calls pricing without a traceparent: 412 of 452 judged requests (91.2 %) carry none "
        "(3 more could not be judged); only `GET /price` lacks it; orders sends `b3` instead."
    )


def test_all_is_said_as_all() -> None:
    """100 % needs no ratio."""
    assert "all 50 judged requests carry none." in found(pair_of(missing=50))["context-missing"].message


def test_operations_are_not_named_when_all_are_bad() -> None:
    """Nothing distinguishes them then."""
    pair = pair_of(missing=50, operations={"GET /a": Counter(missing=25), "GET /b": Counter(missing=25)})
    assert "GET /a" not in found(pair)["context-missing"].message


def test_operations_that_are_always_bad_are_named_beside_mixed_ones() -> None:
    """But not as the only ones."""
    operations = {"GET /a": Counter(missing=25), "GET /b": Counter(missing=5, valid=20), "GET /c": Counter(exempt=3)}
    message = found(pair_of(missing=30, valid=20, operations=operations))["context-missing"].message
    assert "`GET /a` always lacks it, `GET /b` lacks it on 5 of 25." in message
    assert "only" not in message
    assert "GET /c" not in message


def test_the_only_operation_at_fault_is_named_also_if_it_is_good_at_times() -> None:
    """With numbers; the others never lack it."""
    operations = {
        "/cart.Cart/Flush": Counter(missing=30, valid=10), "/cart.Cart/Get": Counter(valid=50),
    }  # fmt: skip
    message = found(pair_of(missing=30, valid=60, operations=operations))["context-missing"].message
    assert message.endswith("carry none; only `/cart.Cart/Flush` lacks it on 30 of 40.")


def test_operations_that_are_alike_are_not_at_fault() -> None:
    """When every one is good at times and bad at times, the operation is not what tells."""
    operations = {"/a.B/C": Counter(missing=10, valid=10), "/a.B/D": Counter(missing=9, valid=11)}
    assert "/a.B" not in found(pair_of(missing=19, valid=21, operations=operations))["context-missing"].message


def test_requests_of_unknown_operations_may_be_of_any() -> None:
    """Bad ones among them forbid `only`, good ones `always`; they are never at fault themselves."""
    operations = {"/a.B/C": Counter(missing=20), "/a.B/D": Counter(valid=20), "(path unknown)": Counter(missing=5)}
    message = found(pair_of(missing=25, valid=20, operations=operations))["context-missing"].message
    assert message.endswith("; `/a.B/C` always lacks it.")
    operations["other"] = Counter(valid=5)
    message = found(pair_of(missing=25, valid=25, operations=operations))["context-missing"].message
    assert message.endswith("; `/a.B/C` lacks it on 20 of 20.")
    del operations["/a.B/C"]
    assert ";" not in found(pair_of(missing=25, valid=25, operations=operations))["context-missing"].message


def test_many_operations_that_are_bad_at_times_are_counted() -> None:
    """Three with their numbers."""
    operations = {f"/a.B/M{n}": Counter(missing=5, valid=n) for n in range(6)} | {"/a.B/Z": Counter(valid=9)}
    message = found(pair_of(missing=30, valid=24, operations=operations))["context-missing"].message
    assert message.endswith(
        "; `/a.B/M0` always lacks it, `/a.B/M1` lacks it on 5 of 6, `/a.B/M2` lacks it on 5 of 7, "
        "`/a.B/M3` lacks it on 5 of 8, 2 other operations at times."
    )


def test_many_operations_are_counted() -> None:
    """Three by name, the others by number."""
    operations = {f"GET /{n}": Counter(missing=10) for n in range(5)} | {"GET /fine": Counter(valid=50)}
    message = found(pair_of(missing=50, valid=50, operations=operations))["context-missing"].message
    assert "only `GET /0`, `GET /1`, `GET /2` and 2 more lack it" in message


def test_a_foreign_format_is_a_finding_of_its_own() -> None:
    """It says what is sent, of how many, and its witnesses show that."""
    finding = found(dropping())["foreign-format-only"]
    assert finding.severity is Severity.WARNING
    assert finding.count == 412
    assert "sends `b3` instead of traceparent" in finding.message
    assert len(finding.witnesses) == 3


def test_a_foreign_format_on_some_needs_a_witness_of_its_own() -> None:
    """A request that lacks traceparent need not be one that carries b3."""
    pair = pair_of(missing=50, carriers_instead=Counter({"b3": 20}))
    assert "foreign-format-only" not in found(pair)
    pair.witness("foreign-format-only", witness(9))
    assert found(pair)["foreign-format-only"].witnesses == (witness(9),)


def _with_word(word: str, kind: str) -> PairTotals:
    pair = pair_of(valid=50)
    getattr(pair, kind)[word] = 3
    pair.witness(word, witness(1))
    return pair


@pytest.mark.parametrize(
    ("word", "kind", "id_", "severity"),
    [
        (Fault.DUPLICATE_HEADER, "faults", "duplicate-header", Severity.WARNING),
        (Fault.COMMA_JOINED_DUPLICATE, "faults", "duplicate-header", Severity.WARNING),
        (WarningWord.CARRIERS_DISAGREE, "warnings", "carriers-disagree", Severity.WARNING),
        (WarningWord.SHARED_PARENT_ID, "warnings", "shared-parent-id", Severity.WARNING),
        (WarningWord.FUTURE_VERSION, "warnings", "future-version", Severity.INFO),
        (WarningWord.TRACESTATE_KEY_NOT_LEVEL_1, "warnings", "not-level-1", Severity.INFO),
        (WarningWord.BAGGAGE_OVER_GUARANTEED_SIZE, "warnings", "baggage-large", Severity.INFO),
    ],
)
def test_words_become_findings(word: str, kind: str, id_: str, severity: Severity) -> None:
    """One request with the word is enough; its witness is the word's."""
    finding = found(_with_word(word, kind))[id_]
    assert (finding.severity, finding.count, finding.confidence) == (severity, 3, Confidence.CERTAIN)
    assert "3 requests from a to b" in finding.message
    assert finding.witnesses == (witness(1),)


def test_a_wrong_header_name_explains_what_is_missing() -> None:
    """It is no malformed traceparent."""
    findings = found(pair_of(missing=50, faults=Counter({Fault.WRONG_HEADER_NAME: 50})))
    assert "50 requests spell its name another way" in findings["context-missing"].message
    assert "context-malformed" not in findings


def test_baggage_is_told_when_it_leaves_not_when_it_comes() -> None:
    """From a service of ours to one outside; neither from outside, nor between ours."""

    def leaving(client: str, *, external: bool) -> PairTotals:
        pair = PairTotals(client, "partner", "http/1", external=external, requests=30, valid=30)
        pair.baggage_requests, pair.baggage_bytes = 30, 900
        pair.witness("baggage-to-outside", witness(3))
        return pair

    policy = Policy(services=(Service("reseller", role=Role.EXTERNAL),))
    assert found(leaving("orders", external=True), policy)["baggage-to-outside"].count == 30
    assert found(leaving("orders", external=False), policy) == {}
    assert found(leaving("external", external=True), policy) == {}
    assert found(leaving("reseller", external=True), policy) == {}


def test_a_blind_capture_says_so_with_its_numbers() -> None:
    """More than half opaque; its evidence is in the message, since no packet shows what was not read."""
    seen = Accounting(counts=Counter(tcp_payload_bytes=1000), opaque_bytes=Counter(tls=600, tunnel=1), parsed_bytes=399)
    (finding,) = find([], seen, Policy())
    assert (finding.id, finding.severity, finding.client, finding.count) == ("capture-blind", 2, None, 601)
    assert "60.1 % of the TCP payload bytes could not be read (tls 60.0 %, tunnel 0.1 %)" in finding.message
    assert find([], Accounting(counts=Counter(tcp_payload_bytes=1000), opaque_bytes=Counter(tls=500)), Policy()) == []


def test_packets_that_the_kernel_dropped_make_a_capture_lossy() -> None:
    """Also where they leave no gap, since nothing of their connections was seen after them."""
    (finding,) = find([], Accounting(counts=Counter(packets=960, dropped_packets=40, tcp_payload_bytes=1000)), Policy())
    assert (finding.id, finding.count) == ("capture-lossy", 40)
    assert "4.0 % of the packets (40)" in finding.message
    assert find([], Accounting(counts=Counter(packets=990, dropped_packets=10)), Policy()) == []


def test_a_lossy_capture_says_so_with_its_numbers() -> None:
    """More than 1 % in gaps, or cut off."""
    (finding,) = find([], Accounting(counts=Counter(tcp_payload_bytes=970, gaps=2, gap_bytes=30)), Policy())
    assert (finding.id, finding.count) == ("capture-lossy", 30)
    assert "3.0 %" in finding.message
    assert find([], Accounting(counts=Counter(tcp_payload_bytes=990, gaps=1, gap_bytes=10)), Policy()) == []
    (cut,) = find([], Accounting(counts=Counter(tcp_payload_bytes=1000, cut_bytes=900)), Policy())
    assert "90.0 % of the TCP payload bytes" in cut.message
    assert "(0 bytes lost, 900 bytes cut by the snap length)" in cut.message


def test_an_empty_capture_is_neither_blind_nor_lossy() -> None:
    """Nothing of nothing is no share."""
    assert find([], Accounting(), Policy()) == []


def test_findings_come_most_severe_first() -> None:
    """Whatever the order of the pairs."""
    severities = [finding.severity for finding in audit().findings]
    assert severities == sorted(severities, reverse=True)
    pairs = audit().pairs
    assert find(pairs, Accounting(), Policy()) == find(pairs[::-1], Accounting(), Policy())


def test_every_finding_about_a_pair_has_a_witness() -> None:
    """In the sample and for hostile names; at most three."""
    for finding in (*audit().findings, *hostile_audit().findings):
        assert 1 <= len(finding.witnesses) <= 3


def test_messages_hold_nothing_that_does_not_print() -> None:
    """They are sentences for people, also where names are hostile; and they are no longer than a paragraph."""
    for finding in hostile_audit().findings:
        assert finding.message.isprintable()
        assert len(finding.message) < 1000


def test_ids_of_rules_are_unique() -> None:
    """One id, one rule; each with a title and a sentence on how it is judged."""
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids) == 28
    assert all(rule.title and rule.judged.endswith(".") for rule in RULES)
    assert sum(isinstance(rule, PairRule) for rule in RULES) == 25


def test_the_worst_pair_comes_first() -> None:
    """By how bad, then by how many; pairs outside and pairs with little evidence after the clear ones."""
    names = [(pair.client, pair.server) for pair in audit().pairs]
    assert names[0] == ("orders", "pricing")
    assert names[1] == ("checkout", "payments")
    assert names.index(("gateway", "checkout")) < names.index(("gateway", "orders"))
    assert names.index(("external", "gateway")) > names.index(("checkout", "payments"))


def test_the_order_of_pairs_is_always_the_same() -> None:
    """Names decide where numbers don't."""
    pairs = [PairTotals(name, "s", "http/1", requests=1, valid=1) for name in "cab"]
    assert [pair.client for pair in worst_first(pairs)] == ["a", "b", "c"]
