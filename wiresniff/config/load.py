"""A policy file to a Policy."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from wiresniff.config.nodes import Document, Node, compose
from wiresniff.config.schema import EXEMPTION, FILE, PRIVACY, SERVICE, THRESHOLD, Key
from wiresniff.config.values import READERS, entries, is_null, items, mapping, read, service_name
from wiresniff.model import limits
from wiresniff.model.display import named
from wiresniff.model.errors import PolicyError
from wiresniff.model.findings import Severity
from wiresniff.model.policy import Exemption, Keep, Policy, Privacy, Role, Service, Threshold

KEYS = {key.name: key for key in FILE.keys}


def load_policy(path: str) -> Policy:
    """Read the policy file at `path`.

    Raises PolicyError with one sentence: the file and the line, what is wrong, what to type instead.
    """
    return parse_policy(_text(Document(path)), path)


def parse_policy(text: str, file: str) -> Policy:
    """Read the text of a policy file; `file` is what errors call it.

    Raises PolicyError as `load_policy` does.
    """
    document = Document(file)
    root = compose(text, document)
    if root is None:
        raise document.file_error("the policy is empty", 'begin it with "version: 1"')
    nodes = mapping(document, root, FILE)
    if "version" not in nodes:
        raise document.error(root, 'the policy has no "version"', 'begin it with "version: 1"')
    READERS[KEYS["version"].kind](document, nodes["version"], KEYS["version"])
    given: dict[str, Any] = {}
    if "exempt_defaults" in nodes:
        given["exempt_defaults"] = READERS[KEYS["exempt_defaults"].kind](
            document, nodes["exempt_defaults"], KEYS["exempt_defaults"]
        )
    if "privacy" in nodes and not is_null(nodes["privacy"]):
        words = read(document, nodes["privacy"], PRIVACY)
        given["privacy"] = Privacy(**{name: Keep(word) for name, word in words.items()})
    return Policy(
        services=_services(document, nodes.get("services")),
        exempt=tuple(_exemptions(document, nodes.get("exempt"), KEYS["exempt"])),
        thresholds=tuple(_thresholds(document, nodes.get("thresholds"), KEYS["thresholds"])),
        **given,
    )


def read_document(document: Document) -> Node | None:
    """Read a file like the policy file; None where nothing is written in it. Raises PolicyError."""
    return compose(_text(document), document)


def _text(document: Document) -> str:
    try:
        with Path(document.file).open("rb") as file:
            content = file.read(limits.POLICY_BYTES + 1)
    except FileNotFoundError:
        raise document.file_error("there is no such file", f"give the path of a {document.noun} file") from None
    except IsADirectoryError:
        raise document.file_error("this is a directory", f"give the path of a {document.noun} file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise document.file_error(f"can't be read ({named(reason)})", "give the path of a readable file") from None
    if len(content) > limits.POLICY_BYTES:
        raise document.file_error(
            f"larger than {limits.POLICY_BYTES // 1024} KiB", "use CIDR blocks and `*` instead of single values"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise document.error(line, "this is no UTF-8 text", f"save the {document.noun} as UTF-8") from None


def _services(document: Document, node: Node | None) -> tuple[Service, ...]:
    if node is None or is_null(node):
        return ()
    if not isinstance(node, yaml.MappingNode):
        raise document.error(node, '"services" must be a mapping of names', "write orders: {addresses: [10.0.0.11]}")
    names = {key.value: key for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
    claims: dict[tuple[str, str, int | None], str] = {}
    services = []
    for name, value in entries(document, node, 'in "services"'):
        service_name(document, names[name], name)
        service = _service(document, names[name], name, value)
        for claim in _claims(service):
            other = claims.setdefault(claim, name)
            if other != name:
                raise _twice(document, value, claim, (other, name))
        services.append(service)
    return tuple(services)


def _service(document: Document, key: Node, name: str, node: Node) -> Service:
    given = {} if is_null(node) else read(document, node, SERVICE)
    if "role" in given:
        given["role"] = Role(given["role"])
    service = Service(name, **given)
    if not (service.addresses or service.hosts or service.ports):
        raise document.error(
            key, f'nothing says where the service "{named(name)}" is', 'give it "addresses", "hosts" or "ports"'
        )
    return service


def _claims(service: Service) -> Iterable[tuple[str, str, int | None]]:
    """Everything by which a service is recognised: what no other service may claim too."""
    ports: tuple[int | None, ...] = service.ports or (None,)
    for address in service.addresses:
        yield from (("address", address, port) for port in ports)
    for host in service.hosts:
        yield from (("host", host, port) for port in (ports if not service.addresses else (None,)))
    if not service.addresses and not service.hosts:
        yield from (("port", str(port), None) for port in service.ports)


def _twice(document: Document, node: Node, claim: tuple[str, str, int | None], names: tuple[str, str]) -> PolicyError:
    kind, what, port = claim
    claimed = f"{kind} {what}" + (f" with port {port}" if port is not None else "")
    instead = "keep one, or tell them apart by ports" if kind == "address" else "keep one"
    return document.error(node, f'"{named(names[0])}" and "{named(names[1])}" both claim {claimed}', instead)


def _exemptions(document: Document, node: Node | None, key: Key) -> Iterable[Exemption]:
    for number, item in enumerate(items(document, node, key) if node is not None else (), 1):
        given = read(document, item, EXEMPTION)
        rule = given.pop("rule", f"policy-{number}")
        if not given:
            raise document.error(
                item, "an exemption without keys would match everything", "give it a path or another key"
            )
        yield Exemption(rule, **given)


def _thresholds(document: Document, node: Node | None, key: Key) -> Iterable[Threshold]:
    for item in items(document, node, key) if node is not None else ():
        given = read(document, item, THRESHOLD)
        if not given.keys() & {"missing_ratio", "continuation_ratio"}:
            raise document.error(
                item, "a threshold without a ratio says nothing", 'give it "missing_ratio" or "continuation_ratio"'
            )
        if "severity" in given:
            given["severity"] = Severity[given["severity"].upper()]
        yield Threshold(**given)
