"""Processes that are forked off this one, and the line to each: objects go both ways, whole and in order."""

import gc
import os
import pickle
import select
import signal
import socket
import struct
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from typing import NoReturn

from wiresniff.model.errors import CaptureError

LENGTH = struct.Struct("=Q")
FAILED = 70
"""Exit status of a worker in which our own code failed (EX_SOFTWARE of sysexits.h)."""
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
"""They reach a whole group of processes; the parent says what is to be done."""


class Link:
    """One end of a line between two processes that trust each other: what goes over it is pickled."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self.descriptor = end.fileno()
        self._coming = bytearray(LENGTH.size)
        """The length of the next object, or the object: as much as there is of it."""
        self._at = 0
        self._has_length = self._is_over = False

    def send(self, message: object) -> None:
        """Send an object; wait until all of it is on its way."""
        self._socket.sendall(framed(message))

    def send_some(self, octets: memoryview) -> int:
        """Send what can be sent without waiting; return how many bytes that were."""
        try:
            return self._socket.send(octets, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0

    def is_ready(self) -> bool:
        """Take what came, without waiting; tell whether that is a whole object, or the other process is gone."""
        return self._read(socket.MSG_DONTWAIT)

    def receive(self) -> object:
        """Wait for an object. Raises EOFError where the other process is gone."""
        self._read(0)
        if self._is_over:
            raise EOFError
        octets = self._coming
        self._expect(LENGTH.size, has_length=False)
        return pickle.loads(octets)  # noqa: S301  # from a process that we made

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _expect(self, length: int, *, has_length: bool) -> None:
        self._coming, self._at, self._has_length = bytearray(length), 0, has_length

    def _read(self, flags: int) -> bool:
        """Read up to the end of an object; return False where there is no more now, and `flags` say not to wait."""
        while not self._is_over:
            if self._at < len(self._coming):
                try:
                    count = self._socket.recv_into(memoryview(self._coming)[self._at :], 0, flags)
                except BlockingIOError:
                    return False
                except ConnectionResetError:
                    count = 0
                self._at += count
                self._is_over = not count
            elif self._has_length:
                break
            else:
                (length,) = LENGTH.unpack(self._coming)
                self._expect(length, has_length=True)
        return True


def framed(message: object) -> bytes:
    """Return an object as it goes over a line."""
    octets = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(octets)) + octets


class Worker:
    """A process that was forked off this one."""

    def __init__(self, number: int, process: int, link: Link) -> None:
        self.number = number
        self.process = process
        self.link = link
        self.inbox: deque[object] = deque()
        """What came and was not looked at."""
        self.outbox: deque[memoryview] = deque()
        """What is to be sent as soon as the worker takes it."""
        self._status: int | None = None
        """How it ended, once that was asked for."""

    def receive(self) -> object:
        """Wait for an object. Raises CaptureError where the worker is gone."""
        return self.inbox.popleft() if self.inbox else _received(self)

    def push(self) -> None:
        """Send what can be sent without waiting. Raises CaptureError where the worker is gone."""
        while self.outbox:
            try:
                count = self.link.send_some(self.outbox[0])
            except OSError as error:
                raise self.death() from error
            if not count:
                return
            rest = self.outbox.popleft()[count:]
            if rest:
                self.outbox.appendleft(rest)

    def death(self) -> CaptureError:
        """Say in a sentence how the worker ended."""
        status = self.wait()
        if status < 0:
            how = f"was killed (signal {-status})"
            why = "; perhaps there was no memory for it" if -status == signal.SIGKILL else ""
        else:
            how, why = f"ended by itself (status {status})", ""
        return CaptureError(f"job {self.number + 1} {how}{why}; run again with fewer --jobs")

    def wait(self) -> int:
        """Wait for its end; return its exit status, or minus the number of the signal that killed it."""
        if self._status is None:
            self.link.close()
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        return self._status

    def kill(self) -> None:
        """End it whatever it does."""
        if self._status is None:
            os.kill(self.process, signal.SIGKILL)
        self.wait()


def fork(count: int, work: Callable[[int, Link], None]) -> list[Worker]:
    """Fork workers off this process, which has one thread; each calls `work` with its number and its end of a line.

    What was made before is theirs as well: rings, memory that is shared. They end with the parent: the line ends then.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()  # what is there now is not looked at again, in no process, so that its memory stays shared
    workers: list[Worker] = []
    for number in range(count):
        ours, theirs = socket.socketpair()
        process = os.fork()
        if not process:
            ours.close()
            for other in workers:
                other.link.close()
            _run(work, number, Link(theirs))
        theirs.close()
        workers.append(Worker(number, process, Link(ours)))
    return workers


def _run(work: Callable[[int, Link], None], number: int, link: Link) -> NoReturn:
    """Do the work of a worker, and end without doing anything of what the parent does at its end."""
    status = FAILED
    try:
        for each in IGNORED:
            signal.signal(each, signal.SIG_IGN)
        work(number, link)
        status = 0
    except (EOFError, BrokenPipeError, ConnectionResetError):  # the parent is gone
        status = 0
    except BaseException:  # noqa: BLE001  # what happens here must not go on in what the parent would do next
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def readable(workers: Sequence[Worker], seconds: float | None = 0) -> list[Worker]:
    """Return the workers of which an object is here; wait so long for one (None: until there is one).

    What waits to be sent is sent meanwhile. Raises CaptureError where a worker is gone.
    """
    until = None if seconds is None else time.monotonic() + seconds
    while not any(worker.inbox for worker in workers):
        _exchange(workers, None if until is None else max(until - time.monotonic(), 0))
        if until is not None and time.monotonic() >= until:
            break
    return [worker for worker in workers if worker.inbox]


def post_to_all(workers: Sequence[Worker], message: object) -> None:
    """Send an object to all workers, without waiting: what a slow one can't take yet is sent by `readable`.

    Raises CaptureError where one is gone.
    """
    octets = framed(message)
    for worker in workers:
        worker.outbox.append(memoryview(octets))
        worker.push()


def send_to_all(workers: Sequence[Worker], message: object) -> None:
    """Send an object to all workers. Raises CaptureError where one is gone.

    What they send meanwhile is taken: a worker that waits until it has sent something reads nothing.
    """
    post_to_all(workers, message)
    while any(worker.outbox for worker in workers):
        _exchange(workers, None)


def _exchange(workers: Sequence[Worker], seconds: float | None) -> None:
    """Wait so long until something can be taken or sent; take and send what can be without waiting any more."""
    waiting = [worker.link.descriptor for worker in workers if worker.outbox]
    full, free, _ = select.select([worker.link.descriptor for worker in workers], waiting, [], seconds)
    for worker in workers:
        if worker.link.descriptor in full and worker.link.is_ready():
            worker.inbox.append(_received(worker))
        if worker.link.descriptor in free:
            worker.push()


def _received(worker: Worker) -> object:
    try:
        return worker.link.receive()
    except EOFError as error:
        raise worker.death() from error
