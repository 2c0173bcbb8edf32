"""The four addresses, and the end."""

import asyncio

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port

from bot.server import serve
from tests.bot.kit import Bot


async def test_alive(bot: Bot) -> None:
    answer = await bot.get("/healthz")
    assert (answer.status, answer.body) == (200, b"ok")


async def test_ready_or_why_not(bot: Bot) -> None:
    assert (await bot.get("/readyz")).status == 200
    bot.reason = "signing keys not held"
    answer = await bot.get("/readyz")
    assert (answer.status, answer.body) == (503, b"signing keys not held")


async def test_messages_are_posted_only(bot: Bot) -> None:
    assert (await bot.get("/api/messages")).status == 405


async def test_numbers(bot: Bot) -> None:
    await bot.say()
    await bot.invoke("task/fetch", {})
    await bot.say(channelId="directline")

    async def broken(_: object) -> None:
        raise RuntimeError

    bot.engine = broken  # type: ignore[assignment]
    await bot.invoke("task/fetch", {})
    answer = await bot.get("/metrics")
    assert answer.status == 200
    lines = answer.body.decode().splitlines()
    assert 'passerelle_turns_total{kind="wrote",outcome="answered"} 1.0' in lines
    assert 'passerelle_turns_total{kind="opened",outcome="answered"} 1.0' in lines
    assert 'passerelle_turns_total{kind="opened",outcome="failed"} 1.0' in lines
    assert 'passerelle_refusals_total{reason="channel"} 1.0' in lines
    assert 'passerelle_turn_seconds_count{kind="opened"} 2.0' in lines


async def test_closing_leaves_nothing_running() -> None:
    bot = Bot()
    await bot.start()
    await bot.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


class Served:
    """An application of one slow address, served until told to stop."""

    def __init__(self, *, drain: float) -> None:
        self.under_way, self.go, self.stop = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.closed: list[bool] = []
        app = web.Application()
        app.router.add_get("/slow", self._slow)
        app.on_cleanup.append(self._cleanup)
        self.port = unused_port()
        self.task = asyncio.create_task(serve(app, "127.0.0.1", self.port, self.stop, drain=drain))

    async def _slow(self, _: web.Request) -> web.Response:
        self.under_way.set()
        await self.go.wait()
        return web.Response(text="done")

    async def _cleanup(self, _: web.Application) -> None:
        self.closed.append(True)

    async def get(self) -> str:
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/slow") as response:
                        return await response.text()
                except aiohttp.ClientConnectorError:
                    if self.stop.is_set():
                        raise

    async def refuses(self) -> None:
        """Returns once no new connection is taken."""
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                return
            writer.close()


async def test_stopping_takes_no_more_and_finishes_what_is_under_way() -> None:
    served = Served(drain=5)
    first = asyncio.create_task(served.get())
    await served.under_way.wait()
    served.stop.set()
    await served.refuses()
    assert not served.task.done()
    served.go.set()
    assert await first == "done"
    await served.task
    assert served.closed == [True]


async def test_stopping_does_not_wait_for_ever() -> None:
    served = Served(drain=0.05)
    first = asyncio.create_task(served.get())
    await served.under_way.wait()
    served.stop.set()
    await served.task
    with pytest.raises(aiohttp.ClientError):
        await first
    assert served.closed == [True]


async def test_an_address_already_taken_is_an_error() -> None:
    served = Served(drain=0.05)
    first = asyncio.create_task(served.get())
    await served.under_way.wait()
    with pytest.raises(OSError, match="address already in use"):
        await serve(web.Application(), "127.0.0.1", served.port, asyncio.Event())
    served.go.set()
    await first
    served.stop.set()
    await served.task
