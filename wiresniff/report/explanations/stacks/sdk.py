"""What the environment tells every OpenTelemetry SDK that reads it."""

from wiresniff.report.explanations.entry import Explanation, Fix, Source
from wiresniff.report.explanations.stacks.standard import IN_PROCESS

STACK = "OpenTelemetry SDKs"
GENERAL = Source(
    "OpenTelemetry, General SDK Configuration",
    "https://opentelemetry.io/docs/languages/sdk-configuration/general/",
)

PROPAGATORS = Fix(
    STACK,
    "Where an SDK reads the environment, OTEL_PROPAGATORS is tracecontext,baggage unless set. none switches "
    "propagation off; b3 alone sends b3 and no traceparent.",
    ("OTEL_PROPAGATORS=tracecontext,baggage",),
    (GENERAL,),
)
SAMPLER = Fix(
    STACK,
    "The default sampler, parentbased_always_on, keeps the parent's decision. traceidratio, always_on and always_off "
    "decide anew at every service, and so change the flag. Use the parentbased form.",
    ("OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.1"),
    (GENERAL,),
)

OPENTELEMETRY = Explanation(
    "opentelemetry",
    "OpenTelemetry SDKs: what the environment sets in all of them",
    "Read where the SDK configures itself from the environment. An SDK that is built by hand has what its code sets, "
    "which may be no propagator at all.",
    IN_PROCESS,
    "Print the environment of the process that runs, not of the image.",
    (PROPAGATORS, SAMPLER),
    ("no-propagator", "sampled-flag-flip"),
)
