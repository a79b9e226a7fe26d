"""Go: net/http, goroutines, the propagator."""

from wiresniff.report.explanations.entry import Explanation, Fix, Source
from wiresniff.report.explanations.stacks.standard import IN_PROCESS

STACK = "Go"

CLIENT = Fix(
    STACK,
    "http.Get, http.Post and http.DefaultClient send no trace. Wrap the transport once, and build each request with "
    "the context of the request that is being served.",
    (
        "client := &http.Client{",
        "    Transport: otelhttp.NewTransport(http.DefaultTransport),",
        "}",
        "req, err := http.NewRequestWithContext(r.Context(), method, url, nil)",
        "resp, err := client.Do(req)",
        "",
        "grpc.NewClient(target, grpc.WithStatsHandler(otelgrpc.NewClientHandler()))",
    ),
    (
        Source(
            "otelhttp, NewTransport: starts a span and injects its context",
            "https://pkg.go.dev/go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp#NewTransport",
        ),
        Source(
            "otelgrpc",
            "https://pkg.go.dev/go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc",
        ),
    ),
)
ASYNC = Fix(
    STACK,
    "A goroutine has the context that it is given. The context of a request is cancelled when its handler returns, "
    "which tempts people to take context.Background(): the trace is lost with it. Keep the values and drop the "
    "cancellation (Go 1.21).",
    (
        "ctx := context.WithoutCancel(r.Context())",
        "go func() { send(ctx, order) }()",
    ),
    (Source("context, WithoutCancel", "https://pkg.go.dev/context#WithoutCancel"),),
)
BACKGROUND = Fix(
    STACK,
    "http.NewRequest, http.Get and http.Post use context.Background(), so an instrumented transport begins a new "
    "trace for each call. Look for them, and for context.Background() and context.TODO() in what handlers call.",
    (
        "- req, err := http.NewRequest(method, url, nil)",
        "+ req, err := http.NewRequestWithContext(ctx, method, url, nil)",
    ),
    (Source("net/http, NewRequest", "https://pkg.go.dev/net/http#NewRequest"),),
)
PROPAGATOR = Fix(
    STACK,
    "The global propagator does nothing until it is set: spans are exported, and no header is sent or read. Set it at "
    "start, before the first handler and client.",
    (
        "otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(",
        "    propagation.TraceContext{}, propagation.Baggage{}))",
    ),
    (
        Source(
            "opentelemetry-go, GetTextMapPropagator",
            "https://pkg.go.dev/go.opentelemetry.io/otel#GetTextMapPropagator",
        ),
        Source(
            "autoprop: the default must be a no-operation",
            "https://pkg.go.dev/go.opentelemetry.io/contrib/propagators/autoprop",
        ),
    ),
)

GO = Explanation(
    "go",
    "Go: nothing is propagated that is not passed along",
    "net/http knows nothing of traces, the global propagator is a no-operation, and a goroutine has only the context "
    "that it is given. What propagates was made to.",
    IN_PROCESS,
    "Set the propagator, wrap the transport of every client, and pass r.Context() all the way down.",
    (CLIENT, ASYNC, BACKGROUND, PROPAGATOR),
)
