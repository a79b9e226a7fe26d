"""Requests for what this program itself serves: told by address and port, never by the port alone."""

from collections.abc import Callable, Iterable

import pytest

from wiresniff.audit.exemptions import Exemptions
from wiresniff.audit.own_server import OwnServer
from wiresniff.model.delivery import Endpoint
from wiresniff.model.policy import Policy
from wiresniff.services.locality import Locality

HERE, HERE_SIX, ELSEWHERE = "10.0.0.5", "fd00::5", "10.0.0.6"


def own(listeners: Iterable[str], addresses: Iterable[str] = (HERE, HERE_SIX, "127.0.0.1")) -> Callable[..., bool]:
    """Return what tells whether this program serves at an address, here on port 9795 unless another is named."""
    server = OwnServer([Endpoint(address, 9795) for address in listeners], Locality(addresses).is_local)

    def serves_at(address: str, port: int = 9795) -> bool:
        return server.is_at(Endpoint(address, port))

    return serves_at


def test_a_socket_at_one_address_is_asked_there_only() -> None:
    """The same port at another address of this machine may be another program's."""
    serves_at = own(["127.0.0.1"])
    assert serves_at("127.0.0.1")
    assert not serves_at("127.0.0.1", 8080)
    assert not serves_at(HERE)
    assert not serves_at("127.0.0.2")


@pytest.mark.parametrize(
    ("listener", "address", "is_own"),
    [
        ("0.0.0.0", HERE, True),  # noqa: S104
        ("0.0.0.0", "127.0.0.2", True),  # noqa: S104 (all of 127/8 is this machine)
        ("0.0.0.0", HERE_SIX, False),  # noqa: S104
        ("0.0.0.0", ELSEWHERE, False),  # noqa: S104
        ("::", HERE_SIX, True),
        ("::", "::1", True),
        ("::", HERE, False),
        ("::", "fd00::6", False),
    ],
)
def test_a_socket_at_all_addresses_is_asked_at_those_of_this_machine(
    listener: str, address: str, *, is_own: bool
) -> None:
    """Of its family: sockets of the other one may be another program's, as the same port of another machine is."""
    assert own([listener])(address) is is_own


def test_addresses_come_and_go() -> None:
    """What is this machine's is asked each time."""
    locality = Locality()
    server = OwnServer([Endpoint("0.0.0.0", 9795)], locality.is_local)  # noqa: S104
    assert not server.is_at(Endpoint(HERE, 9795))
    locality.addresses = frozenset([HERE])
    assert server.is_at(Endpoint(HERE, 9795))


def test_several_sockets_may_share_a_port() -> None:
    """`--listen localhost:9795` opens one for each family."""
    serves_at = own(["127.0.0.1", "::1"])
    assert serves_at("127.0.0.1")
    assert serves_at("::1")


def test_it_is_a_default_exemption_whatever_is_asked_for() -> None:
    """It comes first, so that all requests for it have one word; the policy can turn it off with the other defaults."""
    where = (Endpoint("127.0.0.1", 9795),)

    def asked(policy: Policy, target: bytes, endpoint: Endpoint = where[0]) -> str | None:
        return Exemptions(policy).match(b"GET", target, b"Mozilla/5.0", False, endpoint, "web", "me", None)

    assert asked(Policy(own_server=where), b"/") == "own-server"
    assert asked(Policy(own_server=where), b"/metrics") == "own-server"
    assert asked(Policy(own_server=where), b"/", Endpoint(ELSEWHERE, 9795)) is None
    assert asked(Policy(own_server=where, exempt_defaults=False), b"/") is None
    assert asked(Policy(), b"/") is None
