"""OpenTelemetry, imported only where traces are wanted: `app.py` does so when OTEL_EXPORTER_OTLP_ENDPOINT is set.

A trace starts at the door or with a reaction of the outbox. Below it stand the dialog, the SQL (by SQLAlchemy's events;
OpenTelemetry's instrumentation of it takes no SQLAlchemy from 2.1 on) and the calls of Graph (msgraph's own spans). What
they would tell besides goes no further than `_Fence`: it lets through known attributes of known spans, and nothing that
may quote a value.

No span is continued from a request: whoever writes to /api/messages could choose its trace before their token is checked.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Thread
from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, TraceState
from opentelemetry.util.types import Attributes
from sqlalchemy import Engine, ExceptionContext, ExecutionContext, event

from services.errors import Refused, Unavailable
from services.spans import DOOR, REACTION
from services.store import Store

OURS, SQL = "passerelle", "sql"
GRAPH = "send_primitive_async"  # kiota's span of a whole call; those below it tell nothing more
TOLD = frozenset(
    {
        *("kind", "who", "reaction", "event", "error.type"),
        # The text of a statement holds no parameters (those are bound), the template of a URL no ids.
        *("db.system", "db.statement", "http.request.method", "http.response.status_code", "url.uri_template"),
    }
)
GOODBYE = 1.0  # seconds for the last spans: the process has ten from SIGTERM to its end


class Traces:
    """The traces of the process: `span` is `services.spans.Span`. One a process, as OpenTelemetry's provider is."""

    def __init__(self, exporter: SpanExporter, store: Store) -> None:
        self._provider = TracerProvider(
            sampler=ParentBased(_Roots()),
            resource=Resource.create({"service.name": OURS}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(_Fence(exporter)))
        self._tracer = self._provider.get_tracer(OURS)
        trace.set_tracer_provider(self._provider)  # msgraph asks for the process's
        _trace_sql(store.engine.sync_engine, self._tracer)

    @contextmanager
    def span(self, name: str, /, **attributes: str) -> Iterator[None]:
        """Open a span below the present one."""
        kind = SpanKind.SERVER if name == DOOR else SpanKind.INTERNAL
        with self._tracer.start_as_current_span(
            name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as fault:
                key = fault.key if isinstance(fault, Refused | Unavailable) else type(fault).__name__
                span.set_attribute("error.type", key)
                span.set_status(StatusCode.ERROR)
                raise

    def close(self) -> None:
        """Send what is left, as far as a collector that may be away lets us."""
        last = Thread(target=self._provider.shutdown, daemon=True)
        last.start()
        last.join(GOODBYE)


def collected_at(endpoint: str, store: Store) -> Traces:
    """Traces sent to the collector whose OTLP endpoint (HTTP) this is. Its headers and timeouts are OTEL_…'s."""
    return Traces(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces"), store)


def _trace_sql(engine: Engine, tracer: trace.Tracer) -> None:
    under_way: WeakKeyDictionary[ExecutionContext, trace.Span] = WeakKeyDictionary()

    def begin(_connection: object, _cursor: object, statement: str, _values: object, what: Any, _many: bool) -> None:
        words = {"db.system": engine.dialect.name, "db.statement": statement}
        under_way[what] = tracer.start_span(f"{SQL} {statement.split()[0]}", kind=SpanKind.CLIENT, attributes=words)

    def end(_connection: object, _cursor: object, _statement: str, _values: object, what: Any, _many: bool) -> None:
        under_way.pop(what).end()

    def fail(fault: ExceptionContext) -> None:
        span = under_way.pop(fault.execution_context, None) if fault.execution_context else None
        if span is not None:
            span.set_attribute("error.type", type(fault.original_exception).__name__)
            span.set_status(StatusCode.ERROR)
            span.end()

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    event.listen(engine, "handle_error", fail)


class _Roots(Sampler):
    """Only the door and a reaction start a trace: what looks at the clock or the outbox each second would drown them."""

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        starts = name in (DOOR, REACTION)
        return SamplingResult(Decision.RECORD_AND_SAMPLE if starts else Decision.DROP, attributes)

    def get_description(self) -> str:
        return "roots"


class _Fence(SpanExporter):
    """Hands on known spans with known attributes: no events (an error's message is one), no descriptions, no URLs."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        told = [_plain(span) for span in spans if _is_told(span)]
        return self._exporter.export(told) if told else SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _is_told(span: ReadableSpan) -> bool:
    scope = span.instrumentation_scope
    return span.name.startswith(GRAPH) or (scope is not None and scope.name == OURS)


def _plain(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes={key: value for key, value in (span.attributes or {}).items() if key in TOLD},
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
