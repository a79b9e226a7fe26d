"""Programs that run beside a live test, in networks of their own: two namespaces with a wire between them."""

import importlib.util
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from namespaces import Namespace, ip

INTERFACE = "eth0"
SERVER = "10.77.0.1"
CLIENTS = ("10.77.0.2", "10.77.0.3")
END_SECONDS = 5

T = TypeVar("T")


def lacking(programs: tuple[str, ...], modules: tuple[str, ...] = ()) -> str | None:
    """Return why a test can't be run here; None when it can."""
    absent = [program for program in programs if shutil.which(program) is None]
    absent += [module for module in modules if importlib.util.find_spec(module) is None]
    return f"needs {', '.join(absent)}" if absent else None


@contextmanager
def running(place: Namespace, *arguments: object, log: Path, **options: Any) -> Iterator["subprocess.Popen[str]"]:  # noqa: ANN401
    """Run a program in a network meanwhile; what it says goes to a file."""
    with log.open("w") as said:
        with place.entered():
            process = subprocess.Popen(
                [str(argument) for argument in arguments], **{"stdout": said, "stderr": said} | options, text=True
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def fetched(place: Namespace, url: str) -> str | None:
    """Return what a server in a network answers; None when it doesn't, or not with success."""
    with place.entered():
        try:
            with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 (our own)
                return str(response.read().decode())
        except (OSError, urllib.error.URLError):
            return None


@contextmanager
def wire() -> Iterator[tuple[Namespace, Namespace]]:
    """Make the network of the servers (`SERVER`) and that of the clients (`CLIENTS`), each with `INTERFACE`."""
    servers, clients = Namespace(), Namespace()
    try:
        with servers.entered():
            ip("link", "add", INTERFACE, "type", "veth", "peer", "name", INTERFACE, "netns", clients.path)
        for place, addresses in ((servers, (SERVER,)), (clients, CLIENTS)):
            with place.entered():
                for address in addresses:
                    ip("address", "add", f"{address}/24", "dev", INTERFACE)
                ip("link", "set", INTERFACE, "up")
        yield servers, clients
    finally:
        servers.close()
        clients.close()


def wait_for(what: str, look: Callable[[], T | None], seconds: float, pause: float = 0.1) -> T:
    """Look until there is something (not None, not empty); fail when it takes longer."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(pause)
    raise AssertionError(f"{what} took more than {seconds} s")
