"""Java: executors, Spring, the agent, the propagators of an SDK built by hand."""

from wiresniff.report.explanations.entry import Explanation, Fix, Source
from wiresniff.report.explanations.stacks.standard import IN_PROCESS

STACK = "Java"
SPRING = "Spring Boot"

CLIENT = Fix(
    SPRING,
    "Traces go out through a RestTemplate, RestClient or WebClient that was made by the auto-configured builder. One "
    "that was made with new or create() propagates nothing.",
    (
        "@Bean",
        "RestClient rates(RestClient.Builder builder) {  // not RestClient.create()",
        '    return builder.baseUrl("http://rates:8080").build();',
        "}",
    ),
    (
        Source(
            "Spring Boot, Tracing: Propagating Traces",
            "https://docs.spring.io/spring-boot/reference/actuator/tracing.html",
        ),
    ),
)
ASYNC = Fix(
    STACK,
    "The context belongs to the thread. Wrap the executor once, or the single task. The agent does it for the "
    "executors of the JDK; Executor classes of your own are named to it in otel.instrumentation.executors.include.",
    (
        "ExecutorService pool = Context.taskWrapping(",
        "    Executors.newFixedThreadPool(8));",
        "new Thread(Context.current().wrap(task)).start();",
    ),
    (
        Source(
            "opentelemetry-java, Context",
            "https://javadoc.io/doc/io.opentelemetry/opentelemetry-context/latest/",
        ),
        Source(
            "OpenTelemetry Java agent, settings of executors",
            "https://github.com/open-telemetry/opentelemetry-java-instrumentation/tree/main/instrumentation/executors",
        ),
    ),
)
SPRING_ASYNC = Fix(
    SPRING,
    "@Async and event listeners run on a TaskExecutor that carries no context unless a decorator does; Reactor "
    "restores thread-locals in its operators only when told to. Both need io.micrometer:context-propagation.",
    (
        "@Bean",
        "TaskDecorator traces() { return new ContextPropagatingTaskDecorator(); }",
        "",
        "# application.properties",
        "spring.reactor.context-propagation=auto",
    ),
    (
        Source(
            "Spring Boot, Observability: Context Propagation",
            "https://docs.spring.io/spring-boot/reference/actuator/observability.html",
        ),
        Source(
            "Spring Framework, Observability",
            "https://docs.spring.io/spring-framework/reference/integration/observability.html",
        ),
    ),
)
BACKGROUND = Fix(
    STACK,
    "Context.root() disregards the request that is being served, and its documentation says that it nearly always "
    "hides a problem of propagation. Look for it, and for spans with setNoParent().",
    (
        "- try (Scope s = Context.root().makeCurrent()) {",
        "+ try (Scope s = parent.makeCurrent()) {  // Context.current(), kept",
    ),
    (
        Source(
            "opentelemetry-java, Context.root",
            "https://javadoc.io/doc/io.opentelemetry/opentelemetry-context/latest/",
        ),
    ),
)
PROPAGATOR = Fix(
    STACK,
    "OpenTelemetrySdk.builder() has no-operation propagators until some are set. The agent and the autoconfigure "
    "module set tracecontext and baggage.",
    (
        "OpenTelemetrySdk.builder()",
        "    .setTracerProvider(provider)",
        "    .setPropagators(ContextPropagators.create(",
        "        W3CTraceContextPropagator.getInstance()))",
        "    .buildAndRegisterGlobal();",
    ),
    (
        Source(
            "opentelemetry-java, OpenTelemetrySdkBuilder",
            "https://github.com/open-telemetry/opentelemetry-java/tree/main/sdk/all",
        ),
        Source(
            "OpenTelemetry, General SDK Configuration",
            "https://opentelemetry.io/docs/languages/sdk-configuration/general/#otel_propagators",
        ),
    ),
)

JAVA = Explanation(
    "java",
    "Java: the context belongs to the thread",
    "Executors, @Async and reactive operators change the thread, and the context stays behind unless the agent or a "
    "wrapper takes it along. Spring's clients propagate when its builders made them.",
    IN_PROCESS,
    "Run the agent, or wrap every executor; inject the builders of clients.",
    (CLIENT, ASYNC, SPRING_ASYNC, BACKGROUND, PROPAGATOR),
)
