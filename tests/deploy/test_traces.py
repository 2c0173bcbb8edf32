"""Traces as a collector gets them over HTTP: one a turn, its spans below each other, and nobody's name anywhere."""

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Mapping
from copy import deepcopy

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from services import traces
from services.spans import DIALOG, DOOR, REACTION
from tests.deploy.process import ended, fill, serving
from tests.teams import Firm
from tests.test_clicks import invites_paul
from tests.test_logs import CANARY, hostile, told
from tests.test_process import run

# Any bytes may stand there, an @ among them.
CHANCE = ("trace_id", "span_id", "parent_span_id", "start_time_unix_nano", "end_time_unix_nano")


class Collector:
    """Somebody's OpenTelemetry collector."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.written = ""

    async def take(self, request: web.Request) -> web.Response:
        export = ExportTraceServiceRequest.FromString(await request.read())
        spans = [span for resource in export.resource_spans for scope in resource.scope_spans for span in scope.spans]
        self.spans += deepcopy(spans)
        for span in spans:
            for field in CHANCE:
                span.ClearField(field)
        self.written += str(export)
        return web.Response(content_type="application/x-protobuf")

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name.startswith(name)]

    def below(self, span: Span) -> list[Span]:
        return [one for one in self.spans if one.parent_span_id == span.span_id]


def said(span: Span) -> dict[str, str]:
    return {one.key: one.value.string_value or str(one.value.int_value) for one in span.attributes}


@pytest.fixture
async def collector() -> AsyncIterator[tuple[Collector, str]]:
    held = Collector()
    application = web.Application()
    application.router.add_post("/v1/traces", held.take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield held, f"http://127.0.0.1:{site.port}"
    await runner.cleanup()


def environment(firm: Firm, database_url: str, port: int, endpoint: str) -> Mapping[str, str]:
    return {
        "PATH": os.environ["PATH"],
        **firm.environment(),
        "DATABASE_URL": database_url,
        "PORT": str(port),
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }


async def test_a_turn_is_one_trace_and_a_reaction_another_and_nothing_names_anybody(
    empty_firm: Firm, database_url: str, unused_tcp_port: int, collector: tuple[Collector, str]
) -> None:
    held, endpoint = collector
    await fill(empty_firm, database_url)
    empty_firm.teams.bot_url = f"http://127.0.0.1:{unused_tcp_port}/api/messages"
    async with serving(environment(empty_firm, database_url, unused_tcp_port, endpoint)) as process:
        await empty_firm.install()
        claire, malo, paul = (empty_firm.person(name) for name in ("Claire", "Malo", "Paul"))
        await hostile(empty_firm, claire, malo)
        empty_firm.cloud.state.fail_next("POST", "/invitations", 503, code="ServiceUnavailable", message=CANARY)
        await invites_paul(claire)
        await claire.clicks("Envoyer l’invitation")
        await paul.receives("vous invite", within=30)
        assert await ended(process) == 0

    insert = next(span for span in held.named("sql INSERT") if "INTO invitations " in said(span)["db.statement"])
    dialog = next(span for span in held.named(DIALOG) if span.span_id == insert.parent_span_id)
    door = next(span for span in held.named(DOOR) if span.span_id == dialog.parent_span_id)
    assert not door.parent_span_id
    assert said(dialog)["kind"] == "submitted"
    assert re.fullmatch(r"p-[0-9a-f]{12}", said(dialog)["who"])
    assert {span.trace_id for span in held.below(dialog)} == {dialog.trace_id} == {door.trace_id}
    # Who the administrators are is asked anew.
    assert any(span.name.startswith(traces.GRAPH) and "/members" in span.name for span in held.below(dialog))

    asked = [span for span in held.named(REACTION) if said(span)["reaction"] == "send_invitation"]
    assert [said(span).get("error.type") for span in asked] == ["directory_down", None]
    assert all(not span.parent_span_id for span in asked)
    graph = [span for span in held.named(traces.GRAPH) if "/users" in span.name or "/invitations" in span.name]
    assert {said(span)["http.request.method"] for span in graph} == {"GET", "POST"}

    roots = {span.name for span in held.spans if not span.parent_span_id}
    assert roots == {DOOR, REACTION}
    assert not any(span.events or span.status.message for span in held.spans)
    assert {key for span in held.spans for key in said(span)} <= traces.TOLD
    assert told(held.written) == []


async def test_a_collector_that_is_away_delays_neither_a_turn_nor_the_end(
    empty_firm: Firm, tmp_path: object, unused_tcp_port: int
) -> None:
    database_url = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    empty_firm.teams.bot_url = f"http://127.0.0.1:{unused_tcp_port}/api/messages"
    async with serving(environment(empty_firm, database_url, unused_tcp_port, "http://127.0.0.1:9")) as process:
        await empty_firm.install()
        claire = empty_firm.person("Claire")
        await claire.writes("aide")
        await claire.sees("Nouveau client")
        started = time.monotonic()
        assert await asyncio.wait_for(ended(process), 10) == 0
        assert time.monotonic() - started < 8


@pytest.mark.parametrize("endpoint", ["collector:4318", "http://", "ftp://collector", "http://paul:hush@collector"])
async def test_an_address_that_is_none_ends_the_start(endpoint: str) -> None:
    status, _, err = await run({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
    assert status == 2
    assert sum(line.startswith("OTEL_EXPORTER_OTLP_ENDPOINT:") for line in err.splitlines()) == 1
    assert "hush" not in err


async def test_unless_they_are_asked_for_their_library_is_not_even_imported() -> None:
    code = "import sys, app; print([one for one in sys.modules if one.startswith('opentelemetry')])"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code), stdout=asyncio.subprocess.PIPE, env={"PATH": os.environ["PATH"]}
    )
    out, _ = await process.communicate()
    assert out.decode().strip() == "[]"
