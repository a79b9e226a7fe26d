"""Text from the wire, made harmless for people."""

from collections import Counter

from wiresniff.model.display import named, percent, ranked, shortened, size, visible
from wiresniff.model.targets import path_and_query


def test_what_prints_stays_as_it_is() -> None:
    """Names and values of everyday are not touched."""
    assert visible("orders.shop é 名 [x] \\") == "orders.shop é 名 [x] \\"


def test_what_does_not_print_is_escaped() -> None:
    """Control characters, C1 controls, no-break spaces and direction marks are shown by their codes."""
    assert visible("a\n\x1b[31m\x9b\xa0\u202e\ud800") == "a\\n\\x1b[31m\\x9b\\xa0\\u202e\\ud800"


def test_long_names_keep_both_ends() -> None:
    """The middle goes: names of workloads differ at their ends."""
    assert shortened("abcdefghij", 5) == "ab…ij"
    assert shortened("abcde", 5) == "abcde"
    assert shortened("abcde", 1) == "…"


def test_a_hostile_name_is_short_and_visible() -> None:
    """Escapes don't make a name longer than it may be."""
    assert len(named("\x1b" * 10_000)) == 60
    assert named("\x1b" * 10_000).isprintable()


def test_equal_counts_are_ranked_by_word() -> None:
    """The order in which they were met must not show; what did not occur is left out."""
    assert ranked(Counter({"b": 2, "a": 2, "c": 3, "d": 0})) == [("c", 3), ("a", 2), ("b", 2)]


def test_shares_never_claim_all_or_nothing() -> None:
    """0 % is nothing at all, 100 % is all."""
    assert percent(0, 10) == "0 %"
    assert percent(1, 1_000_000) == "<0.1 %"
    assert percent(999_999, 1_000_000) == ">99.9 %"
    assert percent(9_994, 10_000) == "99.9 %"
    assert percent(10, 10) == "100 %"
    assert percent(0, 0) == "0 %"
    assert percent(1, 8) == "12.5 %"


def test_sizes_are_decimal() -> None:
    """A kilobyte is 1000 bytes, and no number reads 1000.0."""
    assert size(1) == "1 byte"
    assert size(999) == "999 bytes"
    assert size(1_200) == "1.2 kB"
    assert size(999_999) == "1.0 MB"
    assert size(5 * 10**15) == "5,000.0 TB"


def test_a_target_is_path_and_query() -> None:
    """The four forms of RFC 9112 3.2, and a fragment that must not be there."""
    assert path_and_query("GET", "/a?b=c?d") == ("/a", "b=c?d")
    assert path_and_query("GET", "/a") == ("/a", None)
    assert path_and_query("GET", "/a?") == ("/a", "")
    assert path_and_query("GET", "http://user@host:1/a?q") == ("/a", "q")
    assert path_and_query("GET", "HTTP://host?q") == ("/", "q")
    assert path_and_query("OPTIONS", "*") == ("*", None)
    assert path_and_query("CONNECT", "host:443") == (None, None)
    assert path_and_query("GET", "/a#token?b") == ("/a", None)
    assert path_and_query(None, "/a?b#secret") == ("/a", "b")
    assert path_and_query("GET", "//host/path") == ("//host/path", None)
