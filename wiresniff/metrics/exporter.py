"""Exporter: what the capture loop hands over, and what is served of it."""

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from http import HTTPStatus

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import gzip_accepted

from wiresniff.metrics.certificates import Certificates
from wiresniff.metrics.exposition import encoder, expose
from wiresniff.metrics.listen import ListenAddress, bind
from wiresniff.metrics.messages import Request, Response, plain
from wiresniff.metrics.page import PAGE_FIELDS, render_page
from wiresniff.metrics.passwords import Passwords
from wiresniff.metrics.processes import Processes
from wiresniff.metrics.series import InterfaceTable, Odometers, PairTable
from wiresniff.metrics.server import Server
from wiresniff.metrics.snapshot import COUNTS, Live, Snapshot
from wiresniff.model.accounting import Accounting
from wiresniff.model.capture_state import CaptureState
from wiresniff.model.growth import Growth
from wiresniff.model.web import WebConfig

FRESH_SECONDS = 1.0
"""A snapshot that is not older is fresh enough for a scrape."""
PATIENCE_SECONDS = 2.0
"""A scrape waits so long for a fresh one, and takes the one there is then."""
REFRESH_SECONDS = 60.0
"""Without scrapes snapshots are taken so often, so that pairs expire and the page knows the last minutes."""
GZIP_LEVEL = 1
"""A thirtieth of the text is left; with 6 it is a little less and takes five times as long."""
PAUSE = 4
"""After a wrong password, in multiples of the time that bcrypt took: who guesses gets a fifth of a core."""

CHALLENGE = ("WWW-Authenticate", 'Basic realm="wiresniff", charset="UTF-8"')
OPEN_PATHS = ("/healthz", "/readyz")
"""Served without a password: probes have none, and learn nothing but that the process is there."""
METHODS = ("GET", "HEAD")


class Exporter:
    """Metrics of a live capture.

    The capture loop asks `is_due` after every block and, if so, calls `publish`; both cost next to nothing otherwise.
    All that is made there is handed to the server's thread by one assignment.
    """

    def __init__(
        self,
        *,
        shows_page: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._wall_clock = wall_clock
        self._pairs = PairTable(clock())
        self._interfaces = InterfaceTable()
        self._counts, self._anomalies, self._evictions = Odometers(), Odometers(), Odometers()
        self._policy_is_good, self._policy_time = True, wall_clock()
        self._snapshot = Snapshot()
        self._published: float | None = None
        self._is_wanted = False
        self._waiting: set[asyncio.Future[None]] = set()
        self._process = CollectorRegistry(auto_describe=False)
        self._processes = Processes()
        self._process.register(self._processes)
        self._rendered: dict[tuple[str, bool], tuple[Snapshot, Response]] = {}
        self._passwords: Passwords | None = None
        self._password_turn = asyncio.Lock()
        self._server: Server | None = None
        self._routes: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "/metrics": self._answer_metrics,
            "/healthz": _say_ok,
            "/readyz": _say_ok,
        }
        if shows_page:
            self._routes["/"] = self._answer_page

    # The capture loop's side.

    @property
    def is_due(self) -> bool:
        """Somebody waits for a fresh snapshot, or there has been none for a while."""
        return self._is_wanted or self._published is None or self._clock() - self._published >= REFRESH_SECONDS

    def publish(
        self, growth: Iterable[Growth], accounting: Accounting, capture: CaptureState, connections: int
    ) -> None:
        """Take what pairs grew by since the last call, and everything else as it is now.

        accounting   totals since the start; not changed by anybody afterwards
        connections  TCP connections that are followed now
        """
        now = self._clock()
        self._pairs.add(growth, now)
        self._snapshot = Snapshot(
            self._pairs.pairs(),
            self._counts.read({word: accounting.counts[word] for word in COUNTS}),
            self._anomalies.read(accounting.anomalies),
            self._evictions.read(accounting.evictions),
            connections,
            accounting,
            Live(
                self._interfaces.read(capture.interfaces),
                self._policy_is_good,
                self._policy_time,
                self._wall_clock(),
            ),
            self._pairs.earlier(now),
            self._pairs.hops(),
        )
        self._published = now
        if self._is_wanted and self._server is not None:
            self._is_wanted = False
            self._server.call_soon(self._wake)

    def policy_reloaded(self, *, is_good: bool) -> None:
        """Note that the policy was read again; a bad one leaves the one before it in force."""
        self._policy_is_good = is_good
        if is_good:
            self._policy_time = self._wall_clock()

    # Serving.

    def bind(self, listen: ListenAddress, web: WebConfig | None = None) -> list[tuple[str, int]]:
        """Open what needs rights or files: sockets, certificates. Returns addresses and ports that are listened at.

        Raises UsageError.
        """
        web = web or WebConfig()
        certificates = Certificates(web.tls) if web.tls is not None else None
        self._passwords = Passwords(web.users) if web.users else None
        sockets = bind(listen)
        self._server = Server(sockets, self.answer, certificates)
        return [each.getsockname()[:2] for each in sockets]

    def add_workers(self, processes: Sequence[int]) -> None:
        """Count what these processes cost as well; before `start`."""
        self._processes.add(processes)

    def start(self) -> None:
        """Start the server's thread: it keeps the capabilities that the calling thread has now, so drop them before."""
        assert self._server is not None
        self._server.start()

    def serve(self, listen: ListenAddress, web: WebConfig | None = None) -> list[tuple[str, int]]:
        """Bind and start."""
        bound = self.bind(listen, web)
        self.start()
        return bound

    def close(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.close()

    # The server's side: everything below runs in its thread.

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        if request.path not in OPEN_PATHS and not await self._may(request):
            return plain(HTTPStatus.UNAUTHORIZED, CHALLENGE)
        route = self._routes.get(request.path)
        if route is None:
            return plain(HTTPStatus.NOT_FOUND)
        if request.method not in METHODS:
            return plain(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", ", ".join(METHODS)))
        return await route(request)

    async def _may(self, request: Request) -> bool:
        if self._passwords is None:
            return True
        authorization = request.field("authorization")
        known = self._passwords.known(authorization)
        if known is not None:
            return known
        async with self._password_turn:  # one at a time
            known = self._passwords.known(authorization)
            if known is None:
                began = time.perf_counter()
                known = self._passwords.check(authorization)
                if not known:
                    await asyncio.sleep(PAUSE * (time.perf_counter() - began))
        return known

    async def _answer_metrics(self, request: Request) -> Response:
        await self._refresh()
        compresses = gzip_accepted(request.field("accept-encoding"))
        encode, content_type = encoder(request.field("accept"))
        key = (content_type, compresses)
        snapshot, response = self._rendered.get(key, (None, None))
        if response is None or snapshot is not self._snapshot:
            snapshot = self._snapshot
            body = expose(snapshot, content_type) + encode(self._process)
            fields: tuple[tuple[str, str], ...] = (("Vary", "Accept, Accept-Encoding"),)
            if compresses:
                body, fields = gzip.compress(body, GZIP_LEVEL), (("Content-Encoding", "gzip"), *fields)
            response = Response(HTTPStatus.OK, body, content_type, fields)
            self._keep(key, snapshot, response)
        return response

    def _keep(self, key: tuple[str, bool], snapshot: Snapshot, response: Response) -> None:
        """Keep a rendering for others who want the same: it is made once per snapshot."""
        if len(self._rendered) >= RENDERINGS:
            self._rendered.clear()
        self._rendered[key] = snapshot, response

    async def _answer_page(self, _request: Request) -> Response:
        await self._refresh()
        page = render_page(self._snapshot)
        return Response(HTTPStatus.OK, page.encode("utf-8", "replace"), "text/html; charset=utf-8", PAGE_FIELDS)

    async def _refresh(self) -> None:
        """Wait for a fresh snapshot, but not for long: capture may have no time for it."""
        if self._published is not None and self._clock() - self._published < FRESH_SECONDS:
            return
        fresh = asyncio.get_running_loop().create_future()
        self._waiting.add(fresh)
        self._is_wanted = True
        await asyncio.wait([fresh], timeout=PATIENCE_SECONDS)
        self._waiting.discard(fresh)

    def _wake(self) -> None:
        for fresh in self._waiting:
            if not fresh.done():
                fresh.set_result(None)
        self._waiting.clear()


RENDERINGS = 4
"""Renderings kept: of two scrapers that accept different things, compressed and not."""


async def _say_ok(_request: Request) -> Response:
    return Response(HTTPStatus.OK, b"ok\n")
