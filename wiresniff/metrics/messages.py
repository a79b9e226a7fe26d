"""Request heads and responses of HTTP/1.1 (RFC 9112), as little as metrics need: GET, HEAD, no bodies."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from wiresniff.model.targets import path_and_query

REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/1\.([01])")
FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*")


class BadRequestError(Exception):
    """A head that is none, or that nobody needs who reads metrics."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status)
        self.status = status


class Request(NamedTuple):
    """One request."""

    method: str
    path: str
    """Without the query."""
    fields: Mapping[str, str]
    """Names in lower case; several of one name joined by commas (RFC 9110 5.3)."""
    is_last: bool
    """Nothing more is read from the connection."""

    def field(self, name: str) -> str:
        """Return the value of a field, empty where it is not there."""
        return self.fields.get(name, "")


def parse_head(head: bytes) -> Request:
    """Read a head that ends in an empty line. Raises BadRequestError."""
    line, *rest = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    request_line = REQUEST_LINE.fullmatch(line)
    if request_line is None:
        raise BadRequestError(HTTPStatus.BAD_REQUEST)
    fields: dict[str, str] = {}
    for field_line in rest:
        field = FIELD_LINE.fullmatch(field_line)
        if field is None:
            raise BadRequestError(HTTPStatus.BAD_REQUEST)
        name, value = field[1].decode("ascii").lower(), field[2].decode("latin-1")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    has_body = "transfer-encoding" in fields or fields.get("content-length", "0") != "0"
    words = {word.strip(" \t").lower() for word in fields.get("connection", "").split(",")}
    method = request_line[1].decode("ascii")
    path, _ = path_and_query(method, request_line[2].decode("ascii"))
    is_last = has_body or "close" in words or (request_line[3] == b"0" and "keep-alive" not in words)
    return Request(method, path or "", fields, is_last)


class Response(NamedTuple):
    """One response, whole."""

    status: HTTPStatus
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    fields: tuple[tuple[str, str], ...] = ()
    """Further ones."""

    def head(self, *, is_last: bool) -> bytes:
        """Return the head as it is sent."""
        fields = (
            ("Content-Type", self.content_type),
            ("Content-Length", str(len(self.body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            *self.fields,
            ("Connection", "close" if is_last else "keep-alive"),
        )
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
        return f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n{lines}\r\n".encode("latin-1")


def plain(status: HTTPStatus, *fields: tuple[str, str]) -> Response:
    """Return a response that says its status in words."""
    return Response(status, f"{status.value} {status.phrase}\n".encode(), fields=fields)
