"""What `*` in the policy means; the oracle is fnmatch."""

import fnmatch
import re

from hypothesis import given
from hypothesis import strategies as st

from wiresniff.model.globs import glob_regex

LETTERS = st.text(alphabet="ab*/.[?\n", max_size=12)


def oracle(word: str, text: str) -> bool:
    """Match as fnmatch does, with its other special characters taken literally."""
    return fnmatch.fnmatchcase(text, word.replace("[", "[[]").replace("?", "[?]"))


@given(word=LETTERS, text=LETTERS)
def test_a_glob_means_what_fnmatch_says(word: str, text: str) -> None:
    """`*` is any text, also none and over lines; everything else stands for itself."""
    assert oracle(word, text) == (re.compile(glob_regex(word), re.DOTALL).fullmatch(text) is not None)


@given(word=st.text(max_size=12))
def test_a_word_without_star_matches_itself_only(word: str) -> None:
    """Any text is a word, and regular expressions do not show through."""
    pattern = re.compile(glob_regex(word.replace("*", "")), re.DOTALL)
    assert pattern.fullmatch(word.replace("*", "")) is not None
    assert pattern.fullmatch(word.replace("*", "") + "x") is None


def test_many_stars_cost_no_more_than_the_text_is_long() -> None:
    """A word that backtracks exponentially when it is translated naively fails at once."""
    assert re.compile(glob_regex("*a" * 30 + "b"), re.DOTALL).fullmatch("a" * 10_000) is None
