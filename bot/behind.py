"""What stands behind the door, which opens before it is all there."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.door import TurnedAway
from services import revision
from services.spans import Span, no_span

if TYPE_CHECKING:
    from bot.handler import Handler
    from bot.notifications import Notified
    from services.store import Store

END_WITHIN = 4.0
"""Seconds for what is under way in the end; the process has ten from SIGTERM."""


@dataclass(frozen=True, slots=True)
class Joined:
    """What stands behind the door. `work` does what goes on by itself, until its event is set."""

    store: "Store"
    handler: "Handler"
    notified: "Notified | None"
    span: Span
    work: Callable[[asyncio.Event], Awaitable[None]]


class Behind:
    """What stands behind the door: being joined at first, and who comes meanwhile waits, for `patience` seconds.

    Where it cannot be joined (a database that does not answer, …), `stop` is set, and `end` raises why.
    """

    def __init__(self, joining: Coroutine[None, None, Joined], stop: asyncio.Event, patience: float) -> None:
        self._over = asyncio.Event()
        self._patience = patience
        self._joined = asyncio.create_task(joining)
        self._joined.add_done_callback(lambda done: stop.set() if _failed(done) else None)
        self._working = asyncio.create_task(self._work())

    async def take(self, body: Mapping[str, Any]) -> bytes | None:
        """`bot.handler.Handler.take`. Raises TurnedAway("starting")."""
        return await (await self._soon()).handler.take(body)

    async def told(self, request: web.Request) -> web.Response:
        """`bot.notifications.Notified.take`, where the settings have Graph tell something. Raises TurnedAway("starting")."""
        notified = (await self._soon()).notified
        assert notified is not None
        return await notified.take(request)

    async def store(self) -> "Store":
        """The database, once it is open."""
        return (await asyncio.shield(self._joined)).store

    async def database(self, url: str) -> str | None:
        """Why the database is not ready; None when it is."""
        if (joined := self._there()) is not None:
            return await joined.store.ready()
        return None if await asyncio.to_thread(revision.is_newest, url) else "database: not looked at yet"

    def span(self, name: str, /, **attributes: str) -> AbstractContextManager[None]:
        """`services.spans.Span`: none before there is who makes them."""
        joined = self._there()
        return (joined.span if joined else no_span)(name, **attributes)

    async def end(self) -> None:
        """Finish what is under way, as far as there is time."""
        self._over.set()
        _, late = await asyncio.wait((self._joined, self._working), timeout=END_WITHIN)
        for task in late:
            task.cancel()
        for outcome in await asyncio.gather(self._joined, self._working, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    def _there(self) -> Joined | None:
        return self._joined.result() if self._joined.done() and not _failed(self._joined) else None

    async def _soon(self) -> Joined:
        if (joined := self._there()) is not None:
            return joined
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.shield(self._joined)
        except Exception:
            raise TurnedAway("starting") from None

    async def _work(self) -> None:
        await (await asyncio.shield(self._joined)).work(self._over)


def _failed(task: "asyncio.Task[Joined]") -> bool:
    return task.cancelled() or task.exception() is not None
