"""Processes that are forked off this one, and the line to each: objects go both ways, whole and in order."""

import gc
import os
import pickle
import select
import signal
import socket
import struct
import sys
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

    def send(self, message: object) -> None:
        """Send an object; wait until all of it is on its way."""
        self._socket.sendall(framed(message))

    def send_some(self, octets: memoryview) -> int:
        """Send what can be sent without waiting; return how many bytes that were."""
        try:
            return self._socket.send(octets, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0

    def receive(self) -> object:
        """Wait for an object. Raises EOFError where the other process is gone."""
        (length,) = LENGTH.unpack(self._exactly(LENGTH.size))
        return pickle.loads(self._exactly(length))  # noqa: S301  # from a process that we made

    def is_ready(self) -> bool:
        """Tell whether something came, or the other process is gone."""
        return bool(select.select([self.descriptor], [], [], 0)[0])

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _exactly(self, length: int) -> bytearray:
        octets = bytearray(length)
        view, at = memoryview(octets), 0
        while at < length:
            try:
                count = self._socket.recv_into(view[at:])
            except ConnectionResetError:
                count = 0
            if not count:
                raise EOFError
            at += count
        return octets


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
        """What came while this process waited to send."""
        self._status: int | None = None
        """How it ended, once that was asked for."""

    def receive(self) -> object:
        """Wait for an object. Raises CaptureError where the worker is gone."""
        return self.inbox.popleft() if self.inbox else _received(self)

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
    """Return the workers that sent something or are gone; wait so long for one (None: until there is one)."""
    ready = [worker for worker in workers if worker.inbox]
    if ready:
        return ready
    descriptors = select.select([worker.link.descriptor for worker in workers], [], [], seconds)[0]
    return [worker for worker in workers if worker.link.descriptor in descriptors]


def send_to_all(workers: Sequence[Worker], message: object) -> None:
    """Send an object to all workers. Raises CaptureError where one is gone.

    What they send meanwhile is taken: a worker that waits until it has sent something reads nothing.
    """
    octets = memoryview(framed(message))
    for worker in workers:
        at = 0
        while at < len(octets):
            try:
                count = worker.link.send_some(octets[at:])
            except OSError as error:
                raise worker.death() from error
            at += count
            if not count:
                descriptors = [each.link.descriptor for each in workers]
                ready, _, _ = select.select(descriptors, [worker.link.descriptor], [])
                for each in workers:
                    if each.link.descriptor in ready:
                        each.inbox.append(_received(each))


def _received(worker: Worker) -> object:
    try:
        return worker.link.receive()
    except EOFError as error:
        raise worker.death() from error
