"""YAML text to nodes that know their lines, within bounds; every failure is one sentence with its place."""

from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from wiresniff.model import limits
from wiresniff.model.display import named
from wiresniff.model.errors import PolicyError

Node: TypeAlias = yaml.nodes.Node

TAG = "tag:yaml.org,2002:"
NULL = TAG + "null"
"""What YAML takes an empty value, `null` and `~` for."""

SYNTAX_ADVICE = (
    ("'\\t'", "indent with spaces, not with tabs"),
    ("single document", 'keep one document in a file, without a further "---"'),
    ("undefined alias", "put a value that begins with * in quotes, or define the anchor before its use"),
    ("duplicate anchor", "give every anchor a name of its own"),
    ("'@'", "put the value in quotes"),
    ("'`'", "put the value in quotes"),
    ("'%'", "put the value in quotes"),
    ("but found ':'", "put a value that begins with a colon, such as ::1, in quotes"),
    ("alphabetic or numeric character", "put a value that begins with * or & in quotes"),
    ("expected ',' or", "close the bracket, and put a comma between its entries"),
    ("quoted scalar", "close the quotes"),
    ("mapping values are not allowed", "put a value that holds a colon in quotes, and check the indentation"),
)
"""What PyYAML's problem contains, and what to do about it."""
OTHER_ADVICE = "check the indentation, colons, quotes and brackets above it"


@dataclass(slots=True)
class Document:
    """A policy file, or another one like it, while it is read: makes errors with places, counts values."""

    file: str
    noun: str = "policy"
    """What a person calls such a file."""
    values: int = field(default=0)

    def error(self, at: Node | int, wrong: str, instead: str) -> PolicyError:
        """Return the sentence for a mistake at a node or a line (from 1)."""
        line = at if isinstance(at, int) else at.start_mark.line + 1
        return PolicyError(f"{named(self.file, 200)}:{line}: {wrong}; {instead}")

    def file_error(self, wrong: str, instead: str) -> PolicyError:
        """Return the sentence for a file that can't be used at all."""
        return PolicyError(f"{named(self.file, 200)}: {wrong}; {instead}")

    def pairs(self, node: yaml.MappingNode) -> list[tuple[Node, Node]]:
        """Return the keys and values of a mapping, counted."""
        self._count(node, len(node.value))
        return list(node.value)

    def items(self, node: yaml.SequenceNode) -> list[Node]:
        """Return the entries of a list, counted."""
        self._count(node, len(node.value))
        return list(node.value)

    def _count(self, node: Node, values: int) -> None:
        self.values += values
        if self.values > limits.POLICY_VALUES:
            raise self.error(
                node,
                f"the {self.noun} has more than {limits.POLICY_VALUES} values",
                "use CIDR blocks and `*`, and fewer aliases",
            )


def compose(text: str, document: Document) -> Node | None:
    """Compose the text of a file into its root node; None where nothing is written.

    Raises PolicyError for text that is not YAML, or nests too deeply.
    """
    loader = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
    except _TooDeepError as error:
        raise document.error(error.line, f"the {document.noun} nests too deeply", "write it flatter") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = f"U+{error.character:04X}" if isinstance(error.character, int) else named(str(error.character))
        raise document.error(line, f"YAML does not allow the character {character}", "remove it") from None
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, document) from None
    except (yaml.YAMLError, ValueError, OverflowError):
        # PyYAML lets chr() and int() fail on escapes and version directives out of range.
        line = loader.line + 1 if loader is not None else 1
        raise document.error(line, "not valid YAML (a number or an escape out of range)", "correct it") from None
    finally:
        if loader is not None:
            loader.dispose()
    return None if root is None or root.tag == NULL else root


class _TooDeepError(Exception):
    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class _Loader(yaml.SafeLoader):
    """Composes nodes; bounded in depth, because the composer is recursive."""

    depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        self.depth += 1
        if self.depth > limits.POLICY_DEPTH:
            raise _TooDeepError(self.line + 1)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _syntax_error(error: yaml.MarkedYAMLError, document: Document) -> PolicyError:
    mark = error.problem_mark or error.context_mark
    problem = ", ".join(part for part in (error.context, error.problem) if part)
    advice = next((advice for part, advice in SYNTAX_ADVICE if part in problem), OTHER_ADVICE)
    return document.error(mark.line + 1 if mark else 1, f"not valid YAML ({named(problem, 120)})", advice)
