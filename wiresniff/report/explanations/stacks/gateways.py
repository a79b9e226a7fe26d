"""API gateways and load balancers of clouds: what each does to traceparent by default."""

from wiresniff.report.explanations.entry import Explanation, Fix, Source
from wiresniff.report.explanations.stacks.sdk import GENERAL
from wiresniff.report.explanations.stacks.standard import FORWARDING

API_GATEWAY = Fix(
    "AWS API Gateway",
    "An HTTP proxy integration passes the headers of the request on. A custom (non-proxy) integration of a REST API "
    "sends only what is mapped. In the integration request:",
    (
        '"requestParameters": {',
        '  "integration.request.header.traceparent":',
        '      "method.request.header.traceparent"',
        "}",
    ),
    (
        Source(
            "Amazon API Gateway, HTTP integrations for REST APIs",
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/setup-http-integrations.html",
        ),
        Source(
            "Amazon API Gateway, Parameter mapping for REST APIs",
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-parameter-mapping.html",
        ),
    ),
)
API_GATEWAY_HTTP = Fix(
    "AWS API Gateway, HTTP APIs",
    "Parameter mapping can remove, overwrite or append headers. append gives a traceparent that is there a second "
    "value, so that nobody may use it. Look for:",
    ('"remove:header.traceparent": "\'\'"', '"append:header.traceparent": "..."'),
    (
        Source(
            "Amazon API Gateway, Transform API requests and responses for HTTP APIs",
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html",
        ),
    ),
)
LOAD_BALANCER = Fix(
    "AWS Application Load Balancer",
    "Adds X-Amzn-Trace-Id, or updates it, before it sends the request on. That is another format: a trace that begins "
    "there has no traceparent. Services that shall read it need the xray propagator besides.",
    ("OTEL_PROPAGATORS=tracecontext,baggage,xray",),
    (
        Source(
            "Elastic Load Balancing, Request tracing for your Application Load Balancer",
            "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html",
        ),
        GENERAL,
    ),
)
KONG = Fix(
    "Kong",
    "The OpenTelemetry and Zipkin plugins take the format that came in and send the same; OpenTelemetry falls back to "
    "w3c, Zipkin to b3. With propagation.extract empty, Kong begins a new trace; clear removes fields; with inject "
    "empty it sends none.",
    (
        "propagation:",
        "  extract: [w3c, b3]",
        "  inject: [preserve]",
        "  default_format: w3c",
    ),
    (
        Source("Kong, Zipkin plugin, Configuration", "https://docs.konghq.com/hub/kong-inc/zipkin/configuration"),
        Source(
            "Kong, OpenTelemetry plugin, Propagation",
            "https://docs.konghq.com/hub/kong-inc/opentelemetry/",
        ),
        Source(
            "Kong, OpenTelemetry plugin, Ignore incoming headers",
            "https://developer.konghq.com/plugins/opentelemetry/examples/ignore-incoming-headers",
        ),
    ),
)

CLOUDFLARE = Fix(
    "Cloudflare Workers",
    "Tracing of Workers neither takes a trace id from a caller nor sends one outside Cloudflare. A Worker that makes a "
    "request of its own must copy the fields.",
    (
        "const headers = new Headers();",
        "for (const name of ['traceparent', 'tracestate', 'baggage']) {",
        "  const value = request.headers.get(name);",
        "  if (value !== null) headers.set(name, value);",
        "}",
        "return fetch(url, { headers });",
    ),
    (
        Source(
            "Cloudflare Workers, Traces: Known limitations",
            "https://developers.cloudflare.com/workers/observability/traces/known-limitations",
        ),
    ),
)
APIGEE = Fix(
    "Apigee",
    "Takes part in a trace only once distributed tracing was enabled for the environment; its sampler is OFF by "
    "default. Ask for the configuration:",
    (
        "at=https://apigee.googleapis.com/v1/organizations/$ORG/environments/$ENV",
        'curl -H "Authorization: Bearer $TOKEN" $at/traceConfig',
    ),
    (
        Source(
            "Apigee, Enabling distributed tracing",
            "https://cloud.google.com/apigee/docs/api-platform/develop/enabling-distributed-trace",
        ),
        Source(
            "Apigee API, getTraceConfig",
            "https://cloud.google.com/apigee/docs/reference/apis/apigee/rest/v1/organizations.environments/getTraceConfig",
        ),
    ),
)

GATEWAYS = (
    Explanation(
        "aws-api-gateway",
        "AWS API Gateway: proxy integrations forward, others send what is mapped",
        "Whether traceparent passes depends on the kind of integration, per method.",
        FORWARDING,
        "Use a proxy integration, or map traceparent, tracestate and baggage.",
        (API_GATEWAY, API_GATEWAY_HTTP),
        ("proxy-route",),
    ),
    Explanation(
        "aws-load-balancer",
        "AWS Application Load Balancers write X-Amzn-Trace-Id",
        "Every request gets X-Amzn-Trace-Id, whether its sender traces or not.",
        FORWARDING,
        "Let the first service behind it begin traces, or read both formats.",
        (LOAD_BALANCER,),
        ("carriers-disagree", "foreign-format-only"),
    ),
    Explanation(
        "kong",
        "Kong: its tracing plugins extract, clear and inject as told",
        "With a tracing plugin Kong is a hop of the trace; what it reads and writes is configured, per route if need "
        "be.",
        FORWARDING,
        "Extract every format that comes in, and inject the one that services read.",
        (KONG,),
        ("trace-restarted", "foreign-format-only"),
    ),
    Explanation(
        "cloudflare",
        "Cloudflare Workers do not propagate traces outside Cloudflare",
        "Traces of Workers stay within Cloudflare. What a Worker fetches has the headers that its code gives it.",
        FORWARDING,
        "Copy the fields in the Worker.",
        (CLOUDFLARE,),
        ("context-stripped",),
    ),
    Explanation(
        "apigee",
        "Apigee takes part in traces once that is enabled",
        "Distributed tracing of the runtime is off until it is configured for the environment.",
        FORWARDING,
        "Enable it, or see that no policy of the proxy removes the fields.",
        (APIGEE,),
        ("context-stripped",),
    ),
)
