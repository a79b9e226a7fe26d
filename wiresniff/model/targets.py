"""Request targets (RFC 9112 3.2): where the path ends and the query begins; what gRPC calls by a path."""

import re

SCHEME_AND_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/?#]*")
"""What an absolute-form target has before its path (RFC 3986 3)."""


def path_and_query(method: str | None, target: str) -> tuple[str | None, str | None]:
    """Split a request target (latin-1) into its path and its query.

    None for a path that the target does not have (authority-form of CONNECT), None for a query that is not there. A
    fragment, which a target must not have, belongs to neither: nothing private may hide in it.
    """
    if method == "CONNECT":
        return None, None
    if "#" in target:
        target = target[: target.index("#")]
    path, mark, query = target.partition("?")
    if not path.startswith("/"):
        absolute = SCHEME_AND_AUTHORITY.match(path)
        if absolute is not None:
            path = path[absolute.end() :] or "/"
    return path, query if mark else None


def rpc_of(target: str) -> tuple[str, str] | None:
    """Split the path of a gRPC request, `/service/method`; None for a path of another form.

    gRPC over HTTP/2, "Requests": Path = "/" Service-Name "/" {method name}. A service name may hold slashes.
    """
    service, slash, method = target.partition("?")[0].rpartition("/")
    return (service[1:], method) if slash and len(service) > 1 and service[0] == "/" and method else None
