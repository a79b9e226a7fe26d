"""Captures of many keep-alive connections: a few clients' forms, a few servers' heads, and whatever else there is.

Made of a seed: hundreds of exchanges are too many to be drawn one by one.
"""

from random import Random

from builders import Clock, Conversation, Packet, head, merge, traceparent
from strategies.exchanges import FALSE_REQUEST, FALSE_RESPONSE

CLIENTS = ("10.0.0.1", "10.0.0.2", "203.0.113.9")
SERVERS = (("10.0.1.1", 80), ("10.0.1.2", 8080))
FORMS: tuple[tuple[tuple[str, str], ...], ...] = (
    (("Host", "shop.example"), ("User-Agent", "checkout/2"), ("traceparent", "?"), ("Accept", "*/*")),
    (("User-Agent", "Go-http-client/1.1"), ("Host", "pricing.example"), ("Traceparent", "?")),
    (("Host", "shop.example"), ("User-Agent", "checkout/2"), ("Accept", "*/*")),
    (("Accept", "*/*"), ("Host", "shop.example"), ("User-Agent", "checkout/2"), ("traceparent", "?")),
    (("Host", "shop.example"), ("traceparent", "?"), ("tracestate", "a=1")),
    (("Host", "10.0.1.1"), ("b3", "0"), ("User-Agent", "kube-probe/1.30")),
    (("Host", "shop.example"), ("no field", ""), ("traceparent", "?")),
)
"""Fields of requests; `?` stands for a traceparent."""
TARGETS = ("/orders/17", "/orders/18?page=2", "/price?sku=5", "/", "/healthz", "/static/a.css", "*")
ODD_VALUES = (
    "00-" + "0" * 32 + "-" + "b" * 16 + "-01",
    "00-" + "A" * 32 + "-" + "b" * 16 + "-01",
    "ff-" + "a" * 32 + "-" + "b" * 16 + "-01",
    "00-" + "a" * 32 + "-" + "b" * 16 + "-ff",
    "00-" + "a" * 32 + "-" + "b" * 16 + "-1 ",
    " 00-" + "a" * 32 + "-" + "b" * 16 + "-1",
    "00-short",
    "",
)
USUAL_LENGTHS = (0, 5, 300, 3000)
KINDS = (
    ("get", 60), ("post", 12), ("post apart", 6), ("head", 3), ("pipelined", 3), ("expects", 3), ("no content", 3),
    ("not modified", 2), ("chunked", 8), ("chunks", 4), ("failed", 4), ("unknown", 4), ("odd", 8), ("empty line", 1),
    ("line by line", 1), ("early", 1), ("websocket", 1), ("broken", 1), ("silence", 1),
)  # fmt: skip
"""What happens, and how often of some hundred times."""


def plain_traceparent(random: Random) -> str:
    """Return a value of which nothing is to be said."""
    flags = random.choice(("00", "01", "01", "03"))
    return f"00-{random.getrandbits(127) + 2**127:032x}-{random.getrandbits(63) + 1:016x}-{flags}"


class Habits:
    """What is usual in one capture."""

    def __init__(self, random: Random) -> None:
        self.usual = random.choice(("get", "get", "post", "chunked", "failed"))
        self.odd = random.choice((0.1, 0.5, 1))
        self.forms = random.sample(FORMS, random.choice((1, 2, 4)))
        self.targets = random.sample(TARGETS, random.choice((1, 2, 4)))


class Client:
    """One connection, on which one exchange follows the other."""

    def __init__(self, random: Random, clock: Clock, port: int, habits: "Habits") -> None:
        self.random = random
        self.habits = habits
        self.talk = Conversation((random.choice(CLIENTS), port), random.choice(SERVERS), clock)
        self.talk.client_sequence = random.choice((1000, 2**32 - 300))
        self.form = random.choice(habits.forms)
        self.is_over = False
        if random.randrange(8):
            self.talk.open()

    def exchange(self) -> None:
        """Ask something, and be answered."""
        kinds, weights = zip(*KINDS, strict=True)
        is_odd = self.random.random() < self.habits.odd
        (kind,) = self.random.choices(kinds, weights) if is_odd else [self.habits.usual]
        getattr(self, kind.replace(" ", "_"))()
        if not self.random.randrange(4):
            self.talk.client_acks()

    def asks(self, method: str = "GET", body: bytes = b"", fields: tuple[tuple[str, str], ...] = ()) -> bytes:
        """Return a request."""
        form = self.form if self.random.randrange(12) else self.random.choice(FORMS)
        target = self.random.choice(self.habits.targets if self.random.randrange(4) else TARGETS)
        value = plain_traceparent(self.random)
        filled = [(name, value if text == "?" else text) for name, text in form]
        length = (("Content-Length", str(len(body))),) if body else ()
        return head(f"{method} {target} HTTP/1.1", [*filled, *fields, *length]) + body

    def answer(self, status: int = 200, length: int | None = None, fields: tuple[tuple[str, str], ...] = ()) -> bytes:
        """Return a response whose body looks like others."""
        if length is None:
            length = self.random.choice(USUAL_LENGTHS)
        body = (FALSE_RESPONSE * 200)[:length]
        return head(f"HTTP/1.1 {status} x", [("Server", "nginx"), *fields, ("Content-Length", str(length))]) + body

    def says(self, *requests: bytes) -> None:
        """Send requests, each a segment or several."""
        for octets in requests:
            self.talk.client_sends(octets, self.size(octets))

    def hears(self, *responses: bytes) -> None:
        """Receive responses."""
        for octets in responses:
            self.talk.server_sends(octets, self.size(octets))

    def size(self, octets: bytes) -> int:
        """Choose the size of segments: full ones, or some ten or twenty."""
        return self.random.choice((1460,) * 12 + (max(len(octets) // 10, 7), max(len(octets) // 20, 3)))

    # --- what happens ---

    def get(self) -> None:
        """Ask and be answered, as nearly always."""
        self.says(self.asks())
        self.hears(self.answer())

    def post(self) -> None:
        """Send a body behind the head."""
        self.says(self.asks("POST", b'{"sku": 5}'))
        self.hears(self.answer(201))

    def post_apart(self) -> None:
        """Send a body in a segment of its own, which may look like a request."""
        octets = self.asks("PUT", self.random.choice((b'{"sku": 5}', FALSE_REQUEST, b"\r\n\r\n")))
        cut = octets.index(b"\r\n\r\n") + 4
        self.says(octets[:cut], octets[cut:])
        self.hears(self.answer())

    def head(self) -> None:
        """Be answered without the body that the fields tell of."""
        self.says(self.asks("HEAD"))
        self.hears(self.answer(200, 300).partition(b"\r\n\r\n")[0] + b"\r\n\r\n")

    def pipelined(self) -> None:
        """Ask two or three times at once, in one segment or not."""
        requests = [self.asks() for _ in range(self.random.choice((2, 3)))]
        self.says(*([b"".join(requests)] if self.random.randrange(2) else requests))
        responses = [self.answer() for _ in requests]
        self.hears(*([b"".join(responses)] if self.random.randrange(2) else responses))

    def expects(self) -> None:
        """Get interim responses, one of them before the body of the request."""
        octets = self.asks("POST", b"hello", (("Expect", "100-continue"),))
        cut = octets.index(b"\r\n\r\n") + 4
        self.says(octets[:cut])
        self.hears(head("HTTP/1.1 100 Continue", []))
        self.says(octets[cut:])
        self.hears(head("HTTP/1.1 103 Early Hints", []), self.answer())

    def no_content(self) -> None:
        """Be answered without a body, and without a field that says so."""
        self.says(self.asks("DELETE"))
        self.hears(head("HTTP/1.1 204 No Content", [("Server", "nginx")]))

    def not_modified(self) -> None:
        """Be told a length of what would have been sent."""
        self.says(self.asks())
        self.hears(head("HTTP/1.1 304 Not Modified", [("Content-Length", "300")]))

    def chunked(self) -> None:
        """Be answered in one chunk."""
        body = FALSE_RESPONSE * self.random.choice((1, 20))
        self.says(self.asks())
        self.hears(self.chunked_head() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))

    def chunks(self) -> None:
        """Be answered in several, or none, with extensions and trailers."""
        bodies = (b"5;a=b\r\nhello\r\n2\r\n\r\n\r\n0\r\nX: y\r\n\r\n", b"0\r\n\r\n", b"7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n")
        self.says(self.asks())
        self.hears(self.chunked_head(), self.random.choice(bodies))

    def chunked_head(self) -> bytes:
        """Return the head of a response."""
        return head("HTTP/1.1 200 OK", [("Server", "nginx"), ("Transfer-Encoding", "chunked")])

    def failed(self) -> None:
        """Be told that the server failed."""
        self.says(self.asks())
        self.hears(self.answer(self.random.choice((500, 503)), 5))

    def unknown(self) -> None:
        """Send and receive heads that come once."""
        odd = (("X-Request-Id", str(self.random.random())),)
        self.says(self.asks(fields=odd))
        self.hears(self.answer(fields=odd))

    def odd(self) -> None:
        """Send a traceparent that is not as it should be, or two, in front or behind."""
        fields = [("Host", "shop.example"), ("User-Agent", "checkout/2"), ("traceparent", "?"), ("Accept", "*/*")]
        if self.random.randrange(2):
            fields.insert(self.random.randrange(5), ("traceparent", traceparent(5)))
        value = self.random.choice(ODD_VALUES)
        self.says(head("GET /odd HTTP/1.1", [(name, value if text == "?" else text) for name, text in fields]))
        self.hears(self.answer(200, 5))

    def empty_line(self) -> None:
        """Put an empty line behind request and response (RFC 9112 2.2)."""
        self.says(self.asks() + b"\r\n")
        self.hears(self.answer() + b"\r\n")

    def line_by_line(self) -> None:
        """Send heads in many segments."""
        self.says(*self.asks().splitlines(keepends=True))
        self.hears(*self.answer(200, 0).splitlines(keepends=True))

    def early(self) -> None:
        """Be answered before the request is over."""
        octets = self.asks("POST", b"0123456789")
        self.says(octets[:-4])
        self.hears(self.answer(413))
        self.says(octets[-4:])

    def websocket(self) -> None:
        """Leave HTTP/1, if the server agrees."""
        self.says(self.asks(fields=(("Upgrade", "websocket"),)))
        if self.random.randrange(2):
            self.hears(self.answer())
            return
        self.hears(head("HTTP/1.1 101 Switching Protocols", [("Upgrade", "websocket")]), FALSE_RESPONSE)
        self.says(FALSE_REQUEST)
        self.is_over = True

    def broken(self) -> None:
        """Say what no parser takes, so that boundaries are unknown."""
        self.says(
            self.random.choice(
                (b"?\r\n\r\n", self.asks() + b"\0" * 9, self.asks("GET /")),
            )
        )
        self.hears(self.random.choice((self.answer(), b"5\r\n" + FALSE_RESPONSE, self.chunked_head() + b"?\r\n")))

    def silence(self) -> None:
        """Be answered late, or never."""
        self.says(self.asks())
        self.talk.clock.wait(self.random.choice((0.1, 61)))
        if self.random.randrange(2):
            self.hears(self.answer())


def capture(seed: int, exchanges: int = 120, *, is_lossy: bool) -> list[Packet]:
    """Return the packets of some connections."""
    random = Random(seed)
    clock = Clock(step_ns=random.choice((10_000, 1_000_000)))
    habits = Habits(random)
    clients = [Client(random, clock, 40000 + number, habits) for number in range(random.choice((1, 4, 9)))]
    finished: list[Client] = []
    for _ in range(exchanges):
        client = random.choice(clients)
        client.exchange()
        if client.is_over or not random.randrange(60):
            if random.randrange(2):
                client.talk.close(by_client=bool(random.randrange(2)))
            finished.append(client)
            clients.remove(client)
            clients.append(Client(random, clock, 41000 + len(finished), habits))
    packets = merge(*(client.talk for client in (*finished, *clients)))
    return damaged(random, packets) if is_lossy else packets


def ordinary(seed: int, exchanges: int = 400) -> list[Packet]:
    """Return the packets of some connections on which one request is like the other, but for one thing at times.

    Requests without a traceparent are seldom at first, so that the earliest of them come when heads are known.
    """
    random = Random(seed)
    clock = Clock(step_ns=10_000)
    forms = ((("Host", "shop.example"), ("traceparent", "?")), (("Host", "shop.example"), ("Accept", "*/*")))
    values = [value for value in ODD_VALUES if len(value) == len(traceparent(1))]
    talks = [Conversation((random.choice(CLIENTS), 40000 + port), random.choice(SERVERS), clock) for port in range(6)]
    for talk in talks:
        talk.open()
    for number in range(exchanges):
        talk = random.choice(talks)
        known = forms if number > exchanges // 2 or talk.client[0] == CLIENTS[0] else forms[:1]
        is_odd = random.randrange(10) == 0
        value = random.choice(values) if is_odd else plain_traceparent(random)
        fields = [(name, value if text == "?" else text) for name, text in random.choice(known)]
        target = "/orders?" if random.randrange(4) else "/healthz?"
        status = random.choice((200, 200, 404, 503))
        talk.client_sends(head(f"GET {target}{random.randrange(9)} HTTP/1.1", fields))
        talk.server_sends(head(f"HTTP/1.1 {status} x", [("Content-Length", "5")]) + b"hello")
    return merge(*talks)


def damaged(random: Random, packets: list[Packet]) -> list[Packet]:
    """Lose some packets, let some come late or twice; timestamps stay in order."""
    placed: list[tuple[float, Packet]] = []
    rate = random.choice((20, 100, 400))
    for place, packet in enumerate(packets):
        fate = random.randrange(rate)
        if fate != 0:
            placed.append((place + (fate == 1) * 3.5, packet))
        if fate == 2:
            placed.append((place + random.choice((0.1, 4.1)), packet))
    in_order = [packet for _, packet in sorted(placed, key=lambda each: each[0])]
    times = sorted(packet.time_ns for packet in in_order)
    return [Packet(packet.data, time_ns) for packet, time_ns in zip(in_order, times, strict=True)]
