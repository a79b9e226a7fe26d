"""What the loop of `watch` says meanwhile, of a source that does what the test wants."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import pytest
from builders import Clock, Conversation, packet_block, request, response

from wiresniff.capture.live import tick
from wiresniff.capture.watched import InterfaceStatistics
from wiresniff.cli.log import REPEATED_SECONDS, Log, LogFormat
from wiresniff.cli.records import RecordWriter
from wiresniff.cli.watching import FIRST_LOOK_SECONDS, Watching
from wiresniff.model.accounting import Accounting
from wiresniff.model.errors import PolicyError, UsageError
from wiresniff.model.packets import PacketBlock
from wiresniff.model.policy import Policy, Privacy
from wiresniff.pipeline import Pipeline
from wiresniff.services.locality import Locality

LOOK = 0.6
"""Seconds from one turn to the next: it looks around at each."""


class Script:
    """A source of silence; `turns` are called in between, and signals come from it as well."""

    backlog = 0.0
    ends = False

    def __init__(self, clock: list[float], turns: "list[Callable[[Script], object]]") -> None:
        self.eth0 = InterfaceStatistics("eth0", is_up=True)
        self.block: PacketBlock | None = None
        """Comes in this turn, instead of silence."""
        self.reloads = self.reports = False
        self.shares: list[float] = []
        self._clock, self._turns, self._is_over = clock, turns, False

    def __iter__(self) -> Iterator[tuple[int, PacketBlock]]:
        for turn in self._turns:
            self._clock[0] += LOOK
            turn(self)
            yield 0, self.block or tick(int(self._clock[0] * 1e9))
            self.block = None

    @property
    def now(self) -> float:
        """Capture time, in seconds."""
        return self._clock[0]

    def stop(self) -> None:
        """Nothing comes anyway."""

    def shed(self, share: float) -> None:
        """Nothing comes anyway."""

    def left_out(self) -> list[float]:
        """Tell what jobs leave out."""
        return self.shares

    def statistics(self) -> list[InterfaceStatistics]:
        """One interface."""
        return [self.eth0]

    def take_reload(self) -> bool:
        """As `Signals` does."""
        asked, self.reloads = self.reloads, False
        return asked

    def take_report(self) -> bool:
        """As `Signals` does."""
        asked, self.reports = self.reports, False
        return asked


def nothing(_script: Script) -> None:
    """Let a turn pass."""


def wait(seconds: float) -> list[Callable[[Script], object]]:
    """Let time pass."""
    return [nothing] * (int(seconds / LOOK) + 1)


def becomes(**values: object) -> Callable[[Script], object]:
    """Change what is known of the interface."""

    def change(script: Script) -> None:
        for name, value in values.items():
            setattr(script.eth0, name, value)

    return change


@pytest.fixture
def said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[list[dict[str, Any]], Watching]]:
    """Return what is logged in some turns, and what watched."""

    def watch(
        *turns: Callable[[Script], object],
        load_policy: Callable[[], Policy] | None = Policy,
        records: Any = SimpleNamespace(write=nothing, flush=lambda: None, adopt=nothing, failure=None),  # noqa: ANN401, B008
        report: Callable[[], None] = lambda: None,
    ) -> tuple[list[dict[str, Any]], Watching]:
        clock = [1000.0]
        monkeypatch.setattr("time.monotonic", lambda: clock[0])
        script: Any = Script(clock, list(turns))
        keeper: Any = SimpleNamespace(feed=lambda *_: None, adopt=nothing)
        watching = Watching(
            script, Pipeline(Policy(), judges=True), records, Log(LogFormat.JSON), Locality(), None, keeper
        )
        watching.run(script, None, load_policy, report)
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()], watching

    return watch


def test_every_reload_is_answered(said: Callable[..., tuple[list[dict[str, Any]], Watching]]) -> None:
    """Somebody mends a policy and tries again at once: refused for one reason, for another, adopted, refused."""
    outcomes: list[Exception | Policy] = [
        PolicyError("p:1: one"),
        PolicyError("p:2: two"),
        Policy(),
        PolicyError("p:3"),
    ]

    def load() -> Policy:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    lines, _ = said(*[lambda script: setattr(script, "reloads", True)] * 4, load_policy=load)
    answers = [(line["event"], line.get("why")) for line in lines if line["event"].startswith("policy")]
    assert answers == [
        ("policy-refused", "p:1: one"),
        ("policy-refused", "p:2: two"),
        ("policy-reloaded", None),
        ("policy-refused", "p:3"),
    ]


def test_a_reload_of_no_policy_says_so(said: Callable[..., tuple[list[dict[str, Any]], Watching]]) -> None:
    """Without `--policy` nothing is read again, and nothing else is claimed."""
    lines, _ = said(lambda script: setattr(script, "reloads", True), load_policy=None)
    (answer,) = [line for line in lines if line["event"].startswith("policy")]
    assert (answer["event"], answer["level"]) == ("policy-absent", "warning")
    assert answer["why"] == "there is no policy file to read again: none was given"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")  # noqa: PTH110
def test_a_full_disk_ends_the_records_and_nothing_else(
    said: Callable[..., tuple[list[dict[str, Any]], Watching]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said once; requests that come later are judged and counted as ever, and nothing is kept to be written."""
    monkeypatch.setattr("wiresniff.model.limits.RECORD_WINDOW_RECORDS", 1)

    def ask(script: Script) -> None:
        talk = Conversation(("10.0.0.1", 40000), ("10.0.0.2", 80), Clock(round(script.now * 1e9)))
        talk.open()
        for _ in range(3):
            talk.client_sends(request("GET", "/"))
            talk.server_sends(response(200))
        talk.close()
        script.block = packet_block(talk.packets)

    with RecordWriter("/dev/full", ["eth0"], Privacy(), show_baggage=False) as records:
        lines, watching = said(ask, *wait(60), ask, *wait(60), records=records)
        told = [line for line in lines if line["event"] == "records-failed"]
        assert [(line["level"], line["effect"]) for line in told] == [
            ("error", "no more records are written; watching goes on")
        ]
        assert "/dev/full: can't be written: No space left on device" in told[0]["why"]
        (pair,) = watching._pipeline.audit([]).pairs
        assert pair.requests == 6
        assert not records._waiting
    assert records.failure is not None


def test_a_report_that_can_not_be_printed_ends_nothing(
    said: Callable[..., tuple[list[dict[str, Any]], Watching]],
) -> None:
    """SIGUSR1 where standard output is a file on a full disk: said in the log, and remembered for the exit status."""

    def report() -> None:
        raise UsageError("standard output can't be written: No space left on device")

    def ask(script: Script) -> None:
        script.reports = True

    lines, watching = said(ask, ask, nothing, report=report)
    told = [line["why"] for line in lines if line["event"] == "report-failed"]
    assert told == ["standard output can't be written: No space left on device"] * 2
    assert watching.failure is not None


def test_a_report_waits_for_jobs_that_are_slow(
    said: Callable[..., tuple[list[dict[str, Any]], Watching]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Watching goes on until all have told what they counted; then it comes, once."""
    settled = [True, True, False, False]
    monkeypatch.setattr(Pipeline, "settle_traffic", lambda _self: settled.pop())
    left: list[int] = []

    def ask(script: Script) -> None:
        script.reports = True

    said(ask, nothing, nothing, nothing, report=lambda: left.append(len(settled)))
    assert left == [1]


def test_the_last_word_on_an_interface_is_true(said: Callable[..., tuple[list[dict[str, Any]], Watching]]) -> None:
    """It comes and goes within seconds; in the end it is up, and the log ends with that."""
    down, up = becomes(is_up=False, reason="gone"), becomes(is_up=True, reason=None)
    lines, _ = said(nothing, down, up, down, up, *wait(REPEATED_SECONDS))
    events = [line["event"] for line in lines]
    assert events == ["capture-up", "capture-down", "capture-up"]
    lines, _ = said(nothing, down, up, down, *wait(REPEATED_SECONDS))
    assert lines[-1]["event"] == "capture-down"


def test_all_drops_are_told(said: Callable[..., tuple[list[dict[str, Any]], Watching]]) -> None:
    """Those of moments in which it kept silent are in the next line."""
    lines, _ = said(becomes(dropped=5), becomes(dropped=30), becomes(dropped=31), *wait(REPEATED_SECONDS))
    assert [line["packets"] for line in lines if line["event"] == "capture-drops"] == [5, 26]


def test_the_last_share_that_is_left_out_is_told(
    said: Callable[..., tuple[list[dict[str, Any]], Watching]],
) -> None:
    """Steps follow each other quickly; what is said last is what holds."""
    steps = [lambda script, share=share: setattr(script, "shares", [share, 0.0]) for share in (0.5, 0.75, 0.875)]
    lines, _ = said(*steps, *wait(REPEATED_SECONDS))
    assert [(line["job"], line["connections_left_out"]) for line in lines if line["event"] == "overload"] == [
        (1, "50%"),
        (1, "88%"),
    ]


def test_one_direction_is_named(
    said: Callable[..., tuple[list[dict[str, Any]], Watching]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most connections pass the other way elsewhere: whoever watches may be in the wrong place. Told besides QUIC."""
    seen = Accounting(not_tcp=Counter({"quic": 900}))
    seen.counts.update(packets=1000, connections=10, one_direction_connections=6)
    monkeypatch.setattr(Pipeline, "accounting", lambda _self: deepcopy(seen))
    lines, _ = said(*wait(FIRST_LOOK_SECONDS))
    told = [line for line in lines if line["event"] == "mostly-opaque"]
    assert [(line["what"], line.get("connections")) for line in told] == [("quic", None), ("one-direction", "60%")]


def test_what_was_left_out_is_counted(said: Callable[..., tuple[list[dict[str, Any]], Watching]]) -> None:
    """In the report and in the state that metrics are made of, also where no connection began meanwhile."""
    _, watching = said(becomes(shed_packets=1_234, dropped=5))
    assert watching.accounting().counts["left_out_packets"] == 1_234
    assert watching.capture_state().interfaces[0].left_out_packets == 1_234
    assert "1,234 packets of connections that were left out" in (watching.summaries()[0].warning or "")
