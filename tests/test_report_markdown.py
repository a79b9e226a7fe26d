"""The report for a pull request."""

import re

from sample_audit import audit, chain, hostile_audit, joined_late

from wiresniff.model.audit import Audit
from wiresniff.report.document import Span, Style
from wiresniff.report.markdown import code, escaped, in_cell, render_markdown


def test_the_first_line_says_what_was_judged() -> None:
    """As in every report."""
    assert render_markdown(audit()).startswith("judged 14,436 requests in 86.8 % of TCP payload bytes; 12.9 % opaque")


def test_every_row_has_as_many_cells_as_the_head() -> None:
    """Also when names hold pipes and backticks."""
    for sample, tables in ((audit(), [12]), (hostile_audit(), [12, 9]), (chain(), [12, 9])):
        parts = [part for part in render_markdown(sample).split("\n### ") if "\n|" in part]
        assert len(parts) == len(tables)
        for part, cells in zip(parts, tables, strict=True):
            rows = [line for line in part.split("\n") if line.startswith("|")]
            assert len(rows) > 2
            assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {cells}


def test_a_hostile_name_makes_no_mark_up() -> None:
    """No tag, no link, no mention outside of code spans; no control character at all."""
    text = render_markdown(hostile_audit())
    assert all(line.isprintable() for line in text.split("\n"))
    blocks = re.findall(r"(?ms)^    ```text\n(.*?)^    ```$", text)
    assert all(line.lstrip().startswith(("received ", "sent ", '"')) for block in blocks for line in block.splitlines())
    for block in blocks:
        text = text.replace(block, "")
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", re.sub(r"\\.", "", text.replace("```text\n    ```", "")))
    assert "<script" not in outside
    assert "](" not in outside
    assert "@everyone" not in outside
    assert "://" not in outside
    text.encode("utf-8")


def test_sentences_are_escaped() -> None:
    """Each sign that means something is made to mean itself."""
    assert escaped("a_b *c* `d` <e> [f] @g #1 http://h x|y") == (
        "a\\_b \\*c\\* \\`d\\` &lt;e&gt; \\[f\\] @&#8203;g \\#&#8203;1 http&#58;//h x\\|y"
    )


def test_code_spans_hold_any_text() -> None:
    """Backticks get a longer fence, blanks at the ends a pad, nothing at all a pair of quotes."""
    assert code("plain") == "`plain`"
    assert code("a`b``c") == "```a`b``c```"
    assert code("`a") == "`` `a ``"
    assert code("a|b") == "`a|b`"
    assert in_cell((Span("a|b", Style.CODE), Span(" | ", Style.STRONG))) == "`a\\|b`** \\| **"
    assert code("") == '`""`'


def test_findings_and_what_was_not_seen_are_there() -> None:
    """With witnesses below their finding, and the rest folded."""
    text = render_markdown(audit())
    assert "- **warning** `context-missing` (certain): orders calls pricing" in text
    assert "`night.pcapng #18`, `GET /price → 200`" in text
    assert "<details><summary>Not seen, and why</summary>" in text
    assert "snap length (14 gaps)" in text
    assert "No request was seen." in render_markdown(Audit())


def test_what_services_do_with_the_trace() -> None:
    """In a table of its own, with what it means; the values of a witness one above the other."""
    text = render_markdown(chain())
    assert "| `orders` → `pricing` | http/1 | **66.7 %** | 24 | 48 | 0 | 0 | lost: 29 likely, 19 possible; 3 " in text
    assert (
        "| `pricing` → `rates` | grpc | **\\~4.0 %** | 120 | 0 | 21 | 59 | cut off: 20 certain; busy: 3 to 5 % lost, "
        in text
    )
    assert "instead of a verdict per request; `wiresniff explain busy`" in text
    assert '`for POST /checkout → 201`\n    ```text\n    received #4  "00-4bf92f3577b34da6' in text
    assert "\n    sent     #6  no usable trace context\n    ```\n" in text


def test_the_protocol_and_the_share_inferred_stand_in_the_table() -> None:
    """Beside the numbers that they are about."""
    text = render_markdown(joined_late())
    assert "| `web` → `cart` | grpc | **40.0 %** | 60 | 40 | 0 | 50 (50.0 %) | 4 (3.8 %) | 0 | " in text
    assert "only `/cart.Cart/Flush` lacks it" in text
    assert "`night.pcap #18 stream 5`, `POST /cart.Cart/Flush → 200, grpc-status 14`" in text


def test_it_fits_into_a_comment() -> None:
    """GitHub takes 65,536 characters; a thousand pairs with long names stay below."""
    sample = hostile_audit()
    sample.pairs *= 200
    sample.findings *= 100
    assert len(render_markdown(sample)) < 65_536
