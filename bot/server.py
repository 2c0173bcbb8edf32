"""The HTTP server: four addresses, Graph's where the firm wants it, and an orderly end."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from bot.door import Door, TurnedAway
from bot.keys import Keys
from bot.metrics import Metrics
from bot.pace import Brake
from services.spans import DOOR, Span, no_span

NOTIFICATIONS = "/api/notifications"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

# aiohttp waits up to twice this long (once for the handlers, once for their connections), and the process has ten
# seconds from SIGTERM to its end, of which the outbox needs its part.
DRAIN = 2.5

logger = logging.getLogger(__name__)


def open_session() -> aiohttp.ClientSession:
    """The one session of the process for the connector and the signing keys. No cookies, no proxy from the environment."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=100),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=10),
    )


def make_app(
    *,
    door: Door,
    take: Callable[[Mapping[str, Any]], Awaitable[bytes | None]],
    keys: Keys,
    ready: Callable[[], Awaitable[str | None]],
    metrics: Metrics,
    span: Span = no_span,
    notified: Answer | None = None,
) -> web.Application:
    """The web application. `ready` gives the reason why the program is not ready, None when it is.

    `take` gives what answers an activity the door has let in (`bot.handler.Handler.take`); `notified` takes Graph's change
    notifications, where the firm has them sent. Either may raise TurnedAway.

    While the application runs, the signing keys are kept fresh in the background.
    """

    brake = Brake()

    def behind_door(answer: Answer) -> Answer:
        async def answered(request: web.Request) -> web.StreamResponse:
            try:
                return await answer(request)
            except TurnedAway as refusal:
                if refusal.status == HTTPStatus.TOO_MANY_REQUESTS:
                    await brake.hold()
                return web.Response(status=refusal.status)

        return answered

    async def messages(request: web.Request) -> web.Response:
        with span(DOOR):
            body = await take(await door.admit(request))
        return web.Response() if body is None else web.Response(body=body, content_type="application/json")

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def readyz(_: web.Request) -> web.Response:
        reason = await ready()
        return web.Response(text="ok") if reason is None else web.Response(status=503, text=reason)

    async def numbers(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def keeping(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(keys.keep())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    app = web.Application()
    app.router.add_post("/api/messages", behind_door(messages))
    if notified is not None:
        app.router.add_post(NOTIFICATIONS, behind_door(notified))
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", numbers)
    app.cleanup_ctx.append(keeping)
    return app


async def serve(
    app: web.Application,
    host: str,
    port: int,
    stop: asyncio.Event,
    *,
    drain: float = DRAIN,
) -> None:
    """Serves until `stop` is set, then takes no more and finishes the turns under way (at most about 2 x drain seconds).

    Raises OSError when the address cannot be listened on.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=drain)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        logger.info("listening on %s:%d", host, port)
        await stop.wait()
        logger.info("stopping")
    finally:
        await runner.cleanup()
