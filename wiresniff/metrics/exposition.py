"""A snapshot as text, quickly: Prometheus' format and OpenMetrics.

A scrape shares the interpreter with capture. The library takes a third of a second for a thousand pairs, which is
longer than a ring holds; a template per family takes a tenth of that. The library says which format a client wants,
and writes what is about the process itself. `collector` is the plain way to the same text, and what tests compare with.
"""

from collections.abc import Callable
from functools import cache, lru_cache

from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from wiresniff.metrics.collector import samples_of
from wiresniff.metrics.families import FAMILIES, Family
from wiresniff.metrics.snapshot import Snapshot
from wiresniff.model import limits

OPENMETRICS = "application/openmetrics-text"


def encoder(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    """Return how the library writes what a client accepts, and its content type."""
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is none
        return choose_encoder("")


def expose(snapshot: Snapshot, content_type: str) -> bytes:
    """Return the families of a snapshot; in OpenMetrics without the end, which the library writes behind the rest."""
    is_openmetrics = content_type.startswith(OPENMETRICS)
    lines: list[str] = []
    for family in FAMILIES:
        samples = samples_of(family, snapshot)
        if samples is not None:
            name = family.name.removesuffix("_total") if is_openmetrics else family.name
            lines.append(f"# HELP {name} {family.help}\n# TYPE {name} {family.kind}\n")
            template = _template(family)
            lines += [template % (*map(_escaped, labels), value) for labels, value in samples]
    return "".join(lines).encode("utf-8", "backslashreplace")


@cache
def _template(family: Family) -> str:
    labels = ",".join(f'{label}="%s"' for label in family.labels)
    return f"{family.name}{{{labels}}} %r\n" if labels else f"{family.name} %r\n"


@lru_cache(4 * limits.PAIRS)
def _escaped(value: str) -> str:
    """Escape a label value (OpenMetrics 1.0, `escaped-string`; the text format has the same three)."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
