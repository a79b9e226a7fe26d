"""The HTTP server: one thread, one event loop, bounded in everything.

A connection that waits for its client (TLS handshake, head, next request) has a deadline and can be displaced by a new
one; a client that does not read its response is cut. So neither slow nor many clients keep others from being served.
The thread has the capabilities of the one that starts it: start it after they are dropped; sockets are bound before.
"""

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from wiresniff.metrics.certificates import Certificates
from wiresniff.metrics.messages import BadRequestError, Request, Response, parse_head, plain
from wiresniff.model import limits

WRITE_BYTES = 64 * 1024
"""Written at a time, so that a slow client holds no copy of a whole response."""
RENEW_SECONDS = 10
"""Between looks at the files of the certificate."""
RETRY_SECONDS = 0.2
"""Before the next connection is taken after the system refused one (no more file descriptors)."""
CLOSE_SECONDS = 1
SETTLE_SECONDS = 0.01
"""For transports that were aborted: they close their sockets in a later turn of the loop."""
END_OF_HEAD = b"\r\n\r\n"

Answer = Callable[[Request], Awaitable[Response]]

log = logging.getLogger(__name__)


class _Connection:
    """One connection, and since when it waits for its client; None while it is answered."""

    def __init__(self, opened: socket.socket, now: float) -> None:
        self.socket = opened
        self.waits_since: float | None = now
        self.task: asyncio.Task[None] | None = None
        self.writer: asyncio.StreamWriter | None = None
        self.is_over = False
        """It ended as it should; else what is not sent yet is dropped."""


class Server:
    """Serves what `answer` says on sockets that listen already."""

    def __init__(self, sockets: list[socket.socket], answer: Answer, certificates: Certificates | None) -> None:
        self._sockets = sockets
        self._answer = answer
        self._certificates = certificates
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_say_quietly)
        self._connections: set[_Connection] = set()
        self._thread: threading.Thread | None = None
        self._stop = asyncio.Event()

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="wiresniff-metrics", daemon=True)
        self._thread.start()

    def call_soon(self, called: Callable[[], object]) -> None:
        """Call something in the thread of the server; nothing happens once it is closed."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(called)

    def close(self) -> None:
        """End all connections and the thread."""
        if self._thread is not None:
            self.call_soon(self._stop.set)
            self._thread.join(CLOSE_SECONDS * 3)
        else:
            self._loop.close()
        for each in self._sockets:
            each.close()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        for each in self._sockets:
            self._listen(each)
        tasks: list[asyncio.Task[None]] = []
        if self._certificates is not None:
            tasks.append(self._loop.create_task(self._renew(self._certificates)))
        await self._stop.wait()
        for each in self._sockets:
            self._loop.remove_reader(each)
        tasks += [connection.task for connection in self._connections if connection.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
        await asyncio.sleep(SETTLE_SECONDS)

    async def _renew(self, certificates: Certificates) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            certificates.renew()

    def _listen(self, listening: socket.socket) -> None:
        self._loop.add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        try:
            opened, _ = listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError:
            self._loop.remove_reader(listening)
            self._loop.call_later(RETRY_SECONDS, self._listen, listening)
            return
        if not self._make_room():
            opened.close()
            return
        opened.setblocking(False)
        connection = _Connection(opened, self._loop.time())
        self._connections.add(connection)
        connection.task = self._loop.create_task(self._speak(connection))
        connection.task.add_done_callback(partial(self._end, connection))

    def _make_room(self) -> bool:
        """Tell whether there is room; if need be by ending the connection that has waited longest for its client."""
        if len(self._connections) < limits.HTTP_CONNECTIONS:
            return True
        waiting = [(each.waits_since, id(each), each) for each in self._connections if each.waits_since is not None]
        if not waiting:
            return False
        longest = min(waiting)[2]
        self._connections.discard(longest)
        if longest.task is not None:
            longest.task.cancel()
        return True

    async def _speak(self, connection: _Connection) -> None:
        try:
            reader, writer = await self._open(connection)
            connection.writer = writer
            await self._converse(connection, reader, writer)
            connection.is_over = True
        except (OSError, EOFError):  # TimeoutError is an OSError: all are the client's
            pass
        except Exception:
            log.exception("a request for metrics could not be answered")

    def _end(self, connection: _Connection, _task: asyncio.Task[None]) -> None:
        """Close what a task leaves, also one that was cancelled before it began."""
        self._connections.discard(connection)
        if connection.writer is None:
            connection.socket.close()
        elif connection.is_over:
            connection.writer.close()
        else:
            connection.writer.transport.abort()

    async def _open(self, connection: _Connection) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader = asyncio.StreamReader(limits.HTTP_HEAD_BYTES, self._loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=self._loop)
        tls: dict[str, Any] = {}
        if self._certificates is not None:
            tls = {
                "ssl": self._certificates.context,
                "ssl_handshake_timeout": limits.HTTP_HEAD_SECONDS,
                "ssl_shutdown_timeout": CLOSE_SECONDS,
            }
        transport, _ = await self._loop.connect_accepted_socket(lambda: protocol, connection.socket, **tls)
        transport.set_write_buffer_limits(0)  # written means gone: nothing is left behind for one who doesn't read
        return reader, asyncio.StreamWriter(transport, protocol, reader, self._loop)

    async def _converse(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        patience = limits.HTTP_HEAD_SECONDS
        while True:
            connection.waits_since = self._loop.time()
            request: Request | None = None
            try:
                head = await _head(reader, patience)
                connection.waits_since = None
                request = parse_head(head)
                response = await self._answer(request)
            except BadRequestError as error:
                response = plain(error.status)
            except asyncio.LimitOverrunError:
                response = plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            connection.waits_since = None
            is_last = request is None or request.is_last
            body = b"" if request is not None and request.method == "HEAD" else response.body
            async with asyncio.timeout(limits.HTTP_WRITE_SECONDS):
                await _write(writer, response.head(is_last=is_last), body)
            if is_last:
                connection.waits_since = self._loop.time()
                await _linger(reader, writer)
                return
            patience = limits.HTTP_IDLE_SECONDS


async def _head(reader: asyncio.StreamReader, patience: float) -> bytes:
    """Return the next head; its first byte may take `patience` seconds."""
    async with asyncio.timeout(patience):
        first = await reader.readexactly(1)
    async with asyncio.timeout(limits.HTTP_HEAD_SECONDS):
        return first + await reader.readuntil(END_OF_HEAD)


async def _write(writer: asyncio.StreamWriter, head: bytes, body: bytes) -> None:
    writer.write(head)
    for at in range(0, len(body), WRITE_BYTES):
        writer.write(body[at : at + WRITE_BYTES])
        await writer.drain()
    await writer.drain()


async def _linger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let the client read the response before it learns that what else it sent was not read (RFC 9112 9.6)."""
    if writer.can_write_eof():
        writer.write_eof()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            while await reader.read(WRITE_BYTES):
                pass


def _say_quietly(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Keep what clients do to their connections out of the log."""
    log.debug("%s", context.get("message"))
