"""Names: what the services at two endpoints are called."""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from wiresniff.model import limits
from wiresniff.model.delivery import Endpoint
from wiresniff.model.policy import Policy, Role
from wiresniff.services.hosts import AUTHORITY_BYTES, NAMELESS_HOSTS, asked_host, without_cluster_suffix
from wiresniff.services.placements import Placements
from wiresniff.services.places import Address, is_inside, parse_address

EXTERNAL = "external"
"""The one client that all addresses outside are."""
LOCALHOST = "localhost"
SHARED = frozenset({"127.0.0.1", "::1"})
"""Addresses that every process of a machine speaks from: what listens there says nothing of who asks there."""

SEVERAL = ""
"""Learned more than one name: no name."""
NOT_ASKED = ""
"""What was asked for names nothing: the endpoint decides."""


Key = TypeVar("Key")
Value = TypeVar("Value")


class Request(NamedTuple):
    """What is known of a server when it is named."""

    endpoint: Endpoint
    address: Address | None
    host: str | None
    """Plausible and normalised; None when there is none."""
    client_is_external: bool


Source = Callable[[Request], str | None]


class Learned(NamedTuple):
    """What the traffic taught: plain data, so that a worker can send it."""

    endpoints: dict[Endpoint, str]
    addresses: dict[str, str]


class Names:
    """Service names of one policy, and what the traffic taught.

    `server`, `client` and `is_external` are called for every exchange and answer from dictionaries; only the first
    time that a key is seen does anything look at the policy. Every table is bounded by `limits.NAMES`.
    """

    def __init__(self, policy: Policy) -> None:
        self.version = 0
        """Changes whenever the traffic taught something, so that an earlier answer may be another one now."""
        self._placements = Placements(policy)
        self._roles = {service.name: service.role for service in policy.services} | {EXTERNAL: Role.EXTERNAL}
        self._asked: dict[tuple[Endpoint, bytes | None, bool], str] = {}
        self._endpoints: dict[Endpoint, str] = {}
        self._clients: dict[str, str] = {}
        self._outside: dict[str, tuple[bool, dict[int, bool]]] = {}
        """Per address: whether it is outside, and the ports for which the answer is another one."""
        self._shared: dict[str, bool] = {}
        self._learned_endpoints: dict[Endpoint, str] = {}
        self._learned_addresses: dict[str, str] = {}
        self._evictions: Counter[str] = Counter()
        self._sources: tuple[tuple[Source, bool], ...] = (
            (self._by_policy_address, False),
            (self._by_policy_host, True),
            (self._by_policy_port, True),
            # Kubernetes, where it is watched: pods and services by address.
            (self._by_host, True),
        )
        """Who names a server, the first that answers; whether that teaches what its address is called as a client.
        After them: what the endpoint is known as, and its address."""

    def server(self, endpoint: Endpoint, authority: bytes | None, client_is_external: bool) -> str:
        """Name the server at `endpoint` that was asked for `authority` (Host or `:authority`; None when not seen)."""
        name = self.asked(endpoint, authority, client_is_external)
        return name or self._endpoints.get(endpoint) or self._name_endpoint(endpoint)

    def asked(self, endpoint: Endpoint, authority: bytes | None, client_is_external: bool) -> str:
        """Name a server by the policy or by what it was asked for; empty where its endpoint decides.

        Nothing that is learned changes it: what is counted under it is the same in whatever order requests come.
        """
        name = self._asked.get((endpoint, authority, client_is_external))
        return self._ask(endpoint, authority, client_is_external) if name is None else name

    def glimpse(self, endpoint: Endpoint, authority: bytes | None, client_is_external: bool) -> str:
        """Name a server as `server` does, and learn nothing: what is not settled yet teaches no name."""
        known = self._asked.get((endpoint, authority, client_is_external))
        if known is None:
            host = asked_host(authority) if authority is not None else None
            request = Request(endpoint, parse_address(endpoint.address), host, client_is_external)
            known = next((name for source, _ in self._sources if (name := source(request)) is not None), NOT_ASKED)
        return (
            known or self._endpoints.get(endpoint) or self._learned_endpoints.get(endpoint) or _address_name(endpoint)
        )

    def client(self, endpoint: Endpoint) -> str:
        """Name the client at `endpoint` by what it is as a server, as far as that is known now."""
        return self._clients.get(endpoint.address) or self._name_client(endpoint.address)

    def is_external(self, endpoint: Endpoint) -> bool:
        """Whether an endpoint is outside: by its role in the policy, else by its address."""
        places = self._outside.get(endpoint.address)
        if places is None:
            places = self._place(endpoint.address)
        return places[1].get(endpoint.port, places[0]) if places[1] else places[0]

    def is_one_place(self, address: str) -> bool:
        """Whether all ports of an address are outside, or none is."""
        places = self._outside.get(address)
        return not (places or self._place(address))[1]

    def is_shared(self, address: str) -> bool:
        """Whether several services use an address: the loopback's, and what the policy tells apart by port."""
        known = self._shared.get(address)
        if known is None:
            known = self._is_shared(address)
            self._remember(self._shared, address, known)
        return known

    def _is_shared(self, text: str) -> bool:
        address = parse_address(text)
        if address is None:
            return False
        services = {service.name for service in self._placements.parts(address).values()}
        return address.is_loopback or len(services) > 1

    def is_proxy(self, name: str) -> bool:
        """Whether the policy says that a service hands on what it is asked."""
        return self.role(name) is Role.PROXY

    def learn(self, endpoint: Endpoint, authority: bytes | None) -> None:
        """Remember what a client inside asks a server for; the same again costs a lookup."""
        self.server(endpoint, authority, client_is_external=False)

    def adopt(self, policy: Policy) -> None:
        """Name by another policy from now on; what the traffic taught is kept."""
        self.version += 1
        self._placements = Placements(policy)
        self._roles = {service.name: service.role for service in policy.services} | {EXTERNAL: Role.EXTERNAL}
        for cache in (self._asked, self._endpoints, self._clients, self._outside, self._shared):
            cache.clear()

    def learned(self) -> Learned:
        """Return what the traffic taught so far."""
        return Learned(dict(self._learned_endpoints), dict(self._learned_addresses))

    def absorb(self, learned: Learned) -> None:
        """Add what other traffic taught."""
        for endpoint, name in learned.endpoints.items():
            if self._add(self._learned_endpoints, endpoint, name):
                self._endpoints.pop(endpoint, None)
                self.version += 1
        for address, name in learned.addresses.items():
            if self._add(self._learned_addresses, address, name):
                self._clients.pop(address, None)
                self.version += 1

    def role(self, name: str) -> Role:
        """Return the role of a service by name: what the policy says, `external` for the client `external`."""
        return self._roles.get(name, Role.SERVICE)

    def counters(self) -> Counter[str]:
        """Return evictions: `names` that were learned, `name-cache` answers that are worked out again."""
        return Counter(self._evictions)

    # The first time that something is seen.

    def _ask(self, endpoint: Endpoint, authority: bytes | None, client_is_external: bool) -> str:
        host = asked_host(authority) if authority is not None else None
        request = Request(endpoint, parse_address(endpoint.address), host, client_is_external)
        name = NOT_ASKED
        for source, teaches in self._sources:
            answer = source(request)
            if answer is not None:
                name = answer
                if teaches:
                    self._learn(endpoint, name)
                break
        if authority is None or len(authority) <= AUTHORITY_BYTES:
            self._remember(self._asked, (endpoint, authority, client_is_external), name)
        return name

    def _by_policy_address(self, request: Request) -> str | None:
        service = self._placements.at(request.address, request.endpoint.port) if request.address else None
        return service.name if service else None

    def _by_policy_host(self, request: Request) -> str | None:
        # Also for clients outside, who know the front door by nothing else: the name is the policy's, not theirs.
        if request.host is None:
            return None
        port = request.endpoint.port
        service = self._placements.asked(request.host, port)
        service = service or self._placements.asked(without_cluster_suffix(request.host), port)
        return service.name if service else None

    def _by_policy_port(self, request: Request) -> str | None:
        service = self._placements.on(request.endpoint.port)
        return service.name if service else None

    def _by_host(self, request: Request) -> str | None:
        if request.host is None or request.client_is_external or request.host in NAMELESS_HOSTS:
            return None
        return without_cluster_suffix(request.host)

    def _name_endpoint(self, endpoint: Endpoint) -> str:
        """Name a server that was not asked for by a name: all its requests are of one service where one is known."""
        name = self._learned_endpoints.get(endpoint) or _address_name(endpoint)
        self._remember(self._endpoints, endpoint, name)
        return name

    def _name_client(self, text: str) -> str:
        name = self._policy_client(text)
        if name is None and self._place(text)[0]:
            name = EXTERNAL
        if name is None:
            name = LOCALHOST if text in SHARED else self._learned_addresses.get(text) or text
        self._remember(self._clients, text, name)
        return name

    def _policy_client(self, text: str) -> str | None:
        address = parse_address(text)
        if address is None:
            return None
        whole = self._placements.whole(address)
        if whole is not None:
            return whole.name
        names = {service.name for service in self._placements.parts(address).values()}
        return names.pop() if len(names) == 1 and text not in SHARED else None

    def _place(self, text: str) -> tuple[bool, dict[int, bool]]:
        address = parse_address(text)
        if address is None:
            return False, {}
        whole = self._placements.whole(address)
        parts = self._placements.parts(address)
        if whole is not None:
            outside = whole.role is Role.EXTERNAL
        elif parts:
            outside = all(service.role is Role.EXTERNAL for service in parts.values())
        else:
            outside = not is_inside(address)
        ports = {port: service.role is Role.EXTERNAL for port, service in parts.items()}
        if whole is None:
            ports = dict.fromkeys(self._placements.external_ports(), True) | ports
        places = outside, {port: there for port, there in ports.items() if there != outside}
        self._remember(self._outside, text, places)
        return places

    # What the traffic teaches.

    def _learn(self, endpoint: Endpoint, name: str) -> None:
        if self._add(self._learned_endpoints, endpoint, name):
            self._endpoints.pop(endpoint, None)
            self.version += 1
        if self._add(self._learned_addresses, endpoint.address, name):
            self._clients.pop(endpoint.address, None)
            self.version += 1

    def _add(self, table: dict[Key, str], key: Key, name: str) -> bool:
        """Add a name to a table of what was learned; say whether that changed what is known."""
        known = table.get(key)
        if known in (name, SEVERAL):
            return False
        if known is None and len(table) >= limits.NAMES:
            del table[next(iter(table))]
            self._evictions["names"] += 1
        table[key] = name if known is None else SEVERAL
        return True

    def _remember(self, cache: dict[Key, Value], key: Key, value: Value) -> None:
        """Put an answer into a cache; a full one is emptied, which costs no more than its filling did."""
        if len(cache) >= limits.NAMES:
            self._evictions["name-cache"] += len(cache)
            cache.clear()
        cache[key] = value


def _address_name(endpoint: Endpoint) -> str:
    """Return the address; on the loopback, where one address holds many services, with the port it listens on."""
    address = parse_address(endpoint.address)
    if address is None:
        return endpoint.address
    if not address.is_loopback:
        return str(address)
    return f"{LOCALHOST if str(address) in SHARED else address}:{endpoint.port}"
