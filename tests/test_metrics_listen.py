"""Where to listen."""

import socket

import pytest

from wiresniff.metrics.listen import ListenAddress, bind, parse_listen
from wiresniff.model.errors import UsageError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9795", ("127.0.0.1", 9795)),
        ("localhost:80", ("localhost", 80)),
        (":9795", ("", 9795)),
        ("[::1]:9795", ("::1", 9795)),
        ("[fe80::1%eth0]:1", ("fe80::1%eth0", 1)),
        ("[::]:0", ("::", 0)),
    ],
)
def test_hosts_and_ports_are_told_apart(text: str, address: tuple[str, int]) -> None:
    """IPv6 addresses stand in brackets; without a host it is all addresses."""
    assert parse_listen(text) == address


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("9795", "there is no host; write 127.0.0.1:9795, or :9795 for all addresses"),
        ("localhost", "there is no port; write localhost:9795"),
        ("[::1]", "there is no port; write [::1]:9795"),
        ("::1", "an IPv6 address stands in brackets; write [::1]:9795"),
        ("::1:9796", "an IPv6 address stands in brackets; write [::1]:9796"),
        ("http://localhost:9795/metrics", "this is a URL; write localhost:9795"),
        ("http://localhost/", "this is a URL; write HOST:PORT"),
        ("127.0.0.1:99999", "there is no port 99999"),
        ("127.0.0.1:http", "this is no address to listen at; write HOST:PORT"),
        ("", "this is no address to listen at"),
        ("\x1b[2J:1", "this is no address to listen at"),
    ],
)
def test_a_mistake_gets_one_sentence(text: str, instead: str) -> None:
    """That says what to type instead."""
    with pytest.raises(UsageError) as caught:
        parse_listen(text)
    assert instead in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_port_that_is_taken_is_said() -> None:
    """Before anything is captured."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"--listen 127.0.0.1:{port}: can't listen there .*Address already in use"):
            bind(ListenAddress("127.0.0.1", port))


def test_a_host_that_is_nowhere_is_said() -> None:
    """A name that has no address, an address that is not ours."""
    with pytest.raises(UsageError, match=r"nowhere\.invalid has no address"):
        bind(ListenAddress("nowhere.invalid", 1))
    with pytest.raises(UsageError, match="can't listen there"):
        bind(ListenAddress("192.0.2.1", 9795))


def test_all_addresses_are_those_of_both_families() -> None:
    """Or of the one that there is."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sockets = bind(ListenAddress("", port))
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
    finally:
        for each in sockets:
            each.close()
