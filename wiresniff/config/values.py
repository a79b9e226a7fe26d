"""One reader per kind of value: a YAML node in, a checked Python value out, or the sentence that says what to type."""

import difflib
import ipaddress
import re
from collections.abc import Callable
from typing import Any

import yaml

from wiresniff.config.nodes import NULL, TAG, Document, Node
from wiresniff.config.schema import RESERVED_NAMES, SECTIONS, VERSION, Key, Kind, Section
from wiresniff.model.display import named
from wiresniff.model.errors import PolicyError

NAME_CHARACTERS = 253
"""Longest name of a service: that of a host (RFC 1035 2.3.4, in text form)."""
WORD_CHARACTERS = 1024
"""Longest word, path or user agent: they are matched against every request."""

DECIMAL = re.compile(r"[0-9]{1,9}")
FRACTION = re.compile(r"[0-9]{0,9}\.?[0-9]{1,9}")
RULE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110 5.6.2 token; `*` is one of its characters."""
HOST = re.compile(r"[a-z0-9_*-]+(?:\.[a-z0-9_*-]+)*\.?")
ADDRESS_WITH_PORT = re.compile(r"([0-9.]+|\[[0-9A-Fa-f:.]+\]):[0-9]+")
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/:?#]*).*", re.DOTALL)

SIMILAR = 0.5
"""difflib ratio from which a known key is worth suggesting."""


def mapping(
    document: Document, node: Node, section: Section, sections: tuple[Section, ...] = SECTIONS
) -> dict[str, Node]:
    """Return the values of a mapping by key, in order; every key is in `section`, and there once.

    `sections` are those of the whole file: a key may stand in the wrong one.
    """
    if not isinstance(node, yaml.MappingNode):
        raise document.error(
            node, f"{section.title} must be a mapping, not {_what(node)}", f"write keys such as {section.keys[0].name}:"
        )
    values: dict[str, Node] = {}
    for key, value in entries(document, node, f"in {section.title}"):
        if key not in section.names():
            raise document.error(
                _key_line(node, key), f'{section.title} has no key "{named(key)}"', _known(key, section, sections)
            )
        values[key] = value
    return values


def entries(document: Document, node: yaml.MappingNode, where: str) -> list[tuple[str, Node]]:
    """Return keys as text, and values; every key is there once."""
    lines: dict[str, int] = {}
    found = []
    for key, value in document.pairs(node):
        if not isinstance(key, yaml.ScalarNode) or key.tag == NULL:
            raise document.error(key, f"{_what(key)} {where} is no key", "write a word, a colon and a value")
        name = key.value
        if name in lines:
            raise document.error(
                key, f'"{named(name)}" is given twice {where} (first in line {lines[name]})', "keep one of them"
            )
        lines[name] = key.start_mark.line + 1
        found.append((name, value))
    return found


def read(document: Document, node: Node, section: Section, sections: tuple[Section, ...] = SECTIONS) -> dict[str, Any]:
    """Read a mapping whose values are plain: key to checked value, keys that are not given left out."""
    values = mapping(document, node, section, sections)
    return {key.name: READERS[key.kind](document, values[key.name], key) for key in section.keys if key.name in values}


def is_null(node: Node) -> bool:
    """Whether nothing is written: what remains when all entries of a mapping or a list are commented out."""
    return bool(node.tag == NULL)


def service_name(document: Document, node: Node, name: str) -> str:
    """Check the name of a service."""
    if name in RESERVED_NAMES:
        raise document.error(node, f'wiresniff itself calls something "{name}"', f'name the service "{name}-service"')
    if not name or len(name) > NAME_CHARACTERS or not name.isprintable() or name != name.strip() or "*" in name:
        raise document.error(
            node,
            f'"{named(name)}" can\'t be the name of a service',
            f"use at most {NAME_CHARACTERS} printable characters, without * and blanks around",
        )
    return name


def items(document: Document, node: Node, key: Key) -> list[Node]:
    """Return the entries of a list."""
    if is_null(node):
        return []
    if isinstance(node, yaml.SequenceNode):
        return document.items(node)
    wrong = f'"{key.name}" must be a list, not {_what(node)}'
    if isinstance(node, yaml.ScalarNode):
        raise document.error(node, wrong, f"write {key.name}: [{named(node.value)}]")
    raise document.error(node, wrong, "begin every entry with a hyphen")


def text(document: Document, node: Node, key: Key) -> str:
    """Return what is written, numbers too (`user_agent: 1.0`), but not what YAML reads as something else."""
    if not isinstance(node, yaml.ScalarNode):
        raise document.error(node, f'"{key.name}" must be a {key.takes}, not {_what(node)}', "write one value")
    if node.tag == NULL:
        raise document.error(node, f'"{key.name}" has no value', "write one, or remove the key")
    if node.tag not in PLAIN:
        instead = (
            f'put it in quotes: "{named(node.value)}"' if node.tag == TAG + "bool" else "remove the tag, or quote it"
        )
        raise document.error(node, f'"{key.name}" must be text, and YAML reads {_what(node)}', instead)
    written = str(node.value)
    if not written or len(written) > WORD_CHARACTERS or not written.isprintable():
        raise document.error(
            node,
            f'"{named(written)}" can\'t be the value of "{key.name}"',
            f"use 1 to {WORD_CHARACTERS} printable characters",
        )
    return written


PLAIN = {TAG + word for word in ("str", "int", "float")}


def _version(document: Document, node: Node, key: Key) -> int:
    written = text(document, node, key)
    if written != str(VERSION):
        raise document.error(
            node, f'version "{named(written)}" is not known', f'write "version: {VERSION}", or use a newer wiresniff'
        )
    return VERSION


def _flag(document: Document, node: Node, key: Key) -> bool:
    if isinstance(node, yaml.ScalarNode) and node.tag == TAG + "bool":
        return str(node.value).lower() in {"true", "yes", "on"}
    raise document.error(node, f'"{key.name}" must be true or false, not {_what(node)}', f"write {key.name}: true")


def _addresses(document: Document, node: Node, key: Key) -> tuple[str, ...]:
    return tuple(_address(document, item, text(document, item, key)) for item in items(document, node, key))


def _address(document: Document, node: Node, written: str) -> str:
    """Return an address or a CIDR block in its canonical form."""
    try:
        network = ipaddress.ip_network(written)
    except ValueError:
        raise _address_error(document, node, written) from None
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= MAPPED_PREFIX:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return _address(document, node, f"{mapped}/{network.prefixlen - MAPPED_PREFIX}")
    return str(network.network_address) if network.num_addresses == 1 else str(network)


MAPPED_PREFIX = 96
"""Bits before the IPv4 address in an IPv4-mapped one (RFC 4291 2.5.5.2)."""


def _address_error(document: Document, node: Node, written: str) -> PolicyError:
    shown = named(written)
    try:
        network = ipaddress.ip_network(written, strict=False)
    except ValueError:
        pass
    else:
        return document.error(node, f'"{shown}" is an address within a block', f"write {network} for the block")
    if ADDRESS_WITH_PORT.fullmatch(written):
        return document.error(node, f'"{shown}" is an address with a port', 'write the port under "ports"')
    if HOST.fullmatch(written.lower()) and any(character.isalpha() for character in written):
        return document.error(node, f'"{shown}" is no IP address', 'write names under "hosts"')
    return document.error(
        node, f'"{shown}" is neither an IP address nor a CIDR block', "write it like 10.0.0.11, 10.0.1.0/24 or fd00::/8"
    )


def _ports(document: Document, node: Node, key: Key) -> tuple[int, ...]:
    return tuple(_port(document, item, key) for item in items(document, node, key))


def _port(document: Document, node: Node, key: Key) -> int:
    written = text(document, node, key)
    port = int(written) if DECIMAL.fullmatch(written) else 0
    if not 1 <= port <= LAST_PORT:
        instead = "write every port of a range" if "-" in written[1:] else f"write a number from 1 to {LAST_PORT}"
        raise document.error(node, f'"{named(written)}" is no TCP port', instead)
    return port


LAST_PORT = 65535


def _hosts(document: Document, node: Node, key: Key) -> tuple[str, ...]:
    return tuple(_host(document, item, text(document, item, key)) for item in items(document, node, key))


def _host(document: Document, node: Node, written: str) -> str:
    """Return a host name in lower case, without the dot of the root."""
    host = written.lower()
    if HOST.fullmatch(host) and len(host) <= NAME_CHARACTERS + 1:
        if host.replace(".", "").isdecimal():
            raise document.error(node, f'"{host}" is no host name', 'write addresses under "addresses"')
        return host.removesuffix(".")
    url = URL.fullmatch(written)
    bare = url[1] if url else written.partition("/")[0].partition(":")[0]
    if HOST.fullmatch(bare.lower()):
        raise document.error(
            node,
            f'"{named(written)}" is more than a host name',
            f'write "{named(bare.lower())}", and ports under "ports"',
        )
    raise document.error(node, f'"{named(written)}" is no host name', "use letters, digits, hyphens, dots and *")


def _path(document: Document, node: Node, key: Key) -> str:
    path = text(document, node, key)
    if not path.startswith(("/", "*")):
        url = URL.fullmatch(path)
        instead = path.partition("://")[2].partition("/")[2] if url else path
        raise document.error(node, f'no path begins as "{named(path)}" does', f'write "/{named(instead)}"')
    bare = path.partition("?")[0].partition("#")[0]
    if bare != path:
        raise document.error(
            node, f'"{named(path)}" has a query, which paths are compared without', f'write "{named(bare)}"'
        )
    return path


def _method(document: Document, node: Node, key: Key) -> str:
    method = text(document, node, key)
    if not METHOD.fullmatch(method):
        raise document.error(node, f'"{named(method)}" is no HTTP method', "write one, such as GET; one entry for each")
    return method.upper()


def _rule(document: Document, node: Node, key: Key) -> str:
    rule = text(document, node, key)
    if not RULE.fullmatch(rule):
        raise document.error(
            node, f'"{named(rule)}" can\'t name a rule', "use up to 63 lower-case letters, digits and hyphens"
        )
    return rule


def _ratio(document: Document, node: Node, key: Key) -> float:
    written = text(document, node, key)
    ratio = float(written) if FRACTION.fullmatch(written) else 2.0
    if ratio > 1:
        raise document.error(
            node, f'"{key.name}" can\'t be "{named(written)}"', "write a number from 0 to 1, such as 0.01"
        )
    return ratio


def _count(document: Document, node: Node, key: Key) -> int:
    written = text(document, node, key)
    count = int(written) if DECIMAL.fullmatch(written) else 0
    if count < 1:
        raise document.error(
            node, f'"{key.name}" can\'t be "{named(written)}"', "write a whole number from 1, such as 100"
        )
    return count


def _choice(document: Document, node: Node, key: Key) -> str:
    written = text(document, node, key)
    if written in key.choices:
        return written
    near = difflib.get_close_matches(written[:64].lower(), key.choices, n=1, cutoff=SIMILAR)
    instead = f'write "{near[0]}"' if near else "write " + _either(key.choices)
    raise document.error(node, f'"{key.name}" can\'t be "{named(written)}"', instead)


READERS: dict[Kind, Callable[[Document, Node, Key], Any]] = {
    Kind.VERSION: _version,
    Kind.FLAG: _flag,
    Kind.ADDRESSES: _addresses,
    Kind.PORTS: _ports,
    Kind.HOSTS: _hosts,
    Kind.WORD: text,
    Kind.PATH: _path,
    Kind.METHOD: _method,
    Kind.PORT: _port,
    Kind.RULE: _rule,
    Kind.RATIO: _ratio,
    Kind.COUNT: _count,
    Kind.CHOICE: _choice,
    Kind.FILE: text,
}
"""Readers of plain values; mappings and lists of mappings are read in `wiresniff.config.load`."""


def _known(key: str, section: Section, sections: tuple[Section, ...]) -> str:
    """Say which key was meant: the nearest one, where it belongs, or all there are."""
    word = key[:64].lower().replace("-", "_")
    near = difflib.get_close_matches(word, section.names(), n=1, cutoff=SIMILAR)
    if near and near[0] == word:
        return f'write "{near[0]}"'
    home = next((other.title for other in sections if word in other.names()), None)
    if home is not None:
        return f'"{word}" belongs in {home}'
    return f'did you mean "{near[0]}"?' if near else "known keys are " + ", ".join(section.names())


def _either(words: tuple[str, ...]) -> str:
    quoted = [f'"{word}"' for word in words]
    return ", ".join(quoted[:-1]) + " or " + quoted[-1]


def _what(node: Node) -> str:
    """Name what stands at a node, as a person would."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    if node.tag == NULL:
        return "nothing"
    kind = KIND_WORDS.get(node.tag, "")
    return f'{kind}"{named(str(node.value))}"'


KIND_WORDS = {
    TAG + "bool": "the truth value ",
    TAG + "int": "the number ",
    TAG + "float": "the number ",
    TAG + "timestamp": "the date ",
    TAG + "str": "the text ",
}


def _key_line(node: yaml.MappingNode, name: str) -> int:
    return next((key.start_mark.line for key, _ in node.value if key.value == name), node.start_mark.line) + 1
