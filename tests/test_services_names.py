"""What services are called, and where addresses are."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiresniff.model import limits
from wiresniff.model.delivery import Endpoint
from wiresniff.model.policy import Policy, Role, Service
from wiresniff.services.hosts import asked_host, without_cluster_suffix
from wiresniff.services.names import Names
from wiresniff.services.placements import Placements
from wiresniff.services.places import is_inside

ORDERS = Endpoint("10.0.0.11", 8080)
OUTSIDE = Endpoint("52.1.2.3", 443)


def names(*services: Service) -> Names:
    """Return names by a policy of these services."""
    return Names(Policy(services=services))


def test_a_server_is_called_what_it_is_asked_for() -> None:
    """Port, case, the dot of the root and the cluster suffix don't matter."""
    for authority in (
        b"orders.shop", b"Orders.Shop", b"orders.shop:8080", b"orders.shop.", b"orders.shop.:8080",
        b"orders.shop.svc", b"orders.shop.svc.cluster.local", b"ORDERS.SHOP.SVC.CLUSTER.LOCAL.:80",
    ):  # fmt: skip
        assert names().server(ORDERS, authority, client_is_external=False) == "orders.shop"


@pytest.mark.parametrize(
    "authority",
    [
        None, b"", b"10.0.0.11", b"10.0.0.11:8080", b"[fd00::1]:80", b"[fd00::1]", b"fd00::1", b"0x7f.1", b"127.1",
        b"orders.7", b"orders shop", b"orders\xff", b"user@orders", b"orders/x", b"orders..shop", b".orders", b"*",
        b"orders:80:80", b"orders\n", b"a" * 254, b"a" * 100_000, b"localhost", b"external", b"other",
    ],
)  # fmt: skip
def test_a_host_that_names_nothing_is_not_used(authority: bytes | None) -> None:
    """Addresses, implausible bytes, long text, names that mean something else: the address names the server."""
    assert names().server(ORDERS, authority, client_is_external=False) == "10.0.0.11"


def test_clients_outside_are_not_believed() -> None:
    """Whoever sends random Hosts from outside invents no services."""
    known = names()
    assert known.server(ORDERS, b"invented", client_is_external=True) == "10.0.0.11"
    assert known.client(ORDERS) == "10.0.0.11"


def test_the_policy_comes_first_and_the_most_specific_counts() -> None:
    """Address with port, address, longest prefix, host, port alone; then what was asked for."""
    known = names(
        Service("net", addresses=("10.0.0.0/8",)),
        Service("rack", addresses=("10.0.0.0/24",)),
        Service("rack-metrics", addresses=("10.0.0.0/24",), ports=(9090,)),
        Service("machine", addresses=("10.0.0.11",)),
        Service("ledger", addresses=("10.0.0.11",), ports=(50051,)),
        Service("shop", hosts=("shop.example", "*.shop.example")),
        Service("database", ports=(5432,)),
    )
    for address, port, authority, name in (
        ("10.0.0.11", 50051, b"x", "ledger"),
        ("10.0.0.11", 8080, b"x", "machine"),
        ("10.0.0.11", 9090, b"x", "machine"),
        ("10.0.0.12", 9090, b"x", "rack-metrics"),
        ("10.0.0.12", 80, b"x", "rack"),
        ("10.9.9.9", 80, b"shop.example", "net"),
        ("192.168.0.1", 5432, b"shop.example:5432", "shop"),
        ("192.168.0.1", 5432, b"www.Shop.Example", "shop"),
        ("192.168.0.1", 5432, b"x", "database"),
        ("192.168.0.1", 80, b"x", "x"),
    ):
        assert known.server(Endpoint(address, port), authority, client_is_external=False) == name


def test_a_host_of_the_policy_is_believed_from_outside_too() -> None:
    """A front door is known by its name alone; as a client it has the same name."""
    known = names(Service("edge", hosts=("shop.example",), role=Role.PROXY))
    assert known.server(ORDERS, b"shop.example", client_is_external=True) == "edge"
    assert known.client(Endpoint("10.0.0.11", 51234)) == "edge"
    assert known.role("edge") is Role.PROXY


def test_a_cluster_name_matches_the_host_of_the_policy() -> None:
    """`orders.shop` in the policy is `orders.shop.svc.cluster.local` on the wire."""
    known = names(Service("the-orders", hosts=("orders.shop",)))
    assert known.server(ORDERS, b"orders.shop.svc.cluster.local", client_is_external=False) == "the-orders"


def test_ports_narrow_hosts_where_there_are_no_addresses() -> None:
    """Two services behind one host name, told apart by port."""
    known = names(Service("api", hosts=("h",), ports=(80,)), Service("admin", hosts=("h",), ports=(81,)))
    assert [known.server(Endpoint("10.0.0.1", port), b"h", client_is_external=False) for port in (80, 81, 82)] == [
        "api",
        "admin",
        "h",
    ]


def test_a_client_is_called_what_it_is_asked_for_as_a_server() -> None:
    """Also when that is learned after its first request; its ephemeral port says nothing."""
    known = names()
    client = Endpoint("10.0.0.11", 50123)
    assert known.client(client) == "10.0.0.11"
    known.server(ORDERS, b"orders.shop", client_is_external=False)
    assert known.client(client) == "orders.shop"


def test_a_client_with_several_names_is_called_by_its_address() -> None:
    """Two services on one address: which of them asks can't be told."""
    known = names()
    for port, authority in ((8080, b"orders"), (8081, b"ledger"), (8080, b"orders")):
        known.learn(Endpoint("10.0.0.11", port), authority)
    assert known.client(ORDERS) == "10.0.0.11"


def test_a_client_has_the_name_that_the_policy_gives_its_address() -> None:
    """Ports belong to servers: the service without ports asks, or the only one there is."""
    orders = Service("orders", addresses=("10.0.0.11",))
    ledger = Service("ledger", addresses=("10.0.0.11",), ports=(50051,))
    stock = Service("stock", addresses=("10.0.0.11",), ports=(50052,))
    client = Endpoint("10.0.0.11", 50123)
    assert names(orders, ledger).client(client) == "orders"
    assert names(ledger).client(client) == "ledger"
    assert names(ledger, stock).client(client) == "10.0.0.11"


def test_a_server_asked_for_by_address_has_the_name_of_its_endpoint() -> None:
    """Requests whose Host was not seen belong to the same pair as the others, unless two names share the endpoint."""
    known = names()
    assert known.server(ORDERS, None, client_is_external=False) == "10.0.0.11"
    known.learn(ORDERS, b"orders")
    assert known.server(ORDERS, None, client_is_external=False) == "orders"
    assert known.server(ORDERS, b"10.0.0.11:8080", client_is_external=True) == "orders"
    assert known.server(Endpoint("10.0.0.11", 9), None, client_is_external=False) == "10.0.0.11"
    known.learn(ORDERS, b"stock")
    assert known.server(ORDERS, None, client_is_external=False) == "10.0.0.11"


def test_on_the_loopback_the_port_tells_services_apart() -> None:
    """`localhost` and its addresses are one machine's many services; another name is a name."""
    known = names()
    for address, authority, name in (
        ("127.0.0.1", b"localhost:8810", "localhost:8810"),
        ("127.0.0.1", b"127.0.0.1:8810", "localhost:8810"),
        ("::1", b"[::1]:8810", "localhost:8810"),
        ("127.0.0.2", None, "127.0.0.2:8810"),
        ("127.0.0.3", b"orders", "orders"),
    ):
        assert known.server(Endpoint(address, 8810), authority, client_is_external=False) == name
    assert known.client(Endpoint("127.0.0.1", 40000)) == "localhost"
    known.learn(Endpoint("127.0.0.1", 8811), b"orders")
    assert known.client(Endpoint("127.0.0.1", 40000)) == "localhost"


def test_on_the_loopback_the_policy_names_by_port() -> None:
    """What listens on a port does not say who asks from that address."""
    known = names(
        Service("orders", addresses=("127.0.0.1",), ports=(8810,)), Service("x", hosts=("localhost",), ports=(7,))
    )
    assert known.server(Endpoint("127.0.0.1", 8810), b"localhost:8810", client_is_external=False) == "orders"
    assert known.server(Endpoint("127.0.0.1", 7), b"localhost:7", client_is_external=False) == "x"
    assert known.client(Endpoint("127.0.0.1", 40000)) == "localhost"


def test_everything_outside_is_one_client() -> None:
    """However many addresses there are on the Internet."""
    known = names()
    for address in ("52.1.2.3", "8.8.8.8", "2600::1", "::ffff:8.8.8.8"):
        assert known.is_external(Endpoint(address, 40000))
        assert known.client(Endpoint(address, 40000)) == "external"
    assert known.role("external") is Role.EXTERNAL


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3", "172.31.0.1", "192.168.1.1", "127.0.0.1", "::1", "169.254.1.1", "fe80::1", "fd12::1", "100.64.0.1",
        "192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "198.19.0.1", "::ffff:10.0.0.1", "240.0.0.1",
    ],
)  # fmt: skip
def test_private_and_documentation_ranges_are_inside(address: str) -> None:
    """They never come from the Internet."""
    assert not names().is_external(Endpoint(address, 40000))


def test_a_server_outside_is_called_what_a_client_inside_asks_for() -> None:
    """It has a name and stays external."""
    known = names()
    assert known.server(OUTSIDE, b"api.example", client_is_external=False) == "api.example"
    assert known.server(Endpoint("52.1.2.4", 443), None, client_is_external=False) == "52.1.2.4"
    assert known.is_external(OUTSIDE)
    assert known.client(OUTSIDE) == "external"


def test_the_policy_says_who_is_outside() -> None:
    """An address in the policy is inside, unless its role is external: by port, if need be."""
    known = names(
        Service("ours", addresses=("52.1.0.0/16",)),
        Service("partner", addresses=("10.0.9.0/24",), role=Role.EXTERNAL),
        Service("gate", addresses=("10.0.8.1",)),
        Service("partner-gate", addresses=("10.0.8.1",), ports=(443,), role=Role.EXTERNAL),
        Service("tunnel", ports=(1194,), role=Role.EXTERNAL),
    )
    for address, port, external, client in (
        ("52.1.2.3", 40000, False, "ours"),
        ("10.0.9.7", 40000, True, "partner"),
        ("10.0.8.1", 40000, False, "gate"),
        ("10.0.8.1", 443, True, "gate"),
        ("10.0.0.1", 1194, True, "10.0.0.1"),
        ("10.0.0.1", 1195, False, "10.0.0.1"),
    ):
        assert known.is_external(Endpoint(address, port)) is external
        assert known.client(Endpoint(address, port)) == client


def test_what_is_no_address_is_called_what_it_is() -> None:
    """Nothing fails on an endpoint of another kind."""
    known = names(Service("all", addresses=("0.0.0.0/0",)))
    endpoint = Endpoint("pipe", 1)
    assert (known.server(endpoint, None, client_is_external=False), known.client(endpoint)) == ("pipe", "pipe")
    assert not known.is_external(endpoint)


def test_tables_are_bounded_and_evictions_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit is forgotten, the oldest first, and the count says so."""
    monkeypatch.setattr(limits, "NAMES", 10)
    known = names()
    for number in range(100):
        known.server(Endpoint("10.0.0.1", 80), b"10.0.0.1:%d" % number, client_is_external=True)
        known.learn(Endpoint(f"10.1.0.{number}", 80), b"h%d" % number)
        known.client(Endpoint(f"10.2.0.{number}", 80))
        known.is_external(Endpoint(f"10.2.0.{number}", 80))
    tables = [value for value in vars(known).values() if isinstance(value, dict)]
    assert all(len(table) <= 10 for table in tables)
    assert known.counters()["names"] == 2 * 90
    assert known.counters()["name-cache"] > 0
    assert known.client(Endpoint("10.1.0.99", 1)) == "h99"


def test_a_long_host_is_not_remembered() -> None:
    """Hosts of 100 kB don't fill the tables."""
    known = names()
    for number in range(3):
        known.server(ORDERS, b"a" * 100_000 + b"%d" % number, client_is_external=False)
    assert len(known._asked) == 0


def test_learning_the_same_again_changes_nothing() -> None:
    """Whatever is asked, the answers are those of the first time."""
    known = names()
    for _ in range(3):
        known.learn(ORDERS, b"orders")
    assert known.client(ORDERS) == known.server(ORDERS, None, client_is_external=True) == "orders"
    assert not known.counters()


ADDRESSES = st.integers(0, 15).map(lambda bits: f"10.0.0.{bits}")
BLOCKS = st.builds(
    lambda address, prefix: str(ipaddress.ip_network(f"{address}/{prefix}", strict=False)),
    ADDRESSES,
    st.integers(27, 32),
)
SERVICES = st.lists(
    st.builds(
        Service,
        st.text("abcdef", min_size=1, max_size=3),
        addresses=st.lists(BLOCKS, min_size=1, max_size=2).map(tuple),
        ports=st.lists(st.integers(1, 3), max_size=2).map(tuple),
    ),
    max_size=5,
)


def most_specific(services: list[Service], address: str, port: int) -> Service | None:
    """Return the service at an endpoint the long way: every block of every service, ranked."""
    ranked = [
        (-ipaddress.ip_network(block).prefixlen, not service.ports, row, service)
        for row, service in enumerate(services)
        for block in service.addresses
        if ipaddress.ip_address(address) in ipaddress.ip_network(block) and (not service.ports or port in service.ports)
    ]
    return min(ranked, key=lambda rank: rank[:3])[3] if ranked else None


@given(services=SERVICES, address=ADDRESSES, port=st.integers(1, 4))
def test_the_longest_prefix_with_port_wins(services: list[Service], address: str, port: int) -> None:
    """The lookup by prefix finds what trying every block finds."""
    placements = Placements(Policy(services=tuple(services)))
    assert most_specific(services, address, port) == placements.at(ipaddress.IPv4Address(address), port)


@given(authority=st.binary(max_size=300))
def test_any_host_is_a_plausible_name_or_none(authority: bytes) -> None:
    """A name from the wire is short, lower case and of harmless characters."""
    host = asked_host(authority)
    if host is not None:
        name = without_cluster_suffix(host)
        assert 0 < len(name) <= 253
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")


@given(bits=st.integers(0, 2**32 - 1))
def test_what_python_calls_global_is_outside(bits: int) -> None:
    """The registry of special addresses that Python ships agrees, where it is about the Internet."""
    address = ipaddress.IPv4Address(bits)
    if is_inside(address):
        assert not address.is_global
    if address.is_private and not address.is_unspecified and bits >> 24 not in {0, 192}:
        assert is_inside(address)
