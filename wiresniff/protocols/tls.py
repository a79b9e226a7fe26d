"""The server name in a TLS ClientHello (RFC 8446 4.1.2, RFC 6066 3): all that is read of TLS."""

_HANDSHAKE, _CLIENT_HELLO, _SERVER_NAME, _HOST_NAME = 22, 1, 0, 0
_RECORD_HEADER, _HELLO_HEADER, _VERSION_AND_RANDOM = 5, 4, 34


class _Reader:
    """Reads numbers and vectors; past the end everything is empty."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.at = 0

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def take(self, length: int) -> bytes:
        taken = self.octets[self.at : self.at + length]
        self.at += length
        return taken

    def vector(self, width: int) -> bytes:
        return self.take(self.number(width))


def server_name(octets: bytes) -> str | None:
    """Return the host name that a ClientHello asks for, as far as it is within these bytes of the flow's beginning."""
    if len(octets) < _RECORD_HEADER + _HELLO_HEADER or octets[0] != _HANDSHAKE or octets[5] != _CLIENT_HELLO:
        return None
    hello = _Reader(octets[_RECORD_HEADER + _HELLO_HEADER :])
    hello.take(_VERSION_AND_RANDOM)
    hello.vector(1)  # session id
    hello.vector(2)  # cipher suites
    hello.vector(1)  # compression methods
    extensions = _Reader(hello.vector(2))
    while extensions.at < len(extensions.octets):
        kind = extensions.number(2)
        body = extensions.vector(2)
        if kind == _SERVER_NAME:
            names = _Reader(_Reader(body).vector(2))
            if names.number(1) == _HOST_NAME:
                name = names.vector(2)
                return name.decode("ascii").lower() if name and name.isascii() and name.decode().isprintable() else None
            return None
    return None
