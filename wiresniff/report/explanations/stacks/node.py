"""Node.js: http, fetch and undici, the order of loading, AsyncLocalStorage."""

from wiresniff.report.explanations.entry import Explanation, Fix, Source
from wiresniff.report.explanations.stacks.standard import IN_PROCESS

STACK = "Node.js"
ESM_SUPPORT = Source(
    "opentelemetry-js, ECMAScript Modules vs. CommonJS",
    "https://github.com/open-telemetry/opentelemetry-js/blob/main/doc/esm-support.md",
)
CONTEXT_API = Source("opentelemetry-js, Context", "https://opentelemetry.io/docs/languages/js/context/")

CLIENT = Fix(
    STACK,
    "The global fetch is undici and has an instrumentation of its own, beside that of the http module: "
    "@opentelemetry/instrumentation-undici. A service that moved from http or axios to fetch goes bare without it.",
    (
        "const sdk = new NodeSDK({",
        "  instrumentations: [",
        "    new HttpInstrumentation(), new UndiciInstrumentation()],",
        "});",
        "sdk.start();",
    ),
    (
        Source(
            "Undici/fetch instrumentation for Node.js",
            "https://www.npmjs.com/package/@opentelemetry/instrumentation-undici",
        ),
    ),
)
ORDER = Fix(
    STACK,
    "The SDK must start before the application is loaded: what was loaded earlier stays uninstrumented. ES modules "
    "need a loader hook besides.",
    (
        "node --require ./telemetry.cjs app.js",
        "",
        "node --import ./telemetry.mjs \\",
        "  --experimental-loader=@opentelemetry/instrumentation/hook.mjs app.mjs",
    ),
    (ESM_SUPPORT,),
)
ASYNC = Fix(
    STACK,
    "The context lives in AsyncLocalStorage. Promises keep it; a callback that a queue, a pool or a custom thenable "
    "runs later may have lost it. Promisify, or bind the callback where it is handed over.",
    (
        "const { AsyncResource } = require('node:async_hooks');",
        "queue.push(AsyncResource.bind(() => fetch(url)));",
    ),
    (
        Source(
            "Node.js, AsyncLocalStorage: Troubleshooting: Context loss",
            "https://nodejs.org/api/async_context.html#troubleshooting-context-loss",
        ),
    ),
)
BACKGROUND = Fix(
    STACK,
    "Without a context manager context.active() is always ROOT_CONTEXT, so every span begins a trace. NodeSDK and "
    "NodeTracerProvider.register() bring one; a provider that is only made, and not registered, does not.",
    (
        "const provider = new NodeTracerProvider();",
        "provider.register();",
    ),
    (
        CONTEXT_API,
        Source("OpenTelemetry Node SDK", "https://www.npmjs.com/package/@opentelemetry/sdk-trace-node"),
    ),
)
PROPAGATOR = Fix(
    STACK,
    "The API alone does nothing: without an SDK that was started, no header is written. Start NodeSDK, or set the "
    "propagator yourself.",
    (
        "const { propagation } = require('@opentelemetry/api');",
        "const { W3CTraceContextPropagator } = require('@opentelemetry/core');",
        "propagation.setGlobalPropagator(new W3CTraceContextPropagator());",
    ),
    (
        Source("OpenTelemetry Core", "https://www.npmjs.com/package/@opentelemetry/core"),
        Source("opentelemetry-js, Propagation", "https://opentelemetry.io/docs/languages/js/propagation/"),
    ),
)

NODE = Explanation(
    "node",
    "Node.js: what is loaded before the SDK is not instrumented",
    "Instrumentation patches modules as they are loaded, fetch is apart from http, and the context follows promises "
    "but not every callback.",
    IN_PROCESS,
    "Preload the SDK, instrument http and undici, and bind callbacks that are run later by others.",
    (CLIENT, ORDER, ASYNC, BACKGROUND, PROPAGATOR),
)
