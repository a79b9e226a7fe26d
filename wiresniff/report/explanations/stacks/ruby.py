"""Ruby: client libraries and threads."""

from wiresniff.report.explanations.entry import Explanation, Fix, Source
from wiresniff.report.explanations.stacks.standard import IN_PROCESS

STACK = "Ruby"

CLIENT = Fix(
    STACK,
    "Instrumentation is switched on library by library, or all at once. A library without one sends no header.",
    (
        "OpenTelemetry::SDK.configure do |c|",
        "  c.use_all  # or c.use 'OpenTelemetry::Instrumentation::Net::HTTP'",
        "end",
    ),
    (
        Source(
            "OpenTelemetry Net::HTTP Instrumentation",
            "https://rubydoc.info/gems/opentelemetry-instrumentation-net_http",
        ),
    ),
)
ASYNC = Fix(
    STACK,
    "The context belongs to the fiber: a new thread or fiber begins with the empty one. Take it along.",
    (
        "context = OpenTelemetry::Context.current",
        "Thread.new do",
        "  OpenTelemetry::Context.with_current(context) { fetch(url) }",
        "end",
    ),
    (
        Source(
            "opentelemetry-ruby, Context",
            "https://github.com/open-telemetry/opentelemetry-ruby/blob/main/api/lib/opentelemetry/context.rb",
        ),
    ),
)

RUBY = Explanation(
    "ruby",
    "Ruby: the context belongs to the fiber",
    "A thread or a fiber begins with an empty context, and client libraries are instrumented one by one.",
    IN_PROCESS,
    "Switch all instrumentation on, and take the context along into threads.",
    (CLIENT, ASYNC),
)
