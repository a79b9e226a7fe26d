"""Python: client libraries, threads and executors, explicit contexts."""

from wiresniff.report.explanations.entry import Explanation, Fix, Source
from wiresniff.report.explanations.stacks.standard import IN_PROCESS

STACK = "Python"

CLIENT = Fix(
    STACK,
    "Every client library has an instrumentation of its own: that of requests does not reach httpx or aiohttp. "
    "Instrument each one that the service uses, at start; AioHttpClientInstrumentor is the one for aiohttp.",
    (
        "from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor",
        "from opentelemetry.instrumentation.requests import RequestsInstrumentor",
        "",
        "RequestsInstrumentor().instrument()",
        "HTTPXClientInstrumentor().instrument()",
    ),
    (
        Source(
            "opentelemetry-instrumentation-requests",
            "https://pypi.org/project/opentelemetry-instrumentation-requests/",
        ),
        Source("opentelemetry-python-contrib", "https://github.com/open-telemetry/opentelemetry-python-contrib"),
    ),
)
ASYNC = Fix(
    STACK,
    "asyncio tasks and asyncio.to_thread copy the context. threading.Thread, ThreadPoolExecutor.submit and "
    "loop.run_in_executor do not. One instrumentation mends threads, timers and thread pools; or copy the context "
    "where the work is handed over.",
    (
        "from opentelemetry.instrumentation.threading import ThreadingInstrumentor",
        "",
        "ThreadingInstrumentor().instrument()",
        "",
        "# or for one call:",
        "context = contextvars.copy_context()",
        "executor.submit(context.run, fetch, url)",
    ),
    (
        Source(
            "opentelemetry-instrumentation-threading",
            "https://pypi.org/project/opentelemetry-instrumentation-threading/",
        ),
        Source(
            "asyncio, to_thread and Task",
            "https://docs.python.org/3/library/asyncio-task.html",
        ),
        Source("CPython: run_in_executor does not propagate", "https://github.com/python/cpython/issues/78195"),
    ),
)

PYTHON = Explanation(
    "python",
    "Python: tasks keep the context, threads and executors lose it",
    "The context is a context variable. It goes along with await, asyncio.create_task and asyncio.to_thread, and not "
    "into a thread or an executor. Client libraries are instrumented one by one.",
    IN_PROCESS,
    "Instrument every client library in use, and threading.",
    (CLIENT, ASYNC),
)
