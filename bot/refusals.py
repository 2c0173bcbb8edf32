"""What becomes of a request turned away: it is counted; and what another tenant tried, in the journal."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from bot.metrics import Metrics
from bot.pace import Pace

if TYPE_CHECKING:
    from services.store import Store

ONE_A_MINUTE = 1 / 60


class Refusals:
    """`bot.door.Door`'s `on_refusal`.

    Only another tenant's attempt is more than noise: Microsoft signed it. One a minute is journalled, so that nobody can
    fill the journal from outside. `store` gives the database, once it is open.
    """

    def __init__(self, metrics: Metrics, store: "Callable[[], Awaitable[Store]]", pace: Pace | None = None) -> None:
        self._metrics = metrics
        self._store = store
        self._pace = pace or Pace(per_second=ONE_A_MINUTE, burst=1)
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, reason: str) -> None:
        """One request turned away, for this reason (a key of `bot.door.STATUS`)."""
        self._metrics.refused(reason)
        if reason == "tenant" and self._pace.allows(reason):
            task = asyncio.create_task(self._write())
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    async def _write(self) -> None:
        async with (await self._store()).work() as work:
            work.journal("other_tenant", "refused.door", "-", after="tenant")
