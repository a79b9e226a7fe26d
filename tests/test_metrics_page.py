"""The page that a person reads."""

import re
from collections import Counter
from html.parser import HTMLParser

from metrics_serving import CAPTURE, get, hops, publish, requests, serving

from wiresniff.metrics.exporter import Exporter
from wiresniff.metrics.page import PAIRS_SHOWN, render_page
from wiresniff.model.accounting import Accounting
from wiresniff.model.capture_state import CaptureState, InterfaceState


class Page(HTMLParser):
    """Tags and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag, and that nothing is fetched from elsewhere."""
        self.tags.append(tag)
        assert not {"src", "onload", "onclick"} & {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data


def page_of(exporter: Exporter) -> str:
    """Return the page of what was published last."""
    return render_page(exporter._snapshot)


def test_the_page_is_there_when_asked_for() -> None:
    """With fields that forbid scripts, whatever were to get into it."""
    with serving(Exporter(shows_page=True)) as port:
        status, fields, body = get(port, "/")
    assert status == 200
    assert fields["content-security-policy"].startswith("default-src 'none'")
    assert "web → cart" in Page(body.decode()).text


def test_pairs_come_worst_first() -> None:
    """By how bad, then by how many requests that is."""
    exporter = Exporter()
    publish(
        exporter,
        requests(1000, client="fine"),
        requests(990, 10, client="poor"),
        requests(0, 3, client="few"),
        requests(500, 100, client="many"),
    )
    clients = re.findall(r'class="(?:bad|poor|good)">(\w+) → cart', page_of(exporter))
    assert clients == ["many", "few", "poor", "fine"]


def test_the_page_is_about_the_last_minutes() -> None:
    """What was repaired disappears from it, though counters keep it."""
    now = [0.0]
    exporter = Exporter(clock=lambda: now[0])
    publish(exporter, requests(0, 50))
    assert "judged 50 requests" in Page(page_of(exporter)).text
    for _ in range(8):
        now[0] += 60
        publish(exporter, requests(7))
    text = Page(page_of(exporter)).text
    assert "In the last 4 minutes: judged 28 requests of 1 pair, 0 % without" in text


def test_what_cant_be_told_is_no_good_news() -> None:
    """A pair of which little could be judged is neither good nor bad."""
    exporter = Exporter()
    publish(exporter, requests(50), requests(50, client="busy"))
    publish(exporter, hops(propagated_certain=50), hops("busy", propagated_certain=9, undetermined_undetermined=41))
    assert re.findall(r'class="(good|soft)">(\w+) → cart', page_of(exporter)) == [("soft", "busy"), ("good", "web")]


def test_the_page_says_what_became_of_the_trace() -> None:
    """In the four columns of a report; what is possible only makes no pair a bad one."""
    exporter = Exporter()
    outcomes = {"propagated_certain": 30, "dropped_likely": 9, "dropped_possible": 1, "root_likely": 4}
    publish(exporter, requests(50), requests(50, client="batch"))
    publish(exporter, hops(**outcomes, undetermined_undetermined=5, bare_likely=1), hops("batch", dropped_possible=9))
    html = page_of(exporter)
    cells = dict(re.findall(r'data-is="([^"]+)"[^>]*>([^<]*)<', html.partition("batch")[0]))
    assert [cells[word] for word in ("handed on", "lost", "new trace", "can't tell")] == ["30", "10 (25.0 %)", "4", "5"]
    assert re.findall(r'class="(bad|poor|good|soft)">(\w+) → cart', html) == [("bad", "web"), ("soft", "batch")]


def test_what_is_not_seen_is_said() -> None:
    """Interfaces, drops, opaque bytes, gaps; or that nothing is known to be missing."""
    exporter = Exporter()
    down = InterfaceState("eth1", is_up=False, reason="there is no such interface")
    publish(exporter)
    text = Page(page_of(exporter)).text
    assert "eth0: the kernel dropped 2 packets (2.0 %)." in text
    assert "40.0 % of TCP payload bytes could not be read: tls 40.0 %." in text
    exporter.publish([], Accounting(), CaptureState((*CAPTURE.interfaces, down)), 0)
    assert "eth1 is not captured: there is no such interface." in Page(page_of(exporter)).text
    shed = InterfaceState("eth2", is_up=True, left_out_packets=1_500)
    exporter.publish([], Accounting(evictions=Counter({"overload": 7})), CaptureState((shed,)), 0)
    text = Page(page_of(exporter)).text
    assert "eth2: 1,500 packets of connections left out at overload." in text
    assert "Limits were reached" not in text
    full = Accounting(evictions=Counter({"connections": 3, "name-cache": 12}))
    exporter.publish([], full, CaptureState(), 0)
    assert "Limits were reached: connections 3." in Page(page_of(exporter)).text
    exporter.publish([], Accounting(), CaptureState(), 0)
    assert "Nothing is known to be missing." in Page(page_of(exporter)).text


def test_hostile_names_are_text_and_nothing_else() -> None:
    """Tags, quotes, characters that move the cursor, ten kilobytes."""
    exporter = Exporter()
    for name in (
        "<script>alert(1)</script>",
        "\"><img src=x onerror='x'>",
        "\u202eevil\x1b[2J",
        "x" * 10_000,
        "\ud800",
    ):
        publish(exporter, requests(1, client=name, server=name))
    html = page_of(exporter)
    page = Page(html)
    assert not {"script", "img"} & set(page.tags)
    assert "<script>alert(1)</script> → " in page.text
    assert "\u202e" not in html
    assert "\x1b" not in html
    assert len(html) < 10_000
    html.encode("utf-8")


def test_a_page_has_an_end() -> None:
    """The worst are on it, and how many more there are."""
    exporter = Exporter()
    publish(exporter, *(requests(1, client=f"client-{number}") for number in range(PAIRS_SHOWN + 5)))
    page = Page(page_of(exporter))
    assert page.tags.count("tr") == PAIRS_SHOWN + 1
    assert "and 5 pairs more, in the metrics" in page.text
