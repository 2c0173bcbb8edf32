"""The HTTP server: four addresses, Graph's where the firm wants it, and an orderly end."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus

import aiohttp
from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from bot import notifications
from bot.door import Door, TurnedAway
from bot.handler import Handler
from bot.keys import Keys
from bot.metrics import Metrics
from bot.notifications import Notified
from bot.pace import Brake
from services.spans import DOOR, Span, no_span

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
    handler: Handler,
    keys: Keys,
    ready: Callable[[], Awaitable[str | None]],
    metrics: Metrics,
    span: Span = no_span,
    notified: Notified | None = None,
) -> web.Application:
    """The web application. `ready` gives the reason why the program is not ready, None when it is.

    `notified` takes Graph's change notifications, where the firm has them sent.

    While the application runs, the signing keys are kept fresh in the background.
    """

    brake = Brake()

    async def messages(request: web.Request) -> web.Response:
        try:
            with span(DOOR):
                body = await handler.take(await door.admit(request))
        except TurnedAway as refusal:
            if refusal.status == HTTPStatus.TOO_MANY_REQUESTS:
                await brake.hold()
            return web.Response(status=refusal.status)
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
    app.router.add_post("/api/messages", messages)
    if notified is not None:
        app.router.add_post(notifications.PATH, notified.take)
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
    listening: asyncio.Event | None = None,
    drain: float = DRAIN,
) -> None:
    """Serves until `stop` is set, then takes no more and finishes the turns under way (at most about 2 x drain seconds).

    `listening` is set once it does. Raises OSError when the address cannot be listened on.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=drain)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        logger.info("listening on %s:%d", host, port)
        if listening is not None:
            listening.set()
        await stop.wait()
        logger.info("stopping")
    finally:
        await runner.cleanup()
