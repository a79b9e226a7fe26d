"""Policy files: what they mean, and the sentence that every mistake gets."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from wiresniff.config import schema
from wiresniff.config.load import load_policy, parse_policy
from wiresniff.model import limits
from wiresniff.model.errors import PolicyError
from wiresniff.model.findings import Severity
from wiresniff.model.policy import Exemption, Keep, Policy, Privacy, Role, Service, Threshold


def mistake(text: str) -> str:
    """Return the sentence that a policy file gets."""
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, "policy.yaml")
    return str(caught.value)


def in_service(line: str) -> str:
    """Return the sentence for one line in a service."""
    return mistake(f"version: 1\nservices:\n  orders:\n    {line}\n")


def in_exemption(line: str) -> str:
    """Return the sentence for one key of an exemption."""
    return mistake(f"version: 1\nexempt:\n  - {line}\n")


def test_the_example_of_the_reference_is_read_whole() -> None:
    """Every key of the documented example arrives where it belongs."""
    assert parse_policy(schema.EXAMPLE, "policy.yaml") == Policy(
        services=(
            Service("orders", addresses=("10.0.0.11", "10.0.1.0/24")),
            Service("ledger", addresses=("10.0.0.11",), ports=(50051,)),
            Service("edge", hosts=("shop.example",), role=Role.PROXY),
            Service("partner-gate", addresses=("10.0.9.2",), boundary=True),
        ),
        exempt=(
            Exemption("policy-1", path="/warmup"),
            Exemption("policy-2", user_agent="synthetic-monitor/*"),
            Exemption("policy-3", client="batch", server="metrics-store"),
        ),
        exempt_defaults=True,
        thresholds=(
            Threshold(
                server="orders",
                missing_ratio=0.01,
                continuation_ratio=0.99,
                min_requests=100,
                severity=Severity.ERROR,
            ),
        ),
        privacy=Privacy(ids=Keep.SHORT),
    )


def test_a_version_alone_is_a_policy_of_defaults() -> None:
    """Keys that are not given, or are left empty, keep their defaults."""
    assert parse_policy("version: 1", "p") == Policy()
    assert parse_policy("version: 1\nservices:\nexempt:\nthresholds:\nprivacy:\n", "p") == Policy()


def test_addresses_and_hosts_are_kept_in_one_form() -> None:
    """IPv4-mapped addresses become IPv4, hosts lose case and the dot of the root."""
    text = 'version: 1\nservices: {a: {addresses: ["::ffff:10.0.0.1", "FD00::/8", 10.0.0.2/32], hosts: [A.Example.]}}'
    assert parse_policy(text, "p").services == (
        Service("a", addresses=("10.0.0.1", "fd00::/8", "10.0.0.2"), hosts=("a.example",)),
    )


def test_methods_are_upper_case_and_rules_may_be_named() -> None:
    """`get` means GET; `rule` is the word that reports show."""
    policy = parse_policy("version: 1\nexempt: [{rule: warm-up, method: get, path: /w*, port: 80}]", "p")
    assert policy.exempt == (Exemption("warm-up", path="/w*", method="GET", port=80),)


def test_numbers_are_words_where_words_are_wanted() -> None:
    """YAML reads 1.0 as a number; as a user agent it is text."""
    assert parse_policy("version: 1\nexempt: [{user_agent: 1.0}]", "p").exempt[0].user_agent == "1.0"


def test_aliases_may_be_used() -> None:
    """An anchor and its aliases stand for one value."""
    text = "version: 1\nservices: {a: {addresses: &x [10.0.0.1], ports: [1]}, b: {addresses: *x, ports: [2]}}"
    assert [service.addresses for service in parse_policy(text, "p").services] == [("10.0.0.1",)] * 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", 'policy.yaml: the policy is empty; begin it with "version: 1"'),
        ("# later\n", 'policy.yaml: the policy is empty; begin it with "version: 1"'),
        ("services: {}", 'policy.yaml:1: the policy has no "version"; begin it with "version: 1"'),
        ("version: 2", 'policy.yaml:1: version "2" is not known; write "version: 1", or use a newer wiresniff'),
        ("- version", "policy.yaml:1: the policy must be a mapping, not a list; write keys such as version:"),
        ("version: 1\nservies: {}", 'policy.yaml:2: the policy has no key "servies"; did you mean "services"?'),
        (
            "version: 1\nexempt-defaults: false",
            'policy.yaml:2: the policy has no key "exempt-defaults"; write "exempt_defaults"',
        ),
        (
            "version: 1\nmissing_ratio: 1",
            'policy.yaml:2: the policy has no key "missing_ratio"; "missing_ratio" belongs in a threshold',
        ),
        (
            "version: 1\nzzz: 1",
            (
                'policy.yaml:2: the policy has no key "zzz"; known keys are version, services, exempt, '
                "exempt_defaults, thresholds, privacy"
            ),
        ),
        (
            "version: 1\nversion: 1",
            'policy.yaml:2: "version" is given twice in the policy (first in line 1); keep one of them',
        ),
        (
            "version: 1\nexempt_defaults: maybe",
            'policy.yaml:2: "exempt_defaults" must be true or false, not the text "maybe"; write exempt_defaults: true',
        ),
        ("version: 1\nprivacy: {query: kep}", 'policy.yaml:2: "query" can\'t be "kep"; write "keep"'),
        (
            "version: 1\nprivacy: {ids: 7}",
            'policy.yaml:2: "ids" can\'t be "7"; write "keep", "short" or "hash"',
        ),
        (
            "version: 1\nthresholds: [{client: web}]",
            'policy.yaml:2: a threshold without a ratio says nothing; give it "missing_ratio" or "continuation_ratio"',
        ),
        (
            "version: 1\nthresholds: [{missing_ratio: 5%}]",
            'policy.yaml:2: "missing_ratio" can\'t be "5%"; write a number from 0 to 1, such as 0.01',
        ),
        (
            "version: 1\nthresholds: [{missing_ratio: 0.1, min_requests: 0}]",
            'policy.yaml:2: "min_requests" can\'t be "0"; write a whole number from 1, such as 100',
        ),
        (
            "version: 1\nservices:\n\torders: {}",
            (
                "policy.yaml:3: not valid YAML (while scanning for the next token, found character '\\t' that cannot "
                "start any token); indent with spaces, not with tabs"
            ),
        ),
        (
            "version: 1\nexempt: [{path: /a}",
            (
                "policy.yaml:2: not valid YAML (while parsing a flow sequence, expected ',' or ']', but got "
                "'<stream end>'); close the bracket, and put a comma between its entries"
            ),
        ),
        (
            "version: 1\n---\nversion: 1",
            (
                "policy.yaml:2: not valid YAML (expected a single document in the stream, but found another document); "
                'keep one document in a file, without a further "---"'
            ),
        ),
        ("version: 1\n\x00", "policy.yaml:2: YAML does not allow the character U+0000; remove it"),
        ("[" * 100, "policy.yaml:1: the policy nests too deeply; write it flatter"),
        (
            'version: "\\UFFFFFFFF"',
            "policy.yaml:1: not valid YAML (a number or an escape out of range); correct it",
        ),
    ],
)
def test_a_mistake_in_the_file_gets_one_sentence(text: str, sentence: str) -> None:
    """File, line, what is wrong, what to type instead."""
    assert mistake(text) == sentence


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("adresses: [10.0.0.1]", 'a service has no key "adresses"; did you mean "addresses"?'),
        (
            "addresses: 10.0.0.1",
            '"addresses" must be a list, not the text "10.0.0.1"; write addresses: [10.0.0.1]',
        ),
        ("addresses: [10.0.0.300]", ('"10.0.0.300" is neither an IP address nor a CIDR block; '
         "write it like 10.0.0.11, 10.0.1.0/24 or fd00::/8")),
        ("addresses: [10.0.1.5/24]", '"10.0.1.5/24" is an address within a block; write 10.0.1.0/24 for the block'),
        ('addresses: ["10.0.0.1:80"]', '"10.0.0.1:80" is an address with a port; write the port under "ports"'),
        ("addresses: [orders.shop]", '"orders.shop" is no IP address; write names under "hosts"'),
        ("ports: [0]", '"0" is no TCP port; write a number from 1 to 65535'),
        ("ports: [22:22]", '"22:22" is no TCP port; write a number from 1 to 65535'),
        ("ports: [8000-8100]", '"8000-8100" is no TCP port; write every port of a range'),
        ("hosts: [no]", '"hosts" must be text, and YAML reads the truth value "no"; put it in quotes: "no"'),
        (
            'hosts: ["https://Shop.example:443/x"]',
            '"https://Shop.example:443/x" is more than a host name; write "shop.example", and ports under "ports"',
        ),
        ("hosts: [10.0.0.1]", '"10.0.0.1" is no host name; write addresses under "addresses"'),
        ("role: proxi", '"role" can\'t be "proxi"; write "proxy"'),
        ("boundary: 1", '"boundary" must be true or false, not the number "1"; write boundary: true'),
        ("hosts: [a: b]", '"hosts" must be a list of host names, `*` allowed, not a mapping; write one value'),
    ],
)  # fmt: skip
def test_a_mistake_in_a_service_gets_one_sentence(line: str, sentence: str) -> None:
    """The line is that of the value."""
    assert in_service(line) == f"policy.yaml:4: {sentence}"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{path: warmup}", 'no path begins as "warmup" does; write "/warmup"'),
        ('{path: "http://h/x"}', 'no path begins as "http://h/x" does; write "/x"'),
        ('{path: "/x?y=1"}', '"/x?y=1" has a query, which paths are compared without; write "/x"'),
        ('{method: "GET POST"}', '"GET POST" is no HTTP method; write one, such as GET; one entry for each'),
        ("{user-agent: x}", 'an exemption has no key "user-agent"; write "user_agent"'),
        ("{user_agent: }", '"user_agent" has no value; write one, or remove the key'),
        ("{rule: x}", "an exemption without keys would match everything; give it a path or another key"),
        (
            "{rule: Warm Up, port: 1}",
            '"Warm Up" can\'t name a rule; use up to 63 lower-case letters, digits and hyphens',
        ),
        ("/warmup", 'an exemption must be a mapping, not the text "/warmup"; write keys such as rule:'),
    ],
)
def test_a_mistake_in_an_exemption_gets_one_sentence(line: str, sentence: str) -> None:
    """An exemption that could never match is a mistake too."""
    assert in_exemption(line) == f"policy.yaml:3: {sentence}"


def test_a_service_is_somewhere() -> None:
    """Nothing would ever get the name of a service without addresses, hosts and ports."""
    sentence = 'nothing says where the service "orders" is; give it "addresses", "hosts" or "ports"'
    assert mistake("version: 1\nservices:\n  orders:\n") == f"policy.yaml:3: {sentence}"


def test_names_that_wiresniff_gives_are_reserved() -> None:
    """`external` and `other` in a report mean what they mean without a policy."""
    assert mistake("version: 1\nservices: {other: {ports: [1]}}") == (
        'policy.yaml:2: wiresniff itself calls something "other"; name the service "other-service"'
    )


def test_two_services_may_not_claim_the_same() -> None:
    """One address is one service, or told apart by ports."""
    assert mistake("version: 1\nservices:\n  a: {addresses: [10.0.0.1]}\n  b: {addresses: [10.0.0.1/32]}") == (
        'policy.yaml:4: "a" and "b" both claim address 10.0.0.1; keep one, or tell them apart by ports'
    )
    assert mistake("version: 1\nservices:\n  a: {hosts: [x.y]}\n  b: {hosts: [X.Y]}") == (
        'policy.yaml:4: "a" and "b" both claim host x.y; keep one'
    )
    assert mistake("version: 1\nservices:\n  a: {ports: [80]}\n  b: {ports: [80]}") == (
        'policy.yaml:4: "a" and "b" both claim port 80; keep one'
    )


def test_text_from_the_file_does_not_move_the_cursor() -> None:
    """What an error quotes is visible and short."""
    sentence = mistake('version: 1\n"\\e[2Jserv' + "x" * 5000 + '": 1')
    assert "\x1b" not in sentence
    assert len(sentence) < 300


def test_aliases_are_counted_each_time() -> None:
    """A few lines that mean millions of values end with a sentence, at once."""
    ports = ", ".join(str(port) for port in range(1, 1001))
    services = "\n".join(f"  s{number}: {{hosts: [h{number}], ports: *p}}" for number in range(100))
    sentence = mistake(f"version: 1\nservices:\n  s: {{hosts: [h], ports: &p [{ports}]}}\n{services}")
    assert (
        sentence == "policy.yaml:3: the policy has more than 50000 values; use CIDR blocks and `*`, and fewer aliases"
    )


def test_a_list_that_holds_itself_is_no_value() -> None:
    """A recursive alias ends where a plain value is wanted."""
    assert mistake("version: 1\nexempt: &x [*x]").endswith("not a list; write keys such as rule:")


def test_files_that_are_no_policy_get_a_sentence(tmp_path: Path) -> None:
    """Missing, a directory, not text, too large."""
    missing, binary, large = tmp_path / "no.yaml", tmp_path / "binary.yaml", tmp_path / "large.yaml"
    binary.write_bytes(b"version: 1\n\xff\xfe")
    large.write_bytes(b"#" * (limits.POLICY_BYTES + 1))
    for path, sentence in (
        (missing, f"{missing}: there is no such file; give the path of a policy file"),
        (tmp_path, f"{tmp_path}: this is a directory; give the path of a policy file"),
        (binary, f"{binary}:2: this is no UTF-8 text; save the policy as UTF-8"),
        (large, f"{large}: larger than 256 KiB; use CIDR blocks and `*` instead of single values"),
    ):
        with pytest.raises(PolicyError) as caught:
            load_policy(str(path))
        assert str(caught.value) == sentence


def test_a_path_with_a_nul_gets_a_sentence() -> None:
    """What no file can be called is said, not thrown."""
    with pytest.raises(PolicyError, match="can't be read"):
        load_policy("a\0b")


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"\xef\xbb\xbfversion: 1\r\nexempt_defaults: false\r\n")
    assert load_policy(str(path)) == Policy(exempt_defaults=False)


KEYS = [key.name for section in schema.SECTIONS for key in section.keys]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(KEYS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


def accepted_or_refused(text: str) -> None:
    """Read a policy; nothing but PolicyError may come out, and it is one line."""
    sentence = "policy.yaml"
    try:
        parse_policy(text, sentence)
    except PolicyError as error:
        sentence = str(error)
    assert sentence.startswith("policy.yaml")
    assert "\n" not in sentence


@given(text=st.text())
def test_any_text_is_a_policy_or_a_sentence(text: str) -> None:
    """No text breaks the loader."""
    accepted_or_refused(text)


@given(text=st.text(alphabet="a1 :-[]{}&*!|>'\"%@`#,?\n\t\\U~<", max_size=60))
def test_any_punctuation_is_a_policy_or_a_sentence(text: str) -> None:
    """Nor does text of YAML's own characters."""
    accepted_or_refused("version: 1\n" + text)


@settings(max_examples=200)
@given(values=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5))
def test_any_structure_is_a_policy_or_a_sentence(values: dict[str, object]) -> None:
    """Known keys with values of any shape are read or refused."""
    accepted_or_refused(yaml.safe_dump({**values, "version": 1}, allow_unicode=True))
