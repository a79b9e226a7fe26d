"""The report as a page."""

import re
from html.parser import HTMLParser

import pytest
from sample_audit import audit, chain, hostile_audit, joined_late

from wiresniff.model.audit import Audit
from wiresniff.report.html import render_html
from wiresniff.report.markdown import render_markdown

VOID = {"meta"}
INLINE = {"code", "b", "strong", "span"}


class Page(HTMLParser):
    """Tags, attributes and text of a page; fails where a tag is not closed where it should be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and its attributes."""
        self.tags.add(tag)
        self.text += "" if tag in INLINE else "\n"
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close what is open."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text that is shown."""
        if self._open and self._open[-1] != "style":
            self.text += data


@pytest.mark.parametrize("sample", [audit, chain, joined_late, hostile_audit, Audit])
def test_a_page_needs_nothing_else(sample: type[Audit]) -> None:
    """No script, no picture, no link, nothing fetched; and the browser is told so."""
    html = render_html(sample())
    page = Page(html)
    assert page.tags <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "div", "table", "thead", "tbody", "tr", "th",
        "td", "ul", "li", "code", "strong", "b", "span", "pre",
    }  # fmt: skip
    assert page.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class"}
    assert "url(" not in html
    assert "@import" not in html
    assert "default-src 'none'" in html


@pytest.mark.parametrize("sample", [audit, chain, joined_late, Audit])
def test_it_says_what_the_report_in_markdown_says(sample: type[Audit]) -> None:
    """Word by word, signs left out."""
    signs = r"\\|<[^>]*>|```text|&#8203;|:warning:"
    markdown = re.sub(signs, "", render_markdown(sample())).replace("&#58;", ":")
    assert words(markdown) <= words(Page(render_html(sample())).text)


def words(text: str) -> set[str]:
    """Return what is between blanks and quotes, without the signs around it."""
    return {word.strip("-:.,()") for word in re.findall(r"[\w.:/-]+", text)} - {""}


def test_what_services_do_with_the_trace() -> None:
    """The table, what it means, and values one above the other."""
    html = render_html(chain())
    assert (
        "<td><code>orders</code> → <code>pricing</code></td><td>http/1</td>"
        '<td class="number"><strong>66.7 %</strong></td><td class="number">24</td><td class="number">48</td>'
    ) in html
    assert "<code>wiresniff explain busy</code>" in html
    assert (
        "<pre>received #4  &quot;00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01&quot;\n"
        "sent     #6  no usable trace context</pre>"
    ) in html
    assert '<div class="finding error"><p><b>error</b> <code>context-dropped</code>' in html


def test_hostile_names_are_text_and_nothing_else() -> None:
    """They stand on the page as they are, and move nothing."""
    html = render_html(hostile_audit())
    assert "<script" not in html
    assert "| a | b | <script>alert(1)</script>" in Page(html).text
    assert all(line.isprintable() for line in html.split("\n"))
    html.encode("utf-8")


def test_without_requests_it_says_so() -> None:
    """An empty capture is not a pass."""
    text = Page(render_html(Audit())).text
    assert "No request was seen." in text
    assert "none" in text
