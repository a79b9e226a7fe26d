"""What is said of requests whose header blocks refer to table entries that nobody saw being added.

A request is written as its fields: pairs are read, a number is an entry used whole (-1 the newest of before), and a
number with a value is a literal under that entry's name::

    requests.ask(0, *GET, 3, (-2, TRACEPARENT_1))
"""

import time
import tracemalloc

import pytest

from wiresniff.model import limits
from wiresniff.model.delivery import Endpoint
from wiresniff.model.exchanges import Channel, Exchange, Unseen
from wiresniff.protocols.hpack.decoder import Decoder
from wiresniff.protocols.hpack.fields import Field, HeaderBlock, Unresolved
from wiresniff.protocols.http2.fields import RequestFields
from wiresniff.protocols.http2.inference import Inference
from wiresniff.protocols.http2.undecided import Patience
from wiresniff.tracecontext import KEPT_FIELDS, is_traceparent_shaped

SECOND = 10**9
CHANNEL = Channel(Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 50051), 0)
REQUEST_FIELDS = RequestFields(KEPT_FIELDS)
GET: tuple[Field, ...] = ((b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/cart"))
POST: tuple[Field, ...] = ((b":method", b"POST"), (b":scheme", b"http"))
"""Without a path."""

Written = Field | tuple[int, bytes] | int


def traceparent(number: int) -> bytes:
    """Return the traceparent of a request."""
    return b"00-%032x-%016x-01" % (number + 1, number + 1)


ONE, TWO, THREE = traceparent(1), traceparent(2), traceparent(3)
ODD = b"null"
ELASTIC = b"elastic-apm-traceparent"


def block(written: tuple[Written, ...], epoch: int = 0, error: str | None = None) -> HeaderBlock:
    """Make a header block of what is written."""
    fields: list[Field] = []
    unresolved: list[Unresolved] = []
    for each in written:
        if isinstance(each, int):
            unresolved.append(Unresolved(epoch, each, None))
        elif isinstance(each[0], int):
            unresolved.append(Unresolved(epoch, each[0], each[1]))
        else:
            fields.append((each[0], each[1]))
    return HeaderBlock(fields, unresolved, error)


class Requests:
    """The requests of one connection, and what is said of them."""

    def __init__(self, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()
        self.inference = Inference(REQUEST_FIELDS, is_traceparent_shaped, self.patience)
        self.decided: list[Exchange] = []
        self.now_ns = 0
        self.stream = -1

    def ask(
        self, seconds: float, *written: Written, epoch: int = 0, error: str | None = None, unseen: Unseen | None = None
    ) -> Exchange:
        """Send a request so many seconds after the beginning."""
        self.now_ns = int(seconds * SECOND)
        self.stream += 2
        asked = Exchange(CHANNEL, "http/2", "2", self.now_ns, 0, 1, 1, None, None, [])
        asked.stream = self.stream
        asked.unseen = unseen
        if self.inference.take(asked, block(written, epoch, error), self.now_ns):
            self.decided.append(asked)
        self.decided += self.inference.settled(self.now_ns, is_over=False)
        return asked

    def end(self) -> None:
        """End the connection."""
        self.decided += self.inference.settled(self.now_ns, is_over=True)

    def said(self, asked: Exchange) -> str:
        """Say what is known of a request's traceparent."""
        if asked not in self.decided:
            return "waits"
        assert self.decided.count(asked) == 1
        if asked.unseen is not None:
            return asked.unseen.value
        values = [value for name, value in asked.fields if name == b"traceparent"]
        return ("inferred " if asked.inferred else "") + (b" and ".join(values).decode() if values else "missing")


@pytest.fixture
def requests() -> Requests:
    """Return a connection without requests."""
    return Requests()


# --- what is read ---


def test_all_fields_resolved(requests: Requests) -> None:
    """What was read is certain, presence and absence."""
    assert requests.said(requests.ask(0, *GET, (b"traceparent", ONE))) == ONE.decode()
    assert requests.said(requests.ask(1, *GET)) == "missing"
    twice = requests.ask(2, *GET, (b"traceparent", ONE), (b"traceparent", TWO))
    assert requests.said(twice) == f"{ONE.decode()} and {TWO.decode()}"


def test_request_is_filled(requests: Requests) -> None:
    """An exchange gets its request line, its host, its user agent, and the fields that are kept, in order."""
    asked = requests.ask(
        0, *POST, (b":path", b"/cart.Cart/Get"), (b":authority", b"cart:50051"), (b"content-type", b"application/grpc"),
        (b"user-agent", b"grpc-go/1.60"), (b"b3", b"0"), (b"x-else", b"1"), (b"tracestate", b" a=1"),
    )  # fmt: skip
    assert (asked.method, asked.target, asked.authority) == (b"POST", b"/cart.Cart/Get", b"cart:50051")
    assert (asked.user_agent, asked.protocol, asked.preflight) == (b"grpc-go/1.60", "grpc", False)
    assert asked.fields == [(b"b3", b"0"), (b"tracestate", b" a=1")]


@pytest.mark.parametrize(
    ("content_type", "protocol"),
    [
        (b"application/grpc", "grpc"),
        (b"application/grpc+proto", "grpc"),
        (b"application/grpc;charset=utf-8", "grpc"),
        (b"application/grpc-web+proto", "http/2"),
        (b"application/json", "http/2"),
    ],
)
def test_protocol(requests: Requests, content_type: bytes, protocol: str) -> None:
    """The content type tells gRPC from other requests, and from gRPC-Web."""
    assert requests.ask(0, *GET, (b"content-type", content_type)).protocol == protocol


def test_odd_requests(requests: Requests) -> None:
    """CONNECT asks for an authority; OPTIONS may be a preflight; `host` stands in for `:authority`; case is ignored."""
    assert requests.ask(0, (b":method", b"CONNECT"), (b":authority", b"db:5432")).target == b"db:5432"
    preflight = (b"access-control-request-method", b"PUT")
    assert requests.ask(0, (b":method", b"OPTIONS"), (b":path", b"/"), preflight).preflight
    assert not requests.ask(0, *GET, preflight).preflight
    assert requests.ask(0, *GET, (b"host", b"a")).authority == b"a"
    assert requests.ask(0, *GET, (b":authority", b"b"), (b"host", b"a")).authority == b"b"
    assert requests.ask(0, *GET, (b"Traceparent", ONE)).fields == [(b"traceparent", ONE)]


def test_many_names(requests: Requests) -> None:
    """Names without end are forgotten; those that matter are not."""
    for number in range(10_000):
        requests.ask(0, *GET, (b"x-%d" % number, b"1"))
    assert requests.ask(0, *GET, (b"traceparent", ONE)).fields == [(b"traceparent", ONE)]
    assert len(REQUEST_FIELDS._slots) <= 4096 + len(KEPT_FIELDS) + 7


def test_long_names(requests: Requests) -> None:
    """They are read, and not remembered: neither for what they are nor for the ids that they may hold."""
    read = RequestFields(KEPT_FIELDS)
    long = b"x-request-" + b"x" * 1000
    requests.inference = Inference(read, is_traceparent_shaped, requests.patience)
    asked = requests.ask(0, *GET, -5, (long, b"0123456789abcdef0123"))
    assert asked.auxiliary == (b"0123456789abcdef0123",)
    assert long not in read._slots
    assert long not in read._hold_ids


def test_cut_blocks(requests: Requests) -> None:
    """Of a block that was not decoded to its end, what was seen is recorded; absence is never concluded."""
    seen = requests.ask(0, *GET, (b"traceparent", ONE), error="cut")
    assert requests.said(seen) == "header-table"
    assert seen.fields == [(b"traceparent", ONE)]
    assert requests.said(requests.ask(0, *GET, error="cut")) == "header-table"
    assert requests.said(requests.ask(0, *GET, -1, error="cut", unseen=Unseen.GAP)) == "gap"
    inferred = requests.ask(0, *GET, (-2, TWO), error="cut", unseen=Unseen.GAP)
    assert (inferred.fields, requests.said(inferred)) == ([(b"traceparent", TWO)], "gap")


def test_cut_blocks_identify_nothing(requests: Requests) -> None:
    """Where the rest may hold another literal that looks like a traceparent, other requests are not judged by the one.

    The entry behind it may be that of `elastic-apm-traceparent`.
    """
    odd = requests.ask(0, *GET, (-3, ODD))
    cut = requests.ask(1, *GET, (-9, TWO), -4, unseen=Unseen.GAP)
    assert (requests.said(cut), cut.fields) == ("gap", [(b"traceparent", TWO)])
    assert requests.said(odd) == "waits"
    assert requests.said(requests.ask(2, *GET, -4)) == "waits"
    requests.ask(3, *GET, (-9, ONE), (-3, THREE))
    requests.end()
    assert requests.said(odd) == "header-table"


def test_cut_blocks_do_not_count(requests: Requests) -> None:
    """The id by which they are known to be one request handed on may be where they are cut."""
    for number in range(2 * limits.RECURRENCE_REQUESTS):
        requests.ask(number, *GET, -5, unseen=Unseen.GAP)
    assert requests.said(requests.ask(17, *GET, -5)) == "waits"


# --- names ---


def test_shape_names_a_literal(requests: Requests) -> None:
    """A literal that looks like a traceparent is one, also a malformed one."""
    assert requests.said(requests.ask(0, *GET, (-3, ONE))) == f"inferred {ONE.decode()}"
    malformed = ONE.replace(b"00-", b"000-")
    other = Requests()
    assert other.said(other.ask(0, *GET, (-3, malformed))) == f"inferred {malformed.decode()}"


def test_identified_entry_names_what_comes_later(requests: Requests) -> None:
    """Once a name is known it names all literals, whatever they look like; twice is twice."""
    requests.ask(0, *GET, (-3, ONE))
    assert requests.said(requests.ask(1, *GET, (-3, ODD))) == "inferred null"
    assert requests.said(requests.ask(1, *GET, (-3, b""))) == "inferred "
    assert requests.said(requests.ask(2, *GET, (-3, ONE), (-3, TWO))) == f"inferred {ONE.decode()} and {TWO.decode()}"


def test_identified_entry_names_what_waits(requests: Requests) -> None:
    """A request that waits gets its traceparent when its name becomes known, and tells of its other entries."""
    odd = requests.ask(0, *GET, -5, (-3, ODD))
    bare = requests.ask(1, *GET, -5)
    assert (requests.said(odd), requests.said(bare)) == ("waits", "waits")
    requests.ask(2, *GET, (-3, ONE))
    assert (requests.said(odd), requests.said(bare)) == ("inferred null", "inferred missing")


def test_literal_of_another_name(requests: Requests) -> None:
    """A literal may be the traceparent until the traceparent's own name is known, and differs."""
    early = requests.ask(0, *GET, (-7, b"t61rcWkgMzE"))
    assert requests.said(early) == "waits"
    requests.ask(1, *GET, (-3, ONE))
    assert requests.said(early) == "inferred missing"
    assert requests.said(requests.ask(2, *GET, (-8, b"x"))) == "inferred missing"


def test_literal_beside_a_traceparent(requests: Requests) -> None:
    """A literal is not the traceparent if its name stands beside one."""
    early = requests.ask(0, *GET, (-7, b"abc"))
    requests.ask(1, *GET, (-7, b"def"), (b"traceparent", ONE))
    assert requests.said(early) == "inferred missing"
    assert requests.said(requests.ask(2, *GET, (-7, b"ghi"))) == "inferred missing"
    assert requests.said(requests.ask(3, *GET, (-8, b"ghi"))) == "waits"


def test_identified_name_used_whole(requests: Requests) -> None:
    """An entry that is a traceparent, used whole, is there; nobody knows its value."""
    early = requests.ask(0, *GET, -3)
    requests.ask(1, *GET, (-3, ONE))
    assert requests.said(early) == "header-table"
    for second in range(30):
        assert requests.said(requests.ask(2 + second, *GET, -3)) == "header-table"


@pytest.mark.parametrize("second", [TWO, ONE.replace(b"00-", b"000-")])
def test_two_shaped_literals(requests: Requests, second: bytes) -> None:
    """Two that look like a traceparent under different names are not two traceparents; neither is claimed."""
    both = requests.ask(0, *GET, (-3, ONE), (-4, second))
    first_alone, second_alone = requests.ask(1, *GET, (-3, THREE)), requests.ask(1, *GET, (-4, THREE))
    requests.end()
    assert [requests.said(asked) for asked in (both, first_alone, second_alone)] == ["header-table"] * 3


def test_two_shaped_literals_of_one_value(requests: Requests) -> None:
    """If both have the same value it is the traceparent's, whichever it is."""
    asked = requests.ask(0, *GET, -9, (-3, ONE), (-4, ONE))
    assert requests.said(asked) == f"inferred {ONE.decode()}"
    assert requests.said(requests.ask(1, *GET, -9)) == "inferred missing"


def test_two_shaped_literals_resolved_later(requests: Requests) -> None:
    """When one of the two stands beside a traceparent that was read, the other is it."""
    both = requests.ask(0, *GET, (-3, ONE), (-4, TWO))
    assert requests.said(both) == "waits"
    requests.ask(1, *GET, (-4, THREE), (b"traceparent", ONE))
    assert requests.said(both) == f"inferred {ONE.decode()}"


def test_shaped_literal_beside_what_was_read(requests: Requests) -> None:
    """A literal that looks like a traceparent beside one is no duplicate, and no traceparent elsewhere."""
    assert requests.said(requests.ask(0, *GET, (b"traceparent", ONE), (-4, TWO))) == ONE.decode()
    assert requests.said(requests.ask(1, *GET, (-4, TWO))) == "inferred missing"
    assert requests.said(requests.ask(2, *GET, (ELASTIC, TWO), (-3, ONE))) == f"inferred {ONE.decode()}"
    assert requests.said(requests.ask(3, *GET, (-3, ONE), (-5, TWO))) == f"inferred {ONE.decode()}"


def test_identified_entry_proves_to_be_another(requests: Requests) -> None:
    """What was taken for a traceparent and then stands beside one that was read is taken for one no longer."""
    requests.ask(0, *GET, (-3, ONE))
    assert requests.said(requests.ask(1, *GET, (b"traceparent", TWO), (-3, ONE))) == TWO.decode()
    assert requests.said(requests.ask(2, *GET, (-3, ONE))) == "inferred missing"


def test_second_shaped_name_is_not_missing(requests: Requests) -> None:
    """A request is not said to lack what a literal in it looks like, though another name was identified."""
    requests.ask(0, *GET, (-3, ONE))
    doubtful = requests.ask(1, *GET, (-4, TWO))
    requests.end()
    assert requests.said(doubtful) == "header-table"


def test_real_duplicates_prove_nothing(requests: Requests) -> None:
    """Who sends two traceparents may send a third: its other entries are not excluded."""
    requests.ask(0, *GET, (b"traceparent", ONE), (b"traceparent", TWO), -3)
    assert requests.said(requests.ask(1, *GET, -3)) == "waits"


# --- other names ---


def test_path_by_shape(requests: Requests) -> None:
    """The path of a gRPC call is known by its look, before and after."""
    early = requests.ask(0, *POST, -9, (-2, b"/"), -8)
    asked = requests.ask(0, *POST, -9, (-2, b"/cart.Cart/AddItem"))
    assert asked.target == b"/cart.Cart/AddItem"
    assert early.target == b"/"
    assert requests.ask(1, *POST, -9, (-2, b"/odd")).target == b"/odd"


def test_path_is_not_guessed(requests: Requests) -> None:
    """Another field may begin with a slash, or hold a path as well."""
    assert requests.ask(0, *POST, -9, (-2, b"/v1/carts")).target is None
    assert requests.ask(0, *POST, -9, (-2, b"/a.B/C"), (-3, b"/a.B/D")).target is None
    assert requests.ask(0, *GET, (-4, b"/a.B/C")).target == b"/cart"
    assert requests.ask(0, *POST, -9, (-4, b"/a.B/C")).target is None


def test_path_is_what_is_left(requests: Requests) -> None:
    """A request has one path: the only field that can be it is it, whatever it looks like."""
    assert requests.ask(0, *POST, (-2, b"/v1/carts")).target == b"/v1/carts"
    assert requests.ask(1, *POST, -9, (-2, b"/v1/orders")).target == b"/v1/orders"


def test_path_used_whole_is_no_traceparent(requests: Requests) -> None:
    """The one entry that can be the path is no traceparent: the method that drops it is named at once."""
    requests.ask(0, *GET, -9, (b"traceparent", ONE))
    flush = requests.ask(1, *POST, -9, -2)
    assert (requests.said(flush), flush.target) == ("inferred missing", None)
    assert requests.said(requests.ask(2, *POST, -9, -3, -4)) == "waits"
    assert requests.said(requests.ask(3, *POST, -9, -5, error="cut")) == "header-table"
    assert requests.said(requests.ask(4, (b":method", b"CONNECT"), -6)) == "waits"


def test_authority_and_content_type(requests: Requests) -> None:
    """A host with the port that was called is the authority; a gRPC content type is a content type."""
    asked = requests.ask(0, *GET, (-2, b"cart.shop.svc:50051"), (-3, b"application/grpc+proto"))
    assert (asked.authority, asked.protocol) == (b"cart.shop.svc:50051", "grpc")
    assert requests.said(asked) == "inferred missing"
    assert requests.ask(1, *GET, (-2, b"other")).authority == b"other"


@pytest.mark.parametrize(
    "value", [b"cart.shop.svc", b"cart:8080", b"10.0.0.2", b"a b:50051", b"application/json", b"application/grpc-web"]
)
def test_what_leaves_a_doubt_names_nothing(requests: Requests, value: bytes) -> None:
    """Hosts without the port, and other types, may stand in other fields."""
    asked = requests.ask(0, *GET, (-2, value))
    assert (asked.authority, asked.protocol, requests.said(asked)) == (None, "http/2", "waits")


# --- entries used whole ---


def test_entry_beside_a_traceparent(requests: Requests) -> None:
    """An entry that stands beside a traceparent is not it: before, after, read or inferred."""
    early = requests.ask(0, *GET, -5, -6)
    requests.ask(1, *GET, -5, (b"traceparent", ONE))
    assert requests.said(early) == "waits"
    requests.ask(2, *GET, -6, (-3, ONE))
    assert requests.said(early) == "inferred missing"
    assert requests.said(requests.ask(3, *GET, -5, -6)) == "inferred missing"


def test_entry_that_recurs(requests: Requests) -> None:
    """Eight requests over ten seconds have no value of one request in common."""
    asked = [requests.ask(second, *GET, -5) for second in (0, 1, 2, 3, 4, 5, 6, 9.9)]
    assert {requests.said(each) for each in asked} == {"waits"}
    requests.ask(10, *GET, -5)
    assert {requests.said(each) for each in asked} == {"inferred missing"}


def test_few_requests_do_not_recur(requests: Requests) -> None:
    """Seven requests are not enough, however far apart."""
    asked = [requests.ask(second, *GET, -5) for second in (0, 2, 4, 6, 8, 10, 24)]
    requests.end()
    assert {requests.said(each) for each in asked} == {"header-table"}


@pytest.mark.parametrize(
    "shared", [(b"x-request-id", b"7d0f9c8b-7c8d-1e2f-8a01-0123456789ab"), (-9, b"0123456789abcdef")]
)
def test_one_request_handed_on(requests: Requests, shared: Written) -> None:
    """A client that hands one inbound context to many calls is not accused: they share another id."""
    requests.ask(0, *GET, (-9, b"0123456789000000"), (b"traceparent", ONE))
    for second in range(20):
        requests.ask(second, *GET, -5, shared)
    assert requests.said(requests.ask(20, *GET, -5)) == "waits"
    requests.end()
    assert {asked.unseen for asked in requests.decided[1:]} == {Unseen.HEADER_TABLE}


def test_requests_with_ids_of_their_own(requests: Requests) -> None:
    """Requests with different ids do recur; what all have that is no id, is none."""
    asked = [
        requests.ask(second, *GET, -5, (b"x-request-id", b"7d0f9c8b7c8d1e2f%d" % second), (b"x-trace-mode", b"on"))
        for second in range(11)
    ]
    assert {requests.said(each) for each in asked} == {"inferred missing"}


def test_client_that_repeats_its_traceparent(requests: Requests) -> None:
    """Where a client sends one traceparent again and again, what recurs may be one."""
    requests.ask(0, *GET, -6, (b"traceparent", ONE))
    requests.ask(0, *GET, -6, (b"traceparent", ONE))
    asked = [requests.ask(second, *GET, -5) for second in range(12)]
    requests.end()
    assert {requests.said(each) for each in asked} == {"header-table"}


# --- waiting ---


def test_waiting_ends(requests: Requests) -> None:
    """Evidence counts if it comes in time."""
    early, late = requests.ask(0, *GET, -5), requests.ask(1, *GET, -5)
    requests.ask(limits.VERDICT_SECONDS + 0.5, *GET, -5, (b"traceparent", ONE))
    assert (requests.said(early), requests.said(late)) == ("header-table", "inferred missing")


def test_waiting_ends_in_silence(requests: Requests) -> None:
    """Without further requests it ends a little later, and before an exchange is given up that has no response."""
    early = requests.ask(0, *GET, -5)
    total = limits.VERDICT_SECONDS + limits.VERDICT_GRACE_SECONDS
    assert total <= limits.EXCHANGE_SECONDS
    assert requests.inference.settled(total * SECOND, is_over=False) == []
    assert requests.inference.settled(total * SECOND + 1, is_over=False) == [early]
    assert early.unseen is Unseen.HEADER_TABLE
    assert requests.inference.settled(total * SECOND + 2, is_over=True) == []


def test_question_does_not_change_the_answer() -> None:
    """Nothing depends on when it is asked what is settled."""
    story: list[tuple[float, tuple[Written, ...]]] = [
        (0, (*GET, -5)),
        (12, (*GET, -6)),
        (24, (*GET, -5, (-3, ONE))),
        (26, (*GET, -5, -7)),
        (50, (*GET, -7, (-3, TWO))),
    ]
    expected = [
        "inferred missing",
        "header-table",
        f"inferred {ONE.decode()}",
        "inferred missing",
        f"inferred {TWO.decode()}",
    ]
    for moments in ([], [11, 23], list(range(60))):
        requests, said = Requests(), []
        for seconds, written in story:
            while moments and moments[0] <= seconds:
                requests.decided += requests.inference.settled(moments.pop(0) * SECOND, is_over=False)
            said.append(requests.ask(seconds, *written))
        requests.end()
        assert [requests.said(asked) for asked in said] == expected


def test_new_epoch(requests: Requests) -> None:
    """After a gap entries are others: what waits can't be decided, and nothing is known of the new ones."""
    early = requests.ask(0, *GET, -5)
    requests.ask(1, *GET, -6, (-3, ONE))
    fresh = requests.ask(2, *GET, -6, epoch=1)
    assert (requests.said(early), requests.said(fresh)) == ("header-table", "waits")
    assert requests.said(requests.ask(3, *GET, (-3, ODD), epoch=1)) == "waits"
    requests.ask(4, *GET, -6, (b"traceparent", ONE), epoch=1)
    assert requests.said(fresh) == "inferred missing"
    requests.end()
    assert requests.patience.entries == 0


def test_too_many_wait(requests: Requests, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest that waits is settled where too many do, and counted."""
    monkeypatch.setattr(limits, "VERDICTS_WAITING", 3)
    asked = [requests.ask(0, *GET, -5) for _ in range(5)]
    assert [requests.said(each) for each in asked] == ["header-table", "header-table", "waits", "waits", "waits"]
    assert requests.patience.evictions == {"waiting-verdicts": 2}


def test_too_much_waits_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests do not wait where all connections together have too many that do; room is given back."""
    monkeypatch.setattr(limits, "VERDICTS_WAITING_BYTES", 4000)
    patience = Patience()
    first, second = Requests(patience), Requests(patience)
    assert first.said(first.ask(0, *GET, -5, (-6, b"x" * 2000))) == "waits"
    assert second.said(second.ask(0, *GET, -5)) == "header-table"
    assert patience.evictions == {"waiting-verdicts": 1}
    first.end()
    second.end()
    assert patience.waiting_bytes == patience.entries == 0
    assert second.said(second.ask(0, *GET, -5)) == "waits"


def test_too_many_entries(requests: Requests, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of entries beyond the limit nothing is remembered, so nothing is concluded from what has none but them."""
    monkeypatch.setattr(limits, "TABLE_ENTRIES", 2)
    assert requests.said(requests.ask(0, *GET, -5, -6, -7, (b"traceparent", ONE))) == ONE.decode()
    assert requests.said(requests.ask(1, *GET, -5, -6)) == "inferred missing"
    assert requests.said(requests.ask(1, *GET, -7)) == "header-table"
    assert requests.said(requests.ask(1, *GET, -5, (-7, ONE))) == "header-table"
    assert requests.patience.evictions == {"table-entries": 3}


def test_too_many_entries_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A literal under an entry that could not be remembered is no less the traceparent the next time."""
    monkeypatch.setattr(limits, "TABLE_ENTRIES_TOTAL", 0)
    requests = Requests()
    for value in (ONE, ODD):
        assert requests.said(requests.ask(0, *GET, (-3, value))) == "header-table"
    assert requests.said(requests.ask(0, *GET, -4, unseen=Unseen.GAP)) == "gap"
    assert requests.patience.evictions == {"table-entries": 3}


@pytest.mark.parametrize(("room", "verdict"), [(14, "inferred missing"), (5, "waits")])
def test_too_many_ids(requests: Requests, room: int, verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests whose ids could not be remembered may be one that is handed on: they don't count. Room is given back."""
    monkeypatch.setattr(limits, "RECURRENCE_IDS_TOTAL", room)
    for number in range(12):
        requests.ask(number, *GET, -5, -6, (b"x-request-id", b"0123456789abcde%05d" % number))
    assert requests.said(requests.ask(12, *GET, -5, -6)) == verdict
    assert (requests.patience.evictions["recurrence-ids"] > 0) == (verdict == "waits")
    assert requests.patience.ids == (room if verdict == "waits" else 0)
    requests.end()
    assert requests.patience.ids == 0


def test_ids_of_what_is_excluded_are_forgotten(requests: Requests) -> None:
    """They don't matter any more."""
    requests.ask(0, *GET, -5, (b"x-request-id", b"0123456789abcdef0123"))
    assert requests.patience.ids == 1
    requests.ask(1, *GET, -5, (b"traceparent", ONE))
    assert requests.patience.ids == 0


def test_what_is_known_serves_where_there_are_too_many_entries(
    requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of the traceparent, and those of others, were inferred before; who has it excludes the others."""
    requests.ask(0, *POST, (-2, b"/a.B/C"), (-3, ONE))
    requests.ask(0, *GET, -4)
    monkeypatch.setattr(limits, "TABLE_ENTRIES", 3)
    asked = requests.ask(1, *POST, (-2, b"/a.B/D"), (-3, TWO), -4, -8)
    assert (requests.said(asked), asked.target) == (f"inferred {TWO.decode()}", b"/a.B/D")
    assert requests.said(requests.ask(2, *GET, -4)) == "inferred missing"


def test_too_many_names(requests: Requests, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are inferred so often, and no more; what looks like a traceparent is then in doubt, not missing."""
    monkeypatch.setattr(limits, "NAMES_INFERRED", 1)
    assert requests.ask(0, *POST, -9, (-2, b"/a.B/C")).target == b"/a.B/C"
    doubtful = requests.ask(1, *GET, (-3, ONE))
    requests.end()
    assert requests.said(doubtful) == "header-table"


def test_hostile_blocks_take_linear_work(requests: Requests) -> None:
    """Thousands of literals in one block, all alike, and many that wait, are no more work than their number."""
    looked_at: list[bytes] = []

    def looks(value: bytes) -> bool:
        looked_at.append(value)
        return is_traceparent_shaped(value)

    requests.inference = Inference(REQUEST_FIELDS, looks, requests.patience)
    paths: list[Written] = [(-number, b"/a.B/C") for number in range(1, 3000)]
    shaped: list[Written] = [(-number, traceparent(number)) for number in range(1, 3000)]
    for second in range(10):
        requests.ask(second, *POST, *paths)
        requests.ask(second, *GET, *shaped)
    assert requests.patience.entries <= limits.TABLE_ENTRIES
    assert len(looked_at) <= 2 * 10 * (len(paths) + len(shaped))
    requests.end()
    assert {requests.said(asked) for asked in requests.decided} == {"header-table"}


def test_candidates_of_one_value_take_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight times as many entries that may be the traceparent, beside as many literals each: no more than their number.

    The best of three, and twice the linear time allowed.
    """
    monkeypatch.setattr(limits, "TABLE_ENTRIES", 10_000)

    def seconds(entries: int) -> float:
        written = [(-number, ONE) for number in range(1, entries + 1)]
        best = float("inf")
        for _ in range(3):
            requests = Requests()
            begin = time.perf_counter()
            requests.ask(0, *GET, *written)
            best = min(best, time.perf_counter() - begin)
        return best

    assert seconds(8000) < 16 * seconds(1000)


def test_fields_that_wait_are_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests with many references, long literals or long fields that are kept take more than others."""
    many = range(-200, 0)
    for written in ((*GET, *many), (*GET, (-5, b"x" * 25_600)), (*GET, -5, (b"tracestate", b"x" * 25_600))):
        requests = Requests()
        monkeypatch.setattr(limits, "VERDICTS_WAITING_BYTES", 70_000)
        assert [requests.said(requests.ask(0, *written)) for _ in range(4)] == ["waits"] * 2 + ["header-table"] * 2
        assert requests.patience.evictions == {"waiting-verdicts": 2}
        requests.end()
        assert requests.patience.waiting_bytes == 0


def reference(index: int) -> bytes:
    """Return a field that is nothing but an index, of two octets or more (RFC 7541 5.1)."""
    rest, octets = index - 127, [0xFF]
    while rest >= 128:
        octets.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*octets, rest])


def joined_late(indices: range, blocks: int) -> tuple[Requests, float]:
    """Take so many blocks of such references; return the requests, and the seconds that the quickest block took."""
    fragment = b"\x82\x86\x84" + b"".join(map(reference, indices))
    decoder, requests, best = Decoder(is_complete=False), Requests(), float("inf")
    for _ in range(blocks):
        begin = time.perf_counter()
        decoded = decoder.decode(fragment)
        asked = Exchange(CHANNEL, "http/2", "2", 0, 0, 1, 1, None, None, [])
        requests.inference.take(asked, decoded, 0)
        best = min(best, time.perf_counter() - begin)
    return requests, best


def test_blocks_of_nothing_but_unknown_references_take_linear_time() -> None:
    """63 kB of references, all different: as much for each as in a block of a tenth."""
    (_, short), (requests, long) = joined_late(range(200, 2200), 3), joined_late(range(200, 20_200), 3)
    assert long < 25 * short
    assert requests.patience.entries <= limits.TABLE_ENTRIES


@pytest.mark.parametrize(("indices", "blocks"), [(range(200, 20_200), 4), (range(200, 1200), 60)])
def test_what_waits_is_as_large_as_is_charged_for_it(
    indices: range, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks whose references can't be told apart don't wait; where they can, so many wait as there is room for."""
    monkeypatch.setattr(limits, "VERDICTS_WAITING_BYTES", 2 * limits.MIB)
    tracemalloc.start()
    requests, _ = joined_late(indices, blocks)
    held_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    entries_bytes = 512 * requests.patience.entries
    assert held_bytes < 1.3 * limits.VERDICTS_WAITING_BYTES + entries_bytes
    assert requests.patience.evictions
