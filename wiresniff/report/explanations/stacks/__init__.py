"""Stacks: what languages, proxies and gateways do to a trace by default, from their own documents.

One module per stack or kind of stack. Each has its fixes, which causes and findings quote (`..causes`), and the
explanation that gathers them (`wiresniff explain go`). What a stack's documents or makers do not say is not said here.
"""

from wiresniff.report.explanations.entry import Explanation
from wiresniff.report.explanations.stacks.dotnet import DOTNET
from wiresniff.report.explanations.stacks.gateways import GATEWAYS
from wiresniff.report.explanations.stacks.go import GO
from wiresniff.report.explanations.stacks.java import JAVA
from wiresniff.report.explanations.stacks.node import NODE
from wiresniff.report.explanations.stacks.proxies import PROXIES
from wiresniff.report.explanations.stacks.python import PYTHON
from wiresniff.report.explanations.stacks.ruby import RUBY
from wiresniff.report.explanations.stacks.sdk import OPENTELEMETRY

__all__ = ["STACKS"]

STACKS: tuple[Explanation, ...] = (GO, PYTHON, NODE, JAVA, DOTNET, RUBY, OPENTELEMETRY, *PROXIES, *GATEWAYS)
