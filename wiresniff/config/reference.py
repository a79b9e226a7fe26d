"""The reference of the policy file, printed from its schema."""

import textwrap
from collections.abc import Iterator

from wiresniff.audit.exemptions import CORS_PREFLIGHT, DEFAULT_EXEMPTIONS, OWN_SERVER
from wiresniff.config.schema import EXAMPLE, SECTIONS, Key, Section

WIDTH = 100
INDENT = "  "


def policy_reference() -> str:
    """Return every key with what it takes, its default and its meaning, an example, and the default exemptions."""
    lines = ["The policy file is YAML. Every key is checked; those that are not given have these defaults."]
    for section in SECTIONS:
        lines += ["", section.meaning, *_keys(section)]
    lines += ["", "An example:", "", textwrap.indent(EXAMPLE.rstrip("\n"), INDENT)]
    lines += ["", "Exempt without a policy (exempt_defaults: false turns all of it off), by rule:", *_defaults()]
    return "\n".join(lines) + "\n"


def _keys(section: Section) -> Iterator[str]:
    for key in section.keys:
        yield f"{INDENT}{key.name}: {key.takes}"
        yield from _wrapped(f"{key.meaning} (default: {key.default})" if _has_default(key) else key.meaning)


def _has_default(key: Key) -> bool:
    return key.default != "none"


def _defaults() -> Iterator[str]:
    patterns: dict[tuple[str, str], list[str]] = {}
    for (rule, what), methods in _methods().items():
        patterns.setdefault((rule, " or ".join(methods)), []).append(what)
    for title in dict.fromkeys(rule for rule, _ in patterns):
        yield f"{INDENT}{title}"
        for (rule, prefix), words in patterns.items():
            if rule == title:
                yield from _wrapped((f"{prefix}: " if prefix else "") + ", ".join(words))
    yield f"{INDENT}{CORS_PREFLIGHT}"
    yield from _wrapped("OPTIONS with Access-Control-Request-Method")
    yield f"{INDENT}{OWN_SERVER}"
    yield from _wrapped("what `watch` itself serves, by the addresses and the port of --listen")


def _methods() -> dict[tuple[str, str], list[str]]:
    """Return the default exemptions as (rule, pattern) -> methods: most differ in nothing but the method."""
    methods: dict[tuple[str, str], list[str]] = {}
    for exemption in DEFAULT_EXEMPTIONS:
        parts = [exemption.path] if exemption.path else []
        parts += [f'user agent "{exemption.user_agent}"'] if exemption.user_agent else []
        parts += [f"gRPC service {exemption.rpc_service}"] if exemption.rpc_service else []
        found = methods.setdefault((exemption.rule, " with ".join(parts)), [])
        found += [exemption.method] if exemption.method else []
    return methods


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=INDENT * 3,
        subsequent_indent=INDENT * 3,
        break_long_words=False,
        break_on_hyphens=False,
    )
