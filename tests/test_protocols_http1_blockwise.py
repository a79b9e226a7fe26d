"""Turns that are known without parsing: whoever looks ahead, and however far, finds what the parsers find."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from unittest.mock import patch

import pytest
from builders import Conversation, Packet, request, response
from capture_auditing import Audited, by_packet, fed, told
from hypothesis import given, settings
from hypothesis import strategies as st
from stage_feeding import ARE_PLAIN, KEPT_FIELDS, Dissection, Sizes, cut_into, dissected, facts
from strategies.keepalive import capture, ordinary, plain_traceparent

from wiresniff.model.policy import Exemption, Policy, Role, Service
from wiresniff.pipeline import Pipeline
from wiresniff.protocols.http1 import Blockwise, Readers, blockwise
from wiresniff.protocols.http1.templates import HITS_WORTH_AN_EXPRESSION, PATTERNS
from wiresniff.report.records import Record

NEVER = 1 << 62
SIZES: st.SearchStrategy[Sizes] = st.one_of(
    st.just([40, NEVER]),
    st.just([100, NEVER]),
    st.integers(2, 200),
    st.lists(st.integers(1, 80), min_size=2, max_size=4),
)
NAMES = ("wiresniff.client", "wiresniff.server")
POLICIES = (
    None,
    Policy(
        services=(
            Service("front", ("10.0.0.1",), (40000, 40002)),
            Service("partner", ("10.0.0.2",), (40001, 40003), role=Role.EXTERNAL),
            Service("back", ("10.0.0.2",), (40005,)),
            Service("orders", ("10.0.1.1",), (80,)),
        ),
        exempt=(Exemption("price", path="/price*"),),
    ),
)
"""Names by address; ports of one address of which some are outside."""


@contextmanager
def looking_ahead_from(rows: int) -> Iterator[None]:
    """Look ahead where a block has so many segments."""
    with patch.object(blockwise, "ROWS_TOGETHER", rows):
        yield


def heard(packets: list[Packet], sizes: Sizes, rows: int) -> Dissection:
    """Read a capture, looking ahead from so many segments on."""
    with looking_ahead_from(rows):
        return dissected(packets, sizes)


def audits(packets: list[Packet], sizes: Sizes, policy: Policy | None) -> list[Audited]:
    """Audit a capture in every way: looking ahead or not, with judgements or just totals."""
    found = []
    for rows in (NEVER, 0):
        for judges in (True, False):
            with looking_ahead_from(rows):
                found.append(fed(cut_into(packets, sizes), None, policy, judges=judges))
    return found


def unnamed(audited: Audited) -> list[Record]:
    """Return records without the names that were known when they were written: a late answer may come between."""
    return [{key: value for key, value in record.items() if key not in NAMES} for record in by_packet(audited)]


@settings(max_examples=15)
@given(st.integers(0, 1 << 32), SIZES)
def test_exchanges_are_the_same(seed: int, sizes: Sizes) -> None:
    """Everything that is known of every exchange, what was odd, and every byte."""
    packets = capture(seed, is_lossy=False)
    parsed, known = heard(packets, sizes, NEVER), heard(packets, sizes, 0)
    assert parsed.alike == 0
    assert [facts(exchange) for exchange in known.in_order()] == [facts(exchange) for exchange in parsed.in_order()]
    assert known.anomalies() == parsed.anomalies()
    assert (known.opaque(), known.parsed_bytes()) == (parsed.opaque(), parsed.parsed_bytes())


@settings(max_examples=15)
@given(st.integers(0, 1 << 32), SIZES)
def test_exchanges_are_the_same_with_losses(seed: int, sizes: Sizes) -> None:
    """Of connections that lose something here and there."""
    packets = capture(seed, is_lossy=True)
    parsed, known = heard(packets, sizes, NEVER), heard(packets, sizes, 0)
    assert [facts(exchange) for exchange in known.in_order()] == [facts(exchange) for exchange in parsed.in_order()]
    assert known.anomalies() == parsed.anomalies()
    assert (known.opaque(), known.parsed_bytes()) == (parsed.opaque(), parsed.parsed_bytes())


@settings(max_examples=10)
@given(st.integers(0, 1 << 32), SIZES, st.booleans(), st.sampled_from(POLICIES))
def test_audits_are_the_same(seed: int, sizes: Sizes, is_lossy: bool, policy: Policy | None) -> None:
    """Totals, operations, witnesses, findings: with records or without, looked at together or one by one."""
    packets = capture(seed, is_lossy=is_lossy)
    parsed, *others = audits(packets, sizes, policy)
    for other in others:
        assert told(other) == told(parsed)
    assert others[1].records == parsed.records


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("seed", range(3))
def test_what_is_alike_is_counted_as_if_one_by_one(seed: int, policy: Policy | None) -> None:
    """Also where some fail, some values are odd, and the port of a client decides whether it is outside."""
    packets = ordinary(seed)
    parsed, *others = audits(packets, [200, NEVER], policy)
    assert heard(packets, [200, NEVER], 0).alike > 100
    for other in others:
        assert told(other) == told(parsed)


@settings(max_examples=10)
@given(st.integers(0, 1 << 32), SIZES, SIZES, st.sampled_from(POLICIES))
def test_blocks_do_not_show_in_an_audit(seed: int, sizes: Sizes, others: Sizes, policy: Policy | None) -> None:
    """The same audit for blocks of any size, looking ahead in all of them."""
    packets = capture(seed, is_lossy=False)
    with looking_ahead_from(0):
        one, other = (fed(cut_into(packets, each), None, policy) for each in (sizes, others))
    assert told(other) == told(one)
    assert unnamed(other) == unnamed(one)


def one_by_one() -> Conversation:
    """Ask 200 times."""
    talk = Conversation()
    talk.open()
    for number in range(200):
        value = plain_traceparent(Random(number))
        talk.client_sends(request("GET", f"/{number}", fields=[("traceparent", value)]))
        talk.server_sends(response(200, body=b"x" * 3000))
    return talk


def test_most_of_ordinary_traffic_is_known() -> None:
    """Once the forms of its heads were met, and the connection is open."""
    dissection = dissected(one_by_one().packets, [100, NEVER])
    assert len(dissection.exchanges) == 200
    assert dissection.alike > 150


def test_a_body_that_looks_like_a_turn_is_none() -> None:
    """Known forms of requests in the body of another one, each answered, as far as TCP tells."""
    talk = one_by_one()
    bodies = [
        request("GET", f"/{number}", fields=[("traceparent", plain_traceparent(Random(number)))]) for number in (1, 2)
    ]
    whole = request("POST", "/upload", body=b"".join(bodies))
    talk.client_sends(whole[: whole.index(b"\r\n\r\n") + 4])
    talk.server_sends(response(200, body=b"x" * 3000))
    for body in bodies:
        talk.client_sends(body)
        talk.server_sends(response(200, body=b"x" * 3000))
    parsed, known = heard(talk.packets, [100, NEVER], NEVER), heard(talk.packets, [100, NEVER], 0)
    assert known.alike > 0
    assert known.told() == parsed.told()
    assert known.told()[-1] == "POST /upload -> 200"
    assert known.anomalies() == parsed.anomalies() == {"response-without-request": 1}


def uses_of(dissection: Dissection) -> list[int]:
    """Return how often each form was found lately."""
    return [pattern.uses for pattern in dissection.dissector._blockwise._patterns]


def test_small_blocks_age_nothing() -> None:
    """Where too little comes together to look ahead, no form is less used for it, and none is taken in."""
    packets = one_by_one().packets
    dissection = Dissection()
    for block in cut_into(packets[:400], [100, NEVER]):
        dissection.feed(block)
    uses = uses_of(dissection)
    assert uses[0] > 50
    for block in cut_into(packets[400:500], [1, 2, 5]):
        dissection.feed(block)
    assert uses_of(dissection) == uses


# --- forms looked for ---


def asked(form: int) -> bytes:
    """Return a request of one form."""
    return request("GET", "/", fields=[("User-Agent", f"client/{form:02}")])


def looking() -> tuple[Blockwise, Readers]:
    """Return who looks ahead, and what it learns from."""
    readers = Readers(KEPT_FIELDS, Counter())
    return Blockwise(readers, ARE_PLAIN), readers


def meets(readers: Readers, form: int) -> None:
    """Read as many requests of a form as make it frequent, one by one."""
    for _ in range(HITS_WORTH_AN_EXPRESSION + 1):
        readers.request_templates.recognise(asked(form))


def forms_of(ahead: Blockwise) -> list[int]:
    """Return the forms that are looked for, in their order."""
    agents = [pattern.template.user_agent for pattern in ahead._patterns]
    return [int(agent[-2:]) for agent in agents if agent is not None]


def test_the_least_used_form_makes_room() -> None:
    """Not the newest one. Once it is frequent again it comes back, even if it is the only one by then."""
    ahead, readers = looking()
    for form in range(PATTERNS):
        meets(readers, form)
    ahead._learn_patterns()
    assert forms_of(ahead) == list(range(PATTERNS))
    for pattern in ahead._patterns:
        pattern.uses = 100
    ahead._patterns[3].uses = 10
    meets(readers, 20)
    ahead._learn_patterns()
    assert set(forms_of(ahead)) == {*range(PATTERNS), 20} - {3}
    for pattern in ahead._patterns[:-1]:
        pattern.uses = 100
    meets(readers, 3)
    ahead._learn_patterns()
    assert set(forms_of(ahead)) == set(range(PATTERNS))


def test_the_most_used_form_is_tried_first() -> None:
    """What was used lately counts."""
    ahead, readers = looking()
    for form in range(3):
        meets(readers, form)
    ahead._learn_patterns()
    ahead._patterns[2].uses = 8
    ahead._learn_patterns()
    assert forms_of(ahead) == [2, 0, 1]
    for _ in range(4):
        ahead._learn_patterns()
    assert [pattern.uses for pattern in ahead._patterns] == [0, 0, 0]


def test_forms_that_wait_to_be_looked_for_are_bounded() -> None:
    """Nobody looks ahead for long: the latest wait, and the others become frequent anew when they are used again."""
    ahead, readers = looking()
    for form in range(PATTERNS + 4):
        meets(readers, form)
    meets(readers, 1)
    ahead._learn_patterns()
    assert forms_of(ahead) == [*range(5, PATTERNS + 4), 1]


@pytest.mark.parametrize("failing", ["find_turns", "exchanges_of"])
def test_a_fault_of_ours_is_counted(failing: str) -> None:
    """What fails before anything was taken as known is parsed; what fails behind that is lost, and nothing else."""
    packets = one_by_one().packets
    pipeline = Pipeline(judges=False)
    with looking_ahead_from(0), patch.object(blockwise, failing, side_effect=ZeroDivisionError):
        for block in cut_into(packets, [100, NEVER]):
            pipeline.feed(0, block)
        pipeline.close()
    audit = pipeline.audit([])
    assert audit.accounting.counts["internal_errors"] > 0
    requests = sum(pair.requests for pair in audit.pairs)
    assert requests == 200 if failing == "find_turns" else 0 < requests < 200
