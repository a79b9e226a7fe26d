"""What the standards say to everybody who makes spans, and to everybody who only forwards."""

IN_PROCESS = (
    'Trace Context, "Mutating the traceparent Field": a service that received a traceparent must send it on. How it '
    'gets there within a process is left to the SDK: OpenTelemetry, "Context" and "Propagators API".'
)
FORWARDING = (
    'Trace Context, "Mutating the traceparent Field": a service that received a traceparent must send it on; who only '
    "forwards may leave it as it is."
)
