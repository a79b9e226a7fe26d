"""Proxies: what each does to traceparent by default, and where it loses it."""

from wiresniff.report.explanations.entry import Explanation, Fix, Source
from wiresniff.report.explanations.stacks.standard import FORWARDING

NGINX_FORWARDS = Fix(
    "nginx",
    "Passes traceparent on: by default only Host and Connection are redefined. It is lost where proxy_set_header (or "
    "grpc_set_header) gives it an empty value, as a variable that is not set does, and where "
    "proxy_pass_request_headers is off. Find the line:",
    ("nginx -T | grep -niE 'trace(parent|state)|pass_request_headers'",),
    (
        Source(
            "nginx, ngx_http_proxy_module: proxy_set_header",
            "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_set_header",
        ),
        Source(
            "nginx, ngx_http_grpc_module: grpc_set_header",
            "https://nginx.org/en/docs/http/ngx_http_grpc_module.html#grpc_set_header",
        ),
    ),
)
NGINX_TRACES = Fix(
    "nginx, OpenTelemetry module",
    "otel_trace_context is ignore by default: the field is left alone. inject overwrites what came in, so the trace "
    "begins anew at nginx; propagate continues it.",
    ("otel_trace on;", "otel_trace_context propagate;"),
    (
        Source(
            "nginx, ngx_otel_module: otel_trace_context",
            "https://nginx.org/en/docs/ngx_otel_module.html#otel_trace_context",
        ),
    ),
)
INGRESS_NGINX = Fix(
    "ingress-nginx",
    "OpenTelemetry is off by default. Once it is on, incoming spans are trusted, unless an Ingress or the ConfigMap "
    "says otherwise. Which sampler is the default depends on the version; one that does not look at the parent "
    "changes the sampled flag. Set in the ConfigMap:",
    (
        'enable-opentelemetry: "true"',
        'opentelemetry-trust-incoming-span: "true"',
        'otel-sampler: "AlwaysOn"',
        'otel-sampler-parent-based: "true"',
    ),
    (
        Source(
            "Ingress-Nginx Controller, OpenTelemetry",
            "https://kubernetes.github.io/ingress-nginx/user-guide/third-party-addons/opentelemetry/",
        ),
    ),
)
HAPROXY = Fix(
    "HAProxy",
    "Has no rule about trace context of its own. http-request del-header removes the fields of a name, with -m also "
    "those that begin with, end with or contain it, or match a pattern. Find the rule:",
    ("grep -rnE 'http-request (del|set|replace)-header' /etc/haproxy/",),
    (
        Source(
            "HAProxy Configuration Manual, http-request del-header",
            "https://docs.haproxy.org/2.6/configuration.html",
        ),
    ),
)
ENVOY_REMOVES = Fix(
    "Envoy",
    "Removes what request_headers_to_remove names (on a route, a virtual host or all of them), and from requests that "
    "come from outside also what internal_only_headers names. Its sanitizing of edge requests is a fixed list, "
    "x-request-id among it; traceparent is not. Find the line:",
    ("curl -s localhost:9901/config_dump | grep -A3 -E 'to_remove|internal_only'",),
    (
        Source(
            "Envoy, HTTP route configuration",
            "https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route.proto",
        ),
        Source(
            "Envoy, HTTP header sanitizing",
            "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/header_sanitizing",
        ),
    ),
)
ENVOY_TRACES = Fix(
    "Envoy, with a tracer",
    "A tracer writes a trace context on every request, also where Envoy decides not to sample: it then says not "
    "sampled, and services that follow their parent keep nothing. Whether the decision that came in counts depends on "
    "tracer and version. All three are 100 % unless set:",
    (
        "tracing:",
        "  client_sampling: {value: 100}",
        "  random_sampling: {value: 100}",
        "  overall_sampling: {value: 100}",
    ),
    (
        Source(
            "Envoy issue 38222, trace context when not sampling",
            "https://github.com/envoyproxy/envoy/issues/38222",
        ),
        Source(
            "Envoy pull request 45830, tracers respect the decision",
            "https://github.com/envoyproxy/envoy/pull/45830",
        ),
        Source(
            "Envoy, HTTP connection manager: Runtime",
            "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/runtime",
        ),
    ),
)
ISTIO = Fix(
    "Istio, and any mesh of sidecars",
    "A sidecar makes spans, but cannot know which request that comes in caused which that goes out. The application "
    "must copy these fields from the one to the other, or its SDK must:",
    ("x-request-id", "traceparent", "tracestate"),
    (
        Source(
            "Istio, Distributed Tracing, Overview",
            "https://istio.io/latest/docs/tasks/observability/distributed-tracing/overview/",
        ),
        Source(
            "Envoy, Tracing: Trace context propagation",
            "https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/observability/tracing",
        ),
    ),
)
TRAEFIK = Fix(
    "Traefik",
    "The Headers middleware removes a request header to which it gives an empty value, and overwrites one of the same "
    "name. Look for:",
    ("customRequestHeaders:", '  traceparent: ""  # removes it'),
    (
        Source(
            "Traefik, Headers",
            "https://doc.traefik.io/traefik/middlewares/http/headers/",
        ),
    ),
)

PROXIES = (
    Explanation(
        "nginx",
        "nginx passes traceparent on unless a line says otherwise",
        "Fields of requests are forwarded, but for Host and Connection. Configuration removes traceparent, or its "
        "OpenTelemetry module replaces it.",
        FORWARDING,
        "Find the line, remove it, and have the module propagate.",
        (NGINX_FORWARDS, NGINX_TRACES),
        ("ingress-nginx", "context-stripped"),
    ),
    Explanation(
        "ingress-nginx",
        "ingress-nginx leaves traces alone until OpenTelemetry is enabled",
        "Without OpenTelemetry it forwards as nginx does. With it, the sampler may decide anew for every request.",
        FORWARDING,
        "Set the sampler to follow the parent.",
        (INGRESS_NGINX, NGINX_FORWARDS),
        ("sampled-flag-flip",),
    ),
    Explanation(
        "haproxy",
        "HAProxy removes what its rules name",
        "No rule touches trace context by default.",
        FORWARDING,
        "Find the rule, and except traceparent, tracestate and baggage from it.",
        (HAPROXY,),
        ("context-stripped",),
    ),
    Explanation(
        "envoy",
        "Envoy removes what routes name; a tracer rewrites the context",
        "Without a tracer trace context is forwarded unless configuration removes it. With one, Envoy is a hop of the "
        "trace: same trace id, a parent-id of its own.",
        FORWARDING,
        "Find the line; if a tracer is set, give it the propagation format of the services.",
        (ENVOY_REMOVES, ENVOY_TRACES),
        ("context-stripped", "istio"),
    ),
    Explanation(
        "istio",
        "Istio: sidecars trace each hop, applications join them",
        "The spans of two sidecars belong to one trace only if the application between them handed the fields on.",
        FORWARDING,
        "Instrument the applications. A mesh alone does not propagate.",
        (ISTIO, ENVOY_TRACES),
        ("context-dropped", "trace-restarted"),
    ),
    Explanation(
        "traefik",
        "Traefik removes what its Headers middleware names",
        "A header with an empty value in customRequestHeaders is removed from the request.",
        FORWARDING,
        "Find the middleware and take traceparent out of it.",
        (TRAEFIK,),
        ("context-stripped",),
    ),
)
