"""Where to listen: `HOST:PORT`, `[IPV6]:PORT` or `:PORT` to sockets."""

import re
import socket
from typing import NamedTuple

from wiresniff.model.display import named
from wiresniff.model.errors import UsageError

LAST_PORT = 65535
BACKLOG = 128
FORM = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+(?:%[0-9A-Za-z_.-]+)?)\]|(?P<host>[^:\[\]/]*)):(?P<port>[0-9]{1,5})")
WITHOUT_PORT = re.compile(r"\[[0-9A-Fa-f:.]+\]|[^:\[\]/]+")
BARE_SIX = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f.]*")
SIX_BEFORE_PORT = re.compile(r"[0-9A-Fa-f:]*::[0-9A-Fa-f:]*")
PORT_DIGITS = 4
"""``::1:9795``: four digits at the end of a short form are more likely a port than the last group."""
EXAMPLES = "write HOST:PORT, such as 127.0.0.1:9795, or :9795 for all addresses"


class ListenAddress(NamedTuple):
    """Where a server listens."""

    host: str
    """Name or address; empty for all addresses."""
    port: int
    """0: any that is free."""


def parse_listen(text: str) -> ListenAddress:
    """Read where to listen. Raises UsageError with one sentence that says what to type instead."""
    form = FORM.fullmatch(text)
    if form is None:
        raise UsageError(f"--listen {named(text)}: {_mistake(text)}")
    port = int(form["port"])
    if port > LAST_PORT:
        raise UsageError(f"--listen {named(text)}: there is no port {port}; write one from 1 to {LAST_PORT}")
    return ListenAddress(form["six"] or form["host"] or "", port)


def _mistake(text: str) -> str:
    if "://" in text:
        bare = text.partition("://")[2].partition("/")[0]
        return f"this is a URL; write {named(bare)}" if FORM.fullmatch(bare) else f"this is a URL; {EXAMPLES}"
    if text.isascii() and text.isdecimal():
        return f"there is no host; write 127.0.0.1:{text}, or :{text} for all addresses"
    if BARE_SIX.fullmatch(text):
        host, _, port = text.rpartition(":")
        if SIX_BEFORE_PORT.fullmatch(host) and len(port) == PORT_DIGITS and port.isdecimal():
            return f"an IPv6 address stands in brackets; write [{named(host)}]:{named(port)}"
        return f"an IPv6 address stands in brackets; write [{named(text)}]:9795"
    if WITHOUT_PORT.fullmatch(text):
        return f"there is no port; write {named(text)}:9795"
    return f"this is no address to listen at; {EXAMPLES}"


def bind(address: ListenAddress) -> list[socket.socket]:
    """Open the sockets that listen at an address; several where a name has several.

    Raises UsageError where none can be opened.
    """
    where = f"--listen {named(shown(address))}"
    try:
        found = socket.getaddrinfo(address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        why = named(getattr(error, "strerror", None) or str(error))
        raise UsageError(f"{where}: {named(address.host)} has no address ({why}); write an address") from None
    sockets: list[socket.socket] = []
    failed: OSError | None = None
    for family, at in dict.fromkeys((family, at) for family, _, _, _, at in found):
        try:
            sockets.append(_listening(family, at))
        except OSError as error:
            failed = error
        if sockets and not address.port:
            break  # every socket would have a port of its own
    if not sockets:
        why = named(failed.strerror or str(failed)) if failed else "no address"
        raise UsageError(f"{where}: can't listen there ({why}); choose another address or port") from None
    return sockets


def _listening(family: int, at: tuple[object, ...]) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind(at)
        opened.listen(BACKLOG)
        opened.setblocking(False)
    except OSError:
        opened.close()
        raise
    return opened


def shown(address: ListenAddress) -> str:
    """Return an address as it is written."""
    return f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host}:{address.port}"
