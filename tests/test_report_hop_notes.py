"""What reports say of loss where much can't be told: nothing that reassures."""

from collections import Counter

import pytest

from wiresniff.model.accounting import Accounting
from wiresniff.model.audit import Audit
from wiresniff.model.hops import HopTotals, Outcome
from wiresniff.model.shares import Share
from wiresniff.model.totals import PairTotals
from wiresniff.report.hop_notes import TITLE
from wiresniff.report.html import render_html
from wiresniff.report.markdown import render_markdown
from wiresniff.report.text import render_text

GREEN = "\x1b[32m"


def row_of(text: str) -> str:
    """Return the row of the pair in the table of what became of traces."""
    return next(line for line in text.partition(TITLE)[2].split("\n") if "stock" in line)


def doubtful(*, handed_on: int = 20, cant_tell: int = 80, unseen: int = 0, busy: bool = False) -> Audit:
    """Find no loss, and not know of many requests: bare ones whose cause is not known, or heads that were not seen."""
    calls = handed_on + cant_tell
    pair = PairTotals("shop", "stock", "http/1", requests=calls + unseen, valid=handed_on, missing=cant_tell)
    pair.indeterminate = unseen
    pair.hops = HopTotals(
        outcomes=Counter({"propagated:certain": handed_on, "undetermined:undetermined": cant_tell + unseen}),
        doubts=Counter({"busy" if busy else "cause-unknown": cant_tell, "not-seen": unseen}),
        caused=Counter(kept=handed_on), idle=Counter(bare=cant_tell),
    )  # fmt: skip
    share = Share(calls, 0, 0, 0.75 * cant_tell, 0)
    return Audit([], [pair], [], Accounting(), shares={("shop", "stock", "http/1"): {Outcome.DROPPED: share}})


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("busy", [False, True])
def test_no_loss_among_the_few_that_could_be_judged_is_no_good_news(width: int, *, busy: bool) -> None:
    """The ends between which the share lies stand there, without the colour of what is well, and are explained."""
    text = render_text(doubtful(busy=busy), width=width, color=True)
    assert "0-60 %" in row_of(text)
    assert GREEN not in row_of(text)
    words = " ".join(render_text(doubtful(busy=busy), width=width, color=False).split())
    assert "lost share with two ends, like 0-60 %: so many can't be told" in words
    assert "shop → stock 0-60 % 20 · · 80" in words


def test_what_was_not_seen_may_be_lost() -> None:
    """Of heads that were not wholly seen nothing is known: all of them may have lost the trace."""
    text = render_text(doubtful(cant_tell=0, unseen=60), width=80, color=True)
    assert "0-75 %" in row_of(text)
    assert GREEN not in row_of(text)


def test_a_few_in_doubt_change_nothing() -> None:
    """One in twenty: 0 % is what there is to say, and good news."""
    row = row_of(render_text(doubtful(handed_on=95, cant_tell=5), width=80, color=True))
    assert "0 %" in row
    assert "-" not in row
    assert GREEN in row


def test_where_nothing_had_a_trace_to_hand_on_there_is_no_share() -> None:
    """A dash, as long as nothing is known."""
    assert row_of(render_text(doubtful(handed_on=0), width=80, color=False)).split()[3:] == ["-", "·", "·", "·", "80"]


def test_traces_that_are_cut_off_are_no_good_news_either() -> None:
    """Nothing is lost, and some go on with another trace."""
    found = doubtful(handed_on=100, cant_tell=0)
    found.pairs[0].hops.outcomes["restarted:certain"] = 9
    assert GREEN not in row_of(render_text(found, width=80, color=True))


def test_a_missing_ratio_of_few_judged_requests_is_not_green() -> None:
    """Most of them were not seen whole."""
    text = render_text(doubtful(cant_tell=0, unseen=60), width=80, color=True)
    assert GREEN not in next(line for line in text.split("\n") if "stock" in line)


def test_the_other_forms_say_the_same() -> None:
    """HTML and Markdown show the ends too."""
    assert '<td class="number">0-60 %</td>' in render_html(doubtful())
    assert "| 0-60 % |" in render_markdown(doubtful())
