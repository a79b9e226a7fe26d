"""Kinds of cause that findings about hops name: how the losses are spread over clients, endpoints and load tells."""

from wiresniff.report.explanations.entry import Explanation
from wiresniff.report.explanations.stacks import dotnet, gateways, go, java, node, proxies, python, ruby, sdk

MUST_SEND_ON = 'Trace Context, "Mutating the traceparent Field": a service that received a traceparent must send it on.'

CAUSES = (
    Explanation(
        "uninstrumented-client",
        "one client library of the service never sends a trace",
        "All calls that lost the trace share a user agent, a connection or an endpoint, and no call that handed it on "
        "has the same. The service has a context; one of its HTTP clients does not write it.",
        MUST_SEND_ON,
        "Find the client by the user agent of the finding, and instrument it, or replace it by the one that "
        "propagates.",
        (go.CLIENT, python.CLIENT, node.CLIENT, java.CLIENT, dotnet.CLIENT, ruby.CLIENT),
    ),
    Explanation(
        "no-propagator",
        "nothing that the service sends ever carries a trace",
        "Requests come in with a context, and no request that leaves the service has one, whoever it goes to and "
        "whatever client sends it. The service is not instrumented, or its SDK has no propagator.",
        MUST_SEND_ON + ' OpenTelemetry, "Propagators API": the global propagator is a no-operation until one is set.',
        "If the service exports spans, set the propagator. If it exports none, install the SDK or the agent.",
        (go.PROPAGATOR, sdk.PROPAGATORS, node.PROPAGATOR, java.PROPAGATOR, node.ORDER),
        ("exports-only",),
    ),
    Explanation(
        "lost-async-context",
        "the same call has a trace sometimes: lost between threads, tasks or goroutines",
        "On one endpoint, with one client, some requests carry the trace and some do not. The client is instrumented; "
        "where it goes bare, the work had moved to a thread, a task or a callback without its context.",
        MUST_SEND_ON + " How the context crosses threads is left to the SDK.",
        "Find where the handler hands work over (pool, queue, timer, callback), and hand the context over with it.",
        (go.ASYNC, python.ASYNC, node.ASYNC, java.ASYNC, java.SPRING_ASYNC, dotnet.ASYNC, ruby.ASYNC),
        ("background-context",),
    ),
    Explanation(
        "background-context",
        "new traces begin while requests are served: a background context was used",
        "Requests that leave the service carry new traces, and there are more of them the more requests come in. The "
        "client is instrumented and makes spans; it does not get the context of the request that caused them.",
        'Trace Context, "Mutating the traceparent Field": a trace may be restarted at a boundary of trust, not '
        "elsewhere.",
        "Pass the context of the request to the call, in place of a background or root context.",
        (go.BACKGROUND, java.BACKGROUND, node.BACKGROUND, python.ASYNC, dotnet.ASYNC),
        ("lost-async-context", "ghost-roots"),
    ),
    Explanation(
        "proxy-route",
        "a proxy removes the trace on one of its routes",
        "The proxy hands the trace on elsewhere. Requests of one path, host or upstream lose it there.",
        MUST_SEND_ON + " A proxy may leave it as it is.",
        "Compare the configuration of that route with one that keeps the trace: a header that is set empty, removed or "
        "not mapped, or a list of headers that are let through.",
        (
            proxies.NGINX_FORWARDS,
            proxies.HAPROXY,
            proxies.ENVOY_REMOVES,
            proxies.TRAEFIK,
            gateways.API_GATEWAY,
            gateways.API_GATEWAY_HTTP,
            gateways.KONG,
            gateways.CLOUDFLARE,
        ),
        ("context-stripped",),
    ),
    Explanation(
        "exports-only",
        "the service sends spans to a collector and no trace to anybody else",
        "Telemetry leaves the service, so an SDK runs in it. No other request that leaves it has a context: spans are "
        "made and exported, and nothing injects them.",
        'OpenTelemetry, "Propagators API": the global propagator is a no-operation until one is set. '
        "Exporting and propagating are set up apart.",
        "Set the propagator, and instrument the clients: an exporter does neither.",
        (go.PROPAGATOR, go.CLIENT, sdk.PROPAGATORS, python.CLIENT, node.PROPAGATOR, java.PROPAGATOR),
        ("no-propagator",),
    ),
)
