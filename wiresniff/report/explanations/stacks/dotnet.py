""".NET: HttpClient and Activity."""

from wiresniff.report.explanations.entry import Explanation, Fix, Source
from wiresniff.report.explanations.stacks.standard import IN_PROCESS

STACK = ".NET"
CONCEPTS = Source(
    ".NET distributed tracing concepts",
    "https://learn.microsoft.com/dotnet/core/diagnostics/distributed-tracing-concepts",
)

CLIENT = Fix(
    STACK,
    "HttpClient propagates the current Activity by itself, in the W3C format since .NET 5. A handler whose "
    "ActivityHeadersPropagator is null sends nothing, whatever the SDK does.",
    (
        "var handler = new SocketsHttpHandler {",
        "    ActivityHeadersPropagator = DistributedContextPropagator.Current",
        "};",
    ),
    (
        CONCEPTS,
        Source(
            "SocketsHttpHandler.ActivityHeadersPropagator",
            "https://learn.microsoft.com/dotnet/api/system.net.http.socketshttphandler.activityheaderspropagator",
        ),
    ),
)
ASYNC = Fix(
    STACK,
    "Activity.Current flows through calls and through await. It does not follow an item through a queue to a "
    "background service: keep its context beside the item, and start from it where the item is read.",
    (
        "queue.Enqueue(new Work(order, Activity.Current?.Context ?? default));",
        "",
        "using var activity = source.StartActivity(",
        '    "work", ActivityKind.Internal, work.ParentContext);',
    ),
    (CONCEPTS,),
)
BAGGAGE = Fix(
    STACK,
    "Before .NET 10 the default propagator sends baggage as Correlation-Context, which is no W3C field; from .NET 10 "
    "on it sends baggage.",
    ("DistributedContextPropagator.CreateDefaultPropagator()  // W3C: .NET 10",),
    (
        Source(
            ".NET 10, Default trace context propagator updated to W3C standard",
            "https://learn.microsoft.com/dotnet/core/compatibility/core-libraries/10.0/default-trace-context-propagator",
        ),
    ),
)

DOTNET = Explanation(
    "dotnet",
    ".NET: HttpClient propagates by itself, queues do not",
    "The current Activity flows through await and out through HttpClient without any SDK. It is lost where work waits "
    "in a queue, and where somebody switched the propagator of a handler off.",
    IN_PROCESS,
    "Keep the parent's context beside queued work. Look for handlers that set ActivityHeadersPropagator.",
    (CLIENT, ASYNC, BAGGAGE),
)
